"""Refuse a customer that is in no raw row, before dbt builds anything."""

import difflib

import duckdb

from pipelines import metronome_api, metronome_export
from pipelines.common.errors import InputError

SIMILAR = 10
"""The most customers that a message suggests."""


def check_customer(connection: duckdb.DuckDBPyConnection, customer: str) -> None:
    """Check that some raw row has the customer's id or name, in any letter case.

    dbt decides later which customer it is. This check only refuses a name that no row has.

    Raises:
        InputError: If no row has it. The message suggests similar names.
    """
    if not customer:
        return
    rows = connection.execute(
        f"select id, name from {metronome_export.DATASET}.customer "
        f"union select id, name from {metronome_api.DATASET}.customers"
    ).fetchall()
    asked = customer.casefold()
    if not rows or any(
        asked in (id_.casefold(), (name or "").strip().casefold()) for id_, name in rows
    ):
        return
    names = {(name or "").strip(): id_ for id_, name in rows if name}
    similar = difflib.get_close_matches(customer, names, SIMILAR, 0.6)
    hint = "".join(f"\n    {names[name]}  {name}" for name in similar)
    raise InputError(
        f"customer: no customer has the name or id {customer!r}."
        + (f" Did you mean one of these?{hint}" if hint else " No name is similar.")
    )
