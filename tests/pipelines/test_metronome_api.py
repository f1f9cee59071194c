"""The API's pipeline: every record of the account, exact; and the good tables stay on a fault."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from pipelines.errors import InputError
from pipelines.metronome_api.settings import TABLES
from pipelines.sandbox.account import Account, Books, Record, to_time
from pipelines.sandbox.server import listen, serving
from tests.pipelines.conftest import TOKEN, Lists, NewWorkspace, Rows, Wire, Workspace

INVOICES = "/v1/customers/c1/invoices"
BALANCES = "/v1/contracts/customerBalances/list"
CONTRACTS = "/v2/contracts/list"
GRANTS = "/v1/credits/listGrants"
ONE_CUSTOMER = {"/v1/customers": ['[{"id": "c1", "name": "One"}]']}
ONE_INVOICE = {
    INVOICES: [
        """[{
            "id": "i1", "customer_id": "c1", "type": "USAGE", "net_payment_terms_days": null,
            "total": 12345678901234567890.123456789012345678, "subtotal": 0.1, "issued_at": null,
            "external_invoice": {"invoice_id": "in_1", "invoiced_total": 70},
            "line_items": [
                {"name": "first", "total": 0.000000000000000001, "sub_line_items": [
                    {"charge_id": "a", "quantity": 0.3, "subtotal": 1e-18},
                    {"charge_id": "b", "quantity": 3, "subtotal": -2.5}
                ]},
                {"name": "second", "total": 7, "sub_line_items": [{"charge_id": "c"}]}
            ],
            "constituent_invoices": [
                {"invoice_id": "i8", "contract_id": "k", "customer_id": "c8"},
                {"invoice_id": "i9", "contract_id": "k", "customer_id": "c9"}
            ],
            "brand_new_text": "kept", "brandNewAmount": 0.123456789012345678,
            "brand_new_object": {"depth": {"amount": 1.25}}, "brand_new_list": [{"amount": 0.1}]
        }]"""
    ]
}


@dataclass(frozen=True)
class Loaded:
    """A workspace, and what was asked to fill it."""

    workspace: Workspace
    requests: list[Request]


@pytest.fixture(scope="module")
def details(new_workspace: NewWorkspace) -> Loaded:
    """One customer with every dialect's list in two pages, and the invoice of `ONE_INVOICE`."""
    two_pages = ['[{"id": "first"}]', '[{"id": "second"}]']
    paths = ("/v1/plans", GRANTS, BALANCES, CONTRACTS)
    wire = Wire(Lists(ONE_CUSTOMER | ONE_INVOICE | dict.fromkeys(paths, two_pages)))
    workspace = new_workspace()
    with serving(wire) as url:
        workspace.load_api(url)
    return Loaded(workspace, wire.requests)


@pytest.fixture
def books(account: Account) -> Books:
    return account.production


def all_of(groups: dict[str, list[Record]]) -> list[Record]:
    return [record for records in groups.values() for record in records]


def lines_of(books: Books) -> Iterator[tuple[str, int, Record]]:
    """Every line with its invoice's id and its place."""
    for invoice in books.invoices:
        for number, line in enumerate(invoice["line_items"], start=1):
            yield invoice["id"], number, line


# The whole account


def test_every_list_is_loaded_in_full(loaded_api: Workspace, books: Books):
    balances = all_of(books.balances)
    records = {
        "customers": books.customers,
        "pricing_units": books.catalog.credit_types,
        "billable_metrics": books.catalog.metrics,
        "products": books.catalog.contract_products,
        "rate_cards": books.catalog.rate_cards,
        "packages": books.catalog.packages,
        "plans": books.catalog.plans,
        "customer_plans": all_of(books.customer_plans),
        "contracts": all_of(books.contracts),
        "credit_grants": books.grants,
        "balances": balances,
        "balance_segments": [
            item for balance in balances for item in balance["access_schedule"]["schedule_items"]
        ],
        "balance_ledger_entries": [item for balance in balances for item in balance["ledger"]],
        "invoices": books.invoices,
        "invoice_line_items": list(lines_of(books)),
        "invoice_sub_line_items": [
            sub for *_, line in lines_of(books) for sub in line.get("sub_line_items", [])
        ],
        "invoice_adjustments": [
            item for invoice in books.invoices for item in invoice.get("invoice_adjustments", [])
        ],
        "invoice_constituents": [
            item for invoice in books.invoices for item in invoice.get("constituent_invoices", [])
        ],
    }
    assert TABLES.keys() == records.keys()
    expected = {table: len(items) for table, items in records.items() if items}
    assert loaded_api.counts("raw_api") == expected


