"""Read the arguments of a run, and check them without data.

`make` passes each argument to dbt as an environment variable: `REPORT_MONTH=2024-03`. The macros in
`macros/arguments.sql` read it, check it again and fill in its default. `python -m
pipelines.publish.arguments` checks the forms of all arguments before a run loads anything.
"""

import os
import re
import sys
from datetime import date, datetime

from pipelines.common.errors import InputError

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
"""The arguments, each with the macro through which models read it."""


def variable(argument: str) -> str:
    """Return the environment variable of an argument."""
    return f"REPORT_{argument.upper()}"


def arguments() -> dict[str, str]:
    """Read all arguments from the environment. An argument that is not set is an empty text."""
    return {name: os.environ.get(variable(name), "").strip() for name in ARGUMENTS}


def accepts_incomplete() -> bool:
    """Return whether reports may lack parts of the export. dlt and dbt read the same variable."""
    return os.environ.get("SOURCES__METRONOME_EXPORT__ACCEPT_INCOMPLETE", "").lower() == "true"


def check_forms(given: dict[str, str]) -> None:
    """Check the arguments that can be checked without data.

    Raises:
        InputError: If an argument is not an instant, month, day or environment, or if `usage_to` is
            before `usage_from`.
    """
    if given["as_of"]:
        _check_time(
            "as_of", given["as_of"], "an instant such as 2024-04-03 or 2024-04-03T12:00:00Z"
        )
    if given["month"] and not re.fullmatch("[0-9]{4}-(0[1-9]|1[0-2])", given["month"]):
        raise InputError(f"month: {given['month']!r} is not a month. Give one such as 2024-03.")
    for name in ("usage_from", "usage_to"):
        if given[name]:
            if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", given[name]):
                raise InputError(
                    f"{name}: {given[name]!r} is not a day. Give one such as 2024-03-10."
                )
            _check_time(name, given[name], "a day such as 2024-03-10")
    if given["usage_from"] and given["usage_to"] and given["usage_to"] < given["usage_from"]:
        raise InputError(
            f"usage_to: {given['usage_to']} is before usage_from, {given['usage_from']}."
        )
    if given["environment"].upper() not in ("", "PRODUCTION", "SANDBOX"):
        raise InputError(
            f"environment: {given['environment']!r} is not an environment. "
            "Give PRODUCTION or SANDBOX, or leave it out."
        )


def _check_time(name: str, text: str, form: str) -> None:
    try:
        date.fromisoformat(text[:10])
        datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{name}: {text!r} is not {form}.") from None


def main() -> int:
    """Check the forms of the arguments. Return 0, or print what is wrong and return 1."""
    try:
        check_forms(arguments())
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
