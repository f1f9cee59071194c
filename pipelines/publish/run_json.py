"""Write `run.json`: the contents, sources and tests of a published set of reports.

The same input and arguments give the same bytes, except in the object `times`. Amounts are exact
decimals, written as texts. The file has no secrets and no paths.
"""

import csv
import glob
import hashlib
import json
from collections.abc import Container
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import yaml

from pipelines import metronome_api, metronome_export
from pipelines.publish.dbt_run import LOAD_NOTES, LOADED_FILES, DbtRun
from pipelines.publish.report_set import MANIFEST
from pipelines.publish.warehouse import Warehouse

AMOUNT = "decimal(36, 20)"
"""The type of a mart's amounts."""


def run_json(
    folder: Path,
    run: DbtRun,
    warehouse: Warehouse,
    connection: duckdb.DuckDBPyConnection,
    arguments: dict[str, str],
) -> dict[str, Any]:
    """Describe the set of reports in a folder.

    Args:
        folder: The folder of the CSVs.
        run: The run of dbt that wrote them.
        warehouse: The tables that the reports come from.
        connection: The connection that has them.
        arguments: The arguments by name, as given.

    Raises:
        duckdb.Error: If the database cannot be read.
        OSError: If a report cannot be read.
    """
    connection.execute("set timezone = 'UTC'")
    arguments = _arguments(connection, run, arguments)
    export, export_loaded_at = _export(connection, run, warehouse)
    api, api_loaded_at = _api(connection)
    return {
        "as_of": arguments["as_of"],
        "environment": arguments["environment"],
        "engine": warehouse.engine,
        "arguments": arguments,
        "sources": {"export": export, "api": api},
        "reports": _reports(folder, run, arguments["month"]),
        "tests": run.tests(),
        "versions": {
            "dbt": run.results["metadata"]["dbt_version"],
            "project": version("metronome-analytics"),
            "dlt": version("dlt"),
            **{
                package: version(package)
                for package in warehouse.packages
                if not package.startswith("dbt-")
            },
        },
        "times": {
            "built_at": _text(datetime.fromisoformat(run.results["metadata"]["generated_at"])),
            "export_loaded_at": export_loaded_at,
            "api_loaded_at": api_loaded_at,
        },
    }


def write_json(path: Path, content: dict[str, Any]) -> str:
    """Write the content with sorted keys, UTF-8 and a final line feed. Return its checksum."""
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    return _checksum(path)


def checksums(folder: Path, reports: Container[str]) -> dict[str, str]:
    """Return the checksum of every file in a folder that is not a report, by name."""
    return {
        file.relative_to(folder).as_posix(): _checksum(file)
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name not in reports
    }


def is_set(folder: Path, checksum: str) -> bool:
    """Return whether a folder has an unchanged set whose `run.json` has this checksum."""
    manifest = folder / MANIFEST
    try:
        if _checksum(manifest) != checksum:
            return False
        content = json.loads(manifest.read_text(encoding="utf-8"))
        files = {name: report["sha256"] for name, report in content["reports"].items()}
        files |= content["pages"]
        return all(_checksum(folder / name) == found for name, found in files.items())
    except FileNotFoundError:
        return False


