"""Accounts of any size for the benchmarks: customers repeated under other ids."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from metronome import Metronome

from benchmarks.replicas import Copies, replicated, write_replicas
from sandbox.api.server import TOKEN, running
from sandbox.billing.simulate import simulate
from sandbox.core.account import Account
from sandbox.core.records import PRODUCTION
from sandbox.export.writer import SCHEMAS
from tests.sandbox.accounts import digests, exported_invoices


def test_the_export_repeats_the_customers_under_other_ids(account: Account, tmp_path: Path):
    write_replicas(account, 3, tmp_path)
    connection = duckdb.connect()
    customers, names, events, totals = connection.execute(
        f"""select
            (select count(distinct id) from read_parquet('{tmp_path}/customer/*/*.parquet')),
            (select count(distinct name) from read_parquet('{tmp_path}/customer/*/*.parquet')),
            (select count(distinct transaction_id)
             from read_parquet('{tmp_path}/events/*/*.parquet')),
            (select count(distinct id) from read_parquet('{tmp_path}/invoice/*/*.parquet'))"""
    ).fetchone()
    states = account.states.values()
    assert customers == 3 * sum(len(state.customers) for state in states)
    assert names > 3 * 38
    assert sum(len(state.events) for state in states) < events < 35_000
    assert totals == 3 * sum(len(exported_invoices(state)) for state in states)
    orphans = connection.execute(
        f"""with c as (
            select unnest(list_append(from_json(ingest_aliases, '["varchar"]'), id)) as sender
            from read_parquet('{tmp_path}/customer/*/*.parquet'))
        select distinct customer_id from read_parquet('{tmp_path}/events/*/*.parquet')
        where customer_id not in (select sender from c) order by 1"""
    ).fetchall()
    assert orphans == [("ghost_tenant",), ("ghost_tenant_1",), ("ghost_tenant_2",)]


def test_blocks_of_replicas_have_all_rows(export_folder: Path):
    (file, *_) = sorted(export_folder.glob("customer/*/*.parquet"))
    rows = pq.read_table(file).to_pylist()
    copies = Copies("customer", rows, frozenset())
    blocks = [*copies.tables(range(1, 8), SCHEMAS["customer"], 3 * len(rows))]
    assert len(blocks) == 3
    expected = [row for number in range(1, 8) for row in copies.rows(number)]
    assert pa.concat_tables(blocks).to_pylist() == expected


def test_replicas_bill_what_their_fewer_events_add_up_to(account: Account, tmp_path: Path):
    """By calendar month, the billing period of all senders but one, and of one without any."""
    write_replicas(account, 2, tmp_path)
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    sums = connection.execute(
        f"""with sent as (
            select distinct on (transaction_id) *, customer_id like '%\\_1' escape '\\' as is_copy
            from read_parquet('{tmp_path}/events/*/*.parquet'))
        select is_copy, event_type, month(timestamp), environment_type,
            sum((properties ->> 'cpu_hours')::decimal(18, 6)),
            sum((properties ->> 'num_images')::bigint), sum((properties ->> 'words')::bigint),
            sum((properties ->> 'calls')::bigint)
        from sent where not regexp_matches(customer_id, '-|^ibex|^ghost_tenant')
        group by all order by all"""
    ).fetchall()
    first, copies = ([row[1:] for row in sums if row[0] is flag] for flag in (False, True))
    assert first == copies
    assert len(first) > 30


def test_replicas_are_served(account: Account):
    with running(replicated(account, 2)) as url:
        client = Metronome(base_url=url, bearer_token=TOKEN)
        found = {item.name: item.id for item in client.v1.customers.list(limit=100)}
        active = [item for item in account.production.customers if not item["archived_at"]]
        assert len(found) == 2 * len(active)
        copy = list(client.v1.customers.invoices.list(customer_id=found["A1 Company (1)"]))
    expected = account.production.invoices_by_customer[
        account.production.customer("A1 Company")["id"]
    ]
    assert [item.total for item in copy] == [float(item["total"]) for item in expected]
    assert not {item.id for item in copy} & {item["id"] for item in expected}


def test_replicas_are_metered_as_their_originals(account: Account):
    origin, copy = replicated(account, 2).parts(PRODUCTION)
    for ours, theirs in zip(copy.customers, origin.customers, strict=True):
        assert copy.metered_as(ours["id"]) == theirs["id"] != ours["id"]
        assert origin.metered_as(theirs["id"]) == theirs["id"]
    assert copy.contract_edits.keys().isdisjoint(origin.contract_edits)
    assert len(copy.subscription_seats) == len(origin.subscription_seats) == 1
    assert copy.now == account.now


def test_a_later_clock_only_adds_files_of_replicas(account: Account, tmp_path: Path):
    write_replicas(account, 2, tmp_path)
    before = digests(tmp_path)
    write_replicas(simulate(as_of=datetime(2024, 5, 3, 6, tzinfo=UTC)), 2, tmp_path)
    after = digests(tmp_path)
    assert before.items() <= after.items()
    assert len(after) > len(before) + 30
