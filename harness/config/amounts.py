"""Numbers with a unit, as a config writes them: `250ms`, `64KiB`, `200/s`, `10%`, `5.00`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any

from harness.config.problems import BadValueError

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "TB": 1000**4,
          "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4}  # fmt: skip
_PER = {"s": 1.0, "m": 60.0, "h": 3600.0}

# At most fifteen digits before the point: what is larger is a slip of the finger.
_NUMBER = r"(-?\d{1,15}(?:\.\d{1,15})?)"
_DURATION = re.compile(rf"{_NUMBER}\s*(us|ms|s|m|h|d)")
_SIZE = re.compile(rf"{_NUMBER}\s*([KMGT]i?B|B)")
_RATE = re.compile(rf"{_NUMBER}\s*/\s*(s|m|h)")
_TIMES = re.compile(rf"{_NUMBER}\s*x")
_PERCENT = re.compile(rf"{_NUMBER}\s*%")


def duration_s(value: Any) -> float:
    """Seconds of `250ms`, `2s`, `5m`, `24h`, `14d`; 0 or more.

    Raises:
        BadValueError: It is no duration, or negative.
    """
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or match[1].startswith("-"):
        raise BadValueError("is {value}, must be a duration such as 250ms, 2s, 5m or 24h")
    return float(match[1]) * _SECONDS[match[2]]


def positive_duration_s(value: Any) -> float:
    """As `duration_s`, above 0."""
    seconds = duration_s(value)
    if seconds == 0:
        raise BadValueError("is {value}, must be above 0")
    return seconds


def size_bytes(value: Any) -> int:
    """Bytes of `64KiB`, `1MiB`, `20GiB`, `500B`; above 0.

    Raises:
        BadValueError: It is no size.
    """
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    size = int(float(match[1]) * _BYTES[match[2]]) if match else 0
    if size <= 0:
        raise BadValueError("is {value}, must be a size such as 64KiB, 1MiB or 20GiB")
    return size


def rate_per_s(value: Any) -> float:
    """Requests per second of `200/s`, `30/m`, `1000/h`; above 0.

    Raises:
        BadValueError: It is no rate.
    """
    match = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    rate = float(match[1]) / _PER[match[2]] if match else 0.0
    if rate <= 0:
        raise BadValueError("is {value}, must be a rate such as 200/s or 30/m")
    return rate


def factor(value: Any) -> float:
    """How many times, of `2x` or `1.5x`; 1 or more.

    Raises:
        BadValueError: It is no factor.
    """
    match = _TIMES.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or float(match[1]) < 1:
        raise BadValueError("is {value}, must be a factor such as 2x, 1x or more")
    return float(match[1])


def money_usd(value: Any) -> Decimal:
    """US dollars, written as a number; 0 or more.

    Raises:
        BadValueError: It is no amount of money.
    """
    try:
        # Through text: 0.1 is a tenth of a dollar, not the nearest binary fraction.
        usd = Decimal("nan") if isinstance(value, bool) else Decimal(str(value).strip())
    except InvalidOperation:
        usd = Decimal("nan")
    if not usd.is_finite() or usd < 0:
        raise BadValueError("is {value}, must be an amount in US dollars such as 1.20, 0 or more")
    return usd


class Kind(Enum):
    """How an amount was written."""

    PLAIN = "plain"
    SECONDS = "seconds"
    PERCENT = "percent"


@dataclass(frozen=True, slots=True)
class Amount:
    """A number in a metric's unit: `0.02`, `50ms` (seconds) or `10%` (0.1 of the champion)."""

    value: float
    kind: Kind = Kind.PLAIN


def amount(value: Any) -> Amount:
    """Read an amount of any sign.

    Raises:
        BadValueError: It is no number, duration or percentage.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        if abs(value) < 1e15:  # which no NaN is
            return Amount(float(value))
    elif isinstance(value, str):
        text = value.strip()
        if match := _PERCENT.fullmatch(text):
            return Amount(float(Decimal(match[1]) / 100), Kind.PERCENT)
        if match := _DURATION.fullmatch(text):
            return Amount(float(match[1]) * _SECONDS[match[2]], Kind.SECONDS)
    raise BadValueError("is {value}, must be a number, a duration such as 50ms or a percentage")


def margin(value: Any) -> Amount:
    """An amount of harm: 0 or more."""
    read = amount(value)
    if read.value < 0:
        raise BadValueError(
            "is {value}, must be 0 or more",
            "A margin is the largest harm you accept, in the metric's unit",
        )
    return read


def improvement(value: Any) -> Amount:
    """An amount of good: 0 or more."""
    read = amount(value)
    if read.value < 0:
        raise BadValueError(
            "is {value}, must be 0 or more",
            "It is the size of an improvement, in the metric's unit, whichever way is better",
        )
    return read
