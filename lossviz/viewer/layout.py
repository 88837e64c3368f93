"""Where things stand in a picture of given size: cells for landscapes, colour bars, titles."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossviz.viewer.state import ViewState

TEXT = 10.0  # points: numbers and names of axes
TITLE = 14.0
LEVEL = 8.5  # numbers on isolines
SUBTITLE = 9.0
BAR_WIDTH, BAR_ROOM = 12.0, 74.0  # points: the bar itself, and all that it needs
SIDEBAR = 320.0  # points


def sidebar_room(state: ViewState, width: float, scale: float) -> float:
    """How much of a window's ``width`` the sidebar takes; none where it would take half."""
    wanted = SIDEBAR * scale
    return wanted if state.panels.visible and wanted < width / 2 else 0.0


@dataclass(frozen=True)
class Rect:
    """Pixels; y counts down from the top."""

    x: float
    y: float
    width: float
    height: float

    @property
    def sides(self) -> tuple[float, float, float, float]:
        """x, y, width, height."""
        return self.x, self.y, self.width, self.height

    def contains(self, x: float, y: float) -> bool:
        """Whether a pixel lies inside."""
        return self.x <= x < self.x + self.width and self.y <= y < self.y + self.height


def crop(cell: Rect, part: Rect) -> NDArray[np.float64]:
    """``(4, 4)`` from a cell's clip space to that of another rectangle of the picture."""
    matrix = np.eye(4)
    matrix[0, 0], matrix[1, 1] = cell.width / part.width, cell.height / part.height
    matrix[0, 3] = 2 * (cell.x + cell.width / 2 - part.x) / part.width - 1
    matrix[1, 3] = 1 - 2 * (cell.y + cell.height / 2 - part.y) / part.height
    return matrix


@dataclass(frozen=True)
class Layout:
    """A cell, title and legend for each landscape or for several together; bars for all, or one
    each. See ``lossviz.viewer.arrangement`` for landscapes that share a cell."""

    cells: tuple[Rect, ...]  # by landscape: where it is seen; without any width: nowhere
    titles: tuple[Rect, ...]
    legends: tuple[Rect, ...]
    bars: tuple[Rect, ...]
    groups: tuple[tuple[int, ...], ...]  # of which landscapes each title and legend is
    scales: tuple[int, ...]  # of which landscape each bar is
    viewports: tuple[Rect, ...]  # by landscape: what its camera fills, its cell or more than that
    divider: float | None = None  # x between the two parts of the first viewport that is shared


def layout(
    count: int, width: float, height: float, scale: float, state: ViewState, *, foot: float = 0.0,
    bars: int = 1,
) -> Layout:  # fmt: skip
    """Divide ``width`` x ``height`` pixels among ``count`` landscapes, at ``scale`` pixels a point.

    ``foot`` pixels under each cell are for its legend; ``bars`` is how many scales of colours there
    are where landscapes share them; 0: colours mean nothing.

    The number of columns is the one that leaves most room for the surfaces, which are about as high
    as they are wide.
    """
    count = max(count, 1)
    bar_room = BAR_ROOM * scale if state.axes.color_bar and bars else 0.0
    shared = state.has_one_scale or count == 1
    # A bar may not take more than a third of a small picture.
    bar_room = min(bar_room, width / 3 / (1 if shared else count))
    inner = width - (bar_room if shared else 0)
    head = (TITLE + SUBTITLE) * 1.9 * scale if state.axes.title else 0.0

    def room(columns: int) -> float:
        return min(inner / columns, height / math.ceil(count / columns) - head - foot)

    columns = max(range(1, count + 1), key=room)
    rows = math.ceil(count / columns)
    cell_width, cell_height = inner / columns, height / rows
    head, foot = min(head, cell_height / 4), min(foot, cell_height / 4)
    cells, titles, legends, strips = [], [], [], []
    for index in range(count):
        row, column = divmod(index, columns)
        missing = columns * rows - count if row == rows - 1 else 0  # the last row is centred
        x, y = (column + missing / 2) * cell_width, row * cell_height
        own_bar = 0.0 if shared else bar_room
        titles.append(Rect(x, y, cell_width - own_bar, head))
        cells.append(Rect(x, y + head, cell_width - own_bar, cell_height - head - foot))
        legends.append(Rect(x, y + cell_height - foot, cell_width - own_bar, foot))
        if own_bar:
            strips.append(_bar(x + cell_width - own_bar, y, own_bar, cell_height, scale))
    if shared and bar_room:
        strips = [
            _bar(inner, height * k / bars, bar_room, height / bars, scale) for k in range(bars)
        ]
    numbers = range(count)
    return Layout(
        tuple(cells), tuple(titles), tuple(legends), tuple(strips),
        groups=tuple((index,) for index in numbers), scales=tuple(range(len(strips))),
        viewports=tuple(cells),
    )  # fmt: skip


def _bar(x: float, y: float, room: float, height: float, scale: float) -> Rect:
    """The coloured strip in its room: at most 300 points tall, in the middle."""
    tall = min(height * 0.62, 300 * scale)
    return Rect(x + 4 * scale, y + (height - tall) / 2, min(BAR_WIDTH * scale, room / 3), tall)
