"""The direction of the sandbox's imports: core <- scenario <- billing <- api, export."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

MAY_IMPORT = {
    "core": {"core"},
    "scenario": {"core", "scenario"},
    "billing": {"core", "scenario", "billing"},
    "api": {"core", "scenario", "billing", "api"},
    "export": {"core", "scenario", "billing", "export"},
}
"""The folders of the sandbox that the modules of each may import."""


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports, anywhere in the file."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    whole = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    return whole | {node.module for node in nodes if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_a_folder_imports_only_those_below_it(folder: str):
    modules = {
        name for path in (ROOT / "sandbox" / folder).rglob("*.py") for name in imported(path)
    }
    found = {name.split(".")[1] for name in modules if name.startswith("sandbox.")}
    assert folder in found | {"core"}
    assert found <= MAY_IMPORT[folder]


def test_only_these_files_import_pipelines():
    """The schema is that of the export's pipeline; the others print a line or a progress bar."""
    users = {
        path.name
        for path in (ROOT / "sandbox").rglob("*.py")
        if any(name.split(".")[0] == "pipelines" for name in imported(path))
    }
    assert users == {"schema.py", "writer.py", "__main__.py"}


def test_pipelines_import_neither_the_sandbox_nor_the_benchmarks():
    for path in (ROOT / "pipelines").rglob("*.py"):
        assert not {name.split(".")[0] for name in imported(path)} & {"sandbox", "benchmarks"}, path
