"""Select the models and tests that new data and new arguments can affect. Skip the rest.

The same raw data and the same arguments give the same rows. A result of the last published run is
still valid if the project is the same, the raw tables behind it have the same rows, and the
arguments that it reads have not changed. The last published run is recorded in the database. dbt
deletes the record before it changes a table (`invalidate_last_published_run`). Without one, dbt
builds everything.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Container
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb

from pipelines import metronome_api, metronome_export
from pipelines.common.database import has_table
from pipelines.publish.arguments import ARGUMENTS
from pipelines.publish.dbt_run import LOADED_FILES, DbtRun, reachable
from pipelines.publish.warehouse import Warehouse

SCHEMA, TABLE = "publishing", "last_published_run"
"""The table that records the last published run."""

PROJECT = ("dbt_project.yml", "profiles.yml", "models", "macros", "seeds", "tests", "pipelines")
"""The files of a checkout that affect what a run builds and publishes."""


SELECTOR = ["--selector", "reports"]
"""The selection that `make reports` passes to dbt. A run can narrow it."""

OWN_CHOICE = (
    *("--select", "-s", "--models", "-m", "--exclude", "--selector"),
    *("--full-refresh", "-f"),
)
"""Options with which a user selects what dbt builds. They are never narrowed."""

REPORTS = "path:models/reports"
"""The selector of all reports. Every run writes them, because a published set is complete."""

ACCEPT = "accept_incomplete"
"""The argument that lets reports lack parts of the export."""

FILES = f"model.metronome.{LOADED_FILES}"
"""The model of loaded files. A model that also reads a raw table reads that table's files only."""

BUILT = ("model.", "seed.", "test.", "unit_test.")
"""The first parts of the ids of nodes that a run builds or tests."""

NOT_COMPARED = {"runs", "run_resources", "read_from", "_delete_scope"}
"""API tables about the runs of the pipeline. No mart reads them."""

READS = "customer_id, resource, status, reason, http_status"
"""The columns of `raw_api.reads` that models use. The other columns identify the run."""


@dataclass(frozen=True)
class BuildSelection:
    """The nodes that a run has to build.

    Attributes:
        command: The dbt command that builds them.
        kept: Results of the last published run that are still valid, by node.
        is_empty: True if nothing has changed, so the published set is up to date.
    """

    command: list[str]
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    is_empty: bool = False


@dataclass(frozen=True)
class LastPublishedRun:
    """The record of the last published run.

    Attributes:
        command: The dbt command before it was narrowed.
        catalog: The name of the database, which its views contain.
        project: The checksum of the project.
        warehouse: The state of the tables, as `Warehouse.state` returns it.
        arguments: The arguments by name.
        raw: The state of the raw tables by source node, as `raw_state` returns it.
        children: The nodes that read or test a node or source.
        skipped_tests: By node, the names of its tests that a narrowed run excludes, because they
            compare it with a table that no run builds.
        readers: The nodes that read an argument, by its name.
        results: Status and number of failures by node.
        set_checksum: The checksum of the set's `run.json`.
    """

    command: list[str]
    catalog: str
    project: str
    warehouse: str
    arguments: dict[str, Any]
    raw: dict[str, list[Any]]
    children: dict[str, list[str]]
    skipped_tests: dict[str, list[str]]
    readers: dict[str, list[str]]
    results: dict[str, dict[str, Any]]
    set_checksum: str


