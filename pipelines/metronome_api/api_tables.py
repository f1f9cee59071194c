"""Declare the raw tables of the API: every documented field, under Metronome's names.

A nested object becomes columns (`credit_type.name` is `credit_type__name`). A nested list that
people query becomes a separate table. Its rows have the keys of their parent and their position in
the list, counted from 1. Any other list or map is one JSON column. Identifiers and enums are text,
as the API sends them, because several enums are documented in three spellings.
"""

from pipelines.common.columns import Hints, columns


def _rate(name: str) -> Hints:
    """Declare the columns of a rate, an object that many other objects contain."""
    return columns(
        text=f"{name}__rate_type {name}__credit_type__id {name}__credit_type__name",
        decimal=f"{name}__price {name}__quantity {name}__minimum_config__minimum",
        bool=f"{name}__is_prorated",
        json=f"{name}__tiers {name}__custom_rate {name}__pricing_group_values",
    )


THRESHOLDS = columns(
    text="prepaid_balance_threshold_configuration__custom_credit_type_id",
    decimal="spend_threshold_configuration__threshold_amount "
    "prepaid_balance_threshold_configuration__threshold_amount "
    "prepaid_balance_threshold_configuration__recharge_to_amount",
    bool="spend_threshold_configuration__is_enabled "
    "prepaid_balance_threshold_configuration__is_enabled",
    json="spend_threshold_configuration__commit "
    "spend_threshold_configuration__payment_gate_config "
    "spend_threshold_configuration__discount_configuration "
    "prepaid_balance_threshold_configuration__commit "
    "prepaid_balance_threshold_configuration__payment_gate_config "
    "prepaid_balance_threshold_configuration__discount_configuration "
    "prepaid_balance_threshold_configuration__threshold_balance_specifiers",
)
"""Columns of the spend and balance thresholds at which Metronome bills or recharges."""

USAGE = columns(
    text="customer_id billable_metric_id billable_metric_name",
    decimal="value",
    json="groups",
    timestamp="start_timestamp end_timestamp",
)

CREDIT_LEDGER_ENTRY = columns(
    text="credit_grant_id invoice_id reason created_by",
    decimal="amount running_balance",
    timestamp="effective_at",
)

SCHEDULED_AMOUNTS = columns(
    text="id name product__id product__name schedule__credit_type__id "
    "schedule__credit_type__name netsuite_sales_order_id",
    bool="schedule__do_not_invoice",
    json="schedule__schedule_items custom_fields",
)

RECURRING_BALANCE = columns(
    text="id name description product__id product__name contract__id "
    "access_amount__credit_type_id access_amount__access_type rate_type commit_duration__unit "
    "recurrence_frequency proration subscription_config__allocation "
    "subscription_config__subscription_id netsuite_sales_order_id",
    decimal="access_amount__unit_price access_amount__quantity commit_duration__value "
    "rollover_fraction priority",
    bool="subscription_config__apply_seat_increase_config__is_prorated",
    json="applicable_product_ids applicable_product_tags specifiers hierarchy_configuration "
    "proration_rounding",
    timestamp="starting_at ending_before anchor_date",
)

BALANCE = columns(
    text="id customer_id type name description product__id product__name rate_type contract__id "
    "access_schedule__credit_type__id access_schedule__credit_type__name "
    "access_schedule__access_type recurring_commit_id recurring_credit_id "
    "subscription_config__allocation subscription_config__subscription_id "
    "invoice_schedule__credit_type__id invoice_schedule__credit_type__name invoice_contract__id "
    "rolled_over_from__commit_id rolled_over_from__credit_id rolled_over_from__contract_id "
    "uniqueness_key created_by netsuite_sales_order_id salesforce_opportunity_id",
    decimal="priority balance amount cost_basis rollover_fraction",
    bool="invoice_schedule__do_not_invoice spend_tracker_attributes__counts_as_discounted "
    "subscription_config__apply_seat_increase_config__is_prorated",
    json="applicable_product_ids applicable_product_tags applicable_contract_ids specifiers "
    "hierarchy_configuration custom_fields",
    timestamp="archived_at created_at",
)

BALANCE_LISTS = columns(
    json="access_schedule__schedule_items invoice_schedule__schedule_items ledger"
)
"""Lists of a balance that some tables have as JSON columns."""

