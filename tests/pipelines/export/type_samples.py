"""Files with one value of each Parquet type, and what must land, worked out by hand."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from struct import pack
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.pipelines.conftest import in_memory
from tests.pipelines.export import parquet_bytes as thrift
from tests.pipelines.export.parquet_bytes import parquet_file

KINDS = ("text", "decimal", "timestamp", "bool", "json", "bigint")
"""The kinds of columns that are declared."""

BAD = "refused"
MARCH = datetime(2024, 3, 1, 12, 30, 0, 123456, tzinfo=UTC)
MICROS = int(MARCH.timestamp()) * 1_000_000 + 123456


@dataclass(frozen=True)
class Sample:
    """A file with one value in a column `v`, and the expected value by kind.

    Other kinds are refused.
    """

    write: Callable[[Path], None]
    lands: dict[str, Any]


def by_arrow(value: Any, of: pa.DataType | None = None, **options: Any) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        array = pa.array([value], of) if not isinstance(value, pa.Array) else value
        pq.write_table(pa.table({"v": array}), path, **options)

    return write


def by_hand(physical: str, value: Any, **annotation: Any) -> Callable[[Path], None]:
    return lambda path: (
        path.write_bytes(parquet_file("v", physical, [value], **annotation)) and None
    )


def by_duckdb(expression: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with in_memory() as connection:
            connection.execute(f"copy (select {expression} as v) to '{path}' (format parquet)")

    return write


def number(value: str, **others: Any) -> dict[str, Any]:
    """Return the expected value of a whole number, by kind."""
    return {
        "text": value,
        "decimal": Decimal(value),
        "json": value,
        "bigint": int(value),
        **others,
    }


def instant(text: str) -> dict[str, Any]:
    return {"text": text, "timestamp": MARCH, "json": f'"{text}"'}


def text(value: str, **others: Any) -> dict[str, Any]:
    return {"text": value, "json": f'"{value}"', **others}


def wide(precision: int, scale: int) -> pa.DataType:
    return pa.decimal256(precision, scale)


INTEGERS = [
    Sample(by_arrow(7, of), number("7"))
    for of in (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32())
]
UTC_TEXT, LOCAL_TEXT = "2024-03-01 12:30:00.123456+00", "2024-03-01 12:30:00.123456"
UUID_TEXT = "00010203-0405-0607-0809-0a0b0c0d0e0f"
DECIMALS = {"text": "-1.50", "decimal": Decimal("-1.50"), "json": Decimal("-1.5")}

SAMPLES: dict[str, list[Sample]] = {
    "BOOLEAN": [
        Sample(by_arrow(True), {"text": "true", "bool": True, "json": "true"}),
    ],
    "integers, signed or not": [
        *INTEGERS,
        Sample(by_arrow(1), number("1", bool=True)),
        Sample(by_arrow(0), number("0", bool=False)),
        Sample(by_arrow(-(2**63)), number(str(-(2**63)))),
        Sample(
            by_arrow(2**64 - 1, pa.uint64()),
            number("18446744073709551615", bigint=BAD),
        ),
        Sample(
            by_hand("INT64", -1, logical_type=thrift.of_integer(64, False)),
            number("18446744073709551615", bigint=BAD),
        ),
        Sample(by_hand("INT32", -1, converted="UINT_32"), number("4294967295")),
        Sample(by_hand("INT32", -7, logical_type=thrift.of_integer(8, True)), number("-7")),
        Sample(by_hand("INT32", -7), number("-7")),
    ],
    "DECIMAL of up to 38 digits": [
        Sample(by_arrow(Decimal("-1.50"), pa.decimal128(precision, 2), **options), DECIMALS)
        for precision, options in [
            *((precision, {}) for precision in (3, 9, 18, 19, 38)),
            *((precision, {"store_decimal_as_integer": True}) for precision in (9, 18)),
        ]
    ]
    + [
        Sample(by_arrow(Decimal("-1.50"), wide(20, 2)), DECIMALS),
        Sample(by_arrow(Decimal(7), pa.decimal128(5, 0)), number("7", json=Decimal(7))),
        *(
            Sample(by_hand("BYTE_ARRAY", (-150).to_bytes(2, "big", signed=True), **of), DECIMALS)
            for of in (
                {"converted": "DECIMAL", "precision": 9, "scale": 2},
                {"logical_type": thrift.of_decimal(9, 2)},
            )
        ),
        *(
            Sample(by_hand(physical, -150, logical_type=thrift.of_decimal(9, 2)), DECIMALS)
            for physical in ("INT32", "INT64")
        ),
        Sample(
            by_hand(
                "FIXED_LEN_BYTE_ARRAY",
                (-150).to_bytes(16, "big", signed=True),
                length=16,
                logical_type=thrift.of_decimal(38, 2),
            ),
            DECIMALS,
        ),
        Sample(
            by_arrow(Decimal("1e-19"), pa.decimal128(38, 19)),
            {"text": "0.0000000000000000001", "json": Decimal("1e-19")},
        ),
        Sample(
            by_arrow(Decimal(10**20), pa.decimal128(38, 2)),
            {"text": f"{10**20}.00", "json": Decimal(10**20)},
        ),
    ],
    "DECIMAL of 39 to 76 digits": [
        *(
            Sample(
                by_arrow(Decimal("11055.38825"), wide(precision, 6)),
                {
                    "text": "11055.388250",
                    "decimal": Decimal("11055.38825"),
                    "json": Decimal("11055.38825"),
                },
            )
            for precision in (39, 50, 76)
        ),
        Sample(
            by_arrow(Decimal("-0.000000000000000001"), wide(76, 38)),
            {"text": Decimal("-1e-18"), "decimal": Decimal("-1e-18"), "json": Decimal("-1e-18")},
        ),
        Sample(by_arrow(Decimal(7), wide(50, 0)), number("7")),
        Sample(
            by_arrow(Decimal(10**20), wide(50, 6)),
            {"text": Decimal(10**20), "json": Decimal(10**20)},
        ),
        Sample(
            by_arrow(Decimal("1e-19"), wide(50, 20)),
            {"text": Decimal("1e-19"), "json": Decimal("1e-19")},
        ),
        Sample(
            by_hand("BYTE_ARRAY", b"\x16\xe3\x60", logical_type=thrift.of_decimal(50, 6)),
            {"text": "1.500000", "decimal": Decimal("1.5"), "json": Decimal("1.5")},
        ),
    ],
    "FLOAT, FLOAT16": [
        Sample(
            by_arrow(0.1, pa.float32()),
            {"text": "0.1", "decimal": Decimal("0.1"), "json": Decimal("0.1")},
        ),
        Sample(
            by_arrow(0.5, pa.float16()), {"text": "0.5", "decimal": Decimal("0.5"), "json": "0.5"}
        ),
        Sample(by_arrow(30.0, pa.float32()), number("30")),
        Sample(by_arrow(8101.27205, pa.float32()), {"text": "8101.272", "json": "8101.272"}),
        Sample(by_arrow(16777216.0, pa.float32()), {}),
        Sample(by_arrow(float("nan"), pa.float32()), {"text": "nan"}),
    ],
    "DOUBLE": [
        Sample(
            by_arrow(8101.27205),
            {"text": "8101.27205", "decimal": Decimal("8101.27205"), "json": "8101.27205"},
        ),
        Sample(
            by_arrow(325.29999999999995),
            {
                "text": "325.29999999999995",
                "decimal": Decimal("325.29999999999995"),
                "json": "325.29999999999995",
            },
        ),
        Sample(by_arrow(30.0), number("30")),
        Sample(
            by_arrow(0.0012345678901234567),
            {
                "text": "0.0012345678901234567",
                "decimal": Decimal("0.001234567890123457"),
                "json": "0.0012345678901234567",
            },
        ),
        Sample(by_arrow(1.2345e-16), {"text": "1.2345e-16", "json": Decimal("1.2345e-16")}),
        Sample(by_arrow(1e21), {}),
        Sample(by_arrow(float("inf")), {"text": "inf"}),
    ],
    "text: UTF8 or STRING, ENUM": [
        *(
            Sample(write, text("Café"))
            for write in (
                by_arrow("Café"),
                by_arrow("Café", pa.large_string()),
                by_arrow("Café", pa.string_view()),
                by_arrow(pa.array(["Café"]).dictionary_encode()),
                by_hand("BYTE_ARRAY", "Café".encode(), converted="UTF8"),
                by_hand("BYTE_ARRAY", "Café".encode(), logical_type=thrift.STRING),
                by_hand("BYTE_ARRAY", "Café".encode(), converted="ENUM"),
                by_hand("BYTE_ARRAY", "Café".encode(), logical_type=thrift.ENUM),
            )
        ),
        Sample(by_arrow(""), {"text": None, "json": '""'}),
        Sample(
            by_arrow("-1.5E-7"),
            {"text": "-1.5E-7", "decimal": Decimal("-1.5e-7"), "json": "-1.5E-7"},
        ),
        Sample(
            by_arrow("1.00000000000000000000001E1"),
            {"text": "1.00000000000000000000001E1", "json": "1.00000000000000000000001E1"},
        ),
        Sample(
            by_arrow("12.34567890123456789012E-5"),
            {"text": "12.34567890123456789012E-5", "json": "12.34567890123456789012E-5"},
        ),
        Sample(
            by_arrow("10E-19"), {"text": "10E-19", "decimal": Decimal("1e-18"), "json": "10E-19"}
        ),
        Sample(by_arrow("7"), number("7")),
        Sample(by_arrow("true"), {"text": "true", "bool": True, "json": "true"}),
        Sample(
            by_arrow("2024-03-01T12:30:00.123456Z"),
            text("2024-03-01T12:30:00.123456Z", timestamp=MARCH),
        ),
        Sample(
            by_arrow("2024-03-01T12:30:00.123456999Z"),
            text("2024-03-01T12:30:00.123456999Z", timestamp=MARCH),
        ),
    ],
    "bytes without an annotation": [
        *(
            Sample(write, text("Café"))
            for write in (
                by_arrow("Café".encode(), pa.binary()),
                by_arrow("Café".encode(), pa.large_binary()),
                by_hand("BYTE_ARRAY", "Café".encode()),
                by_hand("FIXED_LEN_BYTE_ARRAY", "Café".encode(), length=5),
            )
        ),
        Sample(by_arrow(b'{"a": 1}', pa.binary()), {"text": '{"a": 1}', "json": '{"a": 1}'}),
        Sample(
            by_arrow(b"11055.38825", pa.binary()),
            {"text": "11055.38825", "decimal": Decimal("11055.38825"), "json": "11055.38825"},
        ),
        Sample(by_arrow(b"caf\xe9", pa.binary()), {}),
    ],
    "JSON": [
        Sample(write, {"text": '{"a":[1.10]}', "json": '{"a":[1.10]}'})
        for write in (
            by_hand("BYTE_ARRAY", b'{"a":[1.10]}', converted="JSON"),
            by_hand("BYTE_ARRAY", b'{"a":[1.10]}', logical_type=thrift.JSON),
            by_duckdb("""'{"a":[1.10]}'::json"""),
        )
    ],
    "UUID": [
        Sample(
            by_hand("FIXED_LEN_BYTE_ARRAY", bytes(range(16)), length=16, logical_type=thrift.UUID),
            text(UUID_TEXT),
        ),
        Sample(by_duckdb(f"'{UUID_TEXT}'::uuid"), text(UUID_TEXT)),
    ],
    "DATE": [
        *(
            Sample(write, text("2024-03-01", timestamp=datetime(2024, 3, 1, tzinfo=UTC)))
            for write in (
                by_arrow(date(2024, 3, 1)),
                by_arrow(date(2024, 3, 1), pa.date64()),
                by_hand("INT32", 19783, logical_type=thrift.DATE),
                by_hand("INT32", 19783, converted="DATE"),
            )
        )
    ],
    "TIME": [
        *(
            Sample(by_arrow(time(12, 30, 0, 5000), of), text("12:30:00.005"))
            for of in (pa.time32("ms"), pa.time64("us"), pa.time64("ns"))
        ),
        Sample(by_hand("INT32", 5, converted="TIME_MILLIS"), text("00:00:00.005")),
    ],
    "TIMESTAMP of milli- or microseconds, INT96": [
        Sample(by_arrow(MARCH, pa.timestamp("us", "UTC")), instant(UTC_TEXT)),
        Sample(by_arrow(MARCH, pa.timestamp("us", "Europe/Paris")), instant(UTC_TEXT)),
        Sample(by_arrow(MARCH.replace(tzinfo=None), pa.timestamp("us")), instant(LOCAL_TEXT)),
        Sample(by_hand("INT64", MICROS, converted="TIMESTAMP_MICROS"), instant(LOCAL_TEXT)),
        Sample(
            by_hand("INT64", MICROS, logical_type=thrift.of_time(8, True, "micros")),
            instant(UTC_TEXT),
        ),
        *(
            Sample(
                by_arrow(datetime(2024, 3, 1), pa.timestamp("ms", zone)),
                text(f"2024-03-01 00:00:00{shown}", timestamp=datetime(2024, 3, 1, tzinfo=UTC)),
            )
            for zone, shown in (("UTC", "+00"), (None, ""))
        ),
        Sample(by_hand("INT96", pack("<qi", 45_000_123_456_789, 2460371)), instant(LOCAL_TEXT)),
        Sample(
            by_hand("INT96", pack("<qi", 0, 5373484)),  # a date that nanoseconds do not reach
            text("9999-12-31 00:00:00", timestamp=datetime(9999, 12, 31, tzinfo=UTC)),
        ),
    ],
    "TIMESTAMP of nanoseconds": [
        Sample(
            by_arrow(MICROS * 1000 + 789, pa.timestamp("ns")),
            {**instant(LOCAL_TEXT + "789"), "timestamp": MARCH},
        ),
        Sample(by_arrow(MICROS * 1000 + 789, pa.timestamp("ns", "UTC")), instant(UTC_TEXT)),
        Sample(by_arrow(MICROS * 1000 + 999, pa.timestamp("ns", "UTC")), instant(UTC_TEXT)),
    ],
    "LIST, MAP, groups": [
        Sample(write, {"text": shown, "json": shown})
        for write, shown in (
            (by_arrow(["a", "é"]), '["a","é"]'),
            (by_arrow([b"a", "é".encode()]), '["a","é"]'),
            (by_arrow({"k": 1, "d": Decimal("1.25")}), '{"k":1,"d":1.25}'),
            (by_arrow([("k", "v")], pa.map_(pa.string(), pa.string())), '{"k":"v"}'),
            (by_arrow([(b"k", b"v")], pa.map_(pa.binary(), pa.binary())), '{"k":"v"}'),
            (
                by_arrow([{"d": Decimal("1.5")}], pa.list_(pa.struct([("d", wide(50, 6))]))),
                '[{"d":"1.500000"}]',
            ),
            (
                by_arrow([Decimal("883406386745030.3")], pa.list_(pa.decimal128(38, 1))),
                "[883406386745030.3]",
            ),
        )
    ]
    + [Sample(by_arrow([0.1], pa.list_(pa.float32())), {}), Sample(by_arrow([b"\xe9"]), {})],
    "NULL": [
        Sample(by_arrow(None, pa.null()), dict.fromkeys(KINDS)),
        Sample(by_arrow(None, pa.float64()), dict.fromkeys(KINDS)),
        Sample(by_arrow(None, wide(50, 6)), dict.fromkeys(KINDS)),
    ],
    "BSON, INTERVAL, VARIANT": [
        Sample(by_hand("BYTE_ARRAY", b"\5\0\0\0\0", converted="BSON"), {}),
        Sample(by_hand("BYTE_ARRAY", b"\5\0\0\0\0", logical_type=thrift.BSON), {}),
        Sample(
            by_hand("FIXED_LEN_BYTE_ARRAY", pack("<iii", 1, 2, 3), length=12, converted="INTERVAL"),
            {},
        ),
        Sample(by_duckdb("1::variant"), {}),
        Sample(by_arrow({"metadata": b"\1\0\0", "value": b"\f\7"}), {}),
    ],
}
