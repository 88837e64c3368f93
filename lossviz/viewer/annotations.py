"""What is written around the surfaces: axes with ticks, and titles. All are plain data."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from lossviz.contours import step_1_2_5
from lossviz.viewer.camera import View
from lossviz.viewer.hiding import Hiding
from lossviz.viewer.items import Item
from lossviz.viewer.layout import SUBTITLE, TEXT, TITLE, Rect
from lossviz.viewer.ranges import Range
from lossviz.viewer.renderers.lines import Line
from lossviz.viewer.renderers.overlay import Label
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from lossviz.viewer.text import bitmap, one_line
from lossviz.viewer.themes import THEMES, Theme
from lossviz.viewer.ticks import Tick, linear_ticks, log_ticks, number, offset

TICK, MINOR_TICK, GAP = 6.0, 3.0, 10.0  # points
SHORTEST = 24.0  # points: an axis that is seen shorter has no numbers
FLAT, EDGE_ON = 70.0, 12.0  # degrees of elevation: no height axis above, the floor a line below
BROADSIDE = 0.35  # of the longer floor axis: what the other one must have where the floor is a line
NAME_APART = 0.7  # of its height: between an axis' name and a number beside it
MOST_TICKS = 6  # about as many numbers at most on a height axis and a colour bar: the same ones


@dataclass(frozen=True)
class _Edge:
    """One axis in the scene: where a share of it lies, and which way its numbers hang."""

    start: np.ndarray  # (3,)
    end: np.ndarray  # (3,)
    outward: np.ndarray  # (3,) unit

    def at(self, shares: np.ndarray) -> np.ndarray:
        """(k, 3) places at shares (k,) of the way."""
        return self.start + shares[:, None] * (self.end - self.start)


def axes(
    scene: Scene, state: ViewState, index: int, view: View, cell: Rect, scale: float
) -> tuple[list[Line], list[Label]]:
    """The three axes of a landscape: lines in the scene, labels in pixels of the picture.

    Labels that would leave the cell are left out: a part of a number is another number.
    """
    lines, labels = axes_unclipped(scene, state, index, view, scale)
    return lines, [
        replace(label, x=label.x + cell.x, y=label.y + cell.y)
        for label in labels
        if _inside(label_box(label, scale), view.width, view.height)
    ]


def axes_unclipped(
    scene: Scene, state: ViewState, index: int, view: View, scale: float
) -> tuple[list[Line], list[Label]]:
    """The axes, with all labels, in pixels of the cell."""
    theme = THEMES[state.picture.theme]
    item = scene.items[index]
    x, y = item.extent
    floor, top = scene.floor(state), scene.top(state)
    painter = _Painter(view, scale, theme, _outline(x, y, floor, theme), [])
    painter.hides = Hiding(scene, state, index, view).hides
    painter.floor_axes(item, floor, view.elevation)
    if abs(view.elevation) <= FLAT and item.span(state.surface.height) is not None:
        # The silhouette's left corner.
        side = 1.0 if view.forward[0] * view.forward[1] >= 0 else -1.0
        corners = [np.array([x, -side * y, 0]), np.array([-x, side * y, 0])]
        left = min(corners, key=lambda corner: view.project(corner)[0, 0])
        upright = _Edge(left, left + [0, 0, top], left / np.linalg.norm(left))
        if floor < 0:
            foot = (float(left[0]), float(left[1]), floor)
            color = _rgba(theme, "soft", 0.5)
            painter.lines.append(Line(foot, _point(left), color, theme.line * 0.7))
        painter.height_axis(upright, scene.height_range(state, index), state.surface.height)
    return painter.lines, painter.labels


def label_box(label: Label, scale: float) -> Rect:
    """The pixels that a label covers."""
    height, width = bitmap(label.text, round(label.size * scale), label.bold).shape
    left, above = label.anchor
    return Rect(label.x - left * width, label.y - above * height, width, height)


def _inside(box: Rect, width: float, height: float) -> bool:
    return box.x >= 0 and box.y >= 0 and box.x + box.width <= width and box.y + box.height <= height


def _overlap(one: Rect, other: Rect, apart: float = 0.2) -> bool:
    """Whether two labels are too near: some room between words, less between lines; ``apart`` is
    that room over the first one's height."""
    room = apart * one.height
    return (
        one.x < other.x + other.width + room
        and other.x < one.x + one.width + room
        and abs(one.y + one.height / 2 - other.y - other.height / 2)
        < 0.45 * (one.height + other.height)
    )


def _point(array: np.ndarray) -> tuple[float, float, float]:
    return float(array[0]), float(array[1]), float(array[2])


@lru_cache(maxsize=32)
def _rgba(theme: Theme, name: str, alpha: float = 1.0) -> tuple[float, float, float, float]:
    return (*theme.linear(name), alpha)


