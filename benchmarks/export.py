"""Measure the export pipeline and the build, as ratios to plain DuckDB and to other loaders.

One run on one machine loads the same files of one sandbox account at ``--scale`` four times: with
DuckDB's `create table as`, with a hand-written script (`reference.sql`), with dlt's file reader,
and with this project. Each command is a separate process with the same memory limit.
"""

import argparse
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import duckdb
from moto.server import ThreadedMotoServer

from benchmarks.measuring import BIN, DBT, DUCKDB, Cost, hand_written, landing, measure, row
from pipelines.metronome_export.export_tables import TABLES

ARGUMENTS = {
    "REPORT_AS_OF": "2024-04-15",
    "REPORT_MONTH": "2024-03",
    "REPORT_ENVIRONMENT": "PRODUCTION",
}

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
"""A program that loads tables with dlt's file reader through Arrow, as its documentation shows."""


@dataclass
class First:
    """The project's first run on an account: its rows and its cost."""

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
    plain = plain_landing(sorted(export.iterdir()), folder)
    row("(a) landing by `create table as`", plain)
    reader = plain_dlt(export, folder)
    row("(c) landing by dlt's file reader", reader, reader.per(plain, "(a)"))
    with tempfile.TemporaryDirectory(dir=folder) as left:
        script = hand_written(export, Path(left))
    row("(b) a hand-written script", script)
    ours = first_run(folder / "large")
    row("rows of the export", f"{ours.rows:,}")
    row("landing", ours.landing, ours.landing.per(plain, "(a)"))
    row("first whole run", ours.whole, ours.whole.per(script, "(b)"))
    memory = ours.whole.peak_bytes / script.peak_bytes
    row("… its peak memory", f"{ours.whole.peak_bytes / 2**20:,.0f} MiB", f"{memory:.1f} (b)")
    for name, cost in later_runs(folder / "large"):
        row(name, cost, f"{cost.busy / ours.whole.busy:.0%} of the first")
    shutil.rmtree(folder / "large")
    row(f"first whole run, {small.rows:,} rows", small.whole)
    growth = ours.whole.busy / small.whole.busy
    row("… growth with the rows", f"{ours.rows / small.rows:.1f} times", f"{growth:.1f} times")
    events = folder / "small" / "export" / "events"
    if options.ingestr:
        plain = plain_landing([events], folder)
        row("their events alone by `create table as`", plain)
        cost = plain_ingestr(options.ingestr, events, folder / "ingestr.duckdb")
        row("… by ingestr", cost, f"{cost.busy / plain.busy:.0f} times")
    if options.event_copies:
        (folder / "small" / "metronome.duckdb").unlink()
        more = folder / "events"
        copy_events(folder / "small" / "export", more / "export", options.event_copies)
        ours = first_run(more)
        row(f"first whole run, {ours.rows:,} rows, nearly all events", ours.whole)
        for name, cost in later_runs(more):
            row(f"… {name}", cost, f"{cost.busy / ours.whole.busy:.0%} of the first")


def first_run(folder: Path) -> First:
    """Run `dlt pipeline run` and `dbt build` on the export in a folder."""
    landing = _load(folder)
    whole = landing + _build(folder)
    with duckdb.connect(str(folder / "metronome.duckdb"), read_only=True) as connection:
        counts = [connection.table(f"raw_export.{name}").shape[0] for name in TABLES]
    return First(sum(counts), landing, whole)


def later_runs(folder: Path) -> Iterator[tuple[str, Cost]]:
    """Run the same commands again without new rows, and after 1% new rows."""
    yield "run with nothing new", _load(folder) + _build(folder)
    add_one_percent(folder / "export")
    yield "run after 1% new rows", _load(folder) + _build(folder)


def plain_landing(tables: list[Path], folder: Path) -> Cost:
    """Measure reference (a): DuckDB alone creates one table per folder."""
    with tempfile.TemporaryDirectory(dir=folder) as left:
        return measure([sys.executable, "-c", DUCKDB, f"{left}/a.duckdb"], sql=landing(tables))


def plain_dlt(export: Path, folder: Path) -> Cost:
    """Measure reference (c): dlt's file reader."""
    tables = sorted(path.name for path in export.iterdir())
    with tempfile.TemporaryDirectory(dir=folder) as left:
        command = [sys.executable, "-c", DLT, f"{left}/c.duckdb", str(export), *tables]
        return measure(command, {"DLT_DATA_DIR": f"{left}/dlt"})


def plain_ingestr(program: str, table: Path, database: Path) -> Cost:
    """Measure ingestr. It reads from a bucket on loopback, because it cannot read a folder."""
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
        return measure(command, {"DISABLE_TELEMETRY": "true"})
    finally:
        server.stop()


def write_export(scale: int, export: Path) -> None:
    """Write the sandbox account's export. Existing files stay."""
    command = [sys.executable, "-m", "benchmarks.replicas", "--scale", f"{scale}"]
    measure([*command, "export", str(export)])


def add_one_percent(export: Path) -> None:
    """Write a later transfer: 1% of the events under new ids, and 1% of the invoices again."""
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
    """Write an export with the same files, and each event many times under new ids."""
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
    return measure([BIN / "dlt", "pipeline", "metronome_export", "run"], run_settings(folder))


def _build(folder: Path) -> Cost:
    publish = [sys.executable, "-m", "pipelines.publish", folder / "reports", "--"]
    build = [*DBT, "build", "--selector", "reports", "--exclude-resource-type", "unit_test"]
    return measure([*publish, *build, "--quiet"], run_settings(folder) | ARGUMENTS)


def run_settings(folder: Path, export: Path | None = None) -> dict[str, str]:
    """Return the settings of a run in a folder. The export is below it by default."""
    return {
        "SOURCES__METRONOME_EXPORT__BUCKET_URL": str(export or folder / "export"),
        "DESTINATION__DUCKDB__CREDENTIALS": str(folder / "metronome.duckdb"),
        "DLT_DATA_DIR": str(folder / "dlt"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder),
        "DO_NOT_TRACK": "1",
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.export", description=__doc__)
    parser.add_argument("--scale", type=int, default=50, help="how many times each customer occurs")
    parser.add_argument("--memory", default="4GB", help="DuckDB's memory limit in each process")
    parser.add_argument(
        "--event-copies",
        type=int,
        metavar="N",
        help="also an account of a tenth of the scale, with each event this many times",
    )
    parser.add_argument("--ingestr", metavar="PROGRAM", help="ingestr's program, for comparison")
    parser.add_argument("--folder", type=Path, help="a folder with room for the files")
    return parser


if __name__ == "__main__":
    main()
