"""The API's endpoints: where each list is, how it pages, and the raw tables that it fills.

Paths, filters and paging dialects are the vendor's. An endpoint that is asked once per customer,
contract or plan names the table of those; `keys` takes what is asked for from their rows, fills the
placeholders of the path and of the request, and goes into every row of the answer.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

Row = dict[str, Any]
Rows = Mapping[str, list[Row]]
"""Rows by raw table."""

BASE_URL = "https://api.metronome.com"


class Paging(Enum):
    """Where a list takes its cursor, under which name, and where its answer has the next one."""

    QUERY = ("query", "next_page", "next_page")
    BODY = ("body", "next_page", "next_page")
    BODY_CURSOR = ("body", "cursor", "cursor")
    SEATS = ("body", "cursor", "next_page")
    SEAT_BALANCES = ("body", "cursor", "pagination.next_page")
    ENDLESS = ("query", "next_page", "next_page", "an empty page is the last")
    ONE_PAGE = ("nowhere",)

    @property
    def in_query(self) -> bool:
        """Whether cursor and limit are query parameters, also of a POST."""
        return self.value[:1] == ("query",)


@dataclass(frozen=True)
class Nested:
    """A nested list that becomes the table `table`.

    Attributes:
        path: Where the list lies in its parent, keys separated by dots.
        position: The column that holds the row's place in the list, counted from 1.
        keys: The parent's columns that each row repeats, as {column: parent's column}.
        nested: Lists within the rows.
    """

    table: str
    path: str
    position: str
    keys: Mapping[str, str]
    nested: tuple["Nested", ...] = ()


Replaces = Literal["all", "owner", "window", "invoices", "new"]


@dataclass(frozen=True)
class Endpoint:
    """One list of the API.

    Attributes:
        table: The raw table that its rows go to, and the name that it is selected by.
        path: May hold `{placeholders}`, filled from `keys`.
        of: The table whose rows it is asked for, one by one; None for a list of the account.
        keys: What is taken from such a row, as {column: its column}.
        each: Gives the keys instead, where they are not simply rows of `of`; called with the rows
            read so far and the account's metrics.
        requests: What to send; one walk through the pages each, in the query or the body, by the
            method. Placeholders are filled from the keys, `as_of` and the window.
        window: Asked for spans of time, `{starting_on}` to `{ending_before}`: one `since` the
            customer came, one that it was `invoiced` for, or one for each calendar `month`.
        time: With a window: the column by which a row is in it.
        data: Where the list lies in an answer.
        rows: Turns an object of the answer into rows, where it is not one itself.
        position: Column for the row's place in the answer, where rows have no id.
        heavy: Not read unless selected: one more request for each contract, hour or seat, or the
            same facts as another list.
        replaces: What the rows put out of the table: `all` rows; those of the `owner`, the customer
            that was asked for; those in the `window`; those of the `invoices` asked for again; or
            none, since rows are only ever `new`.
    """

    table: str
    method: Literal["GET", "POST"]
    path: str
    paging: Paging = Paging.QUERY
    limit: int | None = 100
    of: str | None = None
    keys: Mapping[str, str] | None = None
    each: Callable[[Rows], Iterable[Row]] | None = None
    requests: tuple[Mapping[str, Any], ...] = ({},)
    window: Literal["since", "invoiced", "month"] | None = None
    time: str = "start_timestamp"
    data: str = "data"
    rows: Callable[[Row], Iterable[Row]] = lambda item: (item,)
    position: str | None = None
    heavy: bool = False
    replaces: Replaces = "all"
    nested: tuple[Nested, ...] = ()


def _credit_ledgers(item: Row) -> Iterable[Row]:
    """One row per customer holds its ledgers, one per pricing unit."""
    for number, ledger in enumerate(item["ledgers"], start=1):
        yield {**ledger, "customer_id": item["customer_id"], "ledger_number": number}


def _quantities(item: Row) -> Iterable[Row]:
    """A subscription's history: at each time a list, for a price may change within a period."""
    for change in item.get("history") or []:
        for quantity in change["data"]:
            yield {
                **quantity,
                "starting_at": change["starting_at"],
                "fiat_credit_type_id": item.get("fiat_credit_type_id"),
            }


