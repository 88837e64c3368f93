"""Labels: what is at the places that were clicked on, written beside them in every picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from lossviz.viewer.annotations import label_box, shortened
from lossviz.viewer.camera import View
from lossviz.viewer.heights import displayed_mesh
from lossviz.viewer.layout import TEXT, Rect
from lossviz.viewer.pins import HEAD, HIDDEN, overlap, sign
from lossviz.viewer.readout import steps_at, values
from lossviz.viewer.renderers.overlay import Box, Label
from lossviz.viewer.scene import Scene
from lossviz.viewer.sections import is_clipped, on_surface
from lossviz.viewer.state import ViewState
from lossviz.viewer.themes import THEMES
from lossviz.viewer.ticks import number

ROW, PAD = 13.0, 5.0  # points: a line of text, around the text
LONGEST = 190.0  # points of a line
MOST_ROWS = 12  # lines: of more quantities the first ones are told
AWAY = (26.0, 52.0, 84.0, 120.0)  # points between a place and its label, the first that has room
AGAIN = 9.0  # points: a click as near as this to a labelled place takes its label away
SIDES = ((1, -1), (-1, -1), (1, 1), (-1, 1))


def told(scene: Scene, state: ViewState, place: int) -> list[tuple[str, str]]:
    """Everything about labelled place number ``place``, in names and values.

    Values are those of the surface as it is drawn, at a computed point the stored numbers.
    """
    index, alpha, beta = state.labels.places[place]
    item = scene.items[index]
    rows = [("α", number(alpha)), ("β", number(beta))]
    rows += steps_at(item, state, alpha, beta)
    rows += values(scene, state, index, alpha, beta)
    before = previous(state, place)
    if before is not None:
        _, other_alpha, other_beta = state.labels.places[before]
        away = math.dist((alpha, beta), (other_alpha, other_beta))
        rows.append((f"distance to {before + 1}", number(away)))
    return rows


def previous(state: ViewState, place: int) -> int | None:
    """The number of the place labelled before on the same landscape."""
    places = state.labels.places
    same = [k for k in range(place) if places[k][0] == places[place][0]]
    return same[-1] if same else None


def near_label(
    scene: Scene, state: ViewState, index: int, cell: Rect, view: View, x: float, y: float,
    scale: float,
) -> int | None:  # fmt: skip
    """The labelled place of landscape ``index`` that is seen at pixel (x, y)."""
    for place, point in _standing(scene, state, index):
        seen = view.project(point[None])[0, :2] + (cell.x, cell.y)
        if math.dist(seen.tolist(), (x, y)) <= AGAIN * scale:
            return place
    return None


def _standing(scene: Scene, state: ViewState, index: int) -> Iterator[tuple[int, np.ndarray]]:
    """The places of landscape ``index`` that are on its surface, and where that is in the scene."""
    if not state.labels.shown or index >= len(scene.items) or scene.items[index].is_figure:
        return
    for place, (own, alpha, beta) in enumerate(state.labels.places):
        point = on_surface(scene, state, index, alpha, beta) if own == index else None
        if point is not None:
            yield place, point


def labels(
    scene: Scene, state: ViewState, index: int, view: View, cell: Rect, scale: float,
    taken: Sequence[Label], clip: tuple[float, float, float, float],
) -> Iterator[Label | Box]:  # fmt: skip
    """Cards in pixels of the picture, each beside its place, where no label is ``taken``."""
    for card in cards(scene, state, index, view, cell, scale, taken, clip):
        yield from card.drawn()


def cards(
    scene: Scene, state: ViewState, index: int, view: View, cell: Rect, scale: float,
    taken: Sequence[Label], clip: tuple[float, float, float, float],
) -> Iterator[Card]:  # fmt: skip
    """What ``labels`` draws, from the back to the front."""
    found = [(k, p) for k, p in _standing(scene, state, index) if not is_clipped(clip, p[None])[0]]
    if not found:
        return
    points = np.array([point for _, point in found])
    mesh = displayed_mesh(scene, state, index)
    hidden = mesh.hide(points, view.eye, view.forward if view.orthographic else None)
    seen = view.project(points)[:, :2] + (cell.x, cell.y)
    boxes = [label_box(label, scale) for label in taken]
    half = HEAD * scale
    boxes += [Rect(x - half, y - half, 2 * half, 2 * half) for x, y in seen.tolist()]
    for (place, _), (x, y), behind in zip(found, seen.tolist(), hidden.tolist(), strict=True):
        if cell.contains(x, y):
            card = Card(scene, state, place, (x, y), HIDDEN if behind else 1.0, scale)
            card.put(cell, boxes)
            boxes.append(card.box)
            yield card


class Card:
    """The text of labelled place number ``place`` in a ``box``, and a line from there to where the
    place is seen."""

    def __init__(
        self, scene: Scene, state: ViewState, place: int, at: tuple[float, float], opacity: float,
        scale: float,
    ) -> None:  # fmt: skip
        self.state, self.place, self.at, self.opacity = state, place, at, opacity
        self.scale, self.box = scale, Rect(0, 0, 0, 0)
        self.theme = THEMES[state.picture.theme]
        rows = [f"{name}: {value}" for name, value in told(scene, state, place)]
        rows[:2] = [f"{place + 1}   " + "   ".join(rows[:2]).replace(":", "")]
        kept = rows if len(rows) <= MOST_ROWS else rows[: MOST_ROWS - 1] + ["…"]
        room = LONGEST * scale
        self.rows = [
            shortened(row, room, TEXT * scale, bold=k == 0, tail=True) for k, row in enumerate(kept)
        ]

    def _label(self, row: int) -> Label:
        x = self.box.x + PAD * self.scale
        y = self.box.y + (PAD + (row + 0.5) * ROW) * self.scale
        ink = (*self.theme.linear("ink"), 1.0)
        return Label(self.rows[row], x, y, TEXT, ink, (0.0, 0.5), bold=row == 0)

    def put(self, cell: Rect, boxes: Sequence[Rect]) -> None:
        """Into the first box beside the place that is free, else the one that overlaps least."""
        x, y = self.at
        widths = [label_box(self._label(row), self.scale).width for row in range(len(self.rows))]
        width = max(widths) + 2 * PAD * self.scale
        height = (len(self.rows) * ROW + 2 * PAD) * self.scale
        best: tuple[float, Rect] | None = None
        for away in AWAY:
            for right, down in SIDES:
                left = x + away * self.scale if right > 0 else x - away * self.scale - width
                above = y + (0.4 * away * down) * self.scale - (height if down < 0 else 0)
                box = Rect(left, above, width, height)
                cost = width * height - overlap(box, cell)
                cost += sum(overlap(box, other) for other in boxes)
                if best is None or cost < best[0] - 1e-6:
                    best = cost, box
            if best is not None and best[0] <= 1e-6:
                break
        assert best is not None
        self.box = best[1]

    def drawn(self) -> Iterator[Label | Box]:
        """A leader of two straight pieces, the place's sign, the card."""
        (x, y), box, opacity = self.at, self.box, self.opacity
        ink, ground = self.theme.linear("ink"), self.theme.linear("background")
        side = box.x if box.x > x else box.x + box.width
        height = min(max(y, box.y), box.y + box.height)
        for color, half in ((ground, 1.3), (ink, 0.5)):
            wide = half * self.scale
            left, right = sorted((x, side))
            upper, lower = sorted((y, height))
            across = Rect(left - wide, height - wide, right - left + 2 * wide, 2 * wide)
            yield Box(across, (*color, opacity))
            if lower > upper:
                upright = Rect(x - wide, upper - wide, 2 * wide, lower - upper + 2 * wide)
                yield Box(upright, (*color, opacity))
        yield from sign(x, y, self.state, self.scale, opacity)
        edge = max(0.8 * self.scale, 0.75)
        yield Box(Rect(box.x - edge, box.y - edge, box.width + 2 * edge, box.height + 2 * edge),
                  (*self.theme.linear("soft"), opacity))  # fmt: skip
        yield Box(box, (*ground, 1.0))
        for row in range(len(self.rows)):
            yield self._label(row)
