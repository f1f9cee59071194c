"""Test that each file of an export's folder belongs to a table, is hidden, or is unknown."""

import csv
import gzip
import io
import os
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipelines.common.errors import InputError
from pipelines.metronome_export.csv_files import BadFileError, csv_format
from pipelines.metronome_export.export_tables import TABLES
from pipelines.metronome_export.files import (
    UnknownFileError,
    is_hidden,
    list_files,
    table_of,
)
from pipelines.metronome_export.storage import open_location
from tests.pipelines.conftest import Rows, Workspace, write_csv, write_parquet

MEANT = {
    "events.csv": "events",
    "EVENTS.CSV": "events",
    "Events.csv.GZ": "events",
    "events.csv.zst": "events",
    "events.tsv": "events",
    "line item.csv": "line_item",
    "Line-Item.csv": "line_item",
    "line_item.parquet": "line_item",
    "events (1).csv": "events",
    "events(2).csv": "events",
    "events.csv (1).gz": "events",
    "events (1).csv.gz": "events",
    "Copy of line_item.csv": "line_item",
    "Copy (2) of line_item.csv": "line_item",
    "events - Copy.csv": "events",
    "events - Copy (2).csv": "events",
    "events copy.csv": "events",
    "events copy 2.csv": "events",
    "events_2.csv": "events",
    "events-2024-03-01.csv": "events",
    "events.part0001.csv": "events",
    "Metronome Sample Egress Data - events.csv": "events",
    "Metronome Sample Egress Data - events (1).csv": "events",
    "Copy of Metronome Sample Egress Data - line item.csv": "line_item",
    "My data - events - Copy (3).csv.gz": "events",
    "csv/events.csv": "events",
    "a/b/c/events (1).csv": "events",
    "events/1.csv": "events",
    "Events/part-00000-aa11-c000.snappy.parquet": "events",
    "events/2024/03/01/data.parquet": "events",
    "events/2024-03-01/data.csv": "events",
    "events/dt=2024-03-01/0_20240301060000.parquet": "events",
    "events/dt=20240301/0_20240301060000.parquet": "events",
    "events/dt=2024-03-01/hour=02/0_20240301060000.parquet": "events",
    "export/events/dt=2024-03-01/0_20240301060000 (1).parquet": "events",
    "events/dt=2024-03-01/0.csv.gz": "events",
    "brand_new/dt=2024-03-01/0_20240301060000.parquet": "brand_new",
    "todo.csv": "todo",
    "Any name - todo (1).csv": "todo",
}

UNKNOWN = {
    "README.md": "neither a Parquet nor a CSV file",
    "events.json": "neither a Parquet nor a CSV file",
    "events.csv.part": "neither a Parquet nor a CSV file",
    "events.csv.crdownload": "neither a Parquet nor a CSV file",
    "events.xlsx": "neither a Parquet nor a CSV file",
    "events": "neither a Parquet nor a CSV file",
    "export.zip": "unpack it",
    "events.tar.gz": "unpack it",
    "events.parquet.gz": "unpack it",
    "events/line_item.csv": "its name is that of the table line_item, its folder that of events",
    "events/dt=2024-03-01/invoice.parquet": "its name is that of the table invoice",
    "some/where/todo.csv": "its name does not identify its table",
    "0_20240301060000.parquet": "its name does not identify its table",
    "load_notes.csv": "its name does not identify its table",
    "_dlt_loads/dt=2024-03-01/0.parquet": "its name does not identify its table",
    "What is this?.csv": "its name does not identify its table",
}

HIDDEN = [
    ".DS_Store",
    "._events.csv",
    ".events.csv.crc",
    "events.csv.crc",
    "__MACOSX/events.csv",
    "events/dt=2024-03-01/_SUCCESS",
    "events/_temporary/0/events.csv",
    "events/_committed_123",
    "events/_metadata",
    "events_$folder$",
    "Thumbs.db",
    "~$events.csv",
    ".ipynb_checkpoints/events-checkpoint.csv",
    "folder/",
]


@pytest.mark.parametrize(("path", "table"), MEANT.items())
def test_what_is_plainly_meant_is_understood(path: str, table: str):
    assert table_of(path)[0] == table
    assert not is_hidden(path)


@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_understood_by_its_copies(table: str):
    spaced = table.replace("_", " ").title()
    for name in (table, spaced, f"{spaced} (12)", f"Copy of {table}", f"{table}_3", f"x - {table}"):
        assert table_of(f"{name}.csv") == (table, "csv")


@pytest.mark.parametrize(("path", "reason"), UNKNOWN.items())
def test_any_other_name_is_unknown(path: str, reason: str):
    with pytest.raises(UnknownFileError, match=reason):
        table_of(path)
    assert not is_hidden(path)


