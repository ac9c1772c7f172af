"""How a number with a unit is said to a person, so that a sentence and a table say it alike.

Stored values stay raw; only here do seconds become milliseconds and fractions percent. A value gets
three significant digits. An interval gets as many decimals as its own width supports (two
significant digits of it), and its parts share one unit. Where rounding would put a bound on the
wrong side of the margin it is held against, it gets more decimals: a sentence must not contradict
its own decision.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MINUS = "\N{MINUS SIGN}"
MOST_DECIMALS = 9


@dataclass(frozen=True, slots=True)
class Scale:
    """A unit as shown: a stored value times `factor`, followed by `suffix`."""

    factor: float
    suffix: str

    def digits(self, value: float, decimals: int, *, signed: bool = False) -> str:
        """The number alone, without the suffix."""
        return _digits(value * self.factor, decimals, signed=signed)


def say(value: float | None, unit: str) -> str:
    """One level with its unit.

    Args:
        value: In the stored unit; None when there is none.
        unit: One of `harness.metric.Unit`; any other unit is said as it is.

    Examples:
        >>> say(0.0123, "s")
        '12.3 ms'
        >>> say(0.9995, "fraction")
        '99.95 %'
        >>> say(None, "s")
        '–'
    """
    if value is None:
        return "–"
    scale = level_scale(unit, value)
    shown = value * scale.factor
    if unit == "fraction":
        return _percent(shown) + scale.suffix
    return _trimmed(_digits(shown, _decimals_for(abs(shown), 3))) + scale.suffix


def say_margin(value: float, unit: str, relative: bool = False) -> str:
    """A margin as a policy's author wrote it: as many digits as it has, up to six.

    Examples:
        >>> say_margin(0.003, "s")
        '3 ms'
        >>> say_margin(0.1, "s", relative=True)
        '10 %'
        >>> say_margin(0.02, "fraction")
        '2 pp'
    """
    return _exact(value, difference_scale(unit, value, relative=relative))


def say_bound(value: float, unit: str) -> str:
    """A level that a rule demands, as its author wrote it: 0.95 of a fraction is `95 %`."""
    return _exact(value, level_scale(unit, value))


def say_interval(
    middle: float,
    low: float,
    high: float,
    scale: Scale,
    *,
    signed: bool = False,
    beside: tuple[float, ...] = (),
) -> str:
    """An estimate with its bounds, in one unit.

    Args:
        middle: The estimate, in the stored unit, as `low` and `high` are.
        scale: What `difference_scale` or `level_scale` says for these values.
        signed: Whether a plus is written.
        beside: What the bounds are held against; they are never rounded onto it.

    Examples:
        >>> say_interval(0.0004, -0.0002, 0.0011, Scale(1000, " ms"), signed=True)
        '+0.4 ms [−0.2, +1.1]'
    """
    fewest = _interval_decimals(middle, low, high, scale)
    decimals = next(
        (n for n in range(fewest, fewest + 4) if not _blurred((low, high), beside, scale, n)),
        fewest,
    )
    bounds = ", ".join(scale.digits(bound, decimals, signed=signed) for bound in (low, high))
    return f"{scale.digits(middle, decimals, signed=signed)}{scale.suffix} [{bounds}]"


def level_scale(unit: str, *values: float | None) -> Scale:
    """How levels of this unit are shown, fitting the largest of `values`."""
    match unit:
        case "s":
            return _seconds(values)
        case "fraction":
            return Scale(100.0, " %")
        case "usd":
            return Scale(1.0, " USD")
        case "score" | "distance" | "preference" | "":
            return Scale(1.0, "")
        case other:
            return Scale(1.0, f" {other}")


def difference_scale(unit: str, *values: float | None, relative: bool = False) -> Scale:
    """How differences are shown: of fractions in percentage points, relative ones in percent."""
    if relative:
        return Scale(100.0, " %")
    if unit == "fraction":
        return Scale(100.0, " pp")
    return level_scale(unit, *values)


def _seconds(values: tuple[float | None, ...]) -> Scale:
    finite = [abs(value) for value in values if value is not None and math.isfinite(value)]
    largest = max(finite, default=0.0)
    if largest >= 1:
        return Scale(1.0, " s")
    if largest >= 1e-5 or largest == 0:
        return Scale(1e3, " ms")
    return Scale(1e6, " µs")


def _interval_decimals(middle: float, low: float, high: float, scale: Scale) -> int:
    width = (high - low) * scale.factor
    if math.isfinite(width) and width > 0:
        return _decimals_for(width, 2)
    return _decimals_for(abs(middle * scale.factor), 3)


def _blurred(
    bounds: tuple[float, ...], beside: tuple[float, ...], scale: Scale, decimals: int
) -> bool:
    return any(
        bound != limit and scale.digits(bound, decimals) == scale.digits(limit, decimals)
        for bound in bounds
        for limit in beside
    )


def _decimals_for(size: float, significant: int) -> int:
    """Decimals that show `size` with so many significant digits, never fewer than none."""
    if not math.isfinite(size) or size <= 0:
        return 0
    wanted = significant - 1 - math.floor(math.log10(size))
    return min(max(wanted, 0), MOST_DECIMALS)


def _percent(shown: float) -> str:
    """One decimal, or as many as tell a small share from 0 and a large one from 100.

    Zeros stay, so that shares stand in a column: 96.0 beside 98.7. Only none and all are bare.
    """
    if shown in {0.0, 100.0}:
        return f"{shown:.0f}"
    decimals = max(1, _decimals_for(abs(shown), 2), _decimals_for(100 - shown, 1))
    return _digits(shown, decimals)


def _digits(shown: float, decimals: int, *, signed: bool = False) -> str:
    if math.isnan(shown):
        return "?"
    size = "∞" if math.isinf(shown) else f"{abs(shown):,.{decimals}f}"
    if shown < 0 and size.strip("0. "):
        return MINUS + size
    return "+" + size if signed and size.strip("0. ") else size


def _exact(value: float, scale: Scale) -> str:
    shown = value * scale.factor
    size = f"{abs(shown):.6g}" if abs(shown) < 1e6 else f"{abs(shown):.0f}"
    return f"{MINUS if shown < 0 else ''}{size}{scale.suffix}"


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


_PLENTY = 1_000_000  # beyond this more evidence makes no difference to anyone


def say_e_value(e_value: float) -> str:
    """Evidence that may be looked at any time, as a person needs it.

    Examples:
        >>> say_e_value(0.4321), say_e_value(123.4), say_e_value(1e300)
        ('0.43', '123', 'over 1,000,000')
    """
    if e_value > _PLENTY:
        return f"over {_PLENTY:,}"
    return f"{e_value:,.0f}" if e_value >= 10 else f"{e_value:.2g}"
