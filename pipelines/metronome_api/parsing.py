"""Parse the bytes of a response into exact numbers and well-formed text."""

import json
import re
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any

from pipelines.common.columns import AMOUNT_PRECISION, AMOUNT_SCALE

_FINEST = Decimal(1).scaleb(-AMOUNT_SCALE)
_MOST_DIGITS = AMOUNT_PRECISION - AMOUNT_SCALE
_CONTEXT = Context(prec=AMOUNT_PRECISION, rounding=ROUND_HALF_EVEN)

_HALVES = re.compile("[\ud800-\udfff]")
_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def parse(body: bytes) -> Any:
    """Parse JSON without floats, which lose digits.

    Returns:
        The value. Whole numbers of 64 bits are int, others Decimal, rounded half to even at the
        18th decimal. A lone surrogate becomes U+FFFD.

    Raises:
        ValueError: If it is not JSON in UTF-8, is nested too deep, or has a number that is not
            finite or does not fit in DECIMAL(38, 18).
    """
    try:
        text = body.decode()
        value = json.loads(text, parse_float=_exact, parse_int=_whole, parse_constant=_refused)
        return _well_formed(value) if _ESCAPED_HALF.search(text) else value
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"it is not JSON ({error}): is METRONOME_BASE_URL right?") from error
    except RecursionError:
        raise ValueError("its lists and objects are nested too deep") from None


def _whole(number: str) -> int | Decimal:
    """Return an int, or a Decimal if the number does not fit in 64 bits."""
    return int(number) if len(number) < 19 else _exact(number)


def _exact(number: str) -> Decimal:
    """Return the number, rounded at the 18th decimal. Later digits come from doubles."""
    try:
        exact = Decimal(number)
        if exact.as_tuple().exponent < -AMOUNT_SCALE:
            exact = exact.quantize(_FINEST, context=_CONTEXT)
    except InvalidOperation:
        is_long = True
    else:
        is_long = exact != 0 and exact.adjusted() >= _MOST_DIGITS
    if not is_long:
        return exact or Decimal(0)  # 0e99 is 0
    shown = number if len(number) <= 60 else f"{number[:60]}…"
    raise ValueError(
        f"the number {shown} has more digits than DECIMAL({AMOUNT_PRECISION}, {AMOUNT_SCALE}) holds"
    )


def _refused(constant: str) -> Decimal:
    raise ValueError(f"{constant} is not a number")


def _well_formed(value: Any) -> Any:
    """Replace lone surrogates, which JSON can contain and UTF-8 cannot."""
    if isinstance(value, str):
        return _HALVES.sub("�", value)
    if isinstance(value, list):
        return [_well_formed(item) for item in value]
    if isinstance(value, dict):
        return {_well_formed(name): _well_formed(item) for name, item in value.items()}
    return value
