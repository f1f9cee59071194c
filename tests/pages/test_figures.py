"""The figures of the pages and of the workbook are those of the CSVs, digit for digit."""

import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl
import pytest

from pages import formats, sources
from tests.pages.conftest import RUN, Browser, Built, Set, shown
from tests.terminal import left_on_screen, on_terminal

UNITS = ("USD", "EUR", "AI Credits")
UNITS_BILLED = ("USD", "AI Credits", "EUR")
"""In the order of the page."""


def cells(browser: Browser, selector: str) -> list[list[dict[str, str]]]:
    """Return the cells of each row of a table: shown text, exact value, first link."""
    return browser.run(
        """
        const rows = [...document.querySelector(arguments[0]).rows];
        return rows.map(row => [...row.cells].map(cell => {
            const data = cell.querySelector('data'), link = cell.querySelector('a');
            return {text: cell.textContent.trim(), value: data && data.value,
                    shown: data && data.textContent, link: link && link.getAttribute('href')};
        }))
        """,
        selector,
    )


def test_customers_are_the_summary(sandbox: Set, browser: Browser) -> None:
    browser.open(sandbox.url("index.html"))
    expected = {
        (row["customer_id"], row["pricing_unit"] or "–"): row
        for row in sandbox.report("customer_summary")
    }
    rows = cells(browser, "#customers table.sortable")[1:]
    columns = {
        1: "outstanding_balance",
        2: "overdue_balance",
        4: "invoice_balance",
        5: "credit_balance",
    }
    compared = 0
    for row in rows:
        key = (row[0]["link"] or "#c-").partition("#c-")[2], row[6]["text"]
        if not key[0]:  # without an invoice there is nothing to link to
            (key,) = [k for k, e in expected.items() if e["customer_name"] == row[0]["text"]]
        summary = expected.pop(key)
        for place, column in columns.items():
            if summary[column] == "":
                assert row[place]["text"] in ("unknown", "none")
                continue
            assert row[place]["value"] == summary[column]
            assert row[place]["shown"] == shown(summary[column])
            compared += 1
    assert expected == {}
    assert compared > 150


def test_tiles_are_sums_of_the_csvs(sandbox: Set, browser: Browser) -> None:
    browser.open(sandbox.url("index.html"))
    tiles = browser.run(
        """
        return [...document.querySelectorAll('.unit')].map(unit => [
            unit.querySelector('h3').textContent,
            [...unit.querySelectorAll('.figure')].map(
                figure => [figure.querySelector('data').value, figure.textContent.trim()])])
        """
    )
    assert {unit for unit, _ in tiles} == set(UNITS)
    for unit, figures in tiles:
        rows = [row for row in sandbox.report("customer_summary") if row["pricing_unit"] == unit]
        billed = [row for row in sandbox.report("billings_by_plan") if row["pricing_unit"] == unit]

        def total(column: str, rows: list[dict[str, str]] = rows) -> Decimal:
            return sum((Decimal(row[column]) for row in rows if row[column]), Decimal(0))

        expected = [
            total("outstanding_balance"),
            total("overdue_balance"),
            total(
                "invoice_balance", [r for r in rows if r["current_invoice_is_fallback"] == "false"]
            ),
            total("credit_balance"),
            total("credit_expiring_30d"),
            total("billed_amount", [row for row in billed if row["month"] == "2024-03"]),
        ]
        assert [Decimal(exact) for exact, _ in figures] == expected
        assert [text for _, text in figures] == [shown(amount) for amount in expected]


def test_billings_are_the_report(sandbox: Set, browser: Browser) -> None:
    browser.open(sandbox.url("index.html"))
    expected: dict[str, list[str]] = defaultdict(list)
    for row in sandbox.report("billings_by_plan"):
        expected[row["pricing_unit"]].append(row["billed_amount"])
    tables = browser.run("return document.querySelectorAll('#plans table').length")
    assert tables == len(expected)
    for place in range(tables):
        rows = cells(browser, f"#plans .scroll:nth-of-type({place + 2}) table")
        unit = rows[-1][0]["text"].removeprefix("Total ")
        found = [cell["value"] for row in rows[1:-1] for cell in row[1:-1]]
        assert sorted(value for value in found if value != "0") == sorted(
            value for value in expected[unit] if value != "0"
        )
        for column in range(1, len(rows[0]) - 1):
            assert Decimal(rows[-1][column]["value"]) == sum(
                Decimal(row[column]["value"]) for row in rows[1:-1]
            )


