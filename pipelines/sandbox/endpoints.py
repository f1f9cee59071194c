"""The API's reads: one function per endpoint, and the table that says how each is called."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import Any

from pipelines.sandbox.account import NOW, USD_ID, Account, Books, Record, to_time, total
from pipelines.sandbox.grants import ledger_window


class ApiError(Exception):
    """An error answer: HTTP status, message, and the code that contract reads add."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


class Paging(Enum):
    """Where a list takes its cursor and limit, and under which name it returns the cursor.

    Values: place of both (query or body), name of the cursor in requests and in answers,
    greatest limit (0: the list takes none).
    """

    QUERY = ("query", "next_page", 100)
    QUERY_WITHOUT_LIMIT = ("query", "next_page", 0)
    BODY = ("body", "next_page", 25)
    BODY_CURSOR = ("body", "cursor", 20)


class View:
    """The account as one environment's token sees it, over all blocks."""

    def __init__(self, account: Account, environment: str) -> None:
        """Serve one environment of `account`."""
        self.account, self.environment = account, environment
        self.catalog = account.books[environment].catalog

    @cached_property
    def customers(self) -> dict[str, tuple[Record, int]]:
        """Customers by id, each with the number of its block."""
        return {
            customer["id"]: (customer, number)
            for number, books in enumerate(self.account.blocks(self.environment))
            for customer in books.customers
        }

    @cached_property
    def grants(self) -> list[Record]:
        """All credit grants."""
        return [grant for books in self.account.blocks(self.environment) for grant in books.grants]

    @cached_property
    def ledgers(self) -> list[Record]:
        """The credit ledgers of all customers that have any."""
        return [row for books in self.account.blocks(self.environment) for row in books.ledgers]

    def books(self, customer_id: str) -> Books:
        """The books that hold a customer.

        Raises:
            ApiError: 404, there is no such customer.
        """
        if customer_id not in self.customers:
            raise ApiError(404, f"Customer {customer_id} not found")
        return self.account.block(self.environment, self.customers[customer_id][1])


Arguments = dict[str, Any]


def list_customers(view: View, call: Arguments) -> list[Record]:
    """Active customers, or only the archived ones."""
    archived = call.get("only_archived", False)
    ids = call.get("customer_ids")
    accounts = call.get("salesforce_account_ids")
    return [
        customer
        for customer, _ in view.customers.values()
        if bool(customer["archived_at"]) == archived
        and (ids is None or customer["id"] in ids)
        and (accounts is None or customer["customer_config"]["salesforce_account_id"] in accounts)
        and ("ingest_alias" not in call or call["ingest_alias"] in customer["ingest_aliases"])
    ]


def get_customer(view: View, call: Arguments) -> Record:
    """One customer, archived or not."""
    view.books(call["customer_id"])
    return view.customers[call["customer_id"]][0]


def list_invoices(view: View, call: Arguments) -> list[Record]:
    """A customer's invoices with full lines, VOID included, by `issued_at`.

    Dates select billing periods that lie within [starting_on, ending_before]; an invoice without
    a period (SCHEDULED) is then left out.
    """
    customer_id = call["customer_id"]
    invoices = view.books(customer_id).invoices_by_customer.get(customer_id, [])

    def wanted(invoice: Record) -> bool:
        start, end = to_time(invoice.get("start_timestamp")), to_time(invoice.get("end_timestamp"))
        after, before = call.get("starting_on"), call.get("ending_before")
        return (
            call.get("status", invoice["status"]).upper() == invoice["status"]
            and call.get("type", invoice["type"]).upper() == invoice["type"]
            and call.get("contract_id") in (None, invoice.get("contract_id"))
            and call.get("credit_type_id") in (None, invoice["credit_type"]["id"])
            and (after is None or (start is not None and start >= after))
            and (before is None or (end is not None and end <= before))
        )

    descending = call.get("sort", "date_asc") == "date_desc"
    found = sorted(
        filter(wanted, invoices),
        key=lambda invoice: (to_time(invoice["issued_at"]), invoice["id"]),
        reverse=descending,
    )
    return [_lines_of(invoice, call) for invoice in found]


def get_invoice(view: View, call: Arguments) -> Record:
    """One invoice of a customer."""
    for invoice in view.books(call["customer_id"]).invoices_by_customer.get(
        call["customer_id"], []
    ):
        if invoice["id"] == call["invoice_id"]:
            return _lines_of(invoice, call)
    raise ApiError(404, f"Invoice {call['invoice_id']} not found")


