"""Load the files of an export that are new or have changed, a batch at a time."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import dlt
import duckdb
from dlt.common.schema.utils import new_table
from dlt.destinations.sql_client import SqlClientBase

from pipelines.common.columns import LOAD_ID, Hints
from pipelines.common.errors import OWN_DATABASE, InputError, as_input_error
from pipelines.common.log import LogLine
from pipelines.metronome_export.append import appended_files
from pipelines.metronome_export.casts import DUCKDB_TYPES, WHAT, cast
from pipelines.metronome_export.drift import (
    BAD_FILE,
    COMPLETE,
    LEFT_OUT,
    MISSING,
    STOPPED,
    UNKNOWN_FILE,
    Note,
    left_out,
    lines,
)
from pipelines.metronome_export.export_tables import DATASET, PROVENANCE, TABLES
from pipelines.metronome_export.files import ExportFile, batches, list_files, version
from pipelines.metronome_export.parquet_types import FileType
from pipelines.metronome_export.read_plan import ReadPlan, TableError, read_plan, unreadable
from pipelines.metronome_export.storage import ExportLocation, open_location

Client = SqlClientBase[Any]

FETCH_BYTES = 2_000_000_000
"""The default of `fetch_bytes`: the most bytes of a store's files on the disk at a time."""

ACCEPT = (
    "Replace or remove these files, and run the same command again. To load the "
    "rest without them: ACCEPT_INCOMPLETE=1 for make, or "
    "SOURCES__METRONOME_EXPORT__ACCEPT_INCOMPLETE=true for dlt and dbt."
)
"""The end of a message about files that were left out."""

RAW_TYPES = {**DUCKDB_TYPES, "timestamp": "TIMESTAMP WITH TIME ZONE"}
"""Types of raw columns, as `information_schema` names them, by dlt's data type."""

LOADED = """
select root, path, size_bytes, modified_at, etag
from loaded_files
inner join _dlt_loads on load_id = _dlt_load_id
where status = 0
qualify row_number() over (partition by path order by load_id desc) = 1
"""
"""The newest version of each file that was loaded."""

LEFT_OUT_BEFORE = f"""
select kind
from load_notes
where kind in {(*LEFT_OUT, COMPLETE)}
qualify _dlt_load_id = max(_dlt_load_id) over () and kind <> '{COMPLETE}'
"""
"""The notes on files and tables that the newest run left out."""


class InPlace(Protocol):
    """Another engine, which reads the files where they are, so that their rows are not loaded."""

    kept: frozenset[str]
    """Small tables whose rows are also loaded."""

    def readable(self, pipeline: dlt.Pipeline) -> set[str]:
        """Return the paths of loaded files that need not be read again."""

    def read(
        self, location: ExportLocation, folder: str, plans: dict[str, ReadPlan]
    ) -> list[dict[str, Any]]:
        """Read the new files once, to their ends.

        Args:
            location: The folder of the export.
            folder: The local folder that has the files.
            plans: How the files of each table are read.

        Returns:
            A row of `file_reads` for each file.

        Raises:
            duckdb.Error: If a file is damaged.
        """

    def compare(
        self, pipeline: dlt.Pipeline, location: ExportLocation, files: list[ExportFile]
    ) -> list[Note]:
        """Return a note for each loaded file whose rows are no longer there.

        Args:
            pipeline: The destination.
            location: The folder of the export.
            files: The files that are there.
        """


@dataclass
class Run:
    """The result of a run.

    Attributes:
        files: The number of loaded files.
        rows: The number of their rows.
        tables: Their tables.
        notes: Where files differ from what is declared.
    """

    files: int = 0
    rows: int = 0
    tables: set[str] = field(default_factory=set)
    notes: list[Note] = field(default_factory=list)

    @property
    def stopped(self) -> set[str | None]:
        """Return the tables that were stopped."""
        return {note.table_name for note in self.notes if note.kind == STOPPED}

    def add(self, files: int, rows: int, tables: set[str], notes: list[Note]) -> None:
        """Add the result of a batch. A column is missing if no batch of its table has it."""
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


