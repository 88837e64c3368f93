"""Polylines over a grid: cut at a border, thinned, and bent where the drawn triangles are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

FINEST = 0.25  # of a cell: what thinning may move a line by, at its first degree
BENT = 4.0  # pixels: what is shorter need not be bent


@dataclass(frozen=True, eq=False)
class Lines:
    """Polylines one after the other.

    ``points (k, d)``; ``values (k,)`` a number at each point, its colour; ``first (k,)`` True where
    another line begins; ``times (k,)`` the share of what is played at which a point is reached.
    """

    points: Floats
    values: Floats
    first: Mask
    times: Floats | None = None

    @property
    def last(self) -> Mask:
        """``(k,)``: True where a line ends."""
        return np.append(self.first[1:], True)[: len(self.first)]

    @property
    def finite(self) -> Mask:
        """``(k,)``: where the point has a place."""
        return np.asarray(np.isfinite(self.points).all(axis=1))

    @property
    def joined(self) -> NDArray[np.int64]:
        """``(s,)``: the points from which a segment goes to the next one, both being finite."""
        finite = self.finite
        return np.flatnonzero(~self.first[1:] & finite[:-1] & finite[1:])

    def take(self, keep: Mask) -> Lines:
        """Some points of it; what lay between them is a straight segment then."""
        line = np.cumsum(self.first)[keep]
        first = np.ones(line.size, bool)
        first[1:] = line[1:] != line[:-1]
        return self._some(keep, first)

    def without_gaps(self) -> Lines:
        """A point that is not finite ends one line, and the next begins another."""
        finite = self.finite
        broken = self.first.copy()
        broken[1:] |= ~finite[:-1]
        return self if finite.all() else self._some(finite, broken[finite])

    def _some(self, keep: Mask, first: Mask) -> Lines:
        times = None if self.times is None else self.times[keep]
        return Lines(self.points[keep], self.values[keep], first, times)

    @property
    def length(self) -> float:
        """Of all of them."""
        start = self.joined
        with np.errstate(all="ignore"):
            steps = np.linalg.norm(self.points[start + 1] - self.points[start], axis=1)
        return float(steps.sum())


def line(points: Floats, values: Floats | float = 0.0) -> Lines:
    """One polyline through ``points (k, d)``."""
    first = np.zeros(len(points), bool)
    first[:1] = True
    colors = np.broadcast_to(values, len(points)).astype(float)
    return Lines(np.asarray(points, float), colors, first)


def together(parts: Sequence[Lines], dimensions: int = 2) -> Lines:
    """All of them as one."""
    if not parts:
        return Lines(np.zeros((0, dimensions)), np.zeros(0), np.zeros(0, bool))
    return Lines(
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.first for part in parts]),
    )


def clip(lines: Lines, low: Floats, high: Floats) -> Lines:
    """What lies in the box from ``low (d,)`` to ``high (d,)``, cut where it leaves it.

    Liang and Barsky 1984: each side bounds the share of a segment that is inside.
    """
    start = lines.joined
    a, b = lines.points[start], lines.points[start + 1]
    with np.errstate(all="ignore"):
        step = b - a
        bounds = np.sort(np.stack([(low - a) / step, (high - a) / step]), axis=0)
    still = step == 0
    beside = (still & ((a < low) | (a > high))).any(axis=1)
    enter = np.where(still, 0.0, bounds[0]).max(axis=1, initial=0.0)
    leave = np.where(still, 1.0, bounds[1]).min(axis=1, initial=1.0)
    seen = ~beside & (enter < leave) & np.isfinite(step).all(axis=1)
    segments = np.repeat(start[seen], 2)
    shares = np.column_stack([enter[seen], leave[seen]]).ravel()
    found = _sampled(lines, segments, shares)
    return replace(found, points=np.clip(found.points, low, high))  # a cut may be rounded


def _sampled(lines: Lines, segments: NDArray[np.int64], shares: Floats) -> Lines:
    """Points at ``shares`` of ``segments``, in order; segments that meet are one line again."""
    start, end = lines.points[segments], lines.points[segments + 1]
    points = start + shares[:, None] * (end - start)
    exact = shares[:, None] == 1  # start + (end - start) may be rounded
    values = lines.values[segments], lines.values[segments + 1]
    found = Lines(
        np.where(exact, end, points),
        np.where(shares == 1, values[1], values[0] + shares * (values[1] - values[0])),
        np.ones(len(segments), bool),
    )
    same = segments[1:] == segments[:-1]
    on = (segments[1:] == segments[:-1] + 1) & (shares[:-1] == 1) & (shares[1:] == 0)
    found.first[1:] = ~(same | on)
    keep = np.ones(len(segments), bool)
    keep[1:] = ~(on | (same & (shares[1:] == shares[:-1])))
    return Lines(found.points[keep], found.values[keep], found.first[keep])


def thin(lines: Lines, quantum: Floats) -> Lines:
    """Without points in the same square of ``quantum (d,)`` as the point before; ends stay."""
    return lines.take(coarse(lines, quantum))


def coarse(lines: Lines, quantum: Floats) -> Mask:
    """``(k,)``: which points ``thin`` keeps."""
    with np.errstate(all="ignore"):
        square = np.floor(lines.points / quantum)
    keep = lines.first | lines.last
    keep[1:] |= (square[1:] != square[:-1]).any(axis=1)
    return keep


def unrepeated(lines: Lines, quantum: Floats) -> Lines:
    """All points of a line in one square of ``quantum (d,)`` as one, their mean, and of its
    segments between the same two squares the first and the last: the line looks as it did, to a
    square. Ends stay.

    Squares are told apart by a hash of 64 bits: of a million, two are taken for one by a chance of
    one in ten million.
    """
    if not len(lines.points):
        return lines
    with np.errstate(all="ignore"):
        squares = np.floor(lines.points / quantum).astype(np.int64).view(np.uint64)
    names = np.cumsum(lines.first).astype(np.uint64)
    for column in squares.T:
        names = _mixed(names) ^ column
    _, group, size = np.unique(names, return_inverse=True, return_counts=True)
    means = [np.bincount(group, column)[group] / size[group] for column in lines.points.T]
    end = (lines.first | lines.last)[:, None]
    points = np.where(end, lines.points, np.column_stack(means))
    start = lines.joined
    ways = np.sort([group[start], group[start + 1]], axis=0)  # the same in both directions
    ways = ways[0] * len(size) + ways[1]
    order = np.argsort(ways)
    another = np.flatnonzero(np.diff(ways[order], prepend=-1))
    joined = np.zeros(len(points), bool)  # to the next point
    if start.size:
        for end_of in (np.minimum, np.maximum):
            joined[start[end_of.reduceat(order, another)]] = True
    before = np.append(False, joined[:-1])
    keep = joined | before
    return Lines(points[keep], lines.values[keep], ~before[keep])


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Splitmix64's finaliser (Steele, Lea and Flood 2014): every bit depends on every other."""
    numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


