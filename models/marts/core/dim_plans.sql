-- One row per plan, package or rate card.
select
    plan_id,
    plan_name,
    plan_kind
from {{ ref('int_plans_combined') }}
