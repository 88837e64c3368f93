"""Which isolines a picture draws, ready for the shader."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lossviz.contours import levels as contour_levels
from lossviz.viewer.colormaps import luminance, shadeable
from lossviz.viewer.ranges import Range
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from lossviz.viewer.ticks import number, offset

MOST_LEVELS = 96  # as in shaders/include/isolines.glsl
DARK = 0.16  # below this luminance a level's line is drawn light, where two inks are needed
READABLE = 1.8  # contrast that one ink must have with every colour to be the only one


def shader_levels(scene: Scene, state: ViewState, index: int) -> NDArray[np.float32]:
    """``(k, 4)`` float32: value as in the height's texels, strong or not, light ink or not, 0.

    One ink for all where one can be read on every level's colour, else chosen from the level's own
    colour, so that a line never flips half way; where the colours show another quantity than the
    heights it is dark.
    """
    heights = scene.height_range(state, index)
    values = isoline_values(scene, state, index)
    if not len(values):
        return np.zeros((0, 4), np.float32)
    light = np.zeros(len(values))
    own = state.surface
    if scene.color(state, index) == own.height:
        units = np.clip(scene.color_range(state, index).unit(values), 0, 1)
        colors = shadeable(own.colormap, own.reverse)[np.rint(units * 255).astype(int)]
        light = _light_ink(luminance(colors / 255))
    strong = strong_levels(values, state.isolines.spacing, heights)
    field = scene.items[index].field(own.height, own.smooth)
    placed = heights.on_scale(values) if heights.log else field.share(values)
    rows = np.stack([placed, strong, light, np.zeros(len(values))], axis=1)
    return rows.astype(np.float32)


def _light_ink(ground: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(k,)``: 1 where a line on a colour of this luminance is drawn light."""
    # What shaders/include/isolines.glsl mixes; contrast as in WCAG 2.
    dark, light = 0.12 * ground, 0.85 + 0.15 * ground
    for ink, is_light in ((dark, 0.0), (light, 1.0)):
        high, low = np.maximum(ground, ink), np.minimum(ground, ink)
        if ((high + 0.05) / (low + 0.05)).min() >= READABLE:
            return np.full(len(ground), is_light)
    return (ground < DARK).astype(float)


def isoline_values(scene: Scene, state: ViewState, index: int) -> NDArray[np.float64]:
    """The levels ``(k,)`` in units of the height's quantity, rising, strictly inside its range."""
    heights = scene.height_range(state, index)
    scale = "log" if is_log(state.isolines.spacing, heights) else "linear"
    found = contour_levels(heights.low, heights.high, scale=scale, count=state.isolines.count)
    return np.asarray(found, dtype=float)[:MOST_LEVELS]


def is_log(spacing: str, heights: Range) -> bool:
    """Whether isolines are spaced in the logarithm."""
    return heights.low > 0 and (spacing == "log" or (spacing == "auto" and heights.log))


def strong_levels(values: NDArray[np.float64], spacing: str, heights: Range) -> NDArray[np.float64]:
    """1 at decades if logarithmic, else at every fifth multiple of the step."""
    if len(values) and is_log(spacing, heights):
        decades = np.log10(values)
        if np.ptp(decades) >= 1:
            return (np.abs(decades - np.rint(decades)) < 1e-6).astype(float)
    if len(values) < 2:
        return np.zeros(len(values))
    multiple = values / max(np.diff(values).min(), np.finfo(float).tiny)
    return (np.abs(multiple / 5 - np.rint(multiple / 5)) < 1e-3).astype(float)


def level_numbers(
    values: NDArray[np.float64], span: Range, *, by_hand: bool = False
) -> list[str]:  # fmt: skip
    """Levels as they are written: in as many digits as tell them apart."""
    away = 0.0 if span.log else offset(span.low, span.high)
    found = [number(value - away) for value in values]
    as_they_are = by_hand or span.log
    if len(values) > 1 and (not as_they_are or len(set(found)) < len(found)):
        found = [number(value - away, float(np.diff(values).min())) for value in values]
    for digits in range(4, 17):
        if len(set(found)) == len(found):
            break
        found = [f"{value - away:.{digits}g}".replace("-", "−") for value in values]
    return found