def sparse(lines: Lines, every: int) -> Lines:
    """Every so many-th point of each line, and its ends."""
    if every == 1:
        return lines
    number = np.arange(len(lines.points))
    number -= np.maximum.accumulate(np.where(lines.first, number, 0))
    return lines.take(lines.first | lines.last | (number % every == 0))


def bend(lines: Lines, xs: Floats, ys: Floats) -> Lines:
    """With a point wherever ``lines (k, 2)`` meet an edge of the triangles of a grid.

    The grid's lines are ``xs`` and ``ys``, the diagonals go from (column, row + 1) to
    (column + 1, row). The lines must lie within.
    """
    start = lines.joined
    segments, shares = [start, start], [np.zeros(len(start)), np.ones(len(start))]
    for side, grid in enumerate((xs, ys)):
        a, b = lines.points[start, side], lines.points[start + 1, side]
        low = np.searchsorted(grid, np.minimum(a, b), "right")
        count = np.maximum(np.searchsorted(grid, np.maximum(a, b), "left") - low, 0)
        which = np.repeat(np.arange(len(start)), count)
        nth = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        segments.append(start[which])
        shares.append((grid[low[which] + nth] - a[which]) / (b - a)[which])
    cut = _ordered(lines, np.concatenate(segments), np.concatenate(shares))
    # Between two lines of the grid a segment meets one diagonal at most.
    own = cut.joined
    cells = [np.interp(cut.points[:, side], grid, np.arange(grid.size))
             for side, grid in enumerate((xs, ys))]  # fmt: skip
    along = cells[0] + cells[1]
    base = sum(np.floor((cell[own] + cell[own + 1]) / 2) for cell in cells)
    step = along[own + 1] - along[own]
    with np.errstate(all="ignore"):
        share = (base + 1 - along[own]) / step
    met = (share > 0) & (share < 1)
    segments = [own, own, own[met]]
    shares = [np.zeros(len(own)), np.ones(len(own)), share[met]]
    return _ordered(cut, np.concatenate(segments), np.concatenate(shares))


