"""Check a CSV file before DuckDB reads it: its header, its delimiter, and that it is complete."""

import codecs
import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow

from pipelines.metronome_export.files import compression_of

CHUNK = 1 << 20
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
OTHERS = {
    b"PAR1": "it is a Parquet file: its name is <table>/dt=<date>/<part>_<time>.parquet",
    b"\x1f\x8b": "it is gzipped: its name ends in .csv.gz",
    b"\x28\xb5\x2f\xfd": "it is compressed with Zstandard: its name ends in .csv.zst",
    b"PK\x03\x04": "it is a ZIP or Excel file: unpack it, or save it as CSV",
    codecs.BOM_UTF16_LE: "it is UTF-16: save it as UTF-8",
    codecs.BOM_UTF16_BE: "it is UTF-16: save it as UTF-8",
}
"""First bytes of other formats that may have the name of a CSV file, with the message."""


class BadFileError(Exception):
    """A file cannot be loaded. The message is the reason, as the end of a sentence."""


@dataclass(frozen=True)
class CsvFormat:
    """The format of a CSV file.

    Attributes:
        names: Names of its columns. A column without a name is `column<position>`.
        delimiter: The character between two cells.
        compression: gzip, zstd or none.
    """

    names: list[str]
    delimiter: str
    compression: str


def csv_format(path: str, known: Collection[str] = ()) -> CsvFormat:
    """Return the format of a CSV file.

    Reads all of its bytes. DuckDB would read a truncated gzip file as if it were complete, and zero
    bytes as text.

    Args:
        path: The file.
        known: The table's columns, in lower case. Empty if the table is undeclared.

    Raises:
        BadFileError: If it is not a CSV file, is truncated, or its header has a column twice or can
            be read in two ways.
    """
    compression = compression_of(path)
    try:
        with _opened(path, compression) as file:
            start = file.read(CHUNK)
            _check_bytes(start, file)
    except (OSError, EOFError, zlib.error) as error:
        raise BadFileError(f"it cannot be read: {error}") from error
    delimiter, names = _header(start, known)
    if not any(names):
        raise BadFileError("it is empty, without a header")
    names = [name or f"column{place}" for place, name in enumerate(names)]
    check_names(names)
    return CsvFormat(names, delimiter, compression or "none")


def check_names(names: Collection[str]) -> None:
    """Refuse columns whose names differ only in letter case.

    Raises:
        BadFileError: If there are any.
    """
    counts = Counter(name.lower() for name in names)
    repeated = sorted({name for name in names if counts[name.lower()] > 1})
    if repeated:
        raise BadFileError(f"columns of its header have the same name: {', '.join(repeated)}")


def line_of(path: str, column: str, value: str) -> int | None:
    """Find the first row with a value in a column. Return the number of its last line, or None."""
    found = csv_format(path, (column.lower(),))
    place = [name.lower() for name in found.names].index(column.lower())
    with (
        _opened(path, compression_of(path)) as file,
        io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text,
    ):
        rows = csv.reader(text, delimiter=found.delimiter)
        return next((rows.line_num for row in rows if row[place : place + 1] == [value]), None)


def _opened(path: str, compression: str | None) -> AbstractContextManager[IO[bytes] | Any]:
    if compression == "gzip":
        return gzip.open(path)
    if compression == "zstd":  # Python has its own module from 3.14 on
        return pyarrow.CompressedInputStream(pyarrow.OSFile(path), "zstd")
    return Path(path).open("rb")


def _check_bytes(chunk: bytes, file: IO[bytes] | Any) -> None:
    for magic, what in OTHERS.items():
        if chunk.startswith(magic):
            raise BadFileError(what)
    line = 1
    while chunk:
        before, zero, _ = chunk.partition(b"\0")
        line += before.count(b"\n")
        if zero:
            raise BadFileError(f"line {line} has a zero byte")
        chunk = file.read(CHUNK)


def _header(start: bytes, known: Collection[str]) -> tuple[str, list[str]]:
    """Return the delimiter and the names.

    The delimiter is the one that splits the header into most columns of the table. For an
    undeclared table, it is the only one that splits the header into several columns, or else the
    comma.
    """
    text = _text(start)
    headers: dict[str, list[str]] = {}
    wrong: dict[str, csv.Error] = {}
    for delimiter in DELIMITERS:
        try:
            rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
            headers[delimiter] = next(rows, [])
        except csv.Error as error:  # quotes for another delimiter
            wrong[delimiter] = error
    if not headers:
        raise BadFileError(f"its header cannot be read: {wrong[',']}") from wrong[","]
    found = {
        delimiter: sum(name.lower() in known for name in names) if known else len(names) - 1
        for delimiter, names in headers.items()
    }
    most = max(found.values())
    likely = [each for each in headers if found[each] == most or (not known and found[each] > 0)]
    if most > 0 and len({tuple(headers[each]) for each in likely}) > 1:
        ways = " and by ".join(DELIMITERS[each] for each in likely)
        raise BadFileError(f"its header can be read as separated by {ways}: save it with commas")
    if most > 0:
        return likely[0], headers[likely[0]]
    if "," not in headers:
        raise BadFileError(f"its header cannot be read: {wrong[',']}") from wrong[","]
    return ",", headers[","]


def _text(start: bytes) -> str:
    try:
        # a chunk can end inside a character, which an incremental decoder allows
        return codecs.getincrementaldecoder("utf-8-sig")().decode(start)
    except UnicodeDecodeError as error:
        line = start.count(b"\n", 0, error.start) + 1
        raise BadFileError(f"line {line} is not UTF-8") from error
