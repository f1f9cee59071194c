"""Decide which rows of the raw tables a load replaces.

dlt's merge deletes rows by key. The API's lists need more. If an owner has no rows any more, its
old rows must be deleted. If a list is read from a day on, the rows before that day must stay. So a
run writes the owners and times that it has read to the table `_delete_scope` before dlt loads the
new rows. The hint `destination_scope` of such a table is a condition that reads `_delete_scope`.
dlt deletes the rows that meet it, and then inserts the new rows.

Example: a run reads the balances of the customer c1 and gets the rows b1 and b2. It writes the row
('balances', 'c1', null) to `_delete_scope`. dlt then runs this, and inserts b1 and b2:

    delete from raw_api.balances where (
        customer_id in (select owner from raw_api._delete_scope where resource = 'balances')
        or customer_id not in (select id from raw_api.customers)
    )

If the run reads usage of c1 from 1 March on, the row is ('usage_daily', 'c1', '2024-03-01'), and
the condition also compares the time of a row with it.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from dlt.common.schema.typing import TMergeDispositionDict

from pipelines.metronome_api.api_tables import DATASET, RAW_TABLES
from pipelines.metronome_api.endpoints import ENDPOINT_OF, ENDPOINTS, Endpoint, Nested, tables
from pipelines.metronome_api.extract import ReadResult

DELETE_SCOPE = f"{DATASET}._delete_scope"

KEYS = {
    "audit_logs": ("id",),
    "runs": ("run_id",),
    "run_resources": ("run_id", "batch_number", "resource"),
    "reads": ("read_id",),
}
"""Tables whose rows replace only rows with the same key."""

Query = Callable[..., list[tuple[Any, ...]]]
"""A function that runs SQL with parameters and returns the rows."""


def hints(table: str) -> dict[str, Any]:
    """Return dlt's hints for a raw table in a load of the pipeline."""
    merge: TMergeDispositionDict = {"disposition": "merge", "strategy": "delete-insert"}
    found: dict[str, Any] = {
        "columns": RAW_TABLES[table],
        "write_disposition": merge,
        "file_format": "parquet",  # dlt's default, INSERT VALUES, truncates decimals to nine places
    }
    if table in KEYS:
        found["primary_key"] = KEYS[table]
    elif table in _PARTS:
        merge["destination_scope"] = _condition(*_PARTS[table], "{table}")
    else:
        found["write_disposition"] = "replace"
    return found


def create_delete_scope(query: Query) -> None:
    """Create the table `_delete_scope` if it does not exist."""
    query(f"create schema if not exists {DATASET}")
    query(
        f"create table if not exists {DELETE_SCOPE} "
        "(resource varchar, owner varchar, since timestamp with time zone)"
    )


def fill_delete_scope(query: Query, results: Iterable[ReadResult]) -> list[str]:
    """Write the reads of a load to `_delete_scope`, in place of those of the previous load.

    Returns:
        The tables that lose rows in the load and get no new rows. dlt deletes rows only from
        tables with an item, so the load needs an empty item for each of these tables.
    """
    available = [result for result in results if result.unavailable is None]
    query(f"delete from {DELETE_SCOPE}")
    keys = [key for result in available for key in _keys(result)]
    query(f"insert into {DELETE_SCOPE} {_ROWS}", _as_json(keys))
    # also invoices that no longer exist, such as old drafts. The API would have listed them
    invoiced = [
        (result.resource, result.customer_id, result.since)
        for result in available
        if _is_invoices(result)
    ]
    if invoiced:
        query(
            f"insert into {DELETE_SCOPE} select again.resource, id, null from invoices "
            f"inner join ({_ROWS}) as again on invoices.customer_id = again.owner "
            "where again.since is null or upper(status) = 'DRAFT' "
            "or issued_at >= again.since or issued_at is null",
            _as_json(invoiced),
        )
    filled = {table for result in available for table, rows in result.counts.items() if rows}
    emptied = [
        f"select '{table}' where exists (select 1 from {table} where {condition})"
        for table, condition in _conditions({result.resource for result in available})
        if table not in filled
    ]
    return [table for (table,) in query(" union all ".join(emptied))] if emptied else []


def _condition(endpoint: Endpoint, part: Endpoint | Nested, table: str) -> str | None:
    """Return the SQL condition of the rows that a load deletes. None: rows with the same key."""
    again = f"from {DELETE_SCOPE} where resource = '{endpoint.table}'"
    match endpoint.replaces:
        case "all":
            return f"exists (select 1 {again})"
        case "owner":
            return f"(customer_id in (select owner {again}) or {_OF_NOBODY})"
        case "invoices" if part is endpoint:
            return f"(id in (select owner {again}) or {_OF_NOBODY})"
        case "invoices":
            invoice_id = next(iter(part.keys))  # type: ignore[union-attr]
            # a killed load may have deleted the invoice and not its lines
            orphaned = f"{invoice_id} not in (select id from {DATASET}.invoices)"
            return f"({invoice_id} in (select owner {again}) or {orphaned})"
        case "window":
            return (
                f"(exists (select 1 {again} and owner = {table}.customer_id "
                f"and {table}.{endpoint.time} >= since) or {_OF_NOBODY})"
            )
    return None


_OF_NOBODY = f"customer_id not in (select id from {DATASET}.customers)"

_PARTS = {
    part.table: (endpoint, part) for endpoint in ENDPOINTS.values() for part in tables(endpoint)
}


def _conditions(resources: set[str]) -> Iterator[tuple[str, str]]:
    for resource in sorted(resources):
        endpoint = ENDPOINT_OF[resource]
        for part in tables(endpoint):
            if condition := _condition(endpoint, part, part.table):
                yield part.table, condition


def _is_invoices(result: ReadResult) -> bool:
    return ENDPOINTS[result.resource].replaces == "invoices"


def _keys(result: ReadResult) -> list[tuple[Any, ...]]:
    if _is_invoices(result):
        return [(result.resource, invoice_id, None) for invoice_id in result.ids]
    return [(result.resource, result.customer_id, result.since)]


_ROWS = (
    "select unnest(from_json(%s, "
    '\'[{"resource": "varchar", "owner": "varchar", "since": "timestamptz"}]\'), recursive := true)'
)
"""Selects rows of `_delete_scope` from a JSON text. As thousands of parameters, they would take
DuckDB's client thirty times as long."""


def _as_json(rows: list[tuple[Any, ...]]) -> str:
    names = ("resource", "owner", "since")
    return json.dumps([dict(zip(names, row, strict=True)) for row in rows], default=str)
