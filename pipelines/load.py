"""Run the pipelines. A source that is not configured has empty tables.

The database holds the state of the pipelines: `raw_export.loaded_files` has the files that were
loaded. A pipeline's working folder is only a cache. Two databases never share a working folder.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import dlt
import duckdb
from dlt.common.exceptions import DltException
from dlt.common.schema.typing import TColumnSchema
from dlt.common.schema.utils import new_table
from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

from pipelines import metronome_api, metronome_export
from pipelines.common.columns import AMOUNT_PRECISION, AMOUNT_SCALE, LOAD_ID
from pipelines.common.database import (
    check_memory_limit,
    check_name,
    create,
    has_table,
    lock_file,
    opened,
)
from pipelines.common.errors import OWN_DATABASE, InputError, printable, to_input_error
from pipelines.common.locks import held, writable
from pipelines.common.settings import (
    accepts_incomplete,
    api_token,
    api_url,
    database_file,
    database_setting,
    export_url,
    memory_limit,
)
from pipelines.metronome_api.api_settings import ApiSettings, api_settings, host, selected
from pipelines.metronome_api.load_account import load_account
from pipelines.metronome_export.load_files import ACCEPT, InPlace, drop_export, load_export
from pipelines.metronome_export.storage import open_location

ROW_ID: TColumnSchema = {
    "name": "_dlt_id",
    "data_type": "text",
    "nullable": False,
    "unique": True,
    "row_key": True,
}
"""A column that dlt adds: an id, if Python has read the row."""

PIPELINES: dict[str, ModuleType] = {
    module.NAME: module for module in (metronome_export, metronome_api)
}

ENDS = ("", "_staging")
"""dlt merges from a second schema, whose name ends in `_staging`."""


def configured() -> list[str]:
    """Return the names of the pipelines whose source is configured."""
    settings = {metronome_export.NAME: export_url(), metronome_api.NAME: api_token()}
    return [name for name, setting in settings.items() if setting]


class IncompleteError(InputError):
    """Parts of the export were left out. All others are loaded."""


def run(
    names: list[str],
    select: list[str] | None = None,
    full_refresh: bool = False,
    in_place: InPlace | None = None,
) -> Iterator[str]:
    """Load the named sources, and create the tables of both.

    Args:
        names: Pipelines to run.
        select: Resources of the API to read, instead of the configured ones.
        full_refresh: Read the named sources from the beginning.
        in_place: An engine that reads the export's files where they are, such as Spark. By default,
            DuckDB loads all rows.

    Yields:
        A line to print after each source.

    Raises:
        InputError: If a setting is wrong, before any file is created. If a source cannot be read,
            another run has the database, or the disk is full.
        IncompleteError: At the end, if parts of the export were left out and
            `accept_incomplete` is not set.
    """
    settings = api_settings()
    settings.select = select or settings.select
    _check(names, settings)
    try:
        with _alone(database_file()) as connection:
            yield from _load(names, settings, full_refresh, connection, in_place)
    except (DltException, duckdb.Error, OSError) as error:
        raise to_input_error(error) from error


def _check(names: list[str], settings: ApiSettings) -> None:
    """Check all settings of a run before it creates or changes a file.

    Raises:
        InputError: If a source lacks its setting, or a setting cannot be used.
    """
    if metronome_export.NAME in names:
        open_location(_bucket_url())
    if metronome_api.NAME in names:
        _token()
        host(api_url())
        settings.window()
    selected(settings.select)
    check_memory_limit(memory_limit())
    schemas = {f"{module.DATASET}{end}" for module in PIPELINES.values() for end in ENDS}
    check_name(database_setting(), schemas)
    folder = _working_folder()
    if found := [sign for sign in "%'" if sign in str(folder)]:
        raise InputError(
            f"dlt cannot work in the folder {folder}: its path has a {found[0]}. Name another "
            "folder: DLT_DATA_DIR=<folder>, for make and dlt."
        )


@contextmanager
def _alone(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Lock the working folder and the database, and keep the database open.

    Several databases may share a working folder. A second run in it would load this run's packages.
    dlt uses copies of the connection, because to open the database many times takes longer.
    """
    working_folder = _working_folder()
    with (
        held(working_folder / "metronome.lock", f"dlt's working folder {working_folder}"),
        held(lock_file(database), str(database)),
    ):
        with writable(database.parent):
            create(database)
        with opened(database) as connection:
            yield connection


def _load(
    names: list[str],
    settings: ApiSettings,
    full_refresh: bool,
    connection: duckdb.DuckDBPyConnection,
    in_place: InPlace | None,
) -> Iterator[str]:
    if not in_place and has_table(connection, metronome_export.DATASET, "file_reads"):
        raise InputError(
            f"The database was loaded for Spark, so it has no rows of the export. {OWN_DATABASE}"
        )
    if full_refresh and metronome_export.NAME in names and (bucket_url := export_url()):
        drop_export(connection, bucket_url)
    attached: dict[str, dlt.Pipeline] = {}
    for name, module in PIPELINES.items():
        is_complete = _has_declared_columns(module, connection)
        if name in names or not is_complete:
            attached[name] = _open(module, connection)
            _create_missing_tables(attached[name], module, is_complete)
    if metronome_api.NAME in names:
        _check_same_api(connection)
    left_out = None
    if metronome_export.NAME in names:
        lines, left_out = _run_export(attached[metronome_export.NAME], in_place)
        yield from lines
        connection.execute("checkpoint")  # frees memory, which is limited while the API is read
    else:
        yield from _not_read(connection, "export", "raw_export", "loaded_files")
    if metronome_api.NAME in names:
        yield _run_api(attached[metronome_api.NAME], settings, full_refresh)
    else:
        yield from _not_read(connection, "api", "raw_api", "customers")
    if left_out and not accepts_incomplete():
        raise IncompleteError(f"{left_out} {ACCEPT}")
    if left_out:
        yield f"Warning, accepted: {printable(left_out)}"