@dataclass(frozen=True)
class LoadedFiles:
    """The files of one load.

    Attributes:
        file_reads: The row counts of the files whose rows stay in them, from the other engine.
    """

    files: list[ExportFile]
    tables: set[str]
    notes: list[Note]
    file_reads: list[dict[str, Any]] | None


def load_export(
    pipeline: dlt.Pipeline,
    bucket_url: str,
    fetch_bytes: int | None = None,
    in_place: InPlace | None = None,
) -> tuple[list[str], str | None]:
    """Load the files of an export that are new or have changed.

    A bad file is skipped. The next run tries it again.

    Args:
        pipeline: The destination, with the tables of the export.
        bucket_url: The export's folder: a local path or a bucket URL.
        fetch_bytes: The most bytes of a bucket's files that are on the disk at a time.
        in_place: An engine that reads the files where they are, such as Spark. Only the rows of its
            `kept` tables are then loaded. By default, DuckDB loads all rows.

    Returns:
        Lines to print, and a text that lists the files and tables that were left out, with the
        reasons. The text is None if everything is loaded.

    Raises:
        InputError: If another export was loaded before, if a load fails, or if a loaded value does
            not fit the type with which its column is declared now.
    """
    place = open_location(bucket_url)
    files, not_loaded = list_files(place)
    with pipeline.sql_client() as client:
        loaded = _query(client, LOADED)
        _check_same_export(place.root, files, loaded)
        readable = in_place.readable(pipeline) if in_place else {row[1] for row in loaded}
        held = {version(*row[1:]) for row in loaded if row[1] in readable}
        new = [file for file in files if file.version not in held]
        _convert_columns(client)
        run = Run(notes=not_loaded)
        for batch in batches(new, None if place.is_local else fetch_bytes or FETCH_BYTES):
            going_on = [file for file in batch if file.table not in run.stopped]
            if going_on:
                _load_batch(pipeline, client, place, going_on, run, in_place)
        if in_place:
            run.notes += in_place.compare(pipeline, place, files)
        _note_left_out(pipeline, client, place, run)
    line = LogLine(
        f"export: {run.files} new of {len(files)} files, {run.rows:,} rows from {bucket_url}",
        step="export",
        files=len(files),
        new_files=run.files,
        rows=run.rows,
    )
    return [line, *lines(run.notes)], left_out(run.notes)


def drop_export(connection: duckdb.DuckDBPyConnection, bucket_url: str) -> None:
    """Drop the raw tables of the export, so that the next run loads all files again.

    Raises:
        InputError: If there is no export to load instead. Nothing is dropped then.
    """
    list_files(open_location(bucket_url))
    connection.execute(f"drop schema if exists {DATASET} cascade")


def _convert_columns(client: Client) -> None:
    """Convert each raw column to the type with which it is declared.

    A column that Metronome adds lands as text or JSON. If it is declared later, the loaded values
    are converted, so that old and new values have the same type.

    Raises:
        InputError: If a value does not fit.
    """
    held = _query(
        client,
        "select table_name, column_name, data_type from information_schema.columns "
        f"where table_schema = '{DATASET}'",
    )
    for table, name, held_type in held:
        hint = TABLES.get(table, {}).get(name)
        if not hint or held_type.replace(" ", "") == RAW_TYPES[hint["data_type"]].replace(" ", ""):
            continue
        converted = cast(f'"{name}"', FileType(held_type, held_type), hint["data_type"])
        if converted.loses:
            lost = _query(
                client,
                f'select "{name}"::varchar, _file from "{table}" '
                f'where "{name}" is not null and ({converted.loses}) limit 1',
            )
            for value, path in lost:
                raise InputError(
                    f"The column {name} of {table} is declared as {hint['data_type']} now, but was "
                    f"loaded as text, and {value!r} of {path} is {WHAT[hint['data_type']]}. Load "
                    "all files anew: dlt pipeline metronome_export run --full-refresh"
                )
        client.execute_sql(
            f'alter table "{table}" alter column "{name}" '
            f"type {DUCKDB_TYPES[hint['data_type']]} using {converted.value}"
        )


