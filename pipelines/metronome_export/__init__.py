"""dlt source `metronome_export`: the files of Metronome's data export, as they came.

Reads a folder in the object-storage layout (Parquet) or a flat folder of CSVs, and appends the
rows of every file that was not loaded before to one table each in `raw_export`. The export is an
at-least-once log: rows repeat, and staging keeps the newest.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import dlt
from dlt.extract import DltResource
from dlt.extract.hints import make_hints

from pipelines.metronome_export.files import ExportFile, queries
from pipelines.metronome_export.tables import LOADED_FILES, PROVENANCE, TABLES

NAME = "metronome_export"
DATASET = "raw_export"
RAW_TABLES = {
    **{table: {**hints, **PROVENANCE} for table, hints in TABLES.items()},
    "loaded_files": LOADED_FILES,
}
SELECTED_TABLES = frozenset(TABLES)
"""Tables whose rows the destination reads itself, so that dlt gives them no ids."""


@dlt.source(name=NAME)
def metronome_export(
    dataset: dlt.Dataset, root: str, files: list[ExportFile], changed: set[str]
) -> Iterable[Any]:
    """Append the rows of the given files.

    Args:
        dataset: The destination, which reads the files itself.
        root: The folder that the files' paths are relative to.
        files: The files to load, of declared tables.
        changed: The paths of those that were loaded before and have changed since: their rows
            replace the old ones.
    """
    for table in TABLES:
        of_table = [file for file in files if file.table == table]
        if of_table:
            resource = _table(table, _rows(dataset, root, of_table, table))
            if any(file.path in changed for file in of_table):
                resource.apply_hints(write_disposition="merge", merge_key="_file")
            yield resource
    yield _loaded_files(
        {
            "root": root,
            "path": file.path,
            "table_name": file.table,
            "size_bytes": file.size_bytes,
            "modified_at": file.modified_at,
        }
        for file in files
    )


def _table(table: str, rows: Iterable[Any]) -> DltResource:
    return dlt.resource(rows, name=table, columns=RAW_TABLES[table], write_disposition="append")


def _loaded_files(rows: Iterable[Any]) -> DltResource:
    return dlt.resource(
        rows,
        name="loaded_files",
        columns=LOADED_FILES,
        write_disposition="append",
        file_format="parquet",
    )


def _rows(dataset: dlt.Dataset, root: str, files: list[ExportFile], table: str) -> Iterator[Any]:
    for query, added in queries(root, files, TABLES[table]):
        hints = make_hints(columns={**RAW_TABLES[table], **added})
        yield dlt.mark.with_hints(_select(dataset, query), hints)


def _select(dataset: dlt.Dataset, query: str) -> dlt.Relation:
    """A query that the destination executes as it stands: dlt's `model` load format."""
    return dataset.query(query, query_dialect="duckdb", _execute_raw_query=True)
