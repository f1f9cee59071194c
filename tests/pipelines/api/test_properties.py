"""Test any number, any split into pages, any nesting, and any sequence of faults."""

import json
import math
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from dlt.common.typing import TSecretStrValue
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipelines.common.errors import InputError
from pipelines.metronome_api.client import MetronomeClient
from pipelines.metronome_api.endpoints import ENDPOINTS, ONE_PAGE
from pipelines.metronome_api.parsing import parse
from pipelines.metronome_api.rows import by_table
from pipelines.metronome_api.transport import Limits, RequestStats
from sandbox.api.fault_options import Faults
from sandbox.api.faults import FaultyApi
from sandbox.api.server import create_app, serving
from sandbox.core.account import Account
from sandbox.core.records import PRODUCTION
from tests.pipelines.conftest import TOKEN, Lists, NewWorkspace, Workspace


def alike(examples: int = 100, **more: Any) -> settings:
    """Return the same examples in every run, however slow the machine."""
    return settings(max_examples=examples, derandomize=True, database=None, deadline=None, **more)


def parsed(text: str) -> Any:
    """Return the value that is parsed from a number in an answer."""
    return parse(f'{{"total": {text}}}'.encode())["total"]


# Numbers

NUMBERS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
)


@alike(200)
@given(NUMBERS)
@example("99999999999999999999.9999999999999999995")
@example("99999999999999999999")
@example("9223372036854775808")
@example("0.0000000000000000005")
@example("0e99")
def test_a_number_is_what_was_sent_to_the_18th_decimal_or_refused(text: str):
    units = round(Fraction(text) * 10**18)  # half to even
    if abs(units) < 10**38:
        number = parsed(text)
        assert isinstance(number, int | Decimal)
        assert Fraction(number) == Fraction(units, 10**18)
        assert not isinstance(number, int) or -(2**63) <= number < 2**63
    else:
        with pytest.raises(ValueError, match="has more digits than DECIMAL"):
            parsed(text)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_no_number_is_refused(text: str):
    with pytest.raises(ValueError, match=f"^{text} is not a number$"):
        parsed(text)


# Pages

DIALECTS = {
    name: ENDPOINTS[name]
    for name in (
        *("plans", "credit_grants", "balances", "contracts"),
        *("subscription_seats", "seat_balances", "audit_logs"),
    )
}
"""A list of each way to page."""


@pytest.fixture(scope="module")
def lists() -> Iterator[tuple[Lists, MetronomeClient]]:
    """Yield an API whose lists can be set, and a client of it."""
    app = Lists({})
    with serving(app) as url:
        yield app, MetronomeClient(url, TSecretStrValue(TOKEN), Limits(math.inf))


def test_each_way_to_page_is_tried():
    ways = {id(endpoint.paginator) for endpoint in ENDPOINTS.values()} - {id(ONE_PAGE)}
    assert {id(endpoint.paginator) for endpoint in DIALECTS.values()} == ways


@pytest.mark.parametrize("name", DIALECTS)
@alike(15)
@given(sizes=st.lists(st.integers(0, 4), min_size=1, max_size=6))
def test_a_list_is_whole_however_it_is_cut(
    lists: tuple[Lists, MetronomeClient], name: str, sizes: list[int]
):
    app, client = lists
    endpoint = DIALECTS[name]
    rows = [{"id": str(number)} for number in range(sum(sizes))]
    left = iter(rows)
    pages = [[next(left) for _ in range(size)] for size in sizes]
    if name == "audit_logs":  # it ends with its first empty page, which also has a next cursor
        pages = [*filter(None, pages), [], [{"id": "never asked for"}]]
    app.pages = {endpoint.path: [json.dumps(page) for page in pages]}
    walked = [page for page, _ in client.walk(endpoint, {}, {}, RequestStats())]
    assert [row for page in walked for row in page] == rows


# Nested lists

VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
FIELDS = st.dictionaries(st.sampled_from(["name", "total", "properties"]), VALUES)


