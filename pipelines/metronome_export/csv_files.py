"""What must be known of a CSV file before DuckDB reads it: its header, and that it is whole."""

import codecs
import csv
import gzip
import io
import zlib
from collections import Counter
from pathlib import Path
from typing import BinaryIO

CHUNK = 1 << 20
OTHERS = {
    b"PAR1": "it is a Parquet file: its name is <table>/dt=<date>/<part>_<time>.parquet",
    b"\x1f\x8b": "it is gzipped: its name ends in .csv.gz",
    codecs.BOM_UTF16_LE: "it is UTF-16: save it as UTF-8",
    codecs.BOM_UTF16_BE: "it is UTF-16: save it as UTF-8",
}
"""What may come under the name of a CSV file, by its first bytes."""


class BadFileError(Exception):
    """Why nothing of a file is loaded, as the end of a sentence."""


def header(path: str) -> list[str]:
    """The names of a CSV file's columns; one without a name is `column<its place>`.

    All of its bytes are looked at: DuckDB would take what there is of a gzipped file that is cut
    off for all, and zero bytes for text.

    Raises:
        BadFileError: If it is no CSV file, is cut off, or its header does not tell its columns.
    """
    try:
        with gzip.open(path) if path.endswith(".gz") else Path(path).open("rb") as file:
            start = file.read(CHUNK)
            _check_bytes(start, file)
    except (OSError, EOFError, zlib.error) as error:
        raise BadFileError(f"it cannot be read: {error}") from error
    names = _first_row(start)
    if not any(names):
        raise BadFileError("it is empty: it has not even a header")
    names = [name or f"column{place}" for place, name in enumerate(names)]
    counts = Counter(name.lower() for name in names)
    repeated = sorted({name for name in names if counts[name.lower()] > 1})
    if repeated:
        raise BadFileError(f"columns of its header have the same name: {', '.join(repeated)}")
    return names


def _check_bytes(chunk: bytes, file: BinaryIO | gzip.GzipFile) -> None:
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


def _first_row(start: bytes) -> list[str]:
    try:
        # the last character may be cut off with the chunk: an incremental decoder lets it be
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(start)
        return next(csv.reader(io.StringIO(text, newline=""), strict=True), [])
    except UnicodeDecodeError as error:
        line = start.count(b"\n", 0, error.start) + 1
        raise BadFileError(f"line {line} is not UTF-8") from error
    except csv.Error as error:
        raise BadFileError(f"its header cannot be read: {error}") from error
