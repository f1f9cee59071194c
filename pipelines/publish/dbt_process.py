"""Run dbt. On a terminal, show how many models and tests are done."""

import json
import sys
from subprocess import PIPE
from typing import Any

from tqdm import tqdm

from pipelines.common.log import is_json_log
from pipelines.common.subprocesses import run_child

JSON_LOG = ["--log-format", "json", "--log-level", "info"]
PLAIN = {"--quiet", "-q"}
"""Options of a dbt command that the JSON log replaces."""

SKIPPED = {"SkippingDetails", "LogSkipBecauseError"}
"""The events of nodes that dbt skips. The events of all others end in `Result`."""


def run_dbt(command: list[str], **settings: Any) -> int:
    """Run dbt to its end and return its exit code.

    On a terminal, dbt logs as JSON, and a bar counts the models and tests that are done. Everything
    else that dbt prints, errors included, is printed unchanged.

    Args:
        command: The dbt command.
        settings: The settings of the process, as `subprocess.Popen` takes them.
    """
    if is_json_log() or not sys.stderr.isatty() or "--log-format" in command:
        return run_child(command, **settings)
    with tqdm(desc="build: parsing", unit=" nodes", leave=False, file=sys.stderr) as bar:
        return run_child(
            _with_json_log(command),
            read_line=lambda line: _show(bar, line),
            stdout=PIPE,
            text=True,
            **settings,
        )


def _with_json_log(command: list[str]) -> list[str]:
    words = [word for word in command if word not in PLAIN]
    at = words.index("build") + 1 if "build" in words else len(words)
    return [*words[:at], *JSON_LOG, *words[at:]]


def _show(bar: tqdm, line: str) -> None:
    """Advance the bar for a finished node. Print errors, and lines that are not events."""
    try:
        event = json.loads(line)
        info, data = event["info"], event["data"]
    except (ValueError, TypeError, KeyError):
        bar.write(line.rstrip("\n"), file=sys.stdout)
        return
    total = data.get("total", data.get("num_models"))
    if total and (info["name"].endswith("Result") or info["name"] in SKIPPED):
        bar.set_description("build", refresh=False)
        bar.total = total
        bar.set_postfix_str(data.get("node_info", {}).get("node_name", "")[:40], refresh=False)
        bar.update()
    if info["level"] == "error":
        bar.write(info["msg"], file=sys.stderr)
