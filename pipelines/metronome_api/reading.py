"""What to ask the API for: all of it the first time, later what can have changed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import Any

from pipelines.errors import InputError
from pipelines.metronome_api.client import MetronomeClient, UnavailableError
from pipelines.metronome_api.endpoints import (
    ENDPOINT_OF,
    PER_CUSTOMER,
    Endpoint,
    Row,
)
from pipelines.metronome_api.rows import by_table
from pipelines.metronome_api.tables import TABLES
from pipelines.metronome_api.transport import RequestStats


@dataclass(frozen=True)
class Scope:
    """What a run reads.

    Attributes:
        as_of: The run's instant.
        resources: The tables of the endpoints to read.
        invoice_lookback: How long after its issue an invoice may still be voided or paid.
        usage_lookback: How long usage may arrive late: usage and breakdowns are read again.
        history_start: Usage and breakdowns before it are left out.
    """

    as_of: datetime
    resources: frozenset[str]
    invoice_lookback: timedelta
    usage_lookback: timedelta
    history_start: datetime


@dataclass
class Read:
    """What came of reading one resource, for one customer or for the account.

    Attributes:
        rows: By table; what is streamed to a table instead is only counted.
        ids: Of the customers or invoices among them.
        since: The rows read begin here; earlier ones stay. None: all were read.
        unavailable: Why it could not be read.
        has_answered: Whether any list of it was read to its end.
        cursor: Where the next run goes on.
    """

    resource: str
    customer_id: str | None = None
    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    ids: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    since: datetime | None = None
    unavailable: UnavailableError | None = None
    has_answered: bool = False
    cursor: str | None = None
    stats: RequestStats = field(default_factory=RequestStats)


@dataclass(frozen=True)
class Customer:
    """A customer to read.

    Attributes:
        read_until: By resource, the instant of the newest run that has read it. A resource that is
            not there is read in full.
    """

    id: str
    created_at: datetime | None
    archived_at: datetime | None
    read_until: Mapping[str, datetime]


class Reader:
    """Reads resources; knows which ones the token may not read."""

    def __init__(self, client: MetronomeClient, scope: Scope, answered: set[str]) -> None:
        """Begin a run, or go on with one.

        Args:
            client: How to ask.
            scope: What for.
            answered: Resources that the token could read earlier in the run.
        """
        self.client, self.scope = client, scope
        self.metrics: list[Row] = []
        self.has_plans = True
        self._answered = answered
        self._forbidden: dict[str, UnavailableError] = {}

    def stream(self, endpoint: Endpoint, owners: list[Row], read: Read) -> Iterator[list[Row]]:
        """Yield the pages of an account's list, or of those of each of the rows that own one.

        A row that owns a list may be gone by the time that it is asked for: only where none of them
        answers is the resource unavailable.
        """
        for keys in [{}] if endpoint.parent is None else [_taken(endpoint, row) for row in owners]:
            has_begun = False
            try:
                for page in self._lists(endpoint, keys, read):
                    has_begun = True
                    if endpoint.table == "customers":
                        read.ids.extend(row["id"] for row in page)
                    yield page
                read.has_answered = True
            except UnavailableError as error:
                if has_begun:
                    raise InputError(f"{error.reason} Its first pages were there.") from None
                read.unavailable = error
        if read.has_answered:
            read.unavailable = None

    def read_customer(self, customer: Customer) -> list[Read]:
        """Read everything of one customer; several threads may do so at the same time."""
        if self._is_dormant(customer):
            return []
        own = {"id": customer.id}
        rows: dict[str, list[Row]] = {"customers": [own], "billable_metrics": self.metrics}
        reads: dict[str, Read] = {}
        for endpoint in PER_CUSTOMER:
            if endpoint.table in self.scope.resources:
                read = Read(endpoint.table, customer.id)
                reads[endpoint.table] = read
                try:
                    self._read(endpoint, customer, rows, reads)
                except UnavailableError as error:
                    read.unavailable = error
                    read.rows.clear()
                rows |= read.rows
        return list(reads.values())

    def _is_dormant(self, customer: Customer) -> bool:
        """Nothing changes any more once a customer was archived longer ago than we look back."""
        instants = [
            customer.read_until.get(endpoint.table)
            for endpoint in PER_CUSTOMER
            if endpoint.table in self.scope.resources
        ]
        read_until = min((instant for instant in instants if instant), default=None)
        return (
            customer.archived_at is not None
            and read_until is not None
            and None not in instants
            and customer.archived_at < read_until - self.scope.invoice_lookback
        )

    def _read(
        self,
        endpoint: Endpoint,
        customer: Customer,
        rows: Mapping[str, list[Row]],
        reads: Mapping[str, Read],
    ) -> None:
        read = reads[endpoint.table]
        parent = ENDPOINT_OF[endpoint.parent].table if endpoint.parent else None
        if parent in reads and (problem := reads[parent].unavailable):
            raise problem
        if endpoint.table == "customer_plans" and not self.has_plans:
            return  # nobody can be on a plan
        if endpoint.replaces == "invoices":
            pages = self._invoices(endpoint, customer, read)
        elif endpoint.window:
            pages = self._windows(endpoint, customer, rows, reads)
        else:
            pages = (
                page
                for keys in _asked_for(endpoint, rows)
                for page in self._lists(endpoint, keys, read)
            )
        for page in pages:
            if endpoint.replaces == "invoices":
                read.ids.extend(invoice["id"] for invoice in page)
            for table, page_rows in by_table(endpoint, page):
                read.rows[table].extend(page_rows)
                read.counts[table] += len(page_rows)

    def _invoices(self, endpoint: Endpoint, customer: Customer, read: Read) -> Iterator[list[Row]]:
        """All invoices; later the newest as far back as one may still change, and the drafts.

        The first walk goes by the date of issue, which is after the end of the period, and not by
        the API's dates, which may or may not leave scheduled invoices out.
        """
        read_until = customer.read_until.get(endpoint.table)
        if read_until is None:
            yield from self._lists(endpoint, {"customer_id": customer.id}, read)
            return
        read.since = read_until - self.scope.invoice_lookback
        seen: set[str] = set()
        for request in ({}, {"status": "DRAFT"}):
            for page in self._lists(endpoint, {"customer_id": customer.id}, read, request):
                new = [invoice for invoice in page if invoice["id"] not in seen]
                seen.update(invoice["id"] for invoice in new)
                yield new
                is_before = [_issued_before(read.since, invoice) for invoice in page]
                if not request and is_before and all(is_before):
                    break
            else:
                return  # that was all of them, drafts included

    def _windows(
        self,
        endpoint: Endpoint,
        customer: Customer,
        rows: Mapping[str, list[Row]],
        reads: Mapping[str, Read],
    ) -> Iterator[list[Row]]:
        read = reads[endpoint.table]
        read_until = customer.read_until.get(endpoint.table)
        since = self.scope.history_start  # a contract may begin before its customer came
        if endpoint.window != "invoiced" and customer.created_at:
            since = customer.created_at - self.scope.usage_lookback
        if read_until is not None:
            since = max(since, read_until - self.scope.usage_lookback)
        if read_until is not None and endpoint.window == "invoiced":
            since = min([since, *_starts_of_issued_since(read_until, rows.get("invoices", []))])
        until = _midnight(self.scope.as_of, round_up=True)
        read.since = since = _midnight(max(since, self.scope.history_start))
        if endpoint.window == "invoiced" and not reads["invoices"].unavailable:
            periods = [
                (_instant(invoice["start_timestamp"]), _instant(invoice["end_timestamp"]))
                for invoice in rows.get("invoices", [])
                if invoice.get("start_timestamp") and invoice.get("end_timestamp")
            ]
            since = max(since, _midnight(min((start for start, _ in periods), default=until)))
            last = max((end for _, end in periods), default=until)
            until = min(until, _midnight(last, round_up=True))
        if endpoint.window == "month":
            read.since = since = since.replace(day=1)
        for start, end in _spans(since, until, by_month=endpoint.window == "month"):
            window = {"starting_on": _text(start), "ending_before": _text(end)}
            for keys in _asked_for(endpoint, rows):
                yield from self._lists(endpoint, {**keys, **window}, read)

    def _lists(
        self,
        endpoint: Endpoint,
        keys: Row,
        read: Read,
        more: Mapping[str, Any] | None = None,
    ) -> Iterator[list[Row]]:
        """Walk one list; its rows get the keys that they were asked for by, if they lack them."""
        own = {column: value for column, value in keys.items() if column in TABLES[endpoint.table]}
        filled = {**keys, "as_of": _text(self.scope.as_of)}
        seen: set[str] = set()  # a row that moves while pages are read may come twice
        # a place in a window, which is read again as a whole, or in the answer
        places: dict[Any, Iterator[int]] = defaultdict(lambda: count(1))
        for template in endpoint.params:
            request = {**_filled(template, filled), **(more or {})}
            if read.cursor:
                request["next_page"] = read.cursor
            for page in self._pages(endpoint, keys, request, read):
                rows = []
                for item in page:
                    for row in endpoint.rows(item):
                        row = {**own, **row}
                        self._check_owner(endpoint, own, row)
                        if endpoint.position:
                            window = row.get(endpoint.time) if endpoint.window else None
                            row[endpoint.position] = next(places[window])
                        elif not endpoint.window and "id" in row:
                            if row["id"] in seen:
                                continue
                            seen.add(row["id"])
                        rows.append(row)
                yield rows

    def _check_owner(self, endpoint: Endpoint, own: Row, row: Row) -> None:
        """Refuse another customer's rows: they would replace those of the one asked for."""
        asked = own.get("customer_id")
        if asked and row["customer_id"] != asked:
            error = InputError(
                f"{endpoint.method} {endpoint.path} answered with a row of customer "
                f"{row['customer_id']} when asked for {asked}. Nothing of it is loaded."
            )
            self.client.stop(error)
            raise error

    def _pages(
        self, endpoint: Endpoint, keys: Row, request: Row, read: Read
    ) -> Iterator[list[Row]]:
        resource = endpoint.table
        if resource in self._forbidden:
            raise self._forbidden[resource]
        try:
            for page, cursor in self.client.walk(endpoint, keys, request, read.stats):
                self._answered.add(resource)
                if endpoint.replaces == "new":
                    read.cursor = cursor or read.cursor
                yield page
        except UnavailableError as error:
            if error.status == 403:
                if resource in self._answered:
                    reason = InputError(
                        f"{error.reason} It answered earlier in this run: is the token still "
                        "valid? What was read is kept; run again to go on from here."
                    )
                    self.client.stop(reason)
                    raise reason from None
                self._forbidden[resource] = error
            raise
        except InputError as error:
            self.client.stop(error)
            raise


