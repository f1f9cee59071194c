"""The folder of published reports: what readers find in it, always and after faults."""

import os
import subprocess
import sys
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any

import duckdb
import pytest

from pipelines.publish.folder import reports_folder
from tests.pipelines.conftest import ROOT

KILL_PUBLISHER = ("sh", "-c", 'echo half > "$REPORTS_DIR/a.csv"; kill -9 $PPID $$')


@pytest.fixture(autouse=True)
def database(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database of our own, and a target folder."""
    folder = tmp_path_factory.mktemp("database")
    file = folder / "metronome.duckdb"
    duckdb.connect(str(file)).close()
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(file))
    monkeypatch.setenv("DBT_TARGET_PATH", str(folder / "target"))
    return file


def publish(folder: Path, **files: str) -> None:
    """Publish a set of files, by name and content."""
    with reports_folder(folder) as reports:
        for name, content in files.items():
            (reports.new_set / f"{name}.csv").write_text(content)
        reports.swap()


def seen(folder: Path) -> dict[str, str]:
    """What a reader finds by the names of files; what begins with a dot is the publisher's."""
    return {path.name: path.read_text() for path in folder.glob("[!.]*") if path.is_file()}


def command(folder: Path, *given: str) -> list[str]:
    return [sys.executable, "-m", "pipelines.publish", str(folder), "--", *given]


def run(*given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(given, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_swap_replaces_all_files_and_what_is_no_report_stays(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "a.csv").write_text("of an older version, which wrote no sets")
    publish(tmp_path, a="1", b="1")
    assert seen(tmp_path) == {"notes.txt": "mine", "a.csv": "1", "b.csv": "1"}
    publish(tmp_path, a="2", b="2")
    assert seen(tmp_path) == {"notes.txt": "mine", "a.csv": "2", "b.csv": "2"}


def test_a_report_that_is_no_more_goes_and_a_new_one_comes(tmp_path: Path):
    publish(tmp_path, a="1", b="1")
    publish(tmp_path, b="2", c="2")
    assert seen(tmp_path) == {"b.csv": "2", "c.csv": "2"}
    assert not (tmp_path / "a.csv").is_symlink()


def test_a_set_that_is_not_swapped_in_is_never_seen(tmp_path: Path):
    publish(tmp_path, a="1")
    with reports_folder(tmp_path) as reports:
        (reports.new_set / "a.csv").write_text("half")
    assert seen(tmp_path) == {"a.csv": "1"}
    publish(tmp_path, b="2")
    assert seen(tmp_path) == {"b.csv": "2"}


def test_before_each_call_of_the_system_readers_see_one_set_or_the_next(tmp_path: Path):
    publish(tmp_path, a="1", b="1")
    views = []

    def look(frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and getattr(called, "__module__", None) == "posix":
            views.append(seen(tmp_path))

    for number in ("2", "3"):
        sys.setprofile(look)
        try:
            publish(tmp_path, a=number, b=number)
        finally:
            sys.setprofile(None)
    sets = [{"a.csv": number, "b.csv": number} for number in ("1", "2", "3")]
    assert [view for view, _ in groupby(views)] == sets


def test_a_killed_run_leaves_the_old_set_and_the_next_is_not_held_up(tmp_path: Path):
    publish(tmp_path, a="1", b="1")
    done = run(*command(tmp_path, *KILL_PUBLISHER))
    assert done.returncode == -9
    assert (tmp_path / ".sets" / "b" / "a.csv").read_text() == "half\n"
    assert seen(tmp_path) == {"a.csv": "1", "b.csv": "1"}
    publish(tmp_path, b="2")
    assert seen(tmp_path) == {"b.csv": "2"}


def test_a_folder_that_cannot_be_written_to_is_said_in_a_line_before_anything_runs(tmp_path: Path):
    folder, ran = tmp_path / "reports", tmp_path / "ran"
    publish(folder, a="1")
    folder.chmod(0o555)
    # root may write anywhere, unless that power is taken from it
    as_others = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
    done = run(*as_others, *command(folder, "touch", str(ran)))
    folder.chmod(0o755)
    assert done.returncode == 1
    assert not ran.exists()
    assert seen(folder) == {"a.csv": "1"}
    assert f"Not published.\n  {folder} cannot be written to: Permission denied." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (["true"], 1, "dbt left no results in"),
        (["sh", "-c", "exit 2"], 2, "sh ended with exit code 2"),
        (["no-such-command"], 1, "No such file or directory: 'no-such-command'"),
        (["sh", "-c", "kill -TERM $$"], 143, "sh ended with exit code 143"),
    ],
)
def test_what_is_no_build_is_not_published(tmp_path: Path, given: list[str], code: int, said: str):
    publish(tmp_path, a="1")
    done = run(*command(tmp_path, *given))
    assert done.returncode == code
    assert "Not published." in done.stderr
    assert said in done.stderr
    assert seen(tmp_path) == {"a.csv": "1"}


def test_a_run_without_a_command_says_how_it_is_used(tmp_path: Path):
    done = run(*command(tmp_path))
    assert done.returncode == 2
    assert "publish needs a command" in done.stderr
