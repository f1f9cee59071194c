"""Declare the API's endpoints: path, params and paginator of each list, and its raw tables.

Paths, params and paginators are Metronome's. A list that is requested once per customer, contract
or plan has the table of those as its parent.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dlt.sources.helpers.rest_client.paginators import (
    BasePaginator,
    JSONResponseCursorPaginator,
    SinglePagePaginator,
)

Row = dict[str, Any]
Rows = Mapping[str, list[Row]]
"""Rows by raw table."""

QUERY = JSONResponseCursorPaginator("next_page", cursor_param="next_page")
BODY = JSONResponseCursorPaginator("next_page", cursor_body_path="next_page")
CURSOR = JSONResponseCursorPaginator("cursor", cursor_body_path="cursor")
SEATS = JSONResponseCursorPaginator("next_page", cursor_body_path="cursor")
SEAT_BALANCES = JSONResponseCursorPaginator("pagination.next_page", cursor_body_path="cursor")
ENDLESS = JSONResponseCursorPaginator(
    "next_page", cursor_param="next_page", stop_after_empty_page=True
)
ONE_PAGE = SinglePagePaginator()
"""The API's paginators: where a response has the next cursor, and where a request sends it."""


@dataclass(frozen=True)
class Nested:
    """A nested list that becomes a separate table.

    Attributes:
        path: The list's keys in its parent, separated by dots.
        position: The column for the row's position in the list, counted from 1.
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
    """One list of the API. Fields that dlt's `rest_api` source has, too, have its names.

    Attributes:
        table: The raw table of its rows. Its resource has the same name.
        method: GET or POST.
        path: The path of the URL. `{placeholders}` are filled from `include_from_parent`.
        paginator: The paginator. The client copies it for each walk.
        limit: Rows per page. None if the list does not accept a limit.
        parent: The table with one request per row. None for a list of the account.
        include_from_parent: Columns of the parent's row, as {column: parent's column}. They fill
            the placeholders of path and params, and are added to every row of the response.
        each: Returns the values for each request, if there is not one request per row of `parent`.
            Its argument has the rows that were read so far by table, and the account's metrics
            under `billable_metrics`.
        needs_metrics: Whether `each` uses the account's metrics. They are then read first.
        params: Values for the query or the JSON body, by the method. The list is read once for
            each. Placeholders are filled from the parent, `as_of` and the window.
        window: The spans of time to request, `{starting_on}` to `{ending_before}`. `since` is one
            span from the creation of the customer on. `invoiced` is one span that covers the
            customer's invoices. `month` is one span per calendar month.
        time: With a window, the column that decides whether a row is in it.
        data_selector: The key of the list in a response.
        rows: Splits an object of the response into rows, if the object is not a row.
        position: The column for the row's position in the response, if rows have no id.
        selected: Whether it is read by default. False if the list takes many requests, or repeats
            another list.
        replaces: The old rows of the table that a load of the pipeline deletes. `all`: every row.
            `owner`: the rows of the requested customer. `window`: the rows of the requested
            customer from the start of the window on. `invoices`: the invoices that were read, and
            those that no longer exist. `new`: only rows with the same key.
    """

    table: str
    method: Literal["GET", "POST"]
    path: str
    paginator: BasePaginator = QUERY
    limit: int | None = 100
    parent: str | None = None
    include_from_parent: Mapping[str, str] | None = None
    each: Callable[[Rows], Iterable[Row]] | None = None
    needs_metrics: bool = False
    params: tuple[Mapping[str, Any], ...] = ({},)
    window: Literal["since", "invoiced", "month"] | None = None
    time: str = "start_timestamp"
    data_selector: str = "data"
    rows: Callable[[Row], Iterable[Row]] = lambda item: (item,)
    position: str | None = None
    selected: bool = True
    replaces: Replaces = "all"
    nested: tuple[Nested, ...] = ()

    @property
    def limit_in_query(self) -> bool:
        """Return whether the limit is a query parameter, like the cursor, even of a POST."""
        return self.method == "GET" or getattr(self.paginator, "cursor_param", None) is not None


def _credit_ledgers(item: Row) -> Iterable[Row]:
    """Yield a row for each ledger of a customer. A customer has one per pricing unit."""
    for number, ledger in enumerate(item["ledgers"], start=1):
        yield {**ledger, "customer_id": item["customer_id"], "ledger_number": number}


def _quantities(item: Row) -> Iterable[Row]:
    """Yield the rows of a subscription's history, which has a list per point in time."""
    for change in item.get("history") or []:
        for quantity in change["data"]:
            yield {
                **quantity,
                "starting_at": change["starting_at"],
                "fiat_credit_type_id": item.get("fiat_credit_type_id"),
            }


def _costs(item: Row) -> Iterable[Row]:
    """Yield a row for each pricing unit of a day's costs."""
    for credit_type_id, cost in item["credit_types"].items():
        yield {
            **cost,
            "credit_type_id": credit_type_id,
            "start_timestamp": item["start_timestamp"],
            "end_timestamp": item["end_timestamp"],
        }