def _costs(item: Row) -> Iterable[Row]:
    """A day's costs are a map by pricing unit."""
    for credit_type_id, cost in item["credit_types"].items():
        yield {
            **cost,
            "credit_type_id": credit_type_id,
            "start_timestamp": item["start_timestamp"],
            "end_timestamp": item["end_timestamp"],
        }


def _units_and_modes(rows: Rows) -> Iterable[Row]:
    """The pricing units of a customer's balances, each with and without the open invoices."""
    units = {
        ((balance.get("access_schedule") or {}).get("credit_type") or {}).get("id"): balance
        for balance in rows["balances"]
        if (balance.get("access_schedule") or {}).get("access_type") != "QUANTITY"
    }
    for unit, balance in units.items():
        for mode in ("FINALIZED_AND_DRAFT", "FINALIZED") if unit else ():
            yield {
                "customer_id": balance["customer_id"],
                "credit_type_id": unit,
                "invoice_inclusion_mode": mode,
            }


def _metrics_and_group_keys(rows: Rows) -> Iterable[Row]:
    """The groups that a metric can be counted by: a compound key must be asked for as a whole."""
    for metric in rows["billable_metrics"]:
        for group_key in metric.get("group_keys") or []:
            yield {
                "customer_id": rows["customers"][0]["id"],
                "billable_metric_id": metric["id"],
                "group_keys": group_key,
            }


_CUSTOMER = {"customer_id": "id"}
_CONTRACT = {"customer_id": "customer_id", "contract_id": "id"}
_SUBSCRIPTION = {
    "customer_id": "customer_id",
    "contract_id": "contract_id",
    "subscription_id": "id",
}
_WINDOW = {"starting_on": "{starting_on}", "ending_before": "{ending_before}"}
_IN_BALANCE = {"balance_id": "id", "customer_id": "customer_id"}
_IN_CONTRACT = {"contract_id": "id", "customer_id": "customer_id"}
_IN_INVOICE = {"invoice_id": "id", "customer_id": "customer_id"}
_IN_GRANT = {"credit_grant_id": "id", "customer_id": "customer_id"}
_IN_LEDGER = {"customer_id": "customer_id", "ledger_number": "ledger_number"}
_IN_BREAKDOWN = {
    "invoice_id": "id",
    "customer_id": "customer_id",
    "breakdown_start_timestamp": "breakdown_start_timestamp",
}
_BALANCES = "/v1/contracts/customerBalances"
_ALL_OF_A_BALANCE = {
    "customer_id": "{customer_id}",
    "include_archived": True,
    "include_balance": True,
    "include_ledgers": True,
}
_IDS_OF_A_CONTRACT = {"customer_id": "{customer_id}", "contract_id": "{contract_id}"}
_IDS_OF_A_SUBSCRIPTION = {**_IDS_OF_A_CONTRACT, "subscription_id": "{subscription_id}"}


def _usage(table: str, window_size: str, **more: Any) -> Endpoint:
    request = {"customer_ids": ["{customer_id}"], "window_size": window_size, **_WINDOW}
    return Endpoint(
        table,
        "POST",
        "/v1/usage",
        limit=None,  # a limit makes the whole request a 400
        of="customers",
        keys=_CUSTOMER,
        requests=(request,),
        replaces="window",
        **{"window": "since", **more},
    )


def _breakdowns(table: str, lines: str, window_size: str, **more: Any) -> Endpoint:
    return Endpoint(
        table,
        "GET",
        "/v1/customers/{customer_id}/invoices/breakdowns",
        of="customers",
        keys=_CUSTOMER,
        requests=({"window_size": window_size, "sort": "date_asc", **_WINDOW},),
        window="invoiced",
        time="breakdown_start_timestamp",
        replaces="window",
        nested=(Nested(lines, "line_items", "line_number", _IN_BREAKDOWN),),
        **more,
    )


CUSTOMERS = Endpoint(
    "customers",
    "GET",
    "/v1/customers",
    requests=({}, {"only_archived": "true"}),  # the second replaces the first: two walks for all
)