def test_usage_checks_and_lines_are_the_reports(sandbox: Set, browser: Browser) -> None:
    browser.open(sandbox.url("index.html"))
    usage = {
        row[0]["text"]: (row[1]["value"], row[2]["value"])
        for row in cells(browser, "#usage table")[1:-1]
    }
    assert usage == {
        row["property_value"]: (row["events"], row["quantity"])
        for row in sandbox.report("usage_by_property")
    }
    checks = [[cell["value"] for cell in row[2:7]] for row in cells(browser, "#checks table")[1:]]
    columns = ("compared", "equal", "different", "only_in_one", "not_comparable")
    assert checks == [[row[c] for c in columns] for row in sandbox.report("reconciliation")]
    lines = [[cell["value"] for cell in row[2:5]] for row in cells(browser, "#invoices tbody")]
    assert lines == [
        [row["quantity"], row["unit_price"], row["total"]]
        for row in sandbox.report("invoice_lines")
    ]
    rounding, total = cells(browser, "#invoices tfoot")
    parts = [cell["shown"] for (*_, cell, _) in (*cells(browser, "#invoices tbody"), rounding)]
    assert rounding[0]["text"].startswith("Rounding")
    assert f"{sum(Decimal(part.replace(',', '')) for part in parts):,}" == total[1]["shown"]


def test_the_answers_at_the_top_are_those_of_the_reports(sandbox: Set, browser: Browser) -> None:
    browser.open(sandbox.url("index.html"))
    cards = browser.run(
        "return [...document.querySelectorAll('.answers li')].map(card => [card.textContent, "
        "...[...card.querySelectorAll('data')].map(data => data.value)])"
    )
    (customer,) = [
        row for row in sandbox.report("customer_summary") if row["customer_name"] == "A1 Company"
    ]
    usage = sum(int(row["quantity"]) for row in sandbox.report("usage_by_property"))
    lines = sum(Decimal(row["total"]) for row in sandbox.report("invoice_lines"))
    billed: dict[str, Decimal] = defaultdict(Decimal)
    for row in sandbox.report("billings_by_plan"):
        if row["month"] == "2024-03":
            billed[row["pricing_unit"]] += Decimal(row["billed_amount"])
    assert [figures for _, *figures in cards[:3]] == [
        [customer["invoice_balance"], customer["credit_balance"]],
        [str(lines)],
        [str(usage)],
    ]
    assert "5 lines" in cards[1][0]
    assert "10 Mar 2024 to 25 Mar 2024" in cards[2][0]
    assert [Decimal(figure) for figure in cards[3][1:]] == [billed[unit] for unit in UNITS_BILLED]


def test_the_days_of_usage_add_up_to_the_report(sandbox: Set, browser: Browser) -> None:
    browser.open(sandbox.url("index.html"))
    sums = [int(row["quantity"]) for row in sandbox.report("usage_by_property")]
    rows = [
        [int(cell["value"]) for cell in row[1:]] for row in cells(browser, "#usage details tbody")
    ]
    assert len(rows) == 16
    assert sorted(map(sum, list(zip(*rows, strict=True))[:-2])) == sorted(sums)
    assert all(sum(row[:-2]) == row[-2] for row in rows)
    assert rows[-1][-1] == sum(sums)


def test_burn_down_is_the_credit_ledger(sandbox: Set, browser: Browser) -> None:
    """The entries of a commit are those of the report, and so is the balance after each."""
    browser.open(sandbox.url("index.html"))
    shown_of: dict[str, list[tuple]] = defaultdict(list)
    for row in cells(browser, "#credit [aria-label='Ledger entries'] tbody"):
        shown_of[row[0]["text"]].append((row[4]["value"], row[5]["value"], row[6]["text"]))
    assert len(shown_of) == browser.run("return document.querySelectorAll('#credit figure').length")
    report: dict[str, list[tuple]] = defaultdict(list)
    for row in sandbox.report("credit_ledger"):
        report[row["balance_name"]].append(
            (row["amount"], row["running_balance"], row["pricing_unit"])
        )
    for name, entries in shown_of.items():
        assert sorted(entries) == sorted(report[name]), name
    assert len({unit for entries in shown_of.values() for *_, unit in entries}) == 3


