"""Run `dbt build`, and publish its reports only if every test that they depend on passed."""

import argparse
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import duckdb

from pages.pdf import PdfUnavailableError
from pages.settings import Settings
from pipelines.common.database import lock_file, opened
from pipelines.common.errors import InputError
from pipelines.common.locks import held
from pipelines.common.log import Stopwatch, log_step
from pipelines.common.settings import database_file, lock_wait_seconds
from pipelines.common.subprocesses import exit_on_signals
from pipelines.publish.arguments import accepts_incomplete, arguments, check_forms, variable
from pipelines.publish.customer import check_customer
from pipelines.publish.dbt_process import run_dbt
from pipelines.publish.dbt_run import read_run
from pipelines.publish.report_set import CURRENT, LOCK, MANIFEST, reports_folder
from pipelines.publish.run_json import checksums, is_set, run_json, write_json
from pipelines.publish.selection import (
    ACCEPT,
    last_published_run,
    project_checksum,
    raw_state,
    record_published_run,
    select,
)
from pipelines.publish.summary import lines, remarks
from pipelines.publish.warehouse import warehouse


def main(words: list[str] | None = None) -> int:
    """Publish and return 0.

    If a report cannot be published, keep the last set, print why and return 1.
    """
    options = _parser().parse_args(words)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        log_step("publish needs a command: publish <folder> -- dbt build …", "error")
        return 2
    exit_on_signals()
    try:
        return _publish(options.folder, command)
    except (InputError, PdfUnavailableError, ValueError, duckdb.Error, OSError) as error:
        return _refused(options.folder, [str(error)])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipelines.publish", description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder that readers open; it is created")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="-- dbt build …")
    return parser


def _publish(path: Path, command: list[str]) -> int:
    database, given, settings = database_file(), arguments(), Settings.from_environment()
    check_forms(given)
    built = warehouse(command, database)
    target = Path(os.environ.get("DBT_TARGET_PATH", "target"))
    with (
        reports_folder(path) as folder,
        held(target / LOCK, f"dbt's target folder {target}") as target_lock,
        held(lock_file(database), str(database)) as database_lock,
    ):
        project = project_checksum(built)
        with opened(database) as connection:
            last = last_published_run(connection, project, built)
            raw = raw_state(connection, built)
            if raw:
                check_customer(connection, given["customer"])
        accepted = {ACCEPT: True} if accepts_incomplete() else {}
        recorded = given | {"pages": str(settings)} | accepted
        selection = select(last, command, recorded, raw)
        if selection.is_empty and last and is_set(path, last.set_checksum):
            return _unchanged(path)
        Thread(target=_prepare_pages).start()  # it takes two seconds
        started_at, clock = datetime.now(UTC), Stopwatch()
        code = run_dbt(
            selection.command,
            env=os.environ
            | {variable(name): text for name, text in given.items()}
            | {"REPORTS_DIR": str(folder.new_set), "LOCK_WAIT_SECONDS": str(lock_wait_seconds())},
            # a dbt process that outlives this one keeps the lock, so no other run starts
            pass_fds=[folder.lock, target_lock, database_lock],
        )
        if code not in (0, 1):
            return _refused(path, [f"The build ended with exit code {code}."], code)
        run = read_run(target, started_at, selection.kept)
        log_step(run.summary(), seconds=clock.seconds())
        elsewhere = run.failed_elsewhere()
        objections = run.objections()
        if not objections and code and not elsewhere:
            objections = ["The build failed after its tests."]
        if objections:
            return _refused(path, objections)
        with built.opened(run) as connection:
            content = run_json(folder.new_set, run, built, connection, given | accepted)
            from pages.build import build

            written = build(connection, folder.new_set, content, settings)
        content["pages"] = checksums(folder.new_set, content["reports"])
        checksum = write_json(folder.new_set / MANIFEST, content)
        if not elsewhere:
            with opened(database) as connection:
                record_published_run(
                    *(connection, built, command, project, recorded, raw, run, checksum)
                )
        folder.swap()
    for line in lines(content):
        log_step(line, step="publish")
    figures = {"reports": len(content["reports"]), **written}
    text = (
        f"\nPublished: {path}/index.html, with {figures['reports']} reports and "
        f"{written['documents']} invoices"
    )
    log_step(text, step="publish", **figures, seconds=clock.seconds())
    for line in remarks(content["sources"], run.kept_warnings(), elsewhere):
        log_step(f"  {line}", "warning", step="publish")
    return code


def _prepare_pages() -> None:
    from pages.build import prepare

    prepare()


def _unchanged(folder: Path) -> int:
    last = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    log_step(
        f"Nothing has changed: the reports in {folder} are up to date, as of {last['as_of']}",
        step="publish",
        reports=len(last["reports"]),
    )
    return 0


def _refused(folder: Path, reasons: list[str], code: int = 1) -> int:
    try:
        last = json.loads((folder / CURRENT / MANIFEST).read_text(encoding="utf-8"))
        state = f"still holds the last published reports, as of {last['as_of']}"
    except OSError:
        state = "holds no reports yet"
    last_line = f"{folder} {state}. Correct the cause, then run the same command again."
    text = "\n".join(["\nNot published.", *(f"  {reason}" for reason in reasons), last_line])
    log_step(text, "error", step="publish")
    return code


if __name__ == "__main__":
    sys.exit(main())
