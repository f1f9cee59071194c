"""Add `run` to `dlt pipeline`, next to dlt's own `info` and `trace`, through dlt's plugin hook."""

import os
import sys
from pathlib import Path

from dlt.common.configuration import plugins
from dlt.common.configuration.plugins import only_host


@plugins.hookimpl(specname="plug_cli")
@only_host("dlt")
def plug_cli_pipeline_run(host: str) -> type:
    """Return the command. Imports it late, because every `dlt` command loads this plugin."""
    _use_last_database()
    from pipelines.cli import PipelineRunCommand

    return PipelineRunCommand


def _use_last_database() -> None:
    """Let `dlt pipeline …` find the working folder that `make` used last, and print which."""
    from pipelines.common.last_used import WORKING_FOLDER

    folder = Path(WORKING_FOLDER)
    if folder.is_dir() and "DLT_DATA_DIR" not in os.environ:
        os.environ["DLT_DATA_DIR"] = str(folder)
        if "pipeline" in sys.argv:
            print(f"Database: {folder.resolve().with_suffix('')}", file=sys.stderr)