def test_the_oldest_entries_of_a_long_ledger_are_counted(make_set: Callable[..., Set]) -> None:
    long = make_set(
        "insert into marts.fct_balance_ledger by name "
        "select ledger.* replace (ledger_entry_id || n as ledger_entry_id) "
        "from marts.fct_balance_ledger as ledger, range(10, 40) as entries (n) "
        "where balance_name = 'Prepaid commit 2024' and is_pending"
    )
    assert "The newest entries of each: 30 of 53." in long.html("index.html")


def test_revenue_and_ageing_are_the_reports(sandbox: Set, browser: Browser) -> None:
    browser.open(sandbox.url("index.html"))
    report = [row for row in sandbox.report("revenue_by_month") if row["pricing_unit"] == "USD"]
    rows = cells(browser, "#revenue table")
    months = sorted({row["month"] for row in report if Decimal(row["recognized"] or 0)})
    for row in rows[1:-2]:
        kind = row[0]["text"].replace(" ", "_")
        for place, month in enumerate(months, 1):
            expected = [
                r["recognized"] for r in report if (r["revenue_kind"], r["month"]) == (kind, month)
            ]
            assert [row[place]["value"]] == (expected or ["0"])
        accrued = sum(Decimal(r["accrued"]) for r in report if r["revenue_kind"] == kind)
        assert Decimal(row[-1]["value"]) == accrued
    ageing = cells(browser, "#customers table")[1:]
    for row in ageing:
        parts = [Decimal(cell["value"]) for cell in row[1:]]
        assert sum(parts[:-1]) == parts[-1]
        owed = [
            r for r in sandbox.report("outstanding_ageing") if r["pricing_unit"] == row[0]["text"]
        ]
        assert parts[-1] == sum(Decimal(r["outstanding_balance"]) for r in owed)


def test_the_list_of_invoices_is_the_register(sandbox: Set, browser: Browser) -> None:
    browser.open(sandbox.url("invoices.html"))
    rows = cells(browser, "#list table")[1:]
    listed = browser.run("return [...document.querySelectorAll('td.id')].map(cell => cell.title)")
    totals = {invoice: row[3]["value"] for invoice, row in zip(listed, rows, strict=True)}
    assert totals == {
        row["invoice_id"]: row["total"] or None for row in sandbox.report("invoice_register")
    }


# Unknown


def test_a_sum_with_an_unknown_part_says_so(make_set: Callable[..., Set], browser: Browser) -> None:
    """Null is never 0, and never leaves a sum in silence."""
    changed = make_set(
        "update marts.fct_customer_balances set outstanding_amount = null, "
        "credit_balance_amount = null, credit_expiring_30d_amount = null "
        "where customer_name = 'Halcyon Labs';"
        "update marts.fct_customer_balances set credit_balance_amount = null "
        "where pricing_unit = 'EUR'",
        RUN | {"sources": {"export": None, "api": RUN["sources"]["api"]}},
    )
    browser.open(changed.url("index.html"))
    tiles = browser.run(
        """
        return Object.fromEntries([...document.querySelectorAll('.unit')].map(unit => [
            unit.querySelector('h3').textContent,
            [...unit.querySelectorAll('.tile')].map(tile => tile.innerText)]))
        """
    )
    assert "without 1 customer, unknown" in tiles["USD"][0]
    assert "without 1 customer, unknown" in tiles["USD"][3]
    assert "unknown" in tiles["EUR"][3]
    assert "No export was loaded" in tiles["EUR"][3]
    row = next(
        row
        for row in cells(browser, "#customers table.sortable")
        if row[0]["text"] == "Halcyon Labs"
    )
    assert (row[1]["text"], row[1]["value"]) == ("unknown", None)


def test_the_reason_names_the_source() -> None:
    export = {"tables_not_loaded": ["contracts_balances", "credit_grant"], "left_out": []}
    refused = {"lists_not_available": [{"resource": "balances", "http_status": 403}]}
    assert sources.reason({"sources": {"export": export, "api": None}}, "credit") == (
        "The export does not carry it and the API was not read."
    )
    assert sources.reason({"sources": {"export": None, "api": refused}}, "credit") == (
        "No export was loaded and the API did not give balances (HTTP 403)."
    )
    assert sources.reason({}, "credit") == "No loaded source carries it."


