"""No model and no test loses a digit where two decimals of different scale meet.

DuckDB unites decimals, and chooses between them, in one type of at most 38 digits, as it does for
`in` with a subquery. Where the digits before the point of one and those behind the point of the
other do not fit together, it takes the smaller scale and rounds the other decimal silently.
DuckDB itself gives the type of each part of the compiled SQL. Comparisons are exact: DuckDB
raises an error where two decimals do not fit together.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from tests.end_to_end.project import ROOT, Run

Node = dict[str, Any]
FUNCTIONS = {"least", "greatest", "ifnull"}
COALESCE = {"class": "OPERATOR", "type": "OPERATOR_COALESCE", "alias": ""}
SELECT = {
    "type": "SELECT_NODE",
    "aggregate_handling": "STANDARD_HANDLING",
    "cte_map": {"map": []},
    "where_clause": None,
    "group_expressions": [],
    "group_sets": [],
    "having": None,
    "qualify": None,
    "sample": None,
    "modifiers": [],
}
"""A select of the form that DuckDB serializes, without anything in it."""


class Checker:
    """Finds expressions of one query in which a decimal loses digits."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.checked = 0
        (always,) = connection.execute("select json_serialize_sql('select 1 = 1')").fetchone()
        (self.true,) = json.loads(always)["statements"][0]["node"]["select_list"]

    def check(self, sql: str) -> list[str]:
        """What loses digits, as SQL."""
        (serialized,) = self.connection.execute("select json_serialize_sql(?)", [sql]).fetchone()
        parsed = json.loads(serialized, object_hook=self._without_cross_joins)
        assert not parsed["error"], parsed
        (statement,) = parsed["statements"]
        return list(self._query(statement["node"], []))

    def _without_cross_joins(self, node: Node) -> Node:
        """Make a cross join a plain one: DuckDB writes it as a comma, which binds less."""
        if node.get("type") == "JOIN" and node.get("ref_type") == "CROSS":
            return {**node, "ref_type": "REGULAR", "condition": self.true}
        return node

    def _query(self, node: Node, ctes: list[Node]) -> Iterator[str]:
        """Walk a query; `ctes` are those that are in its scope."""
        ctes = list(ctes)
        for cte in node["cte_map"]["map"]:
            yield from self._query(cte["value"]["query"]["node"], ctes)
            ctes.append(cte)
        if node["type"] == "SET_OPERATION_NODE":
            yield from self._union(node, ctes)
        elif node["type"] == "SELECT_NODE":
            yield from self._table(node["from_table"], ctes)
            parts = {
                key: value for key, value in node.items() if key not in {"from_table", "cte_map"}
            }
            yield from self._expressions(parts, node, ctes)

    def _table(self, table: Node, ctes: list[Node]) -> Iterator[str]:
        """Walk the queries that a `from` holds, and the conditions of its joins."""
        if table["type"] == "SUBQUERY":
            yield from self._query(table["subquery"]["node"], ctes)
        elif table["type"] == "JOIN":
            yield from self._table(table["left"], ctes)
            yield from self._table(table["right"], ctes)
            yield from self._expressions(table["condition"], {"from_table": table}, ctes)

    def _union(self, node: Node, ctes: list[Node]) -> Iterator[str]:
        branches = [node["left"], node["right"]]
        for branch in branches:
            yield from self._query(branch, ctes)
        types = [self._types(node, ctes), *(self._types(branch, ctes) for branch in branches)]
        for name, *columns in zip(self._names(node, ctes), *types, strict=True):
            self.checked += 1
            if _is_cut(columns[0], columns[1:]):
                yield f"union of {name}: {' and '.join(columns[1:])} as {columns[0]}"

    def _expressions(self, part: Any, select: Node, ctes: list[Node]) -> Iterator[str]:
        """Walk the expressions of a select, except lambdas, whose names have no types here."""
        if isinstance(part, list):
            for item in part:
                yield from self._expressions(item, select, ctes)
        elif isinstance(part, dict):
            if part.get("class") == "SUBQUERY":
                yield from self._query(part["subquery"]["node"], ctes)
                if part["child"]:
                    yield from self._in_subquery(part, select, ctes)
            if part.get("class") == "LAMBDA":
                return
            operands = _operands(part)
            if len(operands) > 1 and not any(map(_is_text, operands)):
                yield from self._meet(part, operands, select, ctes)
            for key, value in part.items():
                if key != "subquery":
                    yield from self._expressions(value, select, ctes)

    def _meet(
        self, part: Node, operands: list[Node], select: Node, ctes: list[Node]
    ) -> Iterator[str]:
        together = {**COALESCE, "children": operands}
        alone = {**SELECT, "from_table": select["from_table"], "select_list": [together, *operands]}
        grouped = {key: select[key] for key in ("group_expressions", "group_sets") if key in select}
        for scope in (alone, alone | grouped):
            try:
                kinds = self._types(scope, ctes)
            except duckdb.Error:
                continue  # it needs the groups, or it reads from outside of its subquery
            self.checked += 1
            if _is_cut(kinds[0], kinds[1:]):
                text = self._sql(scope | {"select_list": [part]})
                yield f"{text}: {' and '.join(kinds[1:])} as {kinds[0]}"
            return

    def _in_subquery(self, part: Node, select: Node, ctes: list[Node]) -> Iterator[str]:
        """`in (select …)` has one type for both sides, too."""
        scope = {**SELECT, "from_table": select["from_table"], "select_list": [part["child"]]}
        try:
            kinds = [*self._types(scope, ctes), *self._types(part["subquery"]["node"], ctes)]
        except duckdb.Error:
            return  # it reads from outside of its subquery
        if len(kinds) != 2:  # a key of several columns
            return
        values = ", ".join(f"cast(null as {kind})" for kind in kinds)
        ((_, together, *_),) = self.connection.execute(f"describe select [{values}]").fetchall()
        self.checked += 1
        if _is_cut(together.removesuffix("[]"), kinds):
            yield f"in a subquery: {' and '.join(kinds)} as {together}"

    def _sql(self, node: Node) -> str:
        statement = {"error": False, "statements": [{"node": node, "named_param_map": []}]}
        return self.connection.execute(
            "select json_deserialize_sql(cast(? as json))", [json.dumps(statement)]
        ).fetchone()[0]

    def _described(self, node: Node, ctes: list[Node]) -> list[tuple]:
        own = node["cte_map"]["map"]
        inner = {**node, "cte_map": {"map": [*ctes, *own]}}
        return self.connection.execute(f"describe {self._sql(inner)}").fetchall()

    def _types(self, node: Node, ctes: list[Node]) -> list[str]:
        return [row[1] for row in self._described(node, ctes)]

    def _names(self, node: Node, ctes: list[Node]) -> list[str]:
        return [row[0] for row in self._described(node, ctes)]


