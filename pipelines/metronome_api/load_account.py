"""Run the pipeline: load the account's lists, then the customers in batches.

A batch is one dlt load package with rows and the record of its reads. A customer counts as read
when the package is complete. A run that was killed resumes at the first customer that was not read.

The resources of `source.py` cannot do this. dlt reads a source in full before it loads a package,
and each resource reads on its own. Here a package has all lists of some customers, so memory does
not grow with the account, and the lists of a customer are of one time. Both ways share the
endpoints (`endpoints.py`), the requests (`extract.py`, `client.py`) and the columns
(`api_tables.py`).
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, TypeVar
from uuid import uuid4

import dlt
from dlt.common.typing import TSecretStrValue
from dlt.extract.hints import make_hints
from tqdm import tqdm

from pipelines.common.errors import OWN_DATABASE, InputError, as_input_error
from pipelines.common.log import LogLine
from pipelines.common.progress import progress_bar
from pipelines.metronome_api.api_settings import ApiSettings, host, now
from pipelines.metronome_api.api_tables import RAW_TABLES
from pipelines.metronome_api.arrow import ArrowTables
from pipelines.metronome_api.client import MetronomeClient
from pipelines.metronome_api.endpoints import PER_CUSTOMER
from pipelines.metronome_api.extract import Extractor, ExtractWindow, ReadResult
from pipelines.metronome_api.replace import hints
from pipelines.metronome_api.state import Database
from pipelines.metronome_api.transport import RequestStats

RESUMED_FOR = timedelta(days=1)
"""A run that stopped longer ago is not resumed, because its first customers would be too old."""

Rows = tuple[str, list[dict[str, Any]]]
"""A raw table and rows for it."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Run:
    """One run. If it is stopped, the next start continues it.

    Attributes:
        full_refresh: Whether it reads everything, also what earlier runs have read.
    """

    id: str
    window: ExtractWindow
    started_at: datetime
    host: str
    full_refresh: bool

    def row(self, customers: int | None = None, finished_at: datetime | None = None) -> Any:
        """Return the row of the run in the table `runs`."""
        return {
            "run_id": self.id,
            "as_of": self.window.as_of,
            "started_at": self.started_at,
            "finished_at": finished_at,
            "host": self.host,
            "selected": sorted(self.window.resources),
            "full_refresh": self.full_refresh,
            "customers": customers,
        }


def load_account(
    pipeline: dlt.Pipeline,
    base_url: str,
    bearer_token: TSecretStrValue,
    settings: ApiSettings,
    full_refresh: bool,
) -> LogLine:
    """Read the data that can have changed since the last run, and load it.

    Returns:
        A line to print.

    Raises:
        InputError: If the API refuses a request or a setting is wrong. Loaded rows stay, and the
            next run resumes.
    """
    client = MetronomeClient(base_url, bearer_token, settings.limits)
    with pipeline.sql_client() as connection:
        database = Database(connection)
        run = _begin(database, host(base_url), settings, full_refresh)
        extractor = Extractor(client, run.window, database.answered(run.id))
        loading = _Loading(pipeline, database, extractor, run)
        loading.load(settings.customers_per_batch, settings.requests_in_flight)
    return loading.line(base_url)


def _begin(database: Database, host: str, settings: ApiSettings, full_refresh: bool) -> Run:
    """Resume the stopped run if its selection is the same and it is not too old. Else begin one."""
    window = settings.window()
    started_at = now()
    if found := database.unfinished_run(host, window):
        run_id, as_of, stopped_run_started_at, was_full = found
        is_same = was_full == full_refresh and (settings.as_of is None or window.as_of == as_of)
        if is_same and started_at - stopped_run_started_at < RESUMED_FOR:
            window = replace(window, as_of=as_of)
            return Run(run_id, window, stopped_run_started_at, host, was_full)
    return Run(uuid4().hex, window, started_at, host, full_refresh)