def _ordered(lines: Lines, segments: NDArray[np.int64], shares: Floats) -> Lines:
    order = np.lexsort((shares, segments))
    return _sampled(lines, segments[order], np.clip(shares[order], 0.0, 1.0))


@dataclass(frozen=True)
class Seen:
    """What is seen of the plane: from ``low (2,)`` to ``high (2,)``, and how large a pixel is."""

    low: tuple[float, float]
    high: tuple[float, float]
    pixel: float


def laid(lines: Lines, xs: Floats, ys: Floats, budget: int, seen: Seen | None = None) -> Lines:
    """``lines (k, 2)`` cut at the border of a grid and bent at its triangles.

    Where that takes more than about ``budget`` points, only what is ``seen`` counts, without what
    is finer than a pixel; then they are thinned and bent at every second line of the grid, every
    fourth …, until it does not.
    """
    low, high = np.array([xs[0], ys[0]]), np.array([xs[-1], ys[-1]])
    cell = (high - low) / (xs.size - 1, ys.size - 1)
    found = lines = lines.without_gaps()
    stride, quantum, over = 1, cell * FINEST, _cost(lines, low, high, cell) / budget
    if over > 1 and seen is not None:
        low, high = np.maximum(low, seen.low), np.minimum(high, seen.high)
        lines, quantum = _within(lines, low, high), np.full(2, seen.pixel)
        stride = max(1, int(BENT * seen.pixel / cell.max()))
    while over > 1 and stride < max(xs.size, ys.size):
        lines = thin(lines, quantum)
        found = unrepeated(lines, quantum)
        over = _cost(found, low, high, cell * stride) / budget
        if over > 1:  # what trembles on a plane has as many places as squares
            coarser = min(max(over**0.5, 1.5), 4.0)
            stride, quantum = math.ceil(coarser * stride), coarser * quantum
    some = [np.append(grid[:-1:stride], grid[-1]) for grid in (xs, ys)]
    return bend(clip(found, low, high), *some)


def fits(lines: Lines, xs: Floats, ys: Floats, budget: int) -> bool:
    """Whether ``laid`` leaves nothing out."""
    low, high = np.array([xs[0], ys[0]]), np.array([xs[-1], ys[-1]])
    cell = (high - low) / (xs.size - 1, ys.size - 1)
    return _cost(lines.without_gaps(), low, high, cell) <= budget


def _within(lines: Lines, low: Floats, high: Floats) -> Lines:
    """Less the segments that lie beside the box on one side of it."""
    with np.errstate(invalid="ignore"):
        below, above = lines.points < low, lines.points > high
    beside = (below[1:] & below[:-1] | above[1:] & above[:-1]).any(axis=1)
    joined = ~lines.first[1:] & ~beside
    keep = np.append(joined, False) | np.append(False, joined)
    first = np.append(True, ~joined)
    return Lines(lines.points[keep], lines.values[keep], first[keep])


def _cost(lines: Lines, low: Floats, high: Floats, cell: Floats) -> float:
    """About how many points ``bend`` gives."""
    moved = np.abs(np.diff(np.clip(lines.points, low, high), axis=0)) / cell
    moved = moved[~lines.first[1:]]
    return float(len(lines.points) + 2 * moved.sum())


def with_heights(lines: Lines, heights: Floats) -> Lines:
    """``(k, 2)`` lines as ``(k, 3)`` ones; a height that is no number leaves a gap."""
    found = replace(lines, points=np.column_stack([lines.points, heights]))
    return found.without_gaps()