def select(
    last: LastPublishedRun | None,
    command: list[str],
    arguments: dict[str, Any],
    raw: dict[str, list[Any]],
) -> BuildSelection:
    """Narrow a dbt command to the nodes that changed data and changed arguments can affect.

    Args:
        last: The last published run, if there is one.
        command: The dbt command with all its options, and what runs it, if anything does.
        arguments: The arguments of this run by name, the settings of the pages, and `ACCEPT` if it
            is set. Without `as_of`, the clock changes it.
        raw: The state of the raw tables.
    """
    words = _without_selector(command)
    options = words[words.index("build") :] if "build" in words else words
    if (
        last is None
        or not raw
        or last.command != command
        or last.arguments.get(ACCEPT) != arguments.get(ACCEPT)  # it changes what a test means
        or any(word.partition("=")[0] in OWN_CHOICE for word in options)
    ):
        return BuildSelection(command)
    sources = {name for name in raw | last.raw if raw.get(name) != last.raw.get(name)}
    read = {
        node
        for name in ARGUMENTS
        if arguments.get(name) != last.arguments.get(name)
        or (name == "as_of" and not arguments["as_of"])
        for node in last.readers[name]
    }
    affected = reachable(sources | read, last.children)
    built = {node for node in affected if node.startswith(BUILT)}
    skipped = {name for node in built for name in last.skipped_tests.get(node, [])}
    exclude = ["--exclude", *sorted(skipped)] if skipped else []
    return BuildSelection(
        command=[*words, "--select", REPORTS, *_roots(built, last.children), *exclude],
        kept={node: result for node, result in last.results.items() if node not in affected},
        is_empty=not built and arguments == last.arguments,
    )


def _without_selector(command: list[str]) -> list[str]:
    for at, pair in enumerate(pairwise(command)):
        if list(pair) == SELECTOR:
            return [*command[:at], *command[at + 2 :]]
    return command


def _roots(built: set[str], children: dict[str, list[str]]) -> list[str]:
    """Return as few dbt selectors as possible for a closed set of nodes: its roots, with a `+`.

    The cost of a selection grows with the number of its names.
    """
    names = sorted({node.split(".")[2] for node in built & {FILES}})
    inner = {child for node in built - {FILES} for child in children.get(node, [])}
    return [*names, *sorted(f"{node.split('.')[2]}+" for node in built - inner - {FILES})]


def last_published_run(
    connection: duckdb.DuckDBPyConnection, project: str, warehouse: Warehouse
) -> LastPublishedRun | None:
    """Read the record of the last published run, if it was of this project, database and tables."""
    if not has_table(connection, SCHEMA, TABLE):
        return None
    ((record,),) = connection.execute(f"select record from {SCHEMA}.{TABLE}").fetchall()
    fields = json.loads(record)
    if fields["project"] != project:  # another version may have recorded other fields
        return None
    last = LastPublishedRun(**fields)
    is_same = last.catalog == _catalog(connection) and last.warehouse == warehouse.state()
    return last if is_same else None


def record_published_run(
    connection: duckdb.DuckDBPyConnection,
    warehouse: Warehouse,
    command: list[str],
    project: str,
    arguments: dict[str, Any],
    raw: dict[str, list[Any]],
    run: DbtRun,
    set_checksum: str,
) -> None:
    """Record a published run in its database, with the project and the raw data that it used."""
    results = run.by_node
    record = LastPublishedRun(
        command=command,
        catalog=_catalog(connection),
        project=project,
        warehouse=warehouse.state(),
        arguments=arguments,
        raw=raw,
        children=_children(run.manifest, results),
        skipped_tests=_skipped_tests(run.manifest, results),
        readers={
            name: sorted(_calling(run.manifest, f"macro.metronome.{macro}") & results.keys())
            for name, macro in ARGUMENTS.items()
        },
        results={
            node: {key: result[key] for key in ("unique_id", "status", "failures")}
            for node, result in results.items()
        },
        set_checksum=set_checksum,
    )
    connection.execute(f"create schema if not exists {SCHEMA}")
    connection.execute(
        f"create or replace table {SCHEMA}.{TABLE} as select ? as record",
        [json.dumps(vars(record))],
    )


