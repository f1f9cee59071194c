"""A cluster runs for one command, and ends with it."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.spark.cluster import MASTER, WORKER
from tests.end_to_end.project import ROOT

CLUSTER = [sys.executable, "-m", "pipelines.spark", "cluster", "--workers", "1", "--"]
SHOW = """
import os, sys
os.write(int(sys.argv[1]), b"inherited")
print(os.environ["SPARK_MASTER"], os.environ["SPARK_CONF_DIR"], flush=True)
sys.stdin.read()
sys.exit(3)
"""
"""A command that writes to an inherited file, runs until its input closes, and fails."""


def of_cluster(folder: str) -> dict[int, str]:
    """Return the command of each process whose settings are in a cluster's folder, by id."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes().decode(errors="replace").split("\0")
            command = (process / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if f"SPARK_CONF_DIR={folder}" in environment and (MASTER in command or WORKER in command):
            found[int(process.name)] = command
    return found


@pytest.mark.parametrize("end", ["its command fails", "SIGTERM", "SIGKILL"])
def test_nothing_of_a_cluster_is_left(end: str):
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [*CLUSTER, sys.executable, "-c", SHOW, str(writer)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=[writer],  # as the publisher passes its locks
        text=True,
    )
    os.close(writer)
    master, folder = process.stdout.readline().split()
    assert os.read(reader, 9) == b"inherited"
    os.close(reader)
    assert master.startswith("spark://127.0.0.1:")
    processes = of_cluster(folder)
    assert {name for name in (MASTER, WORKER) for c in processes.values() if name in c} == {
        MASTER,
        WORKER,
    }
    ends = [os.pidfd_open(process) for process in processes]  # readable when the process has ended
    assert Path(folder, "spark-defaults.conf").stat().st_mode & 0o077 == 0
    if end.startswith("SIG"):
        process.send_signal(getattr(signal, end))
    process.stdin.close()
    code = process.wait()
    assert code == {"its command fails": 3, "SIGTERM": 143, "SIGKILL": -9}[end]
    if end == "SIGKILL":  # its processes end without a signal, after a moment
        for ended in ends:
            select.select([ended], [], [], 60)
    assert not of_cluster(folder)
    assert Path(folder).exists() == (end == "SIGKILL")


def test_a_cluster_that_does_not_start_is_an_error():
    done = subprocess.run(
        [*CLUSTER[:-1], "--memory", "a lot", "--", "true"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "Spark's cluster did not start" in done.stderr


def test_a_missing_java_is_named_with_a_remedy(tmp_path: Path):
    done = subprocess.run(
        [*CLUSTER, "true"],
        cwd=ROOT,
        env={**os.environ, "JAVA_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert f"There is no Java in {tmp_path}. Spark needs Java 17 or newer." in done.stderr
