"""Raise errors that a user can act on.

`python -m sandbox` and the check of the arguments import this module without the 0.4 seconds that
importing dlt takes.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

IS_FULL = re.compile("No space left on device|File too large|Disk quota exceeded")
MAKE_ROOM = (
    "Make room on the disks of the database and of dlt's working folder, then run the same command "
    "again. Rows of earlier loads have not changed."
)
OWN_DATABASE = (
    "Load it into another database: DB=<file> for make, DESTINATION__DUCKDB__CREDENTIALS for dlt."
)
"""The end of a message that refuses to mix two accounts."""


def printable(text: str) -> str:
    """Replace control characters and invisible characters with �. Keeps line feeds."""
    return "".join(
        character if character.isprintable() or character == "\n" else "�" for character in text
    )


class InputError(Exception):
    """A setting or the data is wrong. The message names it and states what to do.

    The message can quote text from files or the API, so it is made printable.
    """

    def __init__(self, message: object) -> None:
        super().__init__(printable(str(message)))


@contextmanager
def as_input_error() -> Iterator[None]:
    """Re-raise a failure of dlt's pipeline as an InputError with its root cause.

    Raises:
        KeyboardInterrupt: If it stopped the pipeline.
        InputError: The InputError that stopped the pipeline, if one did. Otherwise a new one that
            names the step, or the table that could not be loaded.
    """
    from dlt.pipeline.exceptions import PipelineStepFailed

    try:
        yield
    except PipelineStepFailed as error:
        raise to_input_error(error) from error


def to_input_error(error: Exception) -> InputError:
    """Make an InputError from the root cause of an error of dlt, DuckDB or the disk.

    Raises:
        KeyboardInterrupt: If it is among the causes.
        InputError: If one is among the causes.
    """
    from dlt.load.exceptions import LoadClientJobException
    from dlt.pipeline.exceptions import PipelineStepFailed

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
    message = f"{where}: {str(cause) or repr(cause)}"
    return InputError(message + (f". {MAKE_ROOM}" if IS_FULL.search(message) else ""))
