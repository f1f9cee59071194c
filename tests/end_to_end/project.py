"""Run the project on a separate database: load it with the pipelines, build it with dbt.

`Run.load` and `Run.build` do the same as `dlt pipeline run` and `dbt build` in this process,
without the seconds for a new Python and a new parse. `Run.run` runs the real commands.
"""

import csv
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.factory import reset_adapters
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

from benchmarks.measuring import DBT
from pipelines import load

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SANDBOX_ARGUMENTS = {
    "as_of": "2024-04-15",
    "month": "2024-03",
    "customer": "A1 Company",
    "usage_from": "2024-03-10",
    "usage_to": "2024-03-25",
}

QUIET = ("--log-level", "warn", "--no-write-json")
"""Options of a dbt command whose artifacts nobody reads."""

MODELS = ("--exclude-resource-type", "test", "unit_test")
"""What to build where tests of the rows prove nothing that another build does not prove."""

MARTS = (
    *("--select", "+path:models/marts", "+path:models/reports"),
    *("--exclude-resource-type", "unit_test"),
    *("--exclude", "path:models/staging,resource_type:test"),
)
"""What to build where the rows of staging are tested elsewhere: what the reports are made from."""

FOREIGN = re.compile("METRONOME|^REPORT")
"""Environment variables of the machine that would be settings of a run."""

PARSED = "partial_parse.msgpack"
"""dbt's file of a parse."""

DATABASE = "database.txt"
"""The file in the same folder that has the path of the database."""


@dataclass
class Run:
    """One database, its working folders and its reports.

    Attributes:
        folder: All of them are in it.
        parsed: A folder with dbt's parse of the project.
        settings: The environment variables that lead to the sources.
    """

    folder: Path
    parsed: Path
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reports = self.folder / "reports"
        self.target = self.folder / "target"
        self.database = self.folder / "metronome.duckdb"
        self.reports.mkdir(parents=True, exist_ok=True)
        if not self.target.exists():
            self.target.mkdir()
            shutil.copy(self.parsed / PARSED, self.target)

    def copy(self, folder: Path) -> "Run":
        """Return the same database and reports in another folder, to be changed."""
        assert not self.database.with_name(f"{self.database.name}.wal").exists()
        copied = Run(folder, self.parsed, dict(self.settings))
        shutil.copy(self.database, copied.database)
        shutil.copytree(self.reports, copied.reports, dirs_exist_ok=True)
        return copied

    def load(self) -> str:
        """Load the configured sources. Return the printed lines."""
        with self._environment():
            return "\n".join(load.run(load.configured()))

    def build(self, *options: str, command: str = "build", **variables: str) -> str:
        """Run `dbt build`, or another dbt command. Return its output.

        Raises:
            RunError: If a model or test fails.
        """
        said = io.StringIO()
        words = [command, *QUIET, "--log-level-file", "none", *options]
        given = self._arguments(variables)
        with self._environment(**given), redirect_stdout(said), redirect_stderr(said):
            done = dbtRunner(manifest(self.parsed)).invoke(words)
        reset_adapters()
        DuckDBConnectionManager.close_all_connections()  # another process may have the file now
        if not done.success:
            raise RunError(f"{said.getvalue()}{done.exception or ''}", 1)
        return said.getvalue()

    def build_by(self, *by: str, options: tuple[str, ...], **variables: str) -> str:
        """Run `dbt build` in a separate process, through a command. Return its output."""
        command = (*by, str(BIN / "dbt"), "build", *QUIET, *options)
        return self.run(*command, **self._arguments(variables))

    def publish(self, *options: str, **variables: str) -> str:
        """Run `dbt build` and publish its reports. Return the output."""
        command = (*DBT, "build", "--quiet", *options)
        publisher = ("python", "-m", "pipelines.publish", str(self.reports), "--")
        given = self._arguments(variables)
        del given["REPORTS_DIR"]
        return self.run(*publisher, *command, **given)

    def report(self, name: str) -> list[dict[str, str]]:
        """Return the rows of a report, every cell a text."""
        with (self.reports / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file, strict=True))

    def query(self, sql: str) -> list[tuple]:
        """Return rows of the database."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def execute(self, sql: str) -> None:
        """Change the database, as a fault would."""
        with duckdb.connect(str(self.database)) as connection:
            connection.execute(sql)

    def run(self, *command: str, **settings: str) -> str:
        """Run a command with the settings of this run. Return its output.

        Raises:
            RunError: If it exits with an error.
        """
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment | settings,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RunError(done.stdout + done.stderr, done.returncode)
        return done.stdout + done.stderr

    @property
    def environment(self) -> dict[str, str]:
        """Return this process's environment variables, with the settings of this run alone."""
        return {
            **{key: value for key, value in os.environ.items() if not FOREIGN.search(key)},
            "DESTINATION__DUCKDB__CREDENTIALS": str(self.database),
            "DLT_DATA_DIR": str(self.folder / "dlt"),
            "DBT_TARGET_PATH": str(self.target),
            "DBT_LOG_PATH": str(self.folder),
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "DO_NOT_TRACK": "1",
            **self.settings,
        }

    def _arguments(self, variables: dict[str, str]) -> dict[str, str]:
        """Return the environment variables of a run's arguments."""
        given = {
            f"REPORT_{name.upper()}": text
            for name, text in {**SANDBOX_ARGUMENTS, **variables}.items()
        }
        return given | {"REPORTS_DIR": str(self.reports)}

    @contextmanager
    def _environment(self, **settings: str) -> Iterator[None]:
        given = self.environment | settings
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(ROOT)
            for name in os.environ.keys() - given.keys():
                patch.delenv(name)
            for name, value in given.items():
                patch.setenv(name, value)
            yield


def parse(folder: Path, database: str, made: Path | None = None) -> Manifest:
    """Parse the project into a folder.

    Args:
        folder: The folder of the parse. It gets no `manifest.json` if `made` is given.
        database: The setting of the database's path. dbt uses a parse again if it is the same.
        made: A target folder with a parse for this database, from a run that has ended.
    """
    if made and (made / PARSED).exists():
        shutil.copy(made / PARSED, folder)
    (folder / DATABASE).write_text(database, encoding="utf-8")
    words = ["parse", "--quiet", "--target-path", str(folder), "--log-path", str(folder)]
    words += ["--project-dir", str(ROOT), "--profiles-dir", str(ROOT)]
    words += ["--no-write-json"] if made else []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DESTINATION__DUCKDB__CREDENTIALS", database)
        done = dbtRunner().invoke(words)
    assert done.success, done.exception
    return done.result


@cache
def manifest(parsed: Path) -> Manifest:
    """Return the manifest of a parse. Other workers can read the folder too."""
    with TemporaryDirectory() as folder:
        database = (parsed / DATABASE).read_text(encoding="utf-8")
        return parse(Path(folder), database, parsed)


class RunError(Exception):
    """A command exited with an error. The message is its output."""

    def __init__(self, said: str, code: int) -> None:
        super().__init__(said)
        self.code = code
