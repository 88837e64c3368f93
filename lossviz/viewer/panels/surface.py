"""The surface: its height, colour and light."""

from __future__ import annotations

import math

import numpy as np
from imgui_bundle import imgui

from lossviz.viewer.colormaps import names, shadeable
from lossviz.viewer.commands import Command
from lossviz.viewer.items import LABELS
from lossviz.viewer.panels.widgets import checks, choice, pair, slider, strip
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import SCALES, ViewState


def draw(state: ViewState, scene: Scene) -> list[Command]:
    """Edit ``state.surface``; asks for nothing."""
    own, quantities = state.surface, scene.quantities()
    own.height = choice("Height", own.height, [q for q in quantities if q not in LABELS])
    own.height_scale = choice("Scale", own.height_scale, SCALES)
    own.height_ratio = slider("Steepness", own.height_ratio, 0.05, 2.0)
    _cap(state, scene)
    imgui.separator()
    own.color = choice("Colour", own.color, quantities)
    own.colormap = choice("Map", own.colormap, names())
    if own.colormap in names():
        strip(shadeable(own.colormap, own.reverse))
    own.color_scale = choice("Colour scale", own.color_scale, SCALES)
    by_hand = own.color_range is not None
    by_hand, own.reverse = checks(("Range by hand", by_hand), ("Reversed", own.reverse))
    if by_hand:
        span = scene.color_range(state, 0)
        low, high = pair("Range", *(own.color_range or (span.low, span.high)))
        if math.isfinite(low) and math.isfinite(high) and high > low:
            own.color_range = low, high
    else:
        own.color_range = None
    imgui.separator()
    own.light = slider("Light", own.light, 0.0, 1.5)
    own.occlusion = slider("Occlusion", own.occlusion, 0.0, 1.0)
    own.smooth, own.wire = checks(("Smooth", own.smooth), ("Grid", own.wire))
    return []


def _cap(state: ViewState, scene: Scene) -> None:
    """Cut heights above a value: on or off, and where, on the height's own scale."""
    own = state.surface
    (on,) = checks(("Cap", own.cap is not None))
    if not on:
        own.cap = None
        return
    cap, own.cap = own.cap, None
    span = scene.height_range(state, 0)  # without the cap
    low, high = span.scaled
    own.cap = span.low + (span.high - span.low) / 2 if cap is None else cap
    place = min(max(float(span.unit(np.array(own.cap))), 0.001), 1.0)
    moved = slider("Cap at", place, 0.001, 1.0, f"{own.cap:.4g}")
    if moved != place:
        value = low + moved * (high - low)
        own.cap = 10.0**value if span.log else value
