-- Fails for each period of an invoice or line that ends before it starts, and for each time outside the years 2000 to
-- 2100. Such an invoice would be in a wrong month, or never be current.
{%- set periods = [
    ('stg_metronome_export__invoices', 'invoice_id', 'period_start_at', 'period_end_at', 'issued_at'),
    ('stg_metronome_export__draft_invoices', 'invoice_id', 'period_start_at', 'period_end_at', 'snapshot_at'),
    ('stg_metronome_export__line_items', 'line_item_id', 'starting_at', 'ending_before', 'starting_at'),
    ('stg_metronome_export__draft_line_items', 'line_item_id', 'starting_at', 'ending_before', 'starting_at'),
    ('stg_metronome_api__invoices', 'invoice_id', 'period_start_at', 'period_end_at', 'issued_at'),
    ('stg_metronome_api__invoice_line_items', 'invoice_id', 'starting_at', 'ending_before', 'starting_at'),
] %}
{% for model, key, start, end, other in periods %}
    select
        '{{ model }}' as model,
        {{ key }} as key_value,
        {{ start }} as starts_at,
        {{ end }} as ends_at
    from {{ ref(model) }}
    where
        {{ end }} < {{ start }}
        or not ({{ is_possible_time(start) }})
        or not ({{ is_possible_time(end) }})
        or not ({{ is_possible_time(other) }})
    {{ 'union all' if not loop.last }}
{%- endfor %}
