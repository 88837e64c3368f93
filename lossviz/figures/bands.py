"""The levels of a contour figure, their numbers, and the colours between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossviz.errors import UsageError
from lossviz.figures.style import Style
from lossviz.viewer.colormaps import luminance, table
from lossviz.viewer.inks import BRIGHTEST
from lossviz.viewer.levels import isoline_values, level_numbers
from lossviz.viewer.ranges import Range
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bands:
    """The levels that a panel draws, on its scale, and the colours between them."""

    span: Range
    edges: Floats  # (k + 2,) on the scale: the range's ends around the levels
    values: Floats  # (k,) of the quantity
    colors: Floats  # (k + 1, 3)
    numbers: Sequence[str]  # k: the values as they are written


def bands_of(scene: Scene, state: ViewState, style: Style, index: int) -> Bands:
    """The levels that the style or the view asks for, within the heights of a landscape.

    Raises
    ------
    UsageError
        If none of those that were asked for is.
    """
    span = scene.height_range(state, index)
    if style.levels is None:
        values = isoline_values(scene, state, index)
    else:
        values = np.unique(np.asarray(style.levels, float))
        values = values[(values > span.low) & (values < span.high)]
        if not values.size:
            raise UsageError(
                f"levels: none of them is between the lowest {state.surface.height}, "
                f"{span.low:.6g}, and the highest, {span.high:.6g}"
            )
    low, high = span.scaled
    edges = np.concatenate([[low], span.on_scale(values), [high]])
    own = _color_range(scene, state, index, values if style.levels is not None else None)
    middles = (edges[:-1] + edges[1:]) / 2
    units = (own.unit(10.0**middles if span.log else middles)).clip(0, 1)
    table_ = table(state.surface.colormap, state.surface.reverse) / 255
    numbers = level_numbers(values, span, by_hand=style.levels is not None)
    return Bands(span, edges, values, table_[np.rint(units * 255).astype(int)], numbers)


def _color_range(scene: Scene, state: ViewState, index: int, values: Floats | None) -> Range:
    """What the colours span: what was asked for, else from the first to the last level that was
    asked for, else as in the window."""
    heights, own = scene.height_range(state, index), state.surface
    if values is not None and values.size > 1 and own.color_range is None:
        return Range(float(values[0]), float(values[-1]), heights.log)
    return scene.color_range(state, index) if own.color == own.height else heights


def readable(colors: Floats) -> Floats:
    """Colours dark enough for thin lines on white."""
    bright = luminance(colors)
    share = np.minimum(1, (0.8 * BRIGHTEST / np.maximum(bright, 1e-3)) ** (1 / 2.2))
    return np.asarray(colors * share[:, None])
