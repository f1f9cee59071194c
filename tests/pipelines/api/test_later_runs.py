"""Later runs: they ask for what can have changed, and change only that."""

import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from starlette.requests import Request

from pipelines.common.errors import InputError
from pipelines.metronome_api.endpoints import ENDPOINTS
from sandbox.api.server import create_app, serving
from sandbox.core.account import Account
from sandbox.core.records import Record, to_time
from tests.pipelines.api.answers import JUNE, Loaded, customers_of
from tests.pipelines.api.few_customers import EARLIER
from tests.pipelines.conftest import TOKEN, Lists, NewWorkspace, Rows, Wire, Workspace

INVOICE_LOOKBACK = USAGE_LOOKBACK = timedelta(days=34)
INVOICES = "/v1/customers/[^/]+/invoices"
LONG_AGO = EARLIER - INVOICE_LOOKBACK
SETTINGS = {
    "SOURCES__METRONOME_API__INVOICE_LOOKBACK_DAYS": str(INVOICE_LOOKBACK.days),
    "SOURCES__METRONOME_API__USAGE_LOOKBACK_DAYS": str(USAGE_LOOKBACK.days),
}
SELECTED = sorted(ENDPOINTS.keys() - {"invoice_breakdowns_hourly", "usage_hourly", "usage_groups"})
"""All but what has rows by the hour or by the group: too many for four loads."""


def load(workspace: Workspace, account: Account, full_refresh: bool = False) -> Loaded:
    wire = Wire(create_app(account, TOKEN), page_size=1, paged=INVOICES)
    with serving(wire) as url:
        workspace.load_api(url, *SELECTED, as_of=account.now, full_refresh=full_refresh, **SETTINGS)
    return Loaded(workspace, wire.requests)


@pytest.fixture(scope="module")
def fresh(new_workspace: NewWorkspace, later: Account) -> Loaded:
    """Loaded at the later instant only."""
    return load(new_workspace(), later)


@pytest.fixture(scope="module")
def first(new_workspace: NewWorkspace, earlier: Account) -> Loaded:
    return load(new_workspace(), earlier)


@pytest.fixture(scope="module")
def twice(new_workspace: NewWorkspace, first: Loaded, later: Account) -> Loaded:
    """Loaded at the earlier and then at the later instant."""
    return load(new_workspace(first.workspace), later)


def archived(account: Account) -> dict[str, datetime]:
    """Return when the archived customers were archived."""
    return {
        customer["id"]: to_time(customer["archived_at"])
        for customer in account.production.customers
        if customer["archived_at"]
    }


def test_after_a_second_run_the_tables_are_those_of_a_fresh_database(
    fresh: Loaded, twice: Loaded, later: Account
):
    """The days without usage of customers that were archived long ago are an exception.

    A day before the look-back keeps the status that the invoice had at the billing provider then.
    The table of invoices has the present status.
    """
    expected, found = fresh.workspace.facts(), twice.workspace.facts()
    left_alone = {key for key, at in archived(later).items() if at < LONG_AGO}

    def of_others(rows: Rows) -> Rows:
        return [row for row in rows if left_alone.isdisjoint(row)]

    usage = {"usage_daily", "usage_total"}
    assert found.keys() == expected.keys()
    differ = {table for table in expected if found[table] != expected[table]}
    assert differ == usage | {"invoice_breakdowns_daily"}
    days = (
        "select columns(name -> not starts_with(name, '_dlt') and name not like '%_status') "
        "from raw_api.invoice_breakdowns_daily order by all"
    )
    assert twice.workspace.query(days) == fresh.workspace.query(days)
    for table in usage:
        assert of_others(found[table]) == of_others(expected[table])
    used = "customer_id in (select unnest($1)) and value is not null and end_timestamp > $2"
    with fresh.workspace.connect() as connection:
        rows = connection.execute(
            f"from raw_api.usage_daily where {used}", [[*left_alone], LONG_AGO]
        ).fetchall()
    assert rows == []


# The requests of a later run


def asked(loaded: Loaded, path: str) -> list[Request]:
    """Return the requests whose path matches a pattern."""
    return [item for item in loaded.requests if re.fullmatch(path, item.url.path)]


def test_a_second_run_asks_for_less(first: Loaded, fresh: Loaded, twice: Loaded):
    assert len(twice.requests) < len(fresh.requests)
    breakdowns = f"{INVOICES}/.*breakdowns"
    assert len(asked(twice, breakdowns)) < 0.8 * len(asked(fresh, breakdowns))
    stored = "select sum(requests) from raw_api.run_resources where run_id = '{}'"
    runs = twice.workspace.column("select run_id from raw_api.runs order by as_of")
    assert [twice.workspace.value(stored.format(run)) for run in runs] == [
        len(first.requests),
        len(twice.requests),
    ]