@pytest.mark.parametrize("path", HIDDEN)
def test_what_other_programs_leave_is_hidden(path: str):
    assert is_hidden(path)


def put(root: Path, path: str, content: bytes = b"x") -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(content)


def notes(workspace: Workspace) -> Rows:
    return workspace.query(
        "select path, message from raw_export.load_notes where kind = 'unknown file' "
        "qualify _dlt_load_id = max(_dlt_load_id) over () order by path"
    )


def test_unknown_files_are_named_and_block_publishing_but_hidden_ones_do_not(
    workspace: Workspace, tmp_path: Path
):
    write_csv(tmp_path, "customer", "id,name", "a,One")
    for path in HIDDEN[:-1]:
        put(tmp_path, path)
    for path in ("README.md", "export.zip"):
        put(tmp_path, path)
    put(
        tmp_path,
        "usage_backup.csv",
        b"transaction_id,customer_id,timestamp,event_type,properties\n",
    )
    with pytest.raises(InputError) as caught:
        workspace.load_export(tmp_path)
    assert "README.md: it is neither a Parquet nor a CSV file: remove it." in str(caught.value)
    assert "usage_backup.csv: its columns are those of the table events" in str(caught.value)
    assert workspace.counts("raw_export") == {"customer": 1}
    assert [path for path, _ in notes(workspace)] == ["README.md", "export.zip", "usage_backup.csv"]

    accepted = {"SOURCES__METRONOME_EXPORT__ACCEPT_INCOMPLETE": "true"}
    told = workspace.load_export(tmp_path, **accepted)
    unknown = "unknown files, not loaded: 3: README.md, export.zip, usage_backup.csv"
    assert f"export: {unknown}" in told.splitlines()
    for path in ("README.md", "export.zip", "usage_backup.csv"):
        (tmp_path / path).unlink()
    workspace.load_export(tmp_path)
    newest = "select kind from raw_export.load_notes order by _dlt_load_id desc limit 1"
    assert workspace.value(newest) == "complete"


EVENT = ("t{}", "c1", "2024-03-01T00:00:00Z", "image", '{{"n": {}}}', "PRODUCTION")
NAMES = (
    "transaction_id",
    "customer_id",
    "timestamp",
    "event_type",
    "properties",
    "environment_type",
)


def events(*numbers: int, delimiter: str = ",") -> bytes:
    sink = io.StringIO()
    rows = [[cell.format(number) for cell in EVENT] for number in numbers]
    csv.writer(sink, delimiter=delimiter).writerows([NAMES, *rows])
    return sink.getvalue().encode()


def test_every_way_to_name_and_compress_a_file_is_loaded(workspace: Workspace, tmp_path: Path):
    zstd = pa.BufferOutputStream()
    with pa.CompressedOutputStream(zstd, "zstd") as stream:
        stream.write(events(1))
    files = {
        "events.csv.ZST": zstd.getvalue().to_pybytes(),
        "events (1).csv": events(2),
        "Copy of events.CSV": events(3, delimiter=";"),
        "events_4.tsv": events(4, delimiter="\t"),
        "Events.csv.GZ": gzip.compress(events(5)),
        "events.csv (1).gz": gzip.compress(events(6)),
        "sub/events.csv": events(7, delimiter="|"),
        "events/dt=20240301/hour=02/0_20240301020000.csv": events(8),
        "cleared - events.csv": events(9) + b",,,,,\r\n,,,,,\r\n",
    }
    for path, content in files.items():
        put(tmp_path, path, content)
    record = {name: [cell.format(10)] for name, cell in zip(NAMES, EVENT, strict=True)}
    pq.write_table(pa.table(record), tmp_path / "events.parquet")
    (tmp_path / "elsewhere").mkdir()
    put(tmp_path, "elsewhere/events/1.csv", events(11))
    (tmp_path / "export").mkdir()
    for path in (*files, "events.parquet"):
        (tmp_path / "export" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).rename(tmp_path / "export" / path)
    (tmp_path / "export" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "export" / "sub" / "loop").symlink_to("..")
    told = workspace.load_export(tmp_path / "export")
    assert told.startswith("export: 11 new of 11 files, 11 rows")
    assert workspace.query(
        "select transaction_id, properties ->> 'n' from raw_export.events "
        "order by length(transaction_id), 1"
    ) == [(f"t{number}", str(number)) for number in range(1, 12)]


