"""`dbt build` by way of `pipelines.publish`: a whole, tested set of reports, or the last one."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipelines.publish.selection import (
    LastPublishedRun,
    last_published_run,
    project_checksum,
    raw_state,
    select,
)
from pipelines.publish.warehouse import DuckDbWarehouse
from sandbox.api.server import TOKEN
from sandbox.core.account import Account
from tests.end_to_end.conftest import NewRun, api_settings
from tests.end_to_end.project import PARSED, ROOT, SANDBOX_ARGUMENTS, Run, RunError

EVERYTHING = ("--selector", "reports", "--exclude-resource-type", "unit_test")
ACCEPT = {"SOURCES__METRONOME_EXPORT__ACCEPT_INCOMPLETE": "true"}
BILLINGS = (
    *("--select", "stg_metronome_api__invoices+,+rpt_billings_by_plan"),
    *("--exclude-resource-type", "unit_test"),
)
"""What lies between the invoices of the API and a report."""
LEFT_OUT = "invoice/dt=2024-04-01/bad.parquet"
NAMES = {path.stem.removeprefix("rpt_") for path in (ROOT / "models/reports").rglob("rpt_*.sql")}


SCHEDULES = (ROOT / "docs" / "scheduling.md").read_text(encoding="utf-8")
PROJECT = (
    *("Makefile", "pyproject.toml", "requirements.lock"),
    *("dbt_project.yml", "profiles.yml", "selectors.yml"),
)
FOLDERS = (".dlt", "macros", "models", "pages", "pipelines", "sandbox", "seeds", "tests")
"""What a run needs of a checkout."""


def files(run: Run) -> dict[str, bytes]:
    """Return the files in the folder of reports, as a reader sees them."""
    return content(run.reports)


def content(folder: Path) -> dict[str, bytes]:
    """Return the files of a set by their paths. A folder of a set is a link."""
    found = {}
    for name in folder.glob("[!.]*"):
        for path in (name, *name.resolve().rglob("*")):
            if path.is_file():
                inner = path.relative_to(name if path == name else name.resolve())
                found[(Path(name.name) / inner).as_posix()] = path.read_bytes()
    return found


def manifest(run: Run) -> dict[str, Any]:
    return json.loads((run.reports / "run.json").read_text(encoding="utf-8"))


def artifact(run: Run, name: str) -> dict[str, Any]:
    """Return an artifact of dbt's newest run."""
    return json.loads((run.folder / "target" / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def published(
    account: Account,
    export: dict[str, str],
    new_run: NewRun,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Run, str]:
    """Publish with refused balances, an unknown column and a file that was left out.

    Also return the output.
    """
    forbidden = ["/v1/contracts/customerBalances/list"]
    with api_settings(account, forbid=forbidden) as api:
        run = new_run(tmp_path_factory.mktemp("published"), export | api | ACCEPT)
        run.load()
    run.execute("alter table raw_export.invoice add column surprise varchar")
    run.execute(
        "insert into raw_export.load_notes (kind, table_name, path, _dlt_load_id, _dlt_id) "
        f"values ('bad file', 'invoice', '{LEFT_OUT}', '9', 'a note')"
    )
    return run, run.publish(*EVERYTHING)


@pytest.fixture(scope="module")
def checkout(published: tuple[Run, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone with our environment installed, which publishes where the run does.

    It has the parse of the run, whose profile is the same.
    """
    run, _ = published
    folder = tmp_path_factory.mktemp("srv") / "metronome"
    (folder / ".venv").mkdir(parents=True)
    for name in PROJECT:
        shutil.copy2(ROOT / name, folder)
    for name in FOLDERS:
        no_secrets = shutil.ignore_patterns("secrets.toml")
        shutil.copytree(ROOT / name, folder / name, ignore=no_secrets)
    for part in Path(sys.prefix).glob("[!.]*"):
        (folder / ".venv" / part.name).symlink_to(part)
    (folder / ".venv" / ".installed").touch()
    (folder / "reports").mkdir()
    (folder / "reports" / "account").symlink_to(run.reports)
    target = run.database.with_name(f"{run.database.name}.target")
    target.mkdir()
    shutil.copy(run.target / PARSED, target)
    return folder


def bare(run: Run, checkout: Path, *command: str, **settings: str) -> tuple[int, str]:
    """Run a command like a scheduler. Return its exit code and its output."""
    environment = {
        **{"HOME": str(run.folder), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(checkout)},
        **{"DB": str(run.database), "OUT": str(run.reports)},
        **{name.upper(): value for name, value in SANDBOX_ARGUMENTS.items()},
        **settings,
    }
    done = subprocess.run(
        command,
        cwd=checkout,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def cron(run: Run, checkout: Path, job: str, export: str, **given: str) -> str:
    """Run the line of the docs' crontab with a given text. Return what cron would mail."""
    table = re.search("```crontab\n(.*?)```", SCHEDULES, re.DOTALL)[1]
    table = table.replace("/srv/metronome-export", export).replace("/srv/metronome", str(checkout))
    (line,) = (line for line in table.splitlines() if job in line)
    settings = dict(re.findall(r"^(\w+)=(.*)$", table, re.MULTILINE)) | given
    *_, command = line.split(maxsplit=5)
    _, said = bare(run, checkout, "/bin/sh", "-c", command.replace(r"\%", "%"), **settings)
    return said


def test_a_good_run_publishes_every_report_and_says_where(published: tuple[Run, str]) -> None:
    run, said = published
    csvs = {f"{name}.csv" for name in NAMES}
    assert {name for name in files(run) if name.endswith(".csv")} == csvs
    assert {"run.json", "index.html", "reports.xlsx"} < files(run).keys()
    assert f"Published: {run.reports}/index.html, with {len(NAMES)} reports" in said
    assert f"left out of the export, as accepted: {LEFT_OUT}" in said
    assert "columns of the export that no table declares: invoice.surprise" in said
    assert "lists that the API did not return: balances (HTTP 403), net_balances (HTTP 403)" in said


def test_run_json_tells_what_the_files_hold(published: tuple[Run, str]) -> None:
    run, _ = published
    for name, content in files(run).items():
        if name.endswith(".csv"):
            told = manifest(run)["reports"][name]
            assert told["sha256"] == hashlib.sha256(content).hexdigest()
            assert told["rows"] == len(run.report(name.removesuffix(".csv")))
    rows = run.report("customer_summary")
    dollars = [row["outstanding_balance"] for row in rows if row["pricing_unit"] == "USD"]
    totals = manifest(run)["reports"]["customer_summary.csv"]["totals"]
    assert Decimal(totals["USD"]["outstanding_balance"]) == sum(map(Decimal, dollars))
    assert set(totals) == {"USD", "EUR", "AI Credits"}
    billings = manifest(run)["reports"]["billings_by_plan.csv"]
    assert billings["totals_month"] == "2024-03"
    march = [
        Decimal(row["billed_amount"])
        for row in run.report("billings_by_plan")
        if (row["month"], row["pricing_unit"]) == ("2024-03", "USD")
    ]
    assert Decimal(billings["totals"]["USD"]["billed_amount"]) == sum(march)


def test_run_json_tells_from_what_and_how_the_set_was_made(published: tuple[Run, str]) -> None:
    run, _ = published
    told = manifest(run)
    assert told["as_of"] == "2024-04-15T00:00:00Z"
    assert told["environment"] == "PRODUCTION"
    assert told["arguments"]["month"] == "2024-03"
    assert told["arguments"]["usage_event"] == "image_modeler"
    assert told["sources"]["api"] == {
        "read_as_of": "2024-04-15T00:00:00Z",
        "lists_not_available": [
            {"resource": resource, "http_status": 403, "customers": 44}
            for resource in ("balances", "net_balances")
        ],
    }
    assert told["sources"]["export"]["newest_updated_at"] <= told["as_of"]
    assert told["sources"]["export"]["left_out"] == [LEFT_OUT]
    assert "assert_export_is_complete" in [test["name"] for test in told["tests"]["warnings"]]
    assert told["sources"]["export"]["undeclared_columns"] == ["invoice.surprise"]
    assert set(told["tests"]["outcomes"]) <= {"pass", "warn"}
    assert len(told["tests"]["warnings"]) == told["tests"]["outcomes"].get("warn", 0)
    assert all(warning["description"] for warning in told["tests"]["warnings"])
    assert set(told["versions"]) == {"project", "dbt", "dlt", "duckdb"}


def test_run_json_holds_no_token_and_no_path(published: tuple[Run, str]) -> None:
    run, _ = published
    text = (run.reports / "run.json").read_text(encoding="utf-8")
    assert TOKEN not in text
    assert str(run.folder.parent) not in text
    assert "127.0.0.1" not in text


@pytest.mark.fault("hostile", "the token, wherever a load and a build write", "it is in no file")
def test_no_file_that_is_left_holds_the_token(published: tuple[Run, str]) -> None:
    run, _ = published
    left = [path for path in run.folder.rglob("*") if path.is_file()]
    assert {"manifest.json", "run_results.json", "dbt.log"} <= {path.name for path in left}
    assert not [path for path in left if TOKEN.encode() in path.read_bytes()]


def test_with_nothing_new_nothing_is_built_and_the_set_stays(published: tuple[Run, str]) -> None:
    run, _ = published
    before = files(run)
    said = run.publish(*EVERYTHING)
    assert said.startswith(f"Nothing has changed: the reports in {run.reports} are up to date")
    assert files(run) == before


def test_every_raw_table_has_a_state(published: tuple[Run, str]) -> None:
    run, _ = published
    with duckdb.connect(str(run.database), read_only=True) as connection:
        state = raw_state(connection, DuckDbWarehouse(run.database)).keys()
    sources = artifact(run, "manifest")["sources"]
    own = {"_dlt_loads", "runs", "run_resources", "read_from"}
    assert {name for name in sources if name.split(".")[-1] not in own} <= state


@pytest.fixture
def last(published: tuple[Run, str], monkeypatch: pytest.MonkeyPatch) -> LastPublishedRun:
    """Return the record of the run."""
    run, _ = published
    monkeypatch.chdir(ROOT)
    with duckdb.connect(str(run.database), read_only=True) as connection:
        built = DuckDbWarehouse(run.database)
        return last_published_run(connection, project_checksum(built), built)


def test_without_as_of_the_clock_reaches_balances_and_no_staging(last: LastPublishedRun) -> None:
    assert select(last, last.command, last.arguments, last.raw).is_empty
    by_clock = select(last, last.command, last.arguments | {"as_of": ""}, last.raw)
    assert not by_clock.is_empty
    assert not [word for word in by_clock.command if word.startswith("stg_")]
    kept = {node.rpartition(".")[2] for node in by_clock.kept}
    assert "stg_metronome_export__invoices" in kept
    assert kept.isdisjoint({"int_invoices_current", "fct_customer_balances"})


def test_the_options_of_a_program_that_runs_dbt_are_not_those_of_dbt(
    last: LastPublishedRun,
) -> None:
    """`-m` is also an option of dbt. A build with a selection of its own is never left out."""
    command = ["python", "-m", "pipelines.spark", "cluster", "--", *last.command]
    last = replace(last, command=command)
    assert select(last, command, last.arguments, last.raw).is_empty
    command = [*command, "-m", "dim_customers"]
    last = replace(last, command=command)
    assert not select(last, command, last.arguments, last.raw).is_empty


def test_a_new_event_builds_and_tests_what_it_reaches(published: tuple[Run, str]) -> None:
    """The figures are those of a run that builds everything: the one by cron, below, is one."""
    run, _ = published
    images = sum(int(row["events"]) for row in run.report("usage_by_property"))
    outcomes = manifest(run)["tests"]["outcomes"]
    ((load_id,),) = run.query("select max(load_id) || '1' from raw_export._dlt_loads")
    for statement in (
        "insert into raw_export.events select * replace ("
        f"'one more' as transaction_id, 'one more' as _file, '{load_id}' as _dlt_load_id) "
        "from raw_export.events where environment_type = 'PRODUCTION' "
        "and event_type = 'image_modeler' and timestamp::date = '2024-03-11' "
        "order by transaction_id limit 1",
        "insert into raw_export.loaded_files (root, path, table_name, _dlt_load_id, _dlt_id) "
        f"select root, 'one more', 'events', '{load_id}', 'one more' "
        "from raw_export.loaded_files limit 1",
        "insert into raw_export._dlt_loads (load_id, schema_name, status, inserted_at) "
        f"select '{load_id}', schema_name, 0, inserted_at from raw_export._dlt_loads limit 1",
    ):
        run.execute(statement)
    said = run.publish(*EVERYTHING)
    assert ". Unchanged: " in said
    assert "warnings that still hold: assert_export_is_complete" in said
    assert sum(int(row["events"]) for row in run.report("usage_by_property")) == images + 1
    assert sum(manifest(run)["tests"]["outcomes"].values()) == sum(outcomes.values())
    done = {result["unique_id"] for result in artifact(run, "run_results")["results"]}
    assert "model.metronome.stg_metronome_export__events" in done
    assert "model.metronome.fct_reconciliation_usage" in done
    assert "test.metronome.assert_usage_equals_invoices" in done
    assert "model.metronome.stg_metronome_export__invoices" not in done
    assert "model.metronome.int_plans_combined" not in done


def test_a_part_of_the_reports_is_not_published(published: tuple[Run, str]) -> None:
    run, _ = published
    before = files(run)
    with pytest.raises(RunError) as failure:
        run.publish("--select", "rpt_billings_by_plan")
    said = str(failure.value)
    assert "Reports that this run did not build: credit_ledger.csv, customer_summary.csv" in said
    assert "left out tests of the reports or of the models behind them: " in said
    assert "still holds the last published reports, as of 2024-04-15T00:00:00Z" in said
    assert files(run) == before


@pytest.mark.fault("Files", "a load that left a file out", "not published, unless accepted")
def test_reports_without_a_file_that_was_left_out_are_not_published(
    published: tuple[Run, str],
) -> None:
    run, _ = published
    before = files(run)
    strict = replace(run, settings={k: v for k, v in run.settings.items() if k not in ACCEPT})
    with pytest.raises(RunError, match="assert_export_is_complete") as failure:
        strict.publish("--select", "stg_metronome_export__load_notes")
    assert "Failed: 1 (assert_export_is_complete), skipped: 0." in str(failure.value)
    assert files(run) == before


@pytest.mark.fault("publish", "an invoice that does not add up", "the last good set stays")
def test_a_test_that_fails_leaves_the_last_good_set(published: tuple[Run, str]) -> None:
    run, _ = published
    before = files(run)
    a_finalized_invoice = "select max(id) from raw_api.invoices where status = 'FINALIZED'"
    add = f"update raw_api.invoices set total = total + ? where id = ({a_finalized_invoice})"
    run.execute(add.replace("?", "1"))
    with pytest.raises(RunError) as failure:
        run.publish(*BILLINGS)
    run.execute(add.replace("?", "-1"))
    said = str(failure.value)
    assert "Failed: 1 (assert_invoice_totals_equal_their_lines), skipped: " in said
    assert files(run) == before


@pytest.mark.fault("publish", "kill -9 in mid-set", "the last good set stays; the next is complete")
def test_a_run_killed_while_it_writes_leaves_the_last_good_set_and_the_next_is_the_same(
    published: tuple[Run, str], checkout: Path, export: dict[str, str]
) -> None:
    """The next run, by cron and with the same input, gives the same bytes except for its times."""
    run, _ = published
    before = files(run)
    half = "dbt run --select rpt_billings_by_plan; kill -9 $PPID $$"
    with pytest.raises(RunError):
        run.run("python", "-m", "pipelines.publish", str(run.reports), "--", "sh", "-c", half)
    (written,) = (path for path in run.reports.glob(".sets/*") if len(list(path.iterdir())) == 1)
    assert [path.name for path in written.iterdir()] == ["billings_by_plan.csv"]
    assert files(run) == before

    assert cron(run, checkout, "make reports", *export.values(), ACCEPT_INCOMPLETE="1") == ""
    (log,) = (checkout / "logs").glob("reports-?.log")
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [line["step"] for line in lines if "seconds" in line] == ["export", "build", "publish"]
    assert [line["kept_models"] for line in lines if line.get("step") == "build"] == [0]
    after = files(run)
    told = [json.loads(content.pop("run.json")) for content in (before, after)]
    assert before == after
    assert told[0].pop("times") != told[1].pop("times")
    assert told[0] == told[1]


@pytest.mark.fault(
    "publish", "an export that was removed, by cron", "reported by mail; the last set stays"
)
def test_cron_mails_why_a_run_failed_and_the_last_good_set_stays(
    published: tuple[Run, str], checkout: Path
) -> None:
    run, _ = published
    before = files(run)
    mail = cron(run, checkout, "make reports", "/srv/no-such-export")
    assert "There is no folder '/srv/no-such-export': give the export's own folder." in mail
    assert files(run) == before


def test_cron_mails_which_data_is_late(
    published: tuple[Run, str], checkout: Path, export: dict[str, str]
) -> None:
    """The sandbox of 2024 is late, and data that was loaded just now is not."""
    run, _ = published
    mail = cron(run, checkout, "make freshness", *export.values())
    assert "raw_export.draft_invoice" in mail
    assert "raw_export.events" in mail
    assert "raw_export.loaded_files" not in mail
    assert "raw_api.runs" not in mail


def test_the_steps_of_the_ci_example_run(
    published: tuple[Run, str], checkout: Path, export: dict[str, str], api: dict[str, str]
) -> None:
    """Its `make reports` is that of the crontab, which another test runs."""
    run, _ = published
    example = yaml.safe_load(re.search("```yaml\n(.*?)```", SCHEDULES, re.DOTALL)[1])
    job = example["jobs"]["reports"]
    assert job["env"].keys() <= export.keys() | api.keys()
    doctor, reports, copy = (step["run"] for step in job["steps"] if "run" in step)
    code, said = bare(run, checkout, "bash", "-e", "-c", doctor, **export, **api)
    assert (code, "FIX" in said) == (0, False)
    assert reports in SCHEDULES.partition("```yaml")[0]
    code, said = bare(run, checkout, "bash", "-e", "-c", copy)
    assert (code, said) == (0, "")
    assert content(checkout / "published") == files(run)
