"""Test bad rows in an export: the checks that find them, and what happens to them.

`docs/bad_data.md` lists them in tables. All are in one export, which is loaded and built once. Then
its tests run. Names are hostile.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.common.errors import InputError
from tests.end_to_end.conftest import NewRun
from tests.end_to_end.project import MODELS, Run, RunError

SQL_AND_JINJA = "'); drop table marts.dim_customers; --{{ 1 / 0 }}{% raw %}"
ESCAPES = "\x1b[2J\x1b]0;owned\x07\u202egpj.exe\u200b"
HIDDEN = ("\x1b[2J", "\x1b]0", "\x07", "\u202e", "\u200b")
FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    " =1",
    "\t1",
    "\r1",
    "\n1",
    "＝1",
    "\u00a0=1",
    "\x0b=1",
    '=cmd|" /C calc"!A0',
)
UNTIL_FOREVER = 9223372036854775807
"""The microsecond that DuckDB takes for infinity."""

Rows = list[dict[str, Any]]


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def customer(key: str | None, **given: Any) -> dict[str, Any]:
    return {"id": key, "environment_type": "PRODUCTION", "name": key} | WRITTEN | given


def invoice(key: str | None, **given: Any) -> dict[str, Any]:
    return {
        "id": key,
        "environment_type": "PRODUCTION",
        "customer_id": "good",
        "status": "FINALIZED",
        "total": Decimal(0),
        "credit_type_id": "eur",
        "credit_type_name": "EUR",
        "start_timestamp": day("2024-03-01"),
        "end_timestamp": day("2024-04-01"),
        "issued_at": day("2024-04-02"),
        "invoice_label": "PLAN_ARREARS",
        **WRITTEN,
        **given,
    }


def line(key: str | None, invoice_id: str | None, total: str, **given: Any) -> dict[str, Any]:
    return {
        "id": key,
        "invoice_id": invoice_id,
        "name": key,
        "credit_type_id": "eur",
        "credit_type_name": "EUR",
        "quantity": Decimal(1),
        "total": Decimal(total),
        **WRITTEN,
        **given,
    }


def sub_line(key: str, line_id: str, subtotal: str, **given: Any) -> dict[str, Any]:
    return {
        "id": key,
        "line_item_id": line_id,
        "name": key,
        "quantity": Decimal(1),
        "subtotal": Decimal(subtotal),
        **WRITTEN,
        **given,
    }


def event(key: str | None, **given: Any) -> dict[str, Any]:
    return {
        "transaction_id": key,
        "environment_type": "PRODUCTION",
        "customer_id": "good",
        "event_type": "image_modeler",
        "timestamp": day("2024-03-12"),
        "properties": '{"image_size": "256x256", "num_images": "3"}',
        **WRITTEN,
        **given,
    }


def balance(key: str, **given: Any) -> dict[str, Any]:
    segment = {"id": "s", "amount": 9, "date": "2024-01-01", "end_date": "2025-01-01"}
    schedule = {"credit_type": {"name": "EUR"}, "schedule_items": [segment]}
    return {
        "id": key,
        "environment_type": "PRODUCTION",
        "customer_id": "good",
        "snapshot_id": "2024-04-01",
        "type": "PREPAID",
        "name": key,
        "balance": Decimal(9),
        "access_schedule": json.dumps(schedule),
        "ledger": "[]",
        **WRITTEN,
        **given,
    }


TIER = {"starting_at": 0, "quantity": 1, "price": 4, "subtotal": 4}
WRITTEN = {"updated_at": day("2024-04-02")}
FIRST_OF_MARCH = {
    "environment_type": "PRODUCTION",
    "credit_type_id": "eur",
    "credit_type_name": "EUR",
    "total": Decimal(1),
    "snapshot_timestamp": day("2024-04-01"),
    "breakdown_start_timestamp": day("2024-03-01"),
    "breakdown_end_timestamp": day("2024-03-02"),
    **WRITTEN,
}
OPEN = {"id": "s", "amount": 9, "date": "2024-01-01", "end_date": "soon"}
BAD_ENTRY = {"type": "PREPAID_SEGMENT_START", "amount": "NaN", "timestamp": "2024-01-01"}
UNPLACED = {"start_timestamp": None, "end_timestamp": None}

BAD_ROWS: dict[str, Rows] = {
    "customer": [
        customer("good", name=SQL_AND_JINJA),
        customer("loud", name=f"Loud {ESCAPES}"),
        customer("in the sandbox", environment_type="SANDBOX"),
        customer("in both"),
        customer("in both", environment_type="SANDBOX"),
        customer("said twice", name="b"),
        customer("said twice", name="a"),
        customer(None),
    ],
    "credit_type": [
        {"id": unit.lower(), "environment_type": "PRODUCTION", "name": unit, "is_currency": True}
        | WRITTEN
        for unit in ("EUR", "USD")
    ],
    "invoice": [
        invoice("of formulas", total=Decimal(len(FORMULAS))),
        invoice("negative", total=Decimal(-10)),
        invoice("two units", total=Decimal(5)),
        invoice("does not add up", total=Decimal(7)),
        invoice("of nobody", customer_id="nobody"),
        invoice("of no customer", customer_id=None),
        invoice("of an empty customer", customer_id=""),
        invoice("of the other environment", customer_id="in the sandbox"),
        invoice("in both"),
        invoice("in both", environment_type="SANDBOX", customer_id="in the sandbox"),
        invoice("backwards", end_timestamp=day("2024-02-01")),
        invoice("in the year 9999", start_timestamp=day("9999-01-01"), end_timestamp=None),
        invoice("in the year 1", start_timestamp=day("0001-01-01")),
        invoice("endless", end_timestamp=UNTIL_FOREVER),
        invoice("huge", total=Decimal(10) ** 15),
        invoice("of no environment", environment_type=None),
        invoice("of an odd status", status="PAUSED"),
        invoice("of an odd type", invoice_label="SURPRISE"),
        invoice("in no month", issued_at=None, **UNPLACED),
        invoice("without a total", total=None),
        invoice("without a unit", credit_type_name=None),
        invoice(None),
        invoice(""),
    ],
    "line_item": [
        *(line(f"formula {n}", "of formulas", "1", name=text) for n, text in enumerate(FORMULAS)),
        line("taken back", "negative", "-10", quantity=Decimal(-2)),
        line("in euros", "two units", "5", product_id="p"),
        line(
            "in dollars",
            "two units",
            "50",
            product_id="p",
            credit_type_id="usd",
            credit_type_name="USD",
        ),
        line("too little", "does not add up", "6.99"),
        line("all of it", "huge", "1000000000000000"),
        line("of no invoice", "no invoice", "1"),
        line("of none", None, "1"),
        line(None, "of formulas", "0"),
    ],
    "sub_line_item": [
        sub_line("of no line", "no line", "1"),
        sub_line("in a tier that is too small", "in euros", "5", tiers=json.dumps([TIER])),
    ],
    "events": [
        event("good"),
        event("of nobody", customer_id=f"ghost {ESCAPES}"),
        event("of many", properties='{"image_size": "256x256", "num_images": "many"}'),
        event("of infinitely many", properties='{"image_size": "256x256", "num_images": "inf"}'),
        event("in the year 9999", timestamp=day("9999-12-31")),
        event(None),
    ],
    "contracts_balances": [
        balance("good"),
        balance("in both"),
        balance("in both", environment_type="SANDBOX", customer_id="in the sandbox"),
        balance("of an odd type", type="PRESENT"),
        balance("without a unit", access_schedule=json.dumps({"schedule_items": [OPEN]})),
        balance("without a balance", balance=None),
        balance("of an odd ledger", ledger=json.dumps([BAD_ENTRY])),
    ],
    "contracts_contracts": [
        {"id": "for ever", "environment_type": "PRODUCTION", "customer_id": "good", "name": "Ever"}
        | {"snapshot_id": "2024-04-01", "starting_at": day("2024-01-01")}
        | {"ending_before": day("9999-12-31")}
        | WRITTEN
    ],
    "contracts_product_list_item_versions": [
        {"id": "v", "environment_type": "PRODUCTION", "product_list_item_id": "not p"}
        | {"snapshot_id": "2024-04-01", "name": "Not p", "type": "FIXED"}
        | WRITTEN
    ],
    "breakdowns_invoices": [
        {"id": "of no invoice", "invoice_id": "no invoice", "customer_id": "good"}
        | {"type": "USAGE", "window_size": "DAY"}
        | FIRST_OF_MARCH
    ],
    "breakdowns_line_items": [
        {"id": "odd", "invoice_breakdown_id": "of no invoice", "line_item_id": "in euros"}
        | {"line_item_type": "MysteryLineItem", "name": "odd"}
        | FIRST_OF_MARCH
    ],
}

FAIL, WARN = "fail", "warn"


@dataclass
class Outcome:
    """The results of the data tests that dbt has run."""

    run: Run
    results: dict[str, dict[str, Any]]
    nodes: dict[str, dict[str, Any]]
    printed: str

    def of(self, test: str, column: str = "") -> tuple[str, int]:
        """Return the status of a test and its number of rows.

        Args:
            test: The name of a test, or the type of a constraint, or `parent`.
            column: The column of a model that has the constraint, or the parent.
        """
        if not column:
            found = self._found(lambda node: node["name"] == test)
            return found["status"], found["failures"]
        model, column = column.split(".")
        kinds, words = {"meets_constraints"}, f"{column} {test}; "
        if test == "parent":
            kinds, words = {"has_parents", "relationships_if_loaded"}, f"{column} is not in "
        elif test == "check":
            words = f"check ({column} "
        found = self._found(
            lambda node: (
                node.get("test_metadata", {}).get("name") in kinds
                and node["attached_node"].endswith(f".{model}")
                and (node["column_name"] == column or words in node["compiled_code"])
            )
        )
        if words not in found["compiled_code"]:  # a test of this column alone
            return found["status"], found["failures"]
        ((rows,),) = self.run.query(
            f"select count(*) from ({found['compiled_code']}) as found "
            f"where contains(cast(found as varchar), '{words}')"
        )
        return found["status"], rows

    def _found(self, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        (found,) = [
            self.results[node_id]
            for node_id, node in self.nodes.items()
            if node_id in self.results and is_it(node)
        ]
        return found


def write(folder: Path, tables: dict[str, Rows]) -> None:
    """Return an export with one file of each table."""
    for table, rows in tables.items():
        columns = dict.fromkeys(name for row in rows for name in row)
        values = {name: [row.get(name) for row in rows] for name in columns}
        path = folder / table / "dt=2024-04-02" / "0_20240402060000.parquet"
        path.parent.mkdir(parents=True)
        arrays = {name: pa.array(column, _type(column)) for name, column in values.items()}
        pq.write_table(pa.table(arrays), path)


def _type(values: list[Any]) -> pa.DataType:
    if any(isinstance(value, datetime) for value in values):
        return pa.timestamp("us", "UTC")
    if any(isinstance(value, Decimal) for value in values):
        return pa.decimal128(38, 18)
    return pa.bool_() if any(isinstance(value, bool) for value in values) else pa.string()


@pytest.fixture(scope="module")
def bad(new_run: NewRun, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return the bad rows, loaded and built."""
    folder = tmp_path_factory.mktemp("bad")
    write(folder / "export", BAD_ROWS)
    run = new_run(folder, {"SOURCES__METRONOME_EXPORT__BUCKET_URL": str(folder / "export")})
    run.load()
    run.build(*MODELS, customer=SQL_AND_JINJA)
    return run


