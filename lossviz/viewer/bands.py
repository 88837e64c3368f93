"""Colours in steps: where one band ends and the next begins, and which colour each has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossviz.contours import levels as round_levels
from lossviz.viewer.colormaps import shadeable, to_linear
from lossviz.viewer.items import LABELS
from lossviz.viewer.levels import MOST_LEVELS, isoline_values
from lossviz.viewer.ranges import Field, Range
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bands:
    """Bands over a colour range, low values first; values beyond it belong to the outer two."""

    span: Range
    edges: Floats  # (k,) of the quantity, rising, inside the range
    colors: NDArray[np.uint8]  # (k + 1, 3) sRGB: the map's at the middle of each band

    def color_of(self, values: Floats) -> NDArray[np.uint8]:
        """``(n, 3)`` uint8: the colours that values ``(n,)`` have."""
        return self.colors[np.searchsorted(self.edges, values, side="right")]

    def shares(self) -> Floats:
        """``(k + 2,)``: where the bands begin and end on the range, from 0 to 1."""
        return np.concatenate([[0.0], self.span.unit(self.edges), [1.0]])

    def texels(self, field: Field) -> NDArray[np.float32]:
        """``(1, k + 1, 4)``: linear colour, and where the band begins, as the field has values."""
        placed = self.span.on_scale(self.edges) if self.span.log else field.share(self.edges)
        begins = np.concatenate([[np.finfo(np.float32).min], placed])
        return np.column_stack([to_linear(self.colors / 255), begins])[None].astype(np.float32)


def bands(scene: Scene, state: ViewState, index: int) -> Bands | None:
    """The bands of landscape ``index``; None where the colours are continuous.

    They end at the isolines where the colours show what the heights show, else at levels of the
    same kind of their own quantity.
    """
    own, shown = state.surface, scene.color(state, index)
    if own.bands == "off" or shown in LABELS:
        return None
    span = scene.color_range(state, index)
    if own.bands == "isolines" and shown == own.height:
        edges = isoline_values(scene, state, index)
        edges = edges[(edges > span.low) & (edges < span.high)]
    else:
        count = own.band_steps if own.bands == "steps" else state.isolines.count
        scale = "log" if span.log else "linear"
        edges = round_levels(span.low, span.high, scale=scale, count=count)[:MOST_LEVELS]
    ends = np.concatenate([[0.0], span.unit(edges), [1.0]])
    middles = np.clip((ends[:-1] + ends[1:]) / 2, 0, 1)
    table = shadeable(own.colormap, own.reverse)
    return Bands(span, edges, table[np.rint(middles * 255).astype(int)])
