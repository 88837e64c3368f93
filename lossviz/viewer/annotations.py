"""What is written around the surfaces: axes with ticks, colour bar, titles. All are plain data."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lossviz.viewer.camera import View
from lossviz.viewer.layout import SUBTITLE, TEXT, TITLE, Rect
from lossviz.viewer.renderers.lines import Line
from lossviz.viewer.renderers.overlay import Box, Label
from lossviz.viewer.scene import Range, Scene
from lossviz.viewer.state import ViewState
from lossviz.viewer.text import bitmap
from lossviz.viewer.themes import THEMES, Theme
from lossviz.viewer.ticks import Tick, linear_ticks, log_ticks

TICK, MINOR_TICK, GAP = 6.0, 3.0, 10.0  # points
NAME_GAP = 30.0
FLAT, EDGE_ON = 70.0, 12.0  # degrees of elevation: no height axis above, no floor names below


@dataclass(frozen=True)
class _Edge:
    """One axis in the scene: where a share of it lies, and which way its numbers hang."""

    start: np.ndarray  # (3,)
    end: np.ndarray  # (3,)
    outward: np.ndarray  # (3,) unit

    def at(self, share: float) -> np.ndarray:
        return self.start + share * (self.end - self.start)


def axes(
    scene: Scene, state: ViewState, index: int, view: View, cell: Rect, scale: float
) -> tuple[list[Line], list[Label]]:
    """The three axes of a landscape: lines in the scene, labels in pixels of the picture."""
    theme = THEMES[state.picture.theme]
    item = scene.items[index]
    x, y = item.extent
    floor, top = scene.floor(state), scene.top(state)
    side_x = 1.0 if -view.forward[0] >= 0 else -1.0  # the corner nearest to the eye
    side_y = 1.0 if -view.forward[1] >= 0 else -1.0
    lines = _outline(x, y, floor, theme)
    labels: list[Label] = []
    painter = _Painter(view, cell, scale, theme, lines, labels)
    if abs(state.camera.elevation) >= EDGE_ON:
        alphas, betas = item.surface.alphas, item.surface.betas
        along_x = _Edge(
            np.array([-x, side_y * y, floor]), np.array([x, side_y * y, floor]),
            np.array([0, side_y, 0]),
        )  # fmt: skip
        along_y = _Edge(
            np.array([side_x * x, -y, floor]), np.array([side_x * x, y, floor]),
            np.array([side_x, 0, 0]),
        )  # fmt: skip
        painter.axis(along_x, Range(*_ends(alphas), False), "α")
        painter.axis(along_y, Range(*_ends(betas), False), "β")
    if abs(state.camera.elevation) <= FLAT:
        corners = [np.array([side_x * x, -side_y * y, 0]), np.array([-side_x * x, side_y * y, 0])]
        left = min(corners, key=lambda corner: view.project(corner)[0, 0])
        outward = left / np.linalg.norm(left)
        upright = _Edge(left, left + [0, 0, top], outward)
        if floor < 0:
            foot = (float(left[0]), float(left[1]), floor)
            lines.append(Line(foot, _point(left), _rgba(theme, "soft", 0.5), theme.line * 0.7))
        name = state.surface.height.replace("_", " ")
        painter.axis(upright, scene.height_range(state, index), name, name_at_end=True)
    return lines, labels


def _ends(axis: np.ndarray) -> tuple[float, float]:
    low, high = float(axis[0]), float(axis[-1])
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _point(array: np.ndarray) -> tuple[float, float, float]:
    return float(array[0]), float(array[1]), float(array[2])


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
    cell: Rect
    scale: float
    theme: Theme
    lines: list[Line]
    labels: list[Label]

    def axis(self, edge: _Edge, span: Range, name: str, name_at_end: bool = False) -> None:
        """A line, its ticks and their numbers, and the axis' name."""
        self.lines.append(
            Line(_point(edge.start), _point(edge.end), _rgba(self.theme, "ink"), self.theme.line)
        )
        ends = self.view.project(np.stack([edge.start, edge.end]))
        length = float(np.hypot(*(ends[1] - ends[0])[:2])) / self.scale
        ticks = make_ticks(span, max(2, int(length / (28 if name_at_end else 64))))
        for tick in ticks:
            share = float(span.unit(np.array(tick.value)))
            if -1e-6 <= share <= 1 + 1e-6:
                self._tick(edge, share, tick)
        if name_at_end:
            ((x, y, _),) = self.view.project(edge.end)
            self._label(name, x, y - 16 * self.scale, (0.5, 0.5), TEXT + 1, "ink", bold=True)
        else:
            ((x, y, _),) = self.view.project(edge.at(0.5))
            dx, dy = self._screen_direction(edge, 0.5)
            gap = NAME_GAP * self.scale
            self._label(name, x + dx * gap, y + dy * gap, (0.5, 0.5), TEXT + 3, "ink", bold=True)

    def _screen_direction(self, edge: _Edge, share: float) -> tuple[float, float]:
        """The unit direction on the screen in which labels of an axis hang."""
        base = edge.at(share)
        near = self.view.project(np.stack([base, base + edge.outward * 0.1]))
        direction = near[1, :2] - near[0, :2]
        length = float(np.hypot(*direction))
        if not length > 1e-9:
            return 0.0, 1.0
        return float(direction[0] / length), float(direction[1] / length)

    def _tick(self, edge: _Edge, share: float, tick: Tick) -> None:
        points = TICK if tick.label else MINOR_TICK
        base = edge.at(share)
        here, there = self.view.project(np.stack([base, base + edge.outward * 0.1]))
        pixels = max(float(np.hypot(*(there - here)[:2])), 1e-6)
        reach = min(0.1 * points * self.scale / pixels, 0.12)  # foreshortened axes: not too long
        color = _rgba(self.theme, "ink")
        self.lines.append(
            Line(_point(base), _point(base + edge.outward * reach), color, self.theme.line)
        )
        if tick.label:
            dx, dy = self._screen_direction(edge, share)
            gap = GAP * self.scale
            anchor = (0.5 - 0.5 * dx, 0.5 - 0.42 * dy)
            self._label(tick.label, here[0] + dx * gap, here[1] + dy * gap, anchor, TEXT, "ink")

    def _label(
        self, text: str, x: float, y: float, anchor: tuple[float, float], size: float, color: str,
        bold: bool = False,
    ) -> None:  # fmt: skip
        if math.isfinite(x) and math.isfinite(y) and abs(x) < 1e5 and abs(y) < 1e5:
            place = x + self.cell.x, y + self.cell.y
            self.labels.append(
                Label(text, *place, size, _rgba(self.theme, color), anchor, bold=bold)
            )


