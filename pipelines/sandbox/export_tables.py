"""The columns of the export's files, table by table, in the order of the files."""


def _columns(text: str) -> dict[str, str]:
    words = (word.partition(":") for word in text.split())
    return {name: kind or "text" for name, _, kind in words}


# Column types are text (also for JSON), decimal, integer, timestamp and boolean.
COLUMNS: dict[str, dict[str, str]] = {
    "billable_metric": _columns(
        "id aggregate aggregate_keys environment_type group_keys name created_at:timestamp "
        "archived_at:timestamp updated_at:timestamp"
    ),
    "customer": _columns(
        "id name ingest_aliases salesforce_account_id billing_provider_type "
        "billing_provider_customer_id custom_fields environment_type created_at:timestamp "
        "updated_at:timestamp archived_at:timestamp"
    ),
    "plan": _columns(
        "id name description billing_frequency starting_on:timestamp custom_fields "
        "environment_type created_at:timestamp deprecated_at:timestamp updated_at:timestamp"
    ),
    "product": _columns(
        "id name description custom_fields created_at:timestamp environment_type "
        "deprecated_at:timestamp updated_at:timestamp"
    ),
    "plan_charge": _columns(
        "id charge_id name plan_id product_id product_name billable_metric_id "
        "billable_metric_name start_period:decimal credit_type_id credit_type_name charge_type "
        "quantity:decimal prices environment_type custom_fields updated_at:timestamp"
    ),
    "invoice": _columns(
        "id status total:decimal credit_type_id credit_type_name customer_id plan_id plan_name "
        "contract_id start_timestamp:timestamp end_timestamp:timestamp "
        "billing_provider_invoice_id billing_provider_type "
        "billing_provider_invoice_created_at:timestamp billing_provider_invoice_external_status "
        "invoice_label issued_at:timestamp metadata environment_type updated_at:timestamp"
    ),
    "line_item": _columns(
        "id invoice_id credit_grant_id credit_type_id credit_type_name name quantity:decimal "
        "total:decimal commit_id product_id group_key group_value unit_price:decimal "
        "pricing_group_values metadata subscription_id is_prorated:boolean "
        "starting_at:timestamp ending_before:timestamp environment_type updated_at:timestamp"
    ),
    "sub_line_item": _columns(
        "id line_item_id name quantity:decimal subtotal:decimal charge_id billable_metric_id "
        "billable_metric_name tiers updated_at:timestamp"
    ),
    "events": _columns(
        "transaction_id customer_id timestamp:timestamp event_type properties environment_type "
        "_metronome_metadata_id updated_at:timestamp"
    ),
    "credit_type": _columns(
        "_metronome_metadata_id id environment_type name is_currency:boolean updated_at:timestamp"
    ),
    "alert": _columns(
        "id name alert_type threshold:decimal webhooks_enabled:boolean environment_type "
        "created_at:timestamp disabled_at:timestamp updated_at:timestamp archived_at:timestamp "
        "group_values seat_filter customer_id"
    ),
    "customer_alert_history": _columns(
        "id environment_type customer_id alert_id alert_status additional_data created_at:timestamp"
    ),
    "credit_grant": _columns(
        "id customer_id name invoice_id priority:decimal reason amount_granted:decimal "
        "amount_granted_credit_type_id amount_paid:decimal amount_paid_credit_type_id "
        "product_ids created_at:timestamp updated_at:timestamp effective_at:timestamp "
        "expires_at:timestamp voided_at:timestamp environment_type"
    ),
    "credit_grant_deduction": _columns(
        "id credit_grant_id amount:decimal memo invoice_id effective_at:timestamp "
        "updated_at:timestamp"
    ),
    "draft_invoice": _columns(
        "_metronome_metadata_id id environment_type snapshot_time:timestamp status "
        "total:decimal credit_type_id credit_type_name customer_id plan_id plan_name "
        "contract_id billable_status billing_provider_invoice_id "
        "billing_provider_invoice_created_at:timestamp label start_timestamp:timestamp "
        "end_timestamp:timestamp updated_at:timestamp"
    ),
    "draft_line_item": _columns(
        "_metronome_metadata_id id environment_type snapshot_time:timestamp invoice_id "
        "credit_grant_id credit_type_id credit_type_name name quantity:decimal total:decimal "
        "commit_id product_id group_key group_value unit_price:decimal pricing_group_values "
        "subscription_id is_prorated:boolean metadata starting_at:timestamp "
        "ending_before:timestamp updated_at:timestamp"
    ),
    "breakdowns_invoices": _columns(
        "id environment_type snapshot_timestamp:timestamp invoice_id customer_id transfer_id "
        "credit_type_id net_payment_term_days:integer credit_type_name subtotal:decimal "
        "total:decimal type external_invoice plan_id contract_id amendment_id custom_fields "
        "billable_status window_size metadata issued_at:timestamp "
        "invoice_start_timestamp:timestamp invoice_end_timestamp:timestamp "
        "breakdown_start_timestamp:timestamp breakdown_end_timestamp:timestamp "
        "updated_at:timestamp"
    ),
    "breakdowns_line_items": _columns(
        "id environment_type snapshot_timestamp:timestamp watermark_timestamp:timestamp "
        "invoice_breakdown_id name transfer_id group_key group_value quantity:decimal "
        "total:decimal unit_price:decimal product_id product_type credit_type_id "
        "credit_type_name commit_id commit_segment_id commit_type subscription_id "
        "is_prorated:boolean line_item_id line_item_type custom_fields pricing_group_values "
        "presentation_group_values billable_metric_id metadata "
        "breakdown_start_timestamp:timestamp breakdown_end_timestamp:timestamp "
        "updated_at:timestamp"
    ),
    "breakdowns_draft_invoices": _columns(
        "id environment_type snapshot_timestamp:timestamp invoice_id customer_id transfer_id "
        "credit_type_id net_payment_term_days:integer credit_type_name subtotal:decimal "
        "total:decimal type external_invoice plan_id contract_id amendment_id custom_fields "
        "billable_status window_size metadata issued_at:timestamp "
        "invoice_start_timestamp:timestamp invoice_end_timestamp:timestamp "
        "breakdown_start_timestamp:timestamp breakdown_end_timestamp:timestamp "
        "updated_at:timestamp"
    ),
    "breakdowns_draft_line_items": _columns(
        "id environment_type snapshot_timestamp:timestamp watermark_timestamp:timestamp "
        "invoice_breakdown_id name transfer_id group_key group_value quantity:decimal "
        "total:decimal unit_price:decimal product_id product_type credit_type_id "
        "credit_type_name commit_id commit_segment_id commit_type subscription_id "
        "is_prorated:boolean line_item_id line_item_type custom_fields pricing_group_values "
        "presentation_group_values billable_metric_id metadata "
        "breakdown_start_timestamp:timestamp breakdown_end_timestamp:timestamp "
        "updated_at:timestamp"
    ),
    "contracts_contracts": _columns(
        "id environment_type snapshot_id name customer_id package_id rate_card_id "
        "starting_at:timestamp ending_before:timestamp archived_at:timestamp "
        "multiplier_override_prioritization net_payment_terms_days:integer "
        "usage_statement_schedule_frequency scheduled_charges_on_usage_invoices metadata "
        "created_at:timestamp created_by updated_at:timestamp"
    ),
    "contracts_commits": _columns(
        "id environment_type snapshot_id contract_id amendment_id type name priority:decimal "
        "description product_id amount:decimal access_schedule invoice_schedule "
        "rollover_fraction:decimal rate_type applicable_product_ids applicable_product_tags "
        "specifiers ledger rolled_over_from_commit_id rolled_over_from_contract_id "
        "recurring_commit_id metadata balance:decimal cost_basis:decimal updated_at:timestamp"
    ),
    "contracts_balances": _columns(
        "id environment_type snapshot_id customer_id contract_id amendment_id type name "
        "priority:decimal description product_id access_schedule invoice_schedule "
        "rollover_fraction:decimal rate_type applicable_product_ids applicable_product_tags "
        "specifiers applicable_contract_ids invoice_contract_id ledger "
        "rolled_over_from_commit_id rolled_over_from_contract_id recurring_commit_id metadata "
        "balance:decimal cost_basis:decimal updated_at:timestamp"
    ),
    "contracts_recurring_commits_and_credits": _columns(
        "id environment_type snapshot_id contract_id customer_id type name priority:decimal "
        "description product_id access_amount invoice_amount rollover_fraction:decimal "
        "rate_type applicable_product_ids applicable_product_tags specifiers commit_duration "
        "proration proration_rounding recurrence_frequency metadata subscription_config "
        "starting_at:timestamp ending_before:timestamp updated_at:timestamp"
    ),
    "contracts_usage_filter_schedule": _columns(
        "id contract_id starting_at:timestamp ending_before:timestamp group_key group_values "
        "metadata updated_at:timestamp"
    ),
    "contracts_usage_filters": _columns(
        "id environment_type snapshot_id contract_id version:integer starting_at:timestamp "
        "group_key group_values metadata updated_at:timestamp"
    ),
    "contracts_prepaid_balance_threshold_configurations": _columns(
        "id environment_type snapshot_id contract_id enabled:boolean threshold_amount:decimal "
        "recharge_to_amount:decimal commit_name commit_description commit_product_id "
        "commit_applicable_product_ids commit_applicable_product_tags payment_gate_type "
        "tax_type stripe_payment_type metadata updated_at:timestamp "
        "commit_duration_value:integer commit_duration_unit commit_rollover_fraction:decimal "
        "commit_rate_type"
    ),
    "contracts_spend_threshold_configurations": _columns(
        "id environment_type snapshot_id contract_id enabled:boolean threshold_amount:decimal "
        "commit_name commit_description commit_product_id payment_gate_type tax_type "
        "stripe_payment_type metadata updated_at:timestamp"
    ),
    "contracts_subscriptions": _columns(
        "id environment_type snapshot_id customer_id contract_id product_id name description "
        "billing_frequency billing_cycle_config collection_schedule is_prorated:boolean "
        "proration_rounding invoice_behavior quantity_schedule fiat_credit_type_id metadata "
        "starting_at:timestamp ending_before:timestamp updated_at:timestamp"
    ),
    "contracts_scheduled_charges": _columns(
        "id environment_type snapshot_id contract_id amendment_id name description product_id "
        "credit_type_id credit_type_name schedule metadata updated_at:timestamp"
    ),
    "contract_hierarchy_configurations": _columns(
        "id contract_id parent_contract_id parent_customer_id child_info updated_at:timestamp "
        "metadata environment_type snapshot_id payer usage_statement_behavior "
        "invoice_consolidation_type"
    ),
    "contracts_overrides": _columns(
        "id environment_type snapshot_id contract_id amendment_id product_id entitled:boolean "
        "rate_type multiplier:decimal priority:decimal new_rate credit_type_id credit_type_name "
        "applicable_product_tags override_specifiers target is_commit_specific:boolean metadata "
        "tiered_override starting_at:timestamp ending_before:timestamp created_at:timestamp "
        "updated_at:timestamp"
    ),
    "contracts_transitions": _columns(
        "id environment_type snapshot_id type contract_id from_contract_id to_contract_id "
        "date:timestamp metadata updated_at:timestamp"
    ),
    "contracts_edits": _columns(
        "id contract_id timestamp:timestamp edits metadata environment_type created_by "
        "updated_at:timestamp snapshot_id"
    ),
    "contracts_amendments": _columns(
        "id environment_type snapshot_id contract_id effective_at:timestamp metadata "
        "created_at:timestamp created_by updated_at:timestamp"
    ),
    "contracts_rate_cards": _columns(
        "id environment_type snapshot_id credit_type_conversions metadata aliases "
        "fiat_credit_type_id fiat_credit_type_name description name created_by "
        "created_at:timestamp updated_at:timestamp archived_at:timestamp"
    ),
    "contracts_rate_card_entries": _columns(
        "id environment_type rate_card_id product_id version:integer entitled:boolean rate "
        "commit_rate product_order:integer pricing_group_values snapshot_id metadata "
        "credit_type_id credit_type_name billing_frequency starting_at:timestamp "
        "ending_before:timestamp updated_at:timestamp"
    ),
    "contracts_product_list_item_versions": _columns(
        "id environment_type snapshot_id product_list_item_id type version:integer name "
        "is_refundable:boolean billable_metric_id composite_product_ids composite_scope tags "
        "composite_tags include_composite_spend:boolean quantity_conversion quantity_rounding "
        "pricing_group_key presentation_group_key metadata starting_at:timestamp "
        "created_at:timestamp created_by updated_at:timestamp"
    ),
    "packages": _columns(
        "id name rate_card_id duration_unit duration_value:integer "
        "multiplier_override_prioritization net_payment_terms_days:integer "
        "usage_statement_schedule_frequency scheduled_charges_on_usage_invoices "
        "billing_provider delivery_method aliases created_at:timestamp created_by "
        "archived_at:timestamp updated_at:timestamp environment_type snapshot_id metadata"
    ),
    "payment": _columns(
        "id invoice_id customer_id contract_id environment_type amount:decimal "
        "amount_paid:decimal credit_type_id credit_type_name status error_message "
        "payment_gateway created_at:timestamp updated_at:timestamp"
    ),
}

# Columns that the vendor's public flat files do not have, and no figure needs.
NOT_IN_CSV: dict[str, set[str]] = {
    "plan_charge": {"prices"},
    "line_item": {"environment_type", "group_key", "pricing_group_values"},
    "events": {"_metronome_metadata_id", "updated_at"},
}
