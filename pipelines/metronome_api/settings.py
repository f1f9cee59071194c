"""The API's endpoints: where each list is, how it pages, and the raw tables that it fills.

Paths, filters and paging dialects are the vendor's. The tables carry the API's own names; a
nested object becomes columns (`credit_type.name` is `credit_type__name`), a nested list that
people query becomes a table of its own with its parent's key, any other stays JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pipelines.columns import Hints, columns

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
    Endpoint("rate_cards", "POST", "/v1/contract-pricing/rate-cards/list"),
    Endpoint("packages", "POST", "/v1/packages/list", requests=({"archive_filter": "ALL"},)),
    Endpoint("plans", "GET", "/v1/plans"),
    Endpoint("credit_grants", "POST", "/v1/credits/listGrants"),
    Endpoint("customer_plans", "GET", "/v1/customers/{customer_id}/plans", per_customer=True),
    Endpoint(
        "contracts",
        "POST",
        "/v2/contracts/list",
        dialect="body_cursor",
        limit=20,
        requests=({"include_archived": True},),
        per_customer=True,
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
                {"balance_id": "id"},
                "segment_number",
            ),
            Nested("balance_ledger_entries", "ledger", {"balance_id": "id"}, "entry_number"),
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
                {"invoice_id": "id"},
                "line_number",
                nested=(
                    Nested(
                        "invoice_sub_line_items",
                        "sub_line_items",
                        {"invoice_id": "invoice_id", "line_number": "line_number"},
                        "sub_line_number",
                    ),
                ),
            ),
            Nested(
                "invoice_adjustments",
                "invoice_adjustments",
                {"invoice_id": "id"},
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

TABLES: dict[str, Hints] = {
    "customers": columns(
        text="id name external_id current_billable_status__value",
        json="ingest_aliases customer_config custom_fields",
        timestamp="created_at updated_at archived_at current_billable_status__effective_at",
    ),
    "pricing_units": columns(text="id name", bool="is_currency"),
    "billable_metrics": columns(
        text="id name aggregation_type aggregation_key sql",
        json="event_type_filter property_filters group_keys custom_fields",
        timestamp="archived_at",
    ),
    "products": columns(
        text="id type", json="initial current updates custom_fields", timestamp="archived_at"
    ),
    "rate_cards": columns(
        text="id name description created_by fiat_credit_type__id fiat_credit_type__name",
        json="credit_type_conversions aliases custom_fields",
        timestamp="created_at",
    ),
    "packages": columns(
        text="id name created_by rate_card_id",
        json="aliases custom_fields commits credits recurring_commits recurring_credits overrides "
        "scheduled_charges subscriptions duration",
        timestamp="created_at archived_at",
    ),
    "plans": columns(text="id name description", json="custom_fields"),
    "customer_plans": columns(
        text="id customer_id plan_id plan_name plan_description",
        bigint="net_payment_terms_days",
        json="trial_info custom_fields",
        timestamp="starting_on ending_before",
    ),
    "contracts": columns(
        text="id customer_id name rate_card_id package_id uniqueness_key created_by "
        "usage_statement_schedule__frequency",
        decimal="total_contract_value priority",
        bigint="net_payment_terms_days",
        json="commits credits recurring_commits recurring_credits overrides scheduled_charges "
        "discounts subscriptions transitions usage_filter has_more spend_trackers "
        "spend_threshold_configuration prepaid_balance_threshold_configuration "
        "customer_billing_provider_configuration billing_provider_configuration_schedule "
        "hierarchy_configuration custom_fields",
        timestamp="starting_at ending_before archived_at created_at "
        "usage_statement_schedule__billing_anchor_date",
    ),
    "credit_grants": columns(
        text="id name customer_id invoice_id reason credit_grant_type uniqueness_key "
        "grant_amount__credit_type__id grant_amount__credit_type__name "
        "paid_amount__credit_type__id paid_amount__credit_type__name",
        decimal="priority grant_amount__amount paid_amount__amount balance__excluding_pending "
        "balance__including_pending",
        json="deductions pending_deductions products custom_fields",
        timestamp="effective_at expires_at balance__effective_at",
    ),
    "balances": columns(
        text="id customer_id type name description product__id product__name rate_type "
        "contract__id access_schedule__credit_type__id access_schedule__credit_type__name "
        "access_schedule__access_type created_by",
        decimal="priority balance amount",
        json="invoice_schedule invoice_contract rolled_over_from applicable_product_ids "
        "applicable_product_tags applicable_contract_ids specifiers custom_fields "
        "subscription_config hierarchy_configuration spend_tracker_attributes",
        timestamp="archived_at created_at",
    ),
    "balance_segments": columns(
        text="balance_id id",
        bigint="segment_number",
        decimal="amount",
        timestamp="starting_at ending_before",
    ),
    "balance_ledger_entries": columns(
        text="balance_id type segment_id invoice_id contract_id new_contract_id reason",
        bigint="entry_number",
        decimal="amount",
        timestamp="timestamp",
    ),
    "invoices": columns(
        text="id customer_id type status credit_type__id credit_type__name contract_id "
        "amendment_id plan_id plan_name billable_status regenerated_from_invoice_id "
        "external_invoice__billing_provider_type external_invoice__invoice_id "
        "external_invoice__external_status external_invoice__billing_provider_error "
        "external_invoice__pdf_url external_invoice__external_payment_id",
        decimal="total subtotal external_invoice__invoiced_total "
        "external_invoice__invoiced_sub_total",
        bigint="net_payment_terms_days",
        json="customer_custom_fields contract_custom_fields custom_fields plan_custom_fields "
        "external_invoice__tax correction_record payer reseller_royalty revenue_system_invoices",
        timestamp="start_timestamp end_timestamp issued_at created_at "
        "external_invoice__issued_at_timestamp",
    ),
    "invoice_line_items": columns(
        text="invoice_id name type credit_type__id credit_type__name product_id product_type "
        "applied_commit_or_credit__id applied_commit_or_credit__type "
        "applied_commit_or_credit__access_type commit_id commit_segment_id commit_type "
        "postpaid_commit__id group_key group_value subscription_id scheduled_charge_id "
        "discount_id professional_service_id metadata",
        bigint="line_number",
        decimal="total quantity unit_price quantity_consumed",
        bool="is_prorated",
        json="product_tags product_custom_fields commit_custom_fields pricing_group_values "
        "presentation_group_values tier list_price origin custom_fields",
        timestamp="starting_at ending_before",
    ),
    "invoice_sub_line_items": columns(
        text="invoice_id name charge_id credit_grant_id",
        bigint="line_number sub_line_number",
        decimal="quantity subtotal price",
        json="tiers tier_period custom_fields",
        timestamp="start_date end_date",
    ),
    "invoice_adjustments": columns(
        text="invoice_id name credit_type__id credit_type__name credit_grant_id",
        bigint="adjustment_number",
        decimal="total",
        json="credit_grant_custom_fields",
    ),
    "invoice_constituents": columns(
        text="consolidated_invoice_id invoice_id contract_id customer_id",
        bigint="constituent_number",
    ),
}

READ_FROM = columns(text="host")
"""One row: the API that the tables are a picture of, so that another's never replaces it."""
