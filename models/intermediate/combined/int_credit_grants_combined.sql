-- One row per credit grant of either source. The API, which is live, takes precedence. Voided grants are excluded.
with

from_api as (
    select * from {{ ref('stg_metronome_api__credit_grants') }}
),

from_export as (
    select grants.*
    from {{ ref('int_export_credit_grants') }} as grants
    left join from_api on grants.credit_grant_id = from_api.credit_grant_id
    where from_api.credit_grant_id is null
)

select
    'api' as source,
    credit_grant_id,
    customer_id,
    credit_grant_name,
    source_pricing_unit,
    granted,
    balance_excluding_pending,
    balance_including_pending,
    effective_at,
    expires_at
from from_api
union all
select
    'export' as source,
    credit_grant_id,
    customer_id,
    credit_grant_name,
    source_pricing_unit,
    granted,
    balance_excluding_pending,
    balance_including_pending,
    effective_at,
    expires_at
from from_export
