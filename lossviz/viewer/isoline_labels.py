"""Numbers on the strong isolines, on the surface and on the floor.

Where a number could stand, and which of a line's places are the best, depends on the surface alone;
a view only rules places out. So a number keeps its place while the camera turns for as long as it
can be read there, and the same view gives the same picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lossviz.viewer.annotations import label_box
from lossviz.viewer.camera import View
from lossviz.viewer.critical import standing
from lossviz.viewer.isoline_anchors import Anchors, anchors
from lossviz.viewer.layout import LEVEL, Rect
from lossviz.viewer.renderers.overlay import Box, Label
from lossviz.viewer.scene import Scene
from lossviz.viewer.sections import behind_face, is_clipped
from lossviz.viewer.state import ViewState
from lossviz.viewer.themes import THEMES

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

TURNED = 0.8  # cosine of the most by which a line may be seen to turn at its number
ROOM = 0.32  # over the number's size: how far away the next isoline must be seen
APART = 150.0  # points between two numbers of one line
NEAR = 36.0  # points between two numbers of one level
ASIDE = 3.0  # points between numbers, and from whatever else is written
HALO = 1.7  # points
SIGHT = 96  # places of a line of sight that are looked at
MOST = 40  # numbers of a landscape
DIGIT = 0.62 * LEVEL  # points: a digit's width
WORD = 0.6  # of a bitmap's height: digits alone, which have nothing above or below


def level_labels(
    scene: Scene, state: ViewState, index: int, view: View, cell: Rect, scale: float,
    taken: Sequence[Label | Box], clip: tuple[float, float, float, float],
) -> Iterator[Label]:  # fmt: skip
    """Numbers with halos in pixels of the picture, where nothing is ``taken``."""
    own = state.isolines
    on_floor = own.floor and own.labels in ("floor", "both")
    on_surface = own.surface and own.labels in ("surface", "both")
    if not (on_floor or on_surface):
        return
    found = anchors(scene, state, index)
    page = _Page(view, cell, scale, [])
    page.take(scene, state, index, taken)
    theme = THEMES[state.picture.theme]
    ground, ink = (*theme.linear("background"), 0.92), (*theme.linear("ink"), 1.0)
    if on_surface:
        seen = ~is_clipped(clip, found.points)
        floor = scene.floor(state) if own.floor else None
        page.place(found, seen, floor, state.trajectories.shown)
    if on_floor:
        flat = found.on_floor(scene.floor(state))
        shown = state.trajectories.shown and state.trajectories.floor
        page.place(flat, ~behind_face(clip, flat.points, view, flat.mesh), None, shown)
    for text, x, y in page.numbers:
        yield Label(text, x, y, LEVEL, ground, stroke=HALO)
        yield Label(text, x, y, LEVEL, ink)


class _Page:
    """A view in a cell of the picture, and what of it is taken; all in pixels of the picture."""

    def __init__(self, view: View, cell: Rect, scale: float, boxes: Sequence[Rect]) -> None:
        self.view, self.cell, self.scale = view, cell, scale
        self.boxes = [box.sides for box in boxes]
        self.numbers: list[tuple[str, float, float]] = []

    def take(
        self, scene: Scene, state: ViewState, index: int, taken: Sequence[Label | Box]
    ) -> None:  # fmt: skip
        """What is written, and signs of critical points, may not be covered."""
        for part in taken:
            rect = label_box(part, self.scale) if isinstance(part, Label) else part.rect
            self.boxes.append(rect.sides)
        half = state.critical.size * self.scale
        places = standing(scene, state, index).places
        if len(places):
            for x, y in self._pixels(places).tolist():
                self.boxes.append((x - half, y - half, 2 * half, 2 * half))

    def _pixels(self, points: Floats) -> Floats:
        return self.view.project(points)[:, :2] + (self.cell.x, self.cell.y)

    def place(self, own: Anchors, seen: Mask, floor: float | None, paths: bool) -> None:
        """Put the numbers of one sheet where there is room, those of the longest lines first.

        ``seen (k,)`` are the places that may be; ``floor`` hides them from below.
        """
        usable = np.flatnonzero(seen & self._readable(own))
        for side in (0.0, -0.5, 0.5):  # the middle, then the ends of the number
            usable = usable[self._visible(own, usable, side, floor)]
        pixels = self._pixels(own.points[usable])
        path = self._pixels(own.paths) if paths and len(own.paths) else np.zeros((0, 2))
        placed: dict[str, list[tuple[int, float, float]]] = {}
        for at, (x, y) in zip(usable.tolist(), pixels.tolist(), strict=True):
            line, text = int(own.line[at]), own.texts[own.level[at]]
            others = placed.setdefault(text, [])
            if len(self.numbers) >= MOST:
                return
            if sum(line == other for other, _, _ in others) >= own.allowed[line]:
                continue
            apart = all(
                math.hypot(x - a, y - b) > (APART if line == other else NEAR) * self.scale
                for other, a, b in others
            )
            if apart and self._free(text, x, y, path):
                others.append((line, x, y))
                self.numbers.append((text, x, y))

    def _readable(self, own: Anchors) -> Mask:
        """``(k,)``: where the line is seen straight, and no other one is seen close to it."""
        if not len(own.points):
            return np.zeros(0, bool)
        with np.errstate(all="ignore"):
            here, before, after, uphill = (
                self.view.project(part)[:, :2]
                for part in (own.points, own.before, own.after, own.points + own.uphill)
            )
            one, two, along, up = here - before, after - here, after - before, uphill - here
            cosine = (one * two).sum(axis=1) / (np.hypot(*one.T) * np.hypot(*two.T))
            across = along[:, 0] * up[:, 1] - along[:, 1] * up[:, 0]
            room = np.abs(across) / np.hypot(*along.T)
            return np.asarray((cosine > TURNED) & (room > ROOM * LEVEL * self.scale))

    def _visible(
        self, own: Anchors, usable: NDArray[np.intp], aside: float, floor: float | None
    ) -> Mask:  # fmt: skip
        """Which of the places ``usable``, a share of the number's width ``aside``, neither the
        surface nor a floor at a height hides; none beside the surface."""
        points, view = own.points[usable], self.view
        if not len(points):
            return np.zeros(0, bool)
        if aside:  # sideways in the picture is level in the scene
            wide = np.array([len(own.texts[k]) for k in own.level[usable].tolist()]) * DIGIT + HALO
            points = points + (aside * self.scale * view.per_pixel * wide)[:, None] * view.right
            height = own.mesh.at(points)
            points[:, 2] = points[:, 2] if own.flat else height
            points[:, 2] = np.where(np.isfinite(height), points[:, 2], np.nan)
        forward = view.forward if view.orthographic else None
        clear = np.isfinite(points[:, 2]) & ~own.mesh.hide(points, view.eye, forward, SIGHT)
        if floor is None:
            return np.asarray(clear)
        away = np.broadcast_to(view.eye - points if forward is None else -forward, points.shape)
        falls = away[:, 2] < -1e-9
        share = np.where(falls, (floor - points[:, 2]) / np.where(falls, away[:, 2], 1.0), 0.0)
        beyond = points[:, :2] + share[:, None] * away[:, :2]
        first, last = np.array([own.mesh.xs[[0, -1]], own.mesh.ys[[0, -1]]]).T
        crosses = falls & ((beyond >= first) & (beyond <= last)).all(axis=1)
        if forward is None:
            crosses &= share < 1
        return np.asarray(clear & ~crosses)

    def _free(self, text: str, x: float, y: float, path: Floats) -> bool:
        """Whether a number may stand there; takes the place if so."""
        box, room = (
            label_box(Label(text, x, y, LEVEL, (0, 0, 0, 1)), self.scale),
            ASIDE * self.scale,
        )
        width, height = box.width + 2 * room, WORD * box.height + 2 * room
        left, top = x - width / 2, y - height / 2
        cell = self.cell
        if not (
            cell.x <= left <= cell.x + cell.width - width
            and cell.y <= top <= cell.y + cell.height - height
        ):
            return False
        a, b, w, h = np.array(self.boxes).reshape(-1, 4).T
        if ((left < a + w) & (a < left + width) & (top < b + h) & (b < top + height)).any():
            return False
        if ((np.abs(path - (x, y)) < (width / 2, height / 2)).all(axis=1)).any():
            return False
        self.boxes.append((left, top, width, height))
        return True
