"""Measure the processor seconds of each test file and its child processes: a pytest plugin.

The plugin runs the slowest files first, so that workers end together. At the end it warns about
each file that took more than its share. A warning does not fail the run, because a busy machine is
slower.
"""

import os
import resource
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parent

SHARES = {
    "end_to_end/test_publish.py": 170,
    "end_to_end/test_one_source_or_both.py": 80,
    "end_to_end/test_build_faults.py": 60,
    "end_to_end/test_reconciliation.py": 50,
    "end_to_end/test_sandbox_reports.py": 80,
    "end_to_end/test_flat_csv_export.py": 80,
    "end_to_end/test_api_in_reports.py": 60,
    "end_to_end/test_export_without_files.py": 50,
    "end_to_end/test_bad_data.py": 45,
    "end_to_end/test_meanings.py": 40,
    "end_to_end/test_recipes.py": 40,
    "end_to_end/test_files_in_any_order.py": 40,
    "pages/test_figures.py": 60,
    "spark/test_landing.py": 120,
    "spark/test_digits.py": 130,
    "spark/test_cluster.py": 90,
    "pipelines/common/test_kills.py": 75,
    "pipelines/api/test_later_runs.py": 60,
    "pipelines/api/test_interrupted_runs.py": 50,
    "pipelines/export/test_drift.py": 40,
    "pipelines/export/test_storage.py": 45,
    "pipelines/publish/test_command.py": 45,
    "pipelines/common/test_settings.py": 45,
    "pipelines/common/test_cli.py": 40,
    "pipelines/common/test_locks.py": 40,
}
"""Processor seconds that a test file may take. A file that is not listed has `SMALL`."""

SMALL = 30

FIRST = {
    "end_to_end/test_publish.py",
    "pipelines/common/test_kills.py",
    "pipelines/api/test_later_runs.py",
}
"""Files that run first: one parses the project for all, and the other workers do not need it."""

CHECK = {
    "pipelines/repository/test_architecture.py",
    "pipelines/repository/test_docs.py",
    "sandbox/test_account.py",
    "sandbox/test_breakdowns.py",
    "sandbox/test_faults.py",
    "sandbox/test_seat_balances.py",
    "sandbox/test_contract_billing.py",
    "sandbox/test_imports.py",
}
"""Files of quick tests, which `make check` runs with those that are marked `check`."""


def processor_seconds() -> float:
    """Return the processor seconds of this process and of its ended children."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def share(file: str) -> float:
    """Return the processor seconds that a file may take."""
    return SHARES.get(file, SMALL)


def file_of(item: pytest.Item) -> str:
    """Return the file of a test, as in `SHARES`."""
    return item.path.relative_to(TESTS).as_posix()


class Meter:
    """Measure in each worker, and add up in the process that reports.

    Attributes:
        totals: Processor seconds by file, and by session fixture, which files share.
    """

    def __init__(self) -> None:
        self.totals: Counter[str] = Counter()
        self._since = processor_seconds()
        self._fixtures: Counter[str] = Counter()
        self._inner = 0.0

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Mark the quick files, and run the slowest files first.

        The order in a file does not change.
        """
        for item in items:
            if file_of(item) in CHECK:
                item.add_marker("check")
        items.sort(key=lambda item: (file_of(item) not in FIRST, -share(file_of(item))))

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
        """Count a session fixture separately from its test and from the fixtures that it uses."""
        if fixturedef.scope != "session":
            return (yield)
        start, outer, self._inner = processor_seconds(), self._inner, 0.0
        try:
            return (yield)
        finally:
            took = processor_seconds() - start
            self._fixtures[f"fixture {fixturedef.argname}"] += took - self._inner
            self._inner = outer + took

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Iterator[None]:
        """Add the figures to the report of a test's setup, call or teardown."""
        report = yield
        now = processor_seconds()
        own = now - self._since - self._fixtures.total()
        report.processor_seconds = {file_of(item): own, **self._fixtures}
        self._since, self._inner = now, 0.0
        self._fixtures.clear()
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up the figures of all workers."""
        self.totals.update(getattr(report, "processor_seconds", {}))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the total, and warn about files above their share."""
        everything = self.totals.total()
        if not everything:
            return
        terminalreporter.write_line(f"{everything:.0f} processor seconds")
        if terminalreporter.verbosity > 0:
            for name, seconds in self.totals.most_common():
                terminalreporter.write_line(f"  {seconds:6.1f}  {name}")
        for file, seconds in self.totals.most_common():
            if not file.startswith("fixture ") and seconds > share(file):
                start = "::warning::" if "GITHUB_ACTIONS" in os.environ else "Warning: "
                terminalreporter.write_line(
                    f"{start}tests/{file} took {seconds:.0f} processor seconds, and its share is "
                    f"{share(file)}: make it quicker, or give it more in {Path(__file__).name}"
                )


def pytest_configure(config: pytest.Config) -> None:
    """Register the plugin."""
    config.pluginmanager.register(Meter(), "processor-seconds-meter")
