"""dlt source `metronome_api`: customers, invoices, contracts and balances of one account, live.

Reads the lists in `settings.ENDPOINTS` and replaces their tables in `raw_api`: each run is a
picture of the account now. The token decides the environment; the API does not name it.
"""

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

import dlt
from dlt.common.typing import TSecretStrValue
from dlt.extract import DltResource
from dlt.extract.hints import make_hints

from pipelines.metronome_api.client import MetronomeClient
from pipelines.metronome_api.settings import (
    CUSTOMERS,
    ENDPOINTS,
    READ_FROM,
    TABLES,
    Endpoint,
    Nested,
)

NAME = "metronome_api"
DATASET = "raw_api"
RAW_TABLES = {**TABLES, "read_from": READ_FROM}

TABLE_HINTS: dict[str, Any] = {
    "write_disposition": "replace",
    "file_format": "parquet",  # dlt's default, INSERT VALUES, cuts decimals to nine places
}

Row = dict[str, Any]


@dlt.source(name=NAME)
def metronome_api(base_url: str, bearer_token: TSecretStrValue) -> Iterable[DltResource]:
    """Read the whole account: one resource per endpoint, one table per list.

    Args:
        base_url: The API's host.
        bearer_token: A token that may read; it decides the environment.
    """
    client = MetronomeClient(base_url, bearer_token)

    def walk(endpoint: Endpoint, customer_id: str | None = None) -> Iterator[list[Row]]:
        seen: set[str] = set()  # a row that moves while pages are read may come twice
        for request in endpoint.requests:
            for page in client.walk(endpoint, request, customer_id):
                new = [row for row in page if row["id"] not in seen]
                seen.update(row["id"] for row in new)
                yield new

    read_from = dlt.resource([{"host": host(base_url)}], name="read_from")
    yield read_from.apply_hints(columns=READ_FROM, **TABLE_HINTS)

    customers = _declare(dlt.resource(walk(CUSTOMERS), name=CUSTOMERS.table), CUSTOMERS)
    yield customers

    for endpoint in ENDPOINTS:

        def account_wide(endpoint: Endpoint = endpoint) -> Iterator[Any]:
            for page in walk(endpoint):
                yield from _by_table(endpoint, page)

        def per_customer(page: list[Row], endpoint: Endpoint = endpoint) -> Iterator[Any]:
            for customer_id in (customer["id"] for customer in page):
                for rows in walk(endpoint, customer_id):
                    yield from _by_table(
                        endpoint, [{**row, "customer_id": customer_id} for row in rows]
                    )

        if endpoint.per_customer:
            resource = dlt.transformer(per_customer, data_from=customers, name=endpoint.table)
        else:
            resource = dlt.resource(account_wide, name=endpoint.table)
        yield _declare(resource, endpoint)


def host(base_url: str) -> str:
    """What tells one API from another: its host, or `sandbox` for one on this machine."""
    name = urlsplit(base_url).hostname or base_url
    return "sandbox" if name in ("127.0.0.1", "localhost") else name


def empty_table(_: dlt.Dataset, table: str) -> DltResource:
    """A resource that creates a table and loads nothing."""
    empty = dlt.resource([dlt.mark.materialize_table_schema()], name=table)
    return empty.apply_hints(columns=RAW_TABLES[table], **TABLE_HINTS)


def _declare(resource: DltResource, endpoint: Endpoint) -> DltResource:
    """Tell dlt the columns of every table that the endpoint fills, once instead of per page."""
    resource.apply_hints(**TABLE_HINTS)
    for nested in _descendants(endpoint):
        hints = make_hints(table_name=nested.table, columns=TABLES[nested.table], **TABLE_HINTS)
        resource.merge_hints(hints, create_table_variant=True)
    # last: a variant begins as a copy of what the resource has
    return resource.apply_hints(columns=TABLES[endpoint.table])


def _descendants(parent: Endpoint | Nested) -> Iterator[Nested]:
    for nested in parent.nested:
        yield nested
        yield from _descendants(nested)


def _by_table(parent: Endpoint | Nested, rows: list[Row]) -> Iterator[Any]:
    """Send rows to their table, and the rows of their nested lists to theirs."""
    for nested in parent.nested:
        yield from _by_table(nested, [child for row in rows for child in _take(row, nested)])
    yield dlt.mark.with_table_name(rows, parent.table)


def _take(parent: Row, nested: Nested) -> Iterator[Row]:
    """Take a nested list out of its parent; each row gets its parent's key and its place."""
    *way, last = nested.path.split(".")
    holder: Any = parent
    for key in way:
        holder = holder.get(key) or {}
    for position, row in enumerate(holder.pop(last, None) or [], start=1):
        keys = {column: parent[key] for column, key in nested.keys.items()}
        yield {**row, **keys, nested.position: position}
