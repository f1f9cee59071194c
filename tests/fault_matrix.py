"""Run the tests with the marker `fault`, and print the page `docs/faults.md`.

`python -m tests.fault_matrix [pytest's arguments]` writes the page to the standard output, and
pytest's report to the standard error. With `--collect-only` no test runs, and the page shows the
expected results. The marker is `fault(group, what is broken, what happens)`. It has `runs=` if one
test injects the fault more than once.
"""

import sys
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import dataclass, field

import pytest

Fault = tuple[str, str, str]

INTRODUCTION = """# Faults and their effects

`make fault-matrix` writes this page. It runs the tests that prove each row. A test injects the
fault into the network, the disk or the process, and checks the data afterwards. A run is one test
with one set of values. A loss is a run that did not end as the row states.
"""


@dataclass(eq=False)  # a plugin must be hashable
class Matrix:
    """A pytest plugin that counts the results of each fault's tests.

    Attributes:
        results: By fault, the numbers of tests that passed and failed.
    """

    results: dict[Fault, Counter[str]] = field(default_factory=dict)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]):
        """Count a test once: when it was called, or when its setup failed."""
        report = yield
        if report.when == "call" or not report.passed:
            for mark in item.iter_markers("fault"):
                self._count(mark, report.outcome)
        return report

    def pytest_collection_finish(self, session: pytest.Session):
        """With `--collect-only`, count each test as passed."""
        if session.config.option.collectonly:
            for item in session.items:
                for mark in item.iter_markers("fault"):
                    self._count(mark, "passed")

    def _count(self, mark: pytest.Mark, outcome: str) -> None:
        group, *fault = mark.args
        counts = self.results.setdefault((group.lower(), *fault), Counter())
        counts[outcome] += mark.kwargs.get("runs", 1)

    def lines(self) -> list[str]:
        """Return the lines of the page: the table, ordered by group, and a line with totals."""
        rows = [
            f"| {' | '.join(fault)} | {_runs(counts)} |"
            for fault, counts in sorted(self.results.items())
        ]
        total = sum(self.results.values(), Counter())
        return [
            INTRODUCTION,
            "| Group | Fault | Effect | Runs |",
            "|---|---|---|---|",
            *rows,
            "",
            f"Faults: {len(rows)}. Runs: {total.total()}. "
            f"Losses: {total.total() - total['passed']}.",
        ]


def _runs(counts: Counter[str]) -> str:
    if counts["passed"] == counts.total():
        return str(counts.total())
    return f"{counts.total()}, of which {counts.total() - counts['passed']} failed"


def main(arguments: list[str]) -> int:
    """Run the tests and print the page. Return pytest's exit code."""
    matrix = Matrix()
    with redirect_stdout(sys.stderr):
        code = pytest.main(["-m", "fault", *arguments], plugins=[matrix])
    print(*matrix.lines(), sep="\n")
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
