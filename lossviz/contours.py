"""Isolines of a surface, and which levels to draw."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lossviz.landscape import LOSS, Contour, Surface

MOST = 500
SMALLEST_SPAN = 1e-300  # steps below are denormal numbers, whose digits are not their own
DIGITS = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8))


def levels(
    low: float, high: float, *, scale: str = "linear", count: int = 12
) -> NDArray[np.float64]:
    """About ``count`` levels, rising and strictly inside (low, high).

    "linear": multiples of a 1-2-5 step. "log" (needs low > 0): the same digits in every decade,
    1-2-5 or finer or coarser as the count asks, or whole decades far apart.
    """
    low, high = float(low), float(high)  # numpy's own numbers would warn where Python's give inf
    if not (math.isfinite(high - low) and high - low > SMALLEST_SPAN):
        return np.zeros(0)
    if scale == "log" and low > 0:
        found = _log_levels(low, high, count)
    else:
        found = _linear_levels(low, high, count)
    # Steps below the numbers' resolution give the same level again.
    return np.unique(found[(found > low) & (found < high)])


def _linear_levels(low: float, high: float, count: int) -> NDArray[np.float64]:
    step = step_1_2_5(high - low, count)
    first, last = math.floor(low / step), math.ceil(high / step)
    if last - first >= MOST:  # the step is below the numbers' resolution
        return np.zeros(0)
    return np.array([index * step for index in range(first, last + 1)])


def step_1_2_5(span: float, count: int) -> float:
    """The step 1, 2 or 5 times a power of ten that divides ``span`` most nearly into ``count``.

    Raises
    ------
    ValueError
        If ``span`` is not positive and finite.
    """
    if not (math.isfinite(span) and span > 0):
        raise ValueError(f"span: expected a positive, finite number, got {span}")
    target = max(span / max(count, 1), 1e-300)  # a step that is a normal number
    exponent = math.floor(math.log10(target))
    choices = [float(f"{digit}e{exponent + more}") for more in (0, 1) for digit in (1, 2, 5)]
    return min(choices, key=lambda step: abs(math.log(step / target)))


def _log_levels(low: float, high: float, count: int) -> NDArray[np.float64]:
    decades = math.log10(high) - math.log10(low)
    if decades < 0.5:
        return levels(low, high, scale="linear", count=count)
    every = max(1, math.ceil(decades / max(count, 1)))
    target = count / decades
    digits = min(DIGITS, key=lambda own: abs(math.log(len(own) / target))) if every == 1 else (1,)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    first -= first % every
    exponents = range(max(first, -320), min(last, 308) + 1, every)
    return np.array([float(f"{digit}e{exponent}") for exponent in exponents for digit in digits])


def isolines(surface: Surface, level: float, quantity: str = LOSS) -> list[Contour]:
    """The connected lines on which a quantity has the value ``level``; none through holes."""
    import contourpy  # here: the viewer needs levels only, and its first frame does not wait

    values = np.ma.masked_invalid(surface.quantities[quantity].T)
    if min(surface.shape) < 2:
        return []
    generator = contourpy.contour_generator(surface.alphas, surface.betas, values)
    return [Contour(level, line) for line in generator.lines(level) if len(line) > 1]
