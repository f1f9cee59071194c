"""Measure a first run of the same export on DuckDB, and on Spark with one and two workers.

A run lands the files, builds and tests everything that a report needs, and publishes. The largest
process and the largest executor are listed with their peak memory.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from threading import Event, Thread

from benchmarks.export import ARGUMENTS, first_run, run_settings, write_export
from benchmarks.measuring import BIN

EXECUTOR = "CoarseGrainedExecutorBackend"
INTERVAL = 0.5
"""Seconds between two measurements."""

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Watch:
    """Measures a process and its descendants while they run.

    Attributes:
        busy: Processor seconds by process id.
        peak: Peak resident memory by process id, in bytes.
        executors: Process ids of Spark's executors.
    """

    root: int
    busy: dict[int, float] = field(default_factory=dict)
    peak: dict[int, int] = field(default_factory=dict)
    executors: set[int] = field(default_factory=set)

    def look(self) -> None:
        """Take one measurement."""
        for process in _tree(self.root):
            try:
                words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
                command = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace")
            except OSError:  # it has ended
                continue
            self.busy[process] = (int(words[11]) + int(words[12])) / TICKS
            self.peak[process] = max(self.peak.get(process, 0), int(words[21]) * PAGE)
            if EXECUTOR in command:
                self.executors.add(process)

    def until(self, done: Event) -> None:
        """Take measurements until `done` is set."""
        while not done.wait(INTERVAL):
            self.look()


def main() -> None:
    """Measure, and print a Markdown table, line by line."""
    options = _parser().parse_args()
    print(
        f"scale {options.scale}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.0f}\n\n"
        "| Engine | Clock | Processor seconds | Largest process | Largest executor |\n"
        "|---|---|---|---|---|",
        flush=True,
    )
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        write_export(options.scale, folder / "export")
        (folder / "duckdb").mkdir()
        (folder / "duckdb" / "export").symlink_to(folder / "export")
        cost = first_run(folder / "duckdb").whole
        peak = f"{cost.peak_bytes / 2**20:,.0f} MiB"
        print(f"| DuckDB | {cost.seconds:.1f} s | {cost.busy:.1f} s | {peak} | |", flush=True)
        for workers in options.workers:
            _on_spark(folder, workers, options.memory)


def _on_spark(folder: Path, workers: int, memory: str) -> None:
    """Land, build and publish on a cluster, and print a row of the table."""
    own = folder / f"spark{workers}"
    own.mkdir()
    settings = (
        os.environ | ARGUMENTS | run_settings(own, folder / "export") | {"DBT_TARGET": "spark"}
    )
    spark = [sys.executable, "-m", "pipelines.spark"]
    cluster = [*spark, "cluster", "--workers", str(workers), "--memory", memory, "--"]
    publish = [sys.executable, "-m", "pipelines.publish", str(own / "reports"), "--"]
    build = ["build", "--selector", "reports", "--exclude-resource-type", "unit_test", "--quiet"]
    seconds = busy = 0.0
    peak = executor = 0
    for command in ([*spark, "land"], [*publish, *cluster, str(BIN / "dbt"), *build]):
        started = time.monotonic()
        with (own / "log").open("wb") as log:
            process = Popen(command, env=settings, stdout=log, stderr=log)
        watch, done = Watch(process.pid), Event()
        watching = Thread(target=watch.until, args=(done,))
        watching.start()
        code = process.wait()
        done.set()
        watching.join()
        if code:
            raise SystemExit((own / "log").read_text()[-2000:])
        seconds += time.monotonic() - started
        busy += sum(watch.busy.values())
        peak = max(peak, *watch.peak.values())
        executor = max(executor, 0, *(watch.peak[process] for process in watch.executors))
    print(
        f"| Spark, {workers} worker{'' if workers == 1 else 's'} | {seconds:.1f} s | {busy:.1f} s "
        f"| {peak / 2**20:,.0f} MiB | {executor / 2**20:,.0f} MiB |",
        flush=True,
    )


def _tree(root: int) -> Iterator[int]:
    """Yield a process and all its descendants."""
    yield root
    try:
        for task in Path(f"/proc/{root}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _tree(int(child))
    except OSError:  # it has ended
        return


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spark", description=__doc__)
    parser.add_argument("--scale", type=int, default=50, help="how many times each customer occurs")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--memory", default="1g", help="heap of each executor")
    parser.add_argument("--folder", type=Path, help="a folder with room for the files")
    return parser


if __name__ == "__main__":
    main()
