"""Runs the tests that are marked `fault` and prints what they prove: `docs/faults.md`.

`python -m tests.fault_matrix [pytest's arguments]`: the page goes to the standard output, pytest's
own report to the standard error. With `--collect-only` nothing runs: the page is what it should be.
The marker is `fault(group, what is broken, what happens)`, and has `runs=` if one test breaks the
thing more than once.
"""

import sys
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import dataclass, field

import pytest

Fault = tuple[str, str, str]

INTRODUCTION = """# Faults that are survived

Made by `make fault-matrix`, which runs the tests that prove it: each breaks a thing for real, at
the wire, on the disk or by a signal, and looks at what became of the data. A run is one test of a
fault with one set of values; a loss is a run that did not end as the row says.
"""


@dataclass(eq=False)  # a plugin must be hashable
class Matrix:
    """A pytest plugin that keeps what became of each fault's tests.

    Attributes:
        results: By fault, how many tests passed and how many did not.
    """

    results: dict[Fault, Counter[str]] = field(default_factory=dict)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]):
        """Count a test once: when it was called, or when it could not be."""
        report = yield
        if report.when == "call" or not report.passed:
            for mark in item.iter_markers("fault"):
                self._count(mark, report.outcome)
        return report

    def pytest_collection_finish(self, session: pytest.Session):
        """If nothing is to run, take each test as passed."""
        if session.config.option.collectonly:
            for item in session.items:
                for mark in item.iter_markers("fault"):
                    self._count(mark, "passed")

    def _count(self, mark: pytest.Mark, outcome: str) -> None:
        group, *fault = mark.args
        counts = self.results.setdefault((group.lower(), *fault), Counter())
        counts[outcome] += mark.kwargs.get("runs", 1)

    def lines(self) -> list[str]:
        """The table, ordered by group, and a line that sums it up."""
        rows = [
            f"| {' | '.join(fault)} | {_told(counts)} |"
            for fault, counts in sorted(self.results.items())
        ]
        total = sum(self.results.values(), Counter())
        return [
            INTRODUCTION,
            "| Group | What is broken | What happens | Runs |",
            "|---|---|---|---|",
            *rows,
            "",
            f"Faults: {len(rows)}. Runs: {total.total()}. "
            f"Losses: {total.total() - total['passed']}.",
        ]


def _told(counts: Counter[str]) -> str:
    if counts["passed"] == counts.total():
        return str(counts.total())
    return f"{counts.total()}, of which {counts.total() - counts['passed']} failed"


def main(arguments: list[str]) -> int:
    """Run the tests and print the page; gives pytest's exit code."""
    matrix = Matrix()
    with redirect_stdout(sys.stderr):
        code = pytest.main(["-m", "fault", *arguments], plugins=[matrix])
    print(*matrix.lines(), sep="\n")
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