def _not_read(
    connection: duckdb.DuckDBPyConnection, source: str, dataset: str, table: str
) -> Iterator[str]:
    """Yield a line if a source that this run does not read has rows of an earlier run."""
    ((loaded_at,),) = connection.execute(
        f"select max(inserted_at) at time zone 'UTC' from {dataset}._dlt_loads "
        f"where load_id in (select _dlt_load_id from {dataset}.{table})"
    ).fetchall()
    if loaded_at:
        yield (
            f"{source}: not configured. Its rows of {loaded_at:%Y-%m-%d %H:%M} UTC still count. "
            "Use another database to leave them out."
        )


def _working_folder() -> Path:
    return Path(dlt.current.run_context().data_dir).absolute()


def _bucket_url() -> str:
    bucket_url = export_url()
    if not bucket_url:
        raise InputError(
            "No export to load: set [sources.metronome_export] bucket_url in .dlt/config.toml, or "
            "SOURCES__METRONOME_EXPORT__BUCKET_URL, to the export's folder."
        )
    return bucket_url


def _token() -> str:
    token = api_token()
    if not token:
        raise InputError(
            "No API to load: set METRONOME_BEARER_TOKEN, or [sources.metronome_api] bearer_token "
            "in .dlt/secrets.toml."
        )
    return token


def _run_export(pipeline: dlt.Pipeline, in_place: InPlace | None) -> tuple[list[str], str | None]:
    fetch_bytes = dlt.config.get("sources.metronome_export.fetch_bytes", int)
    return load_export(pipeline, _bucket_url(), fetch_bytes, in_place)


def _run_api(pipeline: dlt.Pipeline, settings: ApiSettings, full_refresh: bool) -> str:
    return load_account(pipeline, api_url(), _token(), settings, full_refresh)


def _check_same_api(connection: duckdb.DuckDBPyConnection) -> None:
    """Refuse to replace the rows of one API, such as the sandbox, with the rows of another."""
    asked = host(api_url())
    rows = connection.execute("select host from raw_api.read_from").fetchall()
    hosts = {read_host for (read_host,) in rows}
    if hosts - {asked}:
        raise InputError(
            f"The database holds the data of {hosts.pop()}, not of {asked}. {OWN_DATABASE}"
        )


def _open(module: ModuleType, connection: duckdb.DuckDBPyConnection) -> dlt.Pipeline:
    """Attach a pipeline to the database. Drops the working folder of another database.

    A pending package of an earlier run is dropped too. Its files do not count as loaded, so this
    run reads them again, and staging removes repeated rows.
    """
    database = str(database_file())

    def attach() -> dlt.Pipeline:
        return dlt.pipeline(
            module.NAME,
            destination=dlt.destinations.duckdb(
                DuckDbCredentials(
                    connection,
                    global_config={
                        "memory_limit": memory_limit(),
                        "preserve_insertion_order": False,
                    },
                ).resolve(),  # once, and not in each step of the load
                decimal_precision=(AMOUNT_PRECISION, AMOUNT_SCALE),
            ),
            dataset_name=module.DATASET,
            progress="tqdm" if sys.stderr.isatty() else None,
        )

    pipeline = attach()
    try:
        attached_before = pipeline.get_local_state_val("database")
    except KeyError:
        attached_before = database
    if pipeline.has_pending_data or attached_before != database:
        pipeline.drop()
        pipeline = attach()
    pipeline.set_local_state_val("database", database)
    pipeline.sync_destination()
    return pipeline


def _has_declared_columns(module: ModuleType, connection: duckdb.DuckDBPyConnection) -> bool:
    """Return whether the database has all declared tables and columns of a pipeline."""
    existing = set(
        connection.execute(
            "select table_name, column_name from duckdb_columns() "
            "where database_name = current_database() and schema_name = ?",
            [module.DATASET],
        ).fetchall()
    )
    declared = {(table, column) for table, hints in module.RAW_TABLES.items() for column in hints}
    return declared <= existing


def _create_missing_tables(pipeline: dlt.Pipeline, module: ModuleType, is_complete: bool) -> None:
    """Create the declared tables and columns that the database lacks, empty.

    Args:
        pipeline: The destination.
        module: The pipeline's package.
        is_complete: True if the database lacks none. A new working folder still needs the schema.
    """
    is_new = pipeline.default_schema_name is None
    if is_complete and not is_new:
        return
    schema = dlt.Schema(module.NAME) if is_new else pipeline.default_schema
    selected_tables = getattr(module, "SELECTED_TABLES", ())  # only the export has any
    for table, hints in module.RAW_TABLES.items():
        row_id = [] if table in selected_tables else [ROW_ID]
        schema.update_table(new_table(table, columns=[*hints.values(), LOAD_ID, *row_id]))
    with pipeline.managed_state():
        pipeline.schemas.save_schema(schema)
        pipeline.default_schema_name = schema.name
    if not is_complete:
        pipeline.sync_schema()
