"""What stopped a load in one sentence, instead of five tracebacks."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import dlt
from dlt.load.exceptions import LoadClientJobException
from dlt.pipeline.exceptions import PipelineStepFailed

from pipelines.errors import InputError

IS_FULL = re.compile("No space left on device|File too large|Disk quota exceeded")
MAKE_ROOM = (
    "Make room on the disks of the database and of dlt's working folder, then run the same again; "
    "what was loaded before is as it was."
)


@contextmanager
def told_plainly(pipeline: dlt.Pipeline) -> Iterator[None]:
    """Within it, what stops a pipeline is told by its first cause.

    Raises:
        KeyboardInterrupt: If that stopped it.
        InputError: The user's own, if it is what stopped the pipeline; else one that names the
            step, or the table that could not be loaded.
    """
    try:
        yield
    except PipelineStepFailed as error:
        raise plain(error) from error


def plain(error: Exception) -> InputError:
    """The first cause of what dlt, the database or the disk refused.

    Raises:
        KeyboardInterrupt: If that is the first cause.
        InputError: The user's own, if there is one among the causes.
    """
    cause: BaseException = error
    is_step = isinstance(error, PipelineStepFailed)
    step = error.step if is_step else None
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__  # type: ignore[assignment]
        if isinstance(cause, InputError | KeyboardInterrupt):
            raise cause from None
        if isinstance(cause, LoadClientJobException):
            step = f"load of {cause.job_id.partition('.')[0]}"
    where = f"{error.pipeline.pipeline_name} failed in {step}" if is_step else "The load stopped"
    told = f"{where}: {str(cause) or repr(cause)}"
    return InputError(told + (f". {MAKE_ROOM}" if IS_FULL.search(told) else ""))
