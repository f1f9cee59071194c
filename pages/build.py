"""Build the pages of a set of reports into the folder of its CSVs.

The pages are built from the `marts` and `reports` schemas of the DuckDB file, and nothing else.
They load nothing from anywhere: a set can be copied, sent and opened offline.
"""

from pathlib import Path
from typing import Any

import duckdb

from pages import charts, pdf, queries
from pages.formats import file_name
from pages.front_page import front_page
from pages.invoices import has_document, invoice_document, invoice_list, with_tiers
from pages.rendering import compile_templates
from pages.settings import Settings
from pages.workbook import write_workbook
from pipelines.common.progress import progress_bar

DOCUMENTS = "invoices"
"""The folder of the invoice documents."""

WORKBOOK = "reports.xlsx"
FILES = ("index.html", "invoices.html", WORKBOOK)


def prepare() -> None:
    """Compile the templates, and start the engine that draws charts. `build` then starts sooner."""
    charts.start()
    compile_templates()


def build(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    run: dict[str, Any],
    settings: Settings | None = None,
) -> dict[str, int]:
    """Write the pages into the folder that holds the CSVs.

    The same tables, arguments and settings give the same bytes. A terminal shows how many files
    are written.

    Args:
        connection: An open DuckDB connection. Its settings are left as they are.
        folder: The folder of the new set; it exists.
        run: Content of `run.json`. `times` is not used.
        settings: What a user can choose; read from the environment if None.

    Returns:
        How many files were written, by kind: `pages`, `documents`, `pdfs`.

    Raises:
        PdfUnavailableError: If PDFs are asked for and WeasyPrint is not installed.
        duckdb.Error: If a table cannot be read.
        OSError: If a file cannot be written.
    """
    settings = settings or Settings.from_environment()
    if settings.pdf:
        pdf.check_available()
    prepare()
    cursor = queries.run.in_utc(connection)
    invoices = queries.invoices.listed(cursor, settings.documents)
    shown = [invoice for invoice in invoices if has_document(invoice)]
    documents = {invoice["invoice_id"] for invoice in shown}
    asked = _asked_for(shown, queries.run.parameters(cursor)["customer_id"])
    pdfs = set(asked) if settings.pdf else set()
    listed = {invoice["customer_id"] for invoice in invoices}

    with progress_bar("pages", "files", len(FILES) + len(shown) + len(pdfs)) as bar:
        counts = queries.invoices.counts(cursor)
        _write(
            folder / "invoices.html",
            invoice_list(invoices, counts["invoices"], documents, pdfs, run),
        )
        bar.update()
        (folder / DOCUMENTS).mkdir(exist_ok=True)
        lines = queries.invoices.lines(cursor, sorted(documents))
        tiers = queries.invoices.tiers(cursor, sorted(documents))
        to_print = {}
        for invoice in shown:
            key = invoice["invoice_id"]
            of_invoice = with_tiers(lines.get(key, []), tiers)
            html = invoice_document(invoice, of_invoice, settings.seller, documents)
            name = file_name(key)
            _write(folder / DOCUMENTS / f"{name}.html", html)
            bar.update()
            if key in pdfs:
                to_print[name] = html
        if to_print:
            pdf.write_pdfs(to_print, folder / DOCUMENTS, bar.update)
        write_workbook(cursor, folder / WORKBOOK, run)
        bar.update()
        _write(folder / "index.html", front_page(cursor, run, documents, listed))
        bar.update()
    return {"pages": 2, "documents": len(shown), "pdfs": len(to_print)}


def _asked_for(invoices: list[queries.Row], customer_id: str | None) -> list[str]:
    """Return the ids of the customer's invoices if one is asked for, else those of the month."""
    wanted = {1} if customer_id else {2}
    return [row["invoice_id"] for row in invoices if row["preference"] in wanted]


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