def _lines_of(invoice: Record, call: Arguments) -> Record:
    if not call.get("skip_zero_qty_line_items"):
        return invoice
    lines = [line for line in invoice["line_items"] if line.get("quantity") != 0]
    return {**invoice, "line_items": lines}


def list_credit_types(view: View, call: Arguments) -> list[Record]:
    """All pricing units."""
    return list(view.catalog.credit_types.values())


def list_metrics(view: View, call: Arguments) -> list[Record]:
    """Billable metrics, archived ones on request."""
    archived = call.get("include_archived", False)
    return [
        metric
        for metric in view.catalog.metrics.values()
        if archived or not metric.get("archived_at")
    ]


def list_products(view: View, call: Arguments) -> list[Record]:
    """Contract products by archive state."""
    return _by_archive_state(view.catalog.contract_products.values(), call)


def list_rate_cards(view: View, call: Arguments) -> list[Record]:
    """Rate cards, without their rates."""
    return view.catalog.rate_cards


def list_packages(view: View, call: Arguments) -> list[Record]:
    """Packages by archive state."""
    return _by_archive_state(view.catalog.packages, call)


def _by_archive_state(records: Iterable[Record], call: Arguments) -> list[Record]:
    state = call.get("archive_filter", "NOT_ARCHIVED").upper()
    if state not in ("ARCHIVED", "NOT_ARCHIVED", "ALL"):
        raise ApiError(400, "archive_filter must be ARCHIVED, NOT_ARCHIVED or ALL")
    return [
        record
        for record in records
        if state == "ALL" or bool(record.get("archived_at")) == (state == "ARCHIVED")
    ]


def list_plans(view: View, call: Arguments) -> list[Record]:
    """All plans."""
    return list(view.catalog.plans.values())


def get_plan(view: View, call: Arguments) -> Record:
    """One plan."""
    for plan in view.catalog.plans.values():
        if plan["id"] == call["plan_id"]:
            return plan
    raise ApiError(404, f"Plan {call['plan_id']} not found")


def list_charges(view: View, call: Arguments) -> list[Record]:
    """The charges of a plan; which metric a usage charge counts is not told."""
    plan = get_plan(view, call)
    return [
        {key: value for key, value in charge.items() if key not in ("plan_id", "billable_metric")}
        for charge in view.catalog.plan_charges
        if charge["plan_id"] == plan["id"]
    ]


def list_customer_plans(view: View, call: Arguments) -> list[Record]:
    """The plans a customer is or was on, newest first."""
    plans = view.books(call["customer_id"]).customer_plans.get(call["customer_id"], [])
    return sorted(plans, key=lambda plan: to_time(plan["starting_on"]), reverse=True)


def list_contracts(view: View, call: Arguments) -> list[Record]:
    """A customer's contracts in order of start; an unknown customer is a 400 here."""
    customer_id, covering = call["customer_id"], call.get("covering_date")
    if customer_id not in view.customers:
        raise ApiError(400, f"Customer {customer_id} not found", "CustomerNotFound")
    if covering and "starting_at" in call:
        raise ApiError(400, "covering_date excludes starting_at", "InvalidArgument")

    def wanted(contract: Record) -> bool:
        start, end = to_time(contract["starting_at"]), to_time(contract.get("ending_before"))
        return (
            (call.get("include_archived", False) or not contract.get("archived_at"))
            and (covering is None or (start <= covering and (end is None or covering < end)))
            and ("starting_at" not in call or start >= call["starting_at"])
        )

    contracts = view.books(customer_id).contracts.get(customer_id, [])
    found = sorted(filter(wanted, contracts), key=lambda item: to_time(item["starting_at"]))
    return [
        {
            **contract,
            "commits": [_shown(balance, call) for balance in contract["commits"]],
            "credits": [_shown(balance, call) for balance in contract["credits"]],
        }
        for contract in found
    ]


def list_balances(view: View, call: Arguments) -> list[Record]:
    """A customer's commits and credits; those of contracts on request only."""
    covering = call.get("covering_date")

    def wanted(balance: Record) -> bool:
        accesses = [
            (to_time(item["starting_at"]), to_time(item["ending_before"]))
            for item in balance["access_schedule"]["schedule_items"]
        ]
        return (
            (call.get("include_contract_balances", False) or "contract" not in balance)
            and (call.get("include_archived", False) or not balance.get("archived_at"))
            and call.get("id") in (None, balance["id"])
            and call.get("access_type", "SPEND") == "SPEND"
            and not (call.get("exclude_zero_balances", False) and balance["balance"] == 0)
            and (covering is None or any(start <= covering < end for start, end in accesses))
            and ("starting_at" not in call or any(end > call["starting_at"] for _, end in accesses))
            and (
                "effective_before" not in call
                or any(start < call["effective_before"] for start, _ in accesses)
            )
        )

    balances = view.books(call["customer_id"]).balances.get(call["customer_id"], [])
    return [_shown(balance, call) for balance in balances if wanted(balance)]


