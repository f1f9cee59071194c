"""What the database holds already: runs, customers that were read, and rows to be put out."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from pipelines.metronome_api.endpoints import ENDPOINT_OF, ENDPOINTS, tables
from pipelines.metronome_api.reading import Customer, Read, Scope
from pipelines.metronome_api.source import DATASET, REREADS, replaced

COMPLETE = "_dlt_load_id in (select load_id from _dlt_loads where status = 0)"
"""The load that brought a row was complete: it was not killed half-way."""

MEMORY = "512MB"
"""What DuckDB may hold in memory while a run is loading; else it holds all that the run touches.

A commit that finds no memory may leave rows twice, so this is several times what a batch needs.
"""


class Database:
    """The raw tables of the API, over one connection that a run keeps open."""

    def __init__(self, client: SqlClientBase[Any]) -> None:
        """Use a connection whose default schema is the dataset's."""
        self._client = client
        self._query(f"set memory_limit = '{MEMORY}'")
        self._query(f"create schema if not exists {DATASET}")
        self._query(
            f"create table if not exists {REREADS} "
            "(resource varchar, owner varchar, since timestamp with time zone)"
        )

    def checkpoint(self) -> None:
        """Move what was loaded from memory to the file: until then it cannot be let go of."""
        self._query("checkpoint")

    def unfinished_run(self, host: str, scope: Scope) -> tuple[Any, ...] | None:
        """The newest run that did not end, if it read the same: id, as_of, start, full_refresh."""
        rows = self._query(
            "select run_id, as_of, started_at, full_refresh, "
            f"finished_at is not null and {COMPLETE} from runs "
            "where host = %s and cast(selected as varchar) = %s order by started_at desc limit 1",
            host,
            json.dumps(sorted(scope.resources), separators=(",", ":")),
        )
        return rows[0][:4] if rows and not rows[0][4] else None

    def batches(self, run_id: str) -> int:
        """How many batches of a run are complete, the account's lists being the first."""
        ((number,),) = self._query(
            "select coalesce(max(batch_number) + 1, 0) from run_resources "
            f"where run_id = %s and {COMPLETE}",
            run_id,
        )
        return number

    def answered(self, run_id: str) -> set[str]:
        """The resources that the token could read earlier in a run."""
        rows = self._query(
            "select distinct resource from reads "
            f"where run_id = %s and status = 'read' and {COMPLETE}",
            run_id,
        )
        return {resource for (resource,) in rows}

    def is_of_others(self, customer_ids: list[str]) -> bool:
        """Whether it holds customers, and none of these: those of another account."""
        ((held, in_common),) = self._query(
            "select count(*), count(*) filter (where list_contains(cast(%s as varchar[]), id)) "
            "from customers",
            customer_ids,
        )
        return held > 0 and in_common == 0

    def cursor(self, resource: str) -> str | None:
        """Where the newest read of a list of the account stopped."""
        rows = self._query(
            f"select cursor from reads where read_id = %s and {COMPLETE}", f"{resource}/account"
        )
        return rows[0][0] if rows else None

    def metrics(self) -> list[dict[str, Any]]:
        """The billable metrics and the groups that they can be counted by."""
        rows = self._query("select id, group_keys from billable_metrics order by id")
        return [{"id": id_, "group_keys": json.loads(keys or "[]")} for id_, keys in rows]

    def has_plans(self, run_id: str) -> bool:
        """Whether the account has plans, or the run did not ask or got no answer."""
        ((has_plans,),) = self._query(
            "select exists (select 1 from plans) or not exists (select 1 from reads "
            "where read_id = 'plans/account' and status = 'read' and run_id = %s)",
            run_id,
        )
        return has_plans

    def count_unread(self, run_id: str) -> tuple[int, int]:
        """How many customers there are, and how many of them the run has yet to read."""
        ((customers, unread),) = self._query(
            "select count(*), count(*) filter (where id not in "
            f"(select customer_id from reads where run_id = %s and {COMPLETE} "
            "and customer_id is not null)) from customers",
            run_id,
        )
        return customers, unread

    def unread(self, run_id: str, full: bool, at_once: int = 500) -> Iterator[Customer]:
        """Customers that the run has yet to read, by id.

        Args:
            run_id: The run.
            full: Do not tell what earlier runs have read.
            at_once: How many to fetch in one query: memory does not grow with the account.
        """
        last = ""
        while True:
            rows = self._query(
                "with page as (select id, created_at, archived_at from customers where id > %s "
                f"and id not in (select customer_id from reads where run_id = %s and {COMPLETE} "
                "and customer_id is not null) order by id limit %s) "
                "select page.id, created_at, archived_at, resource, as_of from page left join ("
                f"select * from reads where status = 'read' and not %s and {COMPLETE}) as reads "
                "on page.id = reads.customer_id order by page.id",
                last,
                run_id,
                at_once,
                full,
            )
            if not rows:
                return
            read_until: dict[str, dict[str, datetime]] = {}
            dates: dict[str, tuple[datetime, datetime | None]] = {}
            for customer_id, created_at, archived_at, resource, as_of in rows:
                dates[customer_id] = (created_at, archived_at)
                instants = read_until.setdefault(customer_id, {})
                if resource:
                    instants[resource] = as_of
            for customer_id, (created_at, archived_at) in dates.items():
                yield Customer(customer_id, created_at, archived_at, read_until[customer_id])
            last = customer_id

    def replace(self, reads: Iterable[Read]) -> list[str]:
        """Note what was read, so that the load puts out the rows that were there before.

        Returns:
            The tables that lose rows and get none: dlt replaces no rows of a table unless it is
            told of it.
        """
        available = [read for read in reads if read.unavailable is None]
        self._query(f"delete from {REREADS}")
        self._insert([key for read in available for key in _keys(read)])
        invoiced = [(read.customer_id, read.since) for read in available if _is_invoices(read)]
        if invoiced:
            # with all that was read, what would have been if it were still there, as drafts may not
            self._query(
                f"insert into {REREADS} select 'invoices', id, null from invoices inner join "
                f"(values {', '.join(['(%s, %s)'] * len(invoiced))}) as again (customer_id, since) "
                "on invoices.customer_id = again.customer_id "
                "where again.since is null or upper(status) = 'DRAFT' "
                "or issued_at >= again.since or issued_at is null",
                *[value for row in invoiced for value in row],
            )
        filled = {table for read in available for table, rows in read.counts.items() if rows}
        resources = {read.resource for read in available}
        emptied = [
            f"select '{table}' where exists (select 1 from {table} where {condition})"
            for table, condition in _conditions(resources)
            if table not in filled
        ]
        return [table for (table,) in self._query(" union all ".join(emptied))] if emptied else []

    def _insert(self, rows: list[tuple[Any, ...]]) -> None:
        for start in range(0, len(rows), 1000):
            part = rows[start : start + 1000]
            places = ", ".join(["(%s, %s, %s)"] * len(part))
            self._query(
                f"insert into {REREADS} values {places}", *[value for row in part for value in row]
            )

    def _query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return list(self._client.execute_sql(sql, *parameters) or [])


def _is_invoices(read: Read) -> bool:
    return ENDPOINTS[read.resource].replaces == "invoices"


def _keys(read: Read) -> list[tuple[Any, ...]]:
    if _is_invoices(read):
        return [(read.resource, invoice_id, None) for invoice_id in read.ids]
    return [(read.resource, read.customer_id, read.since)]


def _conditions(resources: set[str]) -> Iterator[tuple[str, str]]:
    for resource in sorted(resources):
        endpoint = ENDPOINT_OF[resource]
        for part in tables(endpoint):
            if condition := replaced(endpoint, part, part.table):
                yield part.table, condition
