"""Read the settings of the pages from the environment."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """The settings of a build.

    Attributes:
        seller: Name of the seller and, on further lines, its address: the head of each invoice.
            `SELLER`, in which a line break may be written as a backslash and an n.
        pdf: Whether to write the invoices asked for as PDF, too. `PDF=1`.
        documents: How many invoices get a document and a row in `invoices.html`.
            `INVOICE_DOCUMENTS`, 1000 if it is not set.
    """

    seller: str = ""
    pdf: bool = False
    documents: int = 1000

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read the settings.

        Raises:
            ValueError: If `INVOICE_DOCUMENTS` is not a whole number above zero.
        """
        documents = os.environ.get("INVOICE_DOCUMENTS", "").strip() or "1000"
        if not documents.isdecimal() or int(documents) < 1:
            raise ValueError(
                f"INVOICE_DOCUMENTS: {documents!r} is not a whole number above zero, such as 1000."
            )
        return cls(
            seller=os.environ.get("SELLER", "").replace("\\n", "\n"),
            pdf=os.environ.get("PDF", "").strip().lower() in {"1", "true", "yes"},
            documents=int(documents),
        )
