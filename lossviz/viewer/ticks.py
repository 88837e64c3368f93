"""Where ticks stand on an axis, linear or logarithmic, and how their numbers are written."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal, localcontext

from lossviz.contours import step_1_2_5

SMALLEST = 1e-290  # below, steps would be no normal numbers

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Tick:
    """A tick at ``value``; an empty ``label`` makes it a minor one."""

    value: float
    label: str = ""


def linear_ticks(low: float, high: float, count: int = 5, like: float | None = None) -> list[Tick]:
    """About ``count`` ticks on multiples of a 1-2-5 step, within [low, high].

    Written with the decimals that they need, or that a step ``like`` another axis' needs; without
    the ``offset`` of their range.
    """
    span = high - low
    if not span > 0:
        return [Tick(low, number(low))] if math.isfinite(low) else []
    if not SMALLEST < span < math.inf:  # too small or too large to be divided
        return [Tick(low, number(low)), Tick(high, number(high))]
    step, away = step_1_2_5(span, count), offset(low, high)
    first = math.ceil((low - away) / step - 1e-9)
    last = math.floor((high - away) / step + 1e-9)
    if last - first > 1000:  # the step is below the numbers' resolution
        return [Tick(low, number(low)), Tick(high, number(high))]
    written = min(step, like) if like is not None and like > step / 20 else step
    values = [index * step for index in range(first, last + 1)]
    return [Tick(away + value, number(value, written)) for value in values]


def offset(low: float, high: float) -> float:
    """What is taken from the numbers of a range that are long and alike; 0 where none is."""
    span, size = high - low, max(abs(low), abs(high))
    alike = 1e4 if 1e-3 <= size < 1e5 else 100.0  # the latter are written with three digits
    if not (math.isfinite(span) and span > 0) or size < alike * span:
        return 0.0
    decimals = -math.ceil(math.log10(span))
    with localcontext(prec=400):
        return float(Decimal(low).quantize(Decimal(1).scaleb(-decimals), ROUND_FLOOR))


def log_ticks(low: float, high: float, count: int = 6) -> list[Tick]:
    """Ticks at powers of ten, with 2 and 5 labelled in short ranges; minor ones between."""
    if not 0 < low < high:
        return linear_ticks(low, high, count)
    decades = math.log10(high) - math.log10(low)
    if decades < 0.7:
        return linear_ticks(low, high, count)
    every = max(1, math.ceil(decades / max(count, 1)))
    major = (1,) if decades > 0.75 * count else (1, 2, 5) if decades < 0.34 * count else (1, 5)
    if decades > 0.5 * count:
        major = (1,)
    ticks = []
    for exponent in range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1):
        for digit in range(1, 10):
            value = _decimal(digit, exponent)
            if not low * (1 - 1e-9) <= value <= high * (1 + 1e-9):
                continue
            labelled = digit in major and (digit > 1 or exponent % every == 0)
            if labelled:
                ticks.append(Tick(value, number(value)))
            elif decades <= min(12, 1.2 * count) or (digit == 1 and decades <= 60):
                ticks.append(Tick(value))
    return ticks


def _decimal(digit: int, exponent: int) -> float:
    try:
        return float(f"{digit}e{exponent}")
    except OverflowError:
        return math.inf


def number(value: float, step: float | None = None) -> str:
    """A number as it is printed in a picture: as many decimals as ``step`` needs, a true minus."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "−∞"
    size = max(abs(value), abs(step or value))
    if value == 0:
        return "0"
    whole = step is None and value % 1e4 == 0  # as beside a logarithmic axis
    if size >= 1e5 or size < 1e-3 or whole:
        mantissa, exponent = f"{value:.3g}".split("e") if "e" in f"{value:.3g}" else ("", "")
        if not exponent:
            mantissa, exponent = f"{value:.2e}".split("e")
            mantissa = mantissa.rstrip("0").rstrip(".")
        text = f"{mantissa}·10{str(int(exponent)).translate(_SUPERSCRIPT)}"
        text = text.replace("-", "−")
        return text.replace("1·10", "10", 1) if mantissa in ("1", "-1") else text
    if step is None:
        # From where four digits would be written with Python's exponent.
        return (f"{value:.0f}" if size >= 9999.5 else f"{value:.4g}").replace("-", "−")
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{value:.{decimals}f}".replace("-", "−")
