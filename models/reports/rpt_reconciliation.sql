-- One row per check and unit, with the numbers of comparisons and their differences.
select
    summary.check_name,
    summary.unit,
    summary.compared,
    summary.equal,
    summary.different,
    summary.not_comparable,
    summary.only_in_one,
    summary.difference,
    summary.environment_type,
    summary.check_number,
    summary.outcome
from {{ ref('fct_reconciliation_summary') }} as summary
inner join {{ ref('report_parameters') }} as arguments
    on summary.environment_type is not distinct from arguments.environment_type
