"""Declare the tables and columns of the data export, by billing model: plans or contracts.

Column names and types are Metronome's. Every column can be null or missing in a file. Undeclared
tables and columns land as text or JSON. Numbers that Metronome sends as floats are decimals here,
because they are amounts.
"""

from pipelines.common.columns import Hints, columns

BOTH_VINTAGES: dict[str, Hints] = {
    "billable_metric": columns(
        text="id environment_type aggregate name",
        json="aggregate_keys group_keys",
        timestamp="created_at archived_at updated_at",
    ),
    "credit_type": columns(
        text="_metronome_metadata_id id environment_type name",
        bool="is_currency",
        timestamp="updated_at",
    ),
    "events": columns(
        text="transaction_id environment_type customer_id event_type _metronome_metadata_id",
        json="properties",
        timestamp="timestamp updated_at",
    ),
    "customer": columns(
        text="id environment_type name salesforce_account_id billing_provider_type "
        "billing_provider_customer_id",
        json="ingest_aliases custom_fields",
        timestamp="created_at updated_at archived_at",
    ),
    "invoice": columns(
        text="id environment_type status credit_type_id credit_type_name customer_id "
        "plan_id plan_name contract_id billing_provider_invoice_id "
        "billing_provider_type billing_provider_invoice_external_status "
        "invoice_label",
        decimal="total",
        json="metadata",
        timestamp="billing_provider_invoice_created_at start_timestamp end_timestamp "
        "issued_at updated_at",
    ),
    "line_item": columns(
        text="id environment_type invoice_id credit_grant_id credit_type_id "
        "credit_type_name name commit_id product_id group_key group_value "
        "subscription_id",
        decimal="quantity total unit_price",
        bool="is_prorated",
        json="pricing_group_values metadata",
        timestamp="starting_at ending_before updated_at",
    ),
    "alert": columns(
        text="id name alert_type environment_type customer_id",
        decimal="threshold",
        bool="webhooks_enabled",
        json="group_values seat_filter",
        timestamp="created_at disabled_at updated_at archived_at",
    ),
    "customer_alert_history": columns(
        text="id environment_type customer_id alert_id alert_status",
        json="additional_data",
        timestamp="created_at",
    ),
}

PLAN_VINTAGE: dict[str, Hints] = {
    "sub_line_item": columns(
        text="id line_item_id name charge_id billable_metric_id billable_metric_name",
        decimal="quantity subtotal",
        json="tiers",
        timestamp="updated_at",
    ),
    "plan": columns(
        text="id name description billing_frequency environment_type",
        json="custom_fields",
        timestamp="starting_on created_at deprecated_at updated_at",
    ),
    "plan_charge": columns(
        text="id charge_id name charge_name plan_id product_id product_name "
        "billable_metric_id billable_metric_name credit_type_id "
        "credit_type_name charge_type environment_type",
        decimal="start_period quantity",
        json="prices custom_fields",
        timestamp="updated_at",
    ),
    "product": columns(
        text="id name description environment_type",
        json="custom_fields",
        timestamp="created_at deprecated_at updated_at",
    ),
    "credit_grant": columns(
        text="id customer_id name invoice_id reason amount_granted_credit_type_id "
        "amount_paid_credit_type_id environment_type",
        decimal="priority amount_granted amount_paid",
        json="product_ids",
        timestamp="created_at updated_at effective_at expires_at voided_at",
    ),
    "credit_grant_deduction": columns(
        text="id credit_grant_id memo invoice_id",
        decimal="amount",
        timestamp="effective_at updated_at",
    ),
}
"""Tables of the plans model, used until about 2024. A migrated account still has these rows."""