@pytest.fixture(scope="module")
def outcome(bad: Run) -> Outcome:
    """Return the data tests of the rows."""
    with pytest.raises(RunError) as failed:
        bad.build(
            "--write-json",
            *("--exclude-resource-type", "unit_test", "--indirect-selection", "cautious"),
            *("--select", *(f"stg_metronome_export__{model}" for model in STAGED)),
            *("test_name:one_content_per_version", "path:tests/singular"),
            *("fct_invoices", "fct_balances", "fct_balance_ledger"),
            "int_balance_segments_combined",
            command="test",
            customer=SQL_AND_JINJA,
        )
    target = bad.folder / "target"
    results = json.loads((target / "run_results.json").read_text())["results"]
    manifest = json.loads((target / "manifest.json").read_text())
    by_node = {result["unique_id"]: result for result in results}
    return Outcome(bad, by_node, manifest["nodes"], str(failed.value))


STAGED = (
    *("customers", "invoices", "line_items", "sub_line_items", "events", "invoice_breakdowns"),
    *("invoice_breakdown_lines", "balances", "pricing_units"),
)
INVOICES = "stg_metronome_export__invoices"
LINES = "stg_metronome_export__line_items"
HAPPENS = {FAIL: "an error: nothing is published", WARN: "a warning, on the screen and in run.json"}


