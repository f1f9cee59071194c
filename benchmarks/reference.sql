-- What a good engineer would write in an afternoon for one export: land the files, keep the newest
-- rows, write the reports. `{export}` and `{reports}` are folders. It remembers nothing, tests nothing
-- and knows the plan vintage only; customer_summary has the columns that such files give.
create macro files(name) as '{export}/' || name || '/*/*.parquet';

create table customer as from read_parquet(files('customer'), filename = true);
create table plan as from read_parquet(files('plan'), filename = true);
create table invoice as from read_parquet(files('invoice'), filename = true);
create table line_item as from read_parquet(files('line_item'), filename = true);
create table sub_line_item as from read_parquet(files('sub_line_item'), filename = true);
create table events as from read_parquet(files('events'), filename = true);

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
        ) as outstanding
    from customers
    left join invoices on customers.id = invoices.customer_id
    group by all
    order by all
) to '{reports}/customer_summary.csv';
