"""Test that docs pages agree with the code: quoted messages and links exist."""

import ast
import re
from pathlib import Path

import pytest

from tests import fault_matrix
from tests.pipelines.conftest import ROOT

DOCS = ROOT / "docs"


def test_the_page_of_faults_is_that_of_the_tests(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """`make fault-matrix` writes it anew."""
    monkeypatch.chdir(ROOT)
    assert fault_matrix.main(["--collect-only", "-qq"]) == 0
    assert (DOCS / "faults.md").read_text(encoding="utf-8") == capsys.readouterr().out


TABLES = ("Load", "Database and disk", "Arguments", "Publish")
"""The sections of troubleshooting.md whose tables quote messages of this project."""


def quotes() -> list[str]:
    """Return the parts of the quoted messages that do not differ between runs."""
    page = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    sections = dict(section.split("\n", 1) for section in page.split("\n## ")[1:])
    cells = [
        line.split("|")[1]
        for name in TABLES
        for line in sections[name].splitlines()
        if line.startswith("| `")
    ]
    messages = [message for cell in cells for message in re.findall("`([^`]+)`", cell)]
    parts = [part.strip(" ,") for message in messages for part in message.split("…")]
    return [part for part in parts if part]


def texts() -> str:
    """Return every text in the code of the pipelines and macros, one a line."""
    constants = [
        node.value
        for path in sorted((ROOT / "pipelines").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    macros = [path.read_text(encoding="utf-8") for path in (ROOT / "macros").glob("*.sql")]
    return "\n".join(" ".join(text.split()) for text in (*constants, *macros))


def test_every_message_that_troubleshooting_quotes_exists():
    code, quoted = texts(), quotes()
    assert len(quoted) > 20
    assert not [part for part in quoted if part not in code]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted(DOCS.glob("*.md")),
    *sorted((ROOT / "benchmarks").glob("*.md")),
    *sorted((ROOT / "pipelines").rglob("*.md")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path):
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    for link in links:
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_test_files_that_a_page_names_exist(page: Path):
    there = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    named = set(re.findall(r"\btest_\w+\.py", page.read_text(encoding="utf-8")))
    assert named <= there


def test_the_readme_is_short():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 150
    last_section = readme.rpartition("\n## ")[2]
    assert last_section.startswith("Read these five files first")
    assert len(re.findall(r"^\d\. ", last_section, re.MULTILINE)) == 5
