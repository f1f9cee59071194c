"""Print invoice documents as PDF with WeasyPrint, an optional extra."""

import hashlib
from collections.abc import Callable
from pathlib import Path

MISSING = "PDFs need WeasyPrint: install it with `pip install '.[pdf]'`, or run without PDF."


class PdfUnavailableError(Exception):
    """WeasyPrint or a library that it needs is not installed."""


def check_available() -> None:
    """Raise an error that names what to install, if PDFs cannot be written.

    Raises:
        PdfUnavailableError: If WeasyPrint or one of its system libraries is missing.
    """
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError) as error:
        raise PdfUnavailableError(f"{MISSING} ({error})") from error


def write_pdfs(
    documents: dict[str, str], folder: Path, written: Callable[[], object] | None = None
) -> None:
    """Write each document as `<name>.pdf`; the same document gives the same bytes.

    Args:
        documents: HTML by file name without ending.
        folder: An existing folder.
        written: Called after each file.
    """
    from weasyprint import HTML
    from weasyprint.text.fonts import FontConfiguration

    fonts = FontConfiguration()
    for name, html in documents.items():
        # the identifier is random otherwise
        identifier = hashlib.sha256(html.encode()).hexdigest()[:32].encode()
        HTML(string=html, url_fetcher=_no_network).write_pdf(
            folder / f"{name}.pdf", font_config=fonts, pdf_identifier=identifier
        )
        if written:
            written()


def _no_network(url: str) -> dict[str, bytes]:
    if url.startswith("data:"):
        return {"string": b"", "mime_type": "text/plain"}
    raise ValueError(f"a document loads nothing, but asks for {url}")
