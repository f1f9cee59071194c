"""The files of an export: which there are, what table each is of, and what tells its versions."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipelines.errors import InputError
from pipelines.metronome_export.drift import BAD_FILE, Note
from pipelines.metronome_export.places import Place
from pipelines.metronome_export.tables import OWN_TABLES, TABLES

LAYOUTS = {
    "parquet": re.compile(
        r"(?:^|/)(?P<table>[^/]+)/dt=\d{4}-\d{2}-\d{2}/[^/]+\.parquet$"
    ),  # <table>/dt=<date>/<part>_<YYYYMMDDHHmmss>.parquet
    "csv": re.compile(
        r"^(?:[^/]* - )?(?P<table>[^/ ]+)\.csv(?:\.gz)?$"
    ),  # <anything> - <table>.csv
}
"""Where the files of a table lie, and how they are named."""

TABLE_NAME = re.compile(r"(?=.{1,63}$)[a-z][a-z0-9]*(_[a-z0-9]+)*")
"""The names that a table we don't know may have: those that dlt and DuckDB take as they are."""


@dataclass(frozen=True)
class ExportFile:
    """One file of an export. `path` is relative to the root; `table` may be one we don't know.

    `etag` is what a store says of the content; a local folder says nothing, and it is null.
    """

    path: str
    table: str
    layout: str
    size_bytes: int
    modified_at: datetime
    etag: str | None

    @property
    def version(self) -> tuple[Any, ...]:
        """What tells a file that was loaded from one that is new or has changed."""
        return version(self.path, self.size_bytes, self.modified_at, self.etag)


def version(path: str, size_bytes: int, modified_at: datetime, etag: str | None) -> tuple[Any, ...]:
    """A file's path, size, and etag where there is one: a copy of a bucket has other times."""
    return path, size_bytes, etag or modified_at


def list_files(place: Place) -> tuple[list[ExportFile], list[Note]]:
    """List the files of an export in either layout, in the order of their paths.

    Returns:
        The files, and notes of those that are set aside: they look like files of an export, but
        the name of their table could not be one, or nobody could open them by their path.

    Raises:
        InputError: If there is no file in the folder that looks like an export.
    """
    found: list[ExportFile] = []
    set_aside: list[Note] = []
    for path, info in place.find():
        for layout, pattern in LAYOUTS.items():
            if not (match := pattern.search(path)):
                continue
            table = match["table"]
            named = path.encode(errors="backslashreplace").decode()
            if table in OWN_TABLES or not TABLE_NAME.fullmatch(table):
                set_aside.append(Note("set aside", path=named, message="no table's name"))
                continue
            if not _is_safe(path):
                reason = "its name is not UTF-8, or its path leads out of the folder"
                set_aside.append(Note(BAD_FILE, table, path=named, message=reason))
                continue
            etag = info.get("ETag") or info.get("etag")
            found.append(
                ExportFile(
                    path,
                    table,
                    layout,
                    info["size"],
                    place.modified_at(info),
                    etag.strip('"') if etag else None,
                )
            )
    if not any(file.table in TABLES for file in found):
        raise InputError(
            f"There is no table of an export in {place.root!r}. Expected "
            "<table>/dt=<date>/<part>_<time>.parquet, or <table>.csv or <any name> - <table>.csv, "
            f"maybe with .gz; tables are {', '.join(TABLES)}."
        )
    return found, set_aside


def _is_safe(path: str) -> bool:
    """Whether a path names a file below the folder it is put to: keys of a store may be any.

    Bytes of a local name that are no UTF-8 are surrogates, which DuckDB does not take.
    """
    inside = not {"", ".", ".."} & set(path.split("/")) and "\0" not in path
    return inside and not any("\ud800" <= character <= "\udfff" for character in path)


def batches(files: Iterable[ExportFile], size_bytes: int | None) -> Iterator[list[ExportFile]]:
    """Cut a list of files into batches of at most a size, but of one file at least."""
    batch: list[ExportFile] = []
    held = 0
    for file in files:
        if batch and size_bytes is not None and held + file.size_bytes > size_bytes:
            yield batch
            batch, held = [], 0
        batch.append(file)
        held += file.size_bytes
    if batch:
        yield batch
