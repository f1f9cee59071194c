"""The API's endpoints: where each list is, how it pages, and the raw tables that it fills.

Paths, filters and paging dialects are the vendor's. The tables carry the API's own names; a
nested object becomes columns (`credit_type.name` is `credit_type__name`), a nested list that
people query becomes a table of its own with its parent's key, any other stays JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pipelines.metronome_api.tables import READ_FROM as READ_FROM
from pipelines.metronome_api.tables import TABLES as TABLES

BASE_URL = "https://api.metronome.com"

Dialect = Literal["query", "body", "body_cursor"]
"""Where the cursor goes and comes from: `query` has it as `next_page` in the query string, `body`
as `next_page` in the JSON body, `body_cursor` as `cursor` in the body and in the answer."""


@dataclass(frozen=True)
class Nested:
    """A nested list that becomes the table `table`.

    Attributes:
        path: Where the list lies in its parent, keys separated by dots.
        keys: The parent's columns that each row repeats, as {column: parent's column}.
        position: The column that holds the row's place in the list, counted from 1.
        nested: Lists within the rows.
    """

    table: str
    path: str
    keys: Mapping[str, str]
    position: str
    nested: tuple["Nested", ...] = ()


@dataclass(frozen=True)
class Endpoint:
    """One list of the API.

    Attributes:
        table: The raw table that its rows go to.
        path: May hold `{customer_id}`: then it is asked once per customer.
        requests: What to send; one walk through the pages each. Each is merged into `query` or
            `body`, by the method.
        per_customer: Asked once per customer; the customer's id is added to each row.
    """

    table: str
    method: Literal["GET", "POST"]
    path: str
    dialect: Dialect = "query"
    limit: int | None = 100
    requests: tuple[Mapping[str, Any], ...] = ({},)
    per_customer: bool = False
    nested: tuple[Nested, ...] = field(default=())


OF_CONTRACT = {"contract_id": "id", "customer_id": "customer_id"}
OF_BALANCE = {"balance_id": "id", "customer_id": "customer_id"}
OF_INVOICE = {"invoice_id": "id", "customer_id": "customer_id"}

CUSTOMERS = Endpoint(
    "customers",
    "GET",
    "/v1/customers",
    requests=({}, {"only_archived": "true"}),  # the second replaces the first: two walks for all
)

ENDPOINTS = (
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
        "rate_cards",
        "POST",
        "/v1/contract-pricing/rate-cards/list",
        nested=(
            Nested(
                "rate_card_conversions",
                "credit_type_conversions",
                {"rate_card_id": "id"},
                "conversion_number",
            ),
        ),
    ),
    Endpoint("packages", "POST", "/v1/packages/list", requests=({"archive_filter": "ALL"},)),
    Endpoint("plans", "GET", "/v1/plans"),
    Endpoint(
        "credit_grants",
        "POST",
        "/v1/credits/listGrants",
        nested=(
            Nested(
                "credit_grant_deductions",
                "deductions",
                {"credit_grant_id": "id", "customer_id": "customer_id"},
                "entry_number",
            ),
            Nested(
                "credit_grant_pending_deductions",
                "pending_deductions",
                {"credit_grant_id": "id", "customer_id": "customer_id"},
                "entry_number",
            ),
        ),
    ),
    Endpoint("customer_plans", "GET", "/v1/customers/{customer_id}/plans", per_customer=True),
    Endpoint(
        "contracts",
        "POST",
        "/v2/contracts/list",
        dialect="body_cursor",
        limit=20,
        requests=({"include_archived": True},),
        per_customer=True,
        nested=(
            Nested(
                "contract_subscriptions",
                "subscriptions",
                OF_CONTRACT,
                "subscription_number",
                nested=(
                    Nested(
                        "contract_subscription_quantities",
                        "quantity_schedule",
                        {
                            "contract_id": "contract_id",
                            "customer_id": "customer_id",
                            "subscription_id": "id",
                        },
                        "quantity_number",
                    ),
                ),
            ),
            Nested("contract_overrides", "overrides", OF_CONTRACT, "override_number"),
            Nested("contract_scheduled_charges", "scheduled_charges", OF_CONTRACT, "charge_number"),
            Nested("contract_transitions", "transitions", OF_CONTRACT, "transition_number"),
            Nested(
                "contract_recurring_commits",
                "recurring_commits",
                OF_CONTRACT,
                "recurring_commit_number",
            ),
            Nested(
                "contract_recurring_credits",
                "recurring_credits",
                OF_CONTRACT,
                "recurring_credit_number",
            ),
            Nested("contract_discounts", "discounts", OF_CONTRACT, "discount_number"),
        ),
    ),
    Endpoint(
        "balances",
        "POST",
        "/v1/contracts/customerBalances/list",
        dialect="body",
        limit=25,
        requests=(
            {
                "include_contract_balances": True,
                "include_archived": True,
                "include_balance": True,
                "include_ledgers": True,
            },
        ),
        per_customer=True,
        nested=(
            Nested(
                "balance_segments",
                "access_schedule.schedule_items",
                OF_BALANCE,
                "segment_number",
            ),
            Nested("balance_ledger_entries", "ledger", OF_BALANCE, "entry_number"),
            Nested(
                "balance_invoice_schedule_items",
                "invoice_schedule.schedule_items",
                OF_BALANCE,
                "item_number",
            ),
        ),
    ),
    Endpoint(
        "invoices",
        "GET",
        "/v1/customers/{customer_id}/invoices",
        limit=25,  # line items are embedded: pages are large
        requests=({"sort": "date_asc"},),  # the default order is documented in two ways
        per_customer=True,
        nested=(
            Nested(
                "invoice_line_items",
                "line_items",
                OF_INVOICE,
                "line_number",
                nested=(
                    Nested(
                        "invoice_sub_line_items",
                        "sub_line_items",
                        {
                            "invoice_id": "invoice_id",
                            "customer_id": "customer_id",
                            "line_number": "line_number",
                        },
                        "sub_line_number",
                    ),
                ),
            ),
            Nested(
                "invoice_adjustments",
                "invoice_adjustments",
                OF_INVOICE,
                "adjustment_number",
            ),
            Nested(
                "invoice_constituents",
                "constituent_invoices",
                {"consolidated_invoice_id": "id"},
                "constituent_number",
            ),
        ),
    ),
)