def items(**nested: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Lists of objects with some fields, and some of the nested lists."""
    own = st.fixed_dictionaries({}, optional=nested)
    return st.lists(st.builds(lambda fields, lists: fields | lists, FIELDS, own), max_size=4)


NESTED = items(
    line_items=items(sub_line_items=items()) | st.none(),
    invoice_adjustments=items(),
    constituent_invoices=items(),
)


@alike()
@given(NESTED)
def test_nested_lists_can_be_put_together_again(invoices: list[dict[str, Any]]):
    endpoint = ENDPOINTS["invoices"]
    for number, invoice in enumerate(invoices):
        invoice |= {"id": f"i{number}", "customer_id": "c"}
    expected = deepcopy(invoices)
    tables = dict(by_table(endpoint, deepcopy(invoices)))
    subs = {}
    for row in tables["invoice_sub_line_items"]:
        key = row["invoice_id"], row["line_number"]
        subs.setdefault(key, []).append(without(row, "sub_line_number", "line_number"))
    for invoice in expected:
        for number, line in enumerate(invoice.get("line_items") or [], start=1):
            line_items = line.pop("sub_line_items", [])
            assert subs.pop((invoice["id"], number), []) == [owned(s, invoice) for s in line_items]
        for table, column in (
            ("invoice_line_items", "line_items"),
            ("invoice_adjustments", "invoice_adjustments"),
        ):
            rows = [row for row in tables[table] if row["invoice_id"] == invoice["id"]]
            found = [without(row, "line_number", "adjustment_number") for row in rows]
            assert found == [owned(row, invoice) for row in invoice.pop(column, None) or []]
        rows = [
            without(row, "constituent_number", "consolidated_invoice_id")
            for row in tables["invoice_constituents"]
            if row["consolidated_invoice_id"] == invoice["id"]
        ]
        assert rows == invoice.pop("constituent_invoices", [])
    assert subs == {}
    assert tables["invoices"] == expected


def owned(row: dict[str, Any], invoice: dict[str, Any]) -> dict[str, Any]:
    return row | {"invoice_id": invoice["id"], "customer_id": invoice["customer_id"]}


def without(row: dict[str, Any], *columns: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in columns}


ANYTHING = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "line_items", "sub_line_items", "ledger"]), inner)
    ),
    max_leaves=12,
)


@alike()
@given(
    st.sampled_from(["invoices", "balances", "contracts"]),
    st.lists(st.dictionaries(st.sampled_from(["id", "line_items", "ledger"]), ANYTHING)),
)
def test_anything_else_is_refused_with_the_tables_name(name: str, rows: list[dict[str, Any]]):
    for row in rows:
        row.setdefault("customer_id", "c")
    try:
        for _, table_rows in by_table(ENDPOINTS[name], rows):
            assert all(isinstance(row, dict) for row in table_rows)
    except InputError as error:
        assert "cannot be loaded" in str(error)


# Faults

SELECTED = ("balances", "contracts", "invoices")
SHARES = st.sampled_from([0, 0.05, 0.2, 0.5])


@pytest.fixture(scope="module")
def small(account: Account) -> Account:
    """Return three of the account's customers."""
    books = account.production
    customers = books.customers[:3]
    own = replace(books, customers=customers)
    return Account(account.seed, {PRODUCTION: own}, account.now)


@pytest.fixture(scope="module")
def undisturbed(small: Account, new_workspace: NewWorkspace) -> Workspace:
    workspace = new_workspace()
    with serving(create_app(small, TOKEN)) as url:
        workspace.load_api(url, *SELECTED)
    return workspace


@pytest.mark.fault(
    "network", "random sequences of errors, drops and cut bodies", "the same tables, a run later"
)
@alike(3, suppress_health_check=[HealthCheck.too_slow])
@given(
    faults=st.builds(Faults, errors=SHARES, drop=SHARES, truncate=SHARES, seed=st.integers(0, 1000))
)
def test_whatever_fails_the_tables_end_as_if_nothing_had(
    small: Account, undisturbed: Workspace, new_workspace: NewWorkspace, faults: Faults
):
    workspace = new_workspace()
    app = create_app(small, TOKEN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.metronome_api.transport.LONGEST_PAUSE", 0.01)
        try:
            with serving(FaultyApi(app, faults)) as url:
                workspace.load_api(url, *SELECTED)
        except InputError as error:
            assert "answered" in str(error) or "failed: " in str(error)
            with serving(app) as url:
                workspace.load_api(url, *SELECTED)
    assert workspace.facts() == undisturbed.facts()
