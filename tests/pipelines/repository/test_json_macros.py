"""Every number inside JSON keeps its digits, and one file of macros takes values out of JSON."""

import json
import re
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pipelines.conftest import ROOT
from tests.pipelines.repository.test_architecture import MACROS, MODELS, places

JSON_MACROS = ROOT / "macros" / "json.sql"
SPARK_MACROS = ROOT / "macros" / "spark.sql"  # proved by tests/spark/test_macros.py
TESTS = sorted((ROOT / "tests").rglob("*.sql"))


@cache
def macros(path: Path) -> Any:
    """Return the macros of a file for DuckDB, without dbt."""
    names: dict[str, Any] = {}
    dbt = SimpleNamespace(
        string_literal=lambda text: f"'{text}'",
        escape_single_quotes=lambda text: text.replace("'", "''"),
    )
    adapter = SimpleNamespace(dispatch=lambda name: names[f"duckdb__{name}"])
    environment = jinja2.Environment()
    environment.globals |= {
        "return": lambda value: value,
        "dbt": dbt,
        "adapter": adapter,
        "metronome": SimpleNamespace(),
    }
    module = environment.from_string(path.read_text()).module
    names |= {name: value for name, value in vars(module).items() if callable(value)}
    vars(environment.globals["metronome"]).update(names)
    return module


@pytest.fixture(scope="module")
def connection() -> Any:
    with duckdb.connect() as connection:
        yield connection


def value(connection: duckdb.DuckDBPyConnection, expression: str, column: str) -> Any:
    ((found,),) = connection.execute(
        f"select {expression} from (select cast(? as json) as document)", [column]
    ).fetchall()
    return found


LONG = [
    "883406386745030.3",
    "1234567.1234567891",
    "0.1234567890123456",
    "0.30000000000000001",
    "-12345678901234567890.123456789012345678",
    "99999999999999999999.99",
    "12345678901234567e-10",
    "123456789012345678901234567890",
    "1.00000000000000000001",
]


@pytest.mark.parametrize("number", [*LONG, "1", "-2.5e-3", "0.1", "1.50"])
@pytest.mark.parametrize(
    "document",
    [
        '{"n":NUMBER}',
        ' { "other" : "1.5, \\"n\\": 7.0" , "n" : NUMBER , "more" : [ 1 , {"n":2} ] } ',
        '{"a b/c~":"12345678901234.5678","n":NUMBER}',
    ],
)
def test_a_number_keeps_its_digits(
    connection: duckdb.DuckDBPyConnection, document: str, number: str
):
    document = document.replace("NUMBER", number)
    expected = json.loads(document, parse_float=Decimal, parse_int=Decimal)
    text = macros(JSON_MACROS).json_text("document", "n")
    assert Decimal(value(connection, text, document)) == expected["n"] == Decimal(number)
    at = macros(JSON_MACROS).json_text_at("document", "'n'")
    assert Decimal(value(connection, at, document)) == Decimal(number)


@pytest.mark.parametrize("number", LONG)
def test_a_number_in_a_list_of_objects_or_among_entries_keeps_its_digits(
    connection: duckdb.DuckDBPyConnection, number: str
):
    json_text = macros(JSON_MACROS).json_text
    connection.execute("create or replace temp table items as select cast(? as json) as items, "
                       "cast(? as json) as one", [
        f'{{"list":[{{"amount":{number}}},{{"amount":"{number}","x":[{number}]}}]}}',
        f'{{"a":{number},"b":"{number}"}}',
    ])  # fmt: skip
    lists = f"(select {json_text('items', 'list')} as items from items)"
    objects = macros(JSON_MACROS).unnest_json_objects(lists, "items")
    amounts = connection.execute(
        f"select {json_text('element', 'amount')} from ({objects}) order by element_number"
    ).fetchall()
    assert [Decimal(amount) for (amount,) in amounts] == [Decimal(number)] * 2
    entries = macros(JSON_MACROS).unnest_json_entries("items", "one")
    found = connection.execute(
        f"select entry_name, entry_value from ({entries}) order by 1"
    ).fetchall()
    assert [(name, Decimal(text)) for name, text in found] == [
        ("a", Decimal(number)),
        ("b", Decimal(number)),
    ]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.text(st.sampled_from('a0.-e"\\ ,:[]{}\né'), max_size=20)
    | st.decimals(allow_nan=False, allow_infinity=False, places=20).filter(
        lambda number: abs(number) < Decimal("1e18")
    )
    | st.integers(-(10**30), 10**30),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(st.sampled_from('a1."-'), min_size=1, max_size=6), inner, max_size=3
        )
    ),
    max_leaves=8,
)


def written(found: Any) -> str:
    """JSON text, with decimals as numbers."""
    if isinstance(found, Decimal):
        return f"{found:f}"
    if isinstance(found, list):
        return f"[{', '.join(map(written, found))}]"
    if isinstance(found, dict):
        return f"{{{', '.join(f'{json.dumps(k)}: {written(v)}' for k, v in found.items())}}}"
    return json.dumps(found, ensure_ascii=False)


def as_numbers(found: Any) -> Any:
    """Return the same with numbers in their shortest text, as a reader of texts sees them."""
    if isinstance(found, list):
        return [as_numbers(each) for each in found]
    if isinstance(found, dict):
        return {key: as_numbers(each) for key, each in found.items()}
    if isinstance(found, bool) or found is None:
        return found
    try:
        return Decimal(found)
    except (ArithmeticError, ValueError):
        return found


@settings(max_examples=150, derandomize=True, database=None, deadline=None)
@given(VALUES)
def test_quoting_numbers_changes_nothing_else(connection: duckdb.DuckDBPyConnection, found: Any):
    """A document without long numbers does not change. Otherwise numbers become texts."""
    document = written(found)
    exact = macros(JSON_MACROS).json_numbers_as_texts("document")
    text = value(connection, f"cast({exact} as varchar)", document)
    plain = json.loads(document, parse_float=Decimal, parse_int=Decimal)
    assert as_numbers(json.loads(text, parse_float=Decimal, parse_int=Decimal)) == as_numbers(plain)


def test_no_other_file_takes_values_out_of_json():
    """DuckDB's own functions would read a JSON number as a double."""
    reading = (
        r"->>?\s*'|->>|\bjson_(extract\w*|value|transform\w*|each|tree|query)\b|\bfrom_json\w*\b"
        r"|\bjson_type\b|as map\("
    )
    paths = [path for path in (*MODELS, *MACROS, *TESTS) if path not in (JSON_MACROS, SPARK_MACROS)]
    assert places(reading, paths) == []
    assert places(reading, [JSON_MACROS])


def test_quantities_are_read_from_texts_alone():
    """`text_to_quantity` takes what `json_text` gives, or a column of texts, never JSON itself."""
    calls = re.compile(r"text_to_quantity\((?!json_text(_at)?\(|'\w+'|column)")
    assert not [path.name for path in (*MODELS, *TESTS) if calls.search(path.read_text())]
