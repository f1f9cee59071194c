"""What the data that is new can change: a run builds and tests only that.

Same raw data and same arguments give the same rows. So what the last good run built and tested
still holds where no raw table that it is made from has got rows since, where it does not depend on
the clock, and where the project is the same. That run is noted in the database. Before dbt changes
a table, it takes the note away (`forget_good_run`): without one everything is built.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Container
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from pipelines import metronome_api, metronome_export
from pipelines.publish.audit import Audit, reachable

SCHEMA, TABLE = "publishing", "last_good_run"
"""Where the last good run is noted in the database."""

PROJECT = ("dbt_project.yml", "profiles.yml", "models", "macros", "seeds", "tests", "pipelines")
"""What of a checkout decides what is built and published."""

PACKAGES = ("dbt-core", "dbt-duckdb", "duckdb")

OWN_CHOICE = ("--select", "-s", "--models", "-m", "--exclude", "--selector", "--full-refresh", "-f")
"""Options by which a user says what is built."""

ALWAYS = "path:models/reports"
"""What every set is written by."""

FILES = "model.metronome.stg_metronome_export__loaded_files"
"""The model of the export's files. What also reads a raw table asks for that table's files only."""

BUILT = ("model.", "seed.", "test.", "unit_test.")
"""How the ids of nodes begin that a run builds or tests."""

CLOCK = "macro.metronome.as_of_value"
"""The macro that takes the start of the run for `as_of`, where that is not given."""


@dataclass(frozen=True)
class Reach:
    """What a run has to build.

    Attributes:
        options: For dbt, after those that it was given; none if it has to build everything.
        kept: The results of the last good run that still hold, by node.
        is_nothing: Nothing but the reports, which would be the same again.
    """

    options: list[str] = field(default_factory=list)
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    is_nothing: bool = False


@dataclass(frozen=True)
class GoodRun:
    """A run whose reports were published, and of which all tables still are.

    Attributes:
        command: The command of dbt.
        catalog: The database's name for itself, which views spell out: that of its file.
        project: A checksum of the project that it was a run of.
        raw: The state of the raw data by source, as `raw_state` gives it.
        children: The nodes that are made from a node or source, or test it.
        of_clock: The nodes that the clock has a part in; none if `as_of` was given.
        results: Status and number of failures, by node.
        set_checksum: Of the `run.json` of its set.
    """

    command: list[str]
    catalog: str
    project: str
    raw: dict[str, list[Any]]
    children: dict[str, list[str]]
    of_clock: list[str]
    results: dict[str, dict[str, Any]]
    set_checksum: str


def reach(good: GoodRun | None, command: list[str], raw: dict[str, list[Any]]) -> Reach:
    """Say what a command of dbt has to build.

    Args:
        good: The last good run, if there is one.
        command: The command, with all its options.
        raw: The state of the raw data.
    """
    if (
        good is None
        or not raw
        or good.command != command
        or any(word.partition("=")[0] in OWN_CHOICE for word in command)
    ):
        return Reach()
    changed = {name for name in raw | good.raw if raw.get(name) != good.raw.get(name)}
    reached = reachable(changed | set(good.of_clock), good.children)
    names = sorted(node.split(".")[2] for node in reached if node.startswith(BUILT))
    return Reach(
        options=["--indirect-selection", "empty", "--select", ALWAYS, *names],
        kept={node: result for node, result in good.results.items() if node not in reached},
        is_nothing=not names,
    )


def good_run(connection: duckdb.DuckDBPyConnection, project: str) -> GoodRun | None:
    """The last good run, None if there is none of these tables and of this project."""
    has_note = connection.execute(
        "select count(*) from information_schema.tables where table_schema = ? and table_name = ?",
        [SCHEMA, TABLE],
    ).fetchone()
    if not has_note[0]:
        return None
    ((note,),) = connection.execute(f"select note from {SCHEMA}.{TABLE}").fetchall()
    told = json.loads(note)
    is_ours = told["project"] == project and told["catalog"] == _catalog(connection)
    return GoodRun(**told) if is_ours else None


def note_good_run(
    connection: duckdb.DuckDBPyConnection,
    command: list[str],
    project: str,
    raw: dict[str, list[Any]],
    audit: Audit,
    set_checksum: str,
) -> None:
    """Note in the database that a run was good; project and raw data as they were before it."""
    results = audit.by_node
    is_timeless = audit.results["args"].get("vars", {}).get("as_of")
    note = GoodRun(
        command=command,
        catalog=_catalog(connection),
        project=project,
        raw=raw,
        children=_children(audit.manifest, results),
        of_clock=[] if is_timeless else sorted(_calling(audit.manifest, CLOCK) & results.keys()),
        results={
            node: {"unique_id": node, "status": result["status"], "failures": result["failures"]}
            for node, result in results.items()
        },
        set_checksum=set_checksum,
    )
    connection.execute(f"create schema if not exists {SCHEMA}")
    connection.execute(
        f"create or replace table {SCHEMA}.{TABLE} as select ? as note", [json.dumps(vars(note))]
    )


def raw_state(connection: duckdb.DuckDBPyConnection) -> dict[str, list[Any]]:
    """What tells whether a raw table has got rows, by source: of the API all tables change at once.

    Empty if nothing was ever loaded.
    """
    export, api = metronome_export.DATASET, metronome_api.DATASET
    files = f"{export}.loaded_files inner join {export}._dlt_loads on load_id = _dlt_load_id"
    schemas = connection.execute("select schema_name from information_schema.schemata").fetchall()
    if not {(export,), (api,)} <= set(schemas):
        return {}
    states = connection.execute(
        f"select '{export}.' || table_name, count(*), max(_dlt_load_id) from {files} "
        "where status = 0 group by table_name "
        f"union all select '{export}.loaded_files', count(*), max(_dlt_load_id) from {files} "
        "where status = 0 "
        f"union all select '{export}.load_notes', count(*), max(_dlt_load_id) "
        f"from {export}.load_notes"
    ).fetchall()
    states += connection.execute(
        f"select '{api}.' || table_name, count(*), max(load_id) "
        f"from {api}._dlt_loads, (from information_schema.tables where table_schema = '{api}') "
        "where status = 0 group by table_name"
    ).fetchall()
    return {f"source.metronome.{table}": state for table, *state in states}


def project_checksum() -> str:
    """A checksum of the project's files, in the current folder, and of what runs them."""
    total = hashlib.sha256()
    for package in PACKAGES:
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
    """Which of the built nodes are made from each node or source, or test it."""
    parents = manifest["parent_map"]

    def asks(child: str, parent: str) -> bool:
        reads_raw = any(name.startswith("source.") for name in parents[child])
        return child in built and not (parent == FILES and reads_raw)

    return {
        parent: [child for child in children if asks(child, parent)]
        for parent, children in manifest["child_map"].items()
    }


def _calling(manifest: dict[str, Any], macro: str) -> set[str]:
    """The nodes that call a macro, or one that calls it."""
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
