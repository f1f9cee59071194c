"""Sort the files of an export: a file belongs to a table, is hidden, or is unknown.

The README in this folder lists the names that are recognized.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from pipelines.common.errors import InputError
from pipelines.metronome_export.drift import BAD_FILE, UNKNOWN_FILE, Note
from pipelines.metronome_export.export_tables import OWN_TABLES, TABLES
from pipelines.metronome_export.storage import ExportLocation

HIDDEN = (
    ".*",  # .DS_Store, ._events.csv of macOS, .events.csv.crc of Hadoop
    "*.crc",
    "__macosx",
    "_success",
    "_started*",
    "_committed*",
    "_temporary",
    "_metadata",
    "_common_metadata",
    "*_$folder$",
    "$recycle.bin",
    "@eadir",
    "desktop.ini",
    "thumbs.db",
    "~$*",
)
"""Names of files and folders, in lower case, that other programs create. They are ignored."""

DATA_FILE = re.compile(
    r"(?P<stem>.+?)(?:[.](?:snappy|gz|gzip|zstd|zst|lz4|lzo|br|c\d+))*"
    r"[.](?P<format>parquet|parq|pq|csv|tsv)(?: ?\(\d+\))?"
    r"(?:[.](?P<compression>gz|gzip|zst|zstd))?",
    re.IGNORECASE | re.DOTALL,
)
"""The name of a file with rows. A browser names a second `x.csv.gz` `x.csv (1).gz`."""

COPY = re.compile(
    r"^copy (?:\(\d+\) )?of (?P<of>.+)$"  # Copy of events, Copy (2) of events
    r"|^(?P<copied>.+?)(?: -)?[ _]copy(?: \(?\d+\)?)?$"  # events - Copy (2), events copy 2
    r"|^(?P<numbered>.+?) ?\((?:copy ?)?\d*\)$"  # events (1), events (copy)
    r"|^(?P<part>.+?)[ ._-]+(?:part[ ._-]*)?\d[\d ._-]*$",  # events_2, events-2024-03-01
    re.DOTALL,
)
"""Names from file managers, browsers and exports in parts. The group is the original name."""

PARTITION = re.compile(r"[^=]+=.*", re.DOTALL)
"""A folder such as `dt=2024-03-01`, `dt=20240301` or `hour=02`."""

DATE = re.compile(r"\d{2}|\d{4}|\d{4}-?\d{2}|\d{4}-?\d{2}-?\d{2}")
"""A folder that is named after a year, month, day or hour."""

TABLE_NAME = re.compile(r"(?=.{1,63}$)[a-z][a-z0-9]*(_[a-z0-9]+)*")
"""Valid names of undeclared tables. dlt and DuckDB use them unchanged."""

ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".7z", ".rar", ".bz2", ".xz")


@dataclass(frozen=True)
class ExportFile:
    """One file of a table. `path` is relative to the root. `table` can be undeclared.

    `layout` is parquet or csv. `etag` is the store's etag of the content, None in a local folder.
    """

    path: str
    table: str
    layout: str
    size_bytes: int
    modified_at: datetime
    etag: str | None

    @property
    def version(self) -> tuple[Any, ...]:
        """Return the key that differs between two versions of a file."""
        return version(self.path, self.size_bytes, self.modified_at, self.etag)


class UnknownFileError(Exception):
    """The name of a file does not identify its table. The message states what to do."""


def version(path: str, size_bytes: int, modified_at: datetime, etag: str | None) -> tuple[Any, ...]:
    """Return path, size and etag, but not the time: a copy of a bucket has other times."""
    return path, size_bytes, etag or modified_at


def list_files(location: ExportLocation) -> tuple[list[ExportFile], list[Note]]:
    """List the files of an export, ordered by path.

    Returns:
        The files of tables, and a note for each file that is unknown or that cannot be opened by
        its path. Hidden files are in neither.

    Raises:
        InputError: If no file belongs to a declared table.
    """
    found: list[ExportFile] = []
    notes: list[Note] = []
    for path, info in location.find():
        named = path.encode(errors="backslashreplace").decode()
        if is_hidden(path):
            continue
        try:
            table, layout = table_of(path)
        except UnknownFileError as error:
            notes.append(Note(UNKNOWN_FILE, path=named, message=str(error)))
            continue
        if not _is_safe(path):
            reason = "its name is not UTF-8, or its path leads out of the folder"
            notes.append(Note(BAD_FILE, table, path=named, message=reason))
            continue
        etag = info.get("ETag") or info.get("etag")
        found.append(
            ExportFile(
                path,
                table,
                layout,
                info["size"],
                location.modified_at(info),
                etag.strip('"') if etag else None,
            )
        )
    if not any(file.table in TABLES for file in found):
        unknown = [repr(note.path) for note in notes]
        others = f" It has {len(unknown)} other files: {', '.join(unknown[:5])}." if unknown else ""
        raise InputError(
            f"There is no table of an export in {location.root!r}. Expected "
            "<table>/dt=<date>/<part>_<time>.parquet, or <table>.csv or <any name> - <table>.csv, "
            f"maybe with .gz or .zst; tables are {', '.join(TABLES)}.{others}"
        )
    return found, notes


def is_hidden(path: str) -> bool:
    """Return whether a file, or a folder above it, has a name that other programs create."""
    if path.endswith("/"):  # an object that marks a folder in a store
        return True
    names = [name.lower() for name in path.split("/") if name not in (".", "..")]
    return any(fnmatchcase(name, pattern) for name in names for pattern in HIDDEN)


def table_of(path: str) -> tuple[str, str]:
    """Return the table of a file and its layout, parquet or csv.

    The file name identifies the table, as in `events.csv`, or a folder does, as in
    `events/dt=2024-03-01/0.parquet`. An undeclared table can only have files at the top, or in a
    folder such as `dt=2024-03-01`.

    Raises:
        UnknownFileError: If neither identifies it, or if they identify two.
    """
    *folders, name = path.split("/")
    match = DATA_FILE.fullmatch(name)
    if not match:
        archive = name.lower().endswith(ARCHIVES)
        raise UnknownFileError(
            "unpack it" if archive else "it is neither a Parquet nor a CSV file: remove it"
        )
    layout = "csv" if match["format"].lower() in ("csv", "tsv") else "parquet"
    if layout == "parquet" and match["compression"]:
        raise UnknownFileError("unpack it: a Parquet file is compressed inside")
    by_name = _table(match["stem"])
    partitioned = False
    while folders and (PARTITION.fullmatch(folders[-1]) or DATE.fullmatch(folders[-1])):
        partitioned |= bool(PARTITION.fullmatch(folders.pop()))
    folder = _spelled(folders[-1]) if folders else None
    by_folder = folder if folder in TABLES else None
    if by_name and by_folder and by_name != by_folder:
        raise UnknownFileError(
            f"its name is that of the table {by_name}, its folder that of {by_folder}: move it"
        )
    if by_name or by_folder:
        return str(by_name or by_folder), layout
    undeclared = folder if partitioned else None if folders else _meant(match["stem"])
    if undeclared and TABLE_NAME.fullmatch(undeclared) and undeclared not in OWN_TABLES:
        return undeclared, layout
    raise UnknownFileError("its name does not identify its table: name it <table>.csv or .parquet")


def compression_of(path: str) -> str | None:
    """Return gzip, zstd or None, from the end of a CSV file's name."""
    ending = path.lower().rpartition(".")[2]
    return {"gz": "gzip", "gzip": "gzip", "zst": "zstd", "zstd": "zstd"}.get(ending)


