"""What lies under a pixel: the line of sight against the displayed surface, and signs on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossviz.landscape import CriticalPoint
from lossviz.viewer.critical import standing
from lossviz.viewer.heights import displayed_mesh
from lossviz.viewer.picture import views
from lossviz.viewer.scene import Scene
from lossviz.viewer.sections import clip_plane, is_clipped
from lossviz.viewer.state import ViewState

STEPS = 400
REACH = 3.0  # points beside a sign from which it is still meant


@dataclass(frozen=True)
class Hit:
    """A point of landscape ``index``: where it is in the scene and on the plane."""

    index: int
    point: NDArray[np.float64]  # (3,) scene units
    alpha: float
    beta: float


@dataclass(frozen=True)
class SignHit:
    """The sign of a critical point of landscape ``index``."""

    index: int
    point: NDArray[np.float64]  # (3,) scene units
    critical: CriticalPoint


def pick_sign(
    scene: Scene, state: ViewState, width: int, height: int, scale: float, x: float, y: float
) -> SignHit | None:
    """The critical point whose sign is at pixel (x, y), sooner one that the surface does not hide,
    the nearest; None where there is none."""
    if not (state.critical.shown and any(i.landscape.critical_points for i in scene.items)):
        return None
    found, seen = views(scene, state, width, height, scale)
    met: list[tuple[bool, float, int, SignHit]] = []
    for index, (cell, view) in enumerate(zip(found.cells, seen, strict=True)):
        if not cell.contains(x, y) or scene.items[index].is_figure:
            continue
        own = standing(scene, state, index)
        ahead = (own.places - view.eye) @ view.forward > 0
        ahead &= ~is_clipped(clip_plane(scene, state, index, view), own.places)
        away = np.full(len(own.places), np.inf)
        away[ahead] = np.hypot(*(view.project(own.places[ahead])[:, :2] + (cell.x, cell.y)
                                 - (x, y)).T)  # fmt: skip
        near = np.flatnonzero(away <= (state.critical.size + REACH) * scale)
        if not near.size:
            continue
        mesh = displayed_mesh(scene, state, index)
        toward = view.forward if view.orthographic else None
        hidden = mesh.hide(own.places[near], view.eye, toward)
        best = int(np.lexsort((away[near], hidden))[0])
        at = near[best]
        point = scene.items[index].landscape.critical_points[own.numbers[at]]
        hit = SignHit(index, own.places[at], point)
        met.append((bool(hidden[best]), float(away[at]), index, hit))
    return min(met)[-1] if met else None


def pick(
    scene: Scene, state: ViewState, width: int, height: int, scale: float, x: float, y: float
) -> Hit | None:
    """The point seen at pixel (x, y) of a picture of this size; None where there is no surface.

    Of landscapes in one frame it is the nearest surface's.
    """
    found, seen = views(scene, state, width, height, scale)
    hits: list[tuple[float, Hit]] = []
    for index, (cell, view) in enumerate(zip(found.cells, seen, strict=True)):
        if not cell.contains(x, y) or scene.items[index].is_figure:
            continue
        origin, direction = view.ray(x - cell.x, y - cell.y)
        clip = clip_plane(scene, state, index, view)
        hit = _march(scene, state, index, origin, direction, clip)
        if hit is not None:
            hits.append((float((hit.point - origin) @ direction), hit))
    return min(hits, key=lambda found: found[0])[1] if hits else None


def _march(
    scene: Scene, state: ViewState, index: int, origin: NDArray[np.float64],
    direction: NDArray[np.float64], clip: tuple[float, float, float, float],
) -> Hit | None:  # fmt: skip
    """Where a ray first meets what is drawn of the surface: fixed steps, then bisection."""
    item = scene.items[index]
    x, y = item.extent
    low, high = np.array([-x, -y, 0.0]), np.array([x, y, scene.top(state)])
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.stack([(low - origin) / direction, (high - origin) / direction])
    enter, leave = np.fmax.reduce(np.fmin(*ends)), np.fmin.reduce(np.fmax(*ends))
    enter = max(float(enter) - 1e-3, 0.0)
    if not leave > enter:
        return None
    heights = displayed_mesh(scene, state, index)
    distances = np.linspace(enter, float(leave) + 1e-3, STEPS)
    points = origin + distances[:, None] * direction
    above = np.where(is_clipped(clip, points), np.nan, points[:, 2] - heights.at(points))
    crossing = np.nonzero(np.sign(above[:-1]) * np.sign(above[1:]) <= 0)[0]
    if not crossing.size:
        return None
    near, far = distances[crossing[0]], distances[crossing[0] + 1]
    side = np.sign(above[crossing[0]])
    for _ in range(30):
        middle = (near + far) / 2
        point = origin + middle * direction
        near, far = (
            (middle, far)
            if np.sign(point[2] - heights.at(point[None])[0]) == side
            else (near, middle)
        )
    point = origin + near * direction
    alpha, beta = item.unplace(point[None, :2])[0].tolist()
    return Hit(index, point, alpha, beta)