class _Loading:
    """Load the batches of one start of a run. Counts rows and requests."""

    def __init__(
        self, pipeline: dlt.Pipeline, database: Database, extractor: Extractor, run: Run
    ) -> None:
        self.pipeline, self.database, self.extractor, self.run = pipeline, database, extractor, run
        self.stats = RequestStats()
        self.rows = 0
        self.customers = 0
        self.unavailable: dict[str, int] = {}

    def load(self, customers_per_batch: int, in_flight: int) -> None:
        with self._threads(in_flight) as pool:
            batch_number = self.database.batches(self.run.id)
            if batch_number == 0:
                self._load_account(pool)
                batch_number = 1
            self._load_customers(pool, batch_number, customers_per_batch)

    def _load_customers(
        self, pool: ThreadPoolExecutor, batch_number: int, customers_per_batch: int
    ) -> None:
        self.extractor.metrics = self.database.metrics()
        self.extractor.has_plans = self.database.has_plans(self.run.id)
        self.customers, unread = self.database.count_unread(self.run.id)
        if not any(endpoint.table in self.run.window.resources for endpoint in PER_CUSTOMER):
            unread = 0
        # one half of a batch is read while the other half is loaded
        step = max(1, customers_per_batch // 2)
        queue = self.database.unread(self.run.id, self.run.full_refresh)
        with progress_bar("api", "customers", unread) as progress:
            results = _ahead(pool, self.extractor.read_customer, queue, step)
            is_last = False
            while not is_last:
                is_last = unread <= step
                batch = self._customers(islice(results, step), progress)
                row = self.run.row(self.customers, now() if is_last else None)
                self._load("customers", batch, batch_number, [("runs", row)])
                unread -= step
                batch_number += 1

    @contextmanager
    def _threads(self, in_flight: int) -> Iterator[ThreadPoolExecutor]:
        """Yield a pool of threads for reading.

        Stops their requests at the end, also after an error.
        """
        pool = ThreadPoolExecutor(in_flight)
        try:
            yield pool
        finally:
            self.extractor.client.stop()
            pool.shutdown(cancel_futures=True)

    def line(self, base_url: str) -> LogLine:
        text = (
            f"api: {self.customers:,} customers, {self.rows:,} rows in "
            f"{self.stats.requests:,} requests from {base_url}"
        )
        if self.unavailable:
            left_out = [f"{name} (HTTP {status})" for name, status in self.unavailable.items()]
            text += f". Refused, so their figures are unknown: {', '.join(sorted(left_out))}"
        return LogLine(
            text,
            step="api",
            customers=self.customers,
            rows=self.rows,
            left_out=sorted(self.unavailable),
            **vars(self.stats) | {"waited_seconds": round(self.stats.waited_seconds, 1)},
        )

    def _load_account(self, pool: ThreadPoolExecutor) -> None:
        log = [("read_from", {"host": self.run.host}), ("runs", self.run.row())]
        self._load("account", self._account(pool), 0, log)

    def _account(self, pool: ThreadPoolExecutor) -> Iterator[Rows | ReadResult]:
        """Yield the rows of the account's lists, then the result of each."""
        reads: list[ReadResult] = []
        cursor = None if self.run.full_refresh else self.database.cursor("audit_logs")
        groups = self.extractor.account_lists(reads, cursor)
        yield from _interleaved(pool, list(groups))
        for read in reads:
            if read.resource == "customers":
                self._check_customers(read)
            yield read

    def _check_customers(self, read: ReadResult) -> None:
        if read.unavailable:
            raise InputError(
                f"{read.unavailable.reason} Without the list of customers nothing can be read. "
                "Allow the token to read customers."
            )
        if self.database.is_of_others(read.ids):
            raise InputError(
                "The database holds an account or environment with other customers than those that "
                f"this token may read. {OWN_DATABASE}"
            )

    def _customers(
        self, results: Iterable[list[ReadResult]], progress: "tqdm[None]"
    ) -> Iterator[Rows | ReadResult]:
        """Yield the rows of a batch of customers, and the result of each resource."""
        for result in results:
            for read in result:
                yield from read.rows.items()
                read.rows.clear()
                yield read
            progress.set_postfix_str(
                f"{self.stats.requests:,} requests, {self.stats.waited_seconds:,.0f} s waited"
            )
            progress.update()

    def _load(
        self,
        name: str,
        batch: Iterable[Rows | ReadResult],
        number: int,
        log: list[tuple[str, dict[str, Any]]],
    ) -> None:
        """Load a batch and the record of its reads in one package."""
        with as_input_error():
            items = _declared(self._items(batch, number, log))
            self.pipeline.run(dlt.resource(items, name=f"read_{name}"))
        self.database.checkpoint()

    def _items(
        self,
        batch: Iterable[Rows | ReadResult],
        number: int,
        log: list[tuple[str, dict[str, Any]]],
    ) -> Iterator[Any]:
        tables = ArrowTables(RAW_TABLES)
        reads: list[ReadResult] = []
        for part in batch:
            if isinstance(part, ReadResult):
                reads.append(part)
                self.stats += part.stats
            else:
                yield from tables.add(*part)
        # after all results, because it reads them, and before dlt deletes
        for table in self.database.replace(reads):
            yield tables.empty(table)
        for table, row in [*log, *self._log(reads, number)]:
            yield from tables.add(table, [row])
        yield from tables.flush()

    def _log(
        self, reads: list[ReadResult], batch_number: int
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the rows of the tables `reads` and `run_resources`."""
        stats_by_resource: dict[str, RequestStats] = defaultdict(RequestStats)
        resources: dict[str, Counter[str]] = defaultdict(Counter)
        for read in reads:
            rows = sum(read.counts.values())
            yield "reads", _read_row(self.run, read, rows)
            stats_by_resource[read.resource] += read.stats
            sums = resources[read.resource]
            sums["rows"] += rows
            sums["customers"] += read.customer_id is not None
            sums["unavailable"] += read.unavailable is not None
            self.rows += rows
            if read.unavailable:
                self.unavailable[read.resource] = read.unavailable.status
        for resource, sums in resources.items():
            keys = {"run_id": self.run.id, "batch_number": batch_number, "resource": resource}
            stats = stats_by_resource[resource]
            waited = {"waited_seconds": Decimal(str(round(stats.waited_seconds, 3)))}
            yield "run_resources", {**keys, **sums, **vars(stats), **waited}


def _declared(items: Iterable[Rows]) -> Iterator[Any]:
    """Add the hints of a table to its first item. dlt keeps them for later items."""
    declared: set[str] = set()
    for table, item in items:
        if table in declared:
            yield dlt.mark.with_table_name(item, table)
        else:
            declared.add(table)
            table_hints = make_hints(table_name=table, **hints(table))
            yield dlt.mark.with_hints(item, table_hints, create_table_variant=True)


def _read_row(run: Run, read: ReadResult, rows: int) -> dict[str, Any]:
    problem = read.unavailable
    return {
        "read_id": f"{read.resource}/{read.customer_id or 'account'}",
        "resource": read.resource,
        "customer_id": read.customer_id,
        "run_id": run.id,
        "as_of": run.window.as_of,
        "status": "unavailable" if problem else "read",
        "http_status": problem.status if problem else None,
        "reason": problem.reason if problem else None,
        "rows": rows,
        "cursor": read.cursor,
    }


def _interleaved(pool: ThreadPoolExecutor, generators: Iterable[Iterator[Item]]) -> Iterator[Item]:
    """Yield the items of generators as they arrive. A generator runs in one thread at a time."""
    waiting = {pool.submit(next, generator, None): generator for generator in generators}
    while waiting:
        done, _ = wait(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            generator = waiting.pop(future)
            item = future.result()
            if item is not None:
                yield item
                waiting[pool.submit(next, generator, None)] = generator


def _ahead(
    pool: ThreadPoolExecutor,
    work: Callable[[Item], Result],
    items: Iterable[Item],
    at_most: int,
) -> Iterator[Result]:
    """Yield results in the order of the items. At most `at_most` of them are started ahead."""
    begun: deque[Future[Result]] = deque()
    for item in items:
        begun.append(pool.submit(work, item))
        if len(begun) >= at_most:
            yield begun.popleft().result()
    while begun:
        yield begun.popleft().result()
