-- One row per commit or credit of either source. The API, which is live, takes precedence.
with

from_api as (
    select * from {{ ref('stg_metronome_api__balances') }}
),

from_export as (
    select * from {{ ref('stg_metronome_export__balances') }}
),

only_in_export as (
    select from_export.*
    from from_export
    left join from_api on from_export.balance_id = from_api.balance_id
    where from_api.balance_id is null
)

select
    'api' as source,
    balance_id,
    customer_id,
    contract_id,
    balance_type,
    balance_name,
    source_pricing_unit,
    access_type,
    balance,
    archived_at
from from_api
union all
select
    'export' as source,
    balance_id,
    customer_id,
    contract_id,
    balance_type,
    balance_name,
    {{ json_text(json_text('access_schedule', 'credit_type'), 'name') }} as source_pricing_unit,
    upper({{ json_text('access_schedule', 'access_type') }}) as access_type,
    balance,
    cast(null as {{ instant_type() }}) as archived_at
from only_in_export
