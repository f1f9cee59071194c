"""Convert rows of the API to Arrow tables, which dlt loads without reading each row.

dlt writes an Arrow table to a Parquet file and loads that file unchanged. Python rows take about
forty times as long, because dlt infers, coerces and rewrites every value. A row whose values do not
fit the declared columns goes to dlt as a Python row, so dlt adds and names the columns of new
fields.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.json import json
from dlt.common.schema.typing import C_DLT_ID, C_DLT_LOAD_ID
from dlt.common.utils import uniq_id

from pipelines.common.columns import AMOUNT_PRECISION, AMOUNT_SCALE, Hints

Row = dict[str, Any]
Item = tuple[str, Any]
"""A raw table and rows for it: an Arrow table or a list of Python rows."""

MOST_ROWS = 5000
"""Rows per table that are kept in memory before they are written to dlt's files."""

ID_BYTES = 10
"""Random bytes of an id of dlt, which has two digits for each."""

_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "json": pa.string(),
    "decimal": pa.decimal128(AMOUNT_PRECISION, AMOUNT_SCALE),
    "bigint": pa.int64(),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}
_FITTING: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "json": (dict, list),
    "decimal": (Decimal, int),
    "bigint": (int,),
    "bool": (bool,),
    "timestamp": (str, datetime),
}
"""By type of a column: the Python types that it takes unchanged. dlt converts any other type."""

_LONGEST_TIMESTAMP = len("2024-01-01T00:00:00.123456+00:00")


class UnfitError(ValueError):
    """A value does not fit the declared columns."""


class ArrowTables:
    """Collect rows by table, and yield them as items for dlt, a few thousand rows at a time.

    Use it in one thread, while dlt extracts.
    """

    def __init__(self, hints: Mapping[str, Hints]) -> None:
        """Collect rows for tables whose columns `hints` declares."""
        self._hints = hints
        self._fields: dict[str, _Fields] = {}
        self._fitting: dict[str, list[Row]] = {}
        self._others: dict[str, list[Row]] = {}

    def add(self, table: str, rows: Iterable[Row]) -> Iterator[Item]:
        """Add rows of a table. Yield items when enough rows are collected."""
        if table not in self._fields:
            self._fields[table] = _fields_of(self._hints[table])
            self._fitting[table], self._others[table] = [], []
        fields, fitting, others = self._fields[table], self._fitting[table], self._others[table]
        for row in rows:
            values: Row = {}
            try:
                _flatten(row, fields, values)
            except UnfitError:
                others.append(row)
            else:
                fitting.append(values)
        if len(fitting) + len(others) >= MOST_ROWS:
            yield from self._flush(table)

    def empty(self, table: str) -> Item:
        """Return an item without rows, for a table from which this load only deletes."""
        return table, self._to_arrow(table, [])

    def flush(self) -> Iterator[Item]:
        """Yield items with all remaining rows."""
        for table in self._fields:
            yield from self._flush(table)

    def _flush(self, table: str) -> Iterator[Item]:
        if rows := self._fitting[table]:
            yield table, self._to_arrow(table, rows)
        if others := self._others[table]:
            yield table, others
        self._fitting[table], self._others[table] = [], []

    def _to_arrow(self, table: str, rows: list[Row]) -> pa.Table:
        """Return rows with all declared columns and the columns that dlt adds."""
        columns = self._hints[table]
        filled = set().union(*rows)
        fields, arrays = [], []
        for name, hint in columns.items():
            field = pa.field(name, _TYPES[hint["data_type"]])
            fields.append(field)
            arrays.append(
                pa.array([row.get(name) for row in rows], field.type)
                if name in filled
                else pa.nulls(len(rows), field.type)
            )
        load_id = dlt.current.load_package_state()["load_id"]
        for name, ids in (
            (C_DLT_LOAD_ID, [load_id] * len(rows)),
            (C_DLT_ID, _random_ids(len(rows))),
        ):
            fields.append(pa.field(name, pa.string(), nullable=False))
            arrays.append(pa.array(ids, pa.string()))
        return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _random_ids(count: int) -> list[str]:
    """Return ids as dlt makes them, from one call. Each call would let other threads run first."""
    digits = uniq_id(ID_BYTES * count)
    size = 2 * ID_BYTES
    return [digits[start : start + size] for start in range(0, len(digits), size)]


_Fields = dict[str, tuple[str | None, str, "_Fields"]]
"""By key of an object: its column, if any, the column's type, and the fields of a nested object."""


def _fields_of(columns: Hints) -> _Fields:
    fields: _Fields = {}
    for name, hint in columns.items():
        within = fields
        *path, last = name.split("__")
        for key in path:
            within = within.setdefault(key, (None, "", {}))[2]
        within[last] = (name, hint["data_type"], within.get(last, _NOTHING)[2])
    return fields


_NOTHING: tuple[None, str, _Fields] = (None, "", {})


def _flatten(item: Row, fields: _Fields, values: Row) -> None:
    """Write the values of an object to their columns.

    Raises:
        UnfitError: If a key has no column, or a value is of another type than its column.
    """
    for key, value in item.items():
        if value is None:
            continue
        column, kind, within = fields.get(key, _NOTHING)
        if column and type(value) in _FITTING[kind]:
            if kind == "json":
                value = json.dumps(value)
            elif kind == "timestamp":
                value = _instant(value)
            values[column] = value
        elif within and type(value) is dict:
            _flatten(value, within, values)
        else:
            raise UnfitError(key)


def _instant(value: str | datetime) -> datetime:
    """Return an instant in UTC.

    Raises:
        UnfitError: If it is not one, has no zone, or is finer than a microsecond.
    """
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else value
        if instant.tzinfo and (instant is value or len(value) <= _LONGEST_TIMESTAMP):
            return instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UnfitError(value) from error
    raise UnfitError(value)
