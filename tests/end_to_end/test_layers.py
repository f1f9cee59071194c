"""Test what each layer of models reads, with dbt's manifest, which resolves macros and quotes.

Sources -> staging -> intermediate -> marts -> reports.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.metronome_api.api_tables import TABLES as API_TABLES
from pipelines.metronome_export.export_tables import TABLES as EXPORT_TABLES

pytestmark = pytest.mark.check

LOADED_FILES = "stg_metronome_export__loaded_files"
"""The staging model that lists the loads whose rows count. `live_rows` reads it."""

MAY_READ = {
    "staging": {"sources"},
    "intermediate": {"staging", "intermediate", "seeds"},
    "marts": {"intermediate", "marts", "seeds"},
    "reports": {"marts"},
}
"""The layers that the models of each layer read."""

MARTS_ON_STAGING = {
    *("dim_pricing_units", "dim_products", "report_parameters"),
    *("fct_reconciliation_lines", "fct_reconciliation_sources", "fct_usage_events"),
}
"""Marts that also read staging. No second model needs the same rule on these staging models.

`fct_reconciliation_lines` reads only `LOADED_FILES` there, by the macro `equal_amounts`.
"""


@pytest.fixture(scope="module")
def reads(parsed: Path) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """Return the layer and name of each model, with the layers and names of what it reads."""
    manifest = json.loads((parsed / "manifest.json").read_text(encoding="utf-8"))

    def place(node_id: str) -> tuple[str, str]:
        kind, _, name = node_id.split(".", 2)
        if kind in ("source", "seed"):
            return f"{kind}s", name
        node: dict[str, Any] = manifest["nodes"][node_id]
        return node["fqn"][1], name

    return {
        place(node_id): {place(parent) for parent in parents}
        for node_id, parents in manifest["parent_map"].items()
        if node_id.startswith("model.")
    }


def test_each_layer_reads_only_the_layers_below_it(
    reads: dict[tuple[str, str], set[tuple[str, str]]],
):
    assert {layer for layer, _ in reads} == MAY_READ.keys()
    assert [
        f"{name} ({layer}) reads {parent} ({parent_layer})"
        for (layer, name), parents in reads.items()
        for parent_layer, parent in parents
        if parent_layer not in MAY_READ[layer]
        and not (layer == "staging" and parent == LOADED_FILES)
        and not (parent_layer == "staging" and name in MARTS_ON_STAGING)
    ] == []


def test_only_the_named_marts_read_staging(reads: dict[tuple[str, str], set[tuple[str, str]]]):
    on_staging = {
        name
        for (layer, name), parents in reads.items()
        if layer == "marts" and any(parent_layer == "staging" for parent_layer, _ in parents)
    }
    assert on_staging == MARTS_ON_STAGING


def test_each_raw_table_is_read_by_one_staging_model(
    reads: dict[tuple[str, str], set[tuple[str, str]]],
):
    """Each staging model reads one raw table. `LOADED_FILES` also reads dlt's list of loads."""
    raw = {
        name: {parent for parent_layer, parent in parents if parent_layer == "sources"}
        for (layer, name), parents in reads.items()
        if layer == "staging"
    }
    assert raw.pop(LOADED_FILES) == {"raw_export.loaded_files", "raw_export._dlt_loads"}
    assert {len(tables) for tables in raw.values()} == {1}
    declared = [f"raw_export.{table}" for table in (*EXPORT_TABLES, "load_notes")]
    declared += [f"raw_api.{table}" for table in API_TABLES]
    assert sorted(table for tables in raw.values() for table in tables) == sorted(declared)
