"""Append the rows of files to `raw_export`, one table per table of the export.

The export is an at-least-once log, so rows repeat. Staging keeps the newest.

Raw tables are append-only. A row counts if its `_dlt_load_id` is the newest complete load
(`_dlt_loads.status = 0`) that `loaded_files` has for its `_file`. Rows of an older version of a
file and rows of a killed load do not count.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import dlt
from dlt.extract import DltResource
from dlt.extract.hints import make_hints

from pipelines.common.columns import Hints
from pipelines.metronome_export.drift import Note
from pipelines.metronome_export.export_tables import (
    FILE_READS,
    LOAD_NOTES,
    LOADED_FILES,
    NAME,
    PROVENANCE,
    TABLES,
)
from pipelines.metronome_export.files import ExportFile


@dlt.source(name=NAME)
def appended_files(
    dataset: dlt.Dataset,
    root: str,
    queries: dict[str, list[tuple[str, Hints]]],
    files: list[ExportFile],
    doubles: set[str],
    notes: list[Note],
    file_reads: list[dict[str, Any]] | None = None,
) -> Iterable[Any]:
    """Append the rows of some files to the raw tables, in one load.

    Args:
        dataset: The destination, which reads the files itself.
        root: The folder that the files' paths are relative to, for `loaded_files`.
        queries: By table, the queries that select its rows, each with the hints of undeclared
            columns.
        files: The files that these queries read.
        doubles: Paths of the files with amounts that are stored as binary numbers.
        notes: Differences between the files and their declaration.
        file_reads: Rows of `file_reads`, if rows stay in the files.
    """
    for table, selects in queries.items():
        yield dlt.resource(
            _rows(dataset, table, selects),
            name=table,
            columns=_hints(table),
            write_disposition="append",
        )
    if file_reads is not None:
        yield _own_table("file_reads", file_reads, FILE_READS)
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
                "has_doubles": file.path in doubles,
            }
            for file in files
        ),
        LOADED_FILES,
    )
    yield _own_table("load_notes", (asdict(note) for note in notes), LOAD_NOTES)


def _rows(dataset: dlt.Dataset, table: str, selects: Iterable[tuple[str, Hints]]) -> Iterator[Any]:
    for query, added in selects:
        hints = make_hints(columns={**_hints(table), **added})
        # dlt's `model` load format: the destination executes the query. dlt has no public way to
        # keep it from rewriting the query
        selection = dataset.query(query, query_dialect="duckdb", _execute_raw_query=True)
        yield dlt.mark.with_hints(selection, hints)


def _hints(table: str) -> Hints:
    return {**TABLES.get(table, {}), **PROVENANCE}


def _own_table(name: str, rows: Iterable[Any], hints: Hints) -> DltResource:
    return dlt.resource(
        rows,
        name=name,
        columns=hints,
        write_disposition="append",
        file_format="parquet",
    )
