{#
  Return a text of the data that is safe to print. Control characters, and characters that hide or reverse the text
  next to them, become �.
#}
{% macro printable(text) -%}
    {%- set control_characters = '\\x00-\\x1f\\x7f-\\x9f' -%}
    {%- set invisible = '\\u00ad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\U000e0000-\\U000e007f' -%}
    {{ return(modules.re.sub('[' ~ control_characters ~ invisible ~ ']', '�', text | string)) }}
{%- endmacro %}