def make_ticks(span: Range, count: int) -> list[Tick]:
    """Ticks for a range on its scale."""
    return (log_ticks if span.log else linear_ticks)(span.low, span.high, count)


def color_bar(
    scene: Scene, state: ViewState, index: int, bar: Rect, scale: float
) -> Iterator[Label | Box]:
    """The bar with ticks at the right, numbers, and the quantity's name above."""
    theme = THEMES[state.picture.theme]
    ink = _rgba(theme, "ink")
    span = scene.color_range(state, index)
    edge = max(theme.line * scale, 0.75)
    yield Box(Rect(bar.x - edge, bar.y - edge, bar.width + 2 * edge, bar.height + 2 * edge), ink)
    yield Box(bar, (1.0, 1.0, 1.0, 1.0), bar=True)
    for tick in make_ticks(span, max(2, int(bar.height / scale / 32))):
        share = float(span.unit(np.array(tick.value)))
        if not -1e-6 <= share <= 1 + 1e-6:
            continue
        y = bar.y + (1 - share) * bar.height
        length = (4.0 if tick.label else 2.2) * scale
        yield Box(Rect(bar.x + bar.width + edge, y - edge / 2, length, edge), ink)
        if tick.label:
            x = bar.x + bar.width + edge + 7 * scale
            yield Label(tick.label, x, y, TEXT, ink, (0.0, 0.5))
    name = state.surface.color.replace("_", " ")
    yield Label(name, bar.x, bar.y - 8 * scale, TEXT + 1, ink, (0.0, 1.0), bold=True)


def title(scene: Scene, state: ViewState, index: int, place: Rect, scale: float) -> Iterator[Label]:
    """The landscape's name, and under it how it was computed, shortened to the room there is."""
    theme, item = THEMES[state.picture.theme], scene.items[index]
    x = place.x + place.width / 2
    rows = (
        (item.title, TITLE, "ink", True, TITLE * 0.95),
        (item.subtitle, SUBTITLE, "soft", False, TITLE * 1.62 + SUBTITLE * 0.6),
    )
    for text, size, color, bold, y in rows:
        text = shortened(text, place.width * 0.94, size * scale, bold)
        if text:
            yield Label(text, x, place.y + y * scale, size, _rgba(theme, color), bold=bold)


def shortened(text: str, room: float, pixels: float, bold: bool) -> str:
    """``text`` with an ellipsis where it would be wider than ``room`` pixels."""
    if bitmap(text, round(pixels), bold).shape[1] <= room:
        return text
    width = bitmap(text, round(pixels), bold).shape[1]
    keep = max(1, int(len(text) * room / width) - 1)
    return text[:keep].rstrip(" ·,") + "…"
