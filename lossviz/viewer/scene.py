"""Scene: landscapes made ready to draw. CPU only; the renderers upload what they find here.

In scene units the longer side of a surface is 2, alpha goes along x, beta along y, height is z
from 0 up. A landscape is what a file holds, a scene what a window shows; this is the one room
that turns the first into the second.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from lossviz.comparison import DIFFERENCE, RATIO
from lossviz.landscape import LOSS, Landscape
from lossviz.viewer.items import LABELS, NO_SURFACE, Item
from lossviz.viewer.ranges import (
    LOG_RATIO,
    Range,
    by_hand,
    capped,
    percentiles,
    proper,
)
from lossviz.viewer.state import ViewState

Floats = NDArray[np.float64]

FLOOR_GAP = 0.42  # the floor's distance below the surface, over the surface's height
CONVENTIONS = {"lambda_ratio": (0.0, 0.5)}  # colours of Li et al. 2018, arXiv:1712.09913, figure 7


class Scene:
    """The landscapes of a window or a picture, and the scales that they are drawn on."""

    def __init__(self, landscapes: Sequence[Landscape]) -> None:
        if not landscapes:
            raise ValueError("scene: expected at least one landscape, got none")
        self.items = [Item(landscape) for landscape in landscapes]
        self._percentiles: dict[int | None, tuple[Hashable, tuple[float, float] | None]] = {}
        # The differences that were made of two; see lossviz/viewer/arrangement.py.
        self.differences: dict[tuple[Item, Item], Item | None] = {}

    @property
    def files(self) -> list[Item]:
        """The landscapes that it was given; the differences that a view asks for follow them."""
        return [item for item in self.items if not item.is_difference]

    def replace(self, index: int, landscape: Landscape) -> None:
        """Show another landscape in the place of one, as when its file was rewritten."""
        self.items[index] = Item(landscape, self.items[index].revision + 1)

    def quantities(self) -> list[str]:
        """Names that every landscape has, in the first one's order."""
        known = [item.surface.quantities for item in self.surfaces] or [{LOSS: NO_SURFACE.loss}]
        return [name for name in known[0] if all(name in other for other in known)]

    @property
    def surfaces(self) -> list[Item]:
        """Those that are no figures."""
        return [item for item in self.items if not item.is_figure]

    def height_range(self, state: ViewState, index: int) -> Range:
        """What the heights of landscape ``index`` span; heights above ``high`` are capped."""
        own = state.surface
        found = self._range(own.height, own.height_scale, None if state.has_one_scale else index)
        return capped(by_hand(found, own.height_range, own.height_scale), own.cap)

    def color_range(self, state: ViewState, index: int) -> Range:
        """What the colours of landscape ``index`` span; where they show the heights, to the cap.

        ``CONVENTIONS`` says it for some quantities, unless a logarithmic scale or percentiles are
        asked for. Differences reach as far below 0 as above.
        """
        own, name = state.surface, self.color(state, index)
        # What is set by hand is meant for the files, not for their differences.
        made = self.items[index].is_difference
        asked, scale = (None, "linear") if made else (own.color_range, own.color_scale)
        alone = None if state.has_one_scale else index
        found = self._range(name, scale, alone)
        if asked is not None:
            return by_hand(found, asked, scale)
        if own.color_percentiles is not None and name not in LABELS:
            found = self._between(name, own.color_percentiles, found.log, alone) or found
        elif name in CONVENTIONS and scale != "log":
            return Range(*CONVENTIONS[name], False)
        if name.endswith((DIFFERENCE, RATIO)) and not found.log:
            most = max(abs(found.low), abs(found.high))  # no difference is the middle colour
            return proper(-most, most, log=False)
        return capped(found, own.cap if name == own.height else None)

    def _between(
        self, name: str, shares: tuple[float, float], log: bool, index: int | None
    ) -> Range | None:  # fmt: skip
        """From one percentile of the computed values to another; None if there are no values."""
        items = self.surfaces if index is None else [self.items[index]]
        key = tuple(item.key for item in items), name, shares, log
        if index not in self._percentiles or self._percentiles[index][0] != key:
            values = np.concatenate([item.values(name).ravel() for item in items])
            found = percentiles(values[values > 0] if log else values, shares)
            self._percentiles[index] = key, found
        ends = self._percentiles[index][1]
        return ends and proper(*ends, log=log)

    def color(self, state: ViewState, index: int) -> str:
        """What the colours of landscape ``index`` show.

        Of a difference that is how much the chosen quantity differs; a loss on a logarithmic scale
        differs by a factor, and what cannot be subtracted is the loss.
        """
        own, item = state.surface, self.items[index]
        if not item.is_difference:
            return own.color
        if own.color == LOSS and self._range(LOSS, own.color_scale, index).log:
            return LOSS + RATIO
        known = own.color not in LABELS and own.color + DIFFERENCE in item.surface.quantities
        return (own.color if known else LOSS) + DIFFERENCE

    def scales(self, state: ViewState) -> list[int]:
        """A landscape for each scale of colours: one each, or where they share it the first."""
        numbers = [index for index, item in enumerate(self.items) if not item.is_figure]
        if not state.has_one_scale:
            return numbers
        names = [self.color(state, index) for index in numbers]
        return [numbers[names.index(name)] for name in dict.fromkeys(names)]

    def _range(self, name: str, scale: str, index: int | None) -> Range:
        items = self.items if index is None else [self.items[index]]
        spans = [span for item in items if (span := item.span(name)) is not None]
        if not spans:
            return Range(0.0, 1.0, False)
        lows, positives, highs = zip(*spans, strict=True)
        low, high = min(lows), max(highs)
        if name in LABELS:
            return proper(low, high, log=False)
        positive = np.nan if np.isnan(positives).all() else float(np.nanmin(positives))
        if scale == "log" and positive > 0 and high > 0:
            return proper(positive, high, log=True)
        with np.errstate(over="ignore"):
            steep = low > 0 and bool(np.divide(high, low) > LOG_RATIO)
        return proper(low, high, log=scale == "auto" and steep)

    def top(self, state: ViewState) -> float:
        """The z of the highest point that a surface can have."""
        return 2 * state.surface.height_ratio

    def floor(self, state: ViewState) -> float:
        """The z of the floor, below 0; the axes stand there."""
        return -FLOOR_GAP * self.top(state) if state.isolines.floor else 0.0

    def bounds(self, state: ViewState) -> tuple[Floats, Floats]:
        """Lowest and highest corner, each (3,), of the box that holds every landscape."""
        extents = np.array([item.extent for item in self.surfaces or self.items]).max(axis=0)
        low = np.array([*(-extents), self.floor(state)])
        return low, np.array([*extents, self.top(state)])
