"""Show on a terminal how far a step is."""

import sys

from tqdm import tqdm

from pipelines.common.log import is_json_log


def progress_bar(description: str, unit: str, total: int) -> "tqdm[None]":
    """Return a bar that counts up to a total, and that is gone from the screen when it is closed.

    It writes nothing unless the standard error is a terminal, and nothing if lines are JSON.

    Args:
        description: What the step does, such as `pages`.
        unit: What it counts, such as `files`.
        total: How many of them there are.
    """
    is_shown = sys.stderr.isatty() and not is_json_log()
    return tqdm(
        desc=description,
        unit=f" {unit}",
        total=total,
        leave=False,
        disable=not is_shown,
        file=sys.stderr,
    )
