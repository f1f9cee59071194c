"""The export's files: same bytes each run, and the same account as the API."""

import csv
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from sandbox.billing.alerts import customer_alerts
from sandbox.billing.simulate import simulate
from sandbox.core.account import Account
from sandbox.core.records import PRODUCTION
from sandbox.export.schema import COLUMNS
from sandbox.export.writer import transfers, write_export
from tests.sandbox.accounts import constituents_of, digests, exported_invoices

SNAPSHOTS = ("snapshot_time", "snapshot_id")
"""Columns that mark the snapshots of a table."""

BREAKDOWNS_OF_DRAFTS = ("breakdowns_draft_invoices", "breakdowns_draft_line_items")

_PRODUCT = ("product_id", "contracts_product_list_item_versions", "product_list_item_id")

REFERENCES = [
    *(
        (table, "credit_type_id", "credit_type", "id")
        for table in (
            *("invoice", "line_item", "draft_invoice", "draft_line_item", "breakdowns_invoices"),
            *("breakdowns_line_items", "breakdowns_draft_invoices", "breakdowns_draft_line_items"),
        )
    ),
    ("contracts_rate_card_entries", "rate_card_id", "contracts_rate_cards", "id"),
    ("contracts_rate_card_entries", *_PRODUCT),
    ("contracts_product_list_item_versions", "billable_metric_id", "billable_metric", "id"),
]
"""References that dbt does not test on the same files."""


def snapshot_of(table: str) -> str | None:
    if table in BREAKDOWNS_OF_DRAFTS:
        return "snapshot_timestamp"
    return next((column for column in SNAPSHOTS if column in COLUMNS[table]), None)


def key_of(table: str) -> str:
    return "transaction_id" if table == "events" else "id"