def _operands(part: Node) -> list[Node]:
    """The parts of an expression that DuckDB brings into one type."""
    kind = part.get("class")
    if kind == "CASE":
        return [*(check["then_expr"] for check in part["case_checks"]), part["else_expr"]]
    if kind == "OPERATOR" and part["type"] == "OPERATOR_COALESCE":
        return part["children"]
    if kind == "FUNCTION" and part["function_name"] in FUNCTIONS:
        return part["children"]
    return []


def _is_text(part: Node) -> bool:
    return part.get("class") == "CONSTANT" and part["value"]["type"]["id"] == "VARCHAR"


def _is_cut(together: str, kinds: list[str]) -> bool:
    """Whether decimals of these types lose digits in the type that they have together."""
    scales = [int(scale) for kind in kinds for scale in re.findall(r"^DECIMAL\(\d+,(\d+)\)$", kind)]
    if not scales:
        return False
    common = re.fullmatch(r"DECIMAL\(\d+,(\d+)\)", together)
    return common is None or int(common[1]) < max(scales)


@pytest.fixture(scope="module")
def connection(both: Run) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(both.database), read_only=True) as opened:
        yield opened


def test_no_model_and_no_test_cuts_a_decimal(
    both: Run, connection: duckdb.DuckDBPyConnection
) -> None:
    compiled = both.folder / "target" / "compiled" / "metronome"
    queries = [*(ROOT / "models").rglob("*.sql"), *(ROOT / "tests" / "singular").glob("*.sql")]
    checker = Checker(connection)
    cut = {
        path.stem: found
        for path in queries
        if (found := checker.check((compiled / path.relative_to(ROOT)).read_text("utf-8")))
    }
    assert not cut
    assert checker.checked > 500


@pytest.mark.parametrize(
    "sql",
    [
        "select cast(1 as decimal(38, 18)) as a union all select cast(1 as decimal(36, 20))",
        "select coalesce(a, b) from t",
        "select case when true then a else b end from t",
        "select greatest(a, b) from t",
        "with u as (select * from t) select b from u where exists (select least(a, b) from u)",
        "select b, coalesce(sum(a), b) from t group by b",
        "select a from t where b in (select a from t)",
        "select max(case when b > 0 then b end) over (partition by ifnull(a, b)) from t",
        "select x.b from t as x cross join t as y left join t as z on coalesce(x.a, z.b) = y.a",
    ],
)
def test_a_cut_decimal_is_found(sql: str) -> None:
    with duckdb.connect() as memory:
        memory.execute("create table t (a decimal(38, 18), b decimal(36, 20))")
        assert Checker(memory).check(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select coalesce(b, 0) from t where b > 1.5",
        "select cast(a as decimal(36, 20)) from t union all select b from t",
        "select case when a > 0 then a else 0 end as x from t",
        "select a from t where a = b or a in (b, 1)",
    ],
)
def test_what_keeps_its_digits_is_not(sql: str) -> None:
    with duckdb.connect() as memory:
        memory.execute("create table t (a decimal(38, 18), b decimal(36, 20))")
        assert Checker(memory).check(sql) == []
