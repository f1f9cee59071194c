"""What the export costs us, as ratios to what DuckDB does with bare hands and to another loader.

One sandbox account at ``--scale``, in one run on one machine: the same files go to DuckDB's own
`create table as`, to one hand-written script (`reference.sql`), to dlt's ordinary file reader, and
to this project as its users run it. Each command is a process of its own, with one memory limit.
"""

import argparse
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import duckdb
from moto.server import ThreadedMotoServer

from pipelines.metronome_export.tables import TABLES

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
ARGUMENTS = "{as_of: 2024-04-15, month: 2024-03, environment: PRODUCTION}"

DUCKDB = """
import os, sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute(f"set memory_limit = '{os.environ['DUCKDB_MEMORY_LIMIT']}'")
connection.execute("set timezone = 'UTC'; set preserve_insertion_order = false")
connection.execute(sys.stdin.read())
"""
"""Runs the SQL that it is given, on the database that it is given."""

DLT = """
import sys, dlt
from dlt.sources.filesystem import filesystem, read_parquet
pipeline = dlt.pipeline(
    "plain", destination=dlt.destinations.duckdb(sys.argv[1]), dataset_name="raw"
)
for table in sys.argv[3:]:
    files = filesystem(bucket_url=sys.argv[2], file_glob=f"{table}/**/*.parquet")
    rows = (files | read_parquet(use_pyarrow=True)).with_name(table)
    pipeline.run(rows, loader_file_format="parquet")
"""
"""Loads tables with dlt's file reader, as its documentation shows it, through Arrow."""


@dataclass
class Cost:
    """What a command took, or several one after the other.

    Attributes:
        seconds: By the clock.
        busy: Seconds of processors: what ratios are of, for other work disturbs them least.
        peak_bytes: The most memory that one command held.
    """

    seconds: float
    busy: float
    peak_bytes: int

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.seconds + other.seconds,
            self.busy + other.busy,
            max(self.peak_bytes, other.peak_bytes),
        )


@dataclass
class First:
    """The project's first run on an account: how many rows, and what it cost."""

    rows: int
    landing: Cost
    whole: Cost


def main() -> None:
    """Measure, and print a Markdown table, line by line."""
    options = _parser().parse_args()
    os.environ["DUCKDB_MEMORY_LIMIT"] = options.memory
    print(
        f"scale {options.scale}, DuckDB's memory limit {options.memory}, {os.cpu_count()} CPUs, "
        f"load {os.getloadavg()[0]:.0f}\n\n| What | Figure | Ratio |\n|---|---|---|",
        flush=True,
    )
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        _compare(options, Path(folder))


