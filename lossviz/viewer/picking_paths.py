"""Which step of which path lies under a pixel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossviz.viewer.camera import View
from lossviz.viewer.heights import displayed_mesh
from lossviz.viewer.laying import laid_paths
from lossviz.viewer.layout import Rect
from lossviz.viewer.paths import Path, drawn_until, shown_paths
from lossviz.viewer.picking import REACH
from lossviz.viewer.picture import views
from lossviz.viewer.polylines import Lines
from lossviz.viewer.scene import Scene
from lossviz.viewer.sections import clip_plane, is_clipped
from lossviz.viewer.state import ViewState

Floats = NDArray[np.float64]
MOST_TRIED = 64  # pieces of paths of which it is found out whether the surface hides them


@dataclass(frozen=True)
class PathHit:
    """Step number ``step`` (from 0 on) of a path of landscape ``index``."""

    index: int
    path: Path
    step: int

    @property
    def place(self) -> tuple[float, float]:
        """Alpha and beta there."""
        alpha, beta = self.path.points[self.step].tolist()
        return alpha, beta


def pick_path(
    scene: Scene, state: ViewState, width: int, height: int, scale: float, x: float, y: float
) -> PathHit | None:
    """The step nearest to what is drawn of a path at pixel (x, y), sooner of one that the surface
    does not hide; None where there is none."""
    if not (state.trajectories.shown and any(shown_paths(i, state) for i in scene.surfaces)):
        return None
    found, seen = views(scene, state, width, height, scale)
    met = [
        (*near, index)
        for index, (cell, view) in enumerate(zip(found.cells, seen, strict=True))
        if cell.contains(x, y) and not scene.items[index].is_figure
        for near in _met(scene, state, index, cell, view, scale, x, y)
    ]  # in one frame of axes several landscapes have paths there
    if not met:
        return None
    *_, between, index = min(met)
    return _step(scene, state, index, between)


def _met(
    scene: Scene, state: ViewState, index: int, cell: Rect, view: View, scale: float,
    x: float, y: float,
) -> Iterator[tuple[bool, float, float]]:  # fmt: skip
    """Places on the paths of a landscape around a pixel: whether the surface hides them, how many
    pixels away they are, and between which steps they lie."""
    laid = laid_paths(scene, state, index, view)
    reach = (0.5 * state.trajectories.width + REACH) * scale
    until = 2.0 if drawn_until(scene, state) is None else state.trajectories.played
    parts = ("surface", laid.surface, laid.steps), ("true", laid.true, laid.true_steps)
    for part, lines, numbers in parts:
        pixels = _pixels(scene, index, part, lines, view)
        start, share, away = _near(lines, pixels, (x - cell.x, y - cell.y), reach, until)
        points = lines.points[start] + share[:, None] * (lines.points[start + 1]
                                                         - lines.points[start])  # fmt: skip
        drawn = ~is_clipped(clip_plane(scene, state, index, view), points)
        start, share, away, points = start[drawn], share[drawn], away[drawn], points[drawn]
        mesh = displayed_mesh(scene, state, index)
        hidden = mesh.hide(points, view.eye, view.forward if view.orthographic else None)
        between = numbers[start] + share * (numbers[start + 1] - numbers[start])
        yield from zip(hidden.tolist(), away.tolist(), between.tolist(), strict=True)


def _pixels(scene: Scene, index: int, part: str, lines: Lines, view: View) -> Floats:
    """``(k, 2)`` where points of a part are seen, NaN behind the eye; kept while nothing moves."""

    def make() -> Floats:
        ahead = (lines.points - view.eye) @ view.forward > 0
        return np.where(ahead[:, None], view.project(lines.points)[:, :2], np.nan)

    key = id(lines), view.matrix.tobytes(), view.width, view.height
    kept: list[tuple[Lines, Floats]] = scene.items[index].remembered(
        f"paths on the screen, {part}", key, lambda: [(lines, make())]
    )
    return kept[0][1]  # the lines are kept with it: their id is given to no others


def _near(
    lines: Lines, pixels: Floats, at: tuple[float, float], reach: float, until: float
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """The first points of the segments within ``reach`` pixels of ``at``, the nearest ones: with
    the shares of the segments that are nearest, and how far these are."""
    a, b = pixels[:-1], pixels[1:]
    with np.errstate(invalid="ignore"):
        near = ~lines.first[1:] & (np.minimum(a, b) <= np.add(at, reach)).all(axis=1)
        near &= (np.maximum(a, b) >= np.subtract(at, reach)).all(axis=1)
    if lines.times is not None:
        near &= lines.times[1:] <= until
    start = np.flatnonzero(near)
    way = b[start] - a[start]
    square = np.maximum((way**2).sum(axis=1), 1e-12)
    share = np.clip(((at - a[start]) * way).sum(axis=1) / square, 0, 1)
    away = np.linalg.norm(a[start] + share[:, None] * way - at, axis=1)
    order = np.argsort(away)[:MOST_TRIED]
    order = order[away[order] <= reach]
    return start[order], share[order], away[order]


def _step(scene: Scene, state: ViewState, index: int, between: float) -> PathHit | None:
    """The step, of those that a place along what is drawn stands for, that is nearest to it."""
    first = 0
    for path in shown_paths(scene.items[index], state):
        last = first + len(path.points) - 1
        if between <= last:
            known = np.flatnonzero(path.known)
            nearest = int(known[np.abs(known - (between - first)).argmin()])
            return PathHit(index, path, nearest)
        first = last + 1
    return None
