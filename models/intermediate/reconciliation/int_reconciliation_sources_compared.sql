{%- set fields = [
    'invoice_status', 'customer_id', 'plan_id', 'plan_name', 'contract_id', 'source_pricing_unit', 'total', 'period_start_at',
    'period_end_at', 'issued_at', 'billing_provider_type', 'billing_provider_invoice_id', 'external_status',
] -%}
-- One row per invoice that both sources have, with the number of compared fields and the fields that differ.

with

both_sources as (
    select
        'api' as source,
        invoice_id,
        {{ fields | join(', ') }}
    from {{ ref('stg_metronome_api__invoices') }}
    where exists (select 1 from {{ ref('stg_metronome_export__invoices') }})
    union all
    select
        'export' as source,
        invoice_id,
        {{ fields | join(', ') }}
    from {{ ref('stg_metronome_export__invoices') }}
    where exists (select 1 from {{ ref('stg_metronome_api__invoices') }})
),

-- a source carries a field if it fills it on at least one invoice
filled as (
    select
        source,
    {%- for field in fields %}
        count({{ field }}) as {{ field }}
        {{- ',' if not loop.last }}
    {%- endfor %}
    from both_sources
    group by source
),

carried as (
    select
    {%- for field in fields %}
            min({{ field }}) > 0 as {{ field }}
            {{- ',' if not loop.last }}
    {%- endfor %}
    from filled
),

-- a field is true if the two sources state different values
compared as (
    select
        invoice_id,
    {%- for field in fields %}
        count({{ field }}) = 1
        or not coalesce(
            {% if field == 'total' %}{{ equal_amounts('min(total)', 'max(total)') }}
            {%- else %}min({{ field }}) = max({{ field }})
            {%- endif %}, true
        ) as {{ field }}
        {{- ',' if not loop.last }}
    {%- endfor %}
    from both_sources
    group by invoice_id
    having count(*) = 2
)

select
    compared.invoice_id,
    cast(
        {%- for field in fields %}
            case when carried.{{ field }} then 1 else 0 end{{ ' +' if not loop.last }}
        {%- endfor %}
        as integer
    ) as compared_fields,
    nullif(
        trim(
            {%- for field in fields %}
                case when carried.{{ field }} and compared.{{ field }} then '{{ field }} ' else '' end
                {{- ' ||' if not loop.last }}
            {%- endfor %}
        ), ''
    ) as different_fields
from compared
cross join carried
