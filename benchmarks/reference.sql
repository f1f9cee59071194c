-- What a good engineer would write in two afternoons for one export, its tables landed as they are, each
-- row with its file: keep the newest rows, write the five reports. `{reports}` is a folder. It remembers
-- nothing, tests nothing and knows only what this account has; customer_summary and reconciliation have
-- the columns that matter most.

create table customers as
from customer
qualify row_number() over (partition by id order by updated_at desc, filename desc) = 1;

create table plans as
from plan
qualify row_number() over (partition by id order by updated_at desc, filename desc) = 1;

create table invoices as
from invoice
qualify row_number() over (partition by id order by updated_at desc, filename desc) = 1;

create table lines as
from line_item
qualify row_number() over (partition by id order by updated_at desc, filename desc) = 1;

create table sub_lines as
from sub_line_item
qualify row_number() over (partition by id order by updated_at desc, filename desc) = 1;

create table breakdown_lines as
from breakdowns_line_items
qualify row_number() over (partition by id order by updated_at desc, filename desc) = 1;

create table grants as
from credit_grant
qualify row_number() over (partition by id order by updated_at desc, filename desc) = 1;

create table deductions as
from credit_grant_deduction
qualify row_number() over (partition by id order by updated_at desc, filename desc) = 1;

create table balances as
from contracts_balances
where snapshot_id = (select max(snapshot_id) from contracts_balances)
qualify row_number() over (partition by id order by updated_at desc, filename desc) = 1;

create table drafts as
from draft_invoice
where snapshot_time = (select max(snapshot_time) from draft_invoice)
qualify row_number() over (partition by id order by updated_at desc, filename desc) = 1;

create table draft_lines as
from draft_line_item
where snapshot_time = (select max(snapshot_time) from draft_line_item)
qualify row_number() over (partition by id order by updated_at desc, filename desc) = 1;

create table repeated as
select hash(transaction_id) as repeated_hash from events group by all having count(*) > 1;

create table usage as
from events anti join repeated on hash(transaction_id) = repeated_hash
union all
from (from events semi join repeated on hash(transaction_id) = repeated_hash)
qualify
    row_number() over (
        partition by environment_type, transaction_id order by updated_at desc, filename desc
    ) = 1;

copy (
    select
        strftime(invoices.start_timestamp, '%Y-%m') as month,
        invoices.environment_type,
        invoices.plan_id,
        any_value(plans.name) as plan_name,
        invoices.credit_type_name,
        count(distinct invoices.customer_id) as customers,
        count(*) as invoices,
        sum(invoices.total) as billed_amount
    from invoices
    left join plans on invoices.plan_id = plans.id
    where invoices.status = 'FINALIZED'
    group by all
    order by all
) to '{reports}/billings_by_plan.csv';

copy (
    select
        invoices.id as invoice_id,
        invoices.customer_id,
        customers.name as customer_name,
        invoices.plan_name,
        invoices.status,
        invoices.start_timestamp,
        invoices.end_timestamp,
        lines.name as product_name,
        coalesce(sub_lines.name, lines.name) as description,
        coalesce(sub_lines.quantity, lines.quantity) as quantity,
        coalesce(sub_lines.subtotal, lines.total) as total,
        invoices.total as invoice_total
    from invoices
    inner join lines on invoices.id = lines.invoice_id
    left join sub_lines on lines.id = sub_lines.line_item_id
    left join customers on invoices.customer_id = customers.id
    where
        invoices.status = 'FINALIZED'
        and invoices.environment_type = 'PRODUCTION'
        and strftime(invoices.start_timestamp, '%Y-%m') = '2024-03'
    order by all
) to '{reports}/invoice_lines.csv';

copy (
    select
        environment_type,
        replace(properties ->> 'image_size', '×', 'x') as image_size,
        count(*) as events,
        sum(try_cast(properties ->> 'num_images' as decimal(38, 18))) as quantity
    from usage
    where event_type = 'image_modeler' and timestamp >= '2024-03-01' and timestamp < '2024-04-01'
    group by all
    order by all
) to '{reports}/usage_by_property.csv';

create table credit as
select customer_id, sum(amount) as credit_balance
from (
    select customer_id, balance as amount
    from balances
    union all
    select grants.customer_id, grants.amount_granted - coalesce(sum(deductions.amount), 0)
    from grants
    left join deductions on grants.id = deductions.credit_grant_id
    where grants.voided_at is null and grants.expires_at > timestamptz '2024-04-15'
    group by grants.id, grants.customer_id, grants.amount_granted
)
group by customer_id;

