"""The recipes of CONTRIBUTING.md work as written, on a copy of the project and of its database."""

import csv
import os
import re
import shutil
import subprocess
import textwrap
from pathlib import Path

import duckdb
import pytest

from tests.end_to_end.project import BIN, ROOT, Run

PROJECT = (
    *("macros", "models", "pages", "pipelines", "seeds", "tests/generic", "tests/singular"),
    *("dbt_project.yml", "profiles.yml", "selectors.yml", ".dlt/config.toml"),
)
CREDIT_NOTES = """
    select
        'note-' || row_number() over (order by id) as id,
        id as invoice_id,
        environment_type,
        cast(1.5 as decimal(38, 18)) as amount,
        updated_at as created_at,
        updated_at
    from raw_export.invoice
    limit 2
"""


def recipes() -> list[tuple[str, str]]:
    """Return the code blocks below the heading Recipes: language and code."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Recipes")[2]
    blocks = re.findall(r"```(diff|sql|yaml)\n(.*?)```", textwrap.dedent(page), re.DOTALL)
    return [(language, textwrap.dedent(code)) for language, code in blocks]


def follow(folder: Path, language: str, code: str) -> Path:
    """Follow a code block in a folder. Return the file.

    The first line of a diff names its file after `+++ `. A comment in the first line names a new
    file.
    """
    first, _, rest = code.partition("\n")
    file = folder / first.split()[1]
    if language != "diff":
        assert not file.exists()
        file.write_text(rest, encoding="utf-8")
        return file
    lines = rest.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if not line.startswith("+"))
    new = "".join(line[1:] for line in lines)
    content = file.read_text(encoding="utf-8")
    assert content.count(old) == 1, f"{file.name} has no such line: {old}"
    file.write_text(content.replace(old, new), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project, with all recipes followed."""
    folder = tmp_path_factory.mktemp("project")
    for name in PROJECT:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, target)
    changed = [follow(folder, language, code) for language, code in recipes()]
    assert len(changed) == 12
    return folder


def test_a_column_a_report_and_a_table_are_added_as_the_recipes_say(
    project: Path, both: Run, export_folder: Path, tmp_path: Path
):
    run = both.copy(tmp_path / "run")
    (run.target / "partial_parse.msgpack").unlink()  # of the project before
    export = shutil.copytree(export_folder, tmp_path / "export", copy_function=os.link)
    notes = export / "credit_note" / "dt=2024-04-15" / "part-0.parquet"
    notes.parent.mkdir(parents=True)
    with duckdb.connect(str(run.database), read_only=True) as connection:
        connection.execute(f"copy ({CREDIT_NOTES}) to '{notes}' (format parquet)")
    settings = {
        "PYTHONPATH": str(project),
        "SOURCES__METRONOME_EXPORT__BUCKET_URL": str(export),
        "REPORTS_DIR": str(run.reports),
        "REPORT_AS_OF": "2024-04-15",
    }
    models = [
        *("int_billable_metrics_combined", "dim_billable_metrics"),
        "stg_metronome_export__credit_notes",
        *("fct_customers_last_usage", "rpt_last_usage"),
    ]
    for command in (
        [BIN / "dlt", "pipeline", "metronome_export", "run"],
        [BIN / "dbt", "build", "--quiet", "--select", *models],
    ):
        environment = run.environment | settings
        done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    assert run.query("select count(*), count(group_keys) > 0 from marts.dim_billable_metrics") == [
        (run.query("select count(*) from marts.dim_billable_metrics")[0][0], True)
    ]
    with (run.reports / "last_usage.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["customer_name", "last_event_at", "customer_id", "environment_type"]
    customers = run.query(
        "select distinct customer_id from marts.fct_usage_events "
        "where customer_id is not null and environment_type = 'PRODUCTION'"
    )
    assert len(customers) > 3
    assert {row[2] for row in rows} == {customer_id for (customer_id,) in customers}
    assert {row[3] for row in rows} == {"PRODUCTION"}
    assert [row[1] for row in rows] == sorted(row[1] for row in rows)
    amounts = "select count(*), sum(amount) from staging.stg_metronome_export__credit_notes"
    assert run.query(amounts) == [(2, 3)]
