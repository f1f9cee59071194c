"""Test dbt's manifest: every model has a description and a key.

`meets_constraints` tests the constraints of a model, so these tests read the constraints.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.project import ROOT
from tests.schema_diagrams import page

pytestmark = pytest.mark.check


@pytest.fixture(scope="module")
def project(parsed: Path) -> dict[str, Any]:
    return json.loads((parsed / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def models(project: dict[str, Any]) -> dict[str, dict[str, Any]]:
    nodes = project["nodes"].values()
    return {node["name"]: node for node in nodes if node["resource_type"] == "model"}


def has_key(model: dict[str, Any]) -> bool:
    """Return whether a model declares a uniqueness constraint, of a column or of several."""
    columns = model["columns"].values()
    constraints = [
        *model["constraints"],
        *(one for column in columns for one in column["constraints"]),
    ]
    return any(constraint["type"] in ("unique", "primary_key") for constraint in constraints)


def attached_to(project: dict[str, Any], name: str) -> set[str]:
    """Return the models that a generic test is attached to."""
    return {
        node["attached_node"].split(".")[-1]
        for node in project["nodes"].values()
        if (node.get("test_metadata") or {}).get("name") == name
    }


def test_every_model_is_described(models: dict[str, dict[str, Any]]):
    assert len(models) > 100
    short = [name for name, model in models.items() if len(model["description"].split()) < 4]
    assert not short


def test_every_column_of_a_mart_or_report_is_described(models: dict[str, dict[str, Any]]):
    missing = [
        f"{name}.{column['name']}"
        for name, model in models.items()
        if model["fqn"][1] in ("marts", "reports")
        for column in model["columns"].values()
        if not column["description"]
    ]
    assert not missing


def test_every_model_has_a_key_that_a_build_tests(
    project: dict[str, Any], models: dict[str, dict[str, Any]]
):
    """A model without a key states the reason in `meta: {no_key: ...}`.

    A model of one row needs no key. A report has the key of its mart.
    """
    constrained = {name for name, model in models.items() if has_key(model)}
    with_key = constrained & attached_to(project, "meets_constraints") | attached_to(
        project, "unique"
    )
    excused = {
        name
        for name, model in models.items()
        if model["fqn"][1] == "reports"
        or model["description"].startswith("One row:")
        or model["config"]["meta"].get("no_key")
    }
    assert models.keys() - with_key - excused == set()
    assert not [
        name for name in with_key & models.keys() if models[name]["config"]["meta"].get("no_key")
    ]


def test_each_layer_has_a_colour_in_the_lineage_graph(models: dict[str, dict[str, Any]]):
    colours = {(model["fqn"][1], model["docs"]["node_color"]) for model in models.values()}
    assert len(colours) == len({colour for _, colour in colours}) == 4


def test_every_report_has_an_exposure_that_links_to_its_file(
    project: dict[str, Any], models: dict[str, dict[str, Any]]
):
    files = {
        exposure["depends_on"]["nodes"][0].split(".")[-1]: exposure["url"].split("/")[-1]
        for exposure in project["exposures"].values()
    }
    reports = [name for name, model in models.items() if model["fqn"][1] == "reports"]
    assert files == {name: f"{name.removeprefix('rpt_')}.csv" for name in reports}


def test_the_page_of_the_schema_is_that_of_the_manifest(project: dict[str, Any]):
    """`make diagrams` writes it anew."""
    assert (ROOT / "docs" / "schema.md").read_text(encoding="utf-8") == page(project)
