"""Check and convert the arguments of a request. An undeclared or wrong argument is a 400."""

from typing import Any
from uuid import UUID

from sandbox.core.records import to_time

Arguments = dict[str, Any]
Accepted = dict[str, Any]
"""Arguments by name with their kinds. A trailing `!` marks a required argument.

A kind is a word (`text`, `texts`, `id`, `ids`, `flag`, `time`, `map` of texts, `lists`: a map of
text lists), choices (`DAY|NONE`, matched in any case), a dict (an object with such arguments), or
a list of one dict (a list of such objects).
"""

MOST_IDS = 100
MOST_VALUES = 200
"""The most group values in one request."""


class ApiError(Exception):
    """An error response: HTTP status, message, and the code that contract reads add."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


def checked(sent: Arguments, accepted: Accepted, what: str) -> Arguments:
    """Convert JSON arguments to their kinds.

    Raises:
        ApiError: 400, an argument is unknown, missing or of another kind.
    """
    kinds = {name.removesuffix("!"): kind for name, kind in accepted.items()}
    for name in sent:
        if name not in kinds:
            raise ApiError(400, f"unknown {what} {name}")
    for name in accepted:
        if name.endswith("!") and name[:-1] not in sent:
            raise ApiError(400, f"{what} {name[:-1]} is required")
    return {name: _converted(name, value, kinds[name]) for name, value in sent.items()}


def checked_query(sent: dict[str, str], accepted: Accepted) -> Arguments:
    """Convert query parameters. Lists are joined by commas, and flags are `true` or `false`."""
    values: Arguments = dict(sent)
    for name, kind in accepted.items():
        text = values.get(key := name.removesuffix("!"))
        if text is not None and kind in ("ids", "texts"):
            values[key] = text.split(",")
        if kind == "flag" and text in ("true", "false"):
            values[key] = text == "true"
    return checked(values, accepted, "query parameter")


def _converted(name: str, value: Any, kind: Any) -> Any:
    if isinstance(kind, dict) and isinstance(value, dict):
        return checked(value, kind, f"{name} field")
    if isinstance(kind, list) and isinstance(value, list):
        return [_converted(name, item, kind[0]) for item in value]
    if isinstance(kind, str):
        try:
            return _CONVERT.get(kind, _choice(kind))(value)
        except (AttributeError, TypeError, ValueError):
            pass
    raise ApiError(400, f"{name} is not a valid {kind if isinstance(kind, str) else 'object'}")


def _choice(kind: str) -> Any:
    spellings = {word.upper(): word for word in kind.split("|")}

    def convert(value: str) -> str:
        if value.upper() not in spellings:
            raise ValueError(value)
        return spellings[value.upper()]

    return convert


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def _id(value: Any) -> str:
    return str(UUID(_text(value)))


def _ids(value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > MOST_IDS:
        raise ValueError(value)
    return [_id(item) for item in value]


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > MOST_VALUES:
        raise ValueError(value)
    return [_text(item) for item in value]


def _map(value: Any) -> dict[str, str]:
    return {key: _text(item) for key, item in value.items()}


def _lists(value: Any) -> dict[str, list[str]]:
    lists = {key: _texts(item) for key, item in value.items()}
    if sum(map(len, lists.values())) > MOST_VALUES:
        raise ValueError(value)
    return lists


_CONVERT = {
    "text": _text,
    "texts": _texts,
    "id": _id,
    "ids": _ids,
    "flag": _flag,
    "time": lambda value: to_time(_text(value)),
    "map": _map,
    "lists": _lists,
}