ACCOUNT = (
    CUSTOMERS,
    Endpoint("pricing_units", "GET", "/v1/credit-types/list"),
    Endpoint(
        "billable_metrics", "GET", "/v1/billable-metrics", requests=({"include_archived": "true"},)
    ),
    Endpoint(
        "products",
        "POST",
        "/v1/contract-pricing/products/list",
        requests=({"archive_filter": "ALL"},),
    ),
    Endpoint(
        "custom_field_keys",
        "POST",
        "/v1/customFields/listKeys",
        limit=None,
    ),
    Endpoint(
        "services", "GET", "/v1/services", paging=Paging.ONE_PAGE, limit=None, data="services"
    ),
    Endpoint(
        "audit_logs",
        "GET",
        "/v1/auditLogs",
        paging=Paging.ENDLESS,
        requests=({"sort": "date_asc"},),
        replaces="new",
    ),
    Endpoint(
        "rate_cards",
        "POST",
        "/v1/contract-pricing/rate-cards/list",
        nested=(
            Nested(
                "rate_card_conversions",
                "credit_type_conversions",
                "conversion_number",
                {"rate_card_id": "id"},
            ),
        ),
    ),
    Endpoint(
        "rates",
        "POST",
        "/v1/contract-pricing/rate-cards/getRates",
        of="rate_cards",
        keys={"rate_card_id": "id"},
        requests=({"rate_card_id": "{rate_card_id}", "at": "{as_of}"},),
        position="rate_number",
        heavy=True,
    ),
    Endpoint("packages", "POST", "/v1/packages/list", requests=({"archive_filter": "ALL"},)),
    Endpoint(
        "package_contracts",
        "POST",
        "/v1/packages/listContractsOnPackage",
        of="packages",
        keys={"package_id": "id"},
        requests=({"package_id": "{package_id}", "include_archived": True},),
    ),
    Endpoint("plans", "GET", "/v1/plans"),
    Endpoint(
        "plan_details",
        "GET",
        "/v1/planDetails/{plan_id}",
        paging=Paging.ONE_PAGE,
        limit=None,
        of="plans",
        keys={"plan_id": "id"},
    ),
    Endpoint(
        "plan_charges",
        "GET",
        "/v1/planDetails/{plan_id}/charges",
        of="plans",
        keys={"plan_id": "id"},
        position="charge_number",
    ),
    Endpoint(
        "plan_customers",
        "GET",
        "/v1/planDetails/{plan_id}/customers",
        of="plans",
        keys={"plan_id": "id"},
        requests=({"status": "all"},),
    ),
    Endpoint(
        "credit_grants",
        "POST",
        "/v1/credits/listGrants",
        nested=(
            Nested("credit_grant_deductions", "deductions", "entry_number", _IN_GRANT),
            Nested(
                "credit_grant_pending_deductions", "pending_deductions", "entry_number", _IN_GRANT
            ),
        ),
    ),
    Endpoint(
        "credit_ledgers",
        "POST",
        "/v1/credits/listEntries",
        limit=None,
        rows=_credit_ledgers,
        nested=(
            Nested("credit_ledger_entries", "entries", "entry_number", _IN_LEDGER),
            Nested("credit_ledger_pending_entries", "pending_entries", "entry_number", _IN_LEDGER),
        ),
    ),
)
"""Lists of the whole account, each followed by those that are asked for its rows."""