def _spelled(name: str) -> str:
    """Return a name as tables are spelled: lower case, with underscores for blanks and hyphens."""
    return re.sub(r"[\s-]+", "_", name.strip()).lower()


def _table(stem: str) -> str | None:
    """Return the declared table of a file's name, if any."""
    name = stem.strip().lower()
    while True:
        for meant in (_spelled(name), _spelled(name.rpartition(" - ")[2])):
            if meant in TABLES:
                return meant
        match = COPY.fullmatch(name)
        if not match:
            return None
        name = match[str(match.lastgroup)].strip()


def _meant(stem: str) -> str:
    """Return the undeclared table of a file's name: `todo` for `My export - todo (1)`."""
    name = stem.strip()
    match = re.fullmatch(r"(.+?) ?\(\d+\)", name, re.DOTALL)
    return (match[1] if match else name).rpartition(" - ")[2]


def _is_safe(path: str) -> bool:
    """Return whether a path stays in its folder. The key of an object in a store can be any text.

    Bytes of a local name that are not UTF-8 become surrogates, which DuckDB refuses.
    """
    inside = not {"", ".", ".."} & set(path.split("/")) and "\0" not in path
    return inside and not any("\ud800" <= character <= "\udfff" for character in path)


def batches(files: Iterable[ExportFile], size_bytes: int | None) -> Iterator[list[ExportFile]]:
    """Split a list of files into batches of at most a size, with at least one file each."""
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