def noticed(what: str, status: str, rows: int, test: str, column: str = "") -> Any:
    mark = pytest.mark.fault("data", what, HAPPENS[status])
    return pytest.param(test, column, status, rows, id=what, marks=mark)


@pytest.mark.parametrize(
    ("test", "column", "status", "rows"),
    [
        noticed(
            "an invoice of an unknown customer, or of a customer in the other environment",
            FAIL,
            3,
            "parent",
            f"{INVOICES}.customer_id",
        ),
        noticed(
            "an invoice without a customer, or with an empty one",
            FAIL,
            2,
            "not_null",
            f"{INVOICES}.customer_id",
        ),
        noticed(
            "a customer's id in both environments",
            FAIL,
            2,
            "unique",
            "stg_metronome_export__customers.customer_id",
        ),
        noticed(
            "an invoice's id in both environments", FAIL, 2, "unique", f"{INVOICES}.invoice_id"
        ),
        noticed(
            "an invoice without an environment", FAIL, 1, "not_null", f"{INVOICES}.environment_type"
        ),
        noticed(
            "an invoice without an id, or with an empty one",
            FAIL,
            1,
            "not_null",
            f"{INVOICES}.invoice_id",
        ),
        noticed(
            "a customer without an id",
            FAIL,
            1,
            "not_null",
            "stg_metronome_export__customers.customer_id",
        ),
        noticed("a line without an id", FAIL, 1, "not_null", f"{LINES}.line_item_id"),
        noticed(
            "an event without an id",
            FAIL,
            1,
            "not_null",
            "stg_metronome_export__events.transaction_id",
        ),
        noticed("a line of an unknown invoice", FAIL, 1, "parent", f"{LINES}.invoice_id"),
        noticed("a line without an invoice", FAIL, 1, "not_null", f"{LINES}.invoice_id"),
        noticed(
            "a sub line of an unknown line",
            FAIL,
            1,
            "parent",
            "stg_metronome_export__sub_line_items.line_item_id",
        ),
        noticed(
            "a day of an unknown invoice",
            FAIL,
            1,
            "parent",
            "stg_metronome_export__invoice_breakdowns.invoice_id",
        ),
        noticed("lines of an unknown product", FAIL, 2, "assert_lines_have_products"),
        noticed(
            "an export that is older than the as-of instant", WARN, 1, "assert_export_is_recent"
        ),
        noticed("an invoice without a total", FAIL, 1, "not_null", f"{INVOICES}.total"),
        noticed(
            "an invoice without a unit", FAIL, 1, "not_null", f"{INVOICES}.source_pricing_unit"
        ),
        noticed(
            "an invoice that is not the sum of its lines",
            FAIL,
            1,
            "assert_invoice_totals_equal_their_lines",
        ),
        noticed("an amount that sums would overflow with", FAIL, 2, "assert_amounts_have_room"),
        noticed(
            "a period that ends before it starts, or a year 1, 9999 or without end",
            FAIL,
            4,
            "assert_invoices_have_possible_periods",
        ),
        noticed(
            "a billed invoice without a month",
            FAIL,
            1,
            "check",
            "fct_invoices.billing_month",
        ),
        noticed("an event in the year 9999", FAIL, 1, "assert_events_have_possible_times"),
        noticed(
            "an unknown status of an invoice",
            FAIL,
            1,
            "check",
            f"{INVOICES}.invoice_status",
        ),
        noticed(
            "an unknown kind of credit",
            FAIL,
            1,
            "check",
            "fct_balances.balance_type",
        ),
        noticed("a credit without a unit", FAIL, 1, "not_null", "fct_balances.pricing_unit"),
        noticed("a credit without a balance", FAIL, 1, "not_null", "fct_balances.balance_amount"),
        noticed(
            "a segment of a credit whose end is not a time",
            FAIL,
            1,
            "not_null",
            "int_balance_segments_combined.ending_before",
        ),
        noticed(
            "an amount in a ledger that is not a number",
            FAIL,
            1,
            "not_null",
            "fct_balance_ledger.amount",
        ),
        noticed("an unknown type of invoice", WARN, 1, "fct_invoices_have_known_types"),
        noticed("an unknown type of line", WARN, 1, "assert_line_types_are_known"),
        noticed(
            "two units in one invoice, and nothing converts them",
            WARN,
            1,
            "assert_lines_in_other_units_are_converted",
        ),
        noticed(
            "a line that is not the sum of its tiers",
            WARN,
            1,
            "assert_tiers_add_up_to_their_lines",
        ),
        noticed("an event of no customer", WARN, 1, "assert_events_have_customers"),
        noticed(
            "an event whose quantity is not a finite number",
            WARN,
            2,
            "assert_usage_has_quantities",
        ),
    ],
)
def test_bad_rows_are_noticed(
    outcome: Outcome, test: str, column: str, status: str, rows: int
) -> None:
    assert outcome.of(test, column) == (status, rows)


