"""The documents of invoices, as HTML and as PDF, add up and have what an invoice needs."""

import html
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pypdf
import pytest

import pages.build
from pages import formats
from pages.invoices import with_tiers
from pages.settings import Settings
from tests.pages.conftest import Set, shown

AMOUNT = re.compile(r'<data value="([^"]*)"[^>]*>([^<]*)</data>')


def document_rows(text: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Return the class of each row of a document, and its numbers: exact and as shown."""
    for css, row in re.findall(r'<tr(?: class="([^"]*)")?>(.*?)</tr>', text, re.DOTALL):
        yield css.strip(), AMOUNT.findall(row)


def test_each_document_adds_up_as_it_is_shown(sandbox: Set) -> None:
    """Rounded lines, and a line for the difference where there is one, make the rounded total."""
    with_rounding = 0
    for path in sandbox.documents:
        text = path.read_text(encoding="utf-8")
        assert "Not in any line" not in text, path.name
        rows = list(document_rows(text))
        ((total_exact, total_shown),) = next(numbers for css, numbers in rows if css == "total")
        counted = [
            numbers[-1] for css, numbers in rows if "line" in css.split() and "part" not in css
        ]
        rounding = re.search(r'class="n rounding">.*?<data[^>]*>([^<]*)<', text)
        with_rounding += bool(rounding)
        parts = [Decimal(text.replace(",", "")) for _, text in counted]
        parts.append(Decimal(rounding[1].replace(",", "")) if rounding else Decimal(0))
        if counted:
            assert sum(parts) == Decimal(total_shown.replace(",", "")), path.name
            assert sum(Decimal(exact) for exact, _ in counted) == Decimal(total_exact), path.name
        assert total_shown == shown(total_exact)
    assert len(sandbox.documents) == 188
    assert with_rounding > 10


def test_the_tiers_of_a_line_add_up_to_it(sandbox: Set) -> None:
    """Each tier is a row below its line: quantity times price is its amount."""
    tiers = 0
    for path in sandbox.documents:
        line: list[tuple[str, str]] = []
        left = [Decimal(0)] * 3
        for css, numbers in document_rows(path.read_text(encoding="utf-8")):
            if css == "tier":
                quantity, price, amount = (Decimal(exact) for exact, _ in numbers)
                assert quantity * price == amount, path.name
                in_tier = quantity, amount, Decimal(numbers[-1][1].replace(",", ""))
                left = [a - b for a, b in zip(left, in_tier, strict=True)]
                tiers += 1
            elif "line" in css.split():
                assert left == [0, 0, 0], (path.name, line)
                line = numbers
                is_in_tiers = len(line) == 2
                left = [
                    *(Decimal(exact) * is_in_tiers for exact, _ in (line[0], line[-1])),
                    Decimal(line[-1][1].replace(",", "")) * is_in_tiers,
                ]
    ((expected,),) = sandbox.query(
        "select sum(tiers) from (select count(*) as tiers from marts.fct_invoice_line_tiers "
        "where environment_type = 'PRODUCTION' group by invoice_line_id having count(*) > 1)"
    )
    assert tiers == expected > 20


def tiered(*amounts: str, line: str) -> dict:
    row = {"invoice_line_id": "a", "unit_price": None, "amount": Decimal(line)}
    tier = {"unit_price": Decimal("0.5"), "pricing_unit": "USD"}
    tiers = {"a": [tier | {"amount": Decimal(amount)} for amount in amounts]}
    (found,) = with_tiers([row | {"pricing_unit": "USD"}], tiers)
    return found


def test_what_rounded_tiers_lack_is_a_row() -> None:
    line = tiered("1.004", "1.004", line="2.008")
    assert (line["tiers_rounding"], line["tiers_unexplained"]) == (Decimal("0.01"), 0)
    line = tiered("1.00", "1.00", line="2.00")
    assert (line["tiers_rounding"], line["tiers_unexplained"]) == (0, 0)
    line = tiered("1.00", "1.00", line="2.004")
    assert (line["tiers_rounding"], line["tiers_unexplained"]) == (0, Decimal("0.004"))


def test_a_line_in_one_tier_has_its_price() -> None:
    line = tiered("1.00", line="1.00")
    assert (line["unit_price"], line["tiers"]) == (Decimal("0.5"), [])
    assert not tiered(line="1.00")["tiers_unexplained"]


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        ("0", "20000", "First 20,000"),
        ("20000.00", "50000", "20,000 to 50,000"),
        ("50000", None, "Over 50,000"),
        ("0", None, "From the first unit"),
        (None, None, "Tier 3"),
    ],
)
def test_a_tier_says_which_units_it_is_for(start: str | None, end: str | None, text: str) -> None:
    numbers = (None if number is None else Decimal(number) for number in (start, end))
    row = dict(zip(("starting_quantity", "next_quantity"), numbers, strict=True))
    assert formats.tier(row | {"tier_number": 3}) == text


def test_a_document_has_what_an_invoice_needs(sandbox: Set) -> None:
    (invoice,) = {row["invoice_id"] for row in sandbox.report("invoice_lines")}
    text = html.unescape(re.sub(r"<[^>]+>", " ", sandbox.html(f"invoices/{invoice}.html")))
    for words in (
        *("Example Cloud Inc.", "1 Market Street", "A1 Company", invoice, "cus_a1_company"),
        *("in_0a99b695", "Infra Pay-as-you-go", "2 Apr 2024", "2 May 2024", "net 30 days"),
        *("1 Mar 2024", "31 Mar 2024", "paid at Stripe", "Tax is not included", "2,222.50"),
    ):
        assert words in text
    for line in sandbox.report("invoice_lines"):
        assert line["description"] in text
        assert shown(line["total"]) in text


def test_void_draft_and_consolidated_invoices_say_so(sandbox: Set) -> None:
    def a_document(condition: str) -> str:
        ((invoice_id,),) = sandbox.query(
            "select invoice_id from marts.fct_invoices where environment_type = 'PRODUCTION' and "
            f"{condition} order by invoice_id limit 1"
        )
        return sandbox.html(f"invoices/{invoice_id}.html")

    assert "This invoice is void. Do not pay it." in a_document("invoice_status = 'VOID'")
    assert "change until it is finalized" in a_document("invoice_status = 'DRAFT'")
    consolidated = a_document("invoice_status = 'FINALIZED' and not is_included_in_totals")
    assert "Do not pay this one on its own" in consolidated


def test_a_unit_converted_into_the_invoices_is_apart(sandbox: Set) -> None:
    ((invoice_id,),) = sandbox.query(
        "select invoice_id from marts.fct_invoice_lines where line_kind = 'conversion' "
        "and environment_type = 'PRODUCTION' order by invoice_id limit 1"
    )
    text = sandbox.html(f"invoices/{invoice_id}.html")
    assert "In <bdi>AI Credits</bdi>, converted below" in text
    assert "Conversion" in text


# PDF


@pytest.fixture(scope="module")
def printed(make_set: Callable[..., Set]) -> Set:
    return make_set(settings=Settings(seller="Example Cloud Inc.", pdf=True))


def test_the_pdf_has_the_lines(printed: Set) -> None:
    lines = printed.report("invoice_lines")
    invoice = lines[0]["invoice_id"]
    reader = pypdf.PdfReader(printed.folder / "invoices" / f"{invoice}.pdf")
    text = " ".join(page.extract_text() for page in reader.pages)
    for line in lines:
        assert line["description"] in text
        assert shown(line["total"]) in text
    assert "2,222.50" in text
    assert f"invoices/{invoice}.pdf" in printed.html("invoices.html")
    printed_invoices = {path.stem for path in (printed.folder / "invoices").glob("*.pdf")}
    assert printed_invoices == {
        row["invoice_id"]
        for row in printed.report("invoice_register")
        if row["customer_id"] == lines[0]["customer_id"] and row["total"]
    }


def test_the_same_invoice_gives_the_same_pdf(printed: Set, tmp_path: Path) -> None:
    first = sorted((printed.folder / "invoices").glob("*.pdf"))[0]
    pages.pdf.write_pdfs(
        {"again": first.with_suffix(".html").read_text(encoding="utf-8")}, tmp_path
    )
    assert (tmp_path / "again.pdf").read_bytes() == first.read_bytes()


# Formats


@pytest.mark.parametrize(
    ("amount", "unit", "text"),
    [
        ("2.345", "USD", "2.34"),
        ("2.355", "USD", "2.36"),
        ("-0.004", "USD", "0.00"),
        ("1234567.5", "JPY", "1,234,568"),
        ("1234566.5", "JPY", "1,234,566"),
        ("1.2345", "KWD", "1.234"),
        ("0.125", "AI Credits", "0.12"),
        ("12345678901234567.90123456789", "USD", "12,345,678,901,234,567.90"),
    ],
)
def test_amounts_round_half_to_even_at_the_units_digits(amount: str, unit: str, text: str) -> None:
    assert formats.plain_amount(Decimal(amount), unit) == text
    assert f'value="{amount}"' in formats.money(Decimal(amount), unit)


def test_a_small_price_is_not_zero() -> None:
    assert ">0.000000012<" in formats.quantity(Decimal("0.00000001200000000000"))
    assert ">30.00<" in formats.price(Decimal("30.00000000000000000000"), "USD")


def test_an_id_cannot_leave_the_folder() -> None:
    assert "/" not in formats.file_name("../../etc/passwd")
    assert formats.file_name("a/b") != formats.file_name("a.b")
