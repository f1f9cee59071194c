"""The pages in headless Chromium: layout, sorting, keyboard, accessibility, hostile texts."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.pages.conftest import Browser, Set

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
PHONE, LAPTOP, PAPER = 375, 1280, 1032
"""Widths in CSS pixels; paper is A4 landscape less its margins."""

OVERFLOWING = """
    const width = document.documentElement.clientWidth;
    const found = [];
    for (const element of document.querySelectorAll('body *')) {
        if (element.closest('svg') && element.tagName !== 'svg') continue;
        const box = element.getBoundingClientRect();
        const scroller = element.closest('.scroll, nav ul');
        const scrolls = scroller && getComputedStyle(scroller).overflowX === 'auto';
        if (box.width && box.right > width + 1 && !(scrolls && scroller !== element))
            found.push(`${element.tagName} ${element.textContent.slice(0, 40)}`);
    }
    return found;
"""


def an_invoice(pages: Set) -> str:
    """Return the document with the most lines."""
    ((invoice_id,),) = pages.query(
        "select invoice_id from marts.fct_invoice_lines where environment_type = 'PRODUCTION' "
        "group by invoice_id order by count(*) desc, invoice_id limit 1"
    )
    return f"invoices/{invoice_id}.html"


def names(pages: Set) -> list[str]:
    return ["index.html", "invoices.html", an_invoice(pages)]


@pytest.mark.parametrize(
    ("width", "media"), [(PHONE, "screen"), (LAPTOP, "screen"), (PAPER, "print")]
)
def test_nothing_is_wider_than_the_page(
    sandbox: Set, browser: Browser, width: int, media: str
) -> None:
    """A wide table scrolls in its own box on a screen, and fits on paper."""
    for name in names(sandbox):
        browser.open(sandbox.url(name), width, media=media)
        assert browser.run("return document.documentElement.scrollWidth") <= width, name
        assert browser.run(OVERFLOWING) == [], name


def test_no_table_is_cut_on_a_laptop(sandbox: Set, browser: Browser) -> None:
    browser.open(sandbox.url("index.html"), 1280)
    cut = "box => box.scrollWidth > box.clientWidth && box.closest('section').id"
    assert browser.run(f"return [...document.querySelectorAll('.scroll')].filter({cut})") == []


def test_on_a_phone_a_table_scrolls_and_its_names_stay(sandbox: Set, browser: Browser) -> None:
    browser.open(sandbox.url("index.html"), PHONE)
    left = browser.run("""
        const table = document.querySelector('#customers table.sortable');
        const box = table.closest('.scroll');
        box.scrollLeft = 300;
        return [box.scrollLeft, table.tBodies[0].rows[0].cells[0].getBoundingClientRect().left];
    """)
    assert left[0] == 300
    assert 0 <= left[1] < PHONE / 4


@pytest.mark.parametrize(
    ("width", "scheme"), [(PHONE, "light"), (LAPTOP, "light"), (LAPTOP, "dark")]
)
def test_axe_finds_nothing(sandbox: Set, browser: Browser, width: int, scheme: str) -> None:
    for name in names(sandbox):
        browser.open(sandbox.url(name), width, scheme)
        browser.run(AXE)
        violations = browser.chrome.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run(document).then(found => done(found.violations.map("
            "rule => rule.id + ': ' + rule.nodes.slice(0, 3).map(n => n.html).join(' | '))));"
        )
        assert violations == [], name


def test_dark_is_dark_and_print_is_light(sandbox: Set, browser: Browser) -> None:
    def brightness(scheme: str, media: str) -> float:
        browser.open(sandbox.url("index.html"), scheme=scheme, media=media)
        colour = browser.run("return getComputedStyle(document.body).backgroundColor")
        return sum(map(int, colour.removeprefix("rgb(").rstrip(")").split(","))) / 3

    assert brightness("dark", "screen") < 60
    assert brightness("light", "screen") > 200
    assert brightness("dark", "print") == 255


def test_no_page_asks_for_anything_or_logs_an_error(sandbox: Set, browser: Browser) -> None:
    for name in names(sandbox):
        browser.open(sandbox.url(name))
        assert browser.errors() == []
        own = [url for url in browser.requests() if not url.startswith("data:")]
        assert own == [sandbox.url(name)]


def test_the_policy_blocks_a_script_that_is_not_the_pages_own(
    make_set: Callable[..., Set], sandbox: Set, browser: Browser, tmp_path: Path
) -> None:
    attacked = tmp_path / "index.html"
    html = sandbox.html("index.html")
    attacked.write_text(
        html.replace(
            "</main>", "<script>window.hostile = 1</script><img src=x onerror='hostile=1'></main>"
        )
    )
    browser.open(attacked.as_uri())
    assert browser.run("return window.hostile") is None
    assert any("Content Security Policy" in error for error in browser.errors())


COLUMN = """
    const [section, column] = arguments;
    const table = [...document.querySelectorAll(`#${section} table.sortable`)][0];
    return [...table.tBodies[0].rows].filter(row => !row.hidden).map(row => {
        const data = row.cells[column].querySelector('data');
        return data ? data.value : row.cells[column].textContent.trim();
    });
