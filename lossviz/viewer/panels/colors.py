"""Colours and light beyond the usual: percentiles, steps, the shadow on the floor, edges."""

from __future__ import annotations

from imgui_bundle import imgui

from lossviz.viewer.commands import Command
from lossviz.viewer.panels.widgets import checks, choice, slider, whole
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import BANDS, ViewState

USUAL = (2.0, 98.0)  # per cent
LEAST = 0.1  # between the two


def draw(state: ViewState, scene: Scene) -> list[Command]:
    """Edit ``state.surface``; asks for nothing."""
    own = state.surface
    _percentiles(state)
    own.bands = choice("Colour steps", own.bands, BANDS)
    if own.bands == "steps":
        own.band_steps = whole("Steps, about", own.band_steps, 2, 30)
    imgui.separator()
    own.shadow = slider("Floor shadow", own.shadow, 0.0, 1.0)
    (own.rim,) = checks(("Edge line", own.rim))
    return []


def _percentiles(state: ViewState) -> None:
    """The colour range between two percentiles; a range by hand comes first."""
    own = state.surface
    on = own.color_percentiles is not None and own.color_range is None
    (asked,) = checks(("Range by percentiles", on))
    if asked and not on:
        own.color_percentiles, own.color_range = own.color_percentiles or USUAL, None
    elif on and not asked:
        own.color_percentiles = None
    if not asked or own.color_percentiles is None:
        return
    low, high = own.color_percentiles
    below = slider("From", low, 0.0, high - LEAST, "%.1f %%")
    above = slider("To", high, below + LEAST, 100.0, "%.1f %%")
    if (below, above) != (low, high):
        own.color_percentiles = below, above