def test_an_empty_account_has_a_page(make_set: Callable[..., Set], browser: Browser) -> None:
    tables = ("fct_customer_balances", "fct_invoices", "fct_invoice_lines", "fct_billings_by_plan")
    more = (
        "fct_recognized_revenue",
        "fct_revenue_by_month",
        "fct_balances",
        "dim_customers",
    )
    usage = ("fct_usage_by_property", "fct_usage_by_property_daily")
    finance = ("fct_outstanding_invoices", "fct_outstanding_ageing", "fct_reconciliation_summary")
    empty = make_set(
        ";".join(f"delete from marts.{t}" for t in (*tables, *more, *usage, *finance)), {}
    )
    browser.open(empty.url("index.html"))
    assert browser.errors() == []
    text = browser.run("return document.body.innerText")
    assert "There is no invoice and no credit" in text
    assert "Asked for in this run" not in text


def test_differences_are_listed(make_set: Callable[..., Set], browser: Browser) -> None:
    changed = make_set(
        """
        update marts.fct_reconciliation_lines set lines_difference_amount = 1.5
        where invoice_id = (
            select min(invoice_id) from marts.fct_reconciliation_lines
            where environment_type = 'PRODUCTION'
        );
        update marts.fct_reconciliation_summary set different = 1, equal = equal - 1
        where check_number = 3 and unit = 'USD' and environment_type = 'PRODUCTION'
        """
    )
    browser.open(changed.url("index.html"))
    text = browser.run("return document.querySelector('#checks').innerText")
    assert "1 difference" in text
    assert "1.5" in text
    assert "1 figure does not agree" in browser.run(
        "return document.querySelector('.looks:not(.answers)').innerText"
    )


# The set


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_same_tables_give_the_same_bytes(sandbox: Set, make_set: Callable[..., Set]) -> None:
    again = make_set()
    first, second = contents(sandbox.folder), contents(again.folder)
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_only_marts_and_reports_are_read(make_set: Callable[..., Set], sandbox: Set) -> None:
    others = ("staging", "intermediate", "seeds", "raw_api", "raw_export", "raw_api_staging")
    alone = make_set(";".join(f"drop schema if exists {schema} cascade" for schema in others))
    assert (alone.folder / "index.html").read_bytes() == (
        sandbox.folder / "index.html"
    ).read_bytes()


def test_a_large_account_has_a_small_page(make_set: Callable[..., Set], browser: Browser) -> None:
    """100,000 customers: the first rows, how many more there are, and the CSV for all."""
    large = make_set(
        """
        insert into marts.fct_customer_balances by name
        select balances.* replace (
            balances.customer_id || '-' || n as customer_id,
            'Customer ' || n || ' of a large account' as customer_name
        )
        from marts.fct_customer_balances as balances, range(2200) as numbers (n)
        where balances.environment_type = 'PRODUCTION';
        insert into marts.fct_billings_by_plan by name
        select billed.* replace (plan_id || n as plan_id, 'Plan ' || n as plan_name)
        from marts.fct_billings_by_plan as billed, range(300) as numbers (n)
        where pricing_unit = 'USD' and environment_type = 'PRODUCTION'
        """
    )
    sizes = {name: len(content) for name, content in contents(large.folder).items()}
    assert sizes["index.html"] < 1_000_000
    assert sizes["invoices.html"] < 2_000_000
    browser.open(large.url("index.html"))
    rest = browser.run("return document.querySelector('#customers .rest').innerText")
    assert re.match(r"The first 200 rows of 101,246; [\d,]+ more of them owe something\.", rest)
    assert "more plans" in browser.run("return document.querySelector('#plans').innerText")
    ((total,),) = large.query(
        "select sum(outstanding_balance) from reports.rpt_customer_summary "
        "where pricing_unit = 'USD'"
    )
    assert browser.run("return document.querySelector('.figure data').value") == formats.exact(
        total
    )


# The workbook


def test_the_workbook_is_the_reports(sandbox: Set) -> None:
    book = openpyxl.load_workbook(sandbox.folder / "reports.xlsx")
    reports = sorted(path.stem for path in sandbox.folder.glob("*.csv"))
    assert book.sheetnames == ["About", *reports]
    for name in reports:
        sheet, rows = book[name], sandbox.report(name)
        header = [cell.value for cell in sheet[1]]
        assert header == list(rows[0])
        assert sheet.freeze_panes == "B2"
        assert sheet.auto_filter.ref.startswith("A1:")
        found = defaultdict(int)
        expected = defaultdict(int)
        for row in sheet.iter_rows(min_row=2, max_row=len(rows) + 1):
            assert all(cell.data_type != "f" for cell in row)
            found[tuple(_text(cell) for cell in row)] += 1
        for row in rows:
            expected[tuple(map(_rounded, row.values()))] += 1
        assert found == expected, name


