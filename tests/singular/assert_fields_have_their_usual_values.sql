-- Warns for each value in a field that no figure uses but that could change the meaning of a row.
-- docs/unused_fields.md states how such a row is read. The usual value is null.
{{ config(severity='warn') }}
{%- set fields = [
    ('stg_metronome_api__invoices', 'corrected_invoice_id', 'invoice_id', 'corrected_invoice_id is not null'),
    ('stg_metronome_api__invoices', 'payer_customer_id', 'invoice_id', 'payer_customer_id <> customer_id'),
    ('stg_metronome_api__invoices', 'reseller_royalty', 'invoice_id', 'reseller_royalty is not null'),
    ('stg_metronome_api__invoice_line_items', 'applied_access_type', 'invoice_id', "applied_access_type = 'QUANTITY'"),
    ('stg_metronome_api__balances', 'is_not_invoiced', 'balance_id', "is_not_invoiced and balance_type <> 'CREDIT'"),
    (
        'stg_metronome_export__balances', 'do_not_invoice', 'balance_id',
        json_text('invoice_schedule', 'do_not_invoice') ~ " = 'true' and balance_type <> 'CREDIT'"
    ),
    ('stg_metronome_api__credit_grants', 'paid', 'credit_grant_id', 'paid <> 0'),
    ('stg_metronome_export__credit_grants', 'paid', 'credit_grant_id', 'paid <> 0'),
    ('stg_metronome_api__customer_plans', 'trial_info', 'customer_plan_id', 'trial_info is not null'),
    ('stg_metronome_export__invoices', 'corrections', 'invoice_id', json_text('metadata', 'corrections') ~ " <> '{}'"),
] %}
{% for model, field, key, condition in fields %}
    select
        '{{ model }}' as model,
        '{{ field }}' as field,
        min({{ key }}) as first_key,
        count(*) as found_rows
    from {{ ref(model) }}
    where {{ condition }}
    having count(*) > 0
    {{ 'union all' if not loop.last }}
{%- endfor %}
