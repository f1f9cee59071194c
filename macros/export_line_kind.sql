{#
  The kind of a line of the export, whose table does not state it: as the line's breakdown states it, else
  by what the line names. Reads the line's columns and `line_type` of its breakdown; `is_of_postpaid_commit`;
  `is_of_mixed_invoice`, whether a line of its invoice is in another unit; and `is_scheduled`, whether it is
  for a fixed product or on an invoice without a period.
#}
{% macro export_line_kind() -%}
    case
        when credit_grant_id is not null then 'applied_commit_or_credit'
        when line_type is not null then {{ line_kind('line_type') }}
        when commit_id is not null and total < 0 then 'applied_commit_or_credit'
        when subscription_id is not null then 'subscription'
        when product_id is null and is_of_mixed_invoice then 'conversion'
        when product_id is null then 'adjustment'
        when not is_scheduled then 'usage'
        -- what is billed of a postpaid commit is its true-up, a charge like any other
        when commit_id is not null and not is_of_postpaid_commit then 'commit_purchase'
        else 'scheduled'
    end
{%- endmacro %}
