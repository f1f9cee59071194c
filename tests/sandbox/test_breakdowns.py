"""Breakdowns and usage: every cut of an invoice adds up to it, every cut of usage to the events."""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from sandbox.api.server import TOKEN, running
from sandbox.api.view import View
from sandbox.billing.breakdowns import joined, spread
from sandbox.billing.simulate import simulate
from sandbox.core.account import Account
from sandbox.core.records import Record, to_time

ALL = {"starting_on": "2023-12-01T00:00:00Z", "ending_before": "2024-07-01T00:00:00Z"}
MARCH = {"starting_on": "2024-03-01T00:00:00Z", "ending_before": "2024-04-01T00:00:00Z"}
OUTSIDE = ("line_items", "invoice_adjustments", "total", "subtotal")


@pytest.fixture(scope="module")
def http(account: Account) -> Iterator[httpx.Client]:
    header = {"Authorization": f"Bearer {TOKEN}"}
    with running(account) as url, httpx.Client(base_url=url, headers=header) as client:
        yield client


def pages(http: httpx.Client, method: str, path: str, **more: Any) -> Iterator[list[Record]]:
    """Yield the pages of a list whose cursor goes into the query."""
    cursor: dict[str, str] = {}
    while cursor is not None:
        query = more.get("params", {}) | cursor
        response = http.request(method, path, params=query, json=more.get("json"))
        assert response.status_code == 200, response.text
        page = json.loads(response.content, parse_float=Decimal)
        yield page["data"]
        cursor = {"next_page": page["next_page"]} if page["next_page"] else None


def rows(http: httpx.Client, method: str, path: str, **more: Any) -> list[Record]:
    return [row for page in pages(http, method, path, **more) for row in page]


def customer_id(account: Account, name: str) -> str:
    return account.production.customer(name)["id"]


def line_key(line: Record) -> str:
    """Return the key that all parts of one line share."""
    parts = ("quantity", "total", "sub_line_items")
    return repr(sorted((name, line[name]) for name in line if name not in parts))


def sums(lines: list[Record], plan: bool) -> dict[str, tuple[Decimal, Decimal]]:
    """Return quantity and total by line, or by sub-line in the plans model."""
    found: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for line in lines:
        if plan:
            parts = [(s["charge_id"], s["quantity"], s["subtotal"]) for s in line["sub_line_items"]]
        else:
            parts = [(line_key(line), line.get("quantity", 0), line["total"])]
        for key, quantity, total in parts:
            found[key][0] += quantity
            found[key][1] += total
    return {key: (quantity, total) for key, (quantity, total) in found.items()}


@pytest.mark.parametrize(
    ("as_of", "size", "every"),
    [
        (None, "DAY", 1),
        (None, "HOUR", 5),
        (datetime(2024, 3, 1, 18, 30, tzinfo=UTC), "DAY", 1),
        (datetime(2024, 6, 2, tzinfo=UTC), "DAY", 2),
    ],
)
def test_the_windows_of_an_invoice_add_up_to_it(
    account: Account, as_of: datetime | None, size: str, every: int
):
    account = simulate(as_of=as_of) if as_of else account
    view = View(account, account.production.environment)
    length = timedelta(days=1) if size == "DAY" else timedelta(hours=1)
    checked = 0
    for invoice in account.production.invoices[::every]:
        windows = view.breakdown(invoice, size)
        if not windows:
            assert to_time(invoice.get("start_timestamp") or invoice["issued_at"]) > view.now
            continue
        plan = "invoice_adjustments" in invoice
        lines = [line for row in windows for line in row["line_items"]]
        assert sums(lines, plan) == sums(invoice["line_items"], plan), invoice["id"]
        assert sum(row["total"] for row in windows) == invoice["total"]
        if plan:
            assert sum(row["subtotal"] for row in windows) == invoice["subtotal"]
        for row in windows:
            others = {key: value for key, value in invoice.items() if key not in OUTSIDE}
            assert others.items() <= row.items()
        starts = [to_time(row["breakdown_start_timestamp"]) for row in windows]
        ends = [to_time(row["breakdown_end_timestamp"]) for row in windows]
        assert starts[1:] == ends[:-1]
        assert max(starts) <= view.now
        assert all(end - start <= length for start, end in zip(starts, ends, strict=True))
        checked += len(windows) > 20
    assert checked > 20


