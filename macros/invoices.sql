{# Whether an invoice of this type is for a period of usage. A type that is not known is taken to be. #}
{% macro is_usage(invoice_type) -%}
    coalesce({{ invoice_type }}, 'USAGE') <> 'SCHEDULED'
{%- endmacro %}
