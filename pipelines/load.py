"""Run the pipelines: what is configured is loaded, what is not is an empty table.

The database is the truth and a pipeline's working folder only a cache of it: which files were
loaded is read from `raw_export.loaded_files`. Two databases never share a state.
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
from pipelines.columns import AMOUNT_PRECISION, AMOUNT_SCALE
from pipelines.database import check_name, create, lock_file, opened
from pipelines.errors import OWN_DATABASE, InputError, printable
from pipelines.failures import plain
from pipelines.locks import held, writable
from pipelines.metronome_api.run import load_account
from pipelines.metronome_api.settings import ApiSettings, api_settings, host, selected
from pipelines.metronome_export.places import open_place
from pipelines.metronome_export.run import ACCEPT, load_export
from pipelines.settings import (
    accepts_incomplete,
    api_token,
    api_url,
    database_file,
    export_url,
    memory_limit,
)

LOAD_ID: TColumnSchema = {"name": "_dlt_load_id", "data_type": "text", "nullable": False}
ROW_ID: TColumnSchema = {
    "name": "_dlt_id",
    "data_type": "text",
    "nullable": False,
    "unique": True,
    "row_key": True,
}
"""What dlt adds to rows: which load brought them, and an id where they passed through Python."""

PIPELINES: dict[str, ModuleType] = {
    module.NAME: module for module in (metronome_export, metronome_api)
}

ENDS = ("", "_staging")
"""dlt keeps what it merges in a schema of its own, beside that of the dataset."""


def configured() -> list[str]:
    """Names of the pipelines that have what they need to run."""
    settings = {metronome_export.NAME: export_url(), metronome_api.NAME: api_token()}
    return [name for name, setting in settings.items() if setting]


def run(
    names: list[str], select: list[str] | None = None, full_refresh: bool = False
) -> Iterator[str]:
    """Load the named sources; create the tables of both, so that models find them.

    Args:
        names: Pipelines to run.
        select: Resources of the API to read, instead of those that the settings name.
        full_refresh: Read all of the API, whatever earlier runs have read.

    Yields:
        One line for a person after each source.

    Raises:
        InputError: If a source lacks its setting, its data or the API refuse to be read, another
            run has the database, or the disk refuses; at the end, if some of the export was left
            out, and that is not accepted.
    """
    settings = api_settings()
    settings.select = select or settings.select
    _check(names, settings)
    try:
        with _alone(database_file()) as connection:
            yield from _load(names, settings, full_refresh, connection)
    except (DltException, duckdb.Error, OSError) as error:
        raise plain(error) from error


def _check(names: list[str], settings: ApiSettings) -> None:
    """Check all settings of a run before it creates or changes a file.

    Raises:
        InputError: If a source lacks its setting, or a setting cannot be used.
    """
    if metronome_export.NAME in names:
        open_place(_bucket_url())
    if metronome_api.NAME in names:
        _token()
        host(api_url())
        settings.window()
    selected(settings.select)
    check_name(database_file(), {f"{m.DATASET}{end}" for m in PIPELINES.values() for end in ENDS})
    folder = _working_folder()
    if found := [sign for sign in "%'" if sign in str(folder)]:
        raise InputError(
            f"dlt cannot work in the folder {folder}: its path has a {found[0]}. Set DLT_DATA_DIR "
            "to another folder."
        )


@contextmanager
def _alone(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Have the working folder and the database, open, to ourselves: dlt opens it again and again.

    The working folder may be shared by databases, and another run would take our packages for its
    own.
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
) -> Iterator[str]:
    attached = {name: _open(module) for name, module in PIPELINES.items()}
    for name, module in PIPELINES.items():
        _create_missing_tables(attached[name], module, connection)
    export, api = attached[metronome_export.NAME], attached[metronome_api.NAME]
    if metronome_api.NAME in names:
        _check_same_api(connection)
    left_out = None
    if metronome_export.NAME in names:
        lines, left_out = _run_export(export)
        yield from lines
        connection.execute("checkpoint")  # out of the memory, of which reading the API takes little
    else:
        yield from _not_read(connection, "export", "raw_export", "loaded_files")
    if metronome_api.NAME in names:
        yield _run_api(api, settings, full_refresh)
    else:
        yield from _not_read(connection, "api", "raw_api", "customers")
    if left_out and not accepts_incomplete():
        raise InputError(f"{left_out} {ACCEPT}")
    if left_out:
        yield f"Warning, accepted: {printable(left_out)}"


def _not_read(
    connection: duckdb.DuckDBPyConnection, source: str, dataset: str, table: str
) -> Iterator[str]:
    """Say so when a source is left out whose rows of an earlier run still count."""
    ((loaded_at,),) = connection.execute(
        f"select max(inserted_at) at time zone 'UTC' from {dataset}._dlt_loads "
        f"where load_id in (select _dlt_load_id from {dataset}.{table})"
    ).fetchall()
    if loaded_at:
        yield (
            f"{source}: not read now; what it held on {loaded_at:%Y-%m-%d %H:%M} UTC still counts. "
            "Another database would leave it out."
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


def _run_export(pipeline: dlt.Pipeline) -> tuple[list[str], str | None]:
    fetch_bytes = dlt.config.get("sources.metronome_export.fetch_bytes", int)
    return load_export(pipeline, _bucket_url(), fetch_bytes)


def _run_api(pipeline: dlt.Pipeline, settings: ApiSettings, full_refresh: bool) -> str:
    return load_account(pipeline, api_url(), _token(), settings, full_refresh)


def _check_same_api(connection: duckdb.DuckDBPyConnection) -> None:
    """Refuse to replace what one API showed by another's: the sandbox is not a user's account."""
    asked = host(api_url())
    rows = connection.execute("select host from raw_api.read_from").fetchall()
    hosts = {read_host for (read_host,) in rows}
    if hosts - {asked}:
        raise InputError(
            f"The database holds what {hosts.pop()} showed, not {asked}. {OWN_DATABASE}"
        )


def _open(module: ModuleType) -> dlt.Pipeline:
    """Attach to the database, and let go of a working folder that is of no use to it.

    A package that an earlier run left behind is not retried: its files do not count as loaded, so
    this run reads them again, and repeated rows are what staging removes.
    """
    database = str(database_file())

    def attach() -> dlt.Pipeline:
        return dlt.pipeline(
            module.NAME,
            destination=dlt.destinations.duckdb(
                DuckDbCredentials(
                    database,
                    global_config={
                        "memory_limit": memory_limit(),
                        "preserve_insertion_order": False,
                    },
                ),
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


def _create_missing_tables(
    pipeline: dlt.Pipeline, module: ModuleType, connection: duckdb.DuckDBPyConnection
) -> None:
    """Create the declared tables and columns that the database lacks, empty."""
    existing = set(
        connection.execute(
            "select table_name, column_name from duckdb_columns() "
            "where database_name = current_database() and schema_name = ?",
            [module.DATASET],
        ).fetchall()
    )
    declared = {(table, column) for table, hints in module.RAW_TABLES.items() for column in hints}
    is_new = pipeline.default_schema_name is None
    if declared <= existing and not is_new:
        return
    schema = dlt.Schema(module.NAME) if is_new else pipeline.default_schema
    for table, hints in module.RAW_TABLES.items():
        row_id = [] if table in module.SELECTED_TABLES else [ROW_ID]
        schema.update_table(new_table(table, columns=[*hints.values(), LOAD_ID, *row_id]))
    with pipeline.managed_state():
        pipeline.schemas.save_schema(schema)
        pipeline.default_schema_name = schema.name
    if not declared <= existing:
        pipeline.sync_schema()
