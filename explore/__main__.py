"""Open the snapshot: `python -m explore` in Harlequin, `python -m explore app` in the app."""

import os
import sys
from pathlib import Path
from typing import NoReturn

from explore.queries import STARTERS
from explore.snapshot import take
from pipelines.common.errors import InputError
from pipelines.common.settings import database_file

FOLDER = Path(__file__).parent
PORT = "2718"


def main(arguments: list[str]) -> int:
    """Take a snapshot and open it.

    Without a terminal, print the queries and the path of the snapshot, and open nothing.

    Args:
        arguments: Empty, or `app`.

    Returns:
        1 after an error that the user can correct. Otherwise the program becomes Harlequin or
        marimo, and ends with its exit code.
    """
    try:
        snapshot = take(database_file())
        if arguments == ["app"]:
            _serve(snapshot)
        _show_queries(snapshot)
        if sys.stdin.isatty() and sys.stdout.isatty():
            input("Press Enter to open Harlequin. Ctrl+Q closes it. ")
            _edit(snapshot)
    except InputError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except (EOFError, KeyboardInterrupt):
        print()
    return 0


def _serve(snapshot: Path) -> NoReturn:
    port = os.environ.get("PORT") or PORT
    os.environ["EXPLORE_SNAPSHOT"] = str(snapshot)
    print(f"Serving {snapshot} at http://127.0.0.1:{port}. Stop with Ctrl+C.", flush=True)
    _become("marimo", "run", FOLDER / "customer.py", "--host", "127.0.0.1", "--port", port)


def _edit(snapshot: Path) -> NoReturn:
    adapter = ("--adapter", "metronome", "--read-only", "--init-path", FOLDER / "init.sql")
    _become("harlequin", *adapter, snapshot)


def _show_queries(snapshot: Path) -> None:
    print(f"Queries to start with, on {snapshot}:\n")
    for question, sql in STARTERS.items():
        print(f"-- {question}\n{sql}")
    sys.stdout.flush()


def _become(program: str, *arguments: str | Path) -> NoReturn:
    """Replace this process by a program of the same environment."""
    path = Path(sys.executable).with_name(program)
    if not path.exists():
        raise InputError(f"{program} is not installed: run pip install '.[explore]'.")
    os.execv(path, [program, *map(str, arguments)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
