"""Where numbers stand on contour lines: on straight stretches, over nothing else.

Everything is in points of the drawing. What is taken is a raster of one point a cell: the lines by
their numbers, and what no label may cover.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BLOCKED = -1  # no label here; 0: free; else the number of a line
DIGIT, NARROW = 0.64, 0.33  # widths over the size of the text
HEIGHT = 0.8  # of digits with some room, over the size of the text
AGAIN = 260.0  # points along a line after which it may have another label
STEP = 3.0  # points between the places that are tried
RING = np.array([[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1], [1, 0]])  # around a sign of radius 1
BENT = 0.06  # the most that a chord of a label's length may be shorter than the line


def width(text: str, size: float) -> float:
    """About how wide a number is, with a little room at both sides."""
    wide = sum(NARROW if letter in ".,·⁻¹" else DIGIT for letter in text)
    return (wide + 0.7) * size


class Places:
    """A drawing of ``width`` x ``height`` points, and what of it is taken."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._taken = np.zeros((math.ceil(height) + 1, math.ceil(width) + 1), np.int32)

    def draw(self, line: Floats, number: int = BLOCKED) -> None:
        """Take the cells under a polyline ``(k, 2)``; where two lines meet none may be covered."""
        points = _resampled(line[np.isfinite(line).all(axis=1)], 0.5)
        rows, columns = self._cells(points)
        old = self._taken[rows, columns]
        self._taken[rows, columns] = np.where((old == 0) | (old == number), number, BLOCKED)

    def _cells(self, points: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        high, wide = self._taken.shape
        columns, rows = np.rint(points).astype(np.intp).T
        inside = (columns >= 0) & (columns < wide) & (rows >= 0) & (rows < high)
        return rows[inside], columns[inside]

    def find(self, line: Floats, number: int, wide: float, high: float) -> Iterator[Floats]:
        """Places ``(2,)`` for labels of ``wide`` x ``high`` on a line that was drawn; each is taken
        then."""
        fine = _resampled(line, 1.0)
        reach = round(wide / 2)
        if len(fine) < 2 * reach + 1:
            return
        closed = bool(np.hypot(*(fine[0] - fine[-1])) < 1.5)
        tried = np.arange(reach, len(fine) - reach, round(STEP))
        if closed and len(fine) < 2.5 * wide:
            return  # the label would be longer than the ring around it
        chords = fine[tried + reach] - fine[tried - reach]
        lengths = np.hypot(*chords.T)
        bent = 1 - lengths / (2 * reach)
        last = -math.inf
        aside = np.abs(tried - len(fine) / 2)  # the middle of what is straight alike
        for at in np.lexsort((aside, bent.round(2))):
            if bent[at] > BENT:
                break
            place = fine[tried[at]]
            if last >= 0 and abs(tried[at] - last) < AGAIN:
                continue
            box = _box(place, chords[at] / lengths[at], wide, high)
            if self._free(box, number):
                rows, columns = self._cells(box)
                self._taken[rows, columns] = BLOCKED
                yield place
                if len(fine) < AGAIN or last >= 0:
                    return
                last = float(tried[at])

    def _free(self, box: Floats, number: int) -> bool:
        if (
            (box < 1).any()
            or (box[:, 0] > self.width - 1).any()
            or (box[:, 1] > self.height - 1).any()
        ):
            return False
        rows, columns = self._cells(box)
        found = self._taken[rows, columns]
        return bool(((found == 0) | (found == number)).all())


def _resampled(line: Floats, step: float) -> Floats:
    """Points ``step`` apart along a polyline."""
    if len(line) < 2:
        return line
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    places = np.arange(0.0, along[-1] + step / 2, step)
    return np.column_stack([np.interp(places, along, side) for side in line.T])


def _box(place: Floats, direction: Floats, wide: float, high: float) -> Floats:
    """Points about one point apart that fill a turned rectangle."""
    along = np.linspace(-wide / 2, wide / 2, math.ceil(wide) + 1)
    across = np.linspace(-high / 2, high / 2, math.ceil(high) + 1)
    normal = np.array([-direction[1], direction[0]])
    grid = along[:, None, None] * direction + across[None, :, None] * normal
    return np.asarray((place + grid).reshape(-1, 2))


def place(
    places: Places, lines: Iterable[tuple[str, Floats]], size: float
) -> list[Floats]:  # fmt: skip
    """Where the numbers ``(2,)`` of lines stand, at most about one in ``AGAIN`` points: the longest
    lines choose first."""
    own = [(text, line) for text, line in lines if len(line) > 1]
    for number, (_, line) in enumerate(own, 1):
        places.draw(line, number)
    lengths = [float(np.hypot(*np.diff(line, axis=0).T).sum()) for _, line in own]
    found = []
    for at in np.argsort(lengths, kind="stable")[::-1]:
        text, line = own[at]
        found += list(places.find(line, int(at) + 1, width(text, size), HEIGHT * size))
    return found
