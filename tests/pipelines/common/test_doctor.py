"""Test `python -m pipelines.doctor`: each problem has a line that states what to do."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines import doctor
from sandbox.api.server import running
from sandbox.core.account import Account
from tests.pipelines.conftest import ROOT, SETTINGS, TOKEN, write_parquet

Examine = Callable[..., tuple[int, dict[str, str]]]

OPEN_IT = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print(flush=True); input()"


@pytest.fixture(scope="module")
def url(account: Account) -> Iterator[str]:
    with running(account, TOKEN) as url:
        yield url


@pytest.fixture
def examine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Examine:
    """Run the doctor with settings. Return the exit code, and the line of each check by name."""
    write_parquet(tmp_path / "export", "customer", id=["a", "b"])

    def run(**settings: str) -> tuple[int, dict[str, str]]:
        for name in [name for name in os.environ if name.startswith(SETTINGS)]:
            monkeypatch.delenv(name)
        usual = {
            "DESTINATION__DUCKDB__CREDENTIALS": str(tmp_path / "m.duckdb"),
            "SOURCES__METRONOME_EXPORT__BUCKET_URL": str(tmp_path / "export"),
            "OUT": str(tmp_path / "reports"),
        }
        for name, value in {**usual, **settings}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(ROOT)
        code = doctor.main()
        lines = capsys.readouterr().out.splitlines()
        return code, {line.split()[1]: line for line in lines}

    return run


def test_a_machine_that_is_fit_for_a_run(examine: Examine, url: str, tmp_path: Path):
    code, lines = examine(METRONOME_BASE_URL=url, METRONOME_BEARER_TOKEN=TOKEN)
    assert code == 0
    assert list(lines) == [
        *("python", "packages", "sources", "export", "api", "database", "disk", "reports")
    ]
    assert all(line.startswith("ok ") for line in lines.values())
    assert lines["export"] == "ok  export     1 files of 1 tables, 0.0 MB"
    assert lines["api"] == "ok  api        127.0.0.1 answers and accepts the token"
    assert TOKEN not in "".join(lines.values())
    assert not (tmp_path / "m.duckdb").exists()


def test_no_source_is_set(examine: Examine):
    code, lines = examine(SOURCES__METRONOME_EXPORT__BUCKET_URL="")
    assert code == 1
    assert lines["sources"].startswith("FIX sources    none is set: give EXPORT=<folder> to make")


def test_a_folder_that_is_not_an_export(examine: Examine, tmp_path: Path):
    code, lines = examine(SOURCES__METRONOME_EXPORT__BUCKET_URL=str(tmp_path / "nothing"))
    assert code == 1
    assert lines["export"].startswith("FIX export     There is no folder")


def test_a_token_that_is_wrong(examine: Examine, url: str):
    code, lines = examine(METRONOME_BASE_URL=url, METRONOME_BEARER_TOKEN="wr0ng")
    assert code == 1
    assert lines["api"].startswith("FIX api        127.0.0.1 refuses the token")
    assert "wr0ng" not in lines["api"]


def test_an_api_that_is_not_there(examine: Examine):
    code, lines = examine(
        METRONOME_BASE_URL="http://user:s3cret@127.0.0.1:9", METRONOME_BEARER_TOKEN=TOKEN
    )
    assert code == 1
    assert lines["api"].startswith("FIX api        127.0.0.1 cannot be reached (ConnectionError)")
    assert "s3cret" not in lines["api"]


def test_an_address_that_is_not_an_api(examine: Examine, url: str):
    code, lines = examine(METRONOME_BASE_URL=f"{url}/elsewhere", METRONOME_BEARER_TOKEN=TOKEN)
    assert code == 1
    assert "127.0.0.1 answers 404 to a list of customers" in lines["api"]


def test_a_database_that_another_process_has_open(examine: Examine, tmp_path: Path):
    database = tmp_path / "m.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", OPEN_IT, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        holder.stdout.readline()
        code, lines = examine()
        holder.communicate(b"\n")
    assert code == 1
    assert lines["database"].startswith(
        f"FIX database   {database} is in use by PID {holder.pid}: {sys.executable} -c import"
    )


def test_a_database_that_is_damaged(examine: Examine, tmp_path: Path):
    (tmp_path / "m.duckdb").write_bytes(b"no database" * 1000)
    code, lines = examine()
    assert code == 1
    assert lines["database"].startswith(f"FIX database   {tmp_path}/m.duckdb does not open: ")
    assert "or move the file and its .wal away" in lines["database"]


def test_a_database_that_dbt_cannot_open(examine: Examine, tmp_path: Path):
    code, lines = examine(DESTINATION__DUCKDB__CREDENTIALS=str(tmp_path / "#1.duckdb"))
    assert code == 1
    assert lines["database"].startswith("FIX database   The database cannot be called ")


def test_a_database_that_is_whole(examine: Examine, tmp_path: Path):
    duckdb.connect(str(tmp_path / "m.duckdb")).close()
    code, lines = examine()
    assert code == 0
    assert lines["database"].startswith(f"ok  database   {tmp_path}/m.duckdb opens, 0.0 MB")


def test_folders_that_cannot_be_written_to(examine: Examine, tmp_path: Path):
    (tmp_path / "file").touch()
    code, lines = examine(
        OUT=str(tmp_path / "file" / "reports"),
        DESTINATION__DUCKDB__CREDENTIALS=str(tmp_path / "file" / "m.duckdb"),
    )
    assert code == 1
    for check in ("reports", "database"):
        assert lines[check].startswith(f"FIX {check:<11}{tmp_path}/file cannot be written to")


def test_a_folder_of_reports_that_is_read_only(tmp_path: Path):
    folder = tmp_path / "reports"
    folder.mkdir()
    folder.chmod(0o555)
    # root may write anywhere, unless that power is taken from it
    as_others = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*as_others, sys.executable, "-m", "pipelines.doctor"],
        cwd=tmp_path,
        env=os.environ | {"OUT": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"{folder} cannot be written to" in done.stdout


def test_packages_that_are_not_those_of_the_lock(
    examine: Examine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        f"# a comment\nduckdb==0.0.1 \\\n    --hash=sha256:00\nno-such-package==1\n"
        f"dlt=={doctor.version('dlt')}\ncolorama==0.0.1 ; sys_platform == 'win32'\n"
    )
    monkeypatch.setattr(doctor, "LOCK", lock)
    code, lines = examine()
    assert code == 1
    assert lines["packages"].startswith(
        f"FIX packages   not as in requirements.lock: duckdb {doctor.version('duckdb')}, "
        "no-such-package is missing. Run `pip install"
    )


def test_a_disk_that_is_nearly_full(examine: Examine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "FREE_BYTES", 2**62)
    code, lines = examine()
    assert code == 1
    assert "a run may need 4294967296.0 GB. Make room" in lines["disk"]
