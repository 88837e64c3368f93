"""Between the computed points: what the drawn surface shows anywhere on it, in float64.

The drawn mesh (lossviz/viewer/refine.py) are samples of the same function at its vertices.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lossviz.viewer.items import LABELS, Item
from lossviz.viewer.ranges import LOG_RATIO, share
from lossviz.viewer.refine import fill, taps
from lossviz.viewer.state import ViewState

Floats = NDArray[np.float64]
LARGEST = np.finfo(float).max


class Between:
    """One quantity of a landscape as a function of alpha and beta.

    Cubic convolution (Keys 1981) if ``smooth``, else straight within the two triangles of each
    cell; of log10 of the values where all are positive and span more than two decades, and where
    a straight surface is shown on a logarithmic scale (``log``).
    """

    def __init__(self, item: Item, name: str, *, smooth: bool = True, log: bool = False) -> None:
        self.item, self.name = item, name
        self.axes = item.drawn_axes
        exact = item.values(name)
        known = item.surface.evaluated & np.isfinite(exact)
        between = exact if name in LABELS else item.bridged(name)
        self.exact = _ribbon(np.where(known, exact, between))  # (n, m)
        low, positive, high = item.span(name) or (0.0, np.nan, 1.0)
        self.span = low, high
        with np.errstate(all="ignore"):
            steep = bool(low > 0 and high / low > LOG_RATIO)
            self.log = steep if smooth else bool(log and positive > 0)
            scaled = (
                np.log10(np.where(self.exact > 0, self.exact, positive))
                if self.log
                else share(self.exact, low, high)
            )
        finite = np.isfinite(self.exact)
        # (n - 1, m - 1): cells with all four corners; the others are holes.
        self.whole = finite[:-1, :-1] & finite[1:, :-1] & finite[:-1, 1:] & finite[1:, 1:]
        self.kind = "nearest" if name in LABELS else "cubic" if smooth else "straight"
        filled = fill(np.where(finite, scaled, np.nan))
        self.key = name, self.kind, self.log
        self.scaled = _framed(filled) if self.kind == "cubic" else filled

    def at(self, points: Floats) -> Floats:
        """``(k,)`` values at ``points (k, 2)`` of alpha, beta; NaN beside the surface and in holes.

        At a computed point it is the stored number, whatever that is.
        """
        u, v = (
            np.interp(points[:, side], axis, np.arange(axis.size), np.nan, np.nan)
            for side, axis in enumerate(self.axes)
        )
        outside = np.isnan(u) | np.isnan(v)
        u, v = np.where(outside, 0.0, u), np.where(outside, 0.0, v)
        n, m = self.exact.shape
        i, j = np.minimum(u.astype(int), n - 2), np.minimum(v.astype(int), m - 2)
        values = self._unscaled(getattr(self, f"_{self.kind}")(i, j, u - i, v - j))
        values = np.where(self._in_hole(i, j, u - i, v - j), np.nan, values)
        near, beside = np.rint(u).astype(int), np.rint(v).astype(int)
        at_point = (u == near) & (v == beside)
        values = np.where(at_point, self.exact[near, beside], values)
        return np.where(outside, np.nan, values)

    def _unscaled(self, scaled: Floats) -> Floats:
        """Back from log10, or from shares of the span."""
        low, high = self.span
        with np.errstate(all="ignore"):
            if self.log:
                return np.minimum(10.0**scaled, LARGEST)
            return np.clip(low * (1 - scaled) + high * scaled, -LARGEST, LARGEST)

    def scale(self, values: Floats) -> Floats:
        """Values as what is interpolated: their log10 (NaN if not positive), or their shares."""
        with np.errstate(all="ignore"):
            if self.log:
                return np.where(values > 0, np.log10(np.maximum(values, 0.0)), np.nan)
            return share(values, *self.span)

    def _in_hole(
        self, i: NDArray[np.int64], j: NDArray[np.int64], s: Floats, t: Floats
    ) -> NDArray[np.bool_]:
        """Where no cell that a point lies in, or on the edge of, has all its corners."""
        found = self.whole[i, j].copy()
        left, below = (s == 0) & (i > 0), (t == 0) & (j > 0)
        right, above = (s == 1), (t == 1)  # of the last cell: there is none beyond
        found |= left & self.whole[np.maximum(i - 1, 0), j]
        found |= below & self.whole[i, np.maximum(j - 1, 0)]
        found |= left & below & self.whole[np.maximum(i - 1, 0), np.maximum(j - 1, 0)]
        found |= right & self.whole[i, j] | above & self.whole[i, j]
        return ~found

    def _cubic(self, i: NDArray[np.int64], j: NDArray[np.int64], s: Floats, t: Floats) -> Floats:
        result = np.zeros(len(s))
        by_column = taps(t)
        for a, row in enumerate(taps(s)):
            for b, column in enumerate(by_column):
                result += row * column * self.scaled[i + a, j + b]
        return result

    def _straight(self, i: NDArray[np.int64], j: NDArray[np.int64], s: Floats, t: Floats) -> Floats:
        """The diagonal goes from (i, j + 1) to (i + 1, j), as in shaders/surface.glsl."""
        h = self.scaled
        first = h[i, j] + s * (h[i + 1, j] - h[i, j]) + t * (h[i, j + 1] - h[i, j])
        far = h[i + 1, j + 1]
        second = far + (1 - s) * (h[i, j + 1] - far) + (1 - t) * (h[i + 1, j] - far)
        return np.where(s + t <= 1, first, second)

    def _nearest(self, i: NDArray[np.int64], j: NDArray[np.int64], s: Floats, t: Floats) -> Floats:
        return self.scaled[i + (s >= 0.5), j + (t >= 0.5)]


def between(item: Item, name: str, *, smooth: bool = True, log: bool = False) -> Between:
    """A quantity between its points, made once."""
    log = log and not smooth

    def make() -> Between:
        return Between(item, name, smooth=smooth, log=log)

    found: Between = item.remembered(f"between points of {name}", (smooth, log), make)
    return found


def displayed(item: Item, name: str, state: ViewState, *, log: bool) -> Between:
    """A quantity between its points as a view shows it, its heights logarithmic or not."""
    return between(item, name, smooth=state.surface.smooth, log=log)


def _ribbon(values: Floats) -> Floats:
    for side in (0, 1):
        if values.shape[side] == 1:
            values = np.repeat(values, 2, axis=side)
    return values


def _framed(values: Floats) -> Floats:
    """``(n + 2, m + 2)``: gone on beyond the ends as f(-1) = 3 f(0) - 3 f(1) + f(2) (Keys 1981,
    section IV), straight where there are but two values."""
    for _ in range(2):
        first, last = values[:1], values[-1:]
        if len(values) > 2:
            ends = (
                3 * first - 3 * values[1:2] + values[2:3],
                3 * last - 3 * values[-2:-1] + values[-3:-2],
            )
        else:
            ends = 2 * first - last, 2 * last - first
        values = np.concatenate([ends[0], values, ends[1]]).T
    return values