PER_CUSTOMER = (
    Endpoint(
        "customer_plans",
        "GET",
        "/v1/customers/{customer_id}/plans",
        of="customers",
        keys=_CUSTOMER,
        replaces="owner",
    ),
    Endpoint(
        "customer_plan_price_adjustments",
        "GET",
        "/v1/customers/{customer_id}/plans/{customer_plan_id}/priceAdjustments",
        of="customer_plans",
        keys={"customer_id": "customer_id", "customer_plan_id": "id"},
        position="adjustment_number",
        replaces="owner",
    ),
    Endpoint(
        "billing_provider_configurations",
        "POST",
        "/v1/getCustomerBillingProviderConfigurations",
        paging=Paging.ONE_PAGE,
        limit=None,
        of="customers",
        keys=_CUSTOMER,
        requests=({"customer_id": "{customer_id}", "include_archived": True},),
        replaces="owner",
    ),
    Endpoint(
        "contracts",
        "POST",
        "/v2/contracts/list",
        paging=Paging.BODY_CURSOR,
        limit=None,  # its pages are as long as can be; before October 2026 it knew no limit
        of="customers",
        keys=_CUSTOMER,
        requests=({"customer_id": "{customer_id}", "include_archived": True},),
        replaces="owner",
        nested=(
            Nested(
                "contract_subscriptions",
                "subscriptions",
                "subscription_number",
                _IN_CONTRACT,
                nested=(
                    Nested(
                        "contract_subscription_quantities",
                        "quantity_schedule",
                        "quantity_number",
                        {
                            "subscription_id": "id",
                            "contract_id": "contract_id",
                            "customer_id": "customer_id",
                        },
                    ),
                ),
            ),
            Nested("contract_overrides", "overrides", "override_number", _IN_CONTRACT),
            Nested(
                "contract_scheduled_charges", "scheduled_charges", "charge_number", _IN_CONTRACT
            ),
            Nested("contract_discounts", "discounts", "discount_number", _IN_CONTRACT),
            Nested("contract_transitions", "transitions", "transition_number", _IN_CONTRACT),
            Nested(
                "contract_recurring_commits",
                "recurring_commits",
                "recurring_commit_number",
                _IN_CONTRACT,
            ),
            Nested(
                "contract_recurring_credits",
                "recurring_credits",
                "recurring_credit_number",
                _IN_CONTRACT,
            ),
        ),
    ),
    Endpoint(
        "contract_edits",
        "POST",
        "/v2/contracts/getEditHistory",
        paging=Paging.ONE_PAGE,
        limit=None,
        of="contracts",
        keys=_CONTRACT,
        requests=(_IDS_OF_A_CONTRACT,),
        position="edit_number",
        heavy=True,
        replaces="owner",
    ),
    Endpoint(
        "contract_rates",
        "POST",
        "/v1/contracts/getContractRateSchedule",
        of="contracts",
        keys=_CONTRACT,
        requests=({**_IDS_OF_A_CONTRACT, "at": "{as_of}"},),
        position="rate_number",
        heavy=True,
        replaces="owner",
    ),
    Endpoint(
        "subscription_quantities",
        "POST",
        "/v1/contracts/getSubscriptionQuantityHistory",
        paging=Paging.ONE_PAGE,
        limit=None,
        of="contract_subscriptions",
        keys=_SUBSCRIPTION,
        requests=(_IDS_OF_A_SUBSCRIPTION,),
        rows=_quantities,
        position="quantity_number",
        replaces="owner",
    ),
    Endpoint(
        "subscription_seats",
        "POST",
        "/v1/contracts/getSubscriptionSeatsHistory",
        paging=Paging.SEATS,
        limit=10,
        of="contract_subscriptions",
        keys=_SUBSCRIPTION,
        requests=(_IDS_OF_A_SUBSCRIPTION,),
        position="seat_number",
        heavy=True,
        replaces="owner",
    ),
    Endpoint(
        "balances",
        "POST",
        f"{_BALANCES}/list",
        paging=Paging.BODY,
        limit=25,
        of="customers",
        keys=_CUSTOMER,
        requests=({**_ALL_OF_A_BALANCE, "include_contract_balances": True},),
        replaces="owner",
        nested=(
            Nested(
                "balance_segments", "access_schedule.schedule_items", "segment_number", _IN_BALANCE
            ),
            Nested("balance_ledger_entries", "ledger", "entry_number", _IN_BALANCE),
            Nested(
                "balance_invoice_schedule_items",
                "invoice_schedule.schedule_items",
                "item_number",
                _IN_BALANCE,
            ),
        ),
    ),
    Endpoint(
        "commits",
        "POST",
        "/v1/contracts/customerCommits/list",
        paging=Paging.BODY,
        limit=25,
        of="customers",
        keys=_CUSTOMER,
        requests=({**_ALL_OF_A_BALANCE, "include_contract_commits": True},),
        heavy=True,
        replaces="owner",
    ),
    Endpoint(
        "credits",
        "POST",
        "/v1/contracts/customerCredits/list",
        paging=Paging.BODY,
        limit=25,
        of="customers",
        keys=_CUSTOMER,
        requests=({**_ALL_OF_A_BALANCE, "include_contract_credits": True},),
        heavy=True,
        replaces="owner",
    ),
    Endpoint(
        "seat_balances",
        "POST",
        "/v1/contracts/seatBalances/list",
        paging=Paging.SEAT_BALANCES,
        of="contracts",
        keys=_CONTRACT,
        requests=(
            {
                **_IDS_OF_A_CONTRACT,
                "covering_date": "{as_of}",
                "include_credits_and_commits": True,
                "include_ledgers": True,
            },
        ),
        position="seat_number",
        heavy=True,
        replaces="owner",
    ),
    Endpoint(
        "net_balances",
        "POST",
        f"{_BALANCES}/getNetBalance",
        paging=Paging.ONE_PAGE,
        limit=None,
        of="balances",
        each=_units_and_modes,
        requests=(
            {
                "customer_id": "{customer_id}",
                "credit_type_id": "{credit_type_id}",
                "invoice_inclusion_mode": "{invoice_inclusion_mode}",
                # without it, the obligations of postpaid commits are added to what can be spent
                "filters": [{"balance_types": ["PREPAID_COMMIT", "CREDIT"]}],
            },
        ),
        replaces="owner",
    ),
    Endpoint(
        "customer_alerts",
        "POST",
        "/v1/customer-alerts/list",
        limit=None,
        of="customers",
        keys=_CUSTOMER,
        requests=({"customer_id": "{customer_id}"},),
        replaces="owner",
    ),
    Endpoint(
        "invoices",
        "GET",
        "/v1/customers/{customer_id}/invoices",
        limit=25,  # line items are embedded: pages are large
        of="customers",
        keys=_CUSTOMER,
        requests=({"sort": "date_desc"},),  # the default order is documented in two ways
        replaces="invoices",
        nested=(
            Nested(
                "invoice_line_items",
                "line_items",
                "line_number",
                _IN_INVOICE,
                nested=(
                    Nested(
                        "invoice_sub_line_items",
                        "sub_line_items",
                        "sub_line_number",
                        {
                            "invoice_id": "invoice_id",
                            "customer_id": "customer_id",
                            "line_number": "line_number",
                        },
                    ),
                ),
            ),
            Nested("invoice_adjustments", "invoice_adjustments", "adjustment_number", _IN_INVOICE),
            Nested(
                "invoice_constituents",
                "constituent_invoices",
                "constituent_number",
                {"consolidated_invoice_id": "id"},
            ),
        ),
    ),
    _breakdowns("invoice_breakdowns_daily", "invoice_breakdown_daily_lines", "DAY"),
    _breakdowns("invoice_breakdowns_hourly", "invoice_breakdown_hourly_lines", "HOUR", heavy=True),
    Endpoint(
        "spend_breakdowns",
        "POST",
        "/v1/customers/{customer_id}/invoices/spend-breakdowns",
        paging=Paging.BODY,
        of="customers",
        keys=_CUSTOMER,
        requests=({"window_size": "DAY", "sort": "date_asc", **_WINDOW},),
        window="invoiced",
        time="breakdown_start_timestamp",
        position="breakdown_number",
        replaces="window",
        nested=(
            Nested(
                "spend_breakdown_lines",
                "line_items",
                "line_number",
                {**_IN_BREAKDOWN, "breakdown_number": "breakdown_number"},
            ),
        ),
    ),
    _usage("usage_daily", "DAY"),
    _usage("usage_hourly", "HOUR", heavy=True),
    _usage("usage_total", "NONE", window="month", heavy=True),
    Endpoint(
        "usage_groups",
        "POST",
        "/v1/usage/groups",
        of="customers",
        each=_metrics_and_group_keys,
        requests=(
            {
                "customer_id": "{customer_id}",
                "billable_metric_id": "{billable_metric_id}",
                "group_key": "{group_keys}",
                "window_size": "DAY",
                **_WINDOW,
            },
        ),
        window="since",
        time="starting_on",
        heavy=True,
        replaces="window",
    ),
    Endpoint(
        "customer_costs",
        "GET",
        "/v1/customers/{customer_id}/costs",
        of="customers",
        keys=_CUSTOMER,
        requests=(_WINDOW,),
        window="since",
        rows=_costs,
        heavy=True,
        replaces="window",
    ),
)
"""Lists of one customer, each after those that it is asked for the rows of."""

ENDPOINTS = {endpoint.table: endpoint for endpoint in ACCOUNT + PER_CUSTOMER}


def tables(parent: Endpoint | Nested) -> Iterable[Endpoint | Nested]:
    """Whatever fills a table out of one list: the list itself, and the lists within its rows."""
    yield parent
    for nested in parent.nested:
        yield from tables(nested)


ENDPOINT_OF = {part.table: endpoint for endpoint in ENDPOINTS.values() for part in tables(endpoint)}
"""The endpoint that fills a raw table."""
