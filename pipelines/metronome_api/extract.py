"""Choose the requests: everything in the first run, later only what can have changed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import Any

from pipelines.common.errors import InputError
from pipelines.metronome_api.api_tables import TABLES
from pipelines.metronome_api.client import MetronomeClient, UnavailableError
from pipelines.metronome_api.endpoints import (
    ACCOUNT,
    ENDPOINT_OF,
    PER_CUSTOMER,
    Endpoint,
    Row,
)
from pipelines.metronome_api.rows import by_table
from pipelines.metronome_api.transport import RequestStats


@dataclass(frozen=True)
class ExtractWindow:
    """The resources and the time that a run reads.

    Attributes:
        as_of: The run's instant.
        resources: Names of the resources to read.
        invoice_lookback: How long after its issue an invoice can be voided or paid.
        usage_lookback: How long before the last run usage and breakdowns are read again, because
            usage can arrive late.
        history_start: The first instant of usage and breakdowns to read.
    """

    as_of: datetime
    resources: frozenset[str]
    invoice_lookback: timedelta
    usage_lookback: timedelta
    history_start: datetime


@dataclass
class ReadResult:
    """The result of reading one resource, for one customer or for the account.

    Attributes:
        rows: Rows by table. Empty if the rows are streamed to dlt: `counts` then has their number.
        ids: Ids of the customers or invoices among the rows.
        since: The start of the rows that were read. Earlier rows stay. None if all were read.
        unavailable: Why the resource could not be read.
        has_answered: Whether at least one list of the resource was read to its end.
        cursor: Where the next run continues.
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
        read_until: By resource, the instant of the newest run that has read it. A missing resource
            is read in full.
    """

    id: str
    created_at: datetime | None
    archived_at: datetime | None
    read_until: Mapping[str, datetime]


class Extractor:
    """Read resources, and remember which of them the token may not read.

    Threads can share an extractor.
    """

    def __init__(self, client: MetronomeClient, window: ExtractWindow, answered: set[str]) -> None:
        """Begin or resume a run.

        Args:
            client: Sends the requests.
            window: What to read.
            answered: Resources that the token could read earlier in the run.
        """
        self.client, self.window = client, window
        self.metrics: list[Row] = []
        self.has_plans = True
        self._answered = answered
        self._forbidden: dict[str, UnavailableError] = {}

    def read_all(
        self, endpoint: Endpoint, owners: Iterable[Row] = (), metrics: Iterable[Row] = ()
    ) -> Iterator[list[Row]]:
        """Yield all pages of a list of the account, or of the lists of rows of its parent.

        Args:
            endpoint: The list.
            owners: The rows of its parent. One customer, if the list has a window.
            metrics: The account's billable metrics, if the list needs them.

        Raises:
            UnavailableError: If the list cannot be read.
        """
        result = ReadResult(endpoint.table)
        rows = {endpoint.parent or "": list(owners), "billable_metrics": list(metrics)}
        if endpoint.window:
            (owner,) = rows["customers"]
            created_at = _instant(owner["created_at"]) if owner.get("created_at") else None
            customer = Customer(owner["id"], created_at, None, {})
            yield from self._windows(endpoint, customer, rows, {endpoint.table: result})
            return
        for keys in _asked_for(endpoint, rows) if endpoint.parent else [{}]:
            yield from self._lists(endpoint, keys, result)

    def stream(
        self, endpoint: Endpoint, owners: list[Row], result: ReadResult
    ) -> Iterator[list[Row]]:
        """Yield the pages of an account's list, or of the lists of rows of its parent.

        A row of the parent can be deleted at Metronome before its list is requested. The list is
        then not found, and the others still count. So the resource is unavailable only if every
        list fails.
        """
        for keys in [{}] if endpoint.parent is None else [_taken(endpoint, row) for row in owners]:
            has_begun = False
            try:
                for page in self._lists(endpoint, keys, result):
                    has_begun = True
                    if endpoint.table == "customers":
                        result.ids.extend(row["id"] for row in page)
                    yield page
                result.has_answered = True
            except UnavailableError as error:
                if has_begun:
                    raise InputError(f"{error.reason} It had returned the first pages.") from None
                result.unavailable = error
        if result.has_answered:
            result.unavailable = None

    def account_lists(
        self, results: list[ReadResult], audit_cursor: str | None
    ) -> Iterator[Iterator[tuple[str, list[Row]]]]:
        """Yield an iterator of rows by table for each list of the account, with its children.

        Args:
            results: The result of each resource is added here.
            audit_cursor: The cursor at which the audit logs continue.
        """
        selected = [endpoint for endpoint in ACCOUNT if endpoint.table in self.window.resources]
        for root in selected:
            if root.parent is None:
                group = [root, *(child for child in selected if child.parent == root.table)]
                own = {endpoint.table: ReadResult(endpoint.table) for endpoint in group}
                if root.replaces == "new":
                    own[root.table].cursor = audit_cursor
                results.extend(own.values())
                yield self._account_list(group, own)

    def _account_list(
        self, group: list[Endpoint], own: dict[str, ReadResult]
    ) -> Iterator[tuple[str, list[Row]]]:
        root, *children = group

        def items(endpoint: Endpoint, owners: list[Row]) -> Iterator[tuple[str, list[Row]]]:
            result = own[endpoint.table]
            for page in self.stream(endpoint, owners, result):
                for table, rows in by_table(endpoint, page):
                    result.counts[table] += len(rows)
                    yield table, rows
                if endpoint is root:
                    for child in children:
                        yield from items(child, page)

        yield from items(root, [])
        for child in children:
            result = own[child.table]
            result.unavailable = result.unavailable or own[root.table].unavailable

    def read_customer(self, customer: Customer) -> list[ReadResult]:
        """Read all selected resources of one customer."""
        if self._is_dormant(customer):
            return []
        own = {"id": customer.id}
        rows: dict[str, list[Row]] = {"customers": [own], "billable_metrics": self.metrics}
        results: dict[str, ReadResult] = {}
        for endpoint in PER_CUSTOMER:
            if endpoint.table in self.window.resources:
                result = ReadResult(endpoint.table, customer.id)
                results[endpoint.table] = result
                try:
                    self._read(endpoint, customer, rows, results)
                except UnavailableError as error:
                    result.unavailable = error
                    result.rows.clear()
                rows |= result.rows
        return list(results.values())

    def _is_dormant(self, customer: Customer) -> bool:
        """Return whether the customer was archived, and read, before the look-back."""
        instants = [
            customer.read_until.get(endpoint.table)
            for endpoint in PER_CUSTOMER
            if endpoint.table in self.window.resources
        ]
        read_until = min((instant for instant in instants if instant), default=None)
        return (
            customer.archived_at is not None
            and read_until is not None
            and None not in instants
            and customer.archived_at < read_until - self.window.invoice_lookback
        )

    def _read(
        self,
        endpoint: Endpoint,
        customer: Customer,
        rows: Mapping[str, list[Row]],
        results: Mapping[str, ReadResult],
    ) -> None:
        result = results[endpoint.table]
        parent = ENDPOINT_OF[endpoint.parent].table if endpoint.parent else None
        if parent in results and (problem := results[parent].unavailable):
            raise problem
        if endpoint.table == "customer_plans" and not self.has_plans:
            return  # the account has no plans
        if endpoint.replaces == "invoices":
            pages = self._invoices(endpoint, customer, result)
        elif endpoint.window:
            pages = self._windows(endpoint, customer, rows, results)
        else:
            pages = (
                page
                for keys in _asked_for(endpoint, rows)
                for page in self._lists(endpoint, keys, result)
            )
        for page in pages:
            if endpoint.replaces == "invoices":
                result.ids.extend(invoice["id"] for invoice in page)
            for table, page_rows in by_table(endpoint, page):
                result.rows[table].extend(page_rows)
                result.counts[table] += len(page_rows)

    def _invoices(
        self, endpoint: Endpoint, customer: Customer, result: ReadResult
    ) -> Iterator[list[Row]]:
        """Yield all invoices. In later runs, yield drafts and the invoices that can still change.

        The walk stops at a date of issue. The API documents its own date filters for periods, and
        they may exclude scheduled invoices.
        """
        read_until = customer.read_until.get(endpoint.table)
        if read_until is None:
            yield from self._lists(endpoint, {"customer_id": customer.id}, result)
            return
        result.since = read_until - self.window.invoice_lookback
        seen: set[str] = set()
        for request in ({}, {"status": "DRAFT"}):
            for page in self._lists(endpoint, {"customer_id": customer.id}, result, request):
                new = [invoice for invoice in page if invoice["id"] not in seen]
                seen.update(invoice["id"] for invoice in new)
                yield new
                is_before = [_issued_before(result.since, invoice) for invoice in page]
                if not request and is_before and all(is_before):
                    break
            else:
                return  # the walk ended, so all were read, drafts included

    def _windows(
        self,
        endpoint: Endpoint,
        customer: Customer,
        rows: Mapping[str, list[Row]],
        results: Mapping[str, ReadResult],
    ) -> Iterator[list[Row]]:
        result = results[endpoint.table]
        read_until = customer.read_until.get(endpoint.table)
        since = self.window.history_start  # a contract can start before its customer was created
        if endpoint.window != "invoiced" and customer.created_at:
            since = customer.created_at - self.window.usage_lookback
        if read_until is not None:
            since = max(since, read_until - self.window.usage_lookback)
        if read_until is not None and endpoint.window == "invoiced":
            since = min([since, *_starts_of_issued_since(read_until, rows.get("invoices", []))])
        until = _midnight(self.window.as_of, round_up=True)
        result.since = since = _midnight(max(since, self.window.history_start))
        if endpoint.window == "invoiced" and _are_known("invoices", results):
            periods = [
                (_instant(invoice["start_timestamp"]), _instant(invoice["end_timestamp"]))
                for invoice in rows.get("invoices", [])
                if invoice.get("start_timestamp") and invoice.get("end_timestamp")
            ]
            since = max(since, _midnight(min((start for start, _ in periods), default=until)))
            last = max((end for _, end in periods), default=until)
            until = min(until, _midnight(last, round_up=True))
        if endpoint.window == "month":
            result.since = since = since.replace(day=1)
        for start, end in _spans(since, until, by_month=endpoint.window == "month"):
            window = {"starting_on": _text(start), "ending_before": _text(end)}
            for keys in _asked_for(endpoint, rows):
                yield from self._lists(endpoint, {**keys, **window}, result)

    def _lists(
        self,
        endpoint: Endpoint,
        keys: Row,
        result: ReadResult,
        more: Mapping[str, Any] | None = None,
    ) -> Iterator[list[Row]]:
        """Walk one list. Rows get the keys of their request if they do not have them."""
        own = {column: value for column, value in keys.items() if column in TABLES[endpoint.table]}
        filled = {**keys, "as_of": _text(self.window.as_of)}
        seen: set[str] = set()  # a row that moves between pages can occur twice
        # positions count within a window, which is always read whole, or within the response
        places: dict[Any, Iterator[int]] = defaultdict(lambda: count(1))
        for template in endpoint.params:
            request = {**_filled(template, filled), **(more or {})}
            if result.cursor:
                request["next_page"] = result.cursor
            for page in self._pages(endpoint, keys, request, result):
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
        """Refuse rows of another customer. They would replace the requested customer's rows."""
        asked = own.get("customer_id")
        if asked and row["customer_id"] != asked:
            error = InputError(
                f"{endpoint.method} {endpoint.path} answered with a row of customer "
                f"{row['customer_id']} when {asked} was requested. Nothing of it is loaded."
            )
            self.client.stop(error)
            raise error

    def _pages(
        self, endpoint: Endpoint, keys: Row, request: Row, result: ReadResult
    ) -> Iterator[list[Row]]:
        resource = endpoint.table
        if resource in self._forbidden:
            raise self._forbidden[resource]
        try:
            for page, cursor in self.client.walk(endpoint, keys, request, result.stats):
                self._answered.add(resource)
                if endpoint.replaces == "new":
                    result.cursor = cursor or result.cursor
                yield page
        except UnavailableError as error:
            if error.status == 403:
                if resource in self._answered:
                    reason = InputError(
                        f"{error.reason} It answered earlier in this run: is the token still "
                        "valid? Loaded rows are kept. Run again to resume."
                    )
                    self.client.stop(reason)
                    raise reason from None
                self._forbidden[resource] = error
            raise
        except InputError as error:
            self.client.stop(error)
            raise


def _are_known(resource: str, results: Mapping[str, ReadResult]) -> bool:
    return resource in results and not results[resource].unavailable


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
    """Fill the placeholders of the params. A placeholder is a whole value, of any type."""
    if isinstance(template, Mapping):
        return {name: _filled(value, keys) for name, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, keys) for value in template]
    if isinstance(template, str) and template.startswith("{"):
        return keys[template.strip("{}")]
    return template


def _starts_of_issued_since(instant: datetime, invoices: list[Row]) -> Iterator[datetime]:
    """Yield the start of the period of each invoice that became final since an instant."""
    for invoice in invoices:
        is_draft = str(invoice.get("status")).upper() == "DRAFT"
        if not is_draft and invoice.get("start_timestamp") and not _issued_before(instant, invoice):
            yield _instant(invoice["start_timestamp"])


def _issued_before(instant: datetime, invoice: Row) -> bool:
    issued_at = invoice.get("issued_at")
    return issued_at is not None and _instant(issued_at) < instant


def _spans(since: datetime, until: datetime, by_month: bool) -> Iterator[tuple[datetime, datetime]]:
    """Yield [since, until) whole, or split at month boundaries. Yields nothing if it is empty."""
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
