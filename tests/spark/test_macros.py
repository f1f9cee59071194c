"""A macro gives the same value on both engines. A number that does not fit is an error."""

from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from pyspark.errors import PySparkException

from tests.pipelines.repository.test_architecture import PRICES
from tests.pipelines.repository.test_json_macros import LONG
from tests.spark.engines import ENGINES, Engines, macros

MACROS = {engine: macros(engine) for engine in ENGINES}

DOCUMENTS = [
    *(f'{{"n":{number}}}' for number in [*LONG, "1", "-2.5e-3", "0.1", "1.50", "0.0001"]),
    *(f'{{"n":{number}}}' for number in ["12345678.5", "null", "true", '"a \\"b\\" \\\\ c"', '""']),
    '{"other":"1.5, \\"n\\": 7.0","n":0.12345678901234567,"more":[1,{"n":2}]}',
    '{"n":{"m":0.30000000000000001,"list":[1,0.12345678901234567]}}',
    '{"a b/c~":"12345678901234.5678","n":["x","y"]}',
    '{"long":"' + "é😀x" * 5000 + '","n":0.12345678901234567}',
    "{}",
]
TEXTS = [
    *(
        "256×256",
        "х",
        "１２３ abc",
        "Привет",
        " a\xa0b ",
        "Fine Tuning (atlas-1) ",
        "CPU (c5.xlarge)",
    ),
    *(
        "",
        "=1+1",
        "+1",
        "-",
        " @x",
        "\t=x",
        "\ufeff=1",
        "it's",
        "back\\slash",
        "a\nb",
        "(x) y",
        "()",
    ),
]
TIMES = [
    *("2024-03-01T12:30:00Z", "2024-03-01T12:30:00.123456+02:00", "2024-03-01", "2024-03-01 01:02"),
    *("2024", "12:30", "2024-13-01", "", "tomorrow", "1970-01-01T00:00:00.5Z"),
]
NUMBERS = ["1", "-0.000000000000000001", "12345678901234567890.123456789012345678", "1e3", " 2 "]
NUMBERS += [".5", "", "one", "123456789012345678901", "0.1234567890123456785", "-99.999"]


def rows(engine: str, texts: list[str | None]) -> str:
    """Write a relation of texts: place `n` and text `x`."""
    literals = ["null" if text is None else MACROS[engine].as_sql_text(text) for text in texts]
    return " union all ".join(
        f"select {n} as n, cast({literal} as string) as x" for n, literal in enumerate(literals)
    )


def on_both(engines: Engines, texts: list[str | None], write: Any) -> tuple[list, list]:
    """Return the values on DuckDB and on Spark of the expression that `write` makes."""
    return tuple(
        engines.values(engine, write(MACROS[engine]), f"({rows(engine, texts)}) as r")
        for engine in ENGINES
    )


TEXT_MACROS = {
    "fold_lookalikes": lambda own: own.fold_lookalikes("x"),
    "is_ascii": lambda own: own.is_ascii("x"),
    "value_key": lambda own: own.value_key("x"),
    "text_in_parentheses": lambda own: own.text_in_parentheses("x"),
    "letters_and_digits": lambda own: own.letters_and_digits("x"),
    "spreadsheet_safe": lambda own: own.spreadsheet_safe("x"),
}


@pytest.mark.parametrize("name", TEXT_MACROS)
def test_texts(engines: Engines, name: str):
    duck, spark = on_both(engines, [*TEXTS, None], TEXT_MACROS[name])
    assert duck == spark
    assert len(set(duck)) > 1


def test_texts_as_numbers_and_instants(engines: Engines):
    duck, spark = on_both(engines, [*NUMBERS, None], lambda own: own.text_to_quantity("x"))
    assert duck == spark
    assert len({*duck}) > 5
    duck, spark = on_both(
        engines, [*TIMES, None], lambda own: own.instant_text(own.text_to_instant("x"))
    )
    assert duck == spark
    assert duck[:2] == ["2024-03-01T12:30:00Z", "2024-03-01T10:30:00.123456Z"]


def test_numbers_and_months_as_texts(engines: Engines):
    for kind in ("decimal(38,18)", "decimal(36,20)"):
        duck, spark = on_both(
            engines,
            ["0", "-0.0000001", "12345678901234.5", "100", None],
            lambda own, kind=kind: own.plain_number(f"cast(x as {kind})", kind),
        )
        assert duck == spark
        assert duck[3] == "100"
    duck, spark = on_both(
        engines, ["2024-03-31", None], lambda own: own.month_text("cast(x as date)")
    )
    assert duck == spark == ["2024-03", None]


@pytest.mark.parametrize("key", ["n", "a b/c~", "long", "missing"])
def test_json_values(engines: Engines, key: str):
    def write(own: SimpleNamespace) -> str:
        return own.json_text(f"cast(x as {own.json_column_type()})", key)

    duck, spark = on_both(engines, [*DOCUMENTS, None], write)
    assert duck == spark
    assert key == "missing" or any(duck)