def test_finalized_history_is_not_asked_for_again(first: Loaded, fresh: Loaded, twice: Loaded):
    """Invoices that were issued before the look-back stay as the first run loaded them."""
    (load,) = first.workspace.column("select distinct _dlt_load_id from raw_api.invoices")
    kept = f"select issued_at from raw_api.invoices where _dlt_load_id = '{load}'"
    issued = twice.workspace.column(kept)
    assert len(issued) > 5
    assert max(issued) < LONG_AGO
    assert len(asked(twice, INVOICES)) < len(asked(fresh, INVOICES))


def test_breakdowns_and_usage_are_asked_for_from_the_look_back(twice: Loaded):
    since = (EARLIER - USAGE_LOOKBACK).date().isoformat() + "T00:00:00Z"
    until = "2024-05-03T00:00:00Z"
    daily = asked(twice, "/v1/customers/.*/invoices/breakdowns")
    starts = Counter(item.query_params["starting_on"] for item in daily)
    assert starts.most_common(1)[0][0] == since
    assert min(starts) == "2024-03-01T00:00:00Z", "the period of an invoice regenerated since"
    usage = [json.loads(item._body) for item in asked(twice, "/v1/usage")]
    assert {
        (item["starting_on"], item["ending_before"])
        for item in usage
        if item["window_size"] == "DAY"
    } == {(since, until)}
    assert {
        (item["starting_on"], item["ending_before"])
        for item in usage
        if item["window_size"] == "NONE"
    } == {
        ("2024-03-01T00:00:00Z", "2024-04-01T00:00:00Z"),
        ("2024-04-01T00:00:00Z", "2024-05-01T00:00:00Z"),
        ("2024-05-01T00:00:00Z", until),
    }


def test_a_customer_archived_long_ago_is_left_alone(twice: Loaded, later: Account):
    named = " ".join(f"{item.url} {item._body.decode()}" for item in twice.requests)
    left_alone = {key for key in archived(later) if key not in named}
    assert left_alone == {key for key, at in archived(later).items() if at < LONG_AGO}
    assert 0 < len(left_alone) < len(archived(later))


def test_the_audit_log_goes_on_from_its_cursor(first: Loaded, twice: Loaded):
    ((cursor,),) = first.workspace.query(
        "select cursor from raw_api.reads where read_id = 'audit_logs/account'"
    )
    assert "next_page" not in asked(first, "/v1/auditLogs")[0].query_params
    assert asked(twice, "/v1/auditLogs")[0].query_params["next_page"] == cursor
    rows = "select rows from raw_api.run_resources where resource = 'audit_logs' order by rows"
    new, old = twice.workspace.column(rows)
    assert new < old
    assert new + old == twice.workspace.value("select count(*) from raw_api.audit_logs")


# What a later run changes


def statuses(
    account: Account, of: Callable[[Record], str | None] = lambda invoice: invoice["status"]
) -> dict[str, str | None]:
    return {invoice["id"]: of(invoice) for invoice in account.production.invoices}


def test_drafts_that_disappeared_are_gone(
    first: Loaded, twice: Loaded, earlier: Account, later: Account
):
    gone = {key for key, status in statuses(earlier).items() if status == "DRAFT"} - statuses(
        later
    ).keys()
    held = "select id from raw_api.invoices"
    assert gone and gone <= set(first.workspace.column(held))
    assert not gone & set(twice.workspace.column(held))
    assert not gone & set(
        twice.workspace.column("select invoice_id from raw_api.invoice_line_items")
    )


@pytest.mark.parametrize("change", [("DRAFT", "FINALIZED"), ("FINALIZED", "VOID")])
def test_invoices_show_what_became_of_them(
    twice: Loaded, earlier: Account, later: Account, change: tuple[str, str]
):
    before, after = statuses(earlier), statuses(later)
    changed = {key for key in before if (before[key], after.get(key)) == change}
    assert changed
    loaded = dict(twice.workspace.query("select id, status from raw_api.invoices"))
    assert {loaded[key] for key in changed} == {change[1]}


def test_an_invoice_that_was_paid_shows_it(twice: Loaded, earlier: Account, later: Account):
    def external(invoice: Record) -> str | None:
        return (invoice.get("external_invoice") or {}).get("external_status")

    before, after = statuses(earlier, external), statuses(later, external)
    paid = {key for key in before if (before[key], after.get(key)) == ("SENT", "PAID")}
    assert len(paid) > 5
    loaded = twice.workspace.column(
        "select id from raw_api.invoices where external_invoice__external_status = 'PAID'"
    )
    assert paid <= set(loaded)


