"""Slices in the scene: the plane, the line where it cuts the drawn surface, what it clips."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossviz.viewer.camera import View
from lossviz.viewer.heights import Heights, displayed_mesh, mesh_key
from lossviz.viewer.inks import inks
from lossviz.viewer.polylines import Lines, laid, line, together, with_heights
from lossviz.viewer.ranges import Range
from lossviz.viewer.scene import Scene
from lossviz.viewer.slicing import (
    cuts,
    isolines,
    normal,
    points_at,
    present,
    reach,
    shown_quantity,
)
from lossviz.viewer.state import Cut, ViewState

Floats = NDArray[np.float64]

BUDGET = 60_000  # points of a line, about
NOTHING_CLIPPED = (0.0, 0.0, 0.0, 1.0)
FIRST = 2  # of the inks: the present slice is green, which the default colour map is not


def inks_of(scene: Scene, state: ViewState) -> NDArray[np.uint8]:
    """``(k, 3)`` uint8: a colour for every slice of every landscape, see ``ink_number``."""
    count = (1 + len(state.slice.pinned)) * len(scene.items)
    return np.roll(inks(max(count, 10)), -FIRST, axis=0)[:count]


def ink_number(scene: Scene, index: int, which: int) -> int:
    """The colour of slice ``which`` (0: the present one) of landscape ``index``."""
    return which * len(scene.items) + index


@dataclass(frozen=True, eq=False)
class Frame:
    """The plane of a slice in the scene.

    ``corners (4, 3)`` in order around; ``handle (3,)`` to drag it by, which moves by
    ``step (3,)`` as ``Cut.at`` grows by one, or as the height does by the whole of its axis.
    """

    corners: Floats
    handle: Floats
    step: Floats


def frame(scene: Scene, state: ViewState, index: int, cut: Cut, view: View) -> Frame | None:
    """Where the plane of a slice stands; None if it passes the surface by."""
    item, top = scene.items[index], scene.top(state)
    if cut.along == "level":
        z = level_height(scene, state, index, cut.at)
        if not 0 <= z <= top:
            return None
        x, y = item.extent
        corners = np.array([(-x, -y, z), (x, -y, z), (x, y, z), (-x, y, z)])
        edges = (corners + np.roll(corners, -1, axis=0)) / 2
        nearest = edges @ view.forward
        return Frame(corners, edges[int(nearest.argmin())], np.array([0.0, 0.0, top]))
    ends = ends_of(scene, index, cut)
    if ends is None:
        return None
    low, high = (np.column_stack([ends, np.full(2, z)]) for z in (0.0, top))
    corners = np.concatenate([low, high[::-1]])
    there = item.place(np.array([(0.0, 0.0), normal(cut)]))
    return Frame(corners, high.mean(axis=0), np.append(there[1] - there[0], 0.0))


def ends_of(scene: Scene, index: int, cut: Cut) -> Floats | None:
    """``(2, 2)`` scene x, y where an upright cut enters and leaves the surface."""
    item = scene.items[index]
    found = reach(item, cut)
    return None if found is None else item.place(points_at(item, cut, np.array(found)))


def level_height(scene: Scene, state: ViewState, index: int, level: float) -> float:
    """The scene z of a value, also beyond the axis."""
    span = scene.height_range(state, index)
    if span.log and level <= 0:
        return -1.0
    with np.errstate(all="ignore"):
        return float(span.unit(np.array(level))) * scene.top(state)


def between_ends(span: Range, share: float) -> float:
    """The value at a share of the way along an axis."""
    low, high = span.scaled
    found = low * (1 - share) + high * share
    return min(max(10.0**found, span.low), span.high) if span.log else found


def clip_plane(
    scene: Scene, state: ViewState, index: int, view: View
) -> tuple[float, float, float, float]:
    """A plane (a, b, c, d): what has a x + b y + c z + d < 0, the eye's side, is not drawn."""
    own = state.slice
    cut = present(scene, state, index) if own.shown and own.mode == "clip" else None
    found = None if cut is None else frame(scene, state, index, cut, view)
    if cut is None or found is None:
        return NOTHING_CLIPPED
    a, b, c = found.corners[:3]
    toward = np.cross(b - a, c - b)
    toward /= np.linalg.norm(toward)
    eye = -view.forward if view.orthographic else view.eye - a
    if toward @ eye > 0:
        toward = -toward
    x, y, z = toward.tolist()
    return x, y, z, float(-toward @ a)


