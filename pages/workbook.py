"""Write `reports.xlsx`: one sheet per report, and a first one that explains them."""

import re
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import duckdb
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from pages import formats, queries
from pages.queries import Row

ROWS = 10_000
"""Rows of a report in its sheet; the CSV has all."""

DIGITS = 15
"""Significant digits that a spreadsheet keeps of a number."""

EXACT = Context(prec=60)
TEXT = 32_767
"""Characters that a cell can hold."""

FIRST_DAY = date(1900, 3, 1)
"""Excel takes 1900 for a leap year, so earlier days are off by one and are written as text."""

WIDTHS = (8, 44)
ABOUT = "About"
NOTE = "Numbers in italics have more than 15 digits. A spreadsheet rounds them; exact in {}."


def write_workbook(connection: duckdb.DuckDBPyConnection, path: Path, run: dict[str, Any]) -> None:
    """Write the workbook. The same reports give the same bytes.

    Texts are written as texts, whatever they begin with; numbers and times are real ones, in UTC.

    Args:
        connection: An open DuckDB connection in UTC.
        path: The file to write.
        run: Content of `run.json`.
    """
    parameters = queries.run.parameters(connection)
    reports = queries.run.reports(connection)
    columns = queries.run.report_columns(connection)
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
        "remove_timezone": True,
    }
    with xlsxwriter.Workbook(str(path), options) as book:
        # the clock must not reach the file
        book.set_properties(
            {
                "title": "Billing reports",
                "created": datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None),
            }
        )
        styles = Styles(book)
        about = book.add_worksheet(ABOUT)
        written = []
        for report in reports:
            sheet = book.add_worksheet(report["name"][:31])
            rows, all_rows = queries.run.report_rows(connection, report["model"], ROWS)
            inexact = _write_report(sheet, styles, report, columns[report["model"]], rows, all_rows)
            written.append({**report, "rows": all_rows, "inexact": inexact})
        _write_about(about, styles, parameters, written, columns)


