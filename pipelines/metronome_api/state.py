"""Query the results of earlier runs: runs, cursors, and customers that were read."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from pipelines.metronome_api.extract import Customer, ExtractWindow, ReadResult
from pipelines.metronome_api.replace import create_delete_scope, fill_delete_scope

COMPLETE = "_dlt_load_id in (select load_id from _dlt_loads where status = 0)"
"""The condition of rows whose load package is complete."""

MEMORY = "512MB"
"""DuckDB's memory limit while a run loads. Without it, DuckDB caches everything that a run reads.

It is several times the need of a batch, because a commit that runs out of memory can duplicate
rows.
"""


class Database:
    """Query the raw tables of the API over one connection, which a run keeps open."""

    def __init__(self, client: SqlClientBase[Any]) -> None:
        """Use a connection whose default schema is the dataset's."""
        self._client = client
        self._query(f"set memory_limit = '{MEMORY}'")
        create_delete_scope(self._query)

    def checkpoint(self) -> None:
        """Write loaded rows to the database file. Until then DuckDB keeps them in memory."""
        self._query("checkpoint")

    def unfinished_run(self, host: str, window: ExtractWindow) -> tuple[Any, ...] | None:
        """Return id, as_of, start and full_refresh of the newest run, if it did not end.

        Only runs of the same host and resources count.
        """
        rows = self._query(
            "select run_id, as_of, started_at, full_refresh, "
            f"finished_at is not null and {COMPLETE} from runs "
            "where host = %s and cast(selected as varchar) = %s order by started_at desc limit 1",
            host,
            json.dumps(sorted(window.resources), separators=(",", ":")),
        )
        return rows[0][:4] if rows and not rows[0][4] else None

    def batches(self, run_id: str) -> int:
        """Return the number of complete batches of a run. The first has the account's lists."""
        ((number,),) = self._query(
            "select coalesce(max(batch_number) + 1, 0) from run_resources "
            f"where run_id = %s and {COMPLETE}",
            run_id,
        )
        return number

    def answered(self, run_id: str) -> set[str]:
        """Return the resources that the token could read earlier in a run."""
        rows = self._query(
            "select distinct resource from reads "
            f"where run_id = %s and status = 'read' and {COMPLETE}",
            run_id,
        )
        return {resource for (resource,) in rows}

    def is_of_others(self, customer_ids: list[str]) -> bool:
        """Return whether the database has customers, and none of them is among these."""
        ((held, in_common),) = self._query(
            "select count(*), count(*) filter (where list_contains(cast(%s as varchar[]), id)) "
            "from customers",
            customer_ids,
        )
        return held > 0 and in_common == 0

    def cursor(self, resource: str) -> str | None:
        """Return the cursor at which the newest read of a list of the account stopped."""
        rows = self._query(
            f"select cursor from reads where read_id = %s and {COMPLETE}", f"{resource}/account"
        )
        return rows[0][0] if rows else None

    def metrics(self) -> list[dict[str, Any]]:
        """Return ids and group keys of the billable metrics."""
        rows = self._query("select id, group_keys from billable_metrics order by id")
        return [{"id": id_, "group_keys": json.loads(keys or "[]")} for id_, keys in rows]

    def has_plans(self, run_id: str) -> bool:
        """Return whether the account has plans. True also if the run has not read them."""
        ((has_plans,),) = self._query(
            "select exists (select 1 from plans) or not exists (select 1 from reads "
            "where read_id = 'plans/account' and status = 'read' and run_id = %s)",
            run_id,
        )
        return has_plans

    def count_unread(self, run_id: str) -> tuple[int, int]:
        """Return the number of customers, and of those that the run has not read yet."""
        ((customers, unread),) = self._query(
            "select count(*), count(*) filter (where id not in "
            f"(select customer_id from reads where run_id = %s and {COMPLETE} "
            "and customer_id is not null)) from customers",
            run_id,
        )
        return customers, unread

    def unread(self, run_id: str, full: bool, at_once: int = 500) -> Iterator[Customer]:
        """Yield the customers that the run has not read yet, by id.

        Args:
            run_id: The run.
            full: Ignore what earlier runs have read.
            at_once: Customers per query, so that memory does not grow with the account.
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

    def replace(self, results: Iterable[ReadResult]) -> list[str]:
        """Record which rows the next load replaces. Return the tables that only lose rows."""
        return fill_delete_scope(self._query, results)

    def _query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return list(self._client.execute_sql(sql, *parameters) or [])
