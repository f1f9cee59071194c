"""The command `dlt pipeline … run`, as a person types it."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sandbox.api.server import running
from sandbox.core.account import Account
from tests.pipelines.conftest import ROOT, SETTINGS, TOKEN, NewWorkspace, Workspace, write_parquet


@pytest.fixture(scope="module")
def url(account: Account) -> Iterator[str]:
    with running(account, TOKEN) as url:
        yield url


@pytest.fixture(scope="module")
def small_export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("export")
    write_parquet(root, "customer", id=["a", "b"])
    return root


@pytest.fixture(scope="module")
def used(small_export: Path, new_workspace: NewWorkspace) -> Workspace:
    """Return a workspace that `dlt pipeline run` has loaded the export into."""
    workspace = new_workspace()
    done = workspace.dlt("pipeline", "run", SOURCES__METRONOME_EXPORT__BUCKET_URL=str(small_export))
    assert (done.returncode, done.stderr) == (0, "")
    first = done.stdout.splitlines()[0]
    assert without_seconds(first) == f"export: 1 new of 1 files, 2 rows from {small_export}"
    return workspace


def without_seconds(line: str) -> str:
    """Return a step's line, which ends with its seconds."""
    assert re.search(r" \(\d+\.\d s\)$", line)
    return re.sub(r" \(\d+\.\d s\)$", "", line)


def test_run_loads_what_is_configured(used: Workspace):
    assert used.counts("raw_export") == {"customer": 2}
    assert used.counts("raw_api") == {}


def test_a_backup_is_restored_as_the_docs_say(
    used: Workspace, new_workspace: NewWorkspace, small_export: Path, tmp_path: Path
):
    """The next run is incremental, also without dlt's working folder."""
    workspace = new_workspace(used)
    operating = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    back_up, restore = (
        block.replace("data/account/metronome.duckdb", str(workspace.database)).replace(
            "/backup/", f"{tmp_path}/"
        )
        for block in re.findall("```sh\n(.*?)```", operating, re.DOTALL)
    )
    before = workspace.contents("raw_export")
    subprocess.run(["sh", "-e", "-c", back_up], check=True)
    workspace.database.write_bytes(b"lost")
    shutil.rmtree(workspace.dlt_folder, ignore_errors=True)
    subprocess.run(["sh", "-e", "-c", restore], check=True)
    assert workspace.load_export(small_export).startswith("export: 0 new of 1 files, 0 rows")
    assert workspace.contents("raw_export") == before


def test_dlts_own_commands_still_work(used: Workspace):
    info = used.dlt("pipeline", "metronome_export", "info")
    assert info.returncode == 0
    assert "customer" in info.stdout
    trace = used.dlt("pipeline", "metronome_export", "trace")
    assert trace.returncode == 0
    assert "Step load COMPLETED" in trace.stdout


def test_a_named_pipeline_runs_alone_with_the_sdks_variables(
    workspace: Workspace, account: Account, url: str, small_export: Path
):
    """And reads what is named, from the beginning."""
    done = workspace.dlt(
        *("pipeline", "metronome_api", "run", "--full-refresh", "--select", "invoices", "plans"),
        METRONOME_BASE_URL=url,
        METRONOME_BEARER_TOKEN=TOKEN,
        SOURCES__METRONOME_EXPORT__BUCKET_URL=str(small_export),
    )
    rows = workspace.counts("raw_api")
    asked = workspace.value("select sum(requests) from raw_api.run_resources")
    assert (done.returncode, done.stderr) == (0, "")
    assert without_seconds(done.stdout) == (
        f"api: {rows['customers']} customers, {sum(rows.values()):,} rows in {asked} requests "
        f"from {url}\n"
    )
    assert rows["invoices"] == len(account.production.invoices)
    assert rows["plans"] == len(account.production.catalog.plans)
    assert "contracts" not in rows
    assert workspace.column("select full_refresh from raw_api.runs") == [True]
    assert workspace.counts("raw_export") == {}


def test_each_line_is_json_on_request(workspace: Workspace, url: str, small_export: Path):
    """With the counts and seconds of its step, and never the token."""
    settings = {
        "RUNTIME__LOG_FORMAT": "JSON",
        "METRONOME_BASE_URL": url,
        "SOURCES__METRONOME_API__SELECT": '["plans"]',
        "SOURCES__METRONOME_EXPORT__BUCKET_URL": str(small_export),
    }
    done = workspace.dlt("pipeline", "run", **settings, METRONOME_BEARER_TOKEN=TOKEN)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    steps = {line["step"]: line for line in lines if "step" in line}
    assert (done.returncode, done.stderr) == (0, "")
    assert {name: steps["export"][name] for name in ("files", "new_files", "rows")} == {
        **{"files": 1, "new_files": 1, "rows": 2}
    }
    assert steps["api"]["requests"] == workspace.value(
        "select sum(requests) from raw_api.run_resources"
    )
    assert all(step["seconds"] >= 0 for step in steps.values())
    assert all(line["level"] == "info" and line["time"] and line["message"] for line in lines)
    assert TOKEN not in done.stdout

    done = workspace.dlt("pipeline", "run", **settings, METRONOME_BEARER_TOKEN="wr0ng-token")
    (error,) = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.returncode == 1
    assert (error["level"], error["step"]) == ("error", "load")
    assert "answered 401: Unauthorized. The token is wrong" in error["message"]
    assert "wr0ng-token" not in done.stdout + done.stderr