@pytest.mark.fault(
    "data", "the same id, updated_at and file, two contents", "a warning; one is kept"
)
def test_of_two_contents_every_run_keeps_the_same(bad: Run, outcome: Outcome) -> None:
    assert outcome.of("source_one_content_per_version_raw_export_customer_id") == (WARN, 2)
    customers = "stg_metronome_export__customers"
    kept = f"select * from staging.{customers} where customer_id = 'said twice'"
    before = bad.query(kept)
    for order in ("asc", "desc"):
        bad.execute(
            f"create table turned as from raw_export.customer order by name {order}; "
            "delete from raw_export.customer; insert into raw_export.customer from turned; "
            "drop table turned"
        )
        bad.build("--resource-type", "model", "--select", customers)
        assert bad.query(kept) == before
    assert len(before) == 1


@pytest.mark.fault("data", "negative quantities and amounts", "accepted, and shown as they are")
def test_negative_quantities_are_accepted(bad: Run) -> None:
    (taken_back,) = bad.query(
        "select quantity, amount, unit_price, is_in_invoice_total "
        "from marts.fct_invoice_lines where invoice_line_id = 'taken back'"
    )
    assert taken_back == (-2, -10, 5, True)


@pytest.mark.fault("data", "a contract that ends in the year 9999", "accepted: it has no end")
def test_a_contract_may_end_in_9999(bad: Run) -> None:
    (good, *_) = (row for row in bad.report("customer_summary") if row["customer_id"] == "good")
    assert (good["contract_name"], good["contract_end"]) == ("Ever", "9999-12-31T00:00:00Z")


