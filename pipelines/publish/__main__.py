"""Command line: run `dbt build`, and publish its reports only if all of them passed."""

import argparse
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from pipelines.children import exit_on_signals, run_child
from pipelines.database import lock_file, opened
from pipelines.errors import InputError, printable
from pipelines.locks import held
from pipelines.publish.audit import read_audit
from pipelines.publish.folder import CURRENT, LOCK, MANIFEST, reports_folder
from pipelines.publish.reach import good_run, note_good_run, project_checksum, raw_state, reach
from pipelines.publish.run_json import is_set, run_json, write_json
from pipelines.settings import database_file
from pipelines.steps import Clock, say


def main(arguments: list[str] | None = None) -> int:
    """Publish, say so, and return 0; or leave the last set as it is, and say why."""
    options = _parser().parse_args(arguments)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        say("publish needs a command: publish <folder> -- dbt build …", "error")
        return 2
    exit_on_signals()
    try:
        return _publish(options.folder, command)
    except (InputError, duckdb.Error, OSError) as error:
        return _refused(options.folder, [str(error)])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipelines.publish", description=__doc__)
    parser.add_argument("folder", type=Path, help="what readers open; it is created")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="-- dbt build …")
    return parser


def _publish(path: Path, command: list[str]) -> int:
    database = database_file()
    target = Path(os.environ.get("DBT_TARGET_PATH", "target"))
    with (
        reports_folder(path) as folder,
        held(target / LOCK, f"dbt's target folder {target}") as target_lock,
        held(lock_file(database), str(database)) as database_lock,
    ):
        # better said before the work than by dbt, if it does not open
        project = project_checksum()
        with opened(database) as connection:
            good, raw = good_run(connection, project), raw_state(connection)
        scope = reach(good, command, raw)
        if scope.is_nothing and is_set(path, good.set_checksum):
            return _unchanged(path)
        started_at, clock = datetime.now(UTC), Clock()
        code = run_child(
            [*command, *scope.options],
            env=os.environ | {"REPORTS_DIR": str(folder.new_set)},
            # if this process is killed, dbt still keeps other runs out
            pass_fds=[folder.lock, target_lock, database_lock],
        )
        if code not in (0, 1):
            return _refused(path, [f"{command[0]} ended with exit code {code}."], code)
        audit = read_audit(target, started_at, scope.kept)
        say(audit.summary(), seconds=clock.seconds())
        objections = audit.objections()
        if code or objections:
            return _refused(path, objections or [f"{command[0]} failed after its tests."])
        content = run_json(folder.new_set, audit, database)
        checksum = write_json(folder.new_set / MANIFEST, content)
        with opened(database) as connection:
            note_good_run(connection, command, project, raw, audit, checksum)
        folder.swap()
    reports = len(content["reports"])
    told = f"\nPublished in {path}: {reports} reports and {MANIFEST}"
    say(told, step="publish", reports=reports, seconds=clock.seconds())
    for line in [*_remarks(content["sources"]), *audit.still_warned()]:
        say(f"  {line}", "warning", step="publish")
    return 0


def _unchanged(folder: Path) -> int:
    last = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    say(
        f"Nothing is new since the reports in {folder} were published, as of {last['as_of']}: "
        "they stay as they are.",
        step="publish",
        reports=len(last["reports"]),
    )
    return 0


def _remarks(sources: dict[str, Any]) -> list[str]:
    """What the sources did not tell, as a reader of the reports should know."""
    remarks = []
    if export := sources["export"]:
        if left_out := export["left_out"]:
            remarks.append(f"left out of the export, as accepted: {printable(', '.join(left_out))}")
        if missing := export["tables_not_loaded"]:
            remarks.append(f"tables that the export lacks: {len(missing)}, named in {MANIFEST}")
        if columns := export["undeclared_columns"]:
            remarks.append(f"columns of the export that are not known: {', '.join(columns)}")
    if sources["api"] and (lists := sources["api"]["lists_not_available"]):
        named = sorted({f"{item['resource']} (HTTP {item['http_status']})" for item in lists})
        remarks.append(f"lists that the API did not give: {', '.join(named)}")
    return remarks


def _refused(folder: Path, reasons: list[str], code: int = 1) -> int:
    try:
        last = json.loads((folder / CURRENT / MANIFEST).read_text(encoding="utf-8"))
        still = f"holds the reports of the last good run, as of {last['as_of']}, as they were"
    except OSError:
        still = "holds no reports yet"
    last_line = f"{folder} {still}. Correct the cause, then run the same again."
    said = "\n".join(["\nNot published.", *(f"  {reason}" for reason in reasons), last_line])
    say(said, "error", step="publish")
    return code


if __name__ == "__main__":
    sys.exit(main())
