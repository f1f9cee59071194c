"""Summarize `run.json` for the screen: each report with its rows and totals."""

from collections.abc import Iterator
from typing import Any

from pipelines.common.errors import printable

GROUPS = 10
"""The most groups of totals that are printed per report. `run.json` has all."""


def lines(content: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the summary.

    Args:
        content: The content of `run.json`.
    """
    environment = f", {content['environment']}" if content["environment"] else ""
    yield f"\nReports as of {content['as_of']}{printable(environment)}:"
    for file, report in content["reports"].items():
        month = f"; totals of {report['totals_month']}" if report["totals_month"] else ""
        yield f"  {file}  {report['rows']:,} row{'' if report['rows'] == 1 else 's'}{month}"
        for group, totals in list(report["totals"].items())[:GROUPS]:
            yield f"      {printable(group)}: {_figures(totals)}"
        if len(report["totals"]) > GROUPS:
            yield f"      and {len(report['totals']) - GROUPS} more in run.json"


def _figures(totals: dict[str, str | None]) -> str:
    """Return the totals of a group as text. A check that compared nothing is marked."""
    if "compared" in totals and set(totals.values()) <= {"0"}:
        return "nothing to compare"
    return ", ".join(f"{name} {value or 'unknown'}" for name, value in totals.items())


def remarks(
    sources: dict[str, Any], kept_warnings: list[str], failed_elsewhere: list[str]
) -> Iterator[str]:
    """Yield remarks on the sources of the reports.

    Args:
        sources: The object `sources` of `run.json`.
        kept_warnings: The names of tests that warned in an earlier run and did not run again.
        failed_elsewhere: The names of failed tests that no report depends on.
    """
    if export := sources["export"]:
        if left_out := export["left_out"]:
            yield f"left out of the export, as accepted: {printable(', '.join(left_out))}"
        if missing := export["tables_not_loaded"]:
            yield f"tables that the export lacks: {len(missing)}, named in run.json"
        if tables := export["tables_with_doubles"]:
            yield f"tables with amounts stored as doubles: {', '.join(tables)}"
        if columns := export["undeclared_columns"]:
            yield f"columns of the export that no table declares: {', '.join(columns)}"
    if sources["api"] and (lists := sources["api"]["lists_not_available"]):
        named = sorted({f"{item['resource']} (HTTP {item['http_status']})" for item in lists})
        yield f"lists that the API did not return: {', '.join(named)}"
    if kept_warnings:
        yield f"warnings that still hold: {', '.join(kept_warnings)}"
    if failed_elsewhere:
        yield f"failed tests that no report depends on: {', '.join(failed_elsewhere)}"