@pytest.mark.fault("data", "an empty text in Parquet", "null, as in a CSV")
def test_an_empty_text_is_null(bad: Run) -> None:
    texts = "select count(*) from raw_export.invoice where id is null"
    assert bad.query(texts) == [(2,)]


@pytest.mark.fault("hostile", "SQL and Jinja in a name and in CUSTOMER", "used literally")
def test_sql_and_jinja_are_only_text(bad: Run) -> None:
    assert bad.query("select customer, customer_id from marts.report_parameters") == [
        (SQL_AND_JINJA, "good")
    ]
    assert {row["customer_name"] for row in bad.report("invoice_lines")} == {SQL_AND_JINJA}


@pytest.mark.fault("hostile", "names that are formulas", "an apostrophe is put before them")
def test_no_text_is_a_formula_and_numbers_stay_numbers(bad: Run) -> None:
    lines = bad.report("invoice_lines")
    for formula in FORMULAS:
        assert "'" + formula in {row["description"] for row in lines}
    assert "-10" in {row["total"] for row in lines}
    for report in bad.reports.glob("*.csv"):
        for row in bad.report(report.stem):
            for cell in row.values():
                assert re.match(r"-?[0-9.]*$", cell) or not re.match(r"[\s]*[=+@＝＋－＠-]", cell)


