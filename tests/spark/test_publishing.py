"""A failed test on Spark leaves the last set of reports as it is."""

import os
import subprocess
import sys
from pathlib import Path

from pipelines.publish.report_set import reports_folder
from tests.end_to_end.project import BIN, ROOT
from tests.pipelines.conftest import write_parquet


def test_a_failed_test_leaves_the_last_set(tmp_path: Path):
    """Landing leaves out a bad file, as the load into DuckDB does, and a test fails for it."""
    export, reports = tmp_path / "export", tmp_path / "reports"
    write_parquet(export, "customer", id=["a"])
    write_parquet(export, "customer", "2024-01-02", id=["b"]).write_bytes(b"cut off")
    environment = os.environ | {
        "DBT_TARGET": "spark",
        "DBT_TARGET_PATH": str(tmp_path / "target"),
        "DESTINATION__DUCKDB__CREDENTIALS": str(tmp_path / "metronome.duckdb"),
        "DLT_DATA_DIR": str(tmp_path / "dlt"),
        "DO_NOT_TRACK": "1",
        "REPORT_AS_OF": "2024-04-15",
        "SOURCES__METRONOME_EXPORT__BUCKET_URL": str(export),
    }

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", *words]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)

    landed = run("pipelines.spark", "land")
    assert landed.returncode == 1
    assert "0_20240102060000.parquet: it is not a Parquet file, or is cut off." in landed.stderr
    with reports_folder(reports) as folder:
        (folder.new_set / "a.csv").write_text("good")
        (folder.new_set / "run.json").write_text('{"as_of": "2024-04-01"}')
        folder.swap()
    model = "stg_metronome_export__load_notes"
    published = run(
        *("pipelines.publish", str(reports), "--", str(BIN / "dbt")),
        *("build", "--quiet", "--select", model, "--exclude-resource-type", "unit_test"),
    )
    assert published.returncode == 1
    assert "Failed: 1 (assert_export_is_complete)" in published.stderr
    assert "still holds the last published reports, as of 2024-04-01" in published.stderr
    assert (reports / "a.csv").read_text() == "good"
