-- One row per entry of the account's audit log: one action of a person or an API token.
with

source as (
    select * from {{ source('raw_api', 'audit_logs') }}
),

renamed as (
    select
        -- ids
        id as audit_log_id,
        actor__id as actor_id,
        request__id as request_id,
        resource_id,

        -- text
        upper(resource_type) as resource_type,
        upper(action) as action,
        upper(status) as audit_log_status,
        description,
        actor__name as actor_name,
        actor__email as actor_email,
        request__ip as request_ip,
        request__user_agent as request_user_agent,

        -- timestamps
        timestamp as occurred_at
    from source
)

select * from renamed