def test_a_file_that_is_named_for_another_compression_or_format_is_bad(
    workspace: Workspace, tmp_path: Path
):
    write_csv(tmp_path, "customer", "id", "a")
    zstd = pa.BufferOutputStream()
    with pa.CompressedOutputStream(zstd, "zstd") as stream:
        stream.write(events(*range(100)))
    whole = zstd.getvalue().to_pybytes()
    put(tmp_path, "events_1.csv", whole)
    put(tmp_path, "events_2.csv.zst", whole[:-9])
    put(tmp_path, "events_3.csv", b"PK\3\4 a workbook")
    put(tmp_path, "events_4.csv", b"transaction_id;customer_id,event_type\n")
    with pytest.raises(InputError) as caught:
        workspace.load_export(tmp_path)
    for reason in (
        "events_1.csv: it is compressed with Zstandard: its name ends in .csv.zst",
        "events_2.csv.zst: it cannot be read: Truncated compressed stream",
        "events_3.csv: it is a ZIP or Excel file",
        "events_4.csv: its header can be read as separated by commas and by semicolons",
    ):
        assert reason in str(caught.value)
    assert workspace.counts("raw_export") == {"customer": 1}


def test_a_value_that_is_lost_is_named_with_its_line_and_what_to_do(
    workspace: Workspace, tmp_path: Path
):
    path = tmp_path / "invoice.csv"
    path.write_text('id;total;status\n"a\nb";1.5;x\nc;1234,56;"FINAL\nIZED"\n')
    with pytest.raises(InputError) as caught:
        workspace.load_export(tmp_path)
    told = str(caught.value)
    assert "total is '1234,56', which is not a number of at most 20 digits" in told
    assert f"in {path}. It is in line 5: correct it there" in told


def test_a_repeated_download_is_in_raw_twice_by_file(workspace: Workspace, tmp_path: Path):
    """Staging keeps one row per key. `loaded_files` has each file."""
    for name in ("events.csv", "events (1).csv"):
        put(tmp_path, name, events(1, 2))
    assert workspace.load_export(tmp_path).startswith("export: 2 new of 2 files, 4 rows")
    keys = "select count(*), count(distinct transaction_id) from raw_export.events"
    assert workspace.query(keys) == [(4, 2)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("table", ["events", "undeclared"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str, table: str):
    path = tmp_path / "events.csv"
    path.write_bytes(events(1, delimiter=delimiter))
    assert csv_format(str(path), TABLES.get(table, {})).delimiter == delimiter
    path.write_text(delimiter.join(f'"{name}"' for name in NAMES) + "\n")
    assert csv_format(str(path), TABLES.get(table, {})).names == list(NAMES)


def test_a_header_of_one_column_needs_no_delimiter(tmp_path: Path):
    path = tmp_path / "customer.csv"
    path.write_text("id\na\n")
    assert csv_format(str(path), TABLES["customer"]).names == ["id"]
    path.write_text("id;x|y\na\n")
    with pytest.raises(BadFileError, match="by semicolons and by bars"):
        csv_format(str(path))


# Names of folders


HOSTILE = st.text(
    st.sampled_from("a. %'\"#?*[]{}!;:&$~`\\|^=+,@()é日\n\t<>-_") | st.characters(codec="utf-8"),
    min_size=1,
    max_size=12,
).filter(lambda name: name.strip(".") and not {"/", "\0"} & set(name) and len(name.encode()) < 200)


def loaded_from(workspace: Workspace, folder: Path) -> None:
    write_parquet(folder, "customer", id=["a"])
    write_csv(folder, "invoice", "id,total", "i,1.5")
    workspace.load_export(folder)
    assert workspace.column("select _file from raw_export.customer") == [
        "customer/dt=2024-01-01/0_20240101060000.parquet"
    ]
    assert workspace.column("select root from raw_export.loaded_files limit 1") == [str(folder)]


def test_folders_of_any_name_work(workspace: Workspace, tmp_path: Path):
    """Names that mean something to a shell, to SQL, in a pattern or in an address."""
    names = [
        *("50% off #1's", "raw_export", "[x]*?", "~", "file:a::b", '$HOME `id` "q"'),
        *("{} %s %(x)s", "two\nlines", "dt=2024-01-01", "日本語 é", "-rf", "a;drop table b"),
    ]
    loaded_from(workspace, tmp_path.joinpath(*names, "x.duckdb"))


@settings(
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(HOSTILE)
@example("::")
@example("%41")
def test_any_name_of_a_folder_is_opened_and_listed(tmp_path: Path, name: str):
    folder = tmp_path / name
    if not folder.exists():
        write_csv(folder, "customer", "id", "a")
    location = open_location(str(folder))
    assert location.root == str(folder)
    assert [file.path for file in list_files(location)[0]] == ["Sandbox Egress Data - customer.csv"]


def test_a_folder_whose_name_is_not_utf_8_is_named(tmp_path: Path):
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    Path(folder).mkdir()
    with pytest.raises(InputError, match=re.escape(r"caf\udce9' is not UTF-8")):
        open_location(folder)


def test_an_address_of_a_local_file_system(tmp_path: Path):
    write_csv(tmp_path / "a b", "customer", "id", "a")
    assert open_location((tmp_path / "a b").as_uri()).folder == str(tmp_path / "a b")
