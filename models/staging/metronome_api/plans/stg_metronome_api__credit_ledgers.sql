-- One row per customer and pricing unit in which the customer has credit grants.
with

source as (
    select * from {{ source('raw_api', 'credit_ledgers') }}
),

renamed as (
    select
        -- ids
        customer_id,
        ledger_number,
        credit_type__id as pricing_unit_id,

        -- text
        credit_type__name as source_pricing_unit,

        -- numerics
        starting_balance__excluding_pending as starting_balance_excluding_pending,
        starting_balance__including_pending as starting_balance_including_pending,
        ending_balance__excluding_pending as ending_balance_excluding_pending,
        ending_balance__including_pending as ending_balance_including_pending,

        -- timestamps
        starting_balance__effective_at as starting_balance_effective_at,
        ending_balance__effective_at as ending_balance_effective_at
    from source
)

select * from renamed
