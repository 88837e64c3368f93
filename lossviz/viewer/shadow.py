"""The soft shadow of a surface on the floor, under a wide lamp that stands in the scene."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

from lossviz.viewer.heights import Heights
from lossviz.viewer.occlusion import smoothed
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

SIDE = 97  # points a side: the shadow is smooth
# Degrees: at first the lamp is at the viewer's left, so that the floor's near edges are lit.
AZIMUTH, HALF_WIDE = -120.0, 25.0
ELEVATION, HALF_HIGH = 65.0, 7.0
DIRECTIONS, ELEVATIONS = 9, 9  # parts of the lamp
DARKEST = 0.6  # of the light, in the midst of the shadow: the floor's colours are to be read

Cast = tuple[Hashable, NDArray[np.float32] | None]


def floor_light(
    heights: NDArray[np.float64], width_x: float, width_y: float
) -> NDArray[np.float32]:  # fmt: skip
    """``(m, n)`` float32 in [DARKEST, 1]: the light on the floor, 1 where all of the lamp is seen.

    ``heights (m, n)`` are those of the surface above the floor, NaN in holes, in scene units over
    ``width_x`` x ``width_y``. The lamp reaches over the azimuths AZIMUTH ± HALF_WIDE and the
    elevations ELEVATION ± HALF_HIGH, bright in its middle; its edge is the softer the higher the
    surface is.
    """
    lit, total = np.zeros(heights.shape), 0.0
    for turn in _inner(DIRECTIONS):
        angle = np.radians(AZIMUTH + turn * HALF_WIDE)
        hidden = _hidden(heights, width_x, width_y, angle)
        for rise, covered in zip(_inner(ELEVATIONS), hidden, strict=True):
            weight = (1 - turn**2) * (1 - rise**2)
            total += weight
            lit += weight * ~covered
    light = smoothed(lit / total)
    return (DARKEST + (1 - DARKEST) * light).clip(DARKEST, 1).astype(np.float32)


def _inner(count: int) -> NDArray[np.float64]:
    """``(count,)``: the middles of so many parts of [-1, 1]."""
    return (np.arange(count) + 0.5) * 2 / count - 1


def _hidden(
    heights: NDArray[np.float64], width_x: float, width_y: float, angle: float
) -> NDArray[np.bool_]:  # fmt: skip
    """``(ELEVATIONS, m, n)``: where the surface is between the floor and a part of the lamp.

    A ray of the slope s meets the sheet between two places of its way where h - s r, the height of
    the sheet over the ray, changes its sign.
    """
    rows, columns = heights.shape
    step_x, step_y = width_x / (columns - 1), width_y / (rows - 1)
    slopes = np.tan(np.radians(ELEVATION + HALF_HIGH * _inner(ELEVATIONS)))[:, None, None]
    hidden = np.zeros((slopes.size, rows, columns), bool)
    under = np.broadcast_to(~np.isnan(heights), hidden.shape)
    distance = step = min(step_x, step_y)
    while distance < np.hypot(width_x, width_y):
        i, j = round(distance * np.sin(angle) / step_y), round(distance * np.cos(angle) / step_x)
        if abs(i) >= rows or abs(j) >= columns:
            break
        here = np.s_[max(0, -i) : rows - max(0, i), max(0, -j) : columns - max(0, j)]
        there = np.s_[max(0, i) : rows + min(0, i), max(0, j) : columns + min(0, j)]
        over = heights[there] - slopes * np.hypot(i * step_y, j * step_x)
        hidden[:, *here] |= under[:, *here] & (over <= 0)
        under = np.zeros(hidden.shape, bool)
        under[:, *here] = over > 0
        distance = max(1.04 * distance, distance + step)
    return hidden


def cast(scene: Scene, state: ViewState, index: int) -> bool:
    """Compute the shadow that the view asks for; False if there is none or it is up to date."""
    item = scene.items[index]
    if not _shown(state) or item.is_figure:
        return False
    key = _key(scene, state, index)
    if item.memo.get("shadow", (None,))[0] == key:
        return False
    item.remembered("shadow", key, lambda: _computed(scene, state, index))
    return True


def light(scene: Scene, state: ViewState, index: int) -> Cast:
    """The light on the floor that fits what is displayed, and its key; None if not computed."""
    key = _key(scene, state, index) if _shown(state) else None
    kept, found = scene.items[index].memo.get("shadow", (None, None))
    return (key, found) if key is not None and kept == key else (None, None)


def _shown(state: ViewState) -> bool:
    return state.surface.shadow > 0 and state.isolines.floor


def _key(scene: Scene, state: ViewState, index: int) -> Hashable:
    own = state.surface
    span = scene.height_range(state, index)
    return scene.items[index].key, own.height, own.smooth, span, scene.top(state)


def _computed(scene: Scene, state: ViewState, index: int) -> NDArray[np.float32]:
    item, floor = scene.items[index], scene.floor(state)
    shape = item.field(state.surface.height, state.surface.smooth).texels.shape
    x, y = item.extent
    across, down = np.linspace(-x, x, SIDE), np.linspace(-y, y, SIDE)
    surface = Heights(scene, state, index, max(1, max(shape[:2]) // SIDE))
    places = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2)
    return floor_light(surface.at(places).reshape(SIDE, SIDE) - floor, 2 * x, 2 * y)
