"""An export that Metronome delivers into a warehouse: its rows have no file and no load."""

from filecmp import cmpfiles
from pathlib import Path

from tests.end_to_end.project import Run

OF_FILES = ("loaded_files", "load_notes", "_dlt_loads")
OPTIONS = ("--selector", "reports", "--exclude-resource-type", "unit_test")


def test_the_reports_are_those_of_the_files(loaded: Run, both: Run, tmp_path: Path):
    run = loaded.copy(tmp_path)
    run.execute("; ".join(f"drop table raw_export.{table}" for table in OF_FILES))
    provenance = run.query(
        "select table_name, column_name from information_schema.columns "
        "where table_schema = 'raw_export' and column_name in "
        "('_file', '_transferred_at', '_dlt_load_id', '_dlt_id')"
    )
    run.execute(
        "; ".join(
            f"alter table raw_export.{table} drop column {column}" for table, column in provenance
        )
    )
    run.build_by(options=(*OPTIONS, "--vars", "{export_has_files: false}"))
    names = sorted(path.name for path in run.reports.glob("*.csv"))
    assert len(names) > 5
    assert cmpfiles(run.reports, both.reports, names, shallow=False)[0] == names