"""


def test_a_click_sorts_by_the_exact_number_and_again_the_other_way(
    sandbox: Set, browser: Browser
) -> None:
    browser.open(sandbox.url("index.html"))
    before = browser.run(COLUMN, "customers", 1)
    heading = browser.chrome.find_element(
        By.XPATH, "//section[@id='customers']//th[.='Outstanding' and button]"
    )
    heading.find_element(By.TAG_NAME, "button").click()
    once = browser.run(COLUMN, "customers", 1)
    heading.find_element(By.TAG_NAME, "button").click()
    twice = browser.run(COLUMN, "customers", 1)
    amounts = sorted(map(Decimal, before))
    assert {tuple(map(Decimal, once)), tuple(map(Decimal, twice))} == {
        tuple(amounts),
        tuple(reversed(amounts)),
    }
    assert [Decimal(value) for value in before] not in (amounts, amounts[::-1])


def test_unknown_sorts_below_zero(sandbox: Set, browser: Browser) -> None:
    browser.open(sandbox.url("index.html"))
    heading = browser.chrome.find_element(
        By.XPATH, "//section[@id='customers']//th[.='Overdue' and button]"
    )
    heading.find_element(By.TAG_NAME, "button").click()
    sorted_once = browser.run(COLUMN, "customers", 2)
    assert "unknown" in (sorted_once[0], sorted_once[-1])


def test_a_total_stays_at_the_bottom(sandbox: Set, browser: Browser) -> None:
    browser.open(sandbox.url("index.html"))
    button = browser.chrome.find_element(By.CSS_SELECTOR, "#plans table.sortable thead button")
    for _ in range(2):
        button.click()
        rows = browser.run(
            "return [...document.querySelector('#plans table.sortable').rows]"
            ".map(row => row.cells[0].textContent.trim())"
        )
        assert rows[-1] == "Total USD"


def test_the_keyboard_reaches_and_sorts(sandbox: Set, browser: Browser) -> None:
    browser.open(sandbox.url("index.html"))
    body = browser.chrome.find_element(By.TAG_NAME, "body")
    body.send_keys(Keys.TAB)
    assert browser.run("return document.activeElement.className") == "skip"
    button = browser.chrome.find_element(By.CSS_SELECTOR, "#customers table.sortable thead button")
    browser.run("arguments[0].focus()", button)
    focused = "return getComputedStyle(document.activeElement).outlineStyle"
    button.send_keys(Keys.TAB)
    assert browser.run("return document.activeElement.textContent") == "Outstanding"
    assert browser.run(focused) != "none"
    heading = "return document.activeElement.closest('th').getAttribute('aria-sort')"
    browser.chrome.switch_to.active_element.send_keys(Keys.ENTER)
    first = browser.run(heading)
    browser.chrome.switch_to.active_element.send_keys(Keys.SPACE)
    assert {first, browser.run(heading)} == {"ascending", "descending"}


def test_the_filter_leaves_rows_that_match(sandbox: Set, browser: Browser) -> None:
    browser.open(sandbox.url("index.html"))
    field = browser.chrome.find_element(By.CSS_SELECTOR, "#customers input[type=search]")
    field.send_keys("globex")
    left = browser.run(COLUMN, "customers", 0)
    assert len(left) == 2
    assert all(name.startswith("Globex") for name in left)
    status = browser.chrome.find_element(By.CSS_SELECTOR, "#customers [role=status]").text
    assert status.startswith("2 of ")
    field.send_keys(Keys.BACKSPACE * 6)
    assert len(browser.run(COLUMN, "customers", 0)) > 40


def test_every_link_leads_somewhere(sandbox: Set, browser: Browser) -> None:
    for name in names(sandbox):
        browser.open(sandbox.url(name))
        links = browser.run("return [...document.links].map(link => link.href)")
        ids = {
            name: set(browser.run("return [...document.querySelectorAll('[id]')].map(e => e.id)"))
        }
        for link in sorted(set(links)):
            assert link.startswith("file:"), link
            target, _, anchor = link.removeprefix(sandbox.folder.as_uri() + "/").partition("#")
            assert (sandbox.folder / target).exists(), link
            if anchor and target == name:
                assert anchor in ids[name], link
            elif anchor:
                assert f'id="{anchor}"' in sandbox.html(target), link


HOSTILE = [
    "<script>window.hostile = 1</script>",
    "</script><script>window.hostile = 1</script>",
    "</style><style>* { display: none }</style>",
    '"><img src=x onerror="window.hostile = 1">',
    "' onmouseover='window.hostile = 1",
    "{{ 7 * 7 }}{% raw %}${7*7}",
    "<!-- --><svg/onload=window.hostile=1>",
    "&lt;b&gt; &amp; &#60;",
    "javascript:window.hostile=1",
    "株式会社さくら計算" * 12,
    "شركة النخيل للبرمجيات (١٢٣) Ltd.",
    "A\u202eLtd. live\u200b",
    "Very" * 90,
    "=cmd|' /C calc'!A0",
    "]]><x>\\u003cscript\\u003e",
]


def hostile_sql() -> str:
    """Replace every name that a user of Metronome can choose."""
    texts = "[" + ", ".join("'" + text.replace("'", "''") + "'" for text in HOSTILE) + "]"
    columns = {
        "fct_customer_balances": "customer_name plan_name contract_name alert_names_in_alarm "
        "billing_provider_error",
        "dim_customers": "customer_name billing_provider_customer_id",
        "fct_invoices": "plan_name contract_name external_status billing_provider_error "
        "billing_provider_invoice_id",
        "fct_invoice_lines": "product_name description",
        "fct_billings_by_plan": "plan_name",
        "fct_balances": "balance_name",
        "fct_balance_ledger": "balance_name",
        "fct_usage_by_property": "property_value property_name event_type",
        "fct_usage_by_property_daily": "property_value",
        "fct_outstanding_ageing": "customer_name",
        "report_parameters": "customer",
    }
    updates = [
        f"update marts.{table} set "
        + ", ".join(
            f"{column} = {texts}[1 + (rowid + {place}) % {len(HOSTILE)}]"
            for place, column in enumerate(names.split())
        )
        for table, names in columns.items()
    ]
    return ";".join(updates)


@pytest.fixture(scope="module")
def hostile(make_set: Callable[..., Set]) -> Set:
    return make_set(hostile_sql())


@pytest.mark.parametrize("width", [PHONE, LAPTOP])
def test_hostile_names_are_inert_and_readable(hostile: Set, browser: Browser, width: int) -> None:
    documents = [f"invoices/{path.name}" for path in hostile.documents[:12]]
    shown: set[str] = set()
    for name in ["index.html", "invoices.html", *documents]:
        browser.open(hostile.url(name), width)
        assert browser.run("return window.hostile") is None, name
        assert browser.errors() == [], name
        assert len(browser.requests()) <= 2, name  # itself and the empty icon
        assert browser.run("return document.documentElement.scrollWidth") <= width, name
        assert browser.run("return document.scripts.length") == (0 if "/" in name else 1), name
        assert browser.run("return document.querySelectorAll('img, iframe, object').length") == 0
        assert browser.run("return getComputedStyle(document.body).display") == "block"
        shown |= set(
            browser.run("return [...document.querySelectorAll('bdi')].map(e => e.textContent)")
        )
    for text in HOSTILE:
        assert text.strip().replace("\u202e", "\ufffd") in shown
