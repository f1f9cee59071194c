"""Share one set of pages of the sandbox account, and one browser, with the tests of this folder.

To test the pages of a database that is built already, name it in PAGES_DATABASE and the folder of
its CSVs in PAGES_REPORTS. Otherwise the sandbox is loaded and built, which takes minutes.
"""

import csv
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

import pages.build
from pages.settings import Settings
from tests.end_to_end.conftest import api, both, empty, export, loaded, new_run, parsed

__all__ = ["api", "both", "empty", "export", "loaded", "new_run", "parsed"]

OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update --hide-scrollbars"
)
RUN: dict[str, Any] = {
    "arguments": {"usage_quantity": "num_images"},
    "sources": {
        "export": {
            "newest_updated_at": "2024-04-15T00:00:00Z",
            "left_out": [],
            "tables_not_loaded": [],
            "undeclared_columns": [],
        },
        "api": {"read_as_of": "2024-04-15T00:00:00Z", "lists_not_available": []},
    },
    "tests": {
        "outcomes": {"pass": 1361, "warn": 1},
        "warnings": [{"name": "assert_x", "description": "Every event has one.", "rows": 1}],
    },
    "versions": {"project": "0.5.0"},
}
CENT = Decimal("0.01")
SELLER = "Example Cloud Inc.\n1 Market Street"


def shown(amount: str | Decimal) -> str:
    """Return an exact amount as a page shows it, with two decimals."""
    return f"{Decimal(amount).quantize(CENT, ROUND_HALF_EVEN) + 0:,.2f}"


@dataclass(frozen=True)
class Built:
    """A built database and the CSVs that were written from it."""

    database: Path
    reports: Path


@dataclass(frozen=True)
class Set:
    """A folder of pages with the CSVs next to them, and its database."""

    folder: Path
    database: Path

    def url(self, name: str) -> str:
        return (self.folder / name).as_uri()

    def html(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def report(self, name: str) -> list[dict[str, str]]:
        with (self.folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file, strict=True))

    def query(self, sql: str) -> list[tuple]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    @property
    def documents(self) -> list[Path]:
        return sorted((self.folder / "invoices").glob("*.html"))


@pytest.fixture(scope="session")
def built(request: pytest.FixtureRequest) -> Built:
    if "PAGES_DATABASE" in os.environ:
        return Built(Path(os.environ["PAGES_DATABASE"]), Path(os.environ["PAGES_REPORTS"]))
    run = request.getfixturevalue("both")
    return Built(run.database, run.reports)


@pytest.fixture(scope="session")
def make_set(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Set]:
    """Build pages, of the sandbox or of a copy of it that some SQL has changed."""

    def make(sql: str = "", run: dict[str, Any] = RUN, settings: Settings | None = None) -> Set:
        folder = tmp_path_factory.mktemp("set")
        for report in built.reports.glob("*.csv"):
            shutil.copy(report, folder)
        (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
        database = built.database
        if sql:
            database = Path(shutil.copy(database, tmp_path_factory.mktemp("changed")))
            with duckdb.connect(str(database)) as connection:
                connection.execute(sql)
        with duckdb.connect(str(database), read_only=True) as connection:
            pages.build.build(connection, folder, run, settings or Settings(seller=SELLER))
        return Set(folder, database)

    return make


@pytest.fixture(scope="session")
def sandbox(make_set: Callable[..., Set]) -> Set:
    return make_set()


@pytest.fixture(scope="session")
def chrome() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    for option in OPTIONS.split():
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = shutil.which("chromedriver")
    service = webdriver.ChromeService(driver) if driver else None
    chrome = webdriver.Chrome(options=options, service=service)
    yield chrome
    chrome.quit()


class Browser:
    """A page as a person sees it."""

    def __init__(self, chrome: webdriver.Chrome) -> None:
        self.chrome = chrome

    def open(
        self, url: str, width: int = 1280, scheme: str = "light", media: str = "screen"
    ) -> None:
        """Open a page at a width, and wait for all of it. What earlier pages logged is dropped."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.chrome.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
        )
        self.chrome.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"media": media, "features": features}
        )
        self.chrome.get_log("browser")
        self.chrome.get_log("performance")
        self.chrome.get(url)  # on a busy machine it returns before the end of the page
        WebDriverWait(self.chrome, 60).until(
            lambda page: page.execute_script("return document.readyState") == "complete"
        )

    def run(self, script: str, *arguments: Any) -> Any:
        return self.chrome.execute_script(script, *arguments)

    def errors(self) -> list[str]:
        """Return the page's console messages, including requests that its policy blocked."""
        return [entry["message"] for entry in self.chrome.get_log("browser")]

    def requests(self) -> list[str]:
        """Return the addresses that the page requested, including its own."""
        messages = [
            json.loads(entry["message"])["message"] for entry in self.chrome.get_log("performance")
        ]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]


@pytest.fixture
def browser(chrome: webdriver.Chrome) -> Browser:
    return Browser(chrome)