def test_json_values_by_a_column(engines: Engines):
    duck, spark = on_both(
        engines,
        DOCUMENTS,
        lambda own: own.json_text_at(f"cast(x as {own.json_column_type()})", "'n'"),
    )
    assert duck == spark
    assert duck[: len(LONG)] == LONG


def test_json_filters(engines: Engines):
    filters = ['{"in_values":["a",0.12345678901234567]}', '{"not_in_values":["a"]}', "{}", None]
    for value in ("'a'", "'b'", "'0.12345678901234567'", "cast(null as string)"):

        def write(own: SimpleNamespace, value: str = value) -> str:
            return own.passes_filter(value, f"cast(x as {own.json_column_type()})")

        duck, spark = on_both(engines, filters, write)
        assert duck == spark
    many = [
        '[{"name":"p","in_values":["a","b"]}]',
        '[{"name":"p","not_in_values":["a"]},{"name":"q","exists":false}]',
        '[{"name":"q","exists":true}]',
        "[]",
        None,
    ]
    for properties in ('{"p":"a"}', '{"p":"c","q":1}', "{}"):

        def passes(own: SimpleNamespace, properties: str = properties) -> str:
            document, kind = own.as_sql_text(properties), own.json_column_type()
            return own.passes_property_filters(f"cast({document} as {kind})", f"cast(x as {kind})")

        duck, spark = on_both(engines, many, passes)
        assert duck == spark
        assert duck[-1] is True


def test_printed_maps_become_objects(engines: Engines):
    printed = [
        '"{image_size=256x256, num_images=2}"',
        '"{a=x, y, b={1=2}, c=\\"q\\"}"',
        '"{\\"a\\":1.5}"',
        '"{}"',
        '"no map"',
        '{"a":1}',
        None,
    ]
    duck, spark = on_both(
        engines,
        printed,
        lambda own: f"cast({own.json_object(f'cast(x as {own.json_column_type()})')} as string)",
    )
    assert duck == spark
    assert duck[0] == '{"image_size":"256x256","num_images":"2"}'


def test_exact_unit_prices(engines: Engines):
    found = {}
    for engine, own in MACROS.items():
        priced = own.exact_unit_price("rough", "short", "amount")
        parts = " union all ".join(
            f"select {n} as n, cast(nullif('{amount}', 'None') as decimal(38, 18)) as amount, "
            f"cast('{quantity}' as decimal(38, 18)) as quantity"
            for n, (amount, quantity, _) in enumerate(PRICES)
        )
        rough = own.rough_unit_price("amount", "quantity")
        short = own.short_quantity("quantity")
        source = f"(select *, {rough} as rough, {short} as short from ({parts}) as p) as q"
        found[engine] = engines.values(engine, priced, source)
    assert found["duckdb"] == found["spark"]
    assert any(found["duckdb"])


SUM = "(select 1 as n, cast('{0}' as {1}) as x union all select 2 as n, cast('{0}' as {1}) as x)"
TOO_LARGE = {
    "a sum of amounts": lambda own: own.sum_amounts("x"),
    "a sum of amounts as stated": lambda own: own.sum_source_amounts("x"),
    "a sum that only its own type has no room for": lambda own: own.sum_quantities("x * x"),
    "a running sum": lambda own: own.sum_source_amounts("x", over="(order by n)"),
    "an amount": lambda own: f"sum({own.as_amount('x + x')})",
    "an amount of cents": lambda own: f"sum({own.major_amount('x * 10', quoted('USD (cents)'))})",
    "a difference of quantities": lambda own: f"sum({own.quantity_difference('x * 1000', 'x')})",
}


def quoted(text: str) -> str:
    return f"'{text}'"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", TOO_LARGE)
def test_what_does_not_fit_is_an_error(engines: Engines, name: str, engine: str):
    query = f"select {TOO_LARGE[name](MACROS[engine])} from "
    assert engines.rows(engine, query + SUM.format("2.5", "decimal(20, 2)"))
    with pytest.raises((duckdb.ConversionException, duckdb.OutOfRangeException, PySparkException)):
        engines.rows(engine, query + SUM.format("9999999999999999", "decimal(20, 2)"))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_sum_of_nothing_is_null(engines: Engines, engine: str):
    own = MACROS[engine]
    for rows_of in (
        SUM.format("1", "decimal(36, 20)") + " where n > 2",
        SUM.replace("'{0}'", "null"),
    ):
        relation = rows_of.format("", "decimal(36, 20)")
        assert engines.rows(engine, f"select {own.sum_amounts('x')} from {relation}") == [(None,)]
        cast = engines.rows(engine, f"select {own.as_amount('x')} from {relation}")
        assert cast == [(None,)] * len(cast)