def test_usage_falls_on_its_day_and_credits_pay_until_used_up(account: Account):
    view = View(account, account.production.environment)
    state = account.production
    february = state.invoices_by_customer[customer_id(account, "Tidal Works")][1]
    windows = view.breakdown(february, "DAY")
    paid = [
        sum(line["total"] for line in row["line_items"] if line["total"] < 0) for row in windows
    ]
    cost = [
        sum(line["total"] for line in row["line_items"] if line["total"] > 0) for row in windows
    ]
    assert all(-credit <= charge for credit, charge in zip(paid, cost, strict=True))
    assert cost[0] == -paid[0] > 0, "credits pay from the first day on"
    metric = state.catalog.metrics["CPU hours (c6.large)"]
    used = view.usage.windows(customer_id(account, "Tidal Works"), metric["id"], "DAY")
    for row in windows:
        (line,) = [
            line
            for line in row["line_items"]
            if line["name"] == "Compute c6.large" and line["type"] == "usage"
        ]
        day = to_time(row["breakdown_start_timestamp"])
        assert line["quantity"] == used.get(day, 0)


def test_a_first_issue_is_cut_without_late_usage_and_its_successor_with_it(account: Account):
    view = View(account, account.production.environment)
    key = customer_id(account, "Halcyon Labs")
    metric = account.production.catalog.metrics["CPU hours (c6.large)"]["id"]
    last_days = []
    for invoice in account.production.invoices_by_customer[key]:
        if to_time(invoice["end_timestamp"]) == to_time("2024-04-01"):
            late = "regenerated_from_invoice_id" in invoice
            used = view.usage.windows(key, metric, "DAY", late)
            windows = view.breakdown(invoice, "DAY")
            for row in windows:
                sub = row["line_items"][0]["sub_line_items"][0]
                assert sub["quantity"] == used.get(to_time(row["breakdown_start_timestamp"]), 0)
            last_days.append(sum(row["total"] for row in windows[-4:]))
    void, regenerated = last_days
    assert void < regenerated


def test_tiers_fill_in_the_order_of_time_and_the_minimum_comes_first(account: Account):
    view = View(account, account.production.environment)
    state = account.production
    invoice = state.invoices_by_customer[customer_id(account, "Kestrel Media")][0]
    windows = view.breakdown(invoice, "DAY")
    tiers = [
        tier["starting_at"]
        for row in windows
        for line in row["line_items"]
        for sub in line["sub_line_items"]
        for tier in sub["tiers"]
    ]
    assert tiers == sorted(tiers)
    assert len(set(tiers)) > 1
    minimum = state.invoices_by_customer[customer_id(account, "Monmouth Freight")][0]
    first, *others = view.breakdown(minimum, "DAY")
    assert first["invoice_adjustments"] == minimum["invoice_adjustments"]
    assert not any(row["invoice_adjustments"] for row in others)


@pytest.mark.parametrize(
    ("amount", "weights"),
    [
        ("10", [1, 1, 1]),
        ("0.01", [3, 0, 4]),
        ("-7", [0, 1]),
        ("5", [0, 0]),
        ("6", [1, 2, 3]),
        ("0.00000001", [1, 2]),
    ],
)
def test_spread_is_exact(amount: str, weights: list[int]):
    shares = spread(Decimal(amount), [Decimal(weight) for weight in weights])
    assert sum(shares) == Decimal(amount)
    assert len(shares) == len(weights)
    if any(weights):
        assert not any(share for share, weight in zip(shares, weights, strict=True) if not weight)


def test_a_page_of_breakdowns_spans_35_days_or_24_hours(account: Account, http: httpx.Client):
    path = f"/v1/customers/{customer_id(account, 'Pixel Forge')}/invoices/breakdowns"
    for size, span in (("day", timedelta(days=35)), ("hour", timedelta(hours=24))):
        dates = {**MARCH, "starting_on": "2024-02-01T00:00:00Z"} if size == "day" else MARCH
        found = list(pages(http, "GET", path, params={**dates, "window_size": size, "limit": 100}))
        for page in found:
            starts = [to_time(row["breakdown_start_timestamp"]) for row in page]
            ends = [to_time(row["breakdown_end_timestamp"]) for row in page]
            assert max(ends) - min(starts) <= span
        assert len(found) > 1
        assert len(found[0]) < 100, "a page smaller than the limit has a cursor"
        keys = [(row["id"], row["breakdown_start_timestamp"]) for page in found for row in page]
        assert len(set(keys)) == len(keys)


