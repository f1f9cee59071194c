"""Measure the speed, memory and requests of the API pipeline, in a first and a second run.

The benchmark runs `dlt pipeline metronome_api run` against sandbox APIs with a latency and a rate
limit. For comparison, it runs Metronome's Python client in a plain loop over the same lists.
"""

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path

import duckdb
import httpx
from metronome import DefaultHttpxClient, Metronome

from pipelines.metronome_api.api_settings import ApiSettings
from sandbox.api.server import TOKEN
from sandbox.billing.simulate import simulate
from sandbox.core.records import NOW, PRODUCTION, to_text

ROOT = Path(__file__).parent.parent
RESOURCES = (
    "customers",
    "customer_plans",
    "billing_provider_configurations",
    "contracts",
    "balances",
    "net_balances",
    "customer_alerts",
    "invoices",
)
"""Resources to read. Breakdowns and usage take the sandbox more time than the pipeline."""

PACE = 0.975
"""The pipeline's rate as a share of the limit. At the limit, a late packet would exceed it."""

NO_LIMIT = 1000.0
"""Requests per second that no reader reaches here."""


@dataclass
class Reading:
    """The measurements of one reader.

    Attributes:
        seconds: Seconds from the first request until everything is read and, by a pipeline, loaded.
        limited: Requests answered with 429, which the reader repeated.
        peak_bytes: Most memory of the reader's process. None for a loop in this process.
    """

    customers: int
    requests: int
    limited: int
    seconds: float
    peak_bytes: int | None = None

    @property
    def requests_per_second(self) -> float:
        """Return the successful responses per second."""
        return (self.requests - self.limited) / self.seconds

    @property
    def customers_per_second(self) -> float:
        """Return the customers per second that were read in full."""
        return self.customers / self.seconds