def test_a_balance_that_was_archived_shows_it(twice: Loaded, earlier: Account, later: Account):
    def ended(account: Account) -> set[str]:
        return {
            balance["id"]
            for balances in account.production.balances.values()
            for balance in balances
            if balance.get("archived_at")
        }

    changed = ended(later) - ended(earlier)
    loaded = twice.workspace.column("select id from raw_api.balances where archived_at is not null")
    assert changed and changed <= set(loaded)


def test_a_full_refresh_asks_for_everything(
    fresh: Loaded, twice: Loaded, new_workspace: NewWorkspace, later: Account
):
    refreshed = load(new_workspace(twice.workspace), later, full_refresh=True)
    assert len(refreshed.requests) == len(fresh.requests)
    assert refreshed.workspace.facts() == fresh.workspace.facts()


# What is selected


ONE_OF_EACH = {
    "/v1/customers": ['[{"id": "c", "created_at": "2024-04-01T00:00:00Z"}]'],
    "/v2/contracts/list": ['[{"id": "k", "subscriptions": [{"id": "s"}]}]'],
}


def test_what_is_selected_is_read_with_what_it_is_asked_by(workspace: Workspace):
    wire = Wire(Lists(ONE_OF_EACH))
    with serving(wire) as url:
        workspace.load_api(url, "subscription_seats")
    assert {item.url.path for item in wire.requests} == {
        "/v1/customers",
        "/v2/contracts/list",
        "/v1/contracts/getSubscriptionSeatsHistory",
    }
    selected = json.loads(workspace.value("select selected from raw_api.runs"))
    assert selected == ["contracts", "customers", "subscription_seats"]


def test_tables_that_are_not_selected_are_left_alone(twice: Loaded, new_workspace: NewWorkspace):
    workspace = new_workspace(twice.workspace)
    same = [{"id": key} for key in workspace.column("select id from raw_api.customers")]
    lists = {"/v1/customers": [json.dumps(same)], "/v1/credit-types/list": ['[{"id": "unit"}]']}
    with serving(Lists(lists)) as url:
        workspace.load_api(url, "pricing_units")
    before, after = twice.workspace.facts(), workspace.facts()
    assert workspace.column("select id from raw_api.pricing_units") == ["unit"]
    assert {table for table in before if before[table] != after[table]} == {
        "customers",
        "pricing_units",
    }


def test_an_unknown_resource_is_an_error_that_lists_the_known_ones(workspace: Workspace):
    wire = Wire(Lists({}))
    with (
        serving(wire) as url,
        pytest.raises(InputError, match=r"no resource 'invoice' .* default, all or .*, invoices, "),
    ):
        workspace.load_api(url, "invoice")
    assert wire.requests == []


# Accounts with a turn of their own


def test_an_invoice_of_before_the_customer_came_has_its_days(workspace: Workspace):
    """A contract can start before its customer was created."""
    invoice = {
        **{"id": "i1", "customer_id": "c1", "type": "USAGE", "status": "FINALIZED"},
        **{"start_timestamp": "2024-01-01T00:00:00Z", "end_timestamp": "2024-02-01T00:00:00Z"},
    }
    came_late = customers_of('"created_at": "2024-05-01T00:00:00Z"')
    wire = Wire(Lists(came_late | {"/v1/customers/c1/invoices": [json.dumps([invoice])]}))
    with serving(wire) as url:
        workspace.load_api(url, "invoice_breakdowns_daily", as_of=JUNE)
    (request,) = [item for item in wire.requests if item.url.path.endswith("/breakdowns")]
    assert request.query_params["starting_on"] == "2024-01-01T00:00:00Z"
    assert request.query_params["ending_before"] == "2024-02-01T00:00:00Z"


def test_what_is_selected_later_is_read_of_a_customer_archived_long_ago(workspace: Workspace):
    archived = Lists(
        customers_of('"created_at": "2023-01-01T00:00:00Z", "archived_at": "2023-02-01T00:00:00Z"')
    )
    with serving(archived) as url:
        workspace.load_api(url, "invoices", as_of=JUNE)
        workspace.load_api(url, "net_balances", "spend_breakdowns", as_of=JUNE)
    reads = "select resource from raw_api.reads where customer_id = 'c1' order by all"
    assert workspace.column(reads) == ["balances", "invoices", "net_balances", "spend_breakdowns"]