CONTRACT_VINTAGE: dict[str, Hints] = {
    "draft_invoice": columns(
        text="_metronome_metadata_id id environment_type status credit_type_id "
        "credit_type_name customer_id plan_id plan_name contract_id "
        "billable_status billing_provider_invoice_id label",
        decimal="total",
        timestamp="snapshot_time billing_provider_invoice_created_at start_timestamp "
        "end_timestamp updated_at",
    ),
    "draft_line_item": columns(
        text="_metronome_metadata_id id environment_type invoice_id credit_grant_id "
        "credit_type_id credit_type_name name commit_id product_id group_key "
        "group_value subscription_id",
        decimal="quantity total unit_price",
        bool="is_prorated",
        json="pricing_group_values metadata",
        timestamp="snapshot_time starting_at ending_before updated_at",
    ),
    "breakdowns_invoices": columns(
        text="id environment_type invoice_id customer_id transfer_id credit_type_id "
        "credit_type_name type plan_id contract_id amendment_id billable_status "
        "window_size",
        decimal="subtotal total",
        bigint="net_payment_term_days",
        json="external_invoice custom_fields metadata",
        timestamp="snapshot_timestamp issued_at invoice_start_timestamp "
        "invoice_end_timestamp breakdown_start_timestamp "
        "breakdown_end_timestamp updated_at",
    ),
    "breakdowns_line_items": columns(
        text="id environment_type invoice_breakdown_id name transfer_id group_key "
        "group_value product_id product_type credit_type_id credit_type_name "
        "commit_id commit_segment_id commit_type subscription_id line_item_id "
        "line_item_type billable_metric_id",
        decimal="quantity total unit_price",
        bool="is_prorated",
        json="custom_fields pricing_group_values presentation_group_values metadata",
        timestamp="snapshot_timestamp watermark_timestamp breakdown_start_timestamp "
        "breakdown_end_timestamp updated_at",
    ),
    "breakdowns_draft_invoices": columns(
        text="id environment_type invoice_id customer_id transfer_id credit_type_id "
        "credit_type_name type plan_id contract_id amendment_id billable_status "
        "window_size",
        decimal="subtotal total",
        bigint="net_payment_term_days",
        json="external_invoice custom_fields metadata",
        timestamp="snapshot_timestamp issued_at invoice_start_timestamp "
        "invoice_end_timestamp breakdown_start_timestamp "
        "breakdown_end_timestamp updated_at",
    ),
    "breakdowns_draft_line_items": columns(
        text="id environment_type invoice_breakdown_id name transfer_id group_key "
        "group_value product_id product_type credit_type_id credit_type_name "
        "commit_id commit_segment_id commit_type subscription_id line_item_id "
        "line_item_type billable_metric_id",
        decimal="quantity total unit_price",
        bool="is_prorated",
        json="custom_fields pricing_group_values presentation_group_values metadata",
        timestamp="snapshot_timestamp watermark_timestamp breakdown_start_timestamp "
        "breakdown_end_timestamp updated_at",
    ),
    "contracts_contracts": columns(
        text="id environment_type snapshot_id name customer_id package_id "
        "rate_card_id multiplier_override_prioritization "
        "usage_statement_schedule_frequency scheduled_charges_on_usage_invoices "
        "created_by",
        bigint="net_payment_terms_days",
        json="metadata",
        timestamp="starting_at ending_before archived_at created_at updated_at",
    ),
    "contracts_commits": columns(
        text="id environment_type snapshot_id contract_id amendment_id type name "
        "description product_id rate_type rolled_over_from_commit_id "
        "rolled_over_from_contract_id recurring_commit_id",
        decimal="priority amount rollover_fraction balance cost_basis",
        json="access_schedule invoice_schedule applicable_product_ids "
        "applicable_product_tags specifiers ledger metadata",
        timestamp="updated_at",
    ),
    "contracts_balances": columns(
        text="id environment_type snapshot_id customer_id contract_id amendment_id "
        "type name description product_id rate_type invoice_contract_id "
        "rolled_over_from_commit_id rolled_over_from_contract_id "
        "recurring_commit_id",
        decimal="priority rollover_fraction balance cost_basis",
        json="access_schedule invoice_schedule applicable_product_ids "
        "applicable_product_tags specifiers applicable_contract_ids ledger "
        "metadata",
        timestamp="updated_at",
    ),
    "contracts_recurring_commits_and_credits": columns(
        text="id environment_type snapshot_id contract_id customer_id type name "
        "description product_id rate_type proration recurrence_frequency",
        decimal="priority rollover_fraction",
        json="access_amount invoice_amount applicable_product_ids "
        "applicable_product_tags specifiers commit_duration proration_rounding "
        "metadata subscription_config",
        timestamp="starting_at ending_before updated_at",
    ),
    "contracts_usage_filter_schedule": columns(
        text="id contract_id group_key",
        json="group_values metadata",
        timestamp="starting_at ending_before updated_at",
    ),
    "contracts_usage_filters": columns(
        text="id environment_type snapshot_id contract_id group_key",
        bigint="version",
        json="group_values metadata",
        timestamp="starting_at updated_at",
    ),
    "contracts_prepaid_balance_threshold_configurations": columns(
        text="id environment_type snapshot_id contract_id commit_name "
        "commit_description commit_product_id payment_gate_type tax_type "
        "stripe_payment_type commit_duration_unit commit_rate_type",
        decimal="threshold_amount recharge_to_amount commit_rollover_fraction",
        bigint="commit_duration_value",
        bool="enabled",
        json="commit_applicable_product_ids commit_applicable_product_tags metadata",
        timestamp="updated_at",
    ),
    "contracts_spend_threshold_configurations": columns(
        text="id environment_type snapshot_id contract_id commit_name "
        "commit_description commit_product_id payment_gate_type tax_type "
        "stripe_payment_type",
        decimal="threshold_amount",
        bool="enabled",
        json="metadata",
        timestamp="updated_at",
    ),
    "contracts_subscriptions": columns(
        text="id environment_type snapshot_id customer_id contract_id product_id "
        "name description billing_frequency collection_schedule "
        "invoice_behavior fiat_credit_type_id",
        bool="is_prorated",
        json="billing_cycle_config proration_rounding quantity_schedule metadata",
        timestamp="starting_at ending_before updated_at",
    ),
    "contracts_scheduled_charges": columns(
        text="id environment_type snapshot_id contract_id amendment_id name "
        "description product_id credit_type_id credit_type_name",
        json="schedule metadata",
        timestamp="updated_at",
    ),
    "contract_hierarchy_configurations": columns(
        text="id contract_id parent_contract_id parent_customer_id environment_type "
        "snapshot_id payer usage_statement_behavior invoice_consolidation_type",
        json="child_info metadata",
        timestamp="updated_at",
    ),
    "contracts_overrides": columns(
        text="id environment_type snapshot_id contract_id amendment_id product_id "
        "rate_type credit_type_id credit_type_name target",
        decimal="multiplier priority",
        bool="entitled is_commit_specific",
        json="new_rate applicable_product_tags override_specifiers metadata tiered_override",
        timestamp="starting_at ending_before created_at updated_at",
    ),
    "contracts_transitions": columns(
        text="id environment_type snapshot_id type contract_id from_contract_id to_contract_id",
        json="metadata",
        timestamp="date updated_at",
    ),
    "contracts_edits": columns(
        text="id contract_id environment_type created_by snapshot_id",
        json="edits metadata",
        timestamp="timestamp updated_at",
    ),
    "contracts_amendments": columns(
        text="id environment_type snapshot_id contract_id created_by",
        json="metadata",
        timestamp="effective_at created_at updated_at",
    ),
    "contracts_rate_cards": columns(
        text="id environment_type snapshot_id fiat_credit_type_id "
        "fiat_credit_type_name description name created_by",
        json="credit_type_conversions metadata aliases",
        timestamp="created_at updated_at archived_at",
    ),
    "contracts_rate_card_entries": columns(
        text="id environment_type rate_card_id product_id rate commit_rate "
        "snapshot_id credit_type_id credit_type_name billing_frequency",
        bigint="version product_order",
        bool="entitled",
        json="pricing_group_values metadata",
        timestamp="starting_at ending_before updated_at",
    ),
    "contracts_product_list_item_versions": columns(
        text="id environment_type snapshot_id product_list_item_id type name "
        "billable_metric_id composite_scope created_by",
        bigint="version",
        bool="is_refundable include_composite_spend",
        json="composite_product_ids tags composite_tags quantity_conversion "
        "quantity_rounding pricing_group_key presentation_group_key metadata",
        timestamp="starting_at created_at updated_at",
    ),
    "packages": columns(
        text="id name rate_card_id duration_unit multiplier_override_prioritization "
        "usage_statement_schedule_frequency scheduled_charges_on_usage_invoices "
        "billing_provider delivery_method created_by environment_type "
        "snapshot_id",
        bigint="duration_value net_payment_terms_days",
        json="aliases metadata",
        timestamp="created_at archived_at updated_at",
    ),
    "payment": columns(
        text="id invoice_id customer_id contract_id environment_type credit_type_id "
        "credit_type_name status error_message",
        decimal="amount amount_paid",
        json="payment_gateway",
        timestamp="created_at updated_at",
    ),
}

