"""A run: it finds the files that are new or have changed, and loads them, a batch at a time."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import dlt
import duckdb

from pipelines.errors import OWN_DATABASE, InputError
from pipelines.failures import told_plainly
from pipelines.metronome_export import metronome_export
from pipelines.metronome_export.drift import MISSING, Note, told
from pipelines.metronome_export.files import ExportFile, batches, list_files, version
from pipelines.metronome_export.places import Place, open_place
from pipelines.metronome_export.queries import Plan, TableError, plan
from pipelines.metronome_export.tables import TABLES
from pipelines.queries import query
from pipelines.steps import Line

FETCH_BYTES = 2_000_000_000
"""How much of a store's files lies on the disk at a time, unless `fetch_bytes` says otherwise."""

LOADED = """
select root, path, size_bytes, modified_at, etag
from loaded_files
inner join _dlt_loads on load_id = _dlt_load_id
where status = 0
qualify row_number() over (partition by path order by load_id desc) = 1
"""
"""The newest version of each file that was loaded."""


@dataclass
class Run:
    """What a run has done.

    Attributes:
        files: How many files were loaded.
        rows: How many rows they have.
        tables: Of which tables.
        notes: Where files differ from what is declared.
    """

    files: int = 0
    rows: int = 0
    tables: set[str] = field(default_factory=set)
    notes: list[Note] = field(default_factory=list)

    @property
    def stopped(self) -> dict[str, str]:
        """The tables that were stopped, and why."""
        return {str(n.table_name): str(n.message) for n in self.notes if n.kind == "stopped"}

    def add(self, files: int, rows: int, tables: set[str], notes: list[Note]) -> None:
        """Add a batch. A column is missing if no batch with files of its table has it."""
        absent = {(n.table_name, n.column_name) for n in notes if n.kind == MISSING}
        kept = [
            note
            for note in self.notes
            if note.kind != MISSING
            or note.table_name not in tables
            or (note.table_name, note.column_name) in absent
        ]
        fresh = [n for n in notes if n.kind != MISSING or n.table_name not in self.tables]
        self.files += files
        self.rows += rows
        self.tables |= tables
        self.notes = kept + fresh


def load_export(
    pipeline: dlt.Pipeline, bucket_url: str, fetch_bytes: int | None = None
) -> tuple[list[str], str | None]:
    """Load the files of an export that are new or have changed.

    Args:
        pipeline: The destination, with the tables of the export.
        bucket_url: The export's folder, here or in a store.
        fetch_bytes: How much of a store's files lies on the disk at a time.

    Returns:
        Lines for a person, and what stopped some tables, if anything did: the others are loaded.

    Raises:
        InputError: If the export is another than the one that was loaded before, or a load fails.
    """
    place = open_place(bucket_url)
    files, set_aside = list_files(place)
    loaded = query(pipeline, LOADED)
    _check_same_export(place.root, files, loaded)
    held = {version(*row[1:]) for row in loaded}
    new = [file for file in files if file.version not in held]
    notes = [Note("set aside", path=path, message="no table's name") for path in set_aside]
    run = Run()
    for batch in batches(new, None if place.is_local else fetch_bytes or FETCH_BYTES):
        stopped = run.stopped
        going_on = [file for file in batch if file.table not in stopped]
        if going_on:
            _load_batch(pipeline, place, going_on, notes, run)
            notes = []
    run.add(0, 0, set(), notes)
    line = Line(
        f"export: {run.files} new of {len(files)} files, {run.rows:,} rows from {bucket_url}",
        **{"step": "export", "files": len(files), "new_files": run.files, "rows": run.rows},
    )
    reasons = [f"{table} was stopped: {reason}." for table, reason in run.stopped.items()]
    return [line, *told(run.notes)], " ".join(reasons) or None


def _load_batch(
    pipeline: dlt.Pipeline, place: Place, files: list[ExportFile], notes: list[Note], run: Run
) -> None:
    """Load some files, with what was noted of them and before, and add them to the run."""
    with place.on_disk([file.path for file in files]) as folder:
        plans, noted = _plans(pipeline, folder, files)
        if place.root != folder:
            noted = [
                replace(note, message=note.message and note.message.replace(folder, place.root))
                for note in noted
            ]
        notes = [*notes, *noted]
        read = [file for file in files if file.table in plans]
        queries = {table: plan.queries for table, plan in plans.items()}
        source = metronome_export(pipeline.dataset(), place.root, queries, read, notes)
        try:
            with told_plainly(pipeline):
                pipeline.run(source)
        except InputError as error:
            raise InputError(str(error).replace(folder, place.root)) from error
    run.add(len(read), _new_rows(pipeline, plans), set(plans), notes)


def _plans(
    pipeline: dlt.Pipeline, folder: str, files: list[ExportFile]
) -> tuple[dict[str, Plan], list[Note]]:
    """How the files of each table are read, but for tables that are stopped, and all notes."""
    plans: dict[str, Plan] = {}
    notes: list[Note] = []
    schema = pipeline.default_schema
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for table in dict.fromkeys(file.table for file in files):
            held = schema.get_table_columns(table) if table in schema.tables else {}
            of_table = [file for file in files if file.table == table]
            try:
                plans[table] = plan(
                    *(connection, folder, table, of_table, TABLES.get(table, {}), held),
                    schema.naming.normalize_identifier,
                )
            except TableError as stop:
                notes.append(Note("stopped", table, stop.column, stop.path, str(stop)))
                continue
            if table not in TABLES:
                notes.append(Note("unknown table", table, path=of_table[0].path))
            notes += plans[table].notes
    return plans, notes


def _check_same_export(root: str, files: list[ExportFile], loaded: list[tuple[Any, ...]]) -> None:
    """Refuse to add one account's files to another's; an export that was moved is still itself."""
    roots = {row[0] for row in loaded}
    held = {(path, size) for _, path, size, *_ in loaded}
    if roots and root not in roots and held - {(file.path, file.size_bytes) for file in files}:
        raise InputError(
            f"The database holds the export of {sorted(roots)[0]}, not of {root}. {OWN_DATABASE}"
        )


def _new_rows(pipeline: dlt.Pipeline, tables: Iterable[str]) -> int:
    """Rows that the newest load brought to the given tables."""
    newest = "select max(load_id) from _dlt_loads where status = 0"
    counts = [f'select count(*) from "{table}" where _dlt_load_id = ({newest})' for table in tables]
    return sum(count for (count,) in query(pipeline, " union all ".join(counts))) if counts else 0
