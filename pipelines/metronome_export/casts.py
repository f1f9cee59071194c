"""Cast a column of a file to its declared type, in SQL, without loss.

There is one exception: a binary floating-point number becomes the shortest decimal that prints like
it, see `DOUBLE_TOLERANCE`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from pipelines.common.columns import AMOUNT_PRECISION, AMOUNT_SCALE
from pipelines.metronome_export.parquet_types import OPAQUE, FileType

AMOUNT = f"DECIMAL({AMOUNT_PRECISION}, {AMOUNT_SCALE})"
DUCKDB_TYPES = {
    "text": "VARCHAR",
    "decimal": AMOUNT,
    "timestamp": "TIMESTAMPTZ",
    "json": "JSON",
    "bool": "BOOLEAN",
    "bigint": "BIGINT",
}
WHAT = {
    "text": "not exact as text",
    "decimal": f"not a number of at most {AMOUNT_PRECISION - AMOUNT_SCALE} digits before the point "
    f"and {AMOUNT_SCALE} after it",
    "timestamp": "not a time",
    "bool": "neither true nor false",
    "bigint": "not a whole number of 64 bits",
    "json": "not JSON",
}
"""For messages: what a value is not, by its declared type."""

REMEDY = {
    "text": "text (STRING)",
    "decimal": f"DECIMAL({AMOUNT_PRECISION}, {AMOUNT_SCALE}), or text",
    "timestamp": "TIMESTAMP, or text such as 2024-03-01T00:00:00Z",
    "bool": "BOOLEAN, or text",
    "bigint": "INT64, or text",
    "json": "text (STRING) that is JSON",
}
"""For messages: how to write a column, by its declared type."""

DOUBLE_TOLERANCE = "1e-12"
"""The largest relative error of an amount that is a double. A double is exact to 15 digits, and a
sum of a thousand doubles to 12. Digits after an amount's 18th decimal place may be rounded within
this error. The macro `equal_amounts` has the same number."""

CERTAIN_DIGITS = {"FLOAT16": 3, "FLOAT": 6}
"""Exact digits of shorter binary numbers. A value with more digits is refused."""

INTEGERS = {
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT"),
    *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"),
}
WHOLE_DIGITS = {"FLOAT16": 2**11, "FLOAT": 2**24, "DOUBLE": 2**53}
"""From this number on, a binary number skips whole numbers, so that an id may be wrong."""

DOUBLES = frozenset(WHOLE_DIGITS)
"""Types with a load note, because their amounts are exact to some digits only."""


@dataclass(frozen=True)
class Cast:
    """Two SQL expressions: the value, and whether a value that is not null would be lost.

    The second is None if the types prove that no value can be lost. The rows are then not checked
    before they are loaded.
    """

    value: str
    loses: str | None = None

    @property
    def refuses_all(self) -> bool:
        """Return whether the type itself is refused, so that only nulls can be read."""
        return self.loses == "TRUE"


def cast(column: str, source: FileType, data_type: str) -> Cast:
    """Return the cast of a column of a file.

    Args:
        column: Its name, quoted.
        source: The type that the file states.
        data_type: The declared type, as dlt names it.
    """
    if source.name == "NULL":
        return Cast(null(data_type))
    if source.name in OPAQUE:
        return _refused(data_type)
    if source.name == "BLOB":
        # text without its UTF-8 annotation
        text = _CASTS[data_type](f"TRY(DECODE({column}))", FileType("VARCHAR", source.stated))
        lost = f" OR {text.loses}" if text.loses else ""
        return Cast(text.value, f"TRY(DECODE({column})) IS NULL{lost}")
    return _CASTS[data_type](column, source)


def null(data_type: str) -> str:
    """Return the null value of a column that a file does not have."""
    return f"CAST(NULL AS {DUCKDB_TYPES[data_type]})"


def _refused(data_type: str) -> Cast:
    return Cast(null(data_type), "TRUE")


def _text(column: str, source: FileType) -> Cast:
    text = f"CAST({column} AS VARCHAR)"
    if source.is_nested:
        return Cast(f"CAST(TO_JSON({column}) AS VARCHAR)")
    if source.name in WHOLE_DIGITS:
        # 7 and not 7.0, because programs write whole numbers as doubles if some are missing
        whole = f"{column} = FLOOR({column}) AND ABS({column}) >= {WHOLE_DIGITS[source.name]}"
        return Cast(f"REGEXP_REPLACE({text}, '[.]0$', '')", f"ISFINITE({column}) AND {whole}")
    # an empty text is null, as in a CSV; otherwise it would be an id
    return Cast(f"NULLIF({text}, '')")


def _json(column: str, source: FileType) -> Cast:
    if source.name == "VARCHAR":
        # text that is not JSON, such as {k=v}, becomes a JSON string
        return Cast(f"COALESCE(TRY_CAST({column} AS JSON), TO_JSON({column}))")
    if source.name == "JSON":
        return Cast(column)
    if source.name in WHOLE_DIGITS:
        text = _text(column, source)
        number = f"CASE WHEN ISFINITE({column}) THEN {text.value} END"
        return Cast(f"CAST({number} AS JSON)", f"NOT ISFINITE({column}) OR ({text.loses})")
    return Cast(f"TO_JSON({column})")


def _decimal(column: str, source: FileType) -> Cast:
    plain = f"CAST({column} AS {AMOUNT})"
    if source.name in INTEGERS or fits(source.name):
        return Cast(plain)
    if source.name.startswith("DECIMAL"):
        back = f"TRY_CAST(TRY_CAST({column} AS {AMOUNT}) AS {source.name})"
        return Cast(plain, f"{back} IS DISTINCT FROM {column}")
    text = f"CAST({column} AS VARCHAR)"
    amount = f"TRY_CAST({text} AS {AMOUNT})"
    if source.name in CERTAIN_DIGITS:
        uncertain = f"{_digits(text)} > {CERTAIN_DIGITS[source.name]}"
        return Cast(f"CAST({text} AS {AMOUNT})", f"{amount} IS NULL OR {uncertain}")
    if source.name == "DOUBLE":
        off = f"ABS(CAST({amount} AS DOUBLE) - {column})"
        loses = f"NOT COALESCE({off} <= ABS({column}) * {DOUBLE_TOLERANCE}, FALSE)"
        return Cast(f"CAST({text} AS {AMOUNT})", loses)
    if source.name in ("VARCHAR", "JSON"):
        return Cast(f"CAST({text} AS {AMOUNT})", f"{amount} IS NULL OR {_too_fine(text)}")
    return _refused("decimal")


def fits(name: str) -> bool:
    """Return whether every decimal of a type is an amount."""
    match = re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", name)
    if not match:
        return False
    precision, scale = int(match[1]), int(match[2])
    return scale <= AMOUNT_SCALE and precision - scale <= AMOUNT_PRECISION - AMOUNT_SCALE


def _digits(text: str) -> str:
    """Return the number of printed digits of a number, without zeros at either end."""
    mantissa = f"REGEXP_REPLACE(SPLIT_PART(LOWER({text}), 'e', 1), '[^0-9.]', '', 'g')"
    whole = f"REGEXP_REPLACE({mantissa}, '[.]0*$', '')"
    digits = f"LTRIM(REPLACE({whole}, '.', ''), '0')"
    return f"LENGTH(CASE WHEN CONTAINS({whole}, '.') THEN {digits} ELSE RTRIM({digits}, '0') END)"


def _too_fine(text: str) -> str:
    """Return whether a number has digits after the 18th place that are not zero."""
    fraction = f"RTRIM(REGEXP_EXTRACT({text}, '[.]([0-9]*)', 1), '0')"
    whole = f"REGEXP_EXTRACT({text}, '^[^0-9.]*([0-9]*)', 1)"
    zeros = f"LENGTH({whole}) - LENGTH(RTRIM({whole}, '0'))"
    power = f"TRY_CAST(REGEXP_EXTRACT(LOWER({text}), 'e([+-]?[0-9]+)', 1) AS INTEGER)"
    places = f"LENGTH({fraction}) - CASE WHEN {fraction} = '' THEN {zeros} ELSE 0 END - {power}"
    has_digits = f"REGEXP_MATCHES({text}, '^[^eE]*[1-9]')"
    return (
        f"REGEXP_MATCHES({text}, '^[^eE]*[.][0-9]{{{AMOUNT_SCALE}}}[0-9]*[1-9][^eE]*$') "
        f"OR (CONTAINS(LOWER({text}), 'e') AND {has_digits} "
        f"AND COALESCE({places} > {AMOUNT_SCALE}, TRUE))"
    )


def _timestamp(column: str, source: FileType) -> Cast:
    if source.name == "TIMESTAMP WITH TIME ZONE":
        return Cast(f"CAST({column} AS TIMESTAMPTZ)")
    if source.name == "TIMESTAMP_NS":
        # truncated to the microsecond, like all times in DuckDB, so that the day does not change
        cut = f"MAKE_TIMESTAMP(EPOCH_NS({column}) // 1000)"
        return Cast(f"{cut} AT TIME ZONE 'UTC'")
    if source.name.startswith("TIMESTAMP") or source.name == "DATE":
        return Cast(f"CAST({column} AS TIMESTAMP) AT TIME ZONE 'UTC'")
    if source.name != "VARCHAR":
        return _refused("timestamp")
    # a time without a zone is in the session's zone, UTC; `Z` is parsed faster than ` UTC`
    text = f"REGEXP_REPLACE(CAST({column} AS VARCHAR), ' UTC$', 'Z')"
    loses = f"NOT COALESCE(ISFINITE(TRY_CAST({text} AS TIMESTAMPTZ)), FALSE)"
    return Cast(f"CAST({text} AS TIMESTAMPTZ)", loses)


def _bool(column: str, source: FileType) -> Cast:
    if source.name == "BOOLEAN":
        return Cast(column)
    if source.name not in ("VARCHAR", "JSON", *INTEGERS):
        return _refused("bool")
    text = f"CAST({column} AS VARCHAR)"
    return Cast(f"CAST({text} AS BOOLEAN)", f"TRY_CAST({text} AS BOOLEAN) IS NULL")


def _bigint(column: str, source: FileType) -> Cast:
    if source.name in INTEGERS - {"UBIGINT"}:
        return Cast(f"CAST({column} AS BIGINT)")
    amount = _decimal(column, source)
    if amount.refuses_all:
        return _refused("bigint")
    decimal = f"TRY_CAST(CAST({column} AS VARCHAR) AS {AMOUNT})"
    back = f"TRY_CAST(TRY_CAST({decimal} AS BIGINT) AS {AMOUNT})"
    lost = f" OR {amount.loses}" if amount.loses else ""
    return Cast(
        f"CAST({decimal} AS BIGINT)",
        f"{decimal} IS NULL OR {back} IS DISTINCT FROM {decimal}{lost}",
    )


_CASTS: dict[str, Callable[[str, FileType], Cast]] = {
    "text": _text,
    "json": _json,
    "decimal": _decimal,
    "timestamp": _timestamp,
    "bool": _bool,
    "bigint": _bigint,
}