def _shown(balance: Record, call: Arguments) -> Record:
    """A commit or credit without the parts that were not asked for."""
    hidden = set()
    if not call.get("include_balance", False):
        hidden.add("balance")
    if not call.get("include_ledgers", False):
        hidden.add("ledger")
    return {key: value for key, value in balance.items() if key not in hidden}


def net_balance(view: View, call: Arguments) -> Record:
    """The sum of a customer's usable balances in one pricing unit, with or without drafts."""
    unit_id = call.get("credit_type_id", USD_ID)
    mode = call.get("invoice_inclusion_mode", "FINALIZED_AND_DRAFT")
    if mode not in ("FINALIZED", "FINALIZED_AND_DRAFT"):
        raise ApiError(400, "invoice_inclusion_mode must be FINALIZED or FINALIZED_AND_DRAFT")
    if call.get("access_type", "SPEND") != "SPEND":
        raise ApiError(400, "this account has no QUANTITY balances")

    def chosen(balance: Record) -> bool:
        kind = "CREDIT" if balance["type"] == "CREDIT" else f"{balance['type']}_COMMIT"
        return balance["access_schedule"]["credit_type"]["id"] == unit_id and (
            not call.get("filters")
            or any(
                kind in item.get("balance_types", [kind])
                and balance["id"] in item.get("ids", [balance["id"]])
                and item.get("custom_fields", {}).items() <= balance["custom_fields"].items()
                for item in call["filters"]
            )
        )

    balances = view.books(call["customer_id"]).balances.get(call["customer_id"], [])
    amount = total(balance["balance"] for balance in balances if chosen(balance))
    if mode == "FINALIZED":
        amount -= total(_pending(balance) for balance in balances if chosen(balance))
    return {"balance": amount, "credit_type_id": unit_id}


def _pending(balance: Record) -> Decimal:
    """What open invoices will deduct: the negative entries dated later than now."""
    return total(
        entry["amount"]
        for entry in balance["ledger"]
        if entry["amount"] < 0 and to_time(entry["timestamp"]) > NOW
    )


def list_grants(view: View, call: Arguments) -> list[Record]:
    """Credit grants of the whole account or of some customers, units or ids."""
    if "credit_grant_ids" in call and ("customer_ids" in call or "credit_type_ids" in call):
        raise ApiError(400, "credit_grant_ids excludes customer_ids and credit_type_ids")
    before, expiring = call.get("effective_before"), call.get("not_expiring_before")
    return [
        grant
        for grant in view.grants
        if grant["id"] in call.get("credit_grant_ids", [grant["id"]])
        and grant["customer_id"] in call.get("customer_ids", [grant["customer_id"]])
        and _unit_wanted(grant["grant_amount"]["credit_type"], call)
        and (before is None or to_time(grant["effective_at"]) < before)
        and (expiring is None or to_time(grant["expires_at"]) >= expiring)
    ]


def list_entries(view: View, call: Arguments) -> list[Record]:
    """Credit ledgers, one row per customer."""
    start, end = call.get("starting_on"), call.get("ending_before")
    if end and end > NOW:
        raise ApiError(400, "ending_before must not be in the future")
    for customer_id in call.get("customer_ids", []):
        view.books(customer_id)
    rows = []
    for row in view.ledgers:
        if row["customer_id"] in call.get("customer_ids", [row["customer_id"]]):
            ledgers = [
                _sorted_ledger(ledger, call, start, end)
                for ledger in row["ledgers"]
                if _unit_wanted(ledger["credit_type"], call)
            ]
            rows.append({**row, "ledgers": ledgers})
    return rows


def _unit_wanted(credit_type: Record, call: Arguments) -> bool:
    return credit_type["id"] in call.get("credit_type_ids", [credit_type["id"]])


def _sorted_ledger(
    ledger: Record, call: Arguments, start: datetime | None, end: datetime | None
) -> Record:
    parts = (ledger["credit_type"], ledger["entries"], ledger["pending_entries"])
    closing_at = to_time(ledger["ending_balance"]["effective_at"])
    window = ledger_window(*parts, closing_at, start, end)
    if call.get("sort") == "desc":
        for key in ("entries", "pending_entries"):
            window[key] = window[key][::-1]
    return window


