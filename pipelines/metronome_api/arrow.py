"""Turn rows of the API into Arrow tables, which dlt loads without looking at each row again.

dlt writes an Arrow table to a Parquet file and loads that file as it is. Python rows cost it some
forty times as much: it infers, coerces and rewrites every value. A row whose values do not fit the
declared columns still goes to dlt as a Python row, so dlt adds and names the columns of new fields.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import pyarrow as pa
from dlt.common.json import json
from dlt.common.utils import uniq_id

from pipelines.columns import AMOUNT_PRECISION, AMOUNT_SCALE, Hints

Row = dict[str, Any]
Item = tuple[str, Any]
"""A raw table, and rows for it: an Arrow table or a list of Python rows."""

MOST_ROWS = 5000
"""Rows of one table that are held in memory before they go to dlt's files."""

ROW_ID = "_dlt_id"

_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "json": pa.string(),
    "decimal": pa.decimal128(AMOUNT_PRECISION, AMOUNT_SCALE),
    "bigint": pa.int64(),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}
_LONGEST_TIMESTAMP = len("2024-01-01T00:00:00.123456+00:00")


class UnfitError(ValueError):
    """A value does not fit the declared columns."""


class ArrowTables:
    """Collects rows by table and yields them as items for dlt, a few thousand rows at a time.

    Use it in one thread.
    """

    def __init__(self, hints: Mapping[str, Hints]) -> None:
        """Collect rows for tables whose columns `hints` declares."""
        self._hints = hints
        self._fitting: dict[str, list[Row]] = {}
        self._others: dict[str, list[Row]] = {}

    def add(self, table: str, rows: Iterable[Row]) -> Iterator[Item]:
        """Take rows of a table; yield items when enough rows are there."""
        fields = _fields_of(self._hints[table])
        fitting = self._fitting.setdefault(table, [])
        for row in rows:
            values: Row = {}
            try:
                _flatten(row, fields, values)
            except UnfitError:
                self._others.setdefault(table, []).append(row)
            else:
                fitting.append(values)
        if len(fitting) + len(self._others.get(table, ())) >= MOST_ROWS:
            yield from self._flush(table)

    def empty(self, table: str) -> Item:
        """Return an item without rows, for a table that this load only deletes from."""
        return table, self._to_arrow(table, [])

    def flush(self) -> Iterator[Item]:
        """Yield the items of all rows that are left."""
        for table in [*self._fitting]:
            yield from self._flush(table)

    def _flush(self, table: str) -> Iterator[Item]:
        if rows := self._fitting.pop(table, None):
            yield table, self._to_arrow(table, rows)
        if others := self._others.pop(table, None):
            yield table, others

    def _to_arrow(self, table: str, rows: list[Row]) -> pa.Table:
        columns = self._hints[table]
        fields = [pa.field(name, _TYPES[hint["data_type"]]) for name, hint in columns.items()]
        arrays = [pa.array([row.get(field.name) for row in rows], field.type) for field in fields]
        fields.append(pa.field(ROW_ID, pa.string(), nullable=False))
        arrays.append(pa.array([uniq_id(10) for _ in rows], pa.string()))
        return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


_Fields = dict[str, tuple[str | None, str | None, "_Fields | None"]]
"""By key of an object: the column and its type, if there is one, and the fields of an object."""


def _fields_of(columns: Hints) -> _Fields:
    return _fields(tuple((name, hint["data_type"]) for name, hint in columns.items()))


@cache
def _fields(columns: tuple[tuple[str, str], ...]) -> _Fields:
    fields: dict[str, list[Any]] = {}

    def put(where: dict[str, list[Any]], way: list[str], name: str, kind: str) -> None:
        field = where.setdefault(way[0], [None, None, None])
        if len(way) == 1:
            field[:2] = name, kind
        else:
            field[2] = field[2] or {}
            put(field[2], way[1:], name, kind)

    for name, kind in columns:
        put(fields, name.split("__"), name, kind)
    return fields  # type: ignore[return-value]


def _flatten(item: Row, fields: _Fields, values: Row) -> None:
    """Put the values of an object into the columns that it has.

    Raises:
        UnfitError: If a key has no column, or a value is of another type than its column.
    """
    for key, value in item.items():
        if value is None:
            continue
        column, kind, within = fields.get(key) or _NOTHING
        is_object = type(value) is dict
        if kind == "json" and (is_object or type(value) is list):
            values[column] = json.dumps(value)
        elif within is not None and is_object:
            _flatten(value, within, values)
        elif kind is None or not _fits(kind, value):
            raise UnfitError(key)
        else:
            values[column] = _instant(value) if kind == "timestamp" else value


_NOTHING = (None, None, None)


def _fits(kind: str, value: Any) -> bool:
    found = type(value)
    if kind == "text":
        return found is str
    if kind == "decimal":
        return found is int or found is Decimal
    if kind == "timestamp":
        return found is datetime or (found is str and len(value) <= _LONGEST_TIMESTAMP)
    return found is {"bool": bool, "bigint": int}.get(kind)


def _instant(value: str | datetime) -> datetime:
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else value
        return instant.astimezone(UTC) if instant.tzinfo else _refuse(value)
    except (ValueError, OverflowError):
        raise UnfitError(value) from None


def _refuse(value: Any) -> datetime:
    raise UnfitError(value)
