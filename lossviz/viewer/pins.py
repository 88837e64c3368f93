"""Marks: a pin on the surface at each named place, with its name where there is room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from lossviz.viewer.annotations import label_box, shortened
from lossviz.viewer.camera import View
from lossviz.viewer.heights import displayed_mesh
from lossviz.viewer.layout import TEXT, Rect
from lossviz.viewer.renderers.overlay import Box, Label
from lossviz.viewer.scene import Scene
from lossviz.viewer.sections import NOTHING_CLIPPED, is_clipped
from lossviz.viewer.state import ViewState
from lossviz.viewer.text import one_line
from lossviz.viewer.themes import THEMES

STEMS = (20.0, 38.0, 56.0, 74.0)  # points: how long a pin may be, the shortest that has room
ASIDE = (0.5, 0.1, 0.9)  # share of the name left of the pin
HEAD = 3.2  # points: half the sign's side
LONGEST = 150.0  # points of a name
HIDDEN = 0.4  # opacity of what the surface hides
MOST = 200  # pins: more names are not read


def pins(
    scene: Scene, state: ViewState, index: int, view: View, cell: Rect, scale: float,
    taken: Sequence[Label] = (), clip: tuple[float, float, float, float] = NOTHING_CLIPPED,
) -> Iterator[Label | Box]:  # fmt: skip
    """Pins and names of landscape ``index`` in pixels of the picture, where no label is ``taken``.

    Marks beside the surface or in a hole of it have no height and no pin.
    """
    marks = scene.items[index].landscape.marks[:MOST]
    if not (state.marks.shown and marks):
        return
    mesh = displayed_mesh(scene, state, index)
    with np.errstate(all="ignore"):
        places = scene.items[index].place(np.array([[mark.alpha, mark.beta] for mark in marks]))
    points = np.column_stack([places, mesh.at(places)])
    known = np.isfinite(points).all(axis=1) & ~is_clipped(clip, points)
    hidden = np.zeros(len(points), bool)
    hidden[known] = mesh.hide(points[known], view.eye, view.forward if view.orthographic else None)
    seen = np.full((len(points), 2), np.nan)
    seen[known] = view.project(points[known])[:, :2] + (cell.x, cell.y)
    boxes = [label_box(label, scale) for label in taken]
    for i in sorted(np.flatnonzero(known).tolist(), key=lambda i: float(seen[i, 1])):
        x, y = seen[i].tolist()
        if not cell.contains(x, y):
            continue
        name = shortened(
            one_line(marks[i].name), LONGEST * scale, TEXT * scale, bold=True, tail=True
        )
        opacity = HIDDEN if hidden[i] else 1.0
        if not (state.marks.names and name):
            yield from sign(x, y, state, scale, opacity)
            continue
        label, box = _placed(name, x, y, cell, scale, boxes)
        boxes.append(box)
        yield from _pin(x, y, label, box, state, scale, opacity)


def _placed(
    name: str, x: float, y: float, cell: Rect, scale: float, boxes: Sequence[Rect]
) -> tuple[Label, Rect]:
    """The name over the pin at the first place that is free, else where it overlaps least."""
    best: tuple[float, Label, Rect] | None = None
    for stem, aside in product(STEMS, ASIDE):
        label = Label(name, x, y - stem * scale, TEXT, (0, 0, 0, 1), (aside, 0.5), bold=True)
        inner = label_box(label, scale)
        pad = 3 * scale
        box = Rect(inner.x - pad, inner.y, inner.width + 2 * pad, inner.height)
        outside = box.width * box.height - overlap(box, cell)
        cost = outside + sum(overlap(box, other) for other in boxes)
        if best is None or cost < best[0] - 1e-6:
            best = cost, label, box
        if best[0] <= 1e-6:
            break
    assert best is not None
    return best[1], best[2]


def overlap(one: Rect, other: Rect) -> float:
    """The area that two rectangles have in common."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return max(width, 0.0) * max(height, 0.0)


def sign(
    x: float, y: float, state: ViewState, scale: float, opacity: float
) -> Iterator[Label | Box]:
    """A square with a rim."""
    theme = THEMES[state.picture.theme]
    for name, half in (("background", HEAD + 1.2), ("ink", HEAD)):
        side = half * scale
        color = (*theme.linear(name), opacity)
        yield Box(Rect(x - side, y - side, 2 * side, 2 * side), color)


def _pin(
    x: float, y: float, label: Label, box: Rect, state: ViewState, scale: float, opacity: float
) -> Iterator[Label | Box]:
    theme = THEMES[state.picture.theme]
    ink, ground = theme.linear("ink"), theme.linear("background")
    bottom = box.y + box.height
    for color, half in ((ground, 1.4), (ink, 0.6)):
        wide = half * scale
        yield Box(Rect(x - wide, bottom, 2 * wide, max(y - bottom, 0.0)), (*color, opacity))
    yield from sign(x, y, state, scale, opacity)
    yield Box(box, (*ground, 0.85 * opacity))
    yield Label(
        label.text, label.x, label.y, label.size, (*ink, opacity), label.anchor, bold=label.bold
    )