def main() -> None:
    """Measure, and print a Markdown table, line by line."""
    options = _parser().parse_args()
    block = len(simulate().states[PRODUCTION].customers)
    scale = math.ceil(options.customers / block)
    print(
        f"{block * scale:,} customers, {options.latency:g} ms latency, "
        f"{ApiSettings().requests_in_flight} requests in flight, {os.cpu_count()} CPUs; "
        f"{options.limit:g} requests/s are read at {options.speed:g} times the speed\n"
    )
    print("| What | Figure |\n|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        _with_a_limit(options, scale, Path(folder, "limited"))
        _without_a_limit(options, scale, Path(folder))


def _with_a_limit(options: argparse.Namespace, scale: int, folder: Path) -> None:
    limit, speed = options.limit, options.speed
    with sandbox(scale, options.latency / speed, limit * speed) as url:
        ours = load(url, folder, limit * speed * PACE)
    with sandbox(scale, options.latency, limit) as url:
        sdk = loop(url, options.sample)
    rate = ours.requests_per_second / speed
    faster = ours.customers_per_second / speed / sdk.customers_per_second
    _row(f"limit {limit:g}/s: requests/s of the pipeline", f"{rate:.2f}")
    _row("… as a share of the limit", f"{rate / limit:.1%}")
    _row("… answers 429", f"{ours.limited:,} of {ours.requests:,}")
    _row(f"limit {limit:g}/s: requests/s of the SDK's loop", f"{sdk.requests_per_second:.2f}")
    _row("… answers 429", f"{sdk.limited:,} of {sdk.requests:,}")
    _row("customers/s: pipeline to loop", f"{faster:.2f}")


def _without_a_limit(options: argparse.Namespace, scale: int, folder: Path) -> None:
    with sandbox(math.ceil(scale / 4), options.latency) as url:
        part = load(url, folder / "part", NO_LIMIT)
    with sandbox(scale, options.latency) as url:
        whole = load(url, folder / "whole", NO_LIMIT)
        sdk = loop(url, options.sample)
    with sandbox(scale, days_later=1) as url:
        second = load(url, folder / "whole", NO_LIMIT, days_later=1)
    faster = whole.customers_per_second / sdk.customers_per_second
    _row("no limit: requests/s of the pipeline", f"{whole.requests_per_second:.1f}")
    _row("no limit: requests/s of the SDK's loop", f"{sdk.requests_per_second:.1f}")
    _row("customers/s: pipeline to loop", f"{faster:.1f}")
    for run in (part, whole):
        _row(f"peak memory at {run.customers:,} customers", f"{run.peak_bytes / 2**20:.0f} MiB")
    _row("… the second to the first", f"{whole.peak_bytes / part.peak_bytes:.2f}")
    _row("a day later: requests of the second run", f"{second.requests:,} of {whole.requests:,}")
    _row("… as a share of the first run's", f"{second.requests / whole.requests:.1%}")


def _row(what: str, figure: str) -> None:
    print(f"| {what} | {figure} |", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.api", description=__doc__)
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--latency", type=float, default=100, help="milliseconds")
    parser.add_argument("--limit", type=float, default=8, help="requests per second")
    parser.add_argument("--sample", type=int, default=44, help="customers that the SDK reads")
    parser.add_argument(
        "--speed", type=float, default=3, help="speed of the clock in the limited run"
    )
    return parser


@contextmanager
def sandbox(
    scale: int, latency: float = 0, rate_limit: float = 0, days_later: int = 0
) -> Iterator[str]:
    """Serve a sandbox account in a separate process. Yields the URL.

    Args:
        scale: How many times its customers occur.
        latency: Milliseconds before each response.
        rate_limit: Requests per second, 0 for no limit.
        days_later: Days by which its clock is later.
    """
    command = [sys.executable, "-m", "benchmarks.replicas", "--scale", f"{scale}"]
    command += ["serve", "--port", "0", "--as-of", to_text(NOW + timedelta(days=days_later))]
    command += ["--latency", f"{latency}", "--rate-limit", f"{rate_limit}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().split()[0]
        finally:
            process.terminate()


def load(url: str, folder: Path, requests_per_second: float, days_later: int = 0) -> Reading:
    """Run the pipeline into a database in `folder`. A second run there is incremental."""
    folder.mkdir(exist_ok=True)
    database = folder / "metronome.duckdb"
    environment = {
        "METRONOME_BASE_URL": url,
        "METRONOME_BEARER_TOKEN": TOKEN,
        "SOURCES__METRONOME_API__REQUESTS_PER_SECOND": f"{requests_per_second}",
        "SOURCES__METRONOME_API__AS_OF": to_text(NOW + timedelta(days=days_later)),
        "DESTINATION__DUCKDB__CREDENTIALS": f"{database}",
        "DLT_DATA_DIR": f"{folder / 'dlt'}",
    }
    command = [sys.executable, "-m", "dlt", "pipeline", "metronome_api", "run", "--select"]
    process = subprocess.Popen(
        [*command, *RESOURCES], cwd=ROOT, env=os.environ | environment, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    with duckdb.connect(str(database), read_only=True) as connection:
        customers, requests, limited, seconds = connection.sql(
            "select any_value(run.customers), sum(requests), sum(rate_limited), "
            "epoch(max(inserted_at)) - epoch(any_value(started_at)) "
            "from (from raw_api.runs order by started_at desc limit 1) as run "
            "inner join raw_api.run_resources as part using (run_id) "
            "inner join raw_api._dlt_loads on load_id = part._dlt_load_id"
        ).fetchone()
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss
    return Reading(customers, int(requests), int(limited), seconds, usage.ru_maxrss * unit)


def loop(url: str, sample: int) -> Reading:
    """Read the first customers with Metronome's client, one list after the other."""
    answers: Counter[int] = Counter()
    http = DefaultHttpxClient(
        event_hooks={"response": [lambda answer: answers.update([answer.status_code])]}
    )
    with Metronome(base_url=url, bearer_token=TOKEN, max_retries=8, http_client=http) as sdk:
        started = time.monotonic()
        for customer in islice(sdk.v1.customers.list(), sample):
            _read_customer(sdk, customer.id)
        seconds = time.monotonic() - started
    return Reading(sample, answers.total(), answers[httpx.codes.TOO_MANY_REQUESTS], seconds)


def _read_customer(sdk: Metronome, customer_id: str) -> None:
    """Walk the lists of `RESOURCES` of a customer."""
    customer = {"customer_id": customer_id}
    archived = {**customer, "include_archived": True}
    list(sdk.v1.customers.plans.list(**customer, limit=100))
    sdk.v1.customers.retrieve_billing_configurations(**archived)
    list(sdk.v2.contracts.list(**archived))
    balances = list(
        sdk.v1.contracts.list_balances(
            **archived,
            include_balance=True,
            include_ledgers=True,
            include_contract_balances=True,
            limit=25,
        )
    )
    units = {
        balance.access_schedule.credit_type.id
        for balance in balances
        if balance.access_schedule and balance.access_schedule.credit_type
    }
    for unit in units:
        for mode in ("FINALIZED_AND_DRAFT", "FINALIZED"):
            sdk.v1.contracts.get_net_balance(
                **customer, credit_type_id=unit, invoice_inclusion_mode=mode
            )
    list(sdk.v1.customers.alerts.list(**customer))
    list(sdk.v1.customers.invoices.list(**customer, sort="date_desc", limit=25))


if __name__ == "__main__":
    main()