INVOICE_WITHOUT_TOTAL = columns(
    text="id customer_id type status credit_type__id credit_type__name contract_id amendment_id "
    "plan_id plan_name billable_status regenerated_from_invoice_id payer__customer_id "
    "payer__contract_id correction_record__reason correction_record__memo "
    "correction_record__corrected_invoice_id external_invoice__billing_provider_type "
    "external_invoice__invoice_id external_invoice__external_status "
    "external_invoice__billing_provider_error external_invoice__pdf_url "
    "external_invoice__external_payment_id external_invoice__tax__transaction_id "
    "netsuite_sales_order_id salesforce_opportunity_id",
    decimal="external_invoice__invoiced_total external_invoice__invoiced_sub_total "
    "external_invoice__tax__total_tax_amount external_invoice__tax__total_taxable_amount",
    bigint="net_payment_terms_days",
    json="customer_custom_fields contract_custom_fields custom_fields plan_custom_fields "
    "correction_record__corrected_external_invoice reseller_royalty revenue_system_invoices",
    timestamp="start_timestamp end_timestamp issued_at created_at "
    "external_invoice__issued_at_timestamp",
)

INVOICE = INVOICE_WITHOUT_TOTAL | columns(decimal="total subtotal")

LINE_ITEM = columns(
    text="name type credit_type__id credit_type__name product_id product_type "
    "applied_commit_or_credit__id applied_commit_or_credit__type "
    "applied_commit_or_credit__access_type commit_id commit_segment_id commit_type "
    "postpaid_commit__id group_key group_value subscription_id scheduled_charge_id discount_id "
    "professional_service_id origin__line_item_id origin__invoice_id origin__customer_id "
    "origin__contract_id reseller_type metadata netsuite_item_id commit_netsuite_item_id "
    "commit_netsuite_sales_order_id",
    decimal="total quantity unit_price quantity_consumed",
    bool="is_prorated",
    json="product_tags product_custom_fields commit_custom_fields pricing_group_values "
    "presentation_group_values tier list_price custom_fields professional_service_custom_fields "
    "scheduled_charge_custom_fields subscription_custom_fields discount_custom_fields",
    timestamp="starting_at ending_before netsuite_invoice_billing_start "
    "netsuite_invoice_billing_end",
)

INVOICE_LISTS = columns(json="invoice_adjustments constituent_invoices")
"""Lists of an invoice, except its lines, that some tables have as JSON columns."""

BREAKDOWN_WINDOW = columns(timestamp="breakdown_start_timestamp breakdown_end_timestamp")

BREAKDOWN_LINE_ITEM = (
    columns(
        text="invoice_id customer_id",
        bigint="line_number",
        timestamp="breakdown_start_timestamp",
        json="sub_line_items",
    )
    | LINE_ITEM
)