def test_the_error_of_an_unknown_resource_lists_the_known_ones(workspace: Workspace, url: str):
    done = workspace.dlt(
        *("pipeline", "metronome_api", "run", "--select", "invoice"),
        METRONOME_BASE_URL=url,
        METRONOME_BEARER_TOKEN=TOKEN,
    )
    assert done.returncode != 0
    assert "no resource 'invoice' to select. Give default, all or names of audit_logs," in (
        " ".join(done.stderr.split())
    )
    assert "Traceback" not in done.stderr


def test_nothing_configured_is_an_error_that_names_the_settings(workspace: Workspace):
    done = workspace.dlt("pipeline", "run")
    assert done.returncode != 0
    assert "SOURCES__METRONOME_EXPORT__BUCKET_URL" in done.stderr
    assert "METRONOME_BEARER_TOKEN" in done.stderr


def test_the_error_of_an_unknown_pipeline_lists_the_known_ones(workspace: Workspace):
    done = workspace.dlt("pipeline", "metronom", "run")
    assert done.returncode != 0
    assert "no pipeline 'metronom'" in done.stderr
    assert "['metronome_export', 'metronome_api']" in done.stderr


def test_a_wrong_token_is_said_in_a_line_without_the_token(workspace: Workspace, url: str):
    done = workspace.dlt(
        *("pipeline", "run"), METRONOME_BASE_URL=url, METRONOME_BEARER_TOKEN="wr0ng-token"
    )
    assert done.returncode != 0
    assert "answered 401: Unauthorized. The token is wrong" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert "wr0ng-token" not in done.stdout + done.stderr


def environment_by_make(folder: Path, *words: str, **environment: str) -> dict[str, str]:
    """Return the environment that the Makefile gives to a recipe. Runs `make help` as well."""
    (folder / "show.mk").write_text(f"include Makefile\nshow: help\n\t@env -0 > '{folder}/shown'\n")
    others = {name: os.environ[name] for name in os.environ if not name.startswith(SETTINGS)}
    subprocess.run(
        ["make", "-f", str(folder / "show.mk"), "show", *words],
        cwd=ROOT,
        env=others | environment,
        capture_output=True,
        check=True,
    )
    pairs = (folder / "shown").read_text(encoding="utf-8").split("\0")[:-1]
    return dict(pair.split("=", 1) for pair in pairs)


AS_GIVEN = (
    *("REPORT_CUSTOMER", "REPORT_ENVIRONMENT", "REPORT_USAGE_EVENT", "SELLER", "OUT", "DB"),
    *("DESTINATION__DUCKDB__CREDENTIALS", "SOURCES__METRONOME_EXPORT__BUCKET_URL"),
)
TEXTS = st.text(st.sampled_from("abc ü日'\"%#$()`;&|<>*?[]{}!~\\:=,@"), min_size=1, max_size=12)


@pytest.mark.fault(
    "hostile", "signs of make and the shell in an argument", "plain text; nothing is executed"
)
@settings(max_examples=10, deadline=None)
@given(text=TEXTS)
@example(text="$(shell touch ran) `touch ran` $HOME \" '; touch ran")
@example(text='"; touch ran; "')
def test_make_hands_each_value_on_as_it_is_written(
    tmp_path_factory: pytest.TempPathFactory, text: str
):
    folder = tmp_path_factory.mktemp("make")
    text = text.replace("ran", f"{folder}/ran").strip()
    word = f"a{text}z"
    names = ("CUSTOMER", "ENVIRONMENT", "USAGE_EVENT", "SELLER", "EXPORT", "DB", "OUT")
    shown = environment_by_make(folder, *(f"{name}={word}" for name in names))
    assert {shown[name] for name in AS_GIVEN} == {word}
    assert shown["DBT_TARGET_PATH"] == f"{word}.target"
    assert shown["DLT_DATA_DIR"] == f"{word.replace('%', '_').replace(chr(39), '_')}.dlt"
    assert not (folder / "ran").exists()


def test_make_reads_its_values_from_the_environment_too(tmp_path: Path):
    shown = environment_by_make(tmp_path, DB="a $(shell touch ran)%.duckdb", DLT_DATA_DIR="mine")
    assert shown["DESTINATION__DUCKDB__CREDENTIALS"] == "a $(shell touch ran)%.duckdb"
    assert shown["DLT_DATA_DIR"] == "mine"
    assert not (ROOT / "ran").exists()
