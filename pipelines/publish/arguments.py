"""The arguments of a run: what may be given, and checks that need neither dbt nor a build.

`make` hands each argument to dbt as an environment variable: `REPORT_MONTH=2024-03`. The macros in
`macros/arguments.sql` read it, check it again and fill in its default. `python -m
pipelines.publish.arguments` checks the forms of all arguments before a run loads anything.
"""

import difflib
import os
import re
import sys
from datetime import UTC, date, datetime

import duckdb

from pipelines import metronome_api, metronome_export
from pipelines.errors import InputError

ARGUMENTS = {
    "as_of": "as_of_value",
    "month": "billing_month",
    "customer": "customer",
    "environment": "environment",
    "usage_from": "usage_from",
    "usage_to": "usage_to",
    "usage_event": "usage_event",
    "usage_property": "usage_property",
    "usage_quantity": "usage_quantity",
}
"""Each argument, and the macro that models read it by."""

SIMILAR = 10
"""How many customers a message suggests at most."""


def variable(argument: str) -> str:
    """Return the environment variable of an argument."""
    return f"REPORT_{argument.upper()}"


def arguments() -> dict[str, str]:
    """Read all arguments from the environment. One that was not given is an empty text."""
    return {name: os.environ.get(variable(name), "").strip() for name in ARGUMENTS}


def check_forms(given: dict[str, str]) -> None:
    """Check the arguments that can be checked without data.

    Raises:
        InputError: If one is not an instant, month, day or environment, or the days are reversed.
    """
    if given["as_of"]:
        _parsed("as_of", given["as_of"], "an instant such as 2024-04-03 or 2024-04-03T12:00:00Z")
    if month := given["month"]:
        if not re.fullmatch("[0-9]{4}-(0[1-9]|1[0-2])", month):
            raise InputError(f"month: {month!r} is not a month. Give one such as 2024-03.")
    for name in ("usage_from", "usage_to"):
        if given[name]:
            if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", given[name]):
                raise InputError(f"{name}: {given[name]!r} is not a day. Give one such as 2024-03-10.")
            _parsed(name, given[name], "a day such as 2024-03-10")
    if given["usage_from"] and given["usage_to"] and given["usage_to"] < given["usage_from"]:
        raise InputError(
            f"usage_to: {given['usage_to']} is before usage_from, {given['usage_from']}."
        )
    if given["environment"].upper() not in ("", "PRODUCTION", "SANDBOX"):
        raise InputError(
            f"environment: {given['environment']!r} is not an environment. "
            "Give PRODUCTION or SANDBOX, or leave it out."
        )


def check_customer(connection: duckdb.DuckDBPyConnection, customer: str) -> None:
    """Check that some raw row has the customer's id or name, in any letter case.

    dbt decides later which customer it is: here only a name that no row has is refused.

    Raises:
        InputError: If no row has it. The message suggests names that are similar.
    """
    if not customer:
        return
    rows = connection.execute(
        f"select id, name from {metronome_export.DATASET}.customer "
        f"union select id, name from {metronome_api.DATASET}.customers"
    ).fetchall()
    asked = customer.casefold()
    if not rows or any(asked in (id_.casefold(), (name or "").strip().casefold()) for id_, name in rows):
        return
    names = {(name or "").strip(): id_ for id_, name in rows if name}
    similar = difflib.get_close_matches(customer, names, SIMILAR, 0.6)
    hint = "".join(f"\n    {names[name]}  {name}" for name in similar)
    raise InputError(
        f"customer: no customer has the name or id {customer!r}."
        + (f" Did you mean one of these?{hint}" if hint else " No name is similar.")
    )


def _parsed(name: str, text: str, form: str) -> datetime:
    try:
        date.fromisoformat(text[:10])
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise InputError(f"{name}: {text!r} is not {form}.") from None


def main() -> int:
    """Check the forms of the arguments. Return 1 and print what is wrong, else 0."""
    try:
        check_forms(arguments())
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
