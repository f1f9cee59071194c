"""How a column of a file is read as its declared type, in SQL: exactly, or not at all."""

import re
from dataclasses import dataclass

from pipelines.columns import AMOUNT_PRECISION, AMOUNT_SCALE

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
    "decimal": f"no number that fits in {AMOUNT_PRECISION - AMOUNT_SCALE} digits before the point "
    f"and {AMOUNT_SCALE} behind it",
    "timestamp": "no time",
    "bool": "neither true nor false",
    "bigint": "no whole number that fits",
}
"""What a value is that would be lost, by the type that it should have."""

SMALL_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER", "BIGINT"}
PLAIN_TIMES = {"DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"}
DOUBLE_PRECISION = "1e-15"
"""What a double tells for certain: 15 digits. Those behind are dust, and may be rounded away."""


@dataclass(frozen=True)
class Cast:
    """Two expressions: the value, and whether a value that is not null would be lost.

    The second is None where the types alone say that nothing can be lost, so that the rows need
    not be looked at before they are loaded.
    """

    value: str
    loses: str | None = None


def cast(column: str, source: str, data_type: str) -> Cast:
    """Read a column of a file.

    Args:
        column: Its name, quoted.
        source: The type that DuckDB gives it.
        data_type: The type that it is to have, in dlt's terms.
    """
    return _CASTS[data_type](column, source)


def null(data_type: str) -> str:
    """The value of a column that a file does not have."""
    return f"CAST(NULL AS {DUCKDB_TYPES[data_type]})"


def is_nested(source: str) -> bool:
    """Whether DuckDB's type is a list, a struct or a map."""
    return source.startswith(("STRUCT", "MAP")) or source.endswith("]")


def _text(column: str, source: str) -> Cast:
    value = f"TO_JSON({column})" if is_nested(source) else column
    # an empty text is none, as in a CSV: else it would be an id
    return Cast(f"NULLIF(CAST({value} AS VARCHAR), '')")


def _json(column: str, source: str) -> Cast:
    if source == "VARCHAR":
        # what is no JSON, such as {k=v}, stays as it came: a JSON string
        return Cast(f"COALESCE(TRY_CAST({column} AS JSON), TO_JSON({column}))")
    return Cast(f"TO_JSON({column})")


def _decimal(column: str, source: str) -> Cast:
    plain = f"CAST({column} AS {AMOUNT})"
    if source in SMALL_INTEGERS | {"UBIGINT"} or _fits(source):
        return Cast(plain)
    if source.startswith("DECIMAL") or source in ("HUGEINT", "UHUGEINT"):
        back = f"TRY_CAST(TRY_CAST({column} AS {AMOUNT}) AS {source})"
        return Cast(plain, f"{back} IS DISTINCT FROM {column}")
    text = f"CAST({column} AS VARCHAR)"
    amount = f"TRY_CAST({text} AS {AMOUNT})"
    double = f"TRY_CAST({text} AS DOUBLE)"
    if source in ("DOUBLE", "FLOAT"):
        off = f"ABS(CAST({amount} AS DOUBLE) - {double})"
        loses = f"NOT COALESCE({off} <= ABS({double}) * {DOUBLE_PRECISION}, FALSE)"
    else:
        too_fine = (
            f"REGEXP_MATCHES({text}, '[.][0-9]{{{AMOUNT_SCALE}}}[0-9]*[1-9]') "
            f"OR ({text} ILIKE '%e-%' AND CAST({amount} AS DOUBLE) <> {double})"
        )
        loses = f"{amount} IS NULL OR {too_fine}"
    return Cast(f"CAST({text} AS {AMOUNT})", loses)


def _fits(source: str) -> bool:
    """Whether every decimal of a type is an amount."""
    match = re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", source)
    if not match:
        return False
    precision, scale = int(match[1]), int(match[2])
    return scale <= AMOUNT_SCALE and precision - scale <= AMOUNT_PRECISION - AMOUNT_SCALE


def _timestamp(column: str, source: str) -> Cast:
    if source == "TIMESTAMP WITH TIME ZONE":
        return Cast(f"CAST({column} AS TIMESTAMPTZ)")
    if source in PLAIN_TIMES:
        return Cast(f"CAST({column} AS TIMESTAMP) AT TIME ZONE 'UTC'")
    # a time without a zone is in the session's, which is UTC; Z reads faster than UTC
    text = f"REGEXP_REPLACE(CAST({column} AS VARCHAR), ' UTC$', 'Z')"
    loses = f"NOT COALESCE(ISFINITE(TRY_CAST({text} AS TIMESTAMPTZ)), FALSE)"
    return Cast(f"CAST({text} AS TIMESTAMPTZ)", loses)


def _bool(column: str, source: str) -> Cast:
    if source == "BOOLEAN":
        return Cast(column)
    text = f"CAST({column} AS VARCHAR)"
    return Cast(f"CAST({text} AS BOOLEAN)", f"TRY_CAST({text} AS BOOLEAN) IS NULL")


def _bigint(column: str, source: str) -> Cast:
    if source in SMALL_INTEGERS:
        return Cast(f"CAST({column} AS BIGINT)")
    amount = f"TRY_CAST(CAST({column} AS VARCHAR) AS {AMOUNT})"
    back = f"TRY_CAST(TRY_CAST({amount} AS BIGINT) AS {AMOUNT})"
    return Cast(
        f"CAST({amount} AS BIGINT)", f"{amount} IS NULL OR {back} IS DISTINCT FROM {amount}"
    )


_CASTS = {
    "text": _text,
    "json": _json,
    "decimal": _decimal,
    "timestamp": _timestamp,
    "bool": _bool,
    "bigint": _bigint,
}
