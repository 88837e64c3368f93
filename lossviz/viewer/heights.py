"""The displayed surface as a function of the place on it: what the drawn triangles are there."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

Floats = NDArray[np.float64]

STEPS = 256  # along a line of sight
MOVING_CELLS = 72  # about as many cells a side while the camera moves


def moving_stride(columns: int, rows: int) -> int:
    """Every so many-th line of a mesh is drawn while the camera moves."""
    return max(1, max(columns, rows) // MOVING_CELLS)


class Heights:
    """The mesh of landscape ``index``, with every ``stride``-th line of it as while moving.

    ``xs (k,)`` and ``ys (l,)`` are its lines in scene units, ``heights (l, k)`` the scene z where
    they cross; NaN in holes.
    """

    def __init__(self, scene: Scene, state: ViewState, index: int, stride: int = 1) -> None:
        item, own = scene.items[index], state.surface
        xs, ys = item.axes(own.smooth)
        rows, columns = (np.append(np.arange(0, n - 1, stride), n - 1) for n in (ys.size, xs.size))
        self.xs, self.ys = xs[columns].astype(float), ys[rows].astype(float)
        self.top = scene.top(state)
        field = item.field(own.height, own.smooth).at(rows, columns)
        self.heights = np.clip(field.unit(scene.height_range(state, index)), 0, 1) * self.top
        self.heights[field.texels[..., 2] < 0.5] = np.nan

    def cell(self, points: Floats) -> Floats:
        """``(k, 2)`` column and row, in lines of the mesh, of scene ``points (k, 2)``; NaN beside
        it."""
        found = [
            np.interp(points[:, side], lines, np.arange(lines.size), np.nan, np.nan)
            for side, lines in enumerate((self.xs, self.ys))
        ]
        return np.column_stack(found)

    def at(self, points: Floats) -> Floats:
        """``(k,)`` scene z over ``points (k, 2 or more)``; NaN beside the surface and in holes.

        Each cell is two triangles, divided from (column, row + 1) to (column + 1, row) as in
        shaders/surface.glsl.
        """
        j, i = self.cell(points[:, :2]).T
        outside = np.isnan(i) | np.isnan(j)
        i, j = np.where(outside, 0, i), np.where(outside, 0, j)
        i0 = np.minimum(i.astype(int), len(self.ys) - 2)
        j0 = np.minimum(j.astype(int), len(self.xs) - 2)
        u, v, h = i - i0, j - j0, self.heights
        below, above = h[i0, j0 + 1], h[i0 + 1, j0]  # the ends of the diagonal
        first = _mixed(h[i0, j0], (v, below), (u, above))
        second = _mixed(h[i0 + 1, j0 + 1], (1 - v, above), (1 - u, below))
        return np.where(outside, np.nan, np.where(u + v <= 1, first, second))

    def hide(
        self, points: Floats, eye: Floats, forward: Floats | None = None, steps: int = 2 * STEPS
    ) -> NDArray[np.bool_]:  # fmt: skip
        """``(k,)``: whether the surface lies between ``points (k, 3)`` and the eye.

        ``forward`` is the direction of sight where all lines of sight are parallel, ``steps`` how
        many places of each are looked at.
        """
        if not len(points):
            return np.zeros(0, bool)
        away = np.broadcast_to(eye - points if forward is None else -forward, points.shape)
        away = away / np.linalg.norm(away, axis=1, keepdims=True)
        near, far = self._between(points[:, 2], away[:, 2])
        reach = near + np.linspace(0, 1, steps)[:, None] * (far - near)  # (steps, k)
        sight = points[:, None] + reach.T[..., None] * away[:, None]  # (k, steps, 3)
        height = self.at(sight.reshape(-1, 3)).reshape(sight.shape[:2])
        with np.errstate(invalid="ignore"):
            side = np.sign(sight[..., 2] - height)  # it may be seen from below
            return np.asarray((side[:, :-1] * side[:, 1:] < 0).any(axis=1))

    def _between(self, z: Floats, rise: Floats) -> tuple[Floats, Floats]:
        """Along lines of sight from heights ``z (k,)``: where they enter and leave the heights that
        the surface has, and its box; a hair above the point begins what counts."""
        longest = 2 * float(np.hypot(np.ptp(self.xs), np.ptp(self.ys)))
        level = np.abs(rise) < 1e-6
        rise = np.where(level, 1.0, rise)
        ends = (np.array([[-0.01], [1.01]]) * self.top - z) / rise
        ends = np.where(level, [[0.0], [longest]], np.sort(ends, axis=0)).clip(0.01, longest)
        return ends[0], ends[1]


def mesh_key(scene: Scene, state: ViewState, index: int) -> Hashable:
    """What the displayed surface depends on, and with it all that stands on it."""
    own = state.surface
    return own.height, own.smooth, scene.height_range(state, index), scene.top(state)


def displayed_mesh(scene: Scene, state: ViewState, index: int, *, moving: bool = False) -> Heights:
    """The mesh of landscape ``index`` as it is drawn, made once; while moving it is coarser."""
    item = scene.items[index]

    def make() -> Heights:
        columns, rows = (side.size for side in item.axes(state.surface.smooth))
        return Heights(scene, state, index, moving_stride(columns, rows) if moving else 1)

    found: Heights = item.remembered(f"mesh, moving {moving}", mesh_key(scene, state, index), make)
    return found


def _mixed(base: Floats, *others: tuple[Floats, Floats]) -> Floats:
    """base + share * (other - base), where a corner that is a hole does not matter at share 0."""
    result = base.copy()
    for share, other in others:
        result += np.where(share == 0, 0.0, share * (other - base))
    return result
