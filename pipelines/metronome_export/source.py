"""Define the dlt source `metronome_export`: the export's tables as resources, for any destination.

    import dlt
    from pipelines.metronome_export import metronome_export_source

    source = metronome_export_source("s3://our-bucket/metronome").with_resources("invoice")
    dlt.pipeline("metronome", destination="duckdb", dataset_name="metronome").run(source)

Each run reads all files. `dlt pipeline metronome_export run` reads the same files by the same
plans. Its later runs read only new files, and it loads good files without the bad ones, see
`load_files.py`.
"""

from collections.abc import Iterable, Iterator
from tempfile import TemporaryDirectory

import dlt
import duckdb
import pyarrow as pa
from dlt.extract import DltResource

from pipelines.common.errors import InputError
from pipelines.metronome_export.export_tables import PROVENANCE, TABLES
from pipelines.metronome_export.files import ExportFile, list_files
from pipelines.metronome_export.read_plan import TableError, read_plan
from pipelines.metronome_export.storage import ExportLocation, open_location

ROWS = 50_000
"""Rows of one Arrow table that a resource yields."""


@dlt.source(name="metronome_export", section="metronome_export")
def metronome_export_source(bucket_url: str = dlt.config.value) -> Iterable[DltResource]:
    """Read one export.

    Args:
        bucket_url: The export's folder: a local path, or an address such as `s3://bucket/folder`.

    Returns:
        A resource per table that has files, named after it. Rows repeat, as in the files.
        `_file` and `_transferred_at` state the file of a row and the start of its transfer.

    Raises:
        InputError: If there is no export in the folder, or a file cannot be read.
    """
    location = open_location(bucket_url)
    files, notes = list_files(location)
    if notes:
        raise InputError(f"{notes[0].path}: {notes[0].message}")
    for table in dict.fromkeys(file.table for file in files):
        of_table = [file for file in files if file.table == table]
        yield dlt.resource(
            _rows(location, table, of_table),
            name=table,
            columns={**TABLES.get(table, {}), **PROVENANCE},
            write_disposition="replace",
            file_format="parquet",
        )


def _rows(location: ExportLocation, table: str, files: list[ExportFile]) -> Iterator[pa.Table]:
    """Yield the rows of a table's files."""
    normalized = dlt.current.source_schema().naming.normalize_identifier
    hints = TABLES.get(table, {})
    with (
        location.on_disk([file.path for file in files]) as (folder, bad),
        TemporaryDirectory() as copies,
        duckdb.connect() as connection,
    ):
        connection.execute("set timezone = 'UTC'")
        try:
            plan = read_plan(connection, folder, table, files, hints, {}, normalized, copies)
            for path, reason in (bad | plan.bad | plan.unknown).items():
                raise InputError(f"{path}: {reason}")
            for query, _ in plan.queries:
                for batch in connection.execute(query).to_arrow_reader(ROWS):
                    yield pa.Table.from_batches([batch])
        except (TableError, duckdb.Error) as error:
            raise InputError(f"{table}: {error}") from error
