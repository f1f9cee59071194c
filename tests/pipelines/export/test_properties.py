"""Test any bytes as a file: its rows land unchanged, or none of them, with a reason."""

import csv
import gzip
import io
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipelines.metronome_export.export_tables import TABLES
from pipelines.metronome_export.files import ExportFile
from pipelines.metronome_export.read_plan import read_plan, unreadable
from tests.pipelines.conftest import in_memory
from tests.pipelines.export.test_bad_files import GOOD

Row = tuple[str | None, str | None]


def read(path: Path, layout: str) -> list[Row] | str:
    """Return ids and names of the customers of a file, as a load selects them, or a reason."""
    file = ExportFile(path.name, "customer", layout, 0, datetime(2024, 1, 1, tzinfo=UTC), None)
    with in_memory() as connection:
        try:
            planned = read_plan(
                *(connection, str(path.parent), "customer", [file]),
                *(TABLES["customer"], {}, str.lower, str(path.parent / "copies")),
            )
            if planned.bad:
                return planned.bad[path.name]
            ((query, _),) = planned.queries
            return connection.execute(f"select id, name from ({query})").fetchall()
        except duckdb.Error:
            return unreadable(str(path.parent), [file])[path.name]


def strict(content: bytes) -> list[Row]:
    """Read a CSV file with Python's reader. An empty cell is null, and empty rows are ignored."""
    text = content.decode("utf-8-sig")
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    names = [name.lower() for name in rows[0]]
    columns = [names.index(name) if name in names else None for name in ("id", "name")]
    return [
        tuple(row[column] or None if column is not None else None for column in columns)
        for row in rows[1:]
        if any(row)
    ]


CELLS = st.text(st.sampled_from('ab,;"\r\n #é\0\t'), max_size=4)


@st.composite
def csvs(draw: st.DrawFn) -> bytes:
    """Return a CSV file in which some bytes may be changed or missing."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator=draw(st.sampled_from(["\r\n", "\n"])))
    writer.writerows([("id", "name"), *draw(st.lists(st.tuples(CELLS, CELLS), max_size=4))])
    content = bytearray(sink.getvalue().encode())
    for place, byte in draw(
        st.lists(st.tuples(st.integers(0, 60), st.binary(max_size=2)), max_size=2)
    ):
        content[place : place + 1] = byte
    return bytes(content)


any_bytes = settings(
    max_examples=100,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.fault("Files", "any bytes as a CSV file", "its exact rows, or none")
@any_bytes
@given(csvs() | st.binary(max_size=40))
@example(b"")
@example(b"id,name\r\n1,a\n2,b\r\n")
def test_a_csv_is_read_to_the_letter_or_set_aside(tmp_path: Path, content: bytes):
    path = tmp_path / "customer.csv"
    path.write_bytes(content)
    found = read(path, "csv")
    assert found == strict(content) if isinstance(found, list) else found
    compressed = tmp_path / "customer.csv.gz"
    compressed.write_bytes(gzip.compress(content))
    assert isinstance(read(compressed, "csv"), type(found))


@pytest.mark.fault("Files", "any damage to a Parquet file", "read completely, or skipped")
@any_bytes
@given(
    st.integers(0, len(GOOD)),
    st.binary(max_size=30) | st.just(b"\0" * 200),
    st.sampled_from([len(GOOD), len(GOOD) // 2, 3]),
)
def test_a_damaged_parquet_ends_in_a_reason_or_in_rows(
    tmp_path: Path, place: int, others: bytes, length: int
):
    path = tmp_path / "customer.parquet"
    path.write_bytes((GOOD[:place] + others + GOOD[place + len(others) :])[:length])
    found = read(path, "parquet")
    assert isinstance(found, list) or found
