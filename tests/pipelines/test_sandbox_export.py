"""The export's files: same bytes each run, and the same account as the API."""

import csv
import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from pipelines.sandbox.account import PRODUCTION, Account, Books, Record
from pipelines.sandbox.export import transfers, write_export
from pipelines.sandbox.export_tables import COLUMNS
from pipelines.sandbox.simulation import simulate


@pytest.fixture(scope="module")
def db(export: Path) -> duckdb.DuckDBPyConnection:
    """The newest row per key of every table, as a reader of the log gets them."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    for table, columns in COLUMNS.items():
        connection.execute(
            f"""create view {table} as
            select * from read_parquet('{export}/{table}/dt=*/*.parquet')
            qualify row_number() over (
                partition by {next(iter(columns))} order by updated_at desc) = 1"""
        )
    return connection


def exported_invoices(books: Books) -> list[Record]:
    """Neither drafts nor what a consolidated invoice sums up."""
    constituents = [
        item["invoice_id"]
        for invoice in books.invoices
        for item in invoice.get("constituent_invoices", [])
    ]
    assert constituents or books.environment != PRODUCTION
    return [
        invoice
        for invoice in books.invoices
        if invoice["status"] != "DRAFT" and invoice["id"] not in constituents
    ]


def digests(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("layout", ["parquet", "csv"])
def test_same_seed_same_bytes(layout: str, tmp_path: Path):
    for folder in ("first", "second"):
        write_export(simulate(scale=2), tmp_path / folder, layout)
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


def test_exported_rows_add_up(db: duckdb.DuckDBPyConnection):
    invoices = db.execute(
        """select count(*), count(*) filter (where total = lines)
        from invoice join (
            select invoice_id, credit_type_id, sum(total) as lines from line_item group by all) as l
          on l.invoice_id = invoice.id and l.credit_type_id = invoice.credit_type_id"""
    ).fetchone()
    assert invoices[0] == invoices[1] == db.execute("select count(*) from invoice").fetchone()[0]
    lines = db.execute(
        """select count(*), count(*) filter (where total = subs)
        from line_item join (
            select line_item_id, sum(subtotal) as subs from sub_line_item group by all) as s
          on s.line_item_id = line_item.id"""
    ).fetchone()
    assert lines[0] == lines[1] > 100


def test_no_orphans(db: duckdb.DuckDBPyConnection):
    for child, column, parent, key in [
        ("invoice", "customer_id", "customer", "id"),
        ("invoice", "plan_id", "plan", "id"),
        ("line_item", "invoice_id", "invoice", "id"),
        ("sub_line_item", "line_item_id", "line_item", "id"),
        ("sub_line_item", "charge_id", "plan_charge", "charge_id"),
        ("sub_line_item", "billable_metric_id", "billable_metric", "id"),
        ("plan_charge", "plan_id", "plan", "id"),
        ("plan_charge", "product_id", "product", "id"),
    ]:
        orphans = db.execute(
            f"select count(*) from {child} where {column} not in (select {key} from {parent})"
        ).fetchone()
        assert orphans == (0,), (child, column)


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
    for clock in (april, june):
        write_export(simulate(as_of=clock), tmp_path / f"{clock:%m}")
    before, after = (
        {path.name for path in (tmp_path / month).glob("events/*/*.parquet")}
        for month in ("04", "06")
    )
    assert before - after == {"0_20240420000000.parquet"}
    added = ("20240503060000", "20240519060000", "20240603060000", "20240604000000")
    assert after - before == {f"0_{start}.parquet" for start in added}
    assert transfers(june)[-1] == june


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
        item["id"]: item for books in account.books.values() for item in exported_invoices(books)
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


def test_scale_repeats_the_account_under_other_identities(tmp_path: Path):
    write_export(simulate(scale=3), tmp_path)
    connection = duckdb.connect()
    customers, names, events, totals = connection.execute(
        f"""select
            (select count(distinct id) from read_parquet('{tmp_path}/customer/*/*.parquet')),
            (select count(distinct name) from read_parquet('{tmp_path}/customer/*/*.parquet')),
            (select count(distinct transaction_id)
             from read_parquet('{tmp_path}/events/*/*.parquet')),
            (select count(distinct id) from read_parquet('{tmp_path}/invoice/*/*.parquet'))"""
    ).fetchone()
    base = simulate()
    blocks = base.books.values()
    assert customers == 3 * sum(len(books.customers) for books in blocks)
    assert names > 3 * 38
    assert events == 3 * sum(len(books.events) for books in blocks)
    assert totals == 3 * sum(len(exported_invoices(books)) for books in blocks)
    orphans = connection.execute(
        f"""with c as (
            select unnest(list_append(from_json(ingest_aliases, '["varchar"]'), id)) as sender
            from read_parquet('{tmp_path}/customer/*/*.parquet'))
        select distinct customer_id from read_parquet('{tmp_path}/events/*/*.parquet')
        where customer_id not in (select sender from c) order by 1"""
    ).fetchall()
    assert orphans == [("ghost_tenant",), ("ghost_tenant_1",), ("ghost_tenant_2",)]
