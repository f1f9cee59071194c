"""Split lists into pages, with six dialects of one cursor and the audit log's cursor."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from sandbox.api.arguments import ApiError, Arguments
from sandbox.core.records import Record, to_time


class Paging(NamedTuple):
    """A dialect of paging: the places of cursor and limit in requests and responses.

    Attributes:
        place: `query` or `body`, for cursor and limit.
        cursor: The cursor's name in requests.
        greatest: The greatest limit, or 0 if the list does not accept a limit.
        default: Rows per page when no limit is sent.
        answer: The cursor's name in responses.
    """

    place: str
    cursor: str
    greatest: int
    default: int
    answer: str


QUERY = Paging("query", "next_page", 100, 100, "next_page")
QUERY_WITHOUT_LIMIT = Paging("query", "next_page", 0, 100, "next_page")
BODY = Paging("body", "next_page", 25, 25, "next_page")
CONTRACTS = Paging("body", "cursor", 20, 20, "cursor")
SEATS = Paging("body", "cursor", 10, 10, "next_page")
SEAT_BALANCES = Paging("body", "cursor", 100, 25, "pagination.next_page")
LOG = Paging("query", "next_page", 100, 100, "next_page")
"""The audit log: every response has a cursor, which never expires."""


def limit_of(paging: Paging, sent: Any) -> int:
    """Return the requested rows per page.

    Raises:
        ApiError: 400, not a whole number (as text in a query, as number in a body), or too many.
    """
    if sent is None:
        return paging.default
    text = paging.place == "query" and sent.isdecimal()
    number = paging.place == "body" and type(sent) is int
    if not (text or number) or not 1 <= int(sent) <= paging.greatest:
        raise ApiError(400, f"limit must be a whole number from 1 to {paging.greatest}")
    return int(sent)


def seal_of(*parts: object) -> str:
    """Return a hash that ties a cursor to a list, its arguments and a state of the account."""
    return sha256(repr(parts).encode()).hexdigest()[:12]


def page(
    rows: Sequence[Record],
    paging: Paging,
    limit: int,
    cursor: Any,
    seal: str,
    fits: Callable[[list[Record]], int] = len,
) -> Record:
    """Return the page of a list at a cursor, with the cursor of the next page or null.

    Args:
        rows: The whole list, in its order.
        paging: The list's dialect.
        limit: Rows per page.
        cursor: As sent. None for the first page.
        seal: See `seal_of`.
        fits: Returns the most rows of a page, given the rows. It can be below the limit.

    Raises:
        ApiError: 400, the cursor was not issued for this list and these arguments.
    """
    start = 0 if cursor is None else int(_opened(cursor, seal))
    found = rows[start : start + limit]
    found = found[: fits(found)]
    end = start + len(found)
    following = _sealed(str(end), seal) if end < len(rows) else None
    if paging is SEAT_BALANCES:
        left = len(rows) - end
        pagination = {"seats_included": len(found), "seats_available_for_next_page": left}
        return {"data": found, "pagination": {**pagination, "next_page": following}}
    return {"data": found, paging.answer: following}


def log_page(entries: list[Record], call: Arguments, limit: int, cursor: Any, seal: str) -> Record:
    """Return the page of the audit log at a cursor, always with another cursor.

    The cursor contains the last entry that was read, so a client can keep it and later read newer
    entries. An `ending_before` of the first request also applies to the next pages.

    Args:
        entries: The requested entries of any date, ordered by `timestamp` and `id` as text.
        call: `starting_on`, `ending_before` and `sort` are used.
        limit: Entries per page.
        cursor: As sent; None for the first page.
        seal: See `seal_of`.

    Raises:
        ApiError: 400, a foreign cursor, or dates with a cursor.
    """
    if cursor is not None and ("starting_on" in call or "ending_before" in call):
        raise ApiError(400, "starting_on and ending_before exclude next_page")
    start, before, last = call.get("starting_on"), call.get("ending_before"), None
    if cursor is not None:
        bound, timestamp, entry_id = _opened(cursor, seal).split("|")
        before, last = to_time(bound or None), (timestamp, entry_id)
    descending = call.get("sort") == "date_desc"
    found: list[Record] = []
    for entry in reversed(entries) if descending else entries:
        key = (entry["timestamp"], entry["id"])
        if last is None or last == _NONE or (key < last if descending else key > last):
            at = to_time(entry["timestamp"])
            if (start is None or at >= start) and (before is None or at < before):
                found.append(entry)
        if len(found) == limit:
            break
    timestamp, entry_id = (found[-1]["timestamp"], found[-1]["id"]) if found else last or _NONE
    bound = before.isoformat() if before else ""
    return {"data": found, "next_page": _sealed(f"{bound}|{timestamp}|{entry_id}", seal)}


_NONE = ("", "")
"""The last entry in a cursor before the first entry was read."""


def _sealed(text: str, seal: str) -> str:
    return urlsafe_b64encode(f"{seal}{text}".encode()).decode()


def _opened(cursor: Any, seal: str) -> str:
    try:
        text = urlsafe_b64decode(cursor).decode()
    except (TypeError, ValueError):
        text = ""
    if not text.startswith(seal):
        raise ApiError(400, "the cursor is unknown, or was issued for other arguments")
    return text.removeprefix(seal)