def raw_state(connection: duckdb.DuckDBPyConnection, warehouse: Warehouse) -> dict[str, list[Any]]:
    """Return a value per raw table, by source node. The value changes when the rows change.

    The export's tables only grow, so the number of their files and the last load are enough. The
    API's tables are read anew in each run, so their contents are compared: the number of rows and
    the sum of their hashes, which does not depend on their order. Empty if nothing was loaded.
    """
    export, api = metronome_export.DATASET, metronome_api.DATASET
    tables = connection.execute(
        "select table_schema, table_name from information_schema.tables "
        "where table_schema in (?, ?)",
        [export, api],
    ).fetchall()
    if {schema for schema, _ in tables} != {export, api}:
        return {}
    loads = f"inner join {export}._dlt_loads on load_id = _dlt_load_id and status = 0"
    states = connection.execute(
        f"select '{export}.' || table_name, count(*), max(_dlt_load_id) "
        f"from {export}.loaded_files {loads} group by table_name "
        f"union all select '{export}.loaded_files', count(*), max(_dlt_load_id) "
        f"from {export}.loaded_files {loads} "
        f"union all select '{export}.load_notes', count(*), max(_dlt_load_id) "
        f"from {export}.load_notes"
    ).fetchall()
    contents = " union all ".join(
        f"select '{api}.{table}', count(*), cast(sum(content) as varchar) from "
        f"(select hash({_content(table)}) as content from {api}.{table})"
        for schema, table in sorted(tables)
        if schema == api and table not in NOT_COMPARED and not table.startswith("_dlt_")
    )
    states += connection.execute(contents).fetchall()
    found = {f"source.metronome.{table}": state for table, *state in states}
    for source, more in warehouse.raw_state(connection).items():
        found[source] = [*found.get(source, []), *more]
    return found


def _content(table: str) -> str:
    return READS if table == "reads" else "*columns(name -> not starts_with(name, '_dlt_'))"


def project_checksum(warehouse: Warehouse) -> str:
    """Return a checksum of the project's files and of the versions of installed packages."""
    total = hashlib.sha256()
    for package in ("dbt-core", *warehouse.packages):
        total.update(f"{package} {version(package)}\n".encode())
    for part in PROJECT:
        path = Path(part)
        for file in sorted(path.rglob("*.*")) if path.is_dir() else [path]:
            if file.suffix in (".sql", ".yml", ".csv", ".md", ".py"):
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                total.update(f"{file.as_posix()} {content}\n".encode())
    return total.hexdigest()


def _catalog(connection: duckdb.DuckDBPyConnection) -> str:
    ((name,),) = connection.execute("select current_database()").fetchall()
    return name


def _children(manifest: dict[str, Any], built: Container[str]) -> dict[str, list[str]]:
    """Return the built nodes that read or test each node or source."""
    parents = manifest["parent_map"]

    def reads(child: str, parent: str) -> bool:
        reads_raw = any(name.startswith("source.") for name in parents[child])
        return child in built and not (parent == FILES and reads_raw)

    return {
        parent: [child for child in children if reads(child, parent)]
        for parent, children in manifest["child_map"].items()
    }


def _skipped_tests(manifest: dict[str, Any], built: Container[str]) -> dict[str, list[str]]:
    """Return the names of the data tests that were not run, by each built node that they test."""
    skipped = defaultdict(list)
    for name, node in manifest["nodes"].items():
        if node["resource_type"] == "test" and name not in built:
            for parent in node["depends_on"]["nodes"]:
                if parent in built:
                    skipped[parent].append(node["name"])
    return dict(skipped)


def _calling(manifest: dict[str, Any], macro: str) -> set[str]:
    """Return the nodes that call a macro, directly or through other macros."""
    callers = defaultdict(list)
    for name, found in manifest["macros"].items():
        for called in found["depends_on"]["macros"]:
            callers[called].append(name)
    calling = reachable([macro], callers)
    return {
        name
        for name, node in manifest["nodes"].items()
        if not calling.isdisjoint(node["depends_on"]["macros"])
    }
