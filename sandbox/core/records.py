"""Define the records of the account, and the rules for ids, times, sums and JSON."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from hashlib import sha1
from typing import Any, NamedTuple
from uuid import UUID

import orjson

NOW = datetime(2024, 4, 15, tzinfo=UTC)
"""The default instant of the account, see `Account.now`."""

GRACE = timedelta(days=1)
"""A usage invoice stays a draft for a day after its period, then it is finalized and issued."""

PRODUCTION, SANDBOX = "PRODUCTION", "SANDBOX"
USD_ID = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"  # the same on every Metronome account

Record = dict[str, Any]
"""A JSON object: text, numbers as `Decimal` or `int`, times as RFC 3339 text."""

_NAMESPACE = UUID("6f1d7a52-2f0e-5c0b-9a55-5d0c8f2b7e11").bytes
_ZERO, _ONE, _TEN = Decimal(0), Decimal(1), Decimal(10)


class Event(NamedTuple):
    """One usage event as received. `customer` is an ingest alias or a customer id."""

    transaction_id: str
    customer: str
    timestamp: datetime
    event_type: str
    properties: dict[str, str]
    received_at: datetime


class Version(NamedTuple):
    """An exported state of a record: its start, and the fields that differ from the last state."""

    updated_at: datetime
    changes: Record


def make_id(*parts: object) -> str:
    """Derive a UUID of version 5 from `parts`, the same in every run."""
    return to_uuid(sha1(_NAMESPACE + "/".join(map(str, parts)).encode()).digest(), 5)


def to_uuid(digest: bytes, version: int) -> str:
    """Write the first 16 bytes of a digest as a UUID, several times faster than `uuid.UUID`."""
    text = digest.hex()
    variant = "89ab"[digest[8] >> 4 & 3]
    return f"{text[:8]}-{text[8:12]}-{version}{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


def to_text(moment: datetime, suffix: str = "Z") -> str:
    """Write a UTC time with one of the API's spellings: `Z`, `.000Z` or `+00:00`."""
    return moment.isoformat()[:19] + suffix


@lru_cache(maxsize=1 << 16)
def to_time(text: str | None) -> datetime | None:
    """Read any RFC 3339 spelling. A text without an offset is UTC.

    Raises:
        ValueError: The text is not a time.
    """
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def plain(number: Decimal) -> Decimal:
    """Drop trailing zeros without falling into exponent notation: 1E+2 becomes 100."""
    number = number.normalize()
    return number if number % _TEN else number.quantize(_ONE)


def total(numbers: Iterable[Decimal]) -> Decimal:
    """Add amounts exactly."""
    return plain(sum(numbers, _ZERO))


def to_json(value: Any) -> bytes:
    """Write compact JSON with exact numbers, in UTF-8."""
    return orjson.dumps(value, _exact)


def to_json_text(value: Any) -> str:
    """Write compact JSON with exact numbers."""
    return orjson.dumps(value, _exact).decode()


def _exact(number: Decimal) -> orjson.Fragment:
    """Write a decimal digit by digit. orjson calls this for types that it cannot write."""
    if not isinstance(number, Decimal):
        raise TypeError(f"{type(number).__name__} is not a JSON type")
    return orjson.Fragment(str(number))


class Price(NamedTuple):
    """A price per unit of a product, in the pricing unit of that name."""

    amount: Decimal
    unit: str