TABLES: dict[str, Hints] = {
    # The account and its customers
    "customers": columns(
        text="id name external_id current_billable_status__value",
        json="ingest_aliases customer_config custom_fields",
        timestamp="created_at updated_at archived_at current_billable_status__effective_at",
    ),
    "billing_provider_configurations": columns(
        text="id customer_id billing_provider delivery_method_id delivery_method",
        json="configuration delivery_method_configuration",
        timestamp="archived_at",
    ),
    "customer_alerts": columns(
        text="customer_id customer_status triggered_by alert__id alert__name "
        "alert__uniqueness_key alert__type alert__status alert__access_type "
        "alert__credit_type__id alert__credit_type__name",
        decimal="alert__threshold",
        json="alert__credit_grant_type_filters alert__custom_field_filters "
        "alert__group_key_filter alert__invoice_types_filter alert__group_values "
        "alert__seat_filter alert__alert_specifiers",
        timestamp="alert__updated_at",
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
    "custom_field_keys": columns(text="entity key", bool="enforce_uniqueness"),
    "services": columns(text="name usage", json="ips"),
    "audit_logs": columns(
        text="id actor__id actor__name actor__email request__id request__ip request__user_agent "
        "resource_type resource_id action status description",
        timestamp="timestamp",
    ),
    # Rate cards and packages
    "rate_cards": columns(
        text="id name description created_by fiat_credit_type__id fiat_credit_type__name",
        json="aliases custom_fields",
        timestamp="created_at",
    ),
    "rate_card_conversions": columns(
        text="rate_card_id custom_credit_type__id custom_credit_type__name",
        bigint="conversion_number",
        decimal="fiat_per_custom_credit",
    ),
    "rates": columns(
        text="rate_card_id product_id product_name billing_frequency",
        bigint="rate_number",
        bool="entitled",
        json="product_tags product_custom_fields pricing_group_values",
        timestamp="starting_at ending_before",
    )
    | _rate("rate")
    | _rate("commit_rate"),
    "packages": columns(
        text="id name contract_name rate_card_id uniqueness_key created_by billing_provider "
        "delivery_method usage_statement_schedule__frequency usage_statement_schedule__day "
        "duration__unit multiplier_override_prioritization scheduled_charges_on_usage_invoices",
        bigint="net_payment_terms_days duration__value",
        json="aliases commits credits recurring_commits recurring_credits overrides "
        "scheduled_charges subscriptions spend_trackers custom_fields",
        timestamp="created_at archived_at",
    )
    | THRESHOLDS,
    "package_contracts": columns(
        text="package_id contract_id customer_id", timestamp="starting_at ending_before archived_at"
    ),
    # Plans and their credit (the deprecated model)
    "plans": columns(text="id name description", json="custom_fields"),
    "plan_details": columns(
        text="id name description", json="minimums overage_rates credit_grants custom_fields"
    ),
    "plan_charges": columns(
        text="plan_id id name charge_type product_id product_name credit_type__id "
        "credit_type__name unit_conversion__rounding_behavior",
        bigint="charge_number start_period tier_reset_frequency",
        decimal="quantity unit_conversion__division_factor",
        json="prices custom_fields",
    ),
    "plan_customers": columns(
        text="plan_id customer_details__id customer_details__external_id customer_details__name "
        "customer_details__current_billable_status__value plan_details__id plan_details__name "
        "plan_details__customer_plan_id",
        json="customer_details__ingest_aliases customer_details__customer_config "
        "customer_details__custom_fields plan_details__custom_fields",
        timestamp="customer_details__created_at customer_details__updated_at "
        "customer_details__archived_at customer_details__current_billable_status__effective_at "
        "plan_details__starting_on plan_details__ending_before",
    ),
    "customer_plans": columns(
        text="id customer_id plan_id plan_name plan_description",
        bigint="net_payment_terms_days",
        json="trial_info custom_fields",
        timestamp="starting_on ending_before",
    ),
    "customer_plan_price_adjustments": columns(
        text="customer_plan_id customer_id charge_id charge_type",
        bigint="adjustment_number start_period",
        decimal="quantity",
        json="prices",
    ),
    "credit_grants": columns(
        text="id name customer_id invoice_id reason credit_grant_type uniqueness_key "
        "grant_amount__credit_type__id grant_amount__credit_type__name "
        "paid_amount__credit_type__id paid_amount__credit_type__name",
        decimal="priority grant_amount__amount paid_amount__amount balance__excluding_pending "
        "balance__including_pending",
        json="products custom_fields",
        timestamp="effective_at expires_at balance__effective_at",
    ),
    "credit_grant_deductions": columns(text="customer_id", bigint="entry_number")
    | CREDIT_LEDGER_ENTRY,
    "credit_grant_pending_deductions": columns(text="customer_id", bigint="entry_number")
    | CREDIT_LEDGER_ENTRY,
    "credit_ledgers": columns(
        text="customer_id credit_type__id credit_type__name",
        bigint="ledger_number",
        decimal="starting_balance__excluding_pending starting_balance__including_pending "
        "ending_balance__excluding_pending ending_balance__including_pending",
        timestamp="starting_balance__effective_at ending_balance__effective_at",
    ),
    "credit_ledger_entries": columns(text="customer_id", bigint="ledger_number entry_number")
    | CREDIT_LEDGER_ENTRY,
    "credit_ledger_pending_entries": columns(
        text="customer_id", bigint="ledger_number entry_number"
    )
    | CREDIT_LEDGER_ENTRY,
    # Contracts
    "contracts": columns(
        text="id customer_id name rate_card_id package_id uniqueness_key created_by "
        "usage_statement_schedule__frequency multiplier_override_prioritization "
        "scheduled_charges_on_usage_invoices hierarchy_configuration__parent__contract_id "
        "hierarchy_configuration__parent__customer_id hierarchy_configuration__payer "
        "hierarchy_configuration__usage_statement_behavior netsuite_sales_order_id "
        "salesforce_opportunity_id",
        decimal="total_contract_value priority",
        bigint="net_payment_terms_days",
        bool="has_more__commits has_more__credits",
        json="commits credits usage_filter professional_services reseller_royalties "
        "spend_trackers customer_billing_provider_configuration "
        "billing_provider_configuration_schedule revenue_system_configuration_schedule "
        "hierarchy_configuration__children hierarchy_configuration__parent_behavior custom_fields",
        timestamp="starting_at ending_before archived_at created_at "
        "usage_statement_schedule__billing_anchor_date",
    )
    | THRESHOLDS,
    "contract_subscriptions": columns(
        text="contract_id customer_id id name description collection_schedule "
        "subscription_rate__billing_frequency subscription_rate__product__id "
        "subscription_rate__product__name proration__invoice_behavior quantity_management_mode "
        "seat_config__seat_group_key fiat_credit_type_id custom_credit_type_id "
        "billing_cycle_config__invoice_placement",
        bigint="subscription_number",
        bool="proration__is_prorated",
        json="proration__rounding product_custom_fields custom_fields",
        timestamp="starting_at ending_before created_at billing_cycle_config__anchor_date "
        "billing_periods__previous__starting_at billing_periods__previous__ending_before "
        "billing_periods__current__starting_at billing_periods__current__ending_before "
        "billing_periods__next__starting_at billing_periods__next__ending_before",
    ),
    "contract_subscription_quantities": columns(
        text="contract_id customer_id subscription_id",
        bigint="quantity_number",
        decimal="quantity",
        timestamp="starting_at ending_before",
    ),
    "contract_overrides": columns(
        text="contract_id customer_id id product__id product__name type target",
        bigint="override_number",
        decimal="priority multiplier",
        bool="entitled is_commit_specific",
        json="applicable_product_tags override_specifiers override_tiers",
        timestamp="starting_at ending_before created_at",
    )
    | _rate("overwrite_rate"),
    "contract_scheduled_charges": columns(
        text="contract_id customer_id", bigint="charge_number", timestamp="archived_at"
    )
    | SCHEDULED_AMOUNTS,
    "contract_discounts": columns(text="contract_id customer_id", bigint="discount_number")
    | SCHEDULED_AMOUNTS,
    "contract_transitions": columns(
        text="contract_id customer_id type from_contract_id to_contract_id",
        bigint="transition_number",
    ),
    "contract_recurring_commits": columns(
        text="contract_id customer_id invoice_amount__credit_type_id",
        bigint="recurring_commit_number",
        decimal="invoice_amount__unit_price invoice_amount__quantity",
    )
    | RECURRING_BALANCE,
    "contract_recurring_credits": columns(
        text="contract_id customer_id", bigint="recurring_credit_number"
    )
    | RECURRING_BALANCE,
    "contract_edits": columns(
        text="contract_id customer_id id uniqueness_key update_contract_name",
        bigint="edit_number",
        json="add_overrides add_pro_services add_reseller_royalties add_discounts "
        "add_scheduled_charges add_commits add_credits add_recurring_commits "
        "add_recurring_credits add_usage_filters add_subscriptions "
        "add_prepaid_balance_threshold_configuration add_spend_threshold_configuration "
        "update_discounts update_scheduled_charges update_commits update_credits "
        "update_recurring_commits update_recurring_credits update_refund_invoices "
        "update_subscriptions update_prepaid_balance_threshold_configuration "
        "update_spend_threshold_configuration archive_commits archive_credits "
        "archive_scheduled_charges remove_overrides",
        timestamp="timestamp update_contract_end_date",
    ),
    "contract_rates": columns(
        text="contract_id customer_id rate_card_id product_id product_name billing_frequency",
        bigint="rate_number",
        bool="entitled",
        json="product_tags product_custom_fields pricing_group_values",
        timestamp="starting_at ending_before",
    )
    | _rate("list_rate")
    | _rate("override_rate")
    | _rate("commit_rate"),
    "subscription_quantities": columns(
        text="contract_id customer_id subscription_id fiat_credit_type_id",
        bigint="quantity_number",
        decimal="quantity unit_price total",
        timestamp="starting_at",
    ),
    "subscription_seats": columns(
        text="contract_id customer_id subscription_id",
        bigint="seat_number total_quantity",
        json="assigned_seat_ids",
        timestamp="starting_at ending_before",
    ),
    # Commits and credits
    "balances": BALANCE,
    "balance_segments": columns(
        text="balance_id customer_id id",
        bigint="segment_number",
        decimal="amount",
        timestamp="starting_at ending_before",
    ),
    "balance_ledger_entries": columns(
        text="balance_id customer_id type segment_id invoice_id contract_id new_contract_id reason",
        bigint="entry_number",
        decimal="amount",
        timestamp="timestamp",
    ),
    "balance_invoice_schedule_items": columns(
        text="balance_id customer_id id invoice_id",
        bigint="item_number",
        decimal="amount unit_price quantity",
        timestamp="timestamp",
    ),
    "commits": BALANCE | BALANCE_LISTS,
    "credits": BALANCE | BALANCE_LISTS,
    "seat_balances": columns(
        text="contract_id customer_id seat_id",
        bigint="seat_number",
        json="balances commits credits",
    ),
    "net_balances": columns(
        text="customer_id credit_type_id invoice_inclusion_mode", decimal="balance"
    ),
    # Usage and costs
    "usage_daily": USAGE,
    "usage_hourly": USAGE,
    "usage_total": USAGE,
    "usage_groups": columns(
        text="customer_id billable_metric_id group_key group_value",
        decimal="value",
        json="group",
        timestamp="starting_on ending_before",
    ),
    "customer_costs": columns(
        text="customer_id credit_type_id name",
        decimal="cost",
        json="line_item_breakdown",
        timestamp="start_timestamp end_timestamp",
    ),
    # Invoices
    "invoices": INVOICE,
    "invoice_line_items": columns(text="invoice_id customer_id", bigint="line_number") | LINE_ITEM,
    "invoice_sub_line_items": columns(
        text="invoice_id customer_id name charge_id credit_grant_id",
        bigint="line_number sub_line_number",
        decimal="quantity subtotal price",
        json="tiers tier_period custom_fields",
        timestamp="start_date end_date",
    ),
    "invoice_adjustments": columns(
        text="invoice_id customer_id name credit_type__id credit_type__name credit_grant_id",
        bigint="adjustment_number",
        decimal="total",
        json="credit_grant_custom_fields",
    ),
    "invoice_constituents": columns(
        text="consolidated_invoice_id invoice_id contract_id customer_id",
        bigint="constituent_number",
    ),
    # Breakdowns of invoices
    "invoice_breakdowns_daily": BREAKDOWN_WINDOW | INVOICE | INVOICE_LISTS,
    "invoice_breakdown_daily_lines": BREAKDOWN_LINE_ITEM,
    "invoice_breakdowns_hourly": BREAKDOWN_WINDOW | INVOICE | INVOICE_LISTS,
    "invoice_breakdown_hourly_lines": BREAKDOWN_LINE_ITEM,
    "spend_breakdowns": BREAKDOWN_WINDOW
    | columns(bigint="breakdown_number")
    | INVOICE_WITHOUT_TOTAL,
    "spend_breakdown_lines": columns(bigint="breakdown_number") | BREAKDOWN_LINE_ITEM,
    # The log of the pipeline
    "runs": columns(
        text="run_id host",
        bool="full_refresh",
        bigint="customers",
        json="selected",
        timestamp="as_of started_at finished_at",
    ),
    "run_resources": columns(
        text="run_id resource",
        bigint="batch_number requests retries rate_limited rows customers unavailable",
        decimal="waited_seconds",
    ),
    "reads": columns(
        text="read_id resource customer_id run_id status reason cursor",
        bigint="http_status rows",
        timestamp="as_of",
    ),
}

READ_FROM = columns(text="host")
"""One row: the host of the API that was read. A run against another API is refused."""

DATASET = "raw_api"

RAW_TABLES: dict[str, Hints] = {**TABLES, "read_from": READ_FROM}