def _compare(options: argparse.Namespace, folder: Path) -> None:
    write_export(max(options.scale // 10, 1), folder / "small" / "export")
    small = first_run(folder / "small")
    export = folder / "large" / "export"
    write_export(options.scale, export)
    landing = plain_landing(sorted(export.iterdir()), folder)
    _row("(a) landing by `create table as`", _told(landing))
    reader = plain_dlt(export, folder)
    _row("(c) landing by dlt's file reader", _told(reader), _times(reader, landing, "(a)"))
    script = reference(export, folder)
    _row("(b) a hand-written script", _told(script))
    ours = first_run(folder / "large")
    _row("rows of the export", f"{ours.rows:,}")
    _row("landing", _told(ours.landing), _times(ours.landing, landing, "(a)"))
    _row("first whole run", _told(ours.whole), _times(ours.whole, script, "(b)"))
    memory = ours.whole.peak_bytes / script.peak_bytes
    _row("… its peak memory", f"{ours.whole.peak_bytes / 2**20:,.0f} MiB", f"{memory:.1f} (b)")
    for name, cost in later_runs(folder / "large"):
        _row(name, _told(cost), f"{cost.busy / ours.whole.busy:.0%} of the first")
    shutil.rmtree(folder / "large")
    _row(f"first whole run, {small.rows:,} rows", _told(small.whole))
    growth = ours.whole.busy / small.whole.busy
    _row("… growth with the rows", f"{ours.rows / small.rows:.1f} times", f"{growth:.1f} times")
    events = folder / "small" / "export" / "events"
    if options.ingestr:
        landing = plain_landing([events], folder)
        _row("their events alone by `create table as`", _told(landing))
        cost = plain_ingestr(options.ingestr, events, folder / "ingestr.duckdb")
        _row("… by ingestr", _told(cost), f"{cost.busy / landing.busy:.0f} times")
    if options.event_copies:
        (folder / "small" / "metronome.duckdb").unlink()
        more = folder / "events"
        copy_events(folder / "small" / "export", more / "export", options.event_copies)
        ours = first_run(more)
        _row(f"first whole run, {ours.rows:,} rows, nearly all events", _told(ours.whole))
        for name, cost in later_runs(more):
            _row(f"… {name}", _told(cost), f"{cost.busy / ours.whole.busy:.0%} of the first")


def first_run(folder: Path) -> First:
    """`dlt pipeline run` and `dbt build` on the export in a folder."""
    landing = _load(folder)
    whole = landing + _build(folder)
    with duckdb.connect(str(folder / "metronome.duckdb"), read_only=True) as connection:
        counts = [connection.table(f"raw_export.{name}").shape[0] for name in TABLES]
    return First(sum(counts), landing, whole)


def later_runs(folder: Path) -> Iterator[tuple[str, Cost]]:
    """The same with nothing new, and after 1% new rows."""
    yield "run with nothing new", _load(folder) + _build(folder)
    add_one_percent(folder / "export")
    yield "run after 1% new rows", _load(folder) + _build(folder)


def plain_landing(tables: list[Path], folder: Path) -> Cost:
    """Reference (a): tables by DuckDB alone, from a folder each."""
    with tempfile.TemporaryDirectory(dir=folder) as left:
        return _run([sys.executable, "-c", DUCKDB, f"{left}/a.duckdb"], sql=_landing(tables))


def reference(export: Path, folder: Path) -> Cost:
    """Reference (b): land, keep the newest rows, write the reports."""
    sql = (ROOT / "benchmarks" / "reference.sql").read_text()
    with tempfile.TemporaryDirectory(dir=folder) as left:
        sql = _landing(sorted(export.iterdir()), "filename = true") + sql.replace("{reports}", left)
        return _run([sys.executable, "-c", DUCKDB, f"{left}/b.duckdb"], sql=sql)


def _landing(tables: list[Path], options: str = "union_by_name = true") -> str:
    return "".join(
        f"create table {folder.name} as from read_parquet('{folder}/*/*.parquet', {options});\n"
        for folder in tables
    )


def plain_dlt(export: Path, folder: Path) -> Cost:
    """Reference (c): dlt's own file reader."""
    tables = sorted(path.name for path in export.iterdir())
    with tempfile.TemporaryDirectory(dir=folder) as left:
        command = [sys.executable, "-c", DLT, f"{left}/c.duckdb", str(export), *tables]
        return _run(command, {"DLT_DATA_DIR": f"{left}/dlt"})


def plain_ingestr(program: str, table: Path, database: Path) -> Cost:
    """Another loader; out of a bucket on loopback, for it reads no Parquet from a folder."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request
    server = ThreadedMotoServer(port=0)
    server.start()
    try:
        endpoint = "http://{}:{}".format(*server.get_host_and_port())
        keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
        client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **keys)
        client.create_bucket(Bucket="export")
        for file in table.glob("*/*.parquet"):
            client.upload_file(str(file), "export", str(file.relative_to(table.parent)))
        uri = f"s3://?access_key_id=key&secret_access_key=secret&endpoint_url={endpoint}"
        command = [
            *(program, "ingest", "--yes", "--progress", "log", "--source-uri", uri),
            *("--source-table", f"export/{table.name}/*/*.parquet"),
            *("--dest-uri", f"duckdb:///{database}", "--dest-table", f"raw.{table.name}"),
        ]
        return _run(command, {"DISABLE_TELEMETRY": "true"})
    finally:
        server.stop()


def write_export(scale: int, export: Path) -> None:
    """Write the sandbox account's export; files that are there already stay."""
    command = [sys.executable, "-m", "benchmarks.replicas", "--scale", f"{scale}"]
    _run([*command, "export", str(export)])


def add_one_percent(export: Path) -> None:
    """A later transfer: 1% of the events under new ids, and of invoices and their lines again."""
    path = "dt=2024-04-16/0_20240416060000.parquet"
    columns = {
        "events": "transaction_id || '-later' as transaction_id",
        **dict.fromkeys(
            ("invoice", "line_item", "sub_line_item"), "updated_at + to_days(1) as updated_at"
        ),
    }
    for table, changed in columns.items():
        target = export / table / path
        target.parent.mkdir(exist_ok=True)
        largest = max((export / table).glob("*/*.parquet"), key=lambda file: file.stat().st_size)
        with duckdb.connect() as connection:
            connection.execute("set timezone = 'UTC'")
            rows = f"from read_parquet('{export / table}/*/*.parquet', hive_partitioning = false)"
            (count,) = connection.execute(f"select count(*) {rows}").fetchone()
            connection.execute(
                f"copy (select * replace ({changed}) from read_parquet('{largest}', "
                f"hive_partitioning = false) limit {count // 100}) to '{target}'"
            )


def copy_events(export: Path, target: Path, copies: int) -> None:
    """An export with the same files and more: each event many times, under ids of its own."""
    shutil.copytree(export, target)
    day = target / "events" / "dt=2024-04-16"
    day.mkdir()
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for copy in range(1, copies):
            connection.execute(
                f"copy (select * replace (transaction_id || '-{copy}' as transaction_id) "
                f"from read_parquet('{export}/events/*/*.parquet', hive_partitioning = false)) "
                f"to '{day}/{copy}_20240416060000.parquet'"
            )


def _load(folder: Path) -> Cost:
    return _run([BIN / "dlt", "pipeline", "metronome_export", "run"], _settings(folder))


def _build(folder: Path) -> Cost:
    publish = [sys.executable, "-m", "pipelines.publish", folder / "reports", "--"]
    build = [BIN / "dbt", "build", "--exclude-resource-type", "unit_test", "--log-level", "warn"]
    return _run([*publish, *build, "--vars", ARGUMENTS], _settings(folder))


def _settings(folder: Path) -> dict[str, str]:
    return {
        "SOURCES__METRONOME_EXPORT__BUCKET_URL": str(folder / "export"),
        "DESTINATION__DUCKDB__CREDENTIALS": str(folder / "metronome.duckdb"),
        "DLT_DATA_DIR": str(folder / "dlt"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder),
        "DO_NOT_TRACK": "1",
    }


def _run(command: list[str | Path], settings: dict[str, str] | None = None, sql: str = "") -> Cost:
    """Run a command to its end.

    Raises:
        SystemExit: If it fails.
    """
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
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


def _told(cost: Cost) -> str:
    return f"{cost.seconds:.1f} s, busy {cost.busy:.1f} s, {cost.peak_bytes / 2**20:,.0f} MiB"


def _times(cost: Cost, other: Cost, name: str) -> str:
    return f"{cost.busy / other.busy:.1f} {name}"


def _row(what: str, figure: str, ratio: str = "") -> None:
    print(f"| {what} | {figure} | {ratio} |", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.export", description=__doc__)
    parser.add_argument("--scale", type=int, default=50, help="how often the customers occur")
    parser.add_argument("--memory", default="4GB", help="DuckDB's limit, in each process")
    parser.add_argument(
        "--event-copies",
        type=int,
        metavar="N",
        help="an account of a tenth of the scale, too, with each event so many times",
    )
    parser.add_argument("--ingestr", metavar="PROGRAM", help="its program, to be compared with")
    parser.add_argument("--folder", type=Path, help="where there is room for the files")
    return parser


if __name__ == "__main__":
    main()