def _units_and_modes(rows: Rows) -> Iterable[Row]:
    """Yield the pricing units of a customer's balances, each with and without draft invoices."""
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
    """Yield the group keys of all metrics. A compound key is requested as a whole."""
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
        limit=None,  # the endpoint answers a limit with 400
        parent="customers",
        include_from_parent=_CUSTOMER,
        params=(request,),
        replaces="window",
        **{"window": "since", **more},
    )


def _breakdowns(table: str, lines: str, window_size: str, **more: Any) -> Endpoint:
    return Endpoint(
        table,
        "GET",
        "/v1/customers/{customer_id}/invoices/breakdowns",
        parent="customers",
        include_from_parent=_CUSTOMER,
        params=({"window_size": window_size, "sort": "date_asc", **_WINDOW},),
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
    params=(
        {},
        {"only_archived": "true"},
    ),  # the filter excludes the other customers, so two walks read all
)

ACCOUNT = (
    CUSTOMERS,
    Endpoint("pricing_units", "GET", "/v1/credit-types/list"),
    Endpoint(
        "billable_metrics", "GET", "/v1/billable-metrics", params=({"include_archived": "true"},)
    ),
    Endpoint(
        "products",
        "POST",
        "/v1/contract-pricing/products/list",
        params=({"archive_filter": "ALL"},),
    ),
    Endpoint(
        "custom_field_keys",
        "POST",
        "/v1/customFields/listKeys",
        limit=None,
    ),
    Endpoint(
        "services", "GET", "/v1/services", paginator=ONE_PAGE, limit=None, data_selector="services"
    ),
    Endpoint(
        "audit_logs",
        "GET",
        "/v1/auditLogs",
        paginator=ENDLESS,
        params=({"sort": "date_asc"},),
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
        parent="rate_cards",
        include_from_parent={"rate_card_id": "id"},
        params=({"rate_card_id": "{rate_card_id}", "at": "{as_of}"},),
        position="rate_number",
        selected=False,
    ),
    Endpoint("packages", "POST", "/v1/packages/list", params=({"archive_filter": "ALL"},)),
    Endpoint(
        "package_contracts",
        "POST",
        "/v1/packages/listContractsOnPackage",
        parent="packages",
        include_from_parent={"package_id": "id"},
        params=({"package_id": "{package_id}", "include_archived": True},),
    ),
    Endpoint("plans", "GET", "/v1/plans"),
    Endpoint(
        "plan_details",
        "GET",
        "/v1/planDetails/{plan_id}",
        paginator=ONE_PAGE,
        limit=None,
        parent="plans",
        include_from_parent={"plan_id": "id"},
    ),
    Endpoint(
        "plan_charges",
        "GET",
        "/v1/planDetails/{plan_id}/charges",
        parent="plans",
        include_from_parent={"plan_id": "id"},
        position="charge_number",
    ),
    Endpoint(
        "plan_customers",
        "GET",
        "/v1/planDetails/{plan_id}/customers",
        parent="plans",
        include_from_parent={"plan_id": "id"},
        params=({"status": "all"},),
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
"""Lists of the whole account, each followed by its children."""

PER_CUSTOMER = (
    Endpoint(
        "customer_plans",
        "GET",
        "/v1/customers/{customer_id}/plans",
        parent="customers",
        include_from_parent=_CUSTOMER,
        replaces="owner",
    ),
    Endpoint(
        "customer_plan_price_adjustments",
        "GET",
        "/v1/customers/{customer_id}/plans/{customer_plan_id}/priceAdjustments",
        parent="customer_plans",
        include_from_parent={"customer_id": "customer_id", "customer_plan_id": "id"},
        position="adjustment_number",
        replaces="owner",
    ),
    Endpoint(
        "billing_provider_configurations",
        "POST",
        "/v1/getCustomerBillingProviderConfigurations",
        paginator=ONE_PAGE,
        limit=None,
        parent="customers",
        include_from_parent=_CUSTOMER,
        params=({"customer_id": "{customer_id}", "include_archived": True},),
        replaces="owner",
    ),
    Endpoint(
        "contracts",
        "POST",
        "/v2/contracts/list",
        paginator=CURSOR,
        limit=None,  # the default is the maximum; the parameter exists since October 2026
        parent="customers",
        include_from_parent=_CUSTOMER,
        params=({"customer_id": "{customer_id}", "include_archived": True},),
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
        paginator=ONE_PAGE,
        limit=None,
        parent="contracts",
        include_from_parent=_CONTRACT,
        params=(_IDS_OF_A_CONTRACT,),
        position="edit_number",
        selected=False,
        replaces="owner",
    ),
    Endpoint(
        "contract_rates",
        "POST",
        "/v1/contracts/getContractRateSchedule",
        parent="contracts",
        include_from_parent=_CONTRACT,
        params=({**_IDS_OF_A_CONTRACT, "at": "{as_of}"},),
        position="rate_number",
        selected=False,
        replaces="owner",
    ),
    Endpoint(
        "subscription_quantities",
        "POST",
        "/v1/contracts/getSubscriptionQuantityHistory",
        paginator=ONE_PAGE,
        limit=None,
        parent="contract_subscriptions",
        include_from_parent=_SUBSCRIPTION,
        params=(_IDS_OF_A_SUBSCRIPTION,),
        rows=_quantities,
        position="quantity_number",
        replaces="owner",
    ),
    Endpoint(
        "subscription_seats",
        "POST",
        "/v1/contracts/getSubscriptionSeatsHistory",
        paginator=SEATS,
        limit=10,
        parent="contract_subscriptions",
        include_from_parent=_SUBSCRIPTION,
        params=(_IDS_OF_A_SUBSCRIPTION,),
        position="seat_number",
        selected=False,
        replaces="owner",
    ),
    Endpoint(
        "balances",
        "POST",
        f"{_BALANCES}/list",
        paginator=BODY,
        limit=25,
        parent="customers",
        include_from_parent=_CUSTOMER,
        params=({**_ALL_OF_A_BALANCE, "include_contract_balances": True},),
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
        paginator=BODY,
        limit=25,
        parent="customers",
        include_from_parent=_CUSTOMER,
        params=({**_ALL_OF_A_BALANCE, "include_contract_commits": True},),
        selected=False,
        replaces="owner",
    ),
    Endpoint(
        "credits",
        "POST",
        "/v1/contracts/customerCredits/list",
        paginator=BODY,
        limit=25,
        parent="customers",
        include_from_parent=_CUSTOMER,
        params=({**_ALL_OF_A_BALANCE, "include_contract_credits": True},),
        selected=False,
        replaces="owner",
    ),
    Endpoint(
        "seat_balances",
        "POST",
        "/v1/contracts/seatBalances/list",
        paginator=SEAT_BALANCES,
        parent="contracts",
        include_from_parent=_CONTRACT,
        params=(
            {
                **_IDS_OF_A_CONTRACT,
                "covering_date": "{as_of}",
                "include_credits_and_commits": True,
                "include_ledgers": True,
            },
        ),
        position="seat_number",
        selected=False,
        replaces="owner",
    ),
    Endpoint(
        "net_balances",
        "POST",
        f"{_BALANCES}/getNetBalance",
        paginator=ONE_PAGE,
        limit=None,
        parent="balances",
        each=_units_and_modes,
        params=(
            {
                "customer_id": "{customer_id}",
                "credit_type_id": "{credit_type_id}",
                "invoice_inclusion_mode": "{invoice_inclusion_mode}",
                # without it, the obligations of postpaid commits are added to the balance
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
        parent="customers",
        include_from_parent=_CUSTOMER,
        params=({"customer_id": "{customer_id}"},),
        replaces="owner",
    ),
    Endpoint(
        "invoices",
        "GET",
        "/v1/customers/{customer_id}/invoices",
        limit=25,  # pages are large, because they contain line items
        parent="customers",
        include_from_parent=_CUSTOMER,
        params=({"sort": "date_desc"},),  # the default order is documented in two ways
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
    _breakdowns(
        "invoice_breakdowns_hourly", "invoice_breakdown_hourly_lines", "HOUR", selected=False
    ),
    Endpoint(
        "spend_breakdowns",
        "POST",
        "/v1/customers/{customer_id}/invoices/spend-breakdowns",
        paginator=BODY,
        parent="customers",
        include_from_parent=_CUSTOMER,
        params=({"window_size": "DAY", "sort": "date_asc", **_WINDOW},),
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
    _usage("usage_hourly", "HOUR", selected=False),
    _usage("usage_total", "NONE", window="month", selected=False),
    Endpoint(
        "usage_groups",
        "POST",
        "/v1/usage/groups",
        parent="customers",
        each=_metrics_and_group_keys,
        needs_metrics=True,
        params=(
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
        selected=False,
        replaces="window",
    ),
    Endpoint(
        "customer_costs",
        "GET",
        "/v1/customers/{customer_id}/costs",
        parent="customers",
        include_from_parent=_CUSTOMER,
        params=(_WINDOW,),
        window="since",
        rows=_costs,
        selected=False,
        replaces="window",
    ),
)
"""Lists of one customer, each after its parent."""

ENDPOINTS = {endpoint.table: endpoint for endpoint in ACCOUNT + PER_CUSTOMER}


def tables(parent: Endpoint | Nested) -> Iterable[Endpoint | Nested]:
    """Yield the list itself and the nested lists in its rows, which fill tables."""
    yield parent
    for nested in parent.nested:
        yield from tables(nested)


ENDPOINT_OF = {part.table: endpoint for endpoint in ENDPOINTS.values() for part in tables(endpoint)}
"""The endpoint that fills a raw table."""
