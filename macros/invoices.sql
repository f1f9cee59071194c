{# True if an invoice of this type is for a period of usage. An unknown type counts as one. #}
{% macro is_usage(invoice_type) -%}
    coalesce({{ invoice_type }}, 'USAGE') <> 'SCHEDULED'
{%- endmacro %}

{#
  The kind of a line, from the type that Metronome states. Metronome's guides spell types in two ways:
  `usage` and `ContractUsageLineItem`. An unknown type counts as usage.
#}
{% macro line_kind(line_type) -%}
    case
        when lower({{ line_type }}) like '%subscription%' then 'subscription'
        when lower({{ line_type }}) like '%scheduled%' then 'scheduled'
        when lower({{ line_type }}) like '%purchase%' then 'commit_purchase'
        when lower({{ line_type }}) like '%applied%' then 'applied_commit_or_credit'
        when lower({{ line_type }}) like '%adjustment%' then 'adjustment'
        when lower({{ line_type }}) like '%conversion%' then 'conversion'
        else 'usage'
    end
{%- endmacro %}

{#
  The kind of the charges that an applied commit or credit pays for: the charges of its product on the same invoice, in
  the same pricing unit. Null if there are none. If these charges are of several kinds, the credit reduces usage. If
  none of them is usage, it reduces the kind whose name is last in the alphabet.

  `charge_kind` is the kind of a line that is a charge, and null for a line that applies a commit or credit.
  `usage_kind` is the name of usage among these kinds. `invoice` lists the columns that identify an invoice.
#}
{% macro paid_for_kind(charge_kind, usage_kind, invoice) -%}
    {%- set of_product = '(partition by ' ~ invoice | join(', ') ~ ', product_id, pricing_unit)' -%}
    coalesce(
        max(case when {{ charge_kind }} = '{{ usage_kind }}' then {{ charge_kind }} end) over {{ of_product }},
        max({{ charge_kind }}) over {{ of_product }}
    )
{%- endmacro %}
