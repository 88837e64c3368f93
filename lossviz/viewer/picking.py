"""What lies under a pixel: the line of sight against the displayed surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossviz.viewer.picture import views
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

STEPS = 400


@dataclass(frozen=True)
class Hit:
    """A point of landscape ``index``: where it is in the scene and on the plane, and its values."""

    index: int
    point: NDArray[np.float64]  # (3,) scene units
    alpha: float
    beta: float
    values: dict[str, float]  # of the nearest computed grid point


def pick(
    scene: Scene, state: ViewState, width: int, height: int, scale: float, x: float, y: float
) -> Hit | None:
    """The point seen at pixel (x, y) of a picture of this size; None where there is no surface."""
    found, seen = views(scene, state, width, height, scale)
    for index, (cell, view) in enumerate(zip(found.cells, seen, strict=True)):
        if cell.contains(x, y):
            origin, direction = view.ray(x - cell.x, y - cell.y)
            return _march(scene, state, index, origin, direction)
    return None


def _march(
    scene: Scene, state: ViewState, index: int, origin: NDArray[np.float64],
    direction: NDArray[np.float64],
) -> Hit | None:  # fmt: skip
    """The first crossing of a ray with the surface: fixed steps, then bisection."""
    item = scene.items[index]
    x, y = item.extent
    low, high = np.array([-x, -y, 0.0]), np.array([x, y, scene.top(state)])
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.stack([(low - origin) / direction, (high - origin) / direction])
    enter, leave = np.fmax.reduce(np.fmin(*ends)), np.fmin.reduce(np.fmax(*ends))
    enter = max(float(enter) - 1e-3, 0.0)
    if not leave > enter:
        return None
    heights = _Heights(scene, state, index)
    distances = np.linspace(enter, float(leave) + 1e-3, STEPS)
    points = origin + distances[:, None] * direction
    above = points[:, 2] - heights.at(points)
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
    return _hit(scene, index, origin + near * direction)


class _Heights:
    """The displayed surface as a function of scene x and y, bilinear between fine grid points."""

    def __init__(self, scene: Scene, state: ViewState, index: int) -> None:
        item, own = scene.items[index], state.surface
        self.xs, self.ys = item.axes(own.smooth)
        field = item.field(own.height, own.smooth)
        values = field.unit(scene.height_range(state, index))
        self.heights = np.clip(values, 0, 1) * scene.top(state)
        self.heights[field.texels[..., 2] < 0.5] = np.nan

    def at(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Heights ``(k,)`` over ``(k, 3)``; NaN beside the surface and in holes."""
        j = np.interp(points[:, 0], self.xs, np.arange(len(self.xs)), np.nan, np.nan)
        i = np.interp(points[:, 1], self.ys, np.arange(len(self.ys)), np.nan, np.nan)
        outside = np.isnan(i) | np.isnan(j)
        i, j = np.where(outside, 0, i), np.where(outside, 0, j)
        i0 = np.minimum(i.astype(int), len(self.ys) - 2)
        j0 = np.minimum(j.astype(int), len(self.xs) - 2)
        u, v = i - i0, j - j0
        h = self.heights
        low = (1 - v) * h[i0, j0] + v * h[i0, j0 + 1]
        high = (1 - v) * h[i0 + 1, j0] + v * h[i0 + 1, j0 + 1]
        return np.where(outside, np.nan, (1 - u) * low + u * high)


def _hit(scene: Scene, index: int, point: NDArray[np.float64]) -> Hit:
    item = scene.items[index]
    surface = item.surface
    found = []
    for axis, extent, place in zip(
        (surface.alphas, surface.betas), item.extent, point[:2], strict=True
    ):
        half = (axis[-1] - axis[0]) / 2 or 0.5
        found.append(float((axis[0] + axis[-1]) / 2 + place / extent * half))
    alpha, beta = found
    i = int(np.abs(surface.alphas - alpha).argmin())
    j = int(np.abs(surface.betas - beta).argmin())
    values = {name: float(array[i, j]) for name, array in surface.quantities.items()}
    return Hit(index, point, alpha, beta, values)
