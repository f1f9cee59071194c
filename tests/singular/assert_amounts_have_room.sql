-- Fails for each amount of 10^15 or more in its source pricing unit. Such an amount is an error in the data. Sums of
-- such amounts do not fit in their type, so models would stop with an error that names no row.
{%- set amounts = [
    ('stg_metronome_export__invoices', 'invoice_id', 'total'),
    ('stg_metronome_export__line_items', 'line_item_id', 'total'),
    ('stg_metronome_export__sub_line_items', 'sub_line_item_id', 'subtotal'),
    ('stg_metronome_export__draft_invoices', 'invoice_id', 'total'),
    ('stg_metronome_export__draft_line_items', 'line_item_id', 'total'),
    ('stg_metronome_export__balances', 'balance_id', 'balance'),
    ('stg_metronome_export__credit_grants', 'credit_grant_id', 'granted'),
    ('stg_metronome_export__credit_grant_deductions', 'deduction_id', 'amount'),
    ('stg_metronome_export__invoice_breakdowns', 'invoice_breakdown_id', 'total'),
    ('stg_metronome_export__invoice_breakdown_lines', 'invoice_breakdown_line_id', 'total'),
    ('stg_metronome_export__draft_invoice_breakdowns', 'invoice_breakdown_id', 'total'),
    ('stg_metronome_export__draft_invoice_breakdown_lines', 'invoice_breakdown_line_id', 'total'),
    ('stg_metronome_api__invoices', 'invoice_id', 'total'),
    ('stg_metronome_api__invoice_line_items', 'invoice_id', 'total'),
    ('stg_metronome_api__invoice_sub_line_items', 'invoice_id', 'subtotal'),
    ('stg_metronome_api__invoice_adjustments', 'invoice_id', 'total'),
    ('stg_metronome_api__invoice_breakdowns_daily', 'invoice_id', 'total'),
    ('stg_metronome_api__invoice_breakdown_daily_lines', 'invoice_id', 'total'),
    ('stg_metronome_api__balances', 'balance_id', 'balance'),
    ('stg_metronome_api__balance_segments', 'balance_id', 'amount'),
    ('stg_metronome_api__balance_ledger_entries', 'balance_id', 'amount'),
    ('stg_metronome_api__credit_grants', 'credit_grant_id', 'granted'),
    ('stg_metronome_api__credit_ledger_entries', 'customer_id', 'running_balance'),
] %}
{% for model, key, amount in amounts %}
    select
        '{{ model }}' as model,
        {{ key }} as key_value,
        {{ amount }} as amount
    from {{ ref(model) }}
    where abs({{ amount }}) >= 1000000000000000
    {{ 'union all' if not loop.last }}
{%- endfor %}
