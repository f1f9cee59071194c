{# Run at the end of a run: say what reports were written, with their headline figures. #}
{% macro print_reports(results) -%}
    {%- if execute -%}
        {%- set written = [] -%}
        {%- for result in results if result.node.name.startswith('rpt_') and result.status == 'success' -%}
            {%- do written.append(result.node.name) -%}
        {%- endfor -%}
        {%- if written -%}
            {%- set arguments = run_query(
                'select as_of, environment_type from ' ~ built('dim_report_arguments')
            ).rows[0] -%}
            {%- set tests = results | selectattr('status', 'in', ['pass', 'warn', 'fail']) | list -%}
            {{ print(
                '\nReports as of ' ~ arguments[0].strftime('%Y-%m-%dT%H:%M:%SZ')
                ~ (', ' ~ printable(arguments[1]) if arguments[1] else '') ~ '. Tests: ' ~ tests | length
                ~ ', failed: ' ~ tests | selectattr('status', 'equalto', 'fail') | list | length
                ~ ', warnings: ' ~ tests | selectattr('status', 'equalto', 'warn') | list | length
            ) }}
        {%- endif -%}
        {%- for report in written | sort -%}
            {%- set rows = run_query('select count(*) from ' ~ built(report)).columns[0].values()[0] -%}
            {{ print('\n  ' ~ report_file(report) ~ '  ' ~ rows ~ (' row' if rows == 1 else ' rows')) }}
            {%- for row in run_query(headline(report)) -%}
                {{ print('      ' ~ printable(row[0])) }}
            {%- endfor -%}
        {%- endfor -%}
        {%- do print_failures(results) -%}
    {%- endif -%}
{%- endmacro %}

{# What went wrong, in the tests' own descriptions, and which reports were not written because of it. #}
{% macro print_failures(results) -%}
    {%- do print_results('Warnings', results | selectattr('status', 'equalto', 'warn') | list) -%}
    {%- set failed = results | selectattr('status', 'in', ['fail', 'error', 'runtime error']) | list -%}
    {%- do print_results('Failed', failed) -%}
    {%- if failed -%}
        {%- for result in results
            if result.node.name.startswith('rpt_') and result.status in ('skipped', 'error') -%}
            {{ print('\n  ' ~ report_file(result.node.name) ~ '  not written') }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{% macro print_results(title, results) -%}
    {%- if results -%}
        {{ print('\n' ~ title ~ ':') }}
        {%- for result in results -%}
            {{ print('  ' ~ result.node.name ~ (', rows: ' ~ result.failures if result.failures else '')) }}
            {%- if result.node.description -%} {{ print('      ' ~ result.node.description) }} {%- endif -%}
            {%- if result.node.resource_type == 'test' and result.failures -%}
                {%- do print_rows(result.node) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{# The first rows that a data test found: their first values, each with the name of its column. #}
{% macro print_rows(test) -%}
    {%- set found = run_query('select * from (\n' ~ test.compiled_code ~ '\n) as found order by 1 limit 3') -%}
    {%- for row in found.rows -%}
        {%- set values = [] -%}
        {%- for name, value in row.dict().items() if value is not none -%}
            {%- do values.append(name ~ ' ' ~ value) -%}
        {%- endfor -%}
        {{ print('        ' ~ printable(values[:5] | join(', '))) }}
    {%- endfor -%}
{%- endmacro %}

{# The query for a report's headline figures: one line of text per row. #}
{% macro headline(report) -%}
    {%- if report == 'rpt_customer_summary' -%}
        select
            pricing_unit || ': outstanding '
            || coalesce({{ plain_number('sum(outstanding_balance)') }}, 'not known')
            || ', running invoices '
            || coalesce(
                {{ plain_number('sum(case when not current_invoice_is_fallback then invoice_balance end)') }},
                case when count(current_invoices) > 0 then 'none' else 'not known' end
            )
            || ', credit left ' || coalesce({{ plain_number('sum(credit_balance)') }}, 'not known')
        from {{ built(report) }}
        where pricing_unit is not null
        group by pricing_unit
        order by pricing_unit
    {%- elif report == 'rpt_billings_by_plan' -%}
        select
            '{{ billing_month() }} ' || pricing_unit || ': billed ' || {{ plain_number('sum(billed_amount)') }}
            || ', invoices ' || cast(sum(invoices) as string)
        from {{ built(report) }}
        where month = '{{ billing_month() }}'
        group by pricing_unit
        order by pricing_unit
    {%- elif report == 'rpt_invoice_lines' -%}
        select
            '{{ billing_month() }} ' || pricing_unit || ': lines add up to ' || {{ plain_number('sum(total)') }}
            || ', invoices ' || cast(count(distinct invoice_id) as string) as line
        from {{ built(report) }}
        where is_in_invoice_total
        group by pricing_unit
        union all
        {{ no_invoice_lines() }}
        order by line
    {%- elif report == 'rpt_reconciliation' -%}
        select
            check_name || ': compared ' || cast(sum(compared) as string)
            || ', different ' || cast(sum(different) as string)
            || ', not comparable ' || cast(sum(not_comparable) as string)
            || ', only in one ' || cast(sum(only_in_one) as string)
        from {{ built(report) }}
        group by check_number, check_name
        order by check_number
    {%- elif report == 'rpt_invoice_register' -%}
        select
            pricing_unit || ': invoices ' || cast(count(*) as string)
            || ', amount due ' || coalesce({{ plain_number('sum(amount_due)') }}, 'not known')
        from {{ built(report) }}
        group by pricing_unit
        order by pricing_unit
    {%- elif report == 'rpt_outstanding_ageing' -%}
        select
            pricing_unit || ': not due ' || {{ plain_number('sum(not_due)') }}
            || ', 1-30 days ' || {{ plain_number('sum(overdue_1_30_days)') }}
            || ', 31-60 days ' || {{ plain_number('sum(overdue_31_60_days)') }}
            || ', 61-90 days ' || {{ plain_number('sum(overdue_61_90_days)') }}
            || ', over 90 days ' || {{ plain_number('sum(overdue_over_90_days)') }}
            || ', no due date ' || {{ plain_number('sum(no_due_date)') }}
        from {{ built(report) }}
        group by pricing_unit
        order by pricing_unit
    {%- elif report == 'rpt_revenue_by_month' -%}
        select
            '{{ billing_month() }} ' || pricing_unit || ': recognized ' || {{ plain_number('sum(recognized)') }}
            || ', billed ' || {{ plain_number('sum(billed)') }}
        from {{ built(report) }}
        where month = '{{ billing_month() }}'
        group by pricing_unit
        order by pricing_unit
    {%- elif report == 'rpt_credit_ledger' -%}
        select
            pricing_unit || ': entries ' || cast(count(*) as string)
            || ', ledgers ' || cast(count(distinct ledger_id) as string)
        from {{ built(report) }}
        group by pricing_unit
        order by pricing_unit
    {%- else -%}
        select
            property_name || ' ' || coalesce(property_value, '(none)') || ': ' || cast(events as string)
            || ' events, quantity ' || coalesce({{ plain_number('quantity') }}, 'not known')
            as line
        from {{ built(report) }}
        union all
        {{ no_usage() }}
        order by line
        limit 10
    {%- endif -%}
{%- endmacro %}

{# When no invoice matches the month: the months that the asked customer has invoices in. #}
{% macro no_invoice_lines() -%}
    select
        'no invoice in ' || arguments.billing_month || '; '
        || coalesce(
            'invoices of ' || coalesce(nullif(arguments.customer, ''), 'all customers') || ' are in '
            || {{ joined_texts(month_text('invoices.billing_month')) }},
            'there are none in any month'
        ) as line
    from {{ built('dim_report_arguments') }} as arguments
    left join {{ built('fct_invoices') }} as invoices
        on
            invoices.is_counted
            and invoices.environment_type is not distinct from arguments.environment_type
            and (arguments.customer = '' or invoices.customer_id = arguments.customer_id)
    where not exists (select 1 from {{ built('rpt_invoice_lines') }})
    group by arguments.billing_month, arguments.customer
{%- endmacro %}

{# When no event matches: the kinds of events there are, and their first and last day. #}
{% macro no_usage() -%}
    select
        'no ' || {{ text_argument('usage_event') }} || ' event in those days; '
        || coalesce(
            'there are ' || {{ joined_texts('events.event_type') }}
            || ', from ' || cast(min(events.event_date) as string)
            || ' to ' || cast(max(events.event_date) as string),
            'there are no events: only the export has them'
        ) as line
    from {{ built('dim_report_arguments') }} as arguments
    left join {{ built('fct_usage_events') }} as events
        on events.environment_type is not distinct from arguments.environment_type
    where not exists (select 1 from {{ built('rpt_usage_by_property') }})
    group by arguments.as_of
{%- endmacro %}

{# A model's relation, by name. Not ref(): dbt does not renew a hook's references when it changes. #}
{% macro built(model) -%}
    {{ return(graph.nodes['model.metronome.' ~ model].relation_name) }}
{%- endmacro %}
