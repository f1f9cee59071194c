"""Write Parquet files of one column by hand: any physical type with any annotation.

pyarrow writes only what Arrow has, so not BSON, ENUM, INTERVAL, or a decimal in a byte array.
The layout is that of parquet.thrift, in Thrift's compact protocol.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import pack
from typing import Any

PHYSICAL = ["BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY"]
PHYSICAL += ["FIXED_LEN_BYTE_ARRAY"]
CONVERTED = ["UTF8", "MAP", "MAP_KEY_VALUE", "LIST", "ENUM", "DECIMAL", "DATE", "TIME_MILLIS"]
CONVERTED += ["TIME_MICROS", "TIMESTAMP_MILLIS", "TIMESTAMP_MICROS", "UINT_8", "UINT_16", "UINT_32"]
CONVERTED += ["UINT_64", "INT_8", "INT_16", "INT_32", "INT_64", "JSON", "BSON", "INTERVAL"]
"""The enums of parquet.thrift, in order."""

BOOL, BYTE, I32, I64, BINARY, LIST, STRUCT = 1, 3, 5, 6, 8, 9, 12


@dataclass(frozen=True)
class Thrift:
    """A value of a field: its type in the compact protocol, and the value."""

    kind: int
    value: Any


def struct(**fields: Any) -> bytes:
    """Return a struct. Each field is named f<number>. A field that is None is left out."""
    out, last = b"", 0
    for name, field in fields.items():
        if field is None:
            continue
        number = int(name[1:])
        kind, value = field.kind, field.value
        if kind == BOOL:
            kind = 1 if value else 2
        if number - last < 16:
            out += bytes([(number - last) << 4 | kind])
        else:
            out += bytes([kind]) + _varint(number << 1)
        out += b"" if field.kind == BOOL else _plain(field.kind, value)
        last = number
    return out + b"\0"


def i32(value: int | None) -> Thrift | None:
    return None if value is None else Thrift(I32, value)


def boolean(value: bool) -> Thrift:
    return Thrift(BOOL, value)


def nested(value: bytes | None) -> Thrift | None:
    return None if value is None else Thrift(STRUCT, value)


def _varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def _plain(kind: int, value: Any) -> bytes:
    if kind in (I32, I64):
        return _varint((value << 1) ^ (value >> 63))
    if kind == BYTE:
        return bytes([value])
    if kind == BINARY:
        value = value.encode() if isinstance(value, str) else value
        return _varint(len(value)) + value
    if kind == LIST:
        of, items = value
        head = bytes([len(items) << 4 | of])
        return head + b"".join(_plain(of, item) for item in items)
    return value


EMPTY = struct()
UNIT = {
    unit: struct(**{f"f{number}": nested(EMPTY)})
    for number, unit in enumerate(("millis", "micros", "nanos"), start=1)
}


def logical(number: int, content: bytes = EMPTY) -> bytes:
    """Return a LogicalType, a union: its field's number and content."""
    return struct(**{f"f{number}": nested(content)})


def of_time(number: int, utc: bool, unit: str) -> bytes:
    return logical(number, struct(f1=boolean(utc), f2=nested(UNIT[unit])))


def of_integer(bits: int, signed: bool) -> bytes:
    return logical(10, struct(f1=Thrift(BYTE, bits), f2=boolean(signed)))


def of_decimal(precision: int, scale: int) -> bytes:
    return logical(5, struct(f1=i32(scale), f2=i32(precision)))


STRING, MAP, LIST_TYPE, ENUM, DATE = (logical(number) for number in (1, 2, 3, 4, 6))
NULL, JSON, BSON, UUID, FLOAT16 = (logical(number) for number in (11, 12, 13, 14, 15))


def plain(physical: str, values: Sequence[Any], length: int | None = None) -> bytes:
    """Values in the PLAIN encoding. Those of INT96 and byte arrays are bytes."""
    if physical == "BOOLEAN":
        return bytes([sum(value << place for place, value in enumerate(values))])
    formats = {"INT32": "<i", "INT64": "<q", "FLOAT": "<f", "DOUBLE": "<d"}
    if physical in formats:
        return b"".join(pack(formats[physical], value) for value in values)
    if physical == "BYTE_ARRAY":
        return b"".join(pack("<i", len(value)) + value for value in values)
    assert all(len(value) == (12 if physical == "INT96" else length) for value in values)
    return b"".join(values)


def parquet_file(
    name: str,
    physical: str,
    values: Sequence[Any],
    *,
    length: int | None = None,
    converted: str | None = None,
    logical_type: bytes | None = None,
    precision: int | None = None,
    scale: int | None = None,
) -> bytes:
    """Return a Parquet file of one required column."""
    data = plain(physical, values, length)
    page = struct(
        f1=i32(0),
        f2=i32(len(data)),
        f3=i32(len(data)),
        f5=nested(struct(f1=i32(len(values)), f2=i32(0), f3=i32(3), f4=i32(3))),
    )
    column = struct(
        f1=i32(PHYSICAL.index(physical)),
        f2=i32(length),
        f3=i32(0),
        f4=Thrift(BINARY, name),
        f6=i32(CONVERTED.index(converted) if converted else None),
        f7=i32(scale),
        f8=i32(precision),
        f10=nested(logical_type),
    )
    size = len(page) + len(data)
    chunk = struct(
        f2=Thrift(I64, 4),
        f3=nested(
            struct(
                f1=i32(PHYSICAL.index(physical)),
                f2=Thrift(LIST, (I32, [0])),
                f3=Thrift(LIST, (BINARY, [name])),
                f4=i32(0),
                f5=Thrift(I64, len(values)),
                f6=Thrift(I64, size),
                f7=Thrift(I64, size),
                f9=Thrift(I64, 4),
            )
        ),
    )
    row_group = struct(
        f1=Thrift(LIST, (STRUCT, [chunk])),
        f2=Thrift(I64, size),
        f3=Thrift(I64, len(values)),
    )
    root = struct(f4=Thrift(BINARY, "schema"), f5=i32(1))
    footer = struct(
        f1=i32(2),
        f2=Thrift(LIST, (STRUCT, [root, column])),
        f3=Thrift(I64, len(values)),
        f4=Thrift(LIST, (STRUCT, [row_group])),
    )
    return b"PAR1" + page + data + footer + pack("<i", len(footer)) + b"PAR1"