def _arguments(
    connection: duckdb.DuckDBPyConnection, run: DbtRun, given: dict[str, Any]
) -> dict[str, Any]:
    """Return the arguments as the reports used them, and the others as given or with defaults.

    An argument in dbt's `--vars` takes precedence over the environment.
    """
    defaults = yaml.safe_load(Path("dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    variables = run.results["args"].get("vars", {})
    given = {**defaults, **{name: text for name, text in given.items() if text}, **variables}
    given.pop("reports_dir", None)
    used = connection.execute(
        "select as_of, environment_type as environment, billing_month as month, customer, "
        "customer_id, usage_from_date as usage_from, usage_to_date as usage_to "
        f"from {run.relation('report_parameters')}"
    )
    names = [name for name, *_ in used.description]
    return {**given, **dict(zip(names, map(_text, used.fetchone()), strict=True))}


def _export(
    connection: duckdb.DuckDBPyConnection, run: DbtRun, warehouse: Warehouse
) -> tuple[dict[str, Any] | None, str | None]:
    """Return the facts of the loaded export, or None, and when it was last loaded."""
    dataset, declared = metronome_export.DATASET, metronome_export.TABLES
    rows = connection.execute(
        f"select table_name, max(inserted_at) from {dataset}.loaded_files "
        f"inner join {dataset}._dlt_loads on load_id = _dlt_load_id "
        "where status = 0 group by table_name"
    ).fetchall()
    if not rows:
        return None, None
    left_out = connection.execute(
        f"select coalesce(path, table_name) from {run.relation(LOAD_NOTES)} "
        "where is_left_out order by all"
    ).fetchall()
    with_doubles = connection.execute(
        f"select distinct table_name from {run.relation(LOADED_FILES)} "
        "where is_newest and has_doubles order by all"
    ).fetchall()
    loaded = {table for table, _ in rows}
    export = {
        "newest_updated_at": _text(warehouse.newest_update(connection)),
        "left_out": [name for (name,) in left_out],
        "tables_not_loaded": sorted(set(declared) - loaded),
        "tables_with_doubles": [name for (name,) in with_doubles],
        "undeclared_columns": _undeclared_columns(connection),
    }
    return export, _text(max(loaded_at for _, loaded_at in rows))


def _undeclared_columns(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the columns of files that no table declares. Raw has them, but no report does."""
    found = connection.execute(
        "select table_name, column_name from information_schema.columns where table_schema = ? "
        "and table_catalog = current_database() and not starts_with(column_name, '_dlt_') "
        "order by all",
        [metronome_export.DATASET],
    ).fetchall()
    declared = metronome_export.RAW_TABLES
    return [
        f"{table}.{column}"
        for table, column in found
        if table in declared and column not in declared[table]
    ]


def _api(connection: duckdb.DuckDBPyConnection) -> tuple[dict[str, Any] | None, str | None]:
    """Return the lists that the API refused, and when it was last read. None if it was not read."""
    dataset = metronome_api.DATASET
    complete = f"(select load_id from {dataset}._dlt_loads where status = 0)"
    as_of, finished_at = connection.execute(
        f"select max(as_of), max(finished_at) from {dataset}.runs "
        f"where finished_at is not null and _dlt_load_id in {complete}"
    ).fetchone()
    unavailable = connection.execute(
        f"select resource, http_status, count(customer_id) from {dataset}.reads "
        f"where status <> 'read' and _dlt_load_id in {complete} group by all order by all"
    ).fetchall()
    if as_of is None:
        return None, None
    names = ("resource", "http_status", "customers")
    lists = [dict(zip(names, row, strict=True)) for row in unavailable]
    return {"read_as_of": _text(as_of), "lists_not_available": lists}, _text(finished_at)


def _reports(folder: Path, run: DbtRun, month: str) -> dict[str, Any]:
    with duckdb.connect() as connection:  # in memory, where a query keeps the order of a file
        return {
            name: _report(connection, folder / name, node["config"]["meta"], month)
            for name, node in run.reports.items()
        }


def _report(
    connection: duckdb.DuckDBPyConnection, path: Path, meta: dict[str, Any], month: str
) -> dict[str, Any]:
    """Return a report's rows and checksum, and the totals that its `meta` asks for.

    `totals` lists the columns to sum. `totals_by` is the column to group by, by default
    `pricing_unit`. The totals of a report with a column `month` are those of the run's month, which
    `totals_month` states. A total is null, which means unknown, if no row of the group has the
    figure.
    """
    columns, group = meta.get("totals", []), meta.get("totals_by", "pricing_unit")
    with path.open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    source = (
        "read_csv(?, columns = ?, auto_detect = false, header = true, delim = ',', quote = '\"', "
        "escape = '\"', nullstr = '')"
    )
    sums = "".join(f', sum(cast("{column}" as {AMOUNT}))' for column in columns)
    totals_month = month if columns and "month" in header else None
    where = f"where month = '{totals_month}'" if totals_month else ""
    read = [glob.escape(str(path)), dict.fromkeys(header, "VARCHAR")]
    ((rows,),) = connection.execute(f"select count(*) from {source}", read).fetchall()
    found = []
    if columns:
        found = connection.execute(
            f'select "{group}" {sums} from (select *, row_number() over () as row '
            f'from {source}) {where} group by "{group}" order by min(row)',
            read,
        ).fetchall()
    return {
        "rows": rows,
        "sha256": _checksum(path),
        "totals_month": totals_month,
        "totals": {
            name: dict(zip(columns, map(_plain, amounts), strict=True))
            for name, *amounts in found
            if name
        },
    }


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _plain(number: Decimal | None) -> str | None:
    """Format a number as the reports do: `8101.27205`."""
    if number is None:
        return None
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _text(value: Any) -> Any:
    """Format an instant (in UTC) or a day as ISO 8601. Returns other values unchanged."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value
