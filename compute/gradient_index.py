"""Indices of a gradient's zeros, and the two sums that show whether any was missed.

The index of a zero is the number of turns of the gradient on a small circle around it: +1 for
minima and maxima, −1 for saddles, anything for a degenerate point (Milnor 1965, section 6). Over
the zeros within any closed line the indices add up to the turns along that line. On a triangulated
grid, ∑ over the vertices of 1 − χ(lower link) is the Euler characteristic of the window, 1
(Banchoff 1970): true of every field, so it checks the code, not the field.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from compute.persistence import ranks
from compute.spline import Spline

Floats = NDArray[np.float64]

SAMPLES = 16  # of the gradient along one cell, before refinement
TURN = np.pi / 4  # between neighbouring samples at most
FINER = 30  # halvings of an interval before the line is said to touch a zero
VANISHES = 1e-13  # of the field's range a cell
WINDOWS = 100  # that do not balance: no more are looked for
SMALLEST = 2.0  # cells: a window that is not divided further
UNEVEN = 0.5 + 0.0618034  # where windows are divided: on no grid line, and hardly on a zero
INWARDS = (0.0, 1e-3, 1.1e-2)  # cells: a border that touches a zero is moved in a little


def turns(spline: Spline, line: Callable[[Floats], Floats], samples: int) -> int | None:
    """How often the gradient turns along the closed ``line``, t in [0, 1] -> ``(k, 2)``.

    None if a zero lies on it.
    """
    t = np.linspace(0.0, 1.0, samples + 1)
    angle = _angles(spline, line(t))
    for _ in range(FINER):
        if angle is None:
            return None
        change = _wrapped(np.diff(angle))
        wide = np.flatnonzero(np.abs(change) > TURN)
        if not wide.size:
            return round(float(change.sum()) / (2 * np.pi))
        middle = (t[wide] + t[wide + 1]) / 2
        more = _angles(spline, line(middle))
        if more is None:
            return None
        t, angle = np.insert(t, wide + 1, middle), np.insert(angle, wide + 1, more)
    return None


def _angles(spline: Spline, points: Floats) -> Floats | None:
    slopes = spline.gradient(points)
    if (np.abs(slopes).max(axis=1) <= VANISHES).any():
        return None
    found: Floats = np.arctan2(slopes[:, 1], slopes[:, 0])
    return found


def _wrapped(angle: Floats) -> Floats:
    return (angle + np.pi) % (2 * np.pi) - np.pi


def window_turns(spline: Spline, low: Floats, high: Floats) -> int | None:
    """The turns of the gradient along the border of the window from ``low (2,)`` to ``high``."""
    corners = np.array([low, (high[0], low[1]), high, (low[0], high[1]), low])

    def line(t: Floats) -> Floats:
        return np.stack([np.interp(4 * t, np.arange(5), corners[:, k]) for k in (0, 1)], axis=1)

    return turns(spline, line, 4 * int(np.ceil(SAMPLES * max(1.0, (high - low).max()))))


def index_at(spline: Spline, point: Floats, radius: float) -> int | None:
    """The turns of the gradient on the circle of ``radius`` cells around ``point (2,)``."""

    def line(t: Floats) -> Floats:
        around = point + radius * np.stack([np.cos(2 * np.pi * t), np.sin(2 * np.pi * t)], axis=1)
        return np.clip(around, spline.low, spline.high)

    return turns(spline, line, 4 * SAMPLES)


def balance(spline: Spline, points: Floats, indices: Floats) -> tuple[int | None, int, Floats]:
    """The winding number along the border, the sum of the indices inside, and where they differ.

    ``points (k, 2)``, ``indices (k,)``; the third is ``(w, 2)``, the middles of windows of at most
    two cells whose two numbers differ. None if the gradient vanishes along the border.
    """
    for inwards in INWARDS:
        low, high = spline.low + inwards, spline.high - inwards
        winding = window_turns(spline, low, high)
        if winding is not None:
            break
    total = int(indices[_inside(points, low, high)].sum())
    wrong = [] if winding in (None, total) else _differing(spline, points, indices, low, high)
    return winding, total, np.array(wrong).reshape(-1, 2)


def _differing(
    spline: Spline, points: Floats, indices: Floats, low: Floats, high: Floats
) -> list[Floats]:
    """Middles of the smallest windows inside one that does not balance which do not either."""
    windows = deque([(low, high)])
    found: list[Floats] = []
    while windows:
        low, high = windows.popleft()
        size = high - low
        if size.max() <= SMALLEST or len(windows) + len(found) >= WINDOWS:
            found.append((low + high) / 2)
            continue
        axis = int(size.argmax())
        middle_high, middle_low = high.copy(), low.copy()
        middle_high[axis] = middle_low[axis] = low[axis] + UNEVEN * size[axis]
        for part in ((low, middle_high), (middle_low, high)):
            winding = window_turns(spline, *part)
            if winding is None or winding != indices[_inside(points, *part)].sum():
                windows.append(part)
    return found


def _inside(points: Floats, low: Floats, high: Floats) -> NDArray[np.bool_]:
    return np.all((points > low) & (points < high), axis=1)


def link_sum(values: Floats) -> int:
    """∑ over vertices of 1 − χ(lower link), on the Freudenthal triangulation of the grid.

    That triangulation cuts each cell along the diagonal from (i, j) to (i + 1, j + 1); equal values
    are ordered by their index. The result is 1 whatever the values, if n, m ≥ 2.
    """
    n, m = values.shape
    rank = np.full((n + 2, m + 2), n * m)  # outside is above everything
    rank[1:-1, 1:-1] = ranks(values)
    ring = [(1, 0), (1, 1), (0, 1), (-1, 0), (-1, -1), (0, -1)]  # neighbours are joined by edges
    lower = [
        rank[1 + i : n + 1 + i, 1 + j : m + 1 + j] < rank[1:-1, 1:-1] for i, j in ring
    ]  # each (n, m)
    vertices = sum(int(part.sum()) for part in lower)
    edges = sum(int((a & b).sum()) for a, b in zip(lower, lower[1:] + lower[:1], strict=True))
    return n * m - vertices + edges
