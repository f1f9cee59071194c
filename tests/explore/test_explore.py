"""The queries to start with, and the app, on the built sandbox."""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from explore import queries, render
from explore.snapshot import SCHEMAS, connect
from explore.terminal import inert

HOSTILE = "<script>window.hostile = 1</script><img src=x onerror='hostile = 1'>[a](javascript:b)"


@pytest.mark.parametrize("question", queries.STARTERS)
def test_each_query_to_start_with_answers_on_marts_and_reports(snapshot: Path, question: str):
    sql = queries.STARTERS[question]
    tables = re.findall(r"(?:from|join)\s+(\w+)\.", sql)
    assert tables
    assert set(tables) <= set(SCHEMAS)
    with connect(snapshot) as connection:
        assert connection.execute(sql).fetchall()


def test_the_queries_are_printed_where_there_is_no_terminal(database: Path, snapshot: Path):
    result = _run("-m", "explore", DESTINATION__DUCKDB__CREDENTIALS=database)
    assert result.returncode == 0
    assert str(snapshot) in result.stdout
    assert all(sql in result.stdout for sql in queries.STARTERS.values())
    assert "\x1b" not in result.stdout + result.stderr


def test_an_error_is_one_line(tmp_path: Path):
    result = _run("-m", "explore", DESTINATION__DUCKDB__CREDENTIALS=tmp_path / "none.duckdb")
    assert result.returncode == 1
    assert result.stderr.startswith("Error: There is no database")
    assert result.stderr.count("\n") == 1


def test_the_app_runs_for_the_customer_with_the_longest_ledger(changed: Path):
    outputs = _outputs(changed)
    assert "Balances" in outputs
    assert outputs.count("<svg") > 2
    assert "Events per day" in outputs


def test_hostile_names_are_text_in_the_app(changed: Path):
    outputs = _outputs(changed)
    assert "&lt;script&gt;window.hostile" in outputs
    tags = _Tags()
    tags.feed(outputs)
    assert "svg" in tags.found
    assert not {"script", "img", "a"} & tags.found


def test_control_characters_are_harmless_in_a_terminal():
    name = "A\x1b[31m\x1b]0;owned\x07\x9b1m\u202eB\tC\nD"
    table = duckdb.execute(
        "select $name as name, [$name] as list, {'a': $name} as struct, 1.50 as \"x\x1by\"",
        {"name": name},
    ).to_arrow_table()
    shown = inert(table)
    texts = "".join(str(value) for row in shown.to_pylist() for value in row.values())
    assert shown["name"].to_pylist() == ["A\ufffd[31m\ufffd]0;owned\ufffd\ufffd1m\ufffdB\tC\nD"]
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(texts)
    assert shown.column_names[-1] == "x\ufffdy"
    assert shown.column(3).to_pylist() == table.column(3).to_pylist()


def test_figures_are_exact_and_nulls_are_not_zero():
    shown = render.table([{"total": duckdb.execute("select 0.1000::decimal(9, 4)").fetchone()[0]}])
    assert ">0.1<" in shown.text
    assert ">null<" in render.table([{"total": None}]).text


def test_customers_are_found_by_name_and_id_and_limited(snapshot: Path):
    with connect(snapshot) as connection:
        everybody = queries.find_customers(connection, "", 1000)
        assert len({render.option(row) for row in everybody}) == len(everybody) > 40
        assert len(queries.find_customers(connection, "", 3)) == 3
        one = queries.find_customers(connection, "a1 COMPANY", 10)[0]
        assert one["customer_name"] == "A1 Company"
        assert queries.find_customers(connection, one["customer_id"], 10) == [one]
        assert queries.find_customers(connection, "' or 1 = 1 --", 10) == []


@pytest.fixture(scope="module")
def changed(snapshot: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the snapshot with only the customer with the longest ledger, under hostile names."""
    file = Path(shutil.copy(snapshot, tmp_path_factory.mktemp("changed") / "metronome.duckdb"))
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "create table kept as select customer_id from marts.fct_balance_ledger "
            "group by 1 order by count(*) desc, 1 limit 1"
        )
        for table in ("dim_customers", "fct_customer_balances"):
            connection.execute(
                f"delete from marts.{table} where customer_id not in (from kept);"
                f"update marts.{table} set customer_name = ?",
                [HOSTILE],
            )
        connection.execute("update marts.fct_invoices set plan_name = ?", [HOSTILE])
        connection.execute("update marts.fct_balance_ledger set balance_name = ?", [HOSTILE])
    return file


def _outputs(snapshot: Path) -> str:
    """Run all cells of the app in their order, and return what they show as HTML."""
    code = (
        "from explore.customer import app; "
        "print('\\n'.join(getattr(output, 'text', '') for output in app.run()[0]))"
    )
    result = _run("-c", code, EXPLORE_SNAPSHOT=snapshot)
    assert result.returncode == 0, result.stderr
    return result.stdout


def _run(*arguments: str, **settings: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **{name: str(value) for name, value in settings.items()}}
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.found.add(tag)
