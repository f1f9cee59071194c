"""Find the type of a Parquet column in the schema of its file.

DuckDB does not read all types as the schema states them. A decimal of more than 38 digits becomes a
double with another value. A type with only a logical annotation becomes its physical type. Text
without its UTF-8 annotation becomes bytes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MARKS = {
    **dict.fromkeys(("UTF8", "ENUM", "StringType", "EnumType"), "VARCHAR"),
    **dict.fromkeys(("JSON", "JsonType"), "JSON"),
    **dict.fromkeys(("BSON", "BsonType"), "BSON"),
    **dict.fromkeys(("DATE", "DateType"), "DATE"),
    "UUIDType": "UUID",
    "Float16Type": "FLOAT16",
    "NullType": "NULL",
    "INTERVAL": "INTERVAL",
    "VariantType": "VARIANT",
    "GeometryType": "GEOMETRY",
    "GeographyType": "GEOMETRY",
    **dict.fromkeys(("LIST", "ListType"), "LIST"),
    **dict.fromkeys(("MAP", "MAP_KEY_VALUE", "MapType"), "MAP"),
    "TIME_MILLIS": "TIME WITH TIME ZONE",
    "TIME_MICROS": "TIME WITH TIME ZONE",
    "TIMESTAMP_MILLIS": "TIMESTAMP WITH TIME ZONE",
    "TIMESTAMP_MICROS": "TIMESTAMP WITH TIME ZONE",
}
"""The type that an annotation states, by its name as a logical or converted type."""

PHYSICAL = {
    "BOOLEAN": "BOOLEAN",
    "INT32": "INTEGER",
    "INT64": "BIGINT",
    "INT96": "TIMESTAMP",
    "FLOAT": "FLOAT",
    "DOUBLE": "DOUBLE",
    "BYTE_ARRAY": "BLOB",
    "FIXED_LEN_BYTE_ARRAY": "BLOB",
}
INTEGERS = {8: "TINYINT", 16: "SMALLINT", 32: "INTEGER", 64: "BIGINT"}
OPAQUE = {"BSON", "INTERVAL", "VARIANT", "GEOMETRY", "UNKNOWN"}
"""Types that are never read."""

NOT_IN_JSON = {*OPAQUE, "FLOAT", "FLOAT16"}
"""Types that are refused inside a list, map or struct, because `to_json` would change them."""

AS_DUCKDB_HAS_IT = {"FLOAT16": "FLOAT", "BSON": "BLOB", "NULL": '"NULL"'}
"""DuckDB's name of a type, if it differs."""


@dataclass(frozen=True)
class FileType:
    """The type of a column in a file.

    Attributes:
        name: DuckDB's name of the type: DECIMAL(50,6), VARCHAR, BLOB, LIST, BSON.
        stated: The file's name of the type, for messages: `BYTE_ARRAY (BSON)`.
        through_arrow: Whether Arrow reads the column, because DuckDB would read another value.
    """

    name: str
    stated: str
    through_arrow: bool = False

    @property
    def is_nested(self) -> bool:
        """Return whether the type is a list, a map or a struct."""
        return self.name in ("LIST", "MAP", "STRUCT")


TEXT = FileType("VARCHAR", "text")
"""The type of every column of a CSV file."""


@dataclass(frozen=True)
class Element:
    """One element of a Parquet schema, as DuckDB's `parquet_schema` gives it."""

    name: str
    physical: str | None
    length: str | None
    children: int | None
    converted: str | None
    scale: int | None
    precision: int | None
    logical: str | None
    duckdb: str | None
    repetition: str | None = None


def file_types(elements: list[Element]) -> list[tuple[str, FileType]]:
    """Return the columns of a file, in order, with their types.

    Args:
        elements: All elements of the schema but its root, depth first.
    """
    rest = iter(elements)
    return [(element.name, _file_type(element, rest)) for element in rest]


def _file_type(element: Element, rest: Iterator[Element]) -> FileType:
    parts: dict[str, FileType] = {}
    for _ in range(element.children or 0):
        child = next(rest)
        parts[child.name] = _file_type(child, rest)
    name, stated = leaf_type(element), _stated(element)
    if not element.children:
        found = _leaf(element, name, stated)
        return FileType("LIST", stated) if element.repetition == "REPEATED" else found
    if name != "MAP" and name != "LIST":
        name = "STRUCT"
    if _is_variant(parts):
        return FileType("VARIANT", f"{stated} (VARIANT)")
    of = f"{stated} of {', '.join(part.stated for part in parts.values())}"
    if {part.name for part in parts.values()} & NOT_IN_JSON:
        return FileType("UNKNOWN", of)
    return FileType(
        name, of, any(part.through_arrow or part.name == "BLOB" for part in parts.values())
    )


def _leaf(element: Element, name: str, stated: str) -> FileType:
    duckdb = element.duckdb or name
    if duckdb == AS_DUCKDB_HAS_IT.get(name, name) or name == "NULL" or name in OPAQUE:
        return FileType(name, stated)
    if name in ("VARCHAR", "JSON") and duckdb == "BLOB":
        return FileType("BLOB", stated)
    if name.startswith("TIME") and name.split()[0] == duckdb.split()[0]:
        return FileType(duckdb, stated)  # both are UTC, with or without a zone
    # DuckDB ignores some annotations, and reads a decimal as the whole number that stores it
    return FileType(name, stated, through_arrow=True)


def leaf_type(element: Element) -> str:
    """Return the type that the annotations of an element state, or else its physical type.

    The logical type takes precedence over the converted type, because it is newer and more precise.
    """
    mark = (element.logical or "").partition("(")[0] or element.converted or ""
    detail = element.logical or ""
    if mark in ("DecimalType", "DECIMAL"):
        precision = _number(detail, "precision") or element.precision
        scale = _number(detail, "scale") or element.scale or 0
        return f"DECIMAL({precision},{scale})"
    if mark == "TimestampType":
        if "isAdjustedToUTC=1" in detail:
            return "TIMESTAMP WITH TIME ZONE"
        return "TIMESTAMP_NS" if "NanoSeconds()" in detail else "TIMESTAMP"
    if mark == "TimeType":
        if "NanoSeconds()" in detail:
            return "TIME_NS"
        return "TIME WITH TIME ZONE" if "isAdjustedToUTC=1" in detail else "TIME"
    if integer := re.fullmatch(r"(U?)INT_(\d+)", element.converted or ""):
        return integer[1] + INTEGERS[int(integer[2])]
    if mark == "IntType":
        bits = ord(re.search(r"bitWidth=(.)", detail, re.DOTALL)[1])  # type: ignore[index]
        return ("" if "isSigned=1" in detail else "U") + INTEGERS.get(bits, "BIGINT")
    if mark:
        return MARKS.get(mark, "UNKNOWN")
    return PHYSICAL.get(element.physical or "", "STRUCT")


def _number(detail: str, name: str) -> int | None:
    match = re.search(rf"{name}=(\d+)", detail)
    return int(match[1]) if match else None


def _stated(element: Element) -> str:
    physical = element.physical or "group"
    if element.length and physical == "FIXED_LEN_BYTE_ARRAY":
        physical += f"[{element.length}]"
    mark = element.converted or (element.logical or "").partition("(")[0].removesuffix("Type")
    name = leaf_type(element)
    if name.startswith("DECIMAL"):
        mark = name
    return f"{physical} ({mark})" if mark else physical


def _is_variant(parts: dict[str, FileType]) -> bool:
    """Return whether a group has the two parts of a VARIANT. Not every writer annotates it."""
    return all(name in parts and parts[name].name == "BLOB" for name in ("metadata", "value"))
