-- One row per edit of a contract.
with

source as (
    select * from {{ source('raw_api', 'contract_edits') }}
),

renamed as (
    select
        -- ids
        contract_id,
        edit_number,
        id as edit_id,
        customer_id,

        -- text
        update_contract_name as new_contract_name,
        uniqueness_key,

        -- json
        add_commits,
        add_credits,
        add_overrides,
        add_discounts,
        add_scheduled_charges,
        add_recurring_commits,
        add_recurring_credits,
        add_subscriptions,
        update_commits,
        update_credits,
        update_scheduled_charges,
        update_discounts,
        update_recurring_commits,
        update_recurring_credits,
        update_subscriptions,
        update_refund_invoices,
        archive_commits,
        archive_credits,
        archive_scheduled_charges,
        remove_overrides,

        -- timestamps
        timestamp as edited_at,
        update_contract_end_date as new_ending_before
    from source
)

select * from renamed
