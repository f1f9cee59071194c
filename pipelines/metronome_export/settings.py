"""What the data export holds: its tables, their columns, and where its files lie.

The nine tables of the plan vintage. Column names and types are the vendor's; every column may
arrive null or be missing from a file, and columns that are not declared here land as text.
"""

import re

from pipelines.columns import Hints, columns

TABLES: dict[str, Hints] = {
    "customer": columns(
        text="id name salesforce_account_id billing_provider_type billing_provider_customer_id "
        "environment_type",
        json="ingest_aliases custom_fields",
        timestamp="created_at updated_at archived_at",
    ),
    "plan": columns(
        text="id name description billing_frequency environment_type",
        json="custom_fields",
        timestamp="starting_on created_at deprecated_at updated_at",
    ),
    "product": columns(
        text="id name description environment_type",
        json="custom_fields",
        timestamp="created_at deprecated_at updated_at",
    ),
    "billable_metric": columns(
        text="id name aggregate environment_type",
        json="aggregate_keys group_keys",
        timestamp="created_at archived_at updated_at",
    ),
    "plan_charge": columns(
        text="id charge_id name charge_name plan_id product_id product_name billable_metric_id "
        "billable_metric_name credit_type_id credit_type_name charge_type environment_type",
        decimal="start_period quantity",
        json="prices custom_fields",
        timestamp="updated_at",
    ),
    "invoice": columns(
        text="id status credit_type_id credit_type_name customer_id plan_id plan_name contract_id "
        "billing_provider_invoice_id billing_provider_type "
        "billing_provider_invoice_external_status invoice_label environment_type",
        decimal="total",
        json="metadata",
        timestamp="start_timestamp end_timestamp issued_at billing_provider_invoice_created_at "
        "updated_at",
    ),
    "line_item": columns(
        text="id invoice_id credit_grant_id credit_type_id credit_type_name name commit_id "
        "product_id group_key group_value subscription_id environment_type",
        decimal="quantity total unit_price",
        bool="is_prorated",
        json="pricing_group_values metadata",
        timestamp="starting_at ending_before updated_at",
    ),
    "sub_line_item": columns(
        text="id line_item_id name charge_id billable_metric_id billable_metric_name",
        decimal="quantity subtotal",
        json="tiers",
        timestamp="updated_at",
    ),
    "events": columns(
        text="transaction_id customer_id event_type environment_type _metronome_metadata_id",
        json="properties",
        timestamp="timestamp updated_at",
    ),
}

PROVENANCE = columns(text="_file", timestamp="_transferred_at")
"""Added to every row: the file it came from, relative to the export's root, and the start of the
transfer that its name states (null for a flat CSV, whose name states none)."""

LOADED_FILES = columns(text="root path table_name", bigint="size_bytes", timestamp="modified_at")
"""One row per file that was loaded, `path` relative to the folder `root`; the pipeline reads it to
find what is new."""

LAYOUTS = {
    "parquet": re.compile(
        r"(?:^|/)(?P<table>[^/]+)/dt=\d{4}-\d{2}-\d{2}/[^/]+\.parquet$"
    ),  # <table>/dt=<date>/<part>_<YYYYMMDDHHmmss>.parquet
    "csv": re.compile(r"^(?:[^/]* - )?(?P<table>[^/ ]+)\.csv$"),  # <anything> - <table>.csv
}
