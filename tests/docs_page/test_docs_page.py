"""Test the generated docs page in a browser, from a file and without a network.

`make test-docs` runs this. It needs Chromium and its driver on the machine.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

PAGE = Path(__file__).parents[2] / "target" / "static_index.html"
OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update --window-size=1600,1000"
)
GRAPH = "angular.element(document.body).injector().get('graph').graph.elements"


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    for option in OPTIONS.split():
        options.add_argument(option)
    browser = webdriver.Chrome(options=options)
    yield browser
    browser.quit()


@pytest.fixture(scope="module")
def lineage(browser: webdriver.Chrome) -> dict[str, set[str]]:
    """Return the edges of the lineage graph: by node, the nodes to which it leads."""
    browser.get(f"{PAGE.as_uri()}#!/overview?g_v=1")
    WebDriverWait(browser, 60).until(lambda page: page.execute_script(f"return {GRAPH}.length"))
    edges = browser.execute_script(
        f"return {GRAPH}.filter(e => e.group == 'edges').map(e => [e.data.source, e.data.target])"
    )
    drawn: dict[str, set[str]] = {}
    for source, target in edges:
        drawn.setdefault(source, set()).add(target)
    return drawn


def reachable(lineage: dict[str, set[str]], start: str) -> set[str]:
    found, todo = set(), [start]
    while todo:
        for node in lineage.get(todo.pop(), set()) - found:
            found.add(node)
            todo.append(node)
    return found


def test_no_customer_is_named() -> None:
    """Compiled SQL has the arguments of a run, and `</script>` in a name would end the script."""
    assert "A1 Company" not in PAGE.read_text(encoding="utf-8")


def test_lineage_leads_from_raw_sources_to_the_reports(lineage: dict[str, set[str]]) -> None:
    exposure = "exposure.metronome."
    for source in ("raw_export.invoice", "raw_api.invoices"):
        ends = reachable(lineage, f"source.metronome.{source}")
        assert {
            f"{exposure}customer_summary",
            f"{exposure}billings_by_plan",
            f"{exposure}invoice_lines",
        } <= ends
    events = reachable(lineage, "source.metronome.raw_export.events")
    assert f"{exposure}usage_by_property" in events


def test_the_lineage_is_painted(browser: webdriver.Chrome, lineage: dict[str, set[str]]) -> None:
    """Sources, models and exposures have different colours on the canvas."""
    colours = """
        const colours = new Set();
        for (const canvas of document.querySelectorAll('canvas')) {
            const {width, height} = canvas;
            const {data} = canvas.getContext('2d').getImageData(0, 0, width, height);
            for (let i = 0; i < data.length; i += 4)
                if (data[i + 3] == 255)
                    colours.add([data[i] >> 4, data[i + 1] >> 4, data[i + 2] >> 4].join());
        }
        return colours.size
    """
    # the graph is known before it is painted
    WebDriverWait(browser, 60).until(lambda page: page.execute_script(colours) > 10)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("overview", "Which source carries what"),
        ("exposure/exposure.metronome.customer_summary", "Who owes what now"),
        (
            "model/model.metronome.rpt_customer_summary",
            "Who owes what, and how much credit is left?",
        ),
        ("source/source.metronome.raw_export.invoice", "Invoices that were finalized or voided"),
    ],
)
def test_a_page_shows_its_words(browser: webdriver.Chrome, place: str, words: str) -> None:
    browser.get(f"{PAGE.as_uri()}#!/{place}")
    text = "return document.body.innerText"
    WebDriverWait(browser, 60).until(lambda page: words in page.execute_script(text))
    shown = browser.execute_script(text)
    assert "{{ doc(" not in shown  # a definition that was not filled in
