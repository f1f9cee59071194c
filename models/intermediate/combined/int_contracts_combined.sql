-- One row per contract of either source. The API, which is live, takes precedence.
with

from_api as (
    select * from {{ ref('stg_metronome_api__contracts') }}
),

from_export as (
    select * from {{ ref('stg_metronome_export__contracts') }}
),

only_in_export as (
    select from_export.*
    from from_export
    left join from_api on from_export.contract_id = from_api.contract_id
    where from_api.contract_id is null
)

select
    contract_id,
    customer_id,
    package_id,
    rate_card_id,
    contract_name,
    billing_frequency,
    net_payment_terms_days,
    starting_at,
    ending_before,
    archived_at
from from_api
union all
select
    contract_id,
    customer_id,
    package_id,
    rate_card_id,
    contract_name,
    billing_frequency,
    net_payment_terms_days,
    starting_at,
    ending_before,
    archived_at
from only_in_export