def test_a_table_has_no_columns_of_another(loaded_api: Workspace, empty: Workspace):
    """Beyond the declared ones there are only those that the account's records have."""
    columns = (
        "select table_name, column_name from information_schema.columns "
        "where table_schema = 'raw_api' and table_name in ({})"
    ).format(", ".join(f"'{table}'" for table in TABLES))
    added = set(loaded_api.query(columns)) - set(empty.query(columns))
    assert {(table, name) for table, name in added if table.startswith("invoice")} == {
        ("invoices", "revenue_recognition__schedule"),
        ("invoice_line_items", "sustainability_score"),
    }


def test_totals_of_invoices_are_exact(loaded_api: Workspace, books: Books):
    loaded = loaded_api.query("select id, total, subtotal from raw_api.invoices order by id")
    assert loaded == sorted(
        (invoice["id"], invoice["total"], invoice.get("subtotal")) for invoice in books.invoices
    )


def test_lines_are_exact_and_keep_their_invoice_and_place(loaded_api: Workspace, books: Books):
    loaded = loaded_api.query(
        "select invoice_id, line_number, name, total, quantity, unit_price "
        "from raw_api.invoice_line_items order by all"
    )
    assert loaded == sorted(
        (
            *(invoice_id, number, line["name"]),
            *(line["total"], line.get("quantity"), line.get("unit_price")),
        )
        for invoice_id, number, line in lines_of(books)
    )


def test_sub_lines_are_exact_and_keep_their_line_and_place(loaded_api: Workspace, books: Books):
    loaded = loaded_api.query(
        "select invoice_id, line_number, sub_line_number, charge_id, quantity, subtotal "
        "from raw_api.invoice_sub_line_items order by all"
    )
    assert loaded == sorted(
        (invoice_id, line, number, sub["charge_id"], sub["quantity"], sub["subtotal"])
        for invoice_id, line, record in lines_of(books)
        for number, sub in enumerate(record.get("sub_line_items", []), start=1)
    )


def test_ledgers_keep_their_balance_and_place(loaded_api: Workspace, books: Books):
    loaded = loaded_api.query(
        "select balance_id, entry_number, type, amount from raw_api.balance_ledger_entries "
        "order by all"
    )
    assert loaded == sorted(
        (balance["id"], number, entry["type"], entry["amount"])
        for balance in all_of(books.balances)
        for number, entry in enumerate(balance["ledger"], start=1)
    )


def test_every_customer_is_there_once_with_archived_ones_and_what_is_theirs(
    loaded_api: Workspace, books: Books
):
    loaded = loaded_api.query("select id, name, archived_at from raw_api.customers order by id")
    assert loaded == sorted(
        (customer["id"], customer["name"], to_time(customer["archived_at"]))
        for customer in books.customers
    )
    archived = {customer["id"] for customer in books.customers if customer["archived_at"]}
    with_invoices = loaded_api.column("select distinct customer_id from raw_api.invoices")
    assert archived and archived < set(with_invoices)


def test_rows_of_lists_per_customer_name_their_customer(loaded_api: Workspace, books: Books):
    for table, groups in (
        ("customer_plans", books.customer_plans),
        ("contracts", books.contracts),
        ("balances", books.balances),
    ):
        loaded = loaded_api.query(f"select id, customer_id from raw_api.{table} order by all")
        assert loaded == sorted(
            (item["id"], customer_id) for customer_id, items in groups.items() for item in items
        )


# Details of values


def test_numbers_are_those_of_the_bytes(details: Loaded):
    invoice = details.workspace.query(
        "select total, subtotal, external_invoice__invoiced_total from raw_api.invoices"
    )
    assert invoice == [
        (Decimal("12345678901234567890.123456789012345678"), Decimal("0.1"), Decimal(70))
    ]
    lines = "select total from raw_api.invoice_line_items order by line_number"
    assert details.workspace.column(lines) == [Decimal("1e-18"), 7]
    sub_lines = "select quantity, subtotal from raw_api.invoice_sub_line_items order by charge_id"
    assert details.workspace.query(sub_lines) == [
        (Decimal("0.3"), Decimal("1e-18")),
        (3, Decimal("-2.5")),
        (None, None),
    ]


def test_nested_rows_have_their_parents_keys_and_count_from_one(details: Loaded):
    def rows(columns: str, table: str) -> Rows:
        return details.workspace.query(f"select {columns} from raw_api.{table} order by all")

    assert rows("invoice_id, line_number, name", "invoice_line_items") == [
        ("i1", 1, "first"),
        ("i1", 2, "second"),
    ]
    assert rows(
        "invoice_id, line_number, sub_line_number, charge_id", "invoice_sub_line_items"
    ) == [("i1", 1, 1, "a"), ("i1", 1, 2, "b"), ("i1", 2, 1, "c")]
    assert rows(
        "consolidated_invoice_id, constituent_number, invoice_id, customer_id",
        "invoice_constituents",
    ) == [("i1", 1, "i8", "c8"), ("i1", 2, "i9", "c9")]