def _asked_for(endpoint: Endpoint, rows: Mapping[str, list[Row]]) -> Iterable[Row]:
    if endpoint.each:
        return endpoint.each(rows)
    return [_taken(endpoint, owner) for owner in rows.get(endpoint.parent or "", [])]


def _taken(endpoint: Endpoint, owner: Row) -> Row:
    return {
        column: owner[its_column]
        for column, its_column in (endpoint.include_from_parent or {}).items()
    }


def _filled(template: Any, keys: Row) -> Any:
    """Fill the placeholders of a request; one that stands alone may be any value."""
    if isinstance(template, Mapping):
        return {name: _filled(value, keys) for name, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, keys) for value in template]
    if isinstance(template, str) and template.startswith("{"):
        return keys[template.strip("{}")]
    return template


def _starts_of_issued_since(instant: datetime, invoices: list[Row]) -> Iterator[datetime]:
    """When the periods began of invoices that became final since, regenerated ones among them."""
    for invoice in invoices:
        is_draft = str(invoice.get("status")).upper() == "DRAFT"
        if not is_draft and invoice.get("start_timestamp") and not _issued_before(instant, invoice):
            yield _instant(invoice["start_timestamp"])


def _issued_before(instant: datetime, invoice: Row) -> bool:
    issued_at = invoice.get("issued_at")
    return issued_at is not None and _instant(issued_at) < instant


def _spans(since: datetime, until: datetime, by_month: bool) -> Iterator[tuple[datetime, datetime]]:
    """Cut a time at the turns of months, or not; nothing when it is empty."""
    while since < until:
        next_month = (since.replace(day=1) + timedelta(days=32)).replace(day=1)
        end = min(until, next_month) if by_month else until
        yield since, end
        since = end


def _midnight(instant: datetime, round_up: bool = False) -> datetime:
    midnight = datetime.combine(instant.astimezone(UTC).date(), time(), UTC)
    return midnight + timedelta(days=1) if round_up and midnight < instant else midnight


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