def _load_batch(
    pipeline: dlt.Pipeline,
    client: Client,
    place: ExportLocation,
    files: list[ExportFile],
    run: Run,
    in_place: InPlace | None,
) -> None:
    """Load some files and add them to the run.

    Some damage to a Parquet file shows only while it loads, because its footer is valid. The
    readable files are then loaded again, without the damaged ones.
    """
    tables = {file.path: file.table for file in files}
    unknown: dict[str, str] = {}
    with place.on_disk([file.path for file in files]) as (folder, bad):
        loaded = None
        while loaded is None:
            new = [file for file in files if file.path not in bad.keys() | unknown.keys()]
            loaded = _load_files(pipeline, place, folder, new, bad, unknown, in_place)
    notes = [
        *loaded.notes,
        *(Note(BAD_FILE, tables[path], None, path, bad[path]) for path in sorted(bad)),
        *(Note(UNKNOWN_FILE, None, None, path, unknown[path]) for path in sorted(unknown)),
    ]
    notes = [
        replace(note, message=note.message and note.message.replace(folder, place.root))
        for note in notes
    ]
    if in_place:
        rows = sum(row["rows"] for row in loaded.file_reads or [])
    else:
        rows = _new_rows(client, loaded.tables)
    run.add(len(loaded.files), rows, loaded.tables, notes)


def _load_files(
    pipeline: dlt.Pipeline,
    place: ExportLocation,
    folder: str,
    files: list[ExportFile],
    bad: dict[str, str],
    unknown: dict[str, str],
    in_place: InPlace | None,
) -> LoadedFiles | None:
    """Plan how to read some files, and load them in one package.

    Adds the files that it cannot load to `bad` and `unknown`, with the reason.

    Returns:
        The loaded files. None if a file turned out to be damaged, so that nothing was loaded.

    Raises:
        InputError: If the load fails although each file can be read.
    """
    with TemporaryDirectory() as copies:
        plans, notes = _plans(pipeline, folder, files, copies)
        for plan in plans.values():
            bad |= plan.bad
            unknown |= plan.unknown
        plans = {table: plan for table, plan in plans.items() if plan.queries}
        left = bad.keys() | unknown.keys()
        read = [file for file in files if file.table in plans and file.path not in left]
        queries = {table: plan.queries for table, plan in plans.items()}
        differ = [note for note in notes if note.kind not in LEFT_OUT]
        doubles = {path for plan in plans.values() for path in plan.doubles}
        file_reads = None
        try:
            if in_place:
                file_reads = in_place.read(place, folder, plans)
                _add_columns(pipeline, queries)
                queries = {name: queries[name] for name in in_place.kept & plans.keys()}
            with as_input_error():
                pipeline.run(
                    appended_files(
                        *(pipeline.dataset(), place.root, queries, read, doubles, differ),
                        file_reads,
                    )
                )
        except (InputError, duckdb.Error) as error:
            damaged = unreadable(folder, read)
            if not damaged:
                raise InputError(str(error).replace(folder, place.root)) from error
            bad |= damaged
            pipeline.abort_packages()  # otherwise the next load would continue this one
            return None
    return LoadedFiles(read, set(plans), notes, file_reads)