def _outline(x: float, y: float, floor: float, theme: Theme) -> list[Line]:
    corners = [(-x, -y, floor), (x, -y, floor), (x, y, floor), (-x, y, floor)]
    color = _rgba(theme, "soft", 0.9)
    return [Line(corners[i], corners[(i + 1) % 4], color, theme.line * 0.8) for i in range(4)]


@dataclass
class _Painter:
    """Collects the lines and labels of axes seen in one view."""

    view: View
    scale: float
    theme: Theme
    lines: list[Line]
    labels: list[Label]
    _boxes: list[Rect] = field(default_factory=list, init=False)  # of the labels
    hides: Callable[[np.ndarray], np.ndarray] = lambda points: np.zeros(len(points), bool)

    def floor_axes(self, item: Item, floor: float, elevation: float) -> None:
        """Alpha and beta, on the floor's edges that lie lowest in the picture."""
        x, y = item.extent
        # From below these are the far edges.
        below = -1.0 if elevation < 0 else 1.0
        side_x = below if -self.view.forward[0] >= 0 else -below
        side_y = below if -self.view.forward[1] >= 0 else -below
        line = abs(elevation) < EDGE_ON  # where the floor is a line, numbers hang under it
        down = np.array([0.0, 0.0, -1.0])
        edges = [
            _Edge(np.array([-x, side_y * y, floor]), np.array([x, side_y * y, floor]),
                  down if line else np.array([0.0, side_y, 0.0])),
            _Edge(np.array([side_x * x, -y, floor]), np.array([side_x * x, y, floor]),
                  down if line else np.array([side_x, 0.0, 0.0])),
        ]  # fmt: skip
        lengths = [self._length(edge) for edge in edges]
        shortest = max(SHORTEST, BROADSIDE * max(lengths) if line else 0.0)
        spans = [Range(*ends, False) for ends in item.box]
        counts = [max(2, int(length / 64)) for length in lengths]
        finest = min(step_1_2_5(s.high - s.low, n) for s, n in zip(spans, counts, strict=True))
        sides = item.surface.alphas, item.surface.betas
        for edge, length, span, count, name, side in zip(
            edges, lengths, spans, counts, "αβ", sides, strict=True
        ):
            if length < shortest:
                continue
            ticks = linear_ticks(span.low, span.high, count, finest)
            if side.size == 1:  # a ribbon's width means nothing
                ticks = [Tick(float(side[0]), number(float(side[0])))]
            self._axis(edge, span, ticks)
            self._name_beside(edge, named(name, span))

    def height_axis(self, edge: _Edge, span: Range, quantity: str) -> None:
        """The upright axis, its name at its upper end."""
        self._axis(edge, span, make_ticks(span, self._length(edge) / 22))
        ((x, y, _),) = self.view.project(edge.end)
        name = named(one_line(quantity.replace("_", " ")), span)
        self._label(name, x, y - 16 * self.scale, (0.5, 0.5), TEXT + 1, bold=True)

    def _length(self, edge: _Edge) -> float:
        """How long an axis is seen, in points."""
        ends = self.view.project(np.stack([edge.start, edge.end]))
        return float(np.hypot(*(ends[1] - ends[0])[:2])) / self.scale

    def _axis(self, edge: _Edge, span: Range, ticks: Sequence[Tick]) -> None:
        """A line, its ticks and their numbers."""
        color = _rgba(self.theme, "ink")
        self.lines.append(Line(_point(edge.start), _point(edge.end), color, self.theme.line))
        shares = span.unit(np.array([tick.value for tick in ticks]))
        kept = (shares >= -1e-6) & (shares <= 1 + 1e-6)
        ticks, shares = (
            [tick for tick, inside in zip(ticks, kept, strict=True) if inside],
            shares[kept],
        )
        here, direction, point = self._hang(edge, shares)
        long = np.array([TICK if tick.label else MINOR_TICK for tick in ticks])
        bases = edge.at(shares)
        ends = (
            bases + np.minimum(long * point, 0.12)[:, None] * edge.outward
        )  # not long if foreshortened
        self.lines += [
            Line(_point(base), _point(end), color, self.theme.line)
            for base, end in zip(bases, ends, strict=True)
        ]
        hidden = self._hidden(edge, shares, GAP * point)
        places = here + direction * GAP * self.scale
        for tick, (x, y), (dx, dy), gone in zip(ticks, places, direction, hidden, strict=True):
            if tick.label and not gone:
                self._label(tick.label, x, y, (0.5 - 0.5 * dx, 0.5 - 0.42 * dy), TEXT)

    def _hang(self, edge: _Edge, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where shares (k,) of an axis are seen (k, 2), the unit directions (k, 2) in which labels
        hang there, and how long (k,) a point of the picture is in the scene along them."""
        bases = edge.at(shares)
        ends = self.view.project(np.concatenate([bases, bases + edge.outward * 0.1]))[:, :2]
        here, there = ends[: len(bases)], ends[len(bases) :]
        pixels = np.hypot(*(there - here).T)
        seen = pixels > 1e-6
        pixels = np.where(seen, pixels, 1.0)
        direction = np.where(seen[:, None], (there - here) / pixels[:, None], [0.0, 1.0])
        return here, direction, np.where(seen, 0.1 * self.scale / pixels, 1e6)

    def _hidden(self, edge: _Edge, shares: np.ndarray, reach: np.ndarray) -> np.ndarray:
        """(k,): whether the surface hides a place of an axis or where its label would stand."""
        bases = edge.at(shares)
        labels = bases + np.minimum(reach, 1.0)[:, None] * edge.outward
        ends = self.hides(np.concatenate([bases, labels])).reshape(2, -1)
        return np.asarray(ends.any(axis=0))

    def _name_beside(self, edge: _Edge, name: str) -> None:
        """The axis' name beyond its numbers, at the middle if that can be seen."""
        shares = np.array([0.5, 0.3, 0.7, 0.1, 0.9])
        here, direction, point = self._hang(edge, shares)
        hidden = self._hidden(edge, shares, 2 * GAP * point)
        for start, along in zip(here[~hidden], direction[~hidden], strict=True):
            for away in np.arange(2.4 * GAP, 12 * GAP, 0.2 * GAP) * self.scale:
                x, y = start + along * away
                if self._label(name, x, y, (0.5, 0.5), TEXT + 3, bold=True):
                    return

    def _label(
        self, text: str, x: float, y: float, anchor: tuple[float, float], size: float,
        bold: bool = False,
    ) -> bool:  # fmt: skip
        """Put a label where none is yet; whether it could be."""
        if not (math.isfinite(x) and math.isfinite(y) and max(abs(x), abs(y)) < 1e5):
            return False
        label = Label(text, x, y, size, _rgba(self.theme, "ink"), anchor, bold=bold)
        box = label_box(label, self.scale)
        # A name close before a number would be read with it: "α 6".
        apart = NAME_APART if bold else 0.2
        if any(_overlap(box, other, apart) for other in self._boxes):
            return False
        self.labels.append(label)
        self._boxes.append(box)
        return True


def make_ticks(span: Range, room: float) -> list[Tick]:
    """Ticks for a range on its scale, with ``room`` for so many numbers."""
    count = min(max(2, int(room)), MOST_TICKS)
    return (log_ticks if span.log else linear_ticks)(span.low, span.high, count)


def named(name: str, span: Range) -> str:
    """An axis' name with what is taken from its numbers: "loss − 1000"."""
    away = offset(span.low, span.high)
    return f"{name} {'−' if away > 0 else '+'} {abs(away):.15g}" if away else name


def title(
    scene: Scene, state: ViewState, group: Sequence[int], place: Rect, scale: float
) -> Iterator[Label]:
    """The names of landscapes, and under them how they were computed, shortened to the room there
    is; none where that is no room for a word."""
    theme, items = THEMES[state.picture.theme], [scene.items[index] for index in group]
    if place.width < 4 * TITLE * scale:
        return
    x = place.x + place.width / 2
    rows = (
        (_joined(item.title for item in items), TITLE, "ink", True, TITLE * 0.95),
        (_joined(item.subtitle for item in items), SUBTITLE, "soft", False,
         TITLE * 1.62 + SUBTITLE * 0.6),
    )  # fmt: skip
    for text, size, color, bold, y in rows:
        # As wide as it can become: supersampled letters are of a size between two whole ones.
        text = shortened(text, place.width * 0.94, math.ceil(size * scale), bold)
        if text:
            yield Label(text, x, place.y + y * scale, size, _rgba(theme, color), bold=bold)


def _joined(texts: Iterable[str]) -> str:
    """Each text once."""
    return "  |  ".join(dict.fromkeys(texts))


def shortened(text: str, room: float, pixels: float, bold: bool, *, tail: bool = False) -> str:
    """``text`` with an ellipsis where it would be wider than ``room`` pixels.

    With ``tail`` that stands in the middle: names of runs often differ in their last letters.
    """
    begin = text if tail else text[: int(8 * room / pixels) + 2]  # letters: narrowest, five a size
    width = bitmap(begin, round(pixels), bold).shape[1]
    if begin == text and width <= room:
        return text
    keep = int(len(begin) * min(room / width, 1))
    while True:  # the letters that are kept may be wider than the average one
        end = begin[len(begin) - keep // 2 :] if tail else ""
        text = begin[: max(keep - len(end), 1)].rstrip(" ·,") + "…" + end.lstrip(" ·,")
        if keep <= 1 or bitmap(text, round(pixels), bold).shape[1] <= room:
            return text
        keep -= 1
