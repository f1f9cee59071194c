"""Bad files of an export: each is set aside by name and reason, and all others load."""

import codecs
import gzip
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.common.errors import InputError
from pipelines.metronome_export.export_tables import TABLES
from pipelines.metronome_export.files import list_files
from pipelines.metronome_export.read_plan import unreadable, wrong_table
from pipelines.metronome_export.storage import open_location
from tests.pipelines.conftest import (
    ROOT,
    NewWorkspace,
    Rows,
    Workspace,
    write_csv,
    write_parquet,
)

ROWS = 1000
CSV = b"id,name\r\n" + b"".join(b"%d,One\r\n" % number for number in range(ROWS))
OBJECT = "{table}/dt=2024-02-0{day}/0_2024020{day}060000.parquet"


def parquet(**columns: object) -> bytes:
    """Return a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()


GOOD = parquet(id=[f"row {number}" for number in range(ROWS)])


def whole(table: str) -> bytes:
    """Return a Parquet file with all columns of a table."""
    return parquet(**{name: pa.nulls(1, pa.string()) for name in TABLES[table]})


@dataclass(frozen=True)
class Bad:
    """A bad file.

    Attributes:
        content: Its bytes. None if it is not a file.
        reason: A part of the reason in its note.
        path: Its path relative to the export's folder.
        good: The file that replaces it later, with 1000 rows.
    """

    content: bytes | None
    reason: str
    path: str = "{name} - customer.csv"
    good: bytes = CSV


def of_parquet(content: bytes | None, reason: str, day: int) -> Bad:
    return Bad(content, reason, OBJECT.format(table="customer", day=day), GOOD)


BAD = {
    "Parquet cut off": of_parquet(GOOD[:-20], "it is not a Parquet file, or is cut off", 1),
    "Parquet whose pages are damaged behind a sound footer": of_parquet(
        b"PAR1" + b"\xff" * 500 + GOOD[504:], "it is damaged: ", 2
    ),
    "Parquet of zero bytes": of_parquet(b"", "it is not a Parquet file, or is cut off", 3),
    "CSV named .parquet": of_parquet(CSV, "it is not a Parquet file, or is cut off", 4),
    "Parquet with the columns of another table": of_parquet(
        whole("invoice"), "its columns are those of the table invoice, not of customer", 5
    ),
    "Parquet without a column of the table": of_parquet(
        parquet(a=[1], b=[2]), "it has no column of the table customer", 6
    ),
    "a symbolic link to nowhere": of_parquet(None, "it no longer exists, or is not a file", 7),
    "CSV of zero bytes": Bad(b"", "it is empty, without a header"),
    "Parquet named .csv": Bad(GOOD, "it is a Parquet file"),
    "gzip without .gz": Bad(gzip.compress(CSV), "it is gzipped: its name ends in .csv.gz"),
    "no gzip named .csv.gz": Bad(
        CSV, "it cannot be read: Not a gzipped file", "{name} - customer.csv.gz", gzip.compress(CSV)
    ),
    "gzip cut off": Bad(
        gzip.compress(CSV)[:-12],
        "it cannot be read: Compressed file ended",
        "{name} - customer.csv.gz",
        gzip.compress(CSV),
    ),
    "CSV with a row too wide": Bad(
        CSV + b"2,Two,Three\r\n", "line 1002: Expected Number of Columns: 2 Found: 3"
    ),
    "CSV with a row too narrow": Bad(
        CSV + b"2\r\n", "line 1002: Expected Number of Columns: 2 Found: 1"
    ),
    "CSV with a quote that is not closed": Bad(
        CSV + b'2,"Two\r\n3,Three\r\n', "line 1002: Value with unterminated quote"
    ),
    "CSV in Latin-1": Bad(CSV + "2,Café\r\n".encode("latin-1"), "line 1002 is not UTF-8"),
    "CSV in Latin-1, far behind": Bad(
        CSV * 199 + "2,Café\r\n".encode("latin-1"), "line 199200 is not UTF-8"
    ),
    "CSV whose header is in Latin-1": Bad("id,Café\r\n".encode("latin-1"), "line 1 is not UTF-8"),
    "CSV in UTF-16": Bad(codecs.BOM_UTF16_LE + CSV.decode().encode("utf-16-le"), "it is UTF-16"),
    "CSV with zero bytes": Bad(CSV + b"2,Tw\0\r\n", "line 1002 has a zero byte"),
    "CSV whose lines end in two ways": Bad(CSV + b"2,Two\n", "its lines end in different ways"),
    "CSV with a header that names a column twice": Bad(
        b"id,name,Name\r\n1,One,Two\r\n", "columns of its header have the same name: Name, name"
    ),
    "CSV without a header": Bad(b"1,One\r\n2,Two\r\n", "it has no column of the table customer"),
    "a page of HTML named .csv": Bad(
        b"<html>\n<body>Sorry</body>\n</html>\n", "it has no column of the table customer"
    ),
}
"""By what is wrong. Each file is one of the table customer."""

PATHS = {what: bad.path.format(name=what) for what, bad in BAD.items()}

HARMLESS = {
    "CSV with a byte order mark": codecs.BOM_UTF8 + b"id,name\r\nbom,One\r\n",
    "CSV with LF": b"id,name\nlf,One\n",
    "CSV with CR": b"id,name\rcr,One\r",
    "CSV without an end of its last line": b"id,name\r\nend,One",
    "CSV with a blank line": b"id,name\r\nblank,One\r\n\r\n",
    "CSV that is only a header": b"id,name\r\n",
}


def put(path: Path, content: bytes | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if content is None:
        path.symlink_to("nowhere")
    else:
        path.write_bytes(content)


def left_out(workspace: Workspace) -> Rows:
    """Return the text of the newest run that left something out, or that was complete again."""
    return workspace.query(
        "select kind, table_name, path, message from raw_export.load_notes "
        "where kind in ('bad file', 'stopped', 'complete') "
        "qualify _dlt_load_id = max(_dlt_load_id) over () order by path"
    )


def refused(workspace: Workspace, root: Path | str, **settings: str) -> str:
    """Return the message of a run that left something out."""
    with pytest.raises(InputError, match="Not all of the export is loaded") as caught:
        workspace.load_export(root, **settings)
    return str(caught.value)


# One export with every bad file


@dataclass(frozen=True)
class Broken:
    """An export with good and bad files, and the message of its run."""

    workspace: Workspace
    root: Path
    told: str


@pytest.fixture(scope="module")
def broken(new_workspace: NewWorkspace, tmp_path_factory: pytest.TempPathFactory) -> Broken:
    root = tmp_path_factory.mktemp("broken")
    write_parquet(root, "customer", id=["good"])
    write_parquet(root, "invoice", id=["of another table"])
    for what, content in HARMLESS.items():
        put(root / f"{what} - customer.csv", content)
    for what, bad in BAD.items():
        put(root / PATHS[what], bad.content)
    workspace = new_workspace()
    return Broken(workspace, root, refused(workspace, root))


def faults(cases: dict[str, object], happens: str) -> list[object]:
    """Cases of a parametrized test, each marked as a fault."""
    mark = pytest.mark.fault
    return [pytest.param(what, marks=mark("Files", what, happens), id=what) for what in cases]


@pytest.mark.parametrize("what", faults(BAD, "skipped, with name and reason; the rest loads"))
def test_a_bad_file_is_set_aside_by_name_and_reason(broken: Broken, what: str):
    ((kind, table, reason),) = broken.workspace.query(
        f"select kind, table_name, message from raw_export.load_notes where path = '{PATHS[what]}'"
    )
    assert (kind, table) == ("bad file", "customer")
    assert BAD[what].reason in reason
    assert PATHS[what] not in counted(broken.workspace)


def counted(workspace: Workspace) -> dict[str, int]:
    """Return the number of valid rows per file."""
    return dict(
        workspace.query(
            "select path, count(_file) from raw_export.loaded_files as loaded "
            "left join raw_export.customer on path = _file "
            "and customer._dlt_load_id = loaded._dlt_load_id "
            "where table_name = 'customer' and loaded._dlt_load_id in "
            "(select load_id from raw_export._dlt_loads where status = 0) group by path"
        )
    )


@pytest.mark.parametrize("what", faults(HARMLESS, "loaded"))
def test_a_file_that_is_only_unusual_is_loaded(broken: Broken, what: str):
    rows = 0 if what == "CSV that is only a header" else 1
    assert counted(broken.workspace)[f"{what} - customer.csv"] == rows


def test_all_else_is_loaded_and_what_is_not_is_said(broken: Broken):
    counts = counted(broken.workspace)
    assert len(counts) == len(HARMLESS) + 1
    assert sum(counts.values()) == len(HARMLESS)
    assert broken.workspace.column("select id from raw_export.invoice") == ["of another table"]
    assert [path for _, _, path, _ in left_out(broken.workspace)] == sorted(PATHS.values())
    assert f"And {len(BAD) - 5} more. Replace or remove these files" in broken.told
    assert str(broken.root) not in " ".join(row[3] for row in left_out(broken.workspace))


def test_bad_files_are_tried_again_until_they_are_good(broken: Broken, new_workspace: NewWorkspace):
    workspace = new_workspace(broken.workspace)
    refused(workspace, broken.root)
    assert [path for _, _, path, _ in left_out(workspace)] == sorted(PATHS.values())
    for what, bad in BAD.items():
        put(broken.root / PATHS[what], bad.good)
    told = workspace.load_export(broken.root)
    assert told.startswith(f"export: {len(BAD)} new of ")
    assert left_out(workspace) == [("complete", None, None, None)]
    counts = counted(workspace)
    assert {counts[path] for path in PATHS.values()} == {ROWS}
    workspace.load_export(broken.root)
    assert (
        workspace.value("select count(*) from raw_export.load_notes where kind = 'complete'") == 1
    )


# Files that change under the run, and names


@pytest.mark.fault("Files", "a file that vanishes while it is read", "skipped; the rest loads")
def test_a_file_that_vanishes_after_it_was_listed_is_named_alone(tmp_path: Path):
    """DuckDB reports only that one of the files does not exist."""
    write_parquet(tmp_path, "customer", "2024-01-01", id=["good"])
    vanishing = write_parquet(tmp_path, "customer", "2024-01-02", id=["bad"])
    files, _ = list_files(open_location(str(tmp_path)))
    vanishing.unlink()
    path = str(vanishing.relative_to(tmp_path))
    assert unreadable(str(tmp_path), files) == {path: "it no longer exists, or is not a file"}


NAMES = {
    "SQL": "x'; drop table customer; --",
    "a pattern": "*",
    "a terminal escape": "x\x1b[31mred",
    "a right-to-left override": "x\u202egpj",
    "two lines": "x\nexport: 0 new",
}


@pytest.mark.fault("Files", "names of files that are SQL, patterns, escapes", "not executed")
def test_a_name_of_a_file_is_neither_run_nor_obeyed(workspace: Workspace, tmp_path: Path):
    good = [f"{name} - customer.csv" for name in NAMES.values()]
    bad = [f"{name} bad - customer.csv" for name in NAMES.values()]
    for path in good:
        put(tmp_path / path, b"id,name\r\na,One\r\n")
    for path in bad:
        put(tmp_path / path, b"id,name\r\nb\r\n")
    told = refused(workspace, tmp_path)
    assert counted(workspace) == dict.fromkeys(good, 1)
    assert [path for _, _, path, _ in left_out(workspace)] == sorted(bad)
    assert not {"\x1b", "\u202e", "\n"} & set(told)


@pytest.mark.fault("Files", "a file whose name is not UTF-8", "skipped; the rest loads")
def test_a_name_that_is_not_utf_8(workspace: Workspace, tmp_path: Path):
    write_csv(tmp_path, "customer", "id,name", "good,One")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9 - customer.csv")).write_bytes(CSV)
    assert r"caf\udce9 - customer.csv: its name is not UTF-8" in refused(workspace, tmp_path)
    assert counted(workspace) == {"Sandbox Egress Data - customer.csv": 1}


@pytest.mark.fault("Files", "an unreadable folder", "the run stops and names it")
def test_a_folder_that_may_not_be_read_is_not_taken_for_an_empty_one(tmp_path: Path):
    """The test runs as another user, because root can read every folder."""
    write_csv(tmp_path, "customer", "id,name", "good,One")
    closed = write_parquet(tmp_path, "invoice", id=["i"]).parent
    closed.chmod(0)
    for folder in tmp_path.parents:
        folder.chmod(folder.stat().st_mode | 0o011)
    look = (
        "import os, sys\n"
        "from pipelines.metronome_export.storage import open_location\n"
        "place = open_location(sys.argv[1])\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"
        "list(place.find())"
    )
    done = subprocess.run(
        [sys.executable, "-c", look, str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    closed.chmod(0o755)
    assert f"InputError: {tmp_path} cannot be read: [Errno 13] Permission denied" in done.stderr


# Files that are no longer left out


def test_a_bad_file_that_was_taken_away_is_no_longer_left_out(workspace: Workspace, tmp_path: Path):
    write_csv(tmp_path, "customer", "id,name", "good,One")
    put(tmp_path / "bad - customer.csv", b"")
    refused(workspace, tmp_path)
    (tmp_path / "bad - customer.csv").unlink()
    assert workspace.load_export(tmp_path).startswith("export: 0 new of 1 files")
    assert left_out(workspace) == [("complete", None, None, None)]


def test_a_bad_new_version_leaves_the_good_one_in_place(workspace: Workspace, tmp_path: Path):
    path = write_parquet(tmp_path, "customer", id=["good"])
    workspace.load_export(tmp_path)
    put(path, b"PAR1")
    refused(workspace, tmp_path)
    assert counted(workspace) == {str(path.relative_to(tmp_path)): 1}


def test_the_command_accepts_an_incomplete_load_only_on_request(
    workspace: Workspace, tmp_path: Path
):
    write_csv(tmp_path, "customer", "id,name", "good,One")
    put(tmp_path / "bad - customer.csv", b"")
    place = {"SOURCES__METRONOME_EXPORT__BUCKET_URL": str(tmp_path)}
    said = "Not all of the export is loaded. bad - customer.csv: it is empty, without a header."
    done = workspace.dlt("pipeline", "run", **place)
    assert done.returncode == 1
    assert said in " ".join(done.stderr.split())
    accepted = {"SOURCES__METRONOME_EXPORT__ACCEPT_INCOMPLETE": "true"}
    done = workspace.dlt("pipeline", "run", **place, **accepted)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Warning, accepted: {said}" in done.stdout
    assert workspace.column("select id from raw_export.customer") == ["good"]


# Any layout, any bytes


@pytest.mark.parametrize("table", TABLES)
def test_no_layout_of_a_table_is_taken_for_another_table(table: str):
    """An older layout lacks columns, down to one. A newer layout has unknown columns."""
    names = list(TABLES[table])
    new = [f"new_{name}" for name in names]
    for number in range(1, len(names) + 1):
        assert wrong_table(table, names[:number]) is None
        assert wrong_table(table, names[-number:]) is None
        assert wrong_table(table, [*names[:number], *new]) is None