Handler = Callable[[View, Arguments], Any]


@dataclass(frozen=True)
class Endpoint:
    """How one endpoint is called.

    Attributes:
        method, path: HTTP method, and path with `{name}` for its parameters.
        handler: Gives the records (a list is paged) from the view and the checked arguments.
        paging: None for a single object.
        query, body: Accepted arguments with their types (besides cursor and limit); a trailing
            `!` marks a required one.
        default_limit: Page size when no limit is sent; 0 means the greatest allowed.
    """

    method: str
    path: str
    handler: Handler
    paging: Paging | None = Paging.QUERY
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, str] = field(default_factory=dict)
    default_limit: int = 0


_INVOICES = "/v1/customers/{customer_id}/invoices"
_BALANCES = "/v1/contracts/customerBalances"
_PRICING = "/v1/contract-pricing"
_ARCHIVE = {"archive_filter": "text"}
_SKIP = {"skip_zero_qty_line_items": "flag"}
_SHOW = {"include_archived": "flag", "include_balance": "flag", "include_ledgers": "flag"}

ENDPOINTS = [
    Endpoint(
        "GET",
        "/v1/customers",
        list_customers,
        query={
            "customer_ids": "ids",
            "ingest_alias": "text",
            "salesforce_account_ids": "ids",
            "only_archived": "flag",
        },
    ),
    Endpoint("GET", "/v1/customers/{customer_id}", get_customer, None),
    Endpoint(
        "GET",
        _INVOICES,
        list_invoices,
        query={
            "status": "text",
            "type": "text",
            "contract_id": "text",
            "credit_type_id": "text",
            "starting_on": "time",
            "ending_before": "time",
            "sort": "date_asc|date_desc",
            "include_historical_commit_invoices": "flag",
            **_SKIP,
        },
    ),
    Endpoint("GET", f"{_INVOICES}/{{invoice_id}}", get_invoice, None, query=_SKIP),
    Endpoint("GET", "/v1/customers/{customer_id}/plans", list_customer_plans),
    Endpoint("GET", "/v1/credit-types/list", list_credit_types),
    Endpoint("GET", "/v1/billable-metrics", list_metrics, query={"include_archived": "flag"}),
    Endpoint("POST", f"{_PRICING}/products/list", list_products, body=_ARCHIVE),
    Endpoint("POST", f"{_PRICING}/rate-cards/list", list_rate_cards),
    Endpoint("POST", "/v1/packages/list", list_packages, body=_ARCHIVE, default_limit=10),
    Endpoint("GET", "/v1/plans", list_plans),
    Endpoint("GET", "/v1/planDetails/{plan_id}", get_plan, None),
    Endpoint("GET", "/v1/planDetails/{plan_id}/charges", list_charges),
    Endpoint(
        "POST",
        "/v2/contracts/list",
        list_contracts,
        Paging.BODY_CURSOR,
        body={"customer_id": "text!", "covering_date": "time", "starting_at": "time", **_SHOW},
    ),
    Endpoint(
        "POST",
        f"{_BALANCES}/list",
        list_balances,
        Paging.BODY,
        body={
            "customer_id": "text!",
            "id": "text",
            "covering_date": "time",
            "starting_at": "time",
            "effective_before": "time",
            "include_contract_balances": "flag",
            "exclude_zero_balances": "flag",
            "access_type": "text",
            **_SHOW,
        },
    ),
    Endpoint(
        "POST",
        f"{_BALANCES}/getNetBalance",
        net_balance,
        None,
        body={
            "customer_id": "text!",
            "credit_type_id": "text",
            "filters": "objects",
            "invoice_inclusion_mode": "text",
            "access_type": "text",
        },
    ),
    Endpoint(
        "POST",
        "/v1/credits/listGrants",
        list_grants,
        body={
            "customer_ids": "ids",
            "credit_type_ids": "ids",
            "credit_grant_ids": "ids",
            "effective_before": "time",
            "not_expiring_before": "time",
        },
    ),
    Endpoint(
        "POST",
        "/v1/credits/listEntries",
        list_entries,
        Paging.QUERY_WITHOUT_LIMIT,
        query={"sort": "asc|desc"},
        body={
            "customer_ids": "ids",
            "credit_type_ids": "ids",
            "starting_on": "time",
            "ending_before": "time",
        },
        default_limit=5,
    ),
]
