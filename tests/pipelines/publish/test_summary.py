"""The lines that a run prints of what it published."""

from typing import Any

from pipelines.publish.summary import GROUPS, lines


def printed(report: dict[str, Any]) -> list[str]:
    """Return the lines of one report."""
    reports = {"a.csv": {"totals_month": None, **report}}
    content = {"as_of": "2024-04-15", "environment": None, "reports": reports}
    return [line.strip() for line in list(lines(content))[1:]]


def test_a_check_that_compared_nothing_is_marked():
    totals = {
        "API to export": {"compared": "0", "different": "0", "only_in_one": "0"},
        "usage to invoice": {"compared": "0", "different": "0", "only_in_one": "2"},
    }
    assert printed({"rows": 2, "totals": totals}) == [
        "a.csv  2 rows",
        "API to export: nothing to compare",
        "usage to invoice: compared 0, different 0, only_in_one 2",
    ]


def test_an_unknown_total_is_unknown_and_zero_is_zero():
    totals = {"USD": {"outstanding": "0", "credit": None}}
    assert printed({"rows": 1, "totals": totals}) == [
        "a.csv  1 row",
        "USD: outstanding 0, credit unknown",
    ]


def test_many_groups_are_cut_and_counted():
    totals = {str(number): {"total": "1"} for number in range(GROUPS + 2)}
    assert printed({"rows": 12, "totals": totals})[-1] == "and 2 more in run.json"


def test_totals_of_one_month_name_it():
    totals = {"USD": {"billed": "1"}}
    assert printed({"rows": 39, "totals": totals, "totals_month": "2024-03"}) == [
        "a.csv  39 rows; totals of 2024-03",
        "USD: billed 1",
    ]
