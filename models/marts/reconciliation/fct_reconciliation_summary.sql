-- One row per environment, check and unit, with the numbers of comparisons, their differences and the outcome. A
-- check that had nothing to compare has one row, without a unit.
with

results as (
    select
        'usage to invoice' as check_name,
        environment_type,
        unit_of_measure as unit,
        outcome,
        -- cast to the type of amounts, because a union of two scales truncates the longer one
        {{ as_amount('difference') }} as difference
    from {{ ref('fct_reconciliation_usage') }}
    union all
    select
        'API to export' as check_name,
        environment_type,
        pricing_unit as unit,
        case when explanation is null then outcome else 'not comparable' end as outcome,
        difference_amount as difference
    from {{ ref('fct_reconciliation_sources') }}
    union all
    select
        'lines to invoice total' as check_name,
        environment_type,
        pricing_unit as unit,
        case
            when lines_difference_amount is null then 'not comparable'
            when lines_difference_amount = 0 then 'equal'
            else 'different'
        end as outcome,
        lines_difference_amount as difference
    from {{ ref('fct_reconciliation_lines') }}
    union all
    select
        'sub lines to line totals' as check_name,
        environment_type,
        pricing_unit as unit,
        case when sub_lines_difference_amount = 0 then 'equal' else 'different' end as outcome,
        sub_lines_difference_amount as difference
    from {{ ref('fct_reconciliation_lines') }}
    where sub_lines_difference_amount is not null
    union all
    select
        'days to invoice total' as check_name,
        environment_type,
        pricing_unit as unit,
        case when days_difference_amount = 0 then 'equal' else 'different' end as outcome,
        days_difference_amount as difference
    from {{ ref('fct_reconciliation_lines') }}
    where days_difference_amount is not null
    union all
    select
        case balance_type when 'CREDIT_GRANT' then 'deductions to grant balance' else 'ledger to balance' end
            as check_name,
        environment_type,
        pricing_unit as unit,
        outcome,
        difference_amount as difference
    from {{ ref('fct_reconciliation_balances') }}
),

checks as (
    select
        1 as check_number,
        'usage to invoice' as check_name
    union all
    select
        2 as check_number,
        'API to export' as check_name
    union all
    select
        3 as check_number,
        'lines to invoice total' as check_name
    union all
    select
        4 as check_number,
        'sub lines to line totals' as check_name
    union all
    select
        5 as check_number,
        'days to invoice total' as check_name
    union all
    select
        6 as check_number,
        'ledger to balance' as check_name
    union all
    select
        7 as check_number,
        'deductions to grant balance' as check_name
),

environments as (
    select environment_type from {{ ref('report_parameters') }}
    union
    select environment_type from results
),

counted as (
    select
        environments.environment_type,
        checks.check_number,
        checks.check_name,
        results.unit,
        sum(case when results.outcome in ('equal', 'different') then 1 else 0 end) as compared,
        sum(case when results.outcome = 'equal' then 1 else 0 end) as equal,
        sum(case when results.outcome = 'different' then 1 else 0 end) as different,
        sum(case when results.outcome = 'not comparable' then 1 else 0 end) as not_comparable,
        sum(case when results.outcome like 'only in the %' then 1 else 0 end) as only_in_one,
        coalesce({{ sum_amounts('abs(results.difference)') }}, 0) as difference
    from environments
    cross join checks
    left join results
        on
            environments.environment_type is not distinct from results.environment_type
            and checks.check_name = results.check_name
    group by environments.environment_type, checks.check_number, checks.check_name, results.unit
)

select
    environment_type,
    cast(check_number as integer) as check_number,
    check_name,
    unit,
    cast(compared as bigint) as compared,
    cast(equal as bigint) as equal,
    cast(different as bigint) as different,
    cast(not_comparable as bigint) as not_comparable,
    cast(only_in_one as bigint) as only_in_one,
    cast(difference as {{ amount_type() }}) as difference,
    case
        when different + only_in_one > 0 then 'differ'
        when compared > 0 then 'agree'
        else 'nothing to compare'
    end as outcome
from counted
