"""dlt source `metronome_export`: the files of Metronome's data export, as they came.

Reads a folder, here or in a store, of files in the object-storage layout (Parquet) or of flat CSVs,
and appends the rows of every file that was not loaded before to one table each in `raw_export`.
The export is an at-least-once log: rows repeat, and staging keeps the newest.

Raw tables are append-only. A row counts if `loaded_files` has a row for its `_file` with its
`_dlt_load_id`, if that is the newest one for the file among loads that are complete
(`_dlt_loads.status = 0`). What does not count: rows of an older version of a file that changed,
even to an empty one, and rows of a load that was killed, whose files are loaded again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import dlt
from dlt.extract import DltResource
from dlt.extract.hints import make_hints

from pipelines.columns import Hints
from pipelines.metronome_export.drift import Note
from pipelines.metronome_export.files import ExportFile
from pipelines.metronome_export.tables import LOAD_NOTES, LOADED_FILES, PROVENANCE, TABLES

NAME = "metronome_export"
DATASET = "raw_export"
RAW_TABLES = {
    **{table: {**hints, **PROVENANCE} for table, hints in TABLES.items()},
    "loaded_files": LOADED_FILES,
    "load_notes": LOAD_NOTES,
}
SELECTED_TABLES = frozenset(TABLES)
"""Tables whose rows the destination reads itself, so that dlt gives them no ids."""


@dlt.source(name=NAME)
def metronome_export(
    dataset: dlt.Dataset,
    root: str,
    queries: dict[str, list[tuple[str, Hints]]],
    files: list[ExportFile],
    notes: list[Note],
) -> Iterable[Any]:
    """Append the rows of some files, in one load.

    Args:
        dataset: The destination, which reads the files itself.
        root: The folder that the files' paths are relative to, as `loaded_files` says it.
        queries: What selects the rows of each table, and the hints of the columns that are not
            declared.
        files: The files that these queries read.
        notes: What is noted of them.
    """
    for table, selects in queries.items():
        yield dlt.resource(
            _rows(dataset, table, selects),
            name=table,
            columns=_hints(table),
            write_disposition="append",
        )
    yield _own_table(
        "loaded_files",
        (
            {
                "root": root,
                "path": file.path,
                "table_name": file.table,
                "size_bytes": file.size_bytes,
                "modified_at": file.modified_at,
                "etag": file.etag,
            }
            for file in files
        ),
    )
    yield _own_table("load_notes", (asdict(note) for note in notes))


def _rows(dataset: dlt.Dataset, table: str, selects: Iterable[tuple[str, Hints]]) -> Iterator[Any]:
    for query, added in selects:
        hints = make_hints(columns={**_hints(table), **added})
        # the destination executes the query as it stands: dlt's `model` load format
        selection = dataset.query(query, query_dialect="duckdb", _execute_raw_query=True)
        yield dlt.mark.with_hints(selection, hints)


def _hints(table: str) -> Hints:
    return {**TABLES.get(table, {}), **PROVENANCE}


def _own_table(name: str, rows: Iterable[Any]) -> DltResource:
    return dlt.resource(
        rows,
        name=name,
        columns=RAW_TABLES[name],
        write_disposition="append",
        file_format="parquet",
    )
