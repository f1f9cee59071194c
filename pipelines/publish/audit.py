"""What a run of dbt built and tested, from the artifacts that it leaves: dbt is never imported."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.errors import InputError
from pipelines.steps import Line

GOOD = frozenset({"success", "pass", "warn", "no-op"})

LOAD_NOTES = "stg_metronome_export__load_notes"
"""The model that says what the load left out; no report is built from it."""


@dataclass(frozen=True)
class Audit:
    """One run of dbt, with what still holds of the good one before it.

    Attributes:
        results: dbt's `run_results.json`.
        manifest: dbt's `manifest.json`.
        kept: Results of the good run before, by node, of what this one had not to do again.
    """

    results: dict[str, Any]
    manifest: dict[str, Any]
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def done(self) -> dict[str, dict[str, Any]]:
        """The result of each node that this run built or tested, by the node's id."""
        return {result["unique_id"]: result for result in self.results["results"]}

    @property
    def by_node(self) -> dict[str, dict[str, Any]]:
        """The result that holds for each node, by the node's id."""
        return self.kept | self.done

    @property
    def reports(self) -> dict[str, dict[str, Any]]:
        """The nodes of the project's reports, by the names of their files."""
        return {
            f"{node['name'].removeprefix('rpt_')}.csv": node
            for node in self.manifest["nodes"].values()
            if node["resource_type"] == "model" and node["name"].startswith("rpt_")
        }

    def summary(self) -> Line:
        """What was built and tested, and what did not have to be."""
        done = self.done
        kinds = Counter(node_id.partition(".")[0] for node_id in done)
        kept = Counter(node_id.partition(".")[0] for node_id in self.kept.keys() - done.keys())
        statuses = Counter(result["status"] for result in done.values())
        left_out = statuses["skipped"]
        figures = {
            "models": kinds["model"],
            "tests": kinds["test"] + kinds["unit_test"],
            "warnings": statuses["warn"],
            "failed": sum(n for status, n in statuses.items() if status not in GOOD) - left_out,
            "left_out": left_out,
            "kept_models": kept["model"],
            "kept_tests": kept["test"] + kept["unit_test"],
        }
        told = (
            f"\nbuild: {figures['models']:,} models, {figures['tests']:,} tests; warnings: "
            f"{figures['warnings']:,}, failed: {figures['failed']:,}, left out: {left_out:,}"
        )
        if self.kept:
            told += (
                f"; nothing new for {figures['kept_models']:,} models and "
                f"{figures['kept_tests']:,} tests"
            )
        return Line(told, step="build", **figures)

    def relation(self, model: str) -> str:
        """The table or view of a model, for SQL."""
        return self.manifest["nodes"][f"model.metronome.{model}"]["relation_name"]

    def objections(self) -> list[str]:
        """Why the reports must not be published, one sentence each; none if they may be."""
        by_node = self.by_node
        statuses = Counter(result["status"] for result in self.done.values())
        skipped = statuses.pop("skipped", 0)
        failed = sum(count for status, count in statuses.items() if status not in GOOD)
        unbuilt = [name for name, node in self.reports.items() if node["unique_id"] not in by_node]
        untested = sorted(self._needed_tests() - by_node.keys())
        found = []
        if failed or skipped:
            found.append(f"Models or tests that failed: {failed}, and were left out: {skipped}.")
        if unbuilt:
            found.append(f"Reports that this run did not build: {', '.join(sorted(unbuilt))}.")
        if untested:
            example = self.manifest["nodes"][untested[0]]["name"]
            found.append(
                "Tests of the reports and what they are built from that this run left out: "
                f"{len(untested)}, such as {example}."
            )
        return found

    def tests(self) -> dict[str, Any]:
        """How many tests had each outcome, and the warnings with their meanings and rows."""
        tests = {
            node_id: result
            for node_id, result in self.by_node.items()
            if node_id.startswith(("test.", "unit_test."))
        }
        warnings = [
            {
                "name": self.manifest["nodes"][node_id]["name"],
                "description": self.manifest["nodes"][node_id]["description"],
                "rows": result["failures"],
            }
            for node_id, result in sorted(tests.items())
            if result["status"] == "warn"
        ]
        outcomes = Counter(result["status"] for result in tests.values())
        return {"outcomes": dict(outcomes), "warnings": warnings}

    def still_warned(self) -> list[str]:
        """The tests that warned in the good run before and did not have to run again, as a line."""
        names = [
            self.manifest["nodes"][node_id]["name"]
            for node_id in sorted(self.kept.keys() - self.done.keys())
            if self.kept[node_id]["status"] == "warn"
        ]
        return [f"warnings that still hold: {', '.join(names)}"] if names else []

    def _needed_tests(self) -> set[str]:
        """The data tests of the reports, of all that they are built from, and of the load."""
        parents = self.manifest["parent_map"]
        reports = {node["unique_id"] for node in self.reports.values()}
        ancestors = reachable(reports, parents) | {f"model.metronome.{LOAD_NOTES}"}
        return {
            node_id
            for node_id in self.manifest["nodes"]
            if node_id.startswith("test.") and not ancestors.isdisjoint(parents[node_id])
        }


def reachable(roots: Iterable[str], edges: Mapping[str, Iterable[str]]) -> set[str]:
    """The roots, and all that edges lead to from them."""
    reached: set[str] = set()
    ahead = set(roots)
    while ahead:
        reached |= ahead
        ahead = {end for start in ahead for end in edges.get(start, [])} - reached
    return reached


def _artifact(target: Path, name: str) -> dict[str, Any]:
    """One of the JSON files that dbt leaves in its target folder; empty if it left none."""
    try:
        return json.loads((target / f"{name}.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def read_audit(target: Path, started_at: datetime, kept: dict[str, dict[str, Any]]) -> Audit:
    """Read what the run of dbt that began at an instant left in its target folder.

    Args:
        target: The folder.
        started_at: The instant.
        kept: Results of the good run before that still hold, by node.

    Raises:
        InputError: If it left nothing there.
    """
    results, manifest = (_artifact(target, name) for name in ("run_results", "manifest"))
    if (
        not results
        or not manifest
        or datetime.fromisoformat(results["metadata"]["generated_at"]) < started_at
    ):
        raise InputError(
            f"dbt left no results in {target}. If it did not say why: the command must be a "
            "`dbt build`; DBT_TARGET_PATH names another target folder, --target-path may not."
        )
    return Audit(results, manifest, kept)
