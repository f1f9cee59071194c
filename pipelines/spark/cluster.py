"""Start a standalone cluster on this machine, run one command, and stop the cluster.

The processes listen on the loopback address only, and take connections with a secret that lives as
long as the cluster.
"""

import os
import re
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

from pipelines.common.errors import InputError
from pipelines.common.subprocesses import exit_on_signals, run_child
from pipelines.spark.session import check_java

MASTER = "org.apache.spark.deploy.master.Master"
WORKER = "org.apache.spark.deploy.worker.Worker"
SECONDS = 120
"""How long a process may take to start."""

GUARD = """
exec 3<&0
"$@" </dev/null 3<&- &
child=$!
{ read -r _ <&3; kill $child; } 2>/dev/null &
wait $child
"""
"""A shell script that runs a command, and ends it when the input closes. The input closes however
this process ends."""


def run_on_cluster(command: list[str], workers: int = 2, memory: str = "1g") -> int:
    """Run a command with SPARK_MASTER set to a new cluster. Return its exit code.

    Args:
        command: The command.
        workers: The number of workers. Each has one core, and one executor per application.
        memory: The heap of an executor, such as 1g. A worker has as much.

    Raises:
        InputError: If Java or pyspark is missing, or the cluster does not start.
    """
    exit_on_signals()
    check_java()
    with cluster(workers, memory) as environment:
        # the command keeps the publisher's locks, as dbt does without a cluster
        return run_child(command, env=os.environ | environment, close_fds=False)


@contextmanager
def cluster(workers: int, memory: str) -> Iterator[dict[str, str]]:
    """Start a master and workers. Yields the environment variables of a command that uses them."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        configuration = Path(folder, "spark-defaults.conf")
        configuration.touch(mode=0o600)
        configuration.write_text(
            "spark.authenticate true\n"
            f"spark.authenticate.secret {secrets.token_hex(32)}\n"
            f"spark.executor.memory {memory}\n"
            "spark.executor.cores 1\n",
            encoding="utf-8",
        )
        environment = {"SPARK_CONF_DIR": folder, "SPARK_LOCAL_IP": "127.0.0.1"}

        def start(name: str, *words: str) -> _Started:
            log = Path(folder, f"{name}.log")
            return stack.enter_context(_process(log, environment, list(words)))

        address = start("master", MASTER).wait(r"Starting Spark master at (spark://\S+)")
        options = ["--cores", "1", "--memory", memory, "--work-dir", folder, address]
        for worker in [start(f"worker{n}", WORKER, *options) for n in range(workers)]:
            worker.wait("(Successfully registered) with master")
        yield {**environment, "SPARK_MASTER": address}


@dataclass(frozen=True)
class _Started:
    """A process of the cluster that was started, and its log."""

    process: subprocess.Popen[bytes]
    log: Path

    def wait(self, ready: str) -> str:
        """Wait until the process is ready.

        Args:
            ready: A pattern of the line by which it shows that it is ready.

        Returns:
            What the group of the pattern matches.

        Raises:
            InputError: If it ends, or is not ready in time.
        """
        deadline = monotonic() + SECONDS
        while monotonic() < deadline:
            has_ended = self.process.poll() is not None
            text = self.log.read_text(encoding="utf-8", errors="replace")
            if match := re.search(ready, text):
                return match[1]
            if has_ended:
                raise InputError(f"Spark's cluster did not start: {text.strip()[-2000:]}")
            sleep(0.1)
        raise InputError(f"Spark's cluster did not start in {SECONDS} seconds.")


@contextmanager
def _process(log: Path, environment: dict[str, str], words: list[str]) -> Iterator[_Started]:
    """Start a process of the cluster, and end it.

    Args:
        log: The file of its log.
        environment: Its variables, beside those of this process.
        words: Its class and its options.
    """
    program = str(_spark_home() / "bin" / "spark-class")
    listening = ["--host", "127.0.0.1", "--port", "0", "--webui-port", "0"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "sh", program, words[0], *listening, *words[1:]],
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,  # an interrupt of the terminal reaches this process alone
        )
    try:
        yield _Started(process, log)
    finally:
        process.stdin.close()
        process.wait()


def _spark_home() -> Path:
    """Return the folder of the installed pyspark, which is a whole Spark.

    Raises:
        InputError: If it is not installed.
    """
    found = find_spec("pyspark")
    if found is None or found.origin is None:
        raise InputError("pyspark is not installed. Install the extra: pip install '.[spark]'")
    return Path(found.origin).parent
