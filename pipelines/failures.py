"""A failed dlt step in one sentence, instead of five tracebacks."""

from collections.abc import Iterator
from contextlib import contextmanager

import dlt
from dlt.load.exceptions import LoadClientJobException
from dlt.pipeline.exceptions import PipelineStepFailed

from pipelines.errors import InputError


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
        cause: BaseException = error
        step = error.step
        while cause.__cause__ or cause.__context__:
            cause = cause.__cause__ or cause.__context__  # type: ignore[assignment]
            if isinstance(cause, InputError | KeyboardInterrupt):
                raise cause from None
            if isinstance(cause, LoadClientJobException):
                step = f"load of {cause.job_id.partition('.')[0]}"
        raise InputError(
            f"{pipeline.pipeline_name} failed in {step}: {str(cause) or repr(cause)}"
        ) from error
