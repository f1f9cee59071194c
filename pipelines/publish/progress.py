"""Run dbt, and show on a terminal how many of its models and tests are done."""

import json
import sys
from subprocess import PIPE
from typing import Any

from tqdm import tqdm

from pipelines.common.log import is_json_log
from pipelines.common.subprocesses import run_child

JSON_LOG = ["--log-format", "json", "--log-level", "info"]
RESULT = "NodeFinished"


def run_dbt(command: list[str], **settings: Any) -> int:
    """Run dbt to its end and return its exit code.

    On a terminal, dbt logs as JSON, and a bar counts the nodes that are done. Everything else that
    dbt prints, and its warnings and errors, are printed as they are.

    Args:
        command: The dbt command.
        settings: The settings of the process, as `subprocess.Popen` takes them.
    """
    if is_json_log() or not sys.stderr.isatty() or "--log-format" in command:
        return run_child(command, **settings)
    with tqdm(desc="build", unit=" nodes", leave=False, file=sys.stderr) as bar:
        return run_child(
            _with_json_log(command),
            read_line=lambda line: _show(bar, line),
            stdout=PIPE,
            text=True,
            **settings,
        )


def _with_json_log(command: list[str]) -> list[str]:
    at = command.index("build") + 1 if "build" in command else len(command)
    words = [word for i, word in enumerate(command) if "--log-level" not in (word, command[i - 1])]
    at = min(at, len(words))
    return [*words[:at], *JSON_LOG, *words[at:]]


def _show(bar: tqdm, line: str) -> None:
    try:
        event = json.loads(line)
        info, data = event["info"], event["data"]
    except (ValueError, TypeError, KeyError):
        bar.write(line.rstrip("\n"), file=sys.stdout)
        return
    if "index" in data and "total" in data and info["name"].endswith("Result"):
        bar.total, bar.n = data["total"], data["index"]
        bar.set_postfix_str(str(data.get("node_info", {}).get("node_name", ""))[:40])
    elif info["level"] in ("warn", "error"):
        bar.write(info["msg"], file=sys.stderr)