def _text(cell: openpyxl.cell.Cell) -> str:
    """Return a cell as the CSV has it, with numbers rounded to 15 digits."""
    match cell.data_type:
        case "n" if cell.value is None:
            return ""
        case "n":
            return f"{cell.value:.15g}"
        case "d" if "hh" in cell.number_format:
            return f"{cell.value:%Y-%m-%dT%H:%M:%SZ}"
        case "d":
            return f"{cell.value:%Y-%m-%d}"
        case "b":
            return str(cell.value).lower()
        case _:
            return cell.value.removeprefix("'")


def _rounded(text: str) -> str:
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        return f"{float(text):.15g}"
    return text.removeprefix("'").removesuffix("T00:00:00Z")


def test_no_term_repeats_the_sentence_about_amounts(sandbox: Set) -> None:
    assert "never rounded" not in (sandbox.folder / "index.html").read_text(encoding="utf-8")


def test_the_workbook_explains_itself(sandbox: Set) -> None:
    about = openpyxl.load_workbook(sandbox.folder / "reports.xlsx")["About"]
    texts = [str(cell.value) for row in about.iter_rows() for cell in row if cell.value is not None]
    assert "2024-04-15T00:00:00Z" in texts
    assert any(
        text.startswith("Outstanding: the sum of the totals of billed invoices") for text in texts
    )
    for report in sandbox.folder.glob("*.csv"):
        assert report.stem in texts


def test_a_sheet_says_where_a_number_has_too_many_digits(make_set: Callable[..., Set]) -> None:
    changed = make_set(
        "update marts.fct_billings_by_plan set billed_amount = 123456789012.34567891 "
        "where plan_name = 'Starter'"
    )
    sheet = openpyxl.load_workbook(changed.folder / "reports.xlsx")["billings_by_plan"]
    notes = [row[0].value for row in sheet.iter_rows(min_row=sheet.max_row - 1)]
    assert any("more than 15 digits" in str(note) for note in notes)
    marked = [
        cell for row in sheet.iter_rows(min_row=2, min_col=2) for cell in row if cell.font.italic
    ]
    # Excel itself keeps 15 digits; the file has 16
    assert {f"{cell.value:.15g}" for cell in marked} == {"123456789012.346"}


# The command


def command(
    built: Built, folder: Path, *options: str, prelude: str = "", **environment: str
) -> tuple[int, str]:
    program = (
        f"import sys\n{prelude}\nfrom pages.__main__ import main\nsys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(built.database), str(folder), *options],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )
    return done.returncode, done.stdout + done.stderr


def test_without_weasyprint_a_line_says_what_to_install(built: Built, tmp_path: Path) -> None:
    missing = "sys.modules['weasyprint'] = None"
    code, said = command(built, tmp_path, "--pdf", prelude=missing)
    assert code == 1
    assert "pip install '.[pdf]'" in said
    assert "Traceback" not in said
    assert not (tmp_path / "index.html").exists()


def test_the_command_builds_a_page_without_a_run_json(built: Built, tmp_path: Path) -> None:
    code, said = command(built, tmp_path / "new", SELLER="Example Cloud Inc.\\nSpringfield")
    assert code == 0, said
    assert "index.html: with 188 invoices" in said
    document = next((tmp_path / "new" / "invoices").glob("*.html")).read_text(encoding="utf-8")
    assert "Springfield" in document


def test_a_terminal_shows_how_many_files_are_written(built: Built, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pages", str(built.database), str(tmp_path)]
    written = on_terminal(command)
    assert "/191 " in written
    assert left_on_screen(written) == ""


@pytest.mark.parametrize(
    ("database", "setting", "said"),
    [
        ("missing.duckdb", "", "does not exist: run `make reports` first"),
        ("empty.duckdb", "", "is not built completely"),
        ("empty.duckdb", "many", "INVOICE_DOCUMENTS: 'many' is not a whole number"),
    ],
)
def test_a_wrong_argument_is_one_line(
    tmp_path: Path, database: str, setting: str, said: str
) -> None:
    duckdb.connect(str(tmp_path / "empty.duckdb")).close()
    code, output = command(
        Built(tmp_path / database, tmp_path), tmp_path / "out", INVOICE_DOCUMENTS=setting
    )
    assert code == 1
    assert said in output
    assert "Traceback" not in output
