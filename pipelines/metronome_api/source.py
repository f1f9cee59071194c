"""The dlt resources: how the rows of a run reach the raw tables, and which rows they put out."""

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

import dlt
from dlt.common.schema.typing import TMergeDispositionDict
from dlt.extract import DltResource
from dlt.extract.hints import make_hints

from pipelines.columns import Hints
from pipelines.errors import InputError
from pipelines.metronome_api.endpoints import (
    ACCOUNT,
    ENDPOINTS,
    Endpoint,
    Nested,
    Row,
    tables,
)
from pipelines.metronome_api.reading import Read, Reader
from pipelines.metronome_api.rows import by_table
from pipelines.metronome_api.tables import READ_FROM, TABLES

DATASET = "raw_api"
REREADS = f"{DATASET}._rereads"
"""What the load in progress has read again, and puts out of the tables."""

RAW_TABLES: dict[str, Hints] = {**TABLES, "read_from": READ_FROM}

KEYS = {
    "audit_logs": ("id",),
    "runs": ("run_id",),
    "run_resources": ("run_id", "batch_number", "resource"),
    "reads": ("read_id",),
}
"""Tables whose rows replace only those with the same key."""


def load_items(name: str, items: Iterable[Any]) -> DltResource:
    """Return the dlt resource of one load: items of any of the raw tables, each marked with its."""
    return dlt.resource(_declared(items), name=name)


def _declared(items: Iterable[Any]) -> Iterator[Any]:
    """Mark the first item of each table with the table's hints: dlt keeps them for the others."""
    declared: set[str] = set()
    for table, item in items:
        if table in declared:
            yield dlt.mark.with_table_name(item, table)
        else:
            declared.add(table)
            hints = make_hints(table_name=table, **_hints(table))
            yield dlt.mark.with_hints(item, hints, create_table_variant=True)


def account_groups(
    reader: Reader, reads: list[Read], audit_cursor: str | None
) -> Iterator[Iterator[tuple[str, list[Row]]]]:
    """Yield the lists of the account, each with the lists that are asked for its rows.

    Args:
        reader: Reads them.
        reads: Gets what came of each.
        audit_cursor: Where the audit logs go on.
    """
    selected = [endpoint for endpoint in ACCOUNT if endpoint.table in reader.scope.resources]
    for root in selected:
        if root.parent is None:
            group = [root, *(child for child in selected if child.parent == root.table)]
            own = {endpoint.table: Read(endpoint.table) for endpoint in group}
            if root.replaces == "new":
                own[root.table].cursor = audit_cursor
            reads.extend(own.values())
            yield _stream(reader, group, own)


def _stream(
    reader: Reader, group: list[Endpoint], own: dict[str, Read]
) -> Iterator[tuple[str, list[Row]]]:
    """One list of the account, and those that are asked for each of its rows."""
    root, *children = group

    def items(endpoint: Endpoint, owners: list[dict[str, Any]]) -> Iterator[tuple[str, list[Row]]]:
        read = own[endpoint.table]
        for page in reader.stream(endpoint, owners, read):
            for table, rows in by_table(endpoint, page):
                read.counts[table] += len(rows)
                yield table, rows
            if endpoint is root:
                for child in children:
                    yield from items(child, page)

    yield from items(root, [])
    for child in children:
        own[child.table].unavailable = own[child.table].unavailable or own[root.table].unavailable


def host(base_url: str) -> str:
    """What tells one API from another: its host, or `sandbox` for one on this machine.

    Raises:
        InputError: If it is no address of an API, or holds a secret, which is not repeated.
    """
    try:
        parts = urlsplit(base_url)
        name = parts.hostname if parts.scheme in ("http", "https") else None
    except ValueError:
        name = None
    if name is None:
        raise InputError(
            "METRONOME_BASE_URL is not an address: it starts with https:// and a host."
        )
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise InputError(
            "METRONOME_BASE_URL holds more than the address of the API: leave out user, password "
            "and what follows a ? or #. The token is all that the API asks for."
        )
    return "sandbox" if name in ("127.0.0.1", "localhost") else name


def replaced(endpoint: Endpoint, part: Endpoint | Nested, table: str) -> str | None:
    """The rows of a table that a load puts out, as an SQL condition; None: those of the same key.

    What is read again stands in `REREADS`, which is written before the load begins.
    """
    again = f"from {REREADS} where resource = '{endpoint.table}'"
    match endpoint.replaces:
        case "all":
            return f"exists (select 1 {again})"
        case "owner":
            return f"(customer_id in (select owner {again}) or {_OF_NOBODY})"
        case "invoices" if part is endpoint:
            return f"(id in (select owner {again}) or {_OF_NOBODY})"
        case "invoices":
            invoice_id = next(iter(part.keys))  # type: ignore[union-attr]
            # a load that was killed may have put out the invoice and not its lines
            orphaned = f"{invoice_id} not in (select id from {DATASET}.invoices)"
            return f"({invoice_id} in (select owner {again}) or {orphaned})"
        case "window":
            return (
                f"(exists (select 1 {again} and owner = {table}.customer_id "
                f"and {table}.{endpoint.time} >= since) or {_OF_NOBODY})"
            )
    return None


_OF_NOBODY = f"customer_id not in (select id from {DATASET}.customers)"


def _hints(table: str) -> dict[str, Any]:
    merge: TMergeDispositionDict = {"disposition": "merge", "strategy": "delete-insert"}
    hints: dict[str, Any] = {
        "columns": RAW_TABLES[table],
        "write_disposition": merge,
        "file_format": "parquet",  # dlt's default, INSERT VALUES, cuts decimals to nine places
    }
    if table in KEYS:
        hints["primary_key"] = KEYS[table]
    elif table in _PARTS:
        merge["destination_scope"] = replaced(*_PARTS[table], "{table}")
    else:
        hints["write_disposition"] = "replace"
    return hints


_PARTS = {
    part.table: (endpoint, part) for endpoint in ENDPOINTS.values() for part in tables(endpoint)
}