class Styles:
    """The formats of a workbook, made once each."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        """Keep the workbook to add formats to."""
        self._book = book
        self._made: dict[tuple[tuple[str, Any], ...], Format] = {}

    def __call__(self, **properties: Any) -> Format:
        """Return the format with these properties."""
        key = tuple(properties.items())
        if key not in self._made:
            self._made[key] = self._book.add_format({"valign": "top", **properties})
        return self._made[key]

    @property
    def header(self) -> Format:
        """Return the format of a heading."""
        return self(bold=True, bottom=1, bg_color="#EEF2F7", text_wrap=True)


def _write_report(
    sheet: Worksheet,
    styles: Styles,
    report: Row,
    columns: list[Row],
    rows: list[Row],
    all_rows: int,
) -> int:
    """Write a report. Return how many of its numbers have more than 15 digits."""
    inexact = 0
    for place, column in enumerate(columns):
        sheet.write_string(0, place, column["name"], styles.header)
        sheet.set_column(
            place, place, _width(column["name"], [row[column["name"]] for row in rows])
        )
    for line, row in enumerate(rows, 1):
        for place, column in enumerate(columns):
            inexact += _write_cell(sheet, styles, line, place, row, column)
    last = max(len(rows), 1)
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, last, len(columns) - 1)
    sheet.set_landscape()
    sheet.repeat_rows(0)
    sheet.fit_to_pages(1, 0)
    notes = []
    if inexact:
        notes.append(NOTE.format(f"{report['name']}.csv"))
    if all_rows > len(rows):
        notes.append(
            f"The first {len(rows):,} of {all_rows:,} rows; all are in {report['name']}.csv."
        )
    for place, note in enumerate(notes):
        sheet.write_string(last + 2 + place, 0, note, styles(italic=True, font_color="#586575"))
    return inexact


def _write_cell(
    sheet: Worksheet, styles: Styles, line: int, place: int, row: Row, column: Row
) -> int:
    value = row[column["name"]]
    match value:
        case None:
            return 0
        case bool():
            sheet.write_boolean(line, place, value, styles(align="left"))
        case int():
            sheet.write_number(line, place, value, styles(num_format="#,##0"))
        case Decimal():
            return _write_number(sheet, styles, line, place, value, row, column)
        case datetime() if value.astimezone(UTC).date() >= FIRST_DAY:
            utc = value.astimezone(UTC).replace(tzinfo=None)
            midnight = (utc.hour, utc.minute, utc.second, utc.microsecond) == (0, 0, 0, 0)
            shown = "yyyy-mm-dd" if midnight else "yyyy-mm-dd hh:mm:ss"
            sheet.write_datetime(line, place, utc, styles(num_format=shown, align="left"))
        case date() if not isinstance(value, datetime) and value >= FIRST_DAY:
            sheet.write_datetime(line, place, value, styles(num_format="yyyy-mm-dd", align="left"))
        case date():
            sheet.write_string(line, place, formats.iso(value))
        case _:
            sheet.write_string(line, place, str(value)[:TEXT], styles())
    return 0


def _write_number(
    sheet: Worksheet, styles: Styles, line: int, place: int, value: Decimal, row: Row, column: Row
) -> int:
    is_amount = column["data_type"] == "DECIMAL(36,20)" and "pricing_unit" in row
    if column["name"] == "unit_price":
        digits = formats.minor_digits(row["pricing_unit"])
        shown = f"#,##0.{'0' * digits}{'#' * (12 - digits)}"
    elif is_amount:
        digits = formats.minor_digits(row["pricing_unit"])
        shown = f"#,##0.{'0' * digits}" if digits else "#,##0"
    else:
        shown = "#,##0" if value == value.to_integral_value() else "#,##0.######"
    is_inexact = len(value.normalize(EXACT).as_tuple().digits) > DIGITS
    style = styles(num_format=shown, italic=True) if is_inexact else styles(num_format=shown)
    sheet.write_number(line, place, value, style)
    return int(is_inexact)


def _width(name: str, values: list[Any]) -> int:
    shown = (_shown(value) for value in values[:500])
    least, most = WIDTHS
    return min(max(least, len(name) + 3, *(len(text) + 2 for text in shown), 0), most)


def _shown(value: Any) -> str:
    match value:
        case None:
            return ""
        case Decimal():
            return f"{value:,.4f}"
        case datetime():
            return "2024-04-15"
        case _:
            return formats.text_line(str(value))


def _write_about(
    sheet: Worksheet,
    styles: Styles,
    parameters: Row,
    reports: list[Row],
    columns: dict[str, list[Row]],
) -> None:
    bold, wrapped = styles(bold=True), styles(text_wrap=True)
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 34)
    sheet.set_column(2, 2, 110)
    sheet.write_string(0, 0, "Billing reports", styles(bold=True, font_size=16))
    facts = {
        "As of": formats.iso(parameters["as_of"]),
        "Environment": parameters["environment"] or "not known",
        "Month of invoice_lines": parameters["month"],
        "Customer of invoice_lines": parameters["customer"] or "all customers",
        "Amounts": "In the major unit of the row's pricing unit; a cell shows them rounded.",
        "Times": "UTC",
        "Empty cells": "Unknown, or there is none; never 0.",
    }
    line = 2
    for label, text in facts.items():
        sheet.write_string(line, 0, label, bold)
        sheet.write_string(line, 1, text)
        line += 1
    line += 1
    for place, label in enumerate(("Report", "Rows", "What it answers")):
        sheet.write_string(line, place, label, styles.header)
    for report in reports:
        line += 1
        sheet.write_url(line, 0, f"internal:'{report['name'][:31]}'!A1", string=report["name"])
        note = (
            f"; {report['inexact']:,} numbers have more than {DIGITS} digits"
            if report["inexact"]
            else ""
        )
        sheet.write_string(line, 1, f"{report['rows']:,}{note}", wrapped)
        sheet.write_string(line, 2, _plain(report["description"]), wrapped)
    line += 2
    for place, label in enumerate(("Report", "Column", "Description")):
        sheet.write_string(line, place, label, styles.header)
    for report in reports:
        for column in columns[report["model"]]:
            line += 1
            sheet.write_string(line, 0, report["name"], styles())
            sheet.write_string(line, 1, column["name"], styles())
            sheet.write_string(line, 2, _plain(column["description"]), wrapped)
    sheet.freeze_panes(1, 0)


def _plain(description: str | None) -> str:
    """Return a description, which is Markdown, as text: paragraphs stay, line ends do not."""
    paragraphs = (description or "").strip().split("\n\n")
    return "\n".join(re.sub(r"[`*]", "", " ".join(text.split())) for text in paragraphs)[:TEXT]
