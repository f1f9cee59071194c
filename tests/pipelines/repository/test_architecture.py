"""Test the imports of the pipelines, and the SQL of models and macros."""

import ast
import re
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import duckdb
import jinja2
import pytest

from tests.pipelines.conftest import ROOT

MODELS = sorted((ROOT / "models").rglob("*.sql"))
MACROS = sorted((ROOT / "macros").rglob("*.sql"))
DATA_TESTS = sorted((ROOT / "tests" / "singular").rglob("*.sql"))


def code(path: Path) -> str:
    """Return a model or macro without its comments."""
    return re.sub(r"\{#.*?#\}|--[^\n]*", "", path.read_text(), flags=re.DOTALL)


def places(pattern: str, paths: list[Path]) -> list[str]:
    """Return the places of a pattern in all files: the file's name and the match."""
    return [
        f"{path.name}: {match[0]}"
        for path in paths
        for match in re.finditer(pattern, code(path), re.IGNORECASE)
    ]


# Pipelines


def test_pipelines_do_not_import_dbt():
    imported = {
        name
        for path in (ROOT / "pipelines").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None), *(alias.name for alias in node.names)]
        if name
    }
    assert "dlt" in imported
    assert not [name for name in imported if name.split(".")[0] == "dbt"]


@pytest.mark.parametrize("line", ["import dbt", "from dbt.cli.main import dbtRunner"])
def test_ruff_refuses_dbt_in_a_pipeline(line: str):
    ruff = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--stdin-filename", "pipelines/sample.py", "-"],
        input=f'"""A sample."""\n\n{line}\n',
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ruff.returncode == 1
    assert "TID251" in ruff.stdout


# Models


def test_models_and_macros_read_no_clock():
    """The only exception is the start of the run, the default of `as_of`."""
    clock = (
        r"\b(current_(date|time|timestamp)|local(time|timestamp)|get_current_\w+|getdate|sysdate"
        r"|(now|today|utcnow|transaction_timestamp)\s*\(|run_started_at)\b"
    )
    assert places(clock, [*MODELS, *MACROS]) == ["arguments.sql: run_started_at"]


def test_models_and_macros_make_no_doubles():
    """Guessed prices (see the next test), the tolerance and numbers of days are the exceptions."""
    double = r"\b(double|float[48]?|real)\b"
    allowed = {"money.sql: double": 8}
    assert Counter(places(double, [*MODELS, *MACROS])) == allowed


def test_models_and_data_tests_add_decimals_by_the_macros():
    """`sum` alone is for counts: dbt-spark makes a sum null that does not fit in its decimal."""
    alone = r"\bsum\((?!case when .* then 1 else 0 end\)|events\))[^\n]*"
    assert places(alone, [*MODELS, *DATA_TESTS]) == []


PRICES = [
    ("0.3", "3", "0.1"),
    ("-1234.56", "1", "-1234.56"),
    ("0.000000000003", "0.03", "0.0000000001"),
    ("1", "3", None),  # no decimal times 3 is 1
    ("0.000000000000000001", "1", None),  # too fine for a price, which then is left out
    ("2469135.8", "2", "1234567.9"),  # more digits than a double has, were there ten decimals
    ("0.3", "0.00000001", "30000000"),
    ("-0.5", "-1000000000000.5", None),  # too small a price
    ("1", "0.000000000000001", None),  # too fine a quantity
    ("2", "99999999999999999999", None),  # too large a one
    ("10", "0", None),
    (None, "1", None),
    (
        "0.00000000004115",
        "0.00000000012345",
        None,
    ),  # a third, which is right to 18 decimals only
]
"""Amount, quantity, and the unit price that is found."""


@pytest.mark.parametrize(("amount", "quantity", "price"), PRICES)
def test_the_unit_price_times_the_quantity_is_the_amount_or_there_is_none(
    amount: str | None, quantity: str, price: str | None
):
    macros = jinja2.Environment().from_string((ROOT / "macros" / "money.sql").read_text()).module
    rough = macros.rough_unit_price("amount", "quantity")
    short = macros.duckdb__short_quantity("quantity")
    exact = macros.duckdb__exact_unit_price("rough", "short", "amount")
    with duckdb.connect() as connection:
        (found,) = connection.execute(
            f"select {exact} from (select *, {rough} as rough, {short} as short from (select "
            "cast(? as decimal(36, 20)) as amount, cast(? as decimal(38, 18)) as quantity))",
            [amount, quantity],
        ).fetchone()
    assert found == (Decimal(price) if price else None)


def test_models_and_macros_reach_no_network_and_read_no_files():
    outside = (
        r"\b(https?|s3|gs)://|httpfs|\b(install|attach)\s+'?\w+|\bfrom\s+'[^']*[.](csv|parquet|json)"
        r"|\b(read_(csv|parquet|json|text|blob)\w*|parquet_scan|glob)\s*\("
    )
    assert places(outside, [*MODELS, *MACROS]) == []


# The repository


def test_no_tracked_file_holds_a_path_of_a_machine():
    machine_path = re.compile(
        rb"(?<![\w.])/(home|root|tmp|work|Users|private|var/folders)/\w|[A-Z]:\\Users"
    )
    tracked = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True).split("\0")
    files = [ROOT / name for name in tracked if name and (ROOT / name).is_file()]
    assert len(files) > 50
    assert not [path.name for path in files if machine_path.search(path.read_bytes())]