def is_clipped(plane: tuple[float, float, float, float], points: Floats) -> NDArray[np.bool_]:
    """``(k,)``: which of ``points (k, 3)`` are on the side that is not drawn."""
    with np.errstate(invalid="ignore"):
        return np.asarray(points @ np.array(plane[:3]) + plane[3] < -1e-9)


def behind_face(
    plane: tuple[float, float, float, float], points: Floats, view: View, mesh: Heights
) -> NDArray[np.bool_]:
    """``(k,)``: which of ``points (k, 3)`` the face hides that is drawn where the half before an
    upright ``plane`` is clipped: from z = 0 up to the surface."""
    a, b, c, d = plane
    if plane == NOTHING_CLIPPED or abs(c) > 1e-9:
        return np.zeros(len(points), bool)
    away = -view.forward if view.orthographic else view.eye - points
    away = np.broadcast_to(away, points.shape)
    side, toward = points @ (a, b, c) + d, away @ (a, b, c)
    crossed = (side > 0) & (toward < 0)  # from the side that is drawn to the eye's
    share = np.where(crossed, side / -np.where(crossed, toward, -1.0), 0.0)
    on = points + share[:, None] * away
    with np.errstate(invalid="ignore"):
        return np.asarray(crossed & (on[:, 2] >= 0) & (on[:, 2] <= mesh.at(on)))


@dataclass(frozen=True, eq=False)
class Section:
    """The lines ``(k, 3)`` where a slice cuts the drawn surface; ``key`` tells them apart."""

    cut: Cut
    lines: Lines
    key: Hashable


def sections(scene: Scene, state: ViewState, index: int, *, moving: bool = False) -> list[Section]:
    """The present slice and the pinned ones on the displayed surface."""
    item, surface = scene.items[index], (mesh_key(scene, state, index), moving)
    kept: dict[Hashable, Section] = item.remembered("sections", surface, dict)
    wanted = cuts(scene, state, index)
    keys: list[Hashable] = [
        (cut.along, cut.angle if cut.along == "angle" else 0.0, cut.at) for cut in wanted
    ]
    if missing := [(key, cut) for key, cut in zip(keys, wanted, strict=True) if key not in kept]:
        mesh = displayed_mesh(scene, state, index, moving=moving)
        for key, cut in missing:
            lines = _laid(scene, state, index, cut, mesh)
            kept[key] = Section(cut, lines, ("section", item.key, surface, key))
    for key in set(kept) - set(keys):
        del kept[key]
    return [kept[key] for key in keys]


def _laid(scene: Scene, state: ViewState, index: int, cut: Cut, mesh: Heights) -> Lines:
    item = scene.items[index]
    if cut.along == "level":
        found = isolines(shown_quantity(scene, state, index), cut.at)
        flat = Lines(item.place(found.points), found.values, found.first)
    else:
        ends = ends_of(scene, index, cut)
        flat = together([]) if ends is None else line(ends)
    if not len(flat.points):
        return together([], 3)
    own = laid(flat, mesh.xs, mesh.ys, BUDGET)
    return with_heights(own, mesh.at(own.points))


def marker(scene: Scene, state: ViewState, index: int) -> Floats | None:
    """``(3,)`` where the crosshair of the profile stands on the surface."""
    own = state.slice
    return on_surface(scene, state, index, *own.marker) if own.shown and own.marker else None


def on_surface(
    scene: Scene, state: ViewState, index: int, alpha: float, beta: float
) -> Floats | None:
    """``(3,)`` the displayed surface at a point of the plane; None beside it and in holes."""
    points = np.array([[alpha, beta]])
    value = shown_quantity(scene, state, index).at(points)
    if not np.isfinite(value).all():
        return None
    with np.errstate(all="ignore"):
        z = np.clip(scene.height_range(state, index).unit(value), 0, 1) * scene.top(state)
    return np.append(scene.items[index].place(points)[0], z)