def test_breakdown_filters(account: Account, http: httpx.Client):
    def found(name: str, **more: str) -> list[Record]:
        path = f"/v1/customers/{customer_id(account, name)}/invoices/breakdowns"
        return rows(http, "GET", path, params=MARCH | more)

    regenerated = {row["id"] for row in found("Halcyon Labs")}
    assert len(regenerated) == 1, "the VOID invoice is left out"
    assert not found("Halcyon Labs", status="DRAFT")
    assert not found("Halcyon Labs", status="VOID")
    units = {row["credit_type"]["id"] for row in found("Dual Horizon")}
    assert len(units) == 2
    for unit in units:
        assert {row["credit_type"]["id"] for row in found("Dual Horizon", credit_type_id=unit)} == {
            unit
        }
    one_day = {"starting_on": "2024-03-05T00:00:00Z", "ending_before": "2024-03-06T00:00:00Z"}
    (row,) = found("A1 Company", **one_day)
    assert row["breakdown_start_timestamp"] == "2024-03-05T00:00:00Z"
    sparse = found("Ibex Mobility", skip_zero_qty_line_items="true", window_size="HOUR")
    assert not [line for row in sparse for line in row["line_items"] if line["quantity"] == 0]
    ascending = [row["issued_at"] for row in found("A1 Company", **ALL)]
    descending = [row["issued_at"] for row in found("A1 Company", **ALL, sort="date_desc")]
    assert ascending == sorted(ascending)
    assert descending == sorted(descending, reverse=True)


def test_spend_is_gross_and_can_be_grouped(account: Account, http: httpx.Client):
    key = customer_id(account, "Northwind Robotics")
    path = f"/v1/customers/{key}/invoices/spend-breakdowns"

    def spend(query: str = "", **more: Any) -> list[Record]:
        found, cursor = [], {}
        while cursor is not None:
            response = http.post(path + query, json={**MARCH, "limit": 7, **more, **cursor})
            assert response.status_code == 200, response.text
            page = json.loads(response.content, parse_float=Decimal)
            found += page["data"]
            cursor = {"next_page": page["next_page"]} if page["next_page"] else None
        return found

    invoices = account.production.invoices_by_customer[key]
    (march,) = [
        item for item in invoices if to_time(item["end_timestamp"]) == to_time("2024-04-01")
    ]
    gross = sum(line["total"] for line in march["line_items"] if line["type"] == "usage")

    def amount(found: list[Record]) -> Decimal:
        return sum(line["total"] for row in found for line in row["line_items"])

    days = spend()
    assert len(days) == 31
    assert not any("total" in row for row in days)
    assert amount(days) == gross
    (whole,) = spend(window_size="NONE")
    assert amount([whole]) == gross
    assert len(whole["line_items"]) == 4
    assert "list_price" not in whole["line_items"][0]
    (priced,) = spend("?include_list_prices=true", window_size="NONE")
    assert priced["line_items"][0]["list_price"]["price"] == whole["line_items"][0]["unit_price"]
    (by_region,) = spend(window_size="NONE", group_keys=["region"])
    regions = {line["presentation_group_values"]["region"] for line in by_region["line_items"]}
    assert regions == {"eu-west-1", "us-east-1", "ap-south-1"}
    assert amount([by_region]) == gross
    parts = [
        amount(spend(group_keys=["region"], group_filters={"region": [region]}))
        for region in regions
    ]
    assert all(parts)
    assert sum(parts) == gross
    refused = http.post(path, json={**MARCH, "group_filters": {"region": ["eu-west-1"]}})
    assert refused.status_code == 400


def test_joined_lines_are_the_line_again(account: Account):
    view = View(account, account.production.environment)
    invoice = account.production.invoices_by_customer[customer_id(account, "Kestrel Media")][0]
    windows = view.breakdown(invoice, "DAY")
    assert joined([row["line_items"][0] for row in windows]) == invoice["line_items"][0]


