{# Whether an invoice of this type is for a period of usage. A type that is not known is taken to be. #}
{% macro is_usage(invoice_type) -%}
    coalesce({{ invoice_type }}, 'USAGE') <> 'SCHEDULED'
{%- endmacro %}

{#
  The kind of a line, from the type that Metronome states. The vendor's guides spell types in two ways:
  `usage` and `ContractUsageLineItem`. A type that is not known is taken to be usage.
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
