"""The pages in `docs` say what the code does: they cannot go stale."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator

from tests.pipelines.conftest import ROOT

DOCS = ROOT / "docs"


def test_the_page_of_faults_is_that_of_the_tests():
    """`make fault-matrix` writes it anew."""
    command = [sys.executable, "-m", "tests.fault_matrix", "--collect-only", "-qq"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert (DOCS / "faults.md").read_text(encoding="utf-8") == done.stdout


ERRORS = {"BadFileError", "InputError", "InUseError", "TableError"}
"""What is raised for a user to read."""


def literals(node: ast.expr) -> list[str]:
    """The literal parts of a text; what is filled in lies between them."""
    match node:
        case ast.Constant(str(text)):
            return [text]
        case ast.JoinedStr(parts):
            return [part.value for part in parts if isinstance(part, ast.Constant)]
        case _:
            return []


def of_pipelines() -> Iterator[list[str]]:
    """The messages that pipelines raise, and those that become part of the API's."""
    for path in sorted((ROOT / "pipelines").rglob("*.py")):
        errors = ERRORS | ({"ValueError"} if path.parent.name == "metronome_api" else set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id=name), args=[message]) if name in errors:
                    yield literals(message)


def of_macros() -> Iterator[list[str]]:
    """The messages that stop dbt."""
    for path in sorted((ROOT / "macros").rglob("*.sql")):
        calls = re.findall(r"raise_compiler_error\((.*?)\) }}", path.read_text(), re.DOTALL)
        for call in calls:
            yield [double or single for double, single in re.findall(r'"(.*?)"|\'(.*?)\'', call)]


def telling(parts: list[str]) -> str:
    """What a user would search for: the first clause of a message that has three words, or two."""
    ends = re.compile(r"[.:;,](?:\s|$)|\(")
    clauses = [clause.strip(" '\"") for part in parts for clause in ends.split(part)]
    words = [(clause, len(clause.split())) for clause in clauses]
    return next((clause for least in (3, 2) for clause, count in words if count >= least), "")


def test_what_to_do_when_has_every_message():
    page = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    messages = [telling(parts) for parts in (*of_pipelines(), *of_macros())]
    missing = [message for message in messages if message not in page]
    assert len(messages) > 50
    assert "\n".join(missing) == ""