TABLES = BOTH_VINTAGES | PLAN_VINTAGE | CONTRACT_VINTAGE

PROVENANCE = columns(text="_file", timestamp="_transferred_at")
"""Columns that are added to every row: its file, relative to the export's root, and the start of
the transfer, from the name of the file. The transfer is null for a flat CSV, whose name does not
state it."""

LOADED_FILES = columns(
    text="root path table_name etag",
    bigint="size_bytes",
    timestamp="modified_at",
    bool="has_doubles",
)
"""One row per version of a loaded file. `path` is relative to the folder `root`. The pipeline uses
it to find new files, and staging to exclude rows of replaced versions. `has_doubles` marks a file
whose amounts are stored as binary numbers."""

LOAD_NOTES = columns(text="kind table_name column_name path message")
"""Differences between the files of a load and their declaration, see `drift.Note`."""

FILE_READS = columns(
    text="path table_name copy columns declaration",
    bigint="rows",
    timestamp="newest_updated_at",
)
"""One row per loaded file whose rows stay in the file, because another engine reads it. `columns`
is a JSON object of the raw columns and that engine's expressions for them. `copy` is the Parquet
file to read instead, if that engine cannot read this one exactly. `declaration` is a checksum of
the columns that its table was declared with."""

OWN_TABLES = frozenset({"loaded_files", "load_notes", "file_reads"})
"""Tables of the pipeline. No table of an export can have their names."""

NAME = "metronome_export"
DATASET = "raw_export"
RAW_TABLES = {
    **{table: {**hints, **PROVENANCE} for table, hints in TABLES.items()},
    "loaded_files": LOADED_FILES,
    "load_notes": LOAD_NOTES,
}
"""The tables that every run creates, with their columns."""

SELECTED_TABLES = frozenset(TABLES)
"""Tables whose rows the destination reads from the files. dlt adds no ids to them."""
