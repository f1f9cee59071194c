"""Every field that lands is used in a figure, or `docs/unused_fields.md` decides on it.

The list of unused fields is worked out from the compiled SQL of the models: which columns of
staging the intermediate models and marts read, and which raw fields these are made of.
"""

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from sqlglot import exp, parse_one
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import traverse_scope
from sqlglot.schema import MappingSchema

from pipelines.metronome_api.api_tables import TABLES as API_TABLES
from pipelines.metronome_export.export_tables import TABLES as EXPORT_TABLES
from tests.end_to_end.project import ROOT, Run

PAGE = ROOT / "docs" / "unused_fields.md"
DECISIONS = {"no figure", "warned", "compared", "checked"}


def columns_of(run: Run) -> dict[str, dict[str, dict[str, dict[str, str]]]]:
    """Return the columns of the database, by catalog, schema and table, as sqlglot takes them."""
    schemas: dict[str, dict[str, dict[str, str]]] = {}
    for schema, table, column, kind in run.query(
        "select table_schema, table_name, column_name, data_type from information_schema.columns "
        "where table_catalog = current_database()"
    ):
        schemas.setdefault(schema, {}).setdefault(table, {})[column] = kind
    return {run.database.stem: schemas}


def compiled(run: Run, model: Path) -> str:
    """Return the SQL that dbt made of a model."""
    folder = run.folder / "target" / "compiled" / "metronome"
    return (folder / model.relative_to(ROOT)).read_text(encoding="utf-8")


def staged_columns_read(run: Run) -> dict[str, set[str]]:
    """Return the columns of each staging model that an intermediate model or a mart reads."""
    schema = MappingSchema(columns_of(run), dialect="duckdb")
    read: dict[str, set[str]] = {}
    models = ROOT / "models"
    for model in [*(models / "intermediate").rglob("*.sql"), *(models / "marts").rglob("*.sql")]:
        query = qualify(
            parse_one(compiled(run, model), dialect="duckdb"),
            schema=schema,
            dialect="duckdb",
            quote_identifiers=False,
            validate_qualify_columns=False,
        )
        for scope in traverse_scope(pushdown_projections(query)):
            for alias, (_, source) in scope.selected_sources.items():
                if isinstance(source, exp.Table) and source.db == "staging":
                    names = {column.name for column in scope.columns if column.table == alias}
                    read.setdefault(source.name, set()).update(names)
    return read


def fields_of(run: Run, model: Path, columns: set[str]) -> set[str]:
    """Return the raw fields from which columns of a staging model are computed or filtered."""
    text = model.read_text(encoding="utf-8")
    last = r"\brenamed as \((.+?)^\)\n\nselect \* from renamed"
    (renamed,) = re.findall(last, compiled(run, model), re.M | re.S)
    used = {
        identifier.name
        for selected in parse_one(renamed, dialect="duckdb").selects
        if selected.alias_or_name in columns
        for identifier in selected.find_all(exp.Identifier)
    }
    newest = " ".join(re.findall(r"(?:deduplicated|newest_snapshot)\((.*)\)", text))
    used.update(re.findall(r"'(\w+)'", newest))
    if newest:
        used.add("updated_at")
    if "newest_snapshot" in newest or "newest_snapshot" in text:
        used.update({"environment_type", "snapshot_id"})
    return used


def unused_fields(run: Run) -> set[str]:
    """Return the fields that land and that no figure uses, such as `export.invoice.metadata`."""
    read = staged_columns_read(run)
    unused = set()
    for model in (ROOT / "models" / "staging").rglob("*.sql"):
        schema, table = re.findall(r"source\('(\w+)', '(\w+)'\)", model.read_text())[0]
        source = {"raw_api": "api", "raw_export": "export"}[schema]
        declared = {"api": API_TABLES, "export": EXPORT_TABLES}[source].get(table)
        if declared is not None:
            used = fields_of(run, model, read.get(model.stem, set()))
            unused.update(f"{source}.{table}.{field}" for field in declared if field not in used)
    return unused


def decided() -> list[tuple[str, str]]:
    """Return the patterns of fields that the page decides on, with the decision."""
    rows = re.findall(r"^\| (.+?) \| (.+?) \| .+ \|$", PAGE.read_text(encoding="utf-8"), re.M)
    return [
        (pattern, decision)
        for patterns, decision in rows
        for pattern in re.findall(r"`(.+?)`", patterns)
    ]


@pytest.fixture(scope="module")
def unused(both: Run) -> set[str]:
    return unused_fields(both)


def test_every_field_is_used_or_decided_on(unused: set[str]) -> None:
    patterns = [pattern for pattern, _ in decided()]
    undecided = [
        field
        for field in sorted(unused)
        if not any(fnmatchcase(field, pattern) for pattern in patterns)
    ]
    assert not undecided, f"Say in {PAGE.name} what is decided of these, or use them: {undecided}"


def test_no_decision_is_about_a_field_that_is_used_or_gone(unused: set[str]) -> None:
    stale = [
        pattern
        for pattern, _ in decided()
        if not any(fnmatchcase(field, pattern) for field in unused)
    ]
    assert not stale


def test_decisions_are_known_words() -> None:
    assert {decision for _, decision in decided()} == DECISIONS


def test_fields_that_the_figures_use_are_not_in_the_list(unused: set[str]) -> None:
    """A few of both sources, which the models surely read, and a few that they surely do not."""
    used = {
        "api.invoices.total",
        "api.invoices.billable_status",
        "api.balances.balance",
        "export.invoice.total",
        "export.events.properties",
        "export.draft_invoice.billable_status",
        "export.credit_grant_deduction.amount",
    }
    not_used = {"api.invoices.netsuite_sales_order_id", "export.invoice.metadata"}
    assert not used & unused
    assert not_used <= unused
