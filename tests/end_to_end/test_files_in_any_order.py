"""Test that late, repeated, unordered or changed files give the tables of one clean load."""

import random
import shutil
from pathlib import Path

import pyarrow.parquet as pq

from tests.end_to_end.conftest import NewRun
from tests.end_to_end.project import Run

TABLES = [
    "draft_invoice_breakdown_lines",
    "draft_invoice_breakdowns",
    "draft_invoices",
    "draft_line_items",
    "events",
    "invoice_breakdown_lines",
    "invoice_breakdowns",
    "invoices",
    "line_items",
    "sub_line_items",
]
"""The staging models that grow with each run."""

RAW = {
    *("breakdowns_draft_invoices", "breakdowns_draft_line_items", "breakdowns_invoices"),
    *("breakdowns_line_items", "draft_invoice", "draft_line_item", "events", "invoice"),
    *("line_item", "sub_line_item"),
}
"""Folders of the export that have their rows."""

LOADS = 3


def stage(run: Run, *options: str) -> None:
    models = (f"stg_metronome_export__{table}" for table in ("loaded_files", *TABLES))
    run.build("--select", *models, *options, command="run")


def content(run: Run) -> dict[str, list[tuple]]:
    """Return the rows of each table, from any load."""
    return {
        table: run.query(
            "select * exclude (_dlt_load_id) "
            f"from staging.stg_metronome_export__{table} order by all"
        )
        for table in TABLES
    }


def test_files_in_any_order_end_in_the_same_tables(
    export_folder: Path, new_run: NewRun, tmp_path: Path
) -> None:
    """Each file arrives in some load. Some are truncated at first, and some arrive again as copies.

    A truncated file is complete in the last load. A copy has another path.
    `test_incremental_staging.py` tests the rule itself with many more histories.
    """
    chance = random.Random(4)
    order = {
        path.relative_to(export_folder): (
            chance.randrange(LOADS),
            chance.random() < 0.1,
            chance.random() < 0.1,
        )
        for path in sorted(export_folder.rglob("*.parquet"))
        if path.relative_to(export_folder).parts[0] in RAW
    }
    arriving = tmp_path / "arriving"
    run = new_run(tmp_path / "grown", {"SOURCES__METRONOME_EXPORT__BUCKET_URL": str(arriving)})
    for number in range(LOADS):
        for path, (load, is_cut, is_copied) in order.items():
            target = arriving / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if load == number and is_cut and number < LOADS - 1:
                rows = pq.read_table(export_folder / path)
                pq.write_table(rows.slice(0, rows.num_rows // 2), target)
            elif load == number or (is_cut and number == LOADS - 1):
                shutil.copy(export_folder / path, target)
            if load == number and is_copied and not is_cut:
                shutil.copy(export_folder / path, target.with_name(f"9{path.name}"))
        run.load()
        stage(run)
    grown = content(run)
    clean = new_run(tmp_path / "clean", run.settings)
    clean.load()
    stage(clean)
    assert content(clean) == grown
    assert all(grown.values())
    stage(run, "--full-refresh")
    assert content(run) == grown
