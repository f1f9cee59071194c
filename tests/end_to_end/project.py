"""A project as its user runs it: `dlt pipeline run`, then `dbt build`, on a database of its own."""

import csv
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SANDBOX_ARGUMENTS = {
    "as_of": "2024-04-15",
    "month": "2024-03",
    "customer": "A1 Company",
    "usage_from": "2024-03-10",
    "usage_to": "2024-03-25",
}

MARTS = (
    *("--exclude-resource-type", "unit_test"),
    *("--exclude", "path:models/staging,resource_type:test"),
)
"""What to build where the rows of staging are tested elsewhere: it takes half the time."""


@dataclass
class Run:
    """One database, its working folders and its reports."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reports = self.folder / "reports"
        self.reports.mkdir(parents=True, exist_ok=True)
        self.database = self.folder / "metronome.duckdb"

    def load(self) -> str:
        """`dlt pipeline run`; returns what it printed."""
        return self.run("dlt", "pipeline", "run")

    def build(self, *options: str, by: tuple[str, ...] = (), **variables: str) -> str:
        """`dbt build`, maybe by way of a command; returns what it printed."""
        command = self._dbt_build(options, variables | {"reports_dir": str(self.reports)})
        return self.run(*by, *command)

    def publish(self, *options: str, **variables: str | bool) -> str:
        """`dbt build`, and its reports published; returns what was printed."""
        command = self._dbt_build(options, variables)
        return self.run("python", "-m", "pipelines.publish", str(self.reports), "--", *command)

    def report(self, name: str) -> list[dict[str, str]]:
        """The rows of a report, every cell a text."""
        with (self.reports / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file, strict=True))

    def query(self, sql: str) -> list[tuple]:
        """Rows of the database."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def execute(self, sql: str) -> None:
        """Change the database, as a fault would."""
        with duckdb.connect(str(self.database)) as connection:
            connection.execute(sql)

    @staticmethod
    def _dbt_build(options: tuple[str, ...], variables: dict[str, str | bool]) -> list[str]:
        given = {**SANDBOX_ARGUMENTS, **variables}
        return [str(BIN / "dbt"), "build", "--log-level", "warn", "--vars", repr(given), *options]

    def run(self, *command: str) -> str:
        """A command with the settings of this run; returns what it printed.

        Raises:
            RunError: If it exits with an error.
        """
        environment = {
            **{key: value for key, value in os.environ.items() if "METRONOME" not in key},
            "DESTINATION__DUCKDB__CREDENTIALS": str(self.database),
            "DLT_DATA_DIR": str(self.folder / "dlt"),
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder),
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "DO_NOT_TRACK": "1",
            **self.settings,
        }
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RunError(done.stdout + done.stderr, done.returncode)
        return done.stdout + done.stderr


class RunError(Exception):
    """A command exited with an error; the message is what it printed."""

    def __init__(self, said: str, code: int) -> None:
        super().__init__(said)
        self.code = code