copy (
    select
        customers.id as customer_id,
        customers.name as customer_name,
        customers.environment_type,
        invoices.credit_type_name,
        count(*) filter (where invoices.status = 'VOID') as void_invoices,
        max(invoices.issued_at) filter (where invoices.status = 'FINALIZED') as last_finalized_at,
        sum(invoices.total) filter (where invoices.status = 'FINALIZED') as billed,
        sum(invoices.total) filter (
            where
            invoices.status = 'FINALIZED'
            and coalesce(upper(invoices.billing_provider_invoice_external_status), '') <> 'PAID'
        ) as outstanding,
        any_value(current_invoices.total) as current_invoice,
        any_value(current_invoices.usage) as gross_usage,
        any_value(credit.credit_balance) as credit_balance,
        any_value(alarms.alerts) as alerts_in_alarm
    from customers
    left join invoices on customers.id = invoices.customer_id
    left join (
        select
            drafts.customer_id,
            drafts.credit_type_name,
            max_by(drafts.total, drafts.end_timestamp) as total,
            sum(draft_lines.total) filter (where draft_lines.total > 0) as usage
        from drafts
        left join draft_lines on drafts.id = draft_lines.invoice_id
        group by all
    ) as current_invoices
        on
            customers.id = current_invoices.customer_id
            and invoices.credit_type_name = current_invoices.credit_type_name
    left join credit on customers.id = credit.customer_id
    left join (
        select customer_id, count(*) filter (where state = 'in_alarm') as alerts
        from (
            select customer_id, alert_id, max_by(alert_status, created_at) as state
            from customer_alert_history
            group by all
        )
        group by customer_id
    ) as alarms on customers.id = alarms.customer_id
    group by all
    order by all
) to '{reports}/customer_summary.csv';

-- events of a customer come under its id or an alias; a charge's metric is named after their values
create table identified as
select id as customer_id, environment_type, unnest(list_append(ingest_aliases::json::varchar[], id)) as identifier
from customers;

create table daily_usage as
select
    identified.customer_id,
    event_type,
    regexp_replace(
        lower(coalesce(
            replace(properties ->> 'image_size', '×', 'x'),
            properties ->> 'instance_type', properties ->> 'model', ''
        )), '[^a-z0-9.]', '', 'g'
    ) as kind,
    timestamp::date as day,
    sum(try_cast(coalesce(
        properties ->> 'num_images', properties ->> 'cpu_hours', properties ->> 'words',
        properties ->> 'gb_hours', properties ->> 'calls'
    ) as decimal(38, 18))) as quantity
from usage
inner join identified
    on usage.environment_type = identified.environment_type and usage.customer_id = identified.identifier
group by all;

copy (
    with charges as (
        select
            sub_lines.id,
            invoices.customer_id,
            sub_lines.quantity,
            case
                when sub_lines.name like 'CPU%' then 'compute_usage'
                when sub_lines.name like 'Images%' then 'image_modeler'
                when sub_lines.name like 'Fine%' then 'fine_tuning'
                when sub_lines.name like 'Language%' then 'language_modeler'
            end as event_type,
            regexp_replace(
                lower(regexp_extract(sub_lines.name, '[(](.*)[)]', 1)), '[^a-z0-9.]', '', 'g'
            ) as kind,
            invoices.start_timestamp::date as first_day,
            invoices.end_timestamp::date as end_day
        from sub_lines
        inner join lines on sub_lines.line_item_id = lines.id
        inner join invoices on lines.invoice_id = invoices.id
        where invoices.status = 'FINALIZED' and event_type is not null
    ),

    compared as (
        select charges.id, charges.quantity as stated, coalesce(sum(daily_usage.quantity), 0) as found
        from charges
        left join daily_usage
            on
                charges.customer_id = daily_usage.customer_id
                and charges.event_type = daily_usage.event_type
                and charges.kind = daily_usage.kind
                and daily_usage.day >= charges.first_day
                and daily_usage.day < charges.end_day
        group by all
        union all
        select invoices.id, invoices.total, sum(lines.total)
        from invoices
        inner join lines
            on invoices.id = lines.invoice_id and invoices.credit_type_id = lines.credit_type_id
            and coalesce(lines.metadata ->> 'commit_type', '') <> 'PostpaidCommit'
        where invoices.status = 'FINALIZED'
        group by all
        union all
        select lines.id, lines.total, sum(sub_lines.subtotal)
        from lines
        inner join sub_lines on lines.id = sub_lines.line_item_id
        group by all
        union all
        select lines.id, lines.total, sum(breakdown_lines.total)
        from lines
        inner join breakdown_lines on lines.id = breakdown_lines.line_item_id
        group by all
    )

    select count(*) as compared, count(*) filter (where stated = found) as equal, sum(stated - found) as difference
    from compared
) to '{reports}/reconciliation.csv';
