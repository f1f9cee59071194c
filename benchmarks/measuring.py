"""Run commands as separate processes, and measure their cost."""

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
DBT = (sys.executable, "-c", re.search('^DBT := .* -c "(.*)"$', MAKEFILE, re.MULTILINE)[1])
"""dbt as the Makefile runs it."""

DUCKDB = """
import os, sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute(f"set memory_limit = '{os.environ['DUCKDB_MEMORY_LIMIT']}'")
connection.execute("set timezone = 'UTC'; set preserve_insertion_order = false")
connection.execute(sys.stdin.read())
"""
"""A Python program that runs the SQL of its standard input on a database."""


@dataclass
class Cost:
    """The cost of one command, or of several one after the other.

    Attributes:
        seconds: Elapsed seconds.
        busy: Processor seconds. Ratios use them, because other work on the machine affects them
            least.
        peak_bytes: Most memory of one command, in bytes.
    """

    seconds: float = 0
    busy: float = 0
    peak_bytes: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.seconds + other.seconds,
            self.busy + other.busy,
            max(self.peak_bytes, other.peak_bytes),
        )

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s, busy {self.busy:.1f} s, {self.peak_bytes / 2**20:,.0f} MiB"

    def per(self, other: "Cost", name: str) -> str:
        """Return the ratio of the processor seconds to those of a reference."""
        return f"{self.busy / other.busy:.1f} {name}"


def measure(
    command: list[str | Path],
    settings: dict[str, str] | None = None,
    sql: str = "",
    folder: Path = ROOT,
) -> Cost:
    """Run a command to its end.

    Args:
        command: The program and its arguments.
        settings: Additional environment variables.
        sql: Its standard input.
        folder: Its working folder.

    Raises:
        SystemExit: If it fails.
    """
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | (settings or {}),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    process.stdin.write(sql)
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    if status:
        code = os.waitstatus_to_exitcode(status)
        raise SystemExit(f"{' '.join(map(str, command))[:200]} ended with {code}")
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)


def landing(tables: list[Path], options: str = "union_by_name = true") -> str:
    """Return the SQL with which DuckDB creates one table per folder of Parquet files."""
    return "".join(
        f"create table {folder.name} as from read_parquet('{folder}/*/*.parquet', {options});\n"
        for folder in tables
    )


def hand_written(export: Path, left: Path) -> Cost:
    """Run the hand-written script: land, deduplicate, write the reports to a folder."""
    sql = (ROOT / "benchmarks" / "reference.sql").read_text()
    sql = landing(sorted(export.iterdir()), "filename = true") + sql.replace("{reports}", str(left))
    return measure([sys.executable, "-c", DUCKDB, f"{left}/b.duckdb"], sql=sql)


def row(what: str, figure: object, ratio: str = "") -> None:
    """Print a row of a Markdown table at once."""
    print(f"| {what} | {figure} | {ratio} |", flush=True)