@pytest.mark.fault("hostile", "terminal escapes in rows that a test found", "printed as �")
def test_rows_are_printed_without_what_a_terminal_acts_on(outcome: Outcome) -> None:
    assert "sent_customer_id ghost �[2J�]0;owned��gpj.exe�, events 1" in outcome.printed
    assert "invoice_id of no customer, " in outcome.printed
    assert not any(hidden in outcome.printed for hidden in HIDDEN)


@pytest.mark.fault("hostile", "terminal escapes in the names of similar customers", "printed as �")
def test_similar_customers_are_printed_so_too(bad: Run, outcome: Outcome) -> None:
    """The requested customer has another name now, but a similar one exists."""
    bad.execute(f"update raw_export.customer set name = name || '{ESCAPES}' where id = 'good'")
    with pytest.raises(RunError, match="no customer has the name or id") as told:
        bad.build(
            *("--resource-type", "model", "--select", "stg_metronome_export__customers"),
            *("int_customers_combined", "dim_customers", "report_parameters"),
            customer=SQL_AND_JINJA,
        )
    assert f"good  {SQL_AND_JINJA}�[2J�]0;owned��gpj.exe�" in str(told.value)
    assert not any(hidden in str(told.value) for hidden in HIDDEN)


STOPPING = {
    "NaN in a double": ("invoice", "total", [float("nan")], "nan"),
    "an infinite amount in a double": ("line_item", "total", [float("-inf")], "-inf"),
    "NaN in a text": ("sub_line_item", "subtotal", ["NaN"], "NaN"),
    "an infinite amount in a text": ("credit_grant", "amount_granted", ["Infinity"], "Infinity"),
    "a decimal of 38 digits": (
        *("draft_invoice", "total"),
        pa.array([Decimal("9" * 38)], pa.decimal128(38, 0)),
        "9" * 38,
    ),
    "37 digits after the point": (
        *("draft_line_item", "total"),
        pa.array([Decimal("0." + "9" * 37)], pa.decimal128(38, 37)),
        "0." + "9" * 37,
    ),
    "an infinite time in a text": (
        "contracts_contracts",
        "ending_before",
        ["infinity"],
        "infinity",
    ),
}


@pytest.fixture(scope="module")
def stopped(new_run: NewRun, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, str]:
    """Return an export whose tables each have one invalid value, and the message of its load."""
    folder = tmp_path_factory.mktemp("stopped")
    write(folder / "export", {"customer": [customer("c", **dict.fromkeys(NAMES, "x"))]})
    for table, column, values, _ in STOPPING.values():
        path = folder / "export" / table / "dt=2024-04-02" / "0_20240402060000.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(pa.table({"id": ["a"], column: values}), path)
    run = new_run(folder, {"SOURCES__METRONOME_EXPORT__BUCKET_URL": str(folder / "export")})
    with pytest.raises(InputError) as failed:
        run.load()
    return run, str(failed.value)


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        pytest.param(
            *(table, column, value),
            id=what,
            marks=pytest.mark.fault("data", what, "nothing new of its table is loaded"),
        )
        for what, (table, column, _, value) in STOPPING.items()
    ],
)
def test_a_text_that_is_not_a_value_stops_only_its_table(
    stopped: tuple[Run, str], table: str, column: str, value: str
) -> None:
    run, said = stopped
    assert f"{table} was stopped: {column} is {value!r}, which is no" in said
    assert run.query(f"select count(*) from raw_export.{table}") == [(0,)]
    assert run.query("select id from raw_export.customer") == [("c",)]


NAMES = ("<script>alert(1)</script>", "=cmd|' /C calc'!A0", "\x1b[2Jred", "{{ 1 / 0 }}")


@pytest.mark.fault("hostile", "HTML, formulas, escapes in a column's name", "plain letters in raw")
def test_names_of_unknown_columns_are_plain(stopped: tuple[Run, str]) -> None:
    run, _ = stopped
    columns = run.query(
        "select column_name from information_schema.columns "
        "where table_schema = 'raw_export' and table_name = 'customer'"
    )
    assert len(columns) > 10 + len(NAMES)
    assert all(re.fullmatch("[a-z0-9_]+", name) for (name,) in columns)
