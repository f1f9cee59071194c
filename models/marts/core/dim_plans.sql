-- One row per plan, package or rate card. A view: `int_plans_combined` stores the rows.
{{ config(materialized='view') }}
select
    plan_id,
    plan_name,
    plan_kind
from {{ ref('int_plans_combined') }}