def test_absent_and_null_fields_are_null(details: Loaded):
    columns = "issued_at, net_payment_terms_days, status, plan_id, external_invoice__pdf_url"
    assert details.workspace.query(f"select {columns} from raw_api.invoices") == [(None,) * 5]


def test_unknown_fields_are_kept_in_full(details: Loaded):
    columns = "brand_new_text, brand_new_amount, brand_new_object__depth__amount"
    assert details.workspace.query(f"select {columns} from raw_api.invoices") == [
        ("kept", Decimal("0.123456789012345678"), Decimal("1.25"))
    ]
    brand_new_list = "select amount from raw_api.invoices__brand_new_list"
    assert details.workspace.column(brand_new_list) == [Decimal("0.1")]


def test_a_record_that_comes_twice_is_one_row(details: Loaded):
    """The archived customers are asked for in a second walk, which here gives the same one."""
    walks = [item for item in details.requests if item.url.path == "/v1/customers"]
    assert len(walks) == 2
    assert details.workspace.column("select id from raw_api.customers") == ["c1"]


# Runs after the first


def load_again(workspace: Workspace, pages: dict[str, list[str]]) -> dict[str, int]:
    """Load an API that has changed; gives how many rows the tables have now."""
    with serving(Lists(pages)) as url:
        workspace.load_api(url)
    return workspace.counts("raw_api")


def test_a_number_too_fine_is_refused_and_a_run_replaces_what_an_earlier_one_loaded(
    details: Loaded, new_workspace: NewWorkspace
):
    """What failed changes no table and does not stand in the way of the next run."""
    workspace = new_workspace(details.workspace)
    too_fine = '[{"id": "i1", "total": 0.1234567890123456789}]'
    with pytest.raises(
        InputError,
        match=r"/v1/customers/c1/invoices .* the number 0\.1234567890123456789 has more than 18",
    ):
        load_again(workspace, ONE_CUSTOMER | {INVOICES: [too_fine]})
    assert workspace.contents("raw_api") == details.workspace.contents("raw_api")

    without_lines = '[{"id": "i1", "total": 5}, {"id": "i2"}]'
    assert load_again(workspace, ONE_CUSTOMER | {INVOICES: [without_lines]}) == {
        "customers": 1,
        "invoices": 2,
    }
    invoices = "select id, total, subtotal from raw_api.invoices order by id"
    assert workspace.query(invoices) == [("i1", 5, None), ("i2", None, None)]


def test_an_account_that_is_empty_now_empties_every_table(
    details: Loaded, new_workspace: NewWorkspace
):
    workspace = new_workspace(details.workspace)
    assert workspace.counts("raw_api")["invoice_sub_line_items"] == 3
    assert load_again(workspace, {}) == {}


def test_an_api_does_not_replace_what_another_showed(details: Loaded, new_workspace: NewWorkspace):
    workspace = new_workspace(details.workspace)
    with pytest.raises(InputError, match=r"holds what sandbox showed, not api\.example\.test"):
        workspace.load_api("https://api.example.test")
    assert workspace.contents("raw_api") == details.workspace.contents("raw_api")


# Requests


def sent(request: Request) -> tuple[str, dict[str, str], Any]:
    """Method, query and JSON body of a request; no body is None."""
    body = json.loads(request._body) if request._body else None
    return request.method, dict(request.query_params), body


ALL_CONTRACTS = {"customer_id": "c1", "limit": 20, "include_archived": True}
ALL_BALANCES = {
    "customer_id": "c1",
    "limit": 25,
    "include_contract_balances": True,
    "include_archived": True,
    "include_balance": True,
    "include_ledgers": True,
}
EXPECTED = {
    "/v1/customers": [
        ("GET", {"limit": "100"}, None),
        ("GET", {"limit": "100", "only_archived": "true"}, None),
    ],
    "/v1/billable-metrics": [("GET", {"limit": "100", "include_archived": "true"}, None)],
    "/v1/contract-pricing/products/list": [("POST", {"limit": "100"}, {"archive_filter": "ALL"})],
    "/v1/contract-pricing/rate-cards/list": [("POST", {"limit": "100"}, {})],
    INVOICES: [("GET", {"limit": "25", "sort": "date_asc"}, None)],
    "/v1/plans": [
        ("GET", {"limit": "100"}, None),
        ("GET", {"limit": "100", "next_page": "1"}, None),
    ],
    GRANTS: [
        ("POST", {"limit": "100"}, {}),
        ("POST", {"limit": "100", "next_page": "1"}, {}),
    ],
    CONTRACTS: [
        ("POST", {}, ALL_CONTRACTS),
        ("POST", {}, ALL_CONTRACTS | {"cursor": "1"}),
    ],
    BALANCES: [
        ("POST", {}, ALL_BALANCES),
        ("POST", {}, ALL_BALANCES | {"next_page": "1"}),
    ],
}


