"""A progress bar is on a terminal only, and is gone when the step is over."""

import subprocess
import sys

from tests.terminal import left_on_screen, on_terminal

PROGRAM = """
from pipelines.common.progress import progress_bar

with progress_bar("pages", "files", 3) as bar:
    for _ in range(3):
        bar.update()
        bar.refresh()
"""
COMMAND = [sys.executable, "-c", PROGRAM]


def test_a_terminal_shows_how_far_it_is():
    written = on_terminal(COMMAND)
    assert "pages" in written
    for done in ("0/3", "1/3", "3/3"):
        assert done in written


def test_the_bar_is_gone_at_the_end():
    assert left_on_screen(on_terminal(COMMAND)) == ""


def test_without_a_terminal_and_with_json_it_is_quiet():
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""
    assert on_terminal(COMMAND, RUNTIME__LOG_FORMAT="JSON") == ""
