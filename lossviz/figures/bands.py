"""The levels of a contour figure, their numbers, and the colours between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossviz.errors import UsageError
from lossviz.figures.style import Style
from lossviz.viewer.bands import Bands as WindowBands
from lossviz.viewer.bands import bands
from lossviz.viewer.colormaps import shadeable
from lossviz.viewer.levels import isoline_values, level_numbers
from lossviz.viewer.ranges import Range
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bands:
    """The levels that a panel draws, on its scale, and the colours between them."""

    span: Range
    edges: Floats  # (n + 1,) on the scale, with the range's ends: where the colours change
    colors: Floats  # (n, 3)
    numbers: Sequence[str]  # n - 1: the inner edges as they are written
    values: Floats  # (k,) of the quantity: the lines
    line_colors: Floats  # (k, 3): of lines alone
    line_numbers: Sequence[str]  # k: the values as they are written


def bands_of(scene: Scene, state: ViewState, style: Style, index: int) -> Bands:
    """The levels that the style or the view asks for, within the heights of a landscape.

    The colours between them are the window's, which may change at steps of their own.

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
    by_hand = style.levels is not None
    own = state.surface
    steps = bands(scene, state, index) if own.color == own.height and not by_hand else None
    filled = values  # the colours change at the lines, or where the window's change
    if steps is not None and own.bands == "steps":
        filled = steps.edges[(steps.edges > span.low) & (steps.edges < span.high)]
    edges, colors = _between(scene, state, index, span, filled, steps, values if by_hand else None)
    around = colors if filled is values else _between(
        scene, state, index, span, values, steps, None)[1]  # fmt: skip
    numbers = level_numbers(values, span, by_hand=by_hand)
    return Bands(
        span, edges, colors, numbers if filled is values else level_numbers(filled, span),
        values, (around[1:] + around[:-1]) / 2, numbers,
    )  # fmt: skip


def _between(
    scene: Scene, state: ViewState, index: int, span: Range, values: Floats,
    steps: WindowBands | None, by_hand: Floats | None,
) -> tuple[Floats, Floats]:  # fmt: skip
    """The ends of the range around the values, on its scale, and the colours between them."""
    low, high = span.scaled
    edges = np.concatenate([[low], span.on_scale(values), [high]])
    middles = (edges[:-1] + edges[1:]) / 2
    middles = 10.0**middles if span.log else middles
    if steps is not None:
        return edges, steps.color_of(middles) / 255
    units = _color_range(scene, state, index, by_hand).unit(middles).clip(0, 1)
    table = shadeable(state.surface.colormap, state.surface.reverse) / 255
    return edges, table[np.rint(units * 255).astype(int)]


def _color_range(scene: Scene, state: ViewState, index: int, values: Floats | None) -> Range:
    """What the colours span: what was asked for, else from the first to the last level that was
    asked for, else as in the window."""
    heights, own = scene.height_range(state, index), state.surface
    if values is not None and values.size > 1 and own.color_range is None:
        return Range(float(values[0]), float(values[-1]), heights.log)
    return scene.color_range(state, index) if own.color == own.height else heights
