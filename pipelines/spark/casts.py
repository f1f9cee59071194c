"""Read a column of a Parquet file in Spark's SQL, where that gives the value that DuckDB gives.

Spark reads no other column where it is: DuckDB copies the file first, with the expressions of
`metronome_export.casts`.
"""

from pipelines.common.columns import AMOUNT_PRECISION, AMOUNT_SCALE
from pipelines.metronome_export.casts import INTEGERS, fits
from pipelines.metronome_export.parquet_types import FileType

TYPES = {
    "VARCHAR": "string",
    "JSON": "string",
    "BOOLEAN": "boolean",
    "BIGINT": "bigint",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
    f"DECIMAL({AMOUNT_PRECISION},{AMOUNT_SCALE})": f"decimal({AMOUNT_PRECISION}, {AMOUNT_SCALE})",
}
"""Spark's types of raw columns, by DuckDB's. JSON is text in Spark."""

TEXTS = {"VARCHAR", "JSON"}
SIGNED = {name for name in INTEGERS if not name.startswith("U")}
INSTANTS = {"TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "DATE"}
"""Times without a zone are UTC, as Spark's session is. Spark refuses old times as INT96."""


def value(source: str, file_type: FileType, data_type: str) -> str | None:
    """Return the expression that reads a column as its declared type. None if none is exact.

    Args:
        source: The name of the column in the file.
        file_type: Its type there.
        data_type: The declared type, in dlt's terms. A column of JSON has to hold JSON only.
    """
    column, name = quoted(source), file_type.name
    if data_type == "text" and name in TEXTS:
        return f"nullif({column}, '')"
    if data_type == "json" and name in TEXTS:
        return column
    if data_type == "decimal" and (name in SIGNED or fits(name)):
        return f"cast({column} as {TYPES[f'DECIMAL({AMOUNT_PRECISION},{AMOUNT_SCALE})']})"
    if data_type == "timestamp" and name in INSTANTS and not file_type.stated.startswith("INT96"):
        return f"cast({column} as timestamp)"
    if data_type == "bool" and name == "BOOLEAN":
        return column
    if data_type == "bigint" and name in SIGNED:
        return f"cast({column} as bigint)"
    return None


def quoted(name: str) -> str:
    """Return a name as an identifier."""
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    """Return a text as a literal. Spark takes a backslash for an escape."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