@pytest.fixture(scope="module")
def db(export: Path) -> duckdb.DuckDBPyConnection:
    """Return a database with the newest snapshot, or the newest row per key, as readers see it."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    for table in COLUMNS:
        version = "created_at" if table == "customer_alert_history" else "updated_at"
        snapshot = snapshot_of(table)
        log = f"read_parquet('{export}/{table}/dt=*/*.parquet')"
        newest = f"where {snapshot} = (select max({snapshot}) from {log})" if snapshot else ""
        connection.execute(
            f"""create view {table} as select * from {log} {newest}
            qualify row_number() over (partition by {key_of(table)} order by {version} desc) = 1"""
        )
    return connection


@pytest.mark.parametrize("layout", ["parquet", "csv"])
def test_same_seed_same_bytes(layout: str, tmp_path: Path):
    for folder in ("first", "second"):
        write_export(simulate(), tmp_path / folder, layout)
    assert digests(tmp_path / "first") == digests(tmp_path / "second") != {}


def test_second_write_touches_nothing_and_removes_what_is_gone(account: Account, tmp_path: Path):
    files = write_export(account, tmp_path)
    times = [path.stat().st_mtime_ns for path in files]
    stale = tmp_path / "invoice" / "dt=2023-01-01" / "0_20230101000000.parquet"
    stale.parent.mkdir()
    stale.write_bytes(b"old")
    (tmp_path / "notes.txt").write_text("mine")
    assert write_export(account, tmp_path) == files
    assert [path.stat().st_mtime_ns for path in files] == times
    assert not stale.parent.exists()
    assert (tmp_path / "notes.txt").exists()
    write_export(account, tmp_path, "csv")
    assert not [path for path in files if path.exists()]


def test_unknown_layout_is_refused(account: Account, tmp_path: Path):
    with pytest.raises(ValueError, match="unknown layout"):
        write_export(account, tmp_path, "xlsx")  # type: ignore[arg-type]


def test_newest_invoices_are_the_api_invoices(account: Account, db: duckdb.DuckDBPyConnection):
    exported = db.execute(
        "select id, status, total, issued_at from invoice where environment_type = ?", [PRODUCTION]
    ).fetchall()
    assert {row[:3] for row in exported} == {
        (item["id"], item["status"], item["total"])
        for item in exported_invoices(account.production)
    }


def test_newest_customers_are_the_api_customers(account: Account, db: duckdb.DuckDBPyConnection):
    exported = db.execute(
        "select id, name, archived_at is not null from customer where environment_type = ?",
        [PRODUCTION],
    ).fetchall()
    assert set(exported) == {
        (item["id"], item["name"], bool(item["archived_at"]))
        for item in account.production.customers
    }


def test_no_orphans(db: duckdb.DuckDBPyConnection):
    for child, column, parent, key in REFERENCES:
        orphans, references = db.execute(
            f"""select
                count(*) filter (where {column} not in (select {key} from {parent})), count(*)
            from {child} where {column} is not null"""
        ).fetchone()
        assert orphans == 0, (child, column)
        assert references > 0, (child, column)


def test_log_repeats_rows_and_keeps_old_versions(export: Path):
    events, keys = duckdb.execute(
        f"""select count(*), count(distinct transaction_id)
        from read_parquet('{export}/events/dt=*/*.parquet')"""
    ).fetchone()
    assert 20_000 < keys < events < keys * 1.02
    late = duckdb.execute(
        f"""select count(*) from read_parquet('{export}/invoice/dt=*/*.parquet', filename=true) as a
        where status = 'FINALIZED' and exists (
            select 1 from read_parquet('{export}/invoice/dt=*/*.parquet', filename=true) as b
            where b.id = a.id and b.status = 'VOID' and b.filename <= a.filename)"""
    ).fetchone()
    assert late[0] > 0, "an old state should be delivered again beside or after the newer one"


def test_a_later_clock_adds_transfers(tmp_path: Path):
    april, june = datetime(2024, 4, 20, tzinfo=UTC), datetime(2024, 6, 4, tzinfo=UTC)
    names = [
        {f"0_{start:%Y%m%d%H%M%S}.parquet" for start in transfers(clock)} for clock in (april, june)
    ]
    assert names[0] - names[1] == {"0_20240420000000.parquet"}
    added = ("20240503060000", "20240519060000", "20240603060000", "20240604000000")
    assert names[1] - names[0] == {f"0_{start}.parquet" for start in added}


def test_a_later_clock_only_adds_files(account: Account, tmp_path: Path):
    write_export(account, tmp_path)
    before = digests(tmp_path)
    write_export(simulate(as_of=datetime(2024, 5, 3, 6, tzinfo=UTC)), tmp_path)
    after = digests(tmp_path)
    assert before.items() <= after.items()
    assert len(after) > len(before) + 30


def test_contract_lines_and_grant_lines(db: duckdb.DuckDBPyConnection):
    commit = db.execute(
        """select count(*), bool_and(total < 0), bool_and(starting_at < ending_before)
        from line_item where commit_id is not null and name like '%applied'"""
    ).fetchone()
    assert commit[0] > 0
    assert commit[1:] == (True, True)
    grants = db.execute(
        """select count(*), bool_and(product_id is null and quantity = 1 and total < 0)
        from line_item where credit_grant_id is not null"""
    ).fetchone()
    assert grants[0] > 0
    assert grants[1]


def test_csv_holds_the_newest_rows(account: Account, tmp_path: Path):
    write_export(account, tmp_path, "csv")
    raw = (tmp_path / "Sandbox Egress Data - invoice.csv").read_bytes()
    assert raw.count(b"\r\n") == raw.count(b"\n")
    with (tmp_path / "Sandbox Egress Data - invoice.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    served = {
        item["id"]: item for state in account.states.values() for item in exported_invoices(state)
    }
    assert len(rows) == len(served)
    for row in rows:
        assert row["status"] == served[row["id"]]["status"]
        assert Decimal(row["total"]) == served[row["id"]]["total"]
    assert "2024-02-29 0:00:00" in {row["start_timestamp"] for row in rows}
    with (tmp_path / "Sandbox Egress Data - events.csv").open(newline="") as file:
        event = next(csv.DictReader(file))
    assert list(event) == [
        *("transaction_id", "customer_id", "timestamp"),
        *("event_type", "properties", "environment_type"),
    ]
    assert event["timestamp"].endswith(" UTC")
    assert event["properties"].startswith("{image_size=")


def test_every_table_has_rows_and_its_columns(export: Path):
    for table, columns in COLUMNS.items():
        files = f"read_parquet('{export}/{table}/dt=*/*.parquet')"
        found = duckdb.sql(f"select * from {files}")
        assert [name for name in found.columns if name != "dt"] == list(columns)
        assert len(found) > 0, table


def test_open_invoices_are_those_of_the_api(account: Account, db: duckdb.DuckDBPyConnection):
    exported = db.execute(
        """select id, total, contract_id, plan_id from draft_invoice
        where environment_type = ? and status = 'DRAFT'""",
        [PRODUCTION],
    ).fetchall()
    assert set(exported) == {
        (item["id"], item["total"], item.get("contract_id"), item.get("plan_id"))
        for item in account.production.invoices
        if item["status"] == "DRAFT" and item["id"] not in constituents_of(account.production)
    }


def test_a_draft_of_an_invoice_finalized_since_stays_in_the_log(export: Path):
    stale = duckdb.sql(
        f"""select distinct d.id, d.snapshot_time
        from read_parquet('{export}/draft_invoice/*/*.parquet') as d
        join read_parquet('{export}/invoice/*/*.parquet') as i on i.id = d.id"""
    )
    assert len(stale) > 100
    assert duckdb.sql(
        f"""select distinct status, total is null
        from read_parquet('{export}/draft_invoice/*/*.parquet') order by 1"""
    ).fetchall() == [("DRAFT", False), ("DRAFT_INCOMPLETE", True)]


def test_balances_are_those_of_the_api(account: Account, db: duckdb.DuckDBPyConnection):
    exported = {
        row[0]: row[1:]
        for row in db.execute(
            "select id, customer_id, type, balance, ledger, access_schedule from contracts_balances"
        ).fetchall()
    }
    served = {
        item["id"]: (customer_id, item)
        for customer_id, items in account.production.balances.items()
        for item in items
    }
    assert exported.keys() == served.keys()
    for key, (customer_id, kind, balance, ledger, access) in exported.items():
        assert (customer_id, kind, balance) == (
            served[key][0],
            served[key][1]["type"].lower(),
            served[key][1]["balance"],
        )
        entries = json.loads(ledger, parse_float=Decimal)
        assert [(entry["timestamp"], entry["amount"]) for entry in entries] == [
            (entry["timestamp"], entry["amount"]) for entry in served[key][1]["ledger"]
        ]
        items = json.loads(access, parse_float=Decimal)["schedule_items"]
        assert [item["id"] for item in items] == [
            item["id"] for item in served[key][1]["access_schedule"]["schedule_items"]
        ]
    kinds = {entry["type"] for row in exported.values() for entry in json.loads(row[3])}
    assert kinds == {
        *("prepaid_segment_start", "prepaid_automated_invoice_deduction", "prepaid_rollover"),
        *("prepaid_commit_credited", "prepaid_segment_expiration", "prepaid_manual"),
        *("postpaid_initial_balance", "postpaid_automated_invoice_deduction"),
        *("credit_segment_start", "credit_automated_invoice_deduction", "credit_manual"),
        "credit_segment_expiration",
    }


def test_alerts_end_in_the_status_of_the_api(account: Account, db: duckdb.DuckDBPyConnection):
    newest = db.execute(
        """select customer_id, alert_id, arg_max(alert_status, created_at)
        from customer_alert_history group by all"""
    ).fetchall()
    exported = {row[:2]: row[2] for row in newest}
    for state in account.states.values():
        for customer in state.customers:
            for record in customer_alerts(customer, state, account.now):
                key = (customer["id"], record["alert"]["id"])
                if record["customer_status"] is not None:
                    assert exported[key] == record["customer_status"]


def test_a_renamed_product_has_two_versions(db: duckdb.DuckDBPyConnection):
    names = db.execute(
        """select version, name from contracts_product_list_item_versions
        where environment_type = 'PRODUCTION' and product_list_item_id in (
            select product_list_item_id from contracts_product_list_item_versions where version = 2)
        order by 1"""
    ).fetchall()
    assert names == [(1, "Compute g5"), (2, "Compute g5.xlarge")]