@pytest.mark.parametrize("path", EXPECTED)
def test_a_list_is_asked_for_in_its_dialect(details: Loaded, path: str):
    assert [sent(item) for item in details.requests if item.url.path == path] == EXPECTED[path]


def test_every_request_carries_the_token_and_none_an_idempotency_key(details: Loaded):
    assert {item.headers["authorization"] for item in details.requests} == {f"Bearer {TOKEN}"}
    assert not [item for item in details.requests if "idempotency-key" in item.headers]


def test_every_post_sends_json(details: Loaded):
    posts = [item for item in details.requests if item.method == "POST"]
    assert {item.headers["content-type"] for item in posts} == {"application/json"}


# Faults on the wire


@pytest.fixture(scope="module")
def good(new_workspace: NewWorkspace) -> Iterator[Loaded]:
    """One customer and one invoice, which no fault may change. Retries come at once.

    The invoices were asked for four times: the API was out of order, busy, and not ready yet.
    """
    passing = iter([Response(status_code=status) for status in (500, 429, 503)])
    wire = Wire(
        Lists(ONE_CUSTOMER | ONE_INVOICE),
        lambda item: next(passing, None) if item.url.path == INVOICES else None,
    )
    workspace = new_workspace()
    with pytest.MonkeyPatch.context() as patch, serving(wire) as url:
        patch.setattr("tenacity.nap.time", SimpleNamespace(sleep=lambda seconds: None))
        workspace.load_api(url)
        yield Loaded(workspace, wire.requests)


def test_a_fault_that_passes_is_tried_again(good: Loaded):
    assert len([item for item in good.requests if item.url.path == INVOICES]) == 4
    assert good.workspace.column("select id from raw_api.invoices") == ["i1"]


FAULTS = {
    "unauthorized": (Response('{"message": "no"}', 401), "answered 401: the token is wrong"),
    "error": (Response("out of order", 500), "answered 500: out of order"),
    "web page": (Response("<!doctype html><title>Log in</title>"), "no page of a list"),
    "cut off": (Response('{"data": [{"id": "i'), "no page of a list"),
    "no list": (Response('{"message": "under maintenance"}'), 'there is no list "data"'),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_answer_is_said_and_the_last_good_tables_stay(good: Loaded, fault: str):
    before = good.workspace.contents("raw_api")
    answer, message = FAULTS[fault]
    faulty = Wire(Lists(ONE_CUSTOMER), lambda item: answer if item.url.path == INVOICES else None)
    with serving(faulty) as url, pytest.raises(InputError) as caught:
        good.workspace.load_api(url)
    assert f"GET {INVOICES} " in str(caught.value)
    assert message in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert good.workspace.contents("raw_api") == before


def test_an_api_that_is_not_there_is_said_and_the_last_good_tables_stay(good: Loaded):
    before = good.workspace.contents("raw_api")
    with listen(0) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(InputError, match=f"at http://127.0.0.1:{port} failed: ConnectionError"):
        good.workspace.load_api(f"http://127.0.0.1:{port}")
    assert good.workspace.contents("raw_api") == before


# The token


def test_the_token_is_in_no_file_and_no_table(details: Loaded, workspace: Workspace):
    """After a run that succeeded, and after one that failed."""
    refusing = Wire(Lists({}), lambda item: Response(status_code=401))
    with serving(refusing) as url, pytest.raises(InputError):
        workspace.load_api(url)
    for used in (details.workspace, workspace):
        files = [path for path in used.dlt_folder.rglob("*") if path.is_file()]
        texts = [path.read_bytes() for path in [used.database, *files]]
        texts += [gzip.decompress(text) for text in texts if text.startswith(b"\x1f\x8b")]
        assert any(b"metronome_api" in text for text in texts)
        assert not [text for text in texts if TOKEN.encode() in text]

        tables = used.column(
            "select string_agg(format('select to_json(t) from {}.{} as t', schema_name, "
            "table_name), ' union all ') from duckdb_tables()"
        )
        rows = used.column(*tables)
        assert "metronome_api" in "".join(rows)
        assert TOKEN not in "".join(rows)