def _add_columns(pipeline: dlt.Pipeline, queries: dict[str, list[tuple[str, Hints]]]) -> None:
    """Create the tables and columns that the queries select and the database lacks, empty."""
    schema = pipeline.default_schema
    missing = {
        table: {name: hint for _, added in selects for name, hint in added.items()}
        for table, selects in queries.items()
    }
    missing = {
        table: added
        for table, added in missing.items()
        if table not in schema.tables or added.keys() - schema.get_table_columns(table).keys()
    }
    if not missing:
        return
    for table, added in missing.items():
        columns = [*PROVENANCE.values(), *added.values(), LOAD_ID]
        schema.update_table(new_table(table, columns=columns))
    with pipeline.managed_state():
        pipeline.schemas.save_schema(schema)
    pipeline.sync_schema()


def _plans(
    pipeline: dlt.Pipeline, folder: str, files: list[ExportFile], copies: str
) -> tuple[dict[str, ReadPlan], list[Note]]:
    """Build a read plan for every table that can be loaded.

    Returns:
        The plans by table, and all notes, also those of stopped tables.
    """
    plans: dict[str, ReadPlan] = {}
    notes: list[Note] = []
    planner = _Planner(pipeline.default_schema, folder, copies)
    for table in dict.fromkeys(file.table for file in files):
        of_table = [file for file in files if file.table == table]
        try:
            plans[table] = planner.plan(table, of_table)
        except TableError as stop:
            notes.append(Note(STOPPED, table, stop.column, stop.path, str(stop)))
            continue
        if table not in TABLES and plans[table].queries:
            notes.append(Note("unknown table", table, path=of_table[0].path))
        notes += plans[table].notes
    return plans, notes


class _Planner:
    """Plan how the files of each table are read, with one connection for all tables."""

    def __init__(self, schema: dlt.Schema, folder: str, copies: str) -> None:
        self.schema, self.folder, self.copies = schema, folder, copies
        self._connect()

    def plan(self, table: str, files: list[ExportFile]) -> ReadPlan:
        """Plan how the readable files of a table are read."""
        held = self.schema.get_table_columns(table) if table in self.schema.tables else {}
        try:
            return read_plan(
                *(self.connection, self.folder, table, files, TABLES.get(table, {}), held),
                *(self.schema.naming.normalize_identifier, self.copies),
            )
        except duckdb.Error as error:
            self._connect()  # some errors end a connection
            bad = unreadable(self.folder, files)
            if not bad:
                raise TableError(f"its files cannot be read: {error}") from error
            good = [file for file in files if file.path not in bad]
            result = self.plan(table, good)
            result.bad |= bad
            return result

    def _connect(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("set timezone = 'UTC'")


def _note_left_out(pipeline: dlt.Pipeline, client: Client, place: ExportLocation, run: Run) -> None:
    """Record in a separate load what the run left out, or that it is complete again."""
    notes = [note for note in dict.fromkeys(run.notes) if note.kind in LEFT_OUT]
    if not notes and _query(client, LEFT_OUT_BEFORE):
        notes = [Note(COMPLETE)]
    if notes:
        with as_input_error():
            pipeline.run(appended_files(pipeline.dataset(), place.root, {}, [], set(), notes))


def _check_same_export(root: str, files: list[ExportFile], loaded: list[tuple[Any, ...]]) -> None:
    """Refuse to mix the files of two accounts. An export that was moved is the same export."""
    roots = {row[0] for row in loaded}
    held = {(path, size) for _, path, size, *_ in loaded}
    if roots and root not in roots and held - {(file.path, file.size_bytes) for file in files}:
        raise InputError(
            f"The database holds the export of {sorted(roots)[0]}, not of {root}. {OWN_DATABASE}"
        )


def _new_rows(client: Client, tables: Iterable[str]) -> int:
    """Count the rows that the newest load added to the given tables."""
    newest = "select max(load_id) from _dlt_loads where status = 0"
    counts = [f'select count(*) from "{table}" where _dlt_load_id = ({newest})' for table in tables]
    return sum(count for (count,) in _query(client, " union all ".join(counts))) if counts else 0


def _query(client: Client, sql: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query. Its default schema is the pipeline's dataset."""
    return list(client.execute_sql(sql) or [])
