"""Command line: `python -m pipelines.spark land`, and `cluster -- <command>`."""

import argparse
import sys

from pipelines.common.errors import InputError
from pipelines.common.log import LogLine, Stopwatch, log_step


def main(words: list[str] | None = None) -> int:
    """Run a command and return its exit code. Return 1 and print what is wrong if it cannot run."""
    options = _parser().parse_args(words)
    try:
        if options.name == "land":
            return _land(options.full_refresh)
        from pipelines.spark.cluster import run_on_cluster

        command = options.command[1:] if options.command[:1] == ["--"] else options.command
        return run_on_cluster(command, options.workers, options.memory)
    except InputError as error:
        log_step(str(error), "error", step="spark")
        return 1


def _land(full_refresh: bool) -> int:
    from pipelines.spark.landing import land

    clock = Stopwatch()
    for line in land(full_refresh):
        log_step(line, **({"seconds": clock.seconds()} if isinstance(line, LogLine) else {}))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipelines.spark", description=__doc__)
    commands = parser.add_subparsers(dest="name", required=True)
    land = commands.add_parser("land", help="load the sources, and register what Spark reads")
    land.add_argument("--full-refresh", action="store_true", help="load everything anew")
    cluster = commands.add_parser("cluster", help="run a command with a cluster on this machine")
    cluster.add_argument("--workers", type=int, default=2, help="workers of one core (2)")
    cluster.add_argument("--memory", default="1g", help="of each worker's executor (1g)")
    cluster.add_argument("command", nargs=argparse.REMAINDER, help="-- dbt build …")
    return parser


if __name__ == "__main__":
    sys.exit(main())
