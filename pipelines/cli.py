"""Define the command `dlt pipeline [metronome_export|metronome_api] run`."""

import argparse
import gc
import sys

from dlt._workspace.cli.exceptions import CliCommandException  # dlt has no public path to it
from dlt.common.configuration.plugins import SupportsCliCommand

from pipelines.common.errors import InputError
from pipelines.common.log import LogLine, Stopwatch, is_json_log, log_step


class PipelineRunCommand(SupportsCliCommand):
    """Load the configured sources: the data export, the API, or both."""

    command = "run"
    parent = "pipeline"
    help_string = "Load Metronome's data export and API into DuckDB"
    description = (
        "Loads each configured source: the export when sources.metronome_export.bucket_url is "
        "set, the API when sources.metronome_api.bearer_token or METRONOME_BEARER_TOKEN is. Name "
        "a pipeline, metronome_export or metronome_api, to load just that one."
    )
    docs_url = "docs/troubleshooting.md"

    def configure_parser(self, parser: argparse.ArgumentParser) -> None:
        """Add the options of one run. All other settings are dlt's configuration."""
        parser.add_argument(
            "--select",
            nargs="+",
            metavar="RESOURCE",
            help="resources of the API to read in this run, instead of those of "
            "sources.metronome_api.select: names of raw tables, `default` or `all`",
        )
        parser.add_argument(
            "--full-refresh",
            action="store_true",
            help="read the sources from the beginning: the whole API, and all files of the export "
            "into new tables",
        )

    def execute(self, args: argparse.Namespace) -> None:
        """Load, and print one line per source."""
        gc.set_threshold(100_000, 50, 1000)  # as often as usual, it takes a tenth of a load's time
        from pipelines.load import PIPELINES, configured, run

        name = args.pipeline_name
        try:
            if name and name not in PIPELINES:
                raise InputError(f"There is no pipeline {name!r}. Give one of {list(PIPELINES)}.")
            names = [name] if name else configured()
            if not names:
                raise InputError(
                    "Nothing to load: set SOURCES__METRONOME_EXPORT__BUCKET_URL to the folder of "
                    "an export, METRONOME_BEARER_TOKEN to an API token, or both."
                )
            clock = Stopwatch()
            for line in run(names, args.select, args.full_refresh):
                took = {"seconds": clock.seconds()} if isinstance(line, LogLine) else {}
                log_step(line, **took)
        except InputError as error:
            if is_json_log():
                log_step(str(error), "error", step="load")
                sys.exit(1)
            raise CliCommandException(1, self.docs_url, error) from error
