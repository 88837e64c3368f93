"""The divider and the slice under the pointer: both are dragged, and a profile is read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lossviz.viewer.camera import View
from lossviz.viewer.gestures import Drag
from lossviz.viewer.layout import Rect
from lossviz.viewer.legend import arranged
from lossviz.viewer.picture import views
from lossviz.viewer.renderers.slice import HANDLE
from lossviz.viewer.scene import Scene
from lossviz.viewer.sections import between_ends, frame, level_height, sections
from lossviz.viewer.slicing import offsets, present
from lossviz.viewer.state import ViewState
from lossviz.viewer.swipe import grab_divider

Floats = NDArray[np.float64]

REACH = 5.0  # points beside the handle and the outline from which they are still held
NEAR = 12.0  # points beside a line from which its profile is read
STEEPEST = 0.15  # of the surface's size on the screen: a plane seen head on would run away


def grab(
    scene: Scene, state: ViewState, width: int, height: int, scale: float, x: float, y: float
) -> Drag | None:
    """What moves with the pointer if it is at pixel (x, y): the divider of a swipe, or the plane by
    its handle or its outline."""
    divider = grab_divider(state, arranged(scene, state, width, height, scale), scale, x, y)
    if divider is not None or not state.slice.shown:
        return divider
    for index, cell, view in _cells(scene, state, width, height, scale):
        if cell.contains(x, y) and _is_held(scene, state, index, view, x - cell.x, y - cell.y,
                                            scale):  # fmt: skip
            return _dragging(scene, state, index, view, x, y)
    return None


def _cells(
    scene: Scene, state: ViewState, width: int, height: int, scale: float
) -> list[tuple[int, Rect, View]]:
    """Number, cell and view of every surface."""
    found, seen = views(scene, state, width, height, scale)
    cells = enumerate(zip(found.cells, seen, strict=True))
    return [(index, *both) for index, both in cells if not scene.items[index].is_figure]


def _is_held(
    scene: Scene, state: ViewState, index: int, view: View, x: float, y: float, scale: float
) -> bool:
    found = frame(scene, state, index, present(scene, state, index), view)
    if found is None:
        return False
    seen = view.project(np.concatenate([found.corners, found.handle[None]]))[:, :2]
    at = np.array([x, y])
    if np.hypot(*(seen[4] - at)) <= (HANDLE + REACH) * scale:
        return True
    return float(_away(seen[[0, 1, 2, 3, 0]], at).min()) <= REACH * scale


def _away(line: Floats, at: Floats) -> Floats:
    """``(k - 1,)`` distances from a point (2,) to the segments of a line ``(k, 2)``."""
    step = np.diff(line, axis=0)
    square = np.maximum((step**2).sum(axis=1), 1e-12)
    share = np.clip(((at - line[:-1]) * step).sum(axis=1) / square, 0, 1)
    away = line[:-1] + share[:, None] * step - at
    return np.asarray(np.hypot(away[:, 0], away[:, 1]))


def _dragging(
    scene: Scene, state: ViewState, index: int, view: View, x: float, y: float
) -> Drag | None:
    """From here on the plane follows the pointer along its normal."""
    cut = present(scene, state, index)
    found = frame(scene, state, index, cut, view)
    if found is None:
        return None
    size = float(np.linalg.norm(found.step))
    ends = np.stack([found.handle, found.handle + 0.01 * found.step / size])
    seen = view.project(ends)[:, :2]
    way = (seen[1] - seen[0]) / 0.01  # pixels a scene unit
    least = STEEPEST / view.per_pixel
    square = max(float(way @ way), least**2)
    start = level_height(scene, state, index, cut.at) / size if cut.along == "level" else cut.at

    def drag(to_x: float, to_y: float) -> None:
        moved = start + float(way @ (to_x - x, to_y - y)) / square / size
        if cut.along == "level":
            state.slice.level = between_ends(
                scene.height_range(state, index), min(max(moved, 0.0), 1.0)
            )
        else:
            low, high = offsets(scene.items[index], cut)
            state.slice.offset = min(max(moved, low), high)

    return drag


def under_pointer(
    scene: Scene, state: ViewState, width: int, height: int, scale: float, x: float, y: float
) -> tuple[float, float] | None:
    """Alpha, beta of the point of the present slice's line that is seen nearest to pixel (x, y);
    None if none is near."""
    if not state.slice.shown:
        return None
    for index, cell, view in _cells(scene, state, width, height, scale):
        if not cell.contains(x, y):
            continue
        line = sections(scene, state, index)[0].lines.points
        ahead = line[(line - view.eye) @ view.forward > 0]
        if not len(ahead):
            return None
        seen = view.project(ahead)[:, :2] + (cell.x, cell.y)
        away = np.hypot(seen[:, 0] - x, seen[:, 1] - y)
        nearest = int(away.argmin())
        if away[nearest] > NEAR * scale:
            return None
        alpha, beta = scene.items[index].unplace(ahead[nearest : nearest + 1, :2])[0].tolist()
        return alpha, beta
    return None