def test_usage_rows(account: Account, http: httpx.Client):
    a1, idle = (customer_id(account, name) for name in ("A1 Company", "Idle Hands Club"))
    metrics = account.production.catalog.metrics
    calls, small = metrics["API calls"]["id"], metrics["CPU hours (c6.large)"]["id"]
    ask = {**MARCH, "window_size": "DAY", "customer_ids": [a1, idle]}
    found = rows(http, "POST", "/v1/usage", json=ask)
    assert {row["customer_id"] for row in found} == {a1}, "a pair that never met is left out"
    assert len(found) == 31 * 5
    both = [{"id": calls}, {"id": small, "group_by": {"key": "region"}}]
    found = rows(http, "POST", "/v1/usage", json=ask | {"billable_metrics": both})
    assert [(row["customer_id"], row["billable_metric_id"]) for row in found[::31]] == [
        (a1, calls),
        (a1, small),
        (idle, calls),
        (idle, small),
    ]
    assert {row["value"] for row in found[:31]} == {None}, "null where no usage matched"
    for row in found[31:62]:
        assert sum(row["groups"].values()) == (row["value"] or 0)
    some = [{"id": small, "group_by": {"key": "region", "values": ["eu-west-1"]}}]
    found = rows(http, "POST", "/v1/usage", json=ask | {"billable_metrics": some})
    assert {key for row in found for key in row["groups"]} == {"eu-west-1"}
    april = {**ask, "starting_on": "2024-04-01T00:00:00Z", "ending_before": "2024-05-01T00:00:00Z"}
    ends = [to_time(row["end_timestamp"]) for row in rows(http, "POST", "/v1/usage", json=april)]
    assert max(ends) == account.now, "windows that have not begun are left out"


def test_all_usage_comes_in_pages_without_a_limit(account: Account, http: httpx.Client):
    ask = {**MARCH, "window_size": "DAY"}
    found = list(pages(http, "POST", "/v1/usage", json=ask))
    assert len(found) > 5
    (whole,) = pages(http, "POST", "/v1/usage", json=ask | {"window_size": "NONE"})
    by_day = sum(row["value"] or 0 for page in found for row in page)
    assert by_day == sum(row["value"] or 0 for row in whole) > 0


def test_grouped_usage(account: Account, http: httpx.Client):
    forge = customer_id(account, "Pixel Forge")
    metrics = account.production.catalog.metrics
    ask = {"customer_id": forge, "billable_metric_id": metrics["Images (256x256)"]["id"]}
    ask["window_size"] = "NONE"

    def groups(**more: Any) -> list[Record]:
        return rows(http, "POST", "/v1/usage/groups", json=ask | more)

    (whole,) = groups(**MARCH)
    assert (whole["group_key"], whole["group_value"]) == (None, None)
    by_user = groups(**MARCH, group_key=["user_id"])
    assert sum(row["value"] for row in by_user) == whole["value"]
    assert by_user == groups(**MARCH, group_by={"key": "user_id"})
    only = groups(**MARCH, group_key=["user_id"], group_filters={"user_id": ["mira", "ada"]})
    assert [row["group"] for row in only] == [{"user_id": "ada"}, {"user_id": "mira"}]
    hours = groups(**MARCH, window_size="HOUR", group_key=["user_id"])
    assert len(hours) == 31 * 24 * 4
    assert any(row["value"] is None for row in hours)
    (current,) = groups(current_period=True)
    assert current["starting_on"] == "2024-04-01T00:00:00+00:00"
    nobody = {"customer_id": customer_id(account, "Blank Slate Holdings")}
    for more in (
        {},
        {**MARCH, "current_period": True},
        {"current_period": True, **nobody},
        {**MARCH, "group_key": ["colour"]},
        {**MARCH, "group_key": ["user_id", "region"]},
        {**MARCH, "group_key": ["user_id"], "group_by": {"key": "user_id"}},
        {**MARCH, "group_filters": {"user_id": ["ada"]}},
        {**MARCH, "group_key": ["user_id"], "group_filters": {"user_id": ["x"] * 201}},
    ):
        assert http.post("/v1/usage/groups", json=ask | more).status_code == 400, more
