"""What heights and colours span, on a linear or logarithmic scale, without losing small numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LOG_RATIO = 100.0  # "auto" means logarithmic where all is positive and max/min is above this
MOST_SHARE = 1e30  # of a range, up or down; float32 ends at 3e38


def share(values: Floats, low: float, high: float) -> Floats:
    """Values as shares of the way from low to high.

    A power of two brings them near 1 first, which is exact: no difference overflows or vanishes.
    """
    exponent = -math.frexp(max(abs(low), abs(high)))[1]
    low, high = math.ldexp(low, exponent), math.ldexp(high, exponent)
    with np.errstate(over="ignore"):
        near = np.ldexp(np.asarray(values, dtype=float), exponent)
        return np.asarray((near - low) / (high - low or 1.0))


@dataclass(frozen=True)
class Range:
    """What a height or a colour spans, in units of the quantity."""

    low: float
    high: float
    log: bool

    def unit(self, values: Floats) -> Floats:
        """Values as 0 to 1 on this scale, not clamped."""
        return share(self.on_scale(values), *self.scaled)

    def on_scale(self, values: Floats) -> Floats:
        """Values as they are, or their log10 (of what is above 0, else of ``low``)."""
        values = np.asarray(values, dtype=float)
        return np.log10(np.where(values > 0, values, self.low)) if self.log else values

    @property
    def scaled(self) -> tuple[float, float]:
        """The ends on this scale: as they are, or their log10."""
        low, high = self.on_scale(np.array([self.low, self.high])).tolist()
        return low, high


@dataclass(frozen=True, eq=False)
class Field:
    """One quantity of one landscape on the fine grid, as the shaders read it.

    ``texels (m', n', 3)`` float32: the value's share of its range, from 0 at ``low`` to 1 at
    ``high``; log10 of the value; 1, or 0 for a hole. Shares keep their precision in float32 however
    large the values are, and however little they differ.
    """

    texels: NDArray[np.float32]
    low: float
    high: float

    def share(self, values: Floats) -> Floats:
        """Values as shares of the range, in numbers that the shaders have."""
        return np.clip(share(values, self.low, self.high), -MOST_SHARE, MOST_SHARE)

    def at(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Field:
        """A part of it."""
        return replace(self, texels=self.texels[np.ix_(rows, columns)])

    def unit(self, span: Range) -> Floats:
        """``(m', n')`` float64: the values as 0 to 1 on the scale of ``span``, not clamped."""
        if span.log:
            return share(self.texels[..., 1].astype(float), *span.scaled)
        ends = np.clip(span.unit(np.array([self.low, self.high])), -MOST_SHARE, MOST_SHARE)
        return ends[0] + self.texels[..., 0].astype(float) * (ends[1] - ends[0])


def capped(span: Range, cap: float | None) -> Range:
    """The range up to ``cap``, where that lies in it."""
    return replace(span, high=cap) if cap is not None and span.low < cap < span.high else span


def by_hand(found: Range, ends: tuple[float, float] | None, scale: str) -> Range:
    """The range that was asked for, if any, else the one that the data have."""
    if ends is None:
        return found
    low, high = ends
    log = scale == "log" or (scale == "auto" and found.log)
    return proper(low, high, log and low > 0)


def percentiles(values: Floats, shares: tuple[float, float]) -> tuple[float, float] | None:
    """Two percentiles, each the least of the finite values that so many per cent do not exceed.

    These are values themselves: nothing is interpolated (Hyndman and Fan 1996, definition 1).
    """
    values = values[np.isfinite(values)]
    if not values.size:
        return None
    places = np.ceil(values.size * np.array(shares) / 100).astype(int) - 1
    low, high = np.partition(values, places := places.clip(0))[places].tolist()
    return low, high


def proper(low: float, high: float, log: bool) -> Range:
    """A range that is not empty: one value alone gets some room above."""
    if not high > low:
        high = low * 10 if log else low + max(abs(low), 1.0) * 1e-3
        if math.isinf(high):
            low, high = low / 10, low
    return Range(low, high, log)
