"""What the data that is new can change: a run builds and tests only that.

Same raw data and same arguments give the same rows. So what the last good run built and tested
still holds where no raw table that it is made from has got rows since, where it does not depend on
the clock, and where the project is the same. That run is noted in the database. Before dbt changes
a table, it takes the note away (`forget_good_run`): without one everything is built.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from pipelines import metronome_api, metronome_export
from pipelines.publish.audit import Audit

SCHEMA, TABLE = "publishing", "last_good_run"
"""Where the last good run is noted in the database."""

PROJECT = ("dbt_project.yml", "profiles.yml", "models", "macros", "seeds", "tests")
"""What of a checkout decides what is built."""

PACKAGES = ("dbt-core", "dbt-duckdb", "duckdb")

OWN_CHOICE = ("--select", "-s", "--models", "-m", "--exclude", "--selector", "--full-refresh", "-f")
"""Options by which a user says what is built."""

ALWAYS = "path:models/reports"
"""What every set is written by."""

FILES = "model.metronome.stg_metronome_export__loaded_files"
"""The model of the export's files. What also reads a raw table asks for that table's files only."""

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
        project: A checksum of the project that it was a run of.
        raw: The state of the raw data by source, as `raw_state` gives it.
        invocation: dbt's id of the run; of several, of the newest.
        results: Status and number of failures, by node.
        is_timeless: Its `as_of` was given, and not the clock's.
        set_checksum: Of the `run.json` of its set.
    """

    command: list[str]
    project: str
    raw: dict[str, list[Any]]
    invocation: str
    results: dict[str, dict[str, Any]]
    is_timeless: bool
    set_checksum: str


def reach(
    good: GoodRun | None, command: list[str], raw: dict[str, list[Any]], manifest: dict[str, Any]
) -> Reach:
    """Say what a command of dbt has to build.

    Args:
        good: The last good run, if there is one.
        command: The command, with all its options.
        raw: The state of the raw data.
        manifest: dbt's `manifest.json` of its last run; empty if there is none.
    """
    if (
        good is None
        or not raw
        or good.command != command
        or good.project != project_checksum()
        or good.invocation != manifest.get("metadata", {}).get("invocation_id")
        or any(word.partition("=")[0] in OWN_CHOICE for word in command)
    ):
        return Reach()
    changed = {source for source in manifest["sources"] if raw.get(source) != good.raw.get(source)}
    of_clock = set() if good.is_timeless else _reaching_macro(manifest, CLOCK)
    reached = _descendants(manifest, changed | of_clock)
    built = sorted(node for node in good.results if node in reached)
    return Reach(
        options=[
            *("--indirect-selection", "empty", "--select", ALWAYS),
            *(manifest["nodes"][node]["name"] for node in built if node in manifest["nodes"]),
        ],
        kept={node: result for node, result in good.results.items() if node not in reached},
        is_nothing=not built,
    )


def good_run(connection: duckdb.DuckDBPyConnection) -> GoodRun | None:
    """The last good run, None if dbt has changed a table since, or there is none."""
    has_note = connection.execute(
        "select count(*) from information_schema.tables where table_schema = ? and table_name = ?",
        [SCHEMA, TABLE],
    ).fetchone()
    if not has_note[0]:
        return None
    ((note,),) = connection.execute(f"select note from {SCHEMA}.{TABLE}").fetchall()
    return GoodRun(**json.loads(note))


def note_good_run(
    connection: duckdb.DuckDBPyConnection,
    command: list[str],
    raw: dict[str, list[Any]],
    audit: Audit,
    set_checksum: str,
) -> None:
    """Note in the database that a run was good."""
    note = GoodRun(
        command=command,
        project=project_checksum(),
        raw=raw,
        invocation=audit.results["metadata"]["invocation_id"],
        results={
            node: {"unique_id": node, "status": result["status"], "failures": result["failures"]}
            for node, result in audit.by_node.items()
        },
        is_timeless=bool(audit.results["args"].get("vars", {}).get("as_of")),
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
            if file.suffix in (".sql", ".yml", ".csv", ".md"):
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                total.update(f"{file.as_posix()} {content}\n".encode())
    return total.hexdigest()


def _descendants(manifest: dict[str, Any], roots: Iterable[str]) -> set[str]:
    """The given nodes and sources, and all that is made from them."""
    children, parents = manifest["child_map"], manifest["parent_map"]
    reached: set[str] = set()
    ahead = set(roots)
    while ahead:
        reached |= ahead
        ahead = {
            child
            for node in ahead
            for child in children.get(node, [])
            if node != FILES or not any(name.startswith("source.") for name in parents[child])
        } - reached
    return reached


def _reaching_macro(manifest: dict[str, Any], macro: str) -> set[str]:
    """The nodes that call a macro, or one that calls it."""
    macros = {name: found["depends_on"]["macros"] for name, found in manifest["macros"].items()}
    reaching: set[str] = set()
    ahead = {macro}
    while ahead:
        reaching |= ahead
        ahead = {name for name, called in macros.items() if not ahead.isdisjoint(called)} - reaching
    return {
        name
        for name, node in manifest["nodes"].items()
        if not reaching.isdisjoint(node["depends_on"]["macros"])
    }
