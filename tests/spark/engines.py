"""Run macros, dbt commands and comparisons of tables on DuckDB and on Spark."""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import jinja2
import pytest
from dbt.adapters.factory import reset_adapters
from dbt.cli.main import dbtRunner
from pyspark.sql import SparkSession

from tests.end_to_end.project import PARSED, ROOT, SANDBOX_ARGUMENTS

MADE = ROOT / "data/sandbox-spark/metronome.duckdb.target" / PARSED
"""dbt's parse of `make spark-reports`."""

ENGINES = ("duckdb", "spark")
DECIMAL = re.compile(r"^DECIMAL\((\d+), ?(\d+)\)$", re.IGNORECASE)


def macros(engine: str, columns: Sequence[str] = (), **dbt_names: Any) -> SimpleNamespace:
    """Render the project's macros for an engine without dbt, with its dispatch.

    Args:
        engine: duckdb or spark.
        columns: The columns of each relation.
        dbt_names: Further names that dbt gives to macros.
    """
    project = SimpleNamespace()
    texts = [
        path.read_text(encoding="utf-8")
        for path in sorted((ROOT / "macros").glob("*.sql"))
        if path.stem != "materializations"  # its tags are dbt's own
    ]

    def later(name: str) -> Callable[..., Any]:
        return lambda *given, **named: getattr(project, name)(*given, **named)

    def dispatch(name: str) -> Callable[..., Any]:
        return getattr(project, f"{engine}__{name}", None) or getattr(project, f"default__{name}")

    def escape(text: str) -> str:
        own = project.spark__escape_single_quotes
        return own(text) if engine == "spark" else text.replace("'", "''")

    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    environment.globals |= {
        name: later(name) for text in texts for name in re.findall(r"{% macro (\w+)", text)
    }
    environment.globals |= {
        "return": lambda value: value,
        "adapter": SimpleNamespace(
            dispatch=dispatch,
            get_columns_in_relation=lambda _: [SimpleNamespace(quoted=name) for name in columns],
        ),
        "modules": SimpleNamespace(re=re),
        "target": SimpleNamespace(type=engine),
        "var": lambda _: True,
        "metronome": project,
        "dbt": SimpleNamespace(string_literal="'{}'".format, escape_single_quotes=escape),
        **dbt_names,
    }
    for text in texts:
        vars(project).update(vars(environment.from_string(text).module))
    return project


@dataclass
class Engines:
    """Runs an expression on DuckDB and on Spark, over the same rows.

    Attributes:
        duckdb: A connection to a database in memory.
        spark: The session that all tests share.
    """

    duckdb: duckdb.DuckDBPyConnection
    spark: SparkSession

    def rows(self, engine: str, query: str) -> list[tuple]:
        """Return the rows of a query in the SQL of its engine."""
        if engine == "duckdb":
            return self.duckdb.execute(query).fetchall()
        return [tuple(row) for row in self.spark.sql(query).collect()]

    def values(self, engine: str, expression: str, rows: str) -> list[Any]:
        """Return the values of an expression over a relation, ordered by its column `n`."""
        return [
            value for (value,) in self.rows(engine, f"select {expression} from {rows} order by n")
        ]


@contextmanager
def settings(**given: str) -> Iterator[None]:
    """Set environment variables for a while."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        for name, value in given.items():
            patch.setenv(name, value)
        yield


def build_on_spark(folder: Path, command: str, *options: str, **arguments: str) -> None:
    """Run a dbt command on Spark, in this process, which has the session.

    Args:
        folder: Folder of the database. The reports go to `<folder>/spark/reports`.
        command: Such as `run`.
        options: Further options of the command.
        arguments: Report arguments, by the names of the project's variables.
    """
    reports, target = folder / "spark" / "reports", folder / "spark" / "target"
    reports.mkdir(parents=True, exist_ok=True)
    reuse_parse(target)
    given = {f"REPORT_{name.upper()}": text for name, text in arguments.items()}
    words = [command, "--target", "spark", "--log-level", "warn", "--no-write-json", *options]
    words += ["--target-path", str(target)]
    words += ["--log-path", str(folder / "spark" / "logs")]
    with settings(REPORTS_DIR=str(reports), **SANDBOX_NAMES | given):
        done = dbtRunner().invoke(words)
    reset_adapters()
    if not done.success:
        failed = [
            f"{result.node.name}: {result.message}"
            for result in getattr(done.result, "results", [])
            if result.status in ("error", "fail")
        ]
        raise AssertionError("\n".join(failed) or done.exception)


def reuse_parse(target: Path) -> None:
    """Put the parse of `make spark-reports`, if it is there, into an empty target folder."""
    target.mkdir(exist_ok=True)
    if MADE.exists() and not (target / PARSED).exists():
        shutil.copy(MADE, target)


SANDBOX_NAMES = {f"REPORT_{name.upper()}": text for name, text in SANDBOX_ARGUMENTS.items()}


def relations(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Return schema and name of each relation of dbt in the attached database `metronome`."""
    return connection.execute(
        "select table_schema, table_name from information_schema.tables "
        "where table_catalog = 'metronome' "
        "and table_schema in ('seeds', 'staging', 'intermediate', 'marts', 'reports') order by all"
    ).fetchall()


def differences(
    connection: duckdb.DuckDBPyConnection, schema: str, name: str, path: Path
) -> list[str]:
    """List up to three rows per engine that the other engine does not have, as text.

    Args:
        connection: A connection that has DuckDB's database attached as `metronome`.
        schema: The schema of the relation on both engines.
        name: The relation.
        path: The folder of Parquet files of Spark's table.
    """
    stored = f"read_parquet('{path}/*.parquet')"
    columns = {
        column: data_type
        for column, data_type, *_ in connection.execute(
            f"describe metronome.{schema}.{name}"
        ).fetchall()
    }
    there = {
        column: data_type
        for column, data_type, *_ in connection.execute(f"describe from {stored}").fetchall()
    }
    if [*columns] != [*there]:
        return [f"{schema}.{name}: {[*columns]} on DuckDB, {[*there]} on Spark"]
    cells = ", ".join(
        _as_text(column, data_type, there[column]) for column, data_type in columns.items()
    )
    left, right = f"select {cells} from metronome.{schema}.{name}", f"select {cells} from {stored}"
    return [
        f"{schema}.{name} on {engine}: {dict(zip(columns, row, strict=True))}"
        for engine, query in (
            ("DuckDB", f"{left} except all {right}"),
            ("Spark", f"{right} except all {left}"),
        )
        for row in connection.execute(f"{query} limit 3").fetchall()
    ]


def _as_text(column: str, *types: str) -> str:
    """Cast a column to text, decimals without trailing zeros."""
    text = f'cast("{column}" as varchar)'
    if any(DECIMAL.match(data_type) for data_type in types):
        return (
            f"case when contains({text}, '.') then rtrim(rtrim({text}, '0'), '.') else {text} end"
        )
    return text
