"""Runs the tests that are marked `fault` and prints what they prove as a Markdown table.

`python -m tests.fault_matrix [pytest's arguments]`: the table goes to the standard output, pytest's
own report to the standard error. The marker is `fault(group, what is broken, what happens)`.
"""

import sys
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import dataclass, field

import pytest

Fault = tuple[str, str, str]


@dataclass
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
                self.results.setdefault(mark.args, Counter())[report.outcome] += 1
        return report

    def lines(self) -> list[str]:
        """The table, ordered by group, and a line that sums it up."""
        rows = [
            f"| {' | '.join(fault)} | {_told(counts)} |"
            for fault, counts in sorted(self.results.items(), key=lambda item: item[0][0])
        ]
        total = sum(self.results.values(), Counter())
        return [
            "| Group | What is broken | What happens | Tests |",
            "|---|---|---|---|",
            *rows,
            "",
            f"{len(rows)} faults, {total.total()} tests, {total.total() - total['passed']} failed.",
        ]


def _told(counts: Counter[str]) -> str:
    if counts["passed"] == counts.total():
        return f"{counts.total()} passed"
    return f"{counts['passed']} of {counts.total()} passed"


def main(arguments: list[str]) -> int:
    """Run the tests and print the table; gives pytest's exit code."""
    matrix = Matrix()
    with redirect_stdout(sys.stderr):
        code = pytest.main(["-m", "fault", *arguments], plugins=[matrix])
    print(*matrix.lines(), sep="\n")
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
