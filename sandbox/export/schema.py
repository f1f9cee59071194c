"""Define the columns of the export's files: the pipeline's tables, in the order of the files.

The pipeline declares the tables, so no table is declared twice. `column_order.txt` has a line per
table with the order of columns in Metronome's files. Other columns come last.
"""

import runpy
from pathlib import Path

import pipelines

# Runs the file, because importing its package imports dlt, which takes 0.4 seconds.
_TABLES_FILE = Path(pipelines.__file__).parent / "metronome_export" / "export_tables.py"
TABLES = runpy.run_path(str(_TABLES_FILE))["TABLES"]

_KINDS = {
    "text": "text",
    "json": "text",
    "decimal": "decimal",
    "bigint": "integer",
    "timestamp": "timestamp",
    "bool": "boolean",
}
"""The types of columns in files, by their types in the pipeline."""

_NOT_EXPORTED = {"plan_charge": {"charge_name"}}
"""Columns that only some accounts have."""

NOT_IN_CSV: dict[str, set[str]] = {
    "plan_charge": {"prices"},
    "line_item": {"environment_type", "group_key", "pricing_group_values"},
    "events": {"_metronome_metadata_id", "updated_at"},
}
"""Columns that the vendor's public flat files do not have. No figure needs them."""


def _columns(table: str, order: list[str]) -> dict[str, str]:
    kept = [name for name in TABLES[table] if name not in _NOT_EXPORTED.get(table, ())]
    ordered = sorted(kept, key=lambda name: order.index(name) if name in order else len(order))
    return {name: _KINDS[TABLES[table][name]["data_type"]] for name in ordered}


_LINES = map(str.split, Path(__file__).with_name("column_order.txt").read_text().splitlines())
_ORDER = {table: names for table, *names in _LINES}

COLUMNS = {table: _columns(table, _ORDER.get(table, [])) for table in _ORDER | TABLES}
"""The columns of each table: text (also for JSON), decimal, integer, timestamp or boolean."""
