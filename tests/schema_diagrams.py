"""Draw the export's schema as Mermaid diagrams: `python -m tests.schema_diagrams > docs/schema.md`.

The relationships come from the tests `has_parents` and `relationships_if_loaded` in dbt's manifest.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
PREFIX = "stg_metronome_export__"
PLANS_MODEL = (
    *("customers", "invoices", "line_items", "sub_line_items"),
    *("plans", "plan_charges", "products", "billable_metrics"),
)
"""The tables of the plans model, as in Metronome's sample export."""

HEAD = """\
# Schema of the export

The diagrams show the staging models `stg_metronome_export__<name>`, one per table of Metronome's
data export. Each line is a foreign key that a build tests. The tests do not run if no file of the
parent table is loaded. `make diagrams` writes this page from dbt's manifest.

A box lists the key (PK) and the foreign keys (FK) of a model. A box without columns belongs to
another subject. The columns are described in the docs page (`make docs`).

A dotted line has a singular test, because a value can refer to one of two tables. A product
of a line belongs to a plan or to a contract (`assert_lines_have_products`). The customer of an
event is an id or an ingest alias (`assert_events_have_customers`).
"""


@dataclass(frozen=True)
class Relationship:
    """A foreign key: `column` of `child` refers to `parent_column` of `parent`."""

    child: str
    column: str
    parent: str
    parent_column: str
    ends: str


SINGULAR = {
    "assert_lines_have_products": [
        Relationship("line_items", "product_id", "products", "product_id", "}o..o|"),
        Relationship("line_items", "product_id", "product_versions", "product_id", "}o..o{"),
    ],
    "assert_events_have_customers": [
        Relationship("events", "sent_customer_id", "customers", "customer_id", "}o..o|"),
    ],
}
"""The foreign keys that a singular test covers."""


@dataclass
class Table:
    """A staging model: its folder, its key columns, and its foreign keys."""

    subject: str
    keys: list[tuple[str, ...]]
    not_null: set[str]
    parents: list[Relationship] = field(default_factory=list)

    def is_unique(self, columns: set[str]) -> bool:
        """Return whether the columns hold a key of the table."""
        return any(columns.issuperset(key) for key in self.keys)


def tables(manifest: dict[str, Any]) -> dict[str, Table]:
    """Return the staging models of the export by name, with the foreign keys that are tested."""
    nodes = manifest["nodes"]
    found = {
        node["name"].removeprefix(PREFIX): _table(node)
        for _, node in sorted(nodes.items())
        if node["resource_type"] == "model" and node["name"].startswith(PREFIX)
    }
    for _, node in sorted(nodes.items()):
        test = node.get("test_metadata") or {}
        child = str(node.get("attached_node")).split(".")[-1].removeprefix(PREFIX)
        if child not in found or test["name"] not in ("has_parents", "relationships_if_loaded"):
            continue
        given = test["kwargs"]
        for key in given.get("parents", [given | {"column": given.get("column_name")}]):
            parent = re.search(r"'(\w+)'", key["to"])[1].removeprefix(PREFIX)
            relationship = _relationship(found, child, parent, key)
            if relationship not in found[child].parents:
                found[child].parents.append(relationship)
    for test_name, relationships in SINGULAR.items():
        assert f"test.metronome.{test_name}" in nodes, test_name
        for relationship in relationships:
            found[relationship.child].parents.append(relationship)
    return found


def _table(node: dict[str, Any]) -> Table:
    columns = node["columns"].values()
    constraints = [
        (kind["type"], tuple(kind.get("columns") or [column["name"]]))
        for column in columns
        for kind in column["constraints"]
    ] + [(kind["type"], tuple(kind["columns"])) for kind in node["constraints"]]
    return Table(
        subject=node["fqn"][3],
        keys=[names for kind, names in constraints if kind in ("unique", "primary_key")],
        not_null={name for kind, names in constraints if kind == "not_null" for name in names},
    )


def _relationship(
    found: dict[str, Table], child: str, parent: str, key: dict[str, str]
) -> Relationship:
    also = {key["also"]} if key.get("also") else set()
    many = "|o" if found[child].is_unique({key["column"], *also}) else "}o"
    if not found[parent].is_unique({key["field"], *also}):
        one = "o{"
    else:
        one = "||" if key["column"] in found[child].not_null else "o|"
    return Relationship(child, key["column"], parent, key["field"], f"{many}--{one}")


def diagram(found: dict[str, Table], names: list[str]) -> str:
    """Draw the tables with their foreign keys, sorted by name."""
    lines = ["```mermaid", "erDiagram"]
    for name in names:
        table = found[name]
        foreign = {relationship.column for relationship in table.parents}
        key = table.keys[0] if table.keys else ()
        columns = [*key, *sorted(foreign - set(key))]
        lines.append(f"    {name} {{")
        for column in columns:
            marks = ["PK"] * (column in key) + ["FK"] * (column in foreign)
            lines.append(f"        {data_type(column)} {column} {', '.join(marks)}")
        lines.append("    }")
    edges = [edge for name in names for edge in found[name].parents]
    for edge in sorted(edges, key=lambda edge: (edge.child, edge.column)):
        lines.append(f'    {edge.child} {edge.ends} {edge.parent} : "{edge.column}"')
    return "\n".join([*lines, "```"])


def data_type(column: str) -> str:
    """Return the type of a key column, which its name shows."""
    if column.endswith(("_id", "_type")):
        return "text"
    return "timestamp" if column.endswith("_at") else "number"


def page(manifest: dict[str, Any]) -> str:
    """Return the page: the plans model, then one diagram per subject."""
    found = tables(manifest)
    subjects = defaultdict(list)
    for name, table in found.items():
        subjects[table.subject].append(name)
    plans_model = {name: found[name] for name in PLANS_MODEL}
    for name, table in plans_model.items():
        inner = [edge for edge in table.parents if edge.parent in PLANS_MODEL]
        plans_model[name] = Table(table.subject, table.keys, table.not_null, inner)
    parts = [HEAD, "## The plans model\n", diagram(plans_model, list(PLANS_MODEL)), ""]
    for subject, names in sorted(subjects.items()):
        if any(found[name].parents for name in names):
            parts += [f"## {subject.capitalize()}\n", diagram(found, sorted(names)), ""]
    return "\n".join(parts)


def main() -> None:
    """Parse the project and print the page."""
    with TemporaryDirectory() as folder:
        dbt = Path(sys.executable).with_name("dbt")
        command = [dbt, "parse", "--quiet", "--target-path", folder, "--log-path", folder]
        subprocess.run(command, cwd=ROOT, check=True)
        manifest = json.loads((Path(folder) / "manifest.json").read_text(encoding="utf-8"))
    print(page(manifest), end="")


if __name__ == "__main__":
    main()
