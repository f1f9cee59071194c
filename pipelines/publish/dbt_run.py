"""Read the results of a run from dbt's artifacts. This package never imports dbt."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from pipelines.common.errors import InputError
from pipelines.common.log import LogLine

GOOD = frozenset({"success", "pass", "warn", "no-op"})

LOAD_NOTES = "stg_metronome_export__load_notes"
"""The model of files and tables that loads left out. Its tests can stop every report."""


LOADED_FILES = "stg_metronome_export__loaded_files"
"""The model of loaded files."""


@dataclass(frozen=True)
class DbtRun:
    """One run of dbt, with the results of the last published run that are still valid.

    Attributes:
        results: dbt's `run_results.json`.
        manifest: dbt's `manifest.json`.
        kept: Results by node, from the last published run, that are still valid.
    """

    results: dict[str, Any]
    manifest: dict[str, Any]
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)

    @cached_property
    def done(self) -> dict[str, dict[str, Any]]:
        """Return the results of this run by node."""
        return {result["unique_id"]: result for result in self.results["results"]}

    @cached_property
    def by_node(self) -> dict[str, dict[str, Any]]:
        """Return the valid results by node: of this run, or else of the last published run."""
        return self.kept | self.done

    @cached_property
    def reports(self) -> dict[str, dict[str, Any]]:
        """Return the nodes of the reports by file name, in alphabetical order."""
        found = {
            f"{node['name'].removeprefix('rpt_')}.csv": node
            for node in self.manifest["nodes"].values()
            if node["resource_type"] == "model" and node["name"].startswith("rpt_")
        }
        return dict(sorted(found.items()))

    def summary(self) -> LogLine:
        """Return the line with the counts of models, tests, warnings, failures and kept results."""
        done = self.done
        kinds = Counter(node_id.partition(".")[0] for node_id in done)
        kept = Counter(node_id.partition(".")[0] for node_id in self.kept.keys() - done.keys())
        statuses = Counter(result["status"] for result in done.values())
        skipped = statuses["skipped"]
        figures = {
            "models": kinds["model"],
            "tests": kinds["test"] + kinds["unit_test"],
            "warnings": statuses["warn"],
            "failed": sum(n for status, n in statuses.items() if status not in GOOD) - skipped,
            "skipped": skipped,
            "kept_models": kept["model"],
            "kept_tests": kept["test"] + kept["unit_test"],
        }
        text = (
            f"build: {figures['models']:,} models, {figures['tests']:,} tests, "
            f"{figures['warnings']:,} warnings, {figures['failed']:,} failed, {skipped:,} skipped"
        )
        if self.kept:
            text += (
                f". Unchanged: {figures['kept_models']:,} models, {figures['kept_tests']:,} tests"
            )
        return LogLine(text, step="build", **figures)

    def relation(self, model: str) -> str:
        """Return the table or view of a model, for SQL."""
        node = self.manifest["nodes"][f"model.metronome.{model}"]
        return f'"{node["schema"]}"."{node["alias"]}"'

    def objections(self) -> list[str]:
        """Return the reasons against publishing, one sentence each. Empty if there are none.

        Only tests of a report, of its ancestors, or of the notes on the loads count.
        """
        needed = self._needed
        states = {node: result["status"] for node, result in self.by_node.items() if node in needed}
        skipped = sum(status == "skipped" for status in states.values())
        failed = [node for node, status in states.items() if status not in GOOD | {"skipped"}]
        untested = sorted(node for node in needed - states.keys() if node.startswith("test."))
        unbuilt = [file for file, node in self.reports.items() if node["unique_id"] not in states]
        found = []
        if failed or skipped:
            names = ", ".join(sorted(self._name(node) for node in failed)[:3])
            found.append(
                f"Failed: {len(failed)}"
                + (f" ({names})" if names else "")
                + f", skipped: {skipped}."
            )
        if unbuilt:
            found.append(f"Reports that this run did not build: {', '.join(unbuilt)}.")
        if untested:
            found.append(
                "This run left out tests of the reports or of the models behind them: "
                f"{len(untested)}, such as {self._name(untested[0])}."
            )
        return found

    def failed_elsewhere(self) -> list[str]:
        """Return the names of failed nodes that no report depends on."""
        return sorted(
            self._name(node)
            for node, result in self.done.items()
            if node not in self._needed and result["status"] not in GOOD | {"skipped"}
        )

    def tests(self) -> dict[str, Any]:
        """Count the tests by outcome, and describe the warnings with their rows."""
        tests = {
            node_id: result
            for node_id, result in self.by_node.items()
            if node_id.startswith(("test.", "unit_test."))
        }
        warnings = [
            {
                "name": self._name(node_id),
                "description": self.manifest["nodes"][node_id]["description"],
                "rows": result["failures"],
            }
            for node_id, result in sorted(tests.items())
            if result["status"] == "warn"
        ]
        outcomes = Counter(result["status"] for result in tests.values())
        return {"outcomes": dict(outcomes), "warnings": warnings}

    def kept_warnings(self) -> list[str]:
        """Return the names of tests that warned in the last published run and were not rerun."""
        return [
            self._name(node_id)
            for node_id in sorted(self.kept.keys() - self.done.keys())
            if self.kept[node_id]["status"] == "warn"
        ]

    def _name(self, node_id: str) -> str:
        return self.manifest["nodes"][node_id]["name"]

    @cached_property
    def _needed(self) -> set[str]:
        """Return the reports, all their ancestors, and the data tests of these and of the loads.

        Excludes tests that compare them with a table that this run does not build.
        """
        parents = self.manifest["parent_map"]
        reports = {node["unique_id"] for node in self.reports.values()}
        ancestors = reachable(reports, parents) | {f"model.metronome.{LOAD_NOTES}"}
        present = ancestors | self.by_node.keys()
        tests = {
            node_id
            for node_id in self.manifest["nodes"]
            if node_id.startswith("test.")
            and not ancestors.isdisjoint(parents[node_id])
            and all(
                parent in present or parent.startswith("source.") for parent in parents[node_id]
            )
        }
        return ancestors | tests


def reachable(roots: Iterable[str], edges: Mapping[str, Iterable[str]]) -> set[str]:
    """Return the roots and all nodes that can be reached from them."""
    reached: set[str] = set()
    ahead = set(roots)
    while ahead:
        reached |= ahead
        ahead = {end for start in ahead for end in edges.get(start, [])} - reached
    return reached


def _artifact(target: Path, name: str) -> dict[str, Any]:
    """Read a JSON file of dbt's target folder. Returns an empty dict if there is none."""
    try:
        return json.loads((target / f"{name}.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def read_run(target: Path, started_at: datetime, kept: dict[str, dict[str, Any]]) -> DbtRun:
    """Read the artifacts that a run of dbt left in its target folder.

    Args:
        target: The folder.
        started_at: When the run began. Older artifacts are ignored.
        kept: Results by node of the last published run that are still valid.

    Raises:
        InputError: If the run left no artifacts.
    """
    results, manifest = (_artifact(target, name) for name in ("run_results", "manifest"))
    if (
        not results
        or not manifest
        or datetime.fromisoformat(results["metadata"]["generated_at"]) < started_at
    ):
        raise InputError(
            f"dbt left no results in {target}. If it printed no error, check the "
            "command: it must be `dbt build`. Set another target folder by DBT_TARGET_PATH only."
        )
    return DbtRun(results, manifest, kept)
