"""The command line: export, exec and serve, with their options and signals."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.sandbox.calls import HEADER
from tests.terminal import left_on_screen, on_terminal


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments], capture_output=True, text=True
    )


PROBE = """
import os, sys, urllib.request
request = urllib.request.Request(os.environ["METRONOME_BASE_URL"] + "/v1/plans")
request.add_header("Authorization", "Bearer " + os.environ["METRONOME_BEARER_TOKEN"])
sys.exit(urllib.request.urlopen(request).status - 200 + int(sys.argv[1]))
"""


@pytest.mark.parametrize("code", [0, 7])
def test_exec_serves_its_command_and_passes_the_exit_code(code: int):
    result = run("exec", "--", sys.executable, "-c", PROBE, str(code))
    assert result.returncode == code, result.stderr
    assert (result.stdout, result.stderr) == ("", "")


def test_exec_passes_the_clock_and_states_that_no_limit_is_set():
    script = "import os; print(*(os.environ.get('SOURCES__METRONOME_API__' + name) for name in "
    script += "('AS_OF', 'REQUESTS_PER_SECOND')))"
    as_of = ("--as-of", "2024-03-15T06:00:00+00:00")
    limited = ("--rate-limit", "8", "--retry-after", "date")
    for options, printed in (
        (as_of, "2024-03-15T06:00:00Z 1000"),
        (limited, "2024-04-15T00:00:00Z None"),
    ):
        result = run("exec", *options, "--", sys.executable, "-c", script)
        assert (result.returncode, result.stdout.strip()) == (0, printed), result.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--as-of", "yesterday"),
        ("--as-of", "2030-01-01"),
        ("--errors", "2"),
        ("--rate-limit", "-1"),
        ("--retry-after", "later"),
    ],
)
def test_exec_refuses_bad_options(options: tuple[str, str]):
    result = run("exec", *options, "--", "true")
    assert result.returncode == 2
    assert options[0] in result.stderr


def test_serve_with_clock_faults_and_a_scoped_token():
    options = ("--as-of", "2024-03-05", "--forbid", "/v1/plans", "--gone", "/v1/services")
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "serve", "--port", "0", *options],
        stdout=subprocess.PIPE,
        text=True,
    )
    url = process.stdout.readline().split()[0]
    with httpx.Client(base_url=url, headers=HEADER) as client:
        assert client.get("/v1/plans").status_code == 403
        assert client.get("/v1/services").status_code == 404
        newest = client.get("/v1/auditLogs?limit=1&sort=date_desc").json()["data"]
        assert newest[0]["timestamp"] < "2024-03-05T00:00:01"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 0
    process.stdout.close()


def test_exec_reports_a_bad_command():
    assert run("exec", "--", "/no/such/command").returncode == 127
    assert run("exec").returncode == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_exec_stops_its_command_when_stopped(number: signal.Signals):
    script = "import os; print(os.getpid(), flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "exec", "--", sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    child = int(process.stdout.readline())
    process.send_signal(number)
    assert process.wait(timeout=20) == 128 + number
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    process.stdin.close()
    process.stdout.close()


def test_serve_prints_one_line_and_stops():
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    url, _, token = process.stdout.readline().split()
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{url}/v1/plans", headers=headers).status_code == 200
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20) == ("", "")


def test_a_terminal_shows_how_far_the_export_is(tmp_path: Path):
    command = [sys.executable, "-m", "sandbox", "export", str(tmp_path)]
    written = on_terminal([*command, "--as-of", "2024-02-01"])
    assert "sandbox: snapshots" in written
    assert "sandbox: export" in written
    assert left_on_screen(written) == ""
