"""The colour bar: its colours, ticks and numbers, and arrows where values lie beyond its ends."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lossviz.viewer.annotations import make_ticks, named
from lossviz.viewer.bands import Bands, bands
from lossviz.viewer.colormaps import linear_rgb, shadeable, to_linear
from lossviz.viewer.layout import BAR_ROOM, TEXT, Rect
from lossviz.viewer.renderers.overlay import Arrow, Box, Label
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from lossviz.viewer.text import bitmap, one_line
from lossviz.viewer.themes import THEMES, Rgb

BEYOND = 1e-6  # of the range: less is rounding
TALL = 0.8  # an arrow's height over its width
PLATEAU: Rgb = (0.42, 0.42, 0.42)  # linear: the grey of heights above the cap, as surface.glsl has


def color_bar(
    scene: Scene, state: ViewState, index: int, bar: Rect, scale: float
) -> Iterator[Label | Box | Arrow]:
    """The bar with ticks at the right, numbers, and the quantity's name above."""
    theme = THEMES[state.picture.theme]
    ink = (*theme.linear("ink"), 1.0)
    shown = scene.color(state, index)
    if not any(item.span(shown) for item in scene.items):
        return
    span = scene.color_range(state, index)
    edge = max(theme.line * scale, 0.75)
    yield Box(Rect(bar.x - edge, bar.y - edge, bar.width + 2 * edge, bar.height + 2 * edge), ink)
    found = bands(scene, state, index)
    if found is None:
        yield Box(bar, (1.0, 1.0, 1.0, 1.0), bar=True)
    else:
        yield from _steps(found, bar)
    arrows = list(_arrows(scene, state, index, found, bar, edge))
    yield from arrows
    for tick in make_ticks(span, bar.height / scale / 22):
        share = float(span.unit(np.array(tick.value)))
        if not -1e-6 <= share <= 1 + 1e-6:
            continue
        y = bar.y + (1 - share) * bar.height
        length = (4.0 if tick.label else 2.2) * scale
        yield Box(Rect(bar.x + bar.width + edge, y - edge / 2, length, edge), ink)
        if tick.label:
            x = bar.x + bar.width + edge + 7 * scale
            yield Label(tick.label, x, y, TEXT, ink, (0.0, 0.5))
    name = named(one_line(shown.replace("_", " ")), span)
    width = bitmap(name, round((TEXT + 1) * scale), True).shape[1]
    left = min(bar.x, bar.x + (BAR_ROOM - 8) * scale - width)  # a long name goes on to the left
    top = min([bar.y, *(arrow.rect.y for arrow in arrows)])
    yield Label(name, left, top - 8 * scale, TEXT + 1, ink, (0.0, 1.0), bold=True)


def _steps(found: Bands, bar: Rect) -> Iterator[Box]:
    """The bands from the lowest to the highest, as high as they are on the scale."""
    tops = bar.y + (1 - found.shares()) * bar.height
    for low, high, color in zip(tops[:-1], tops[1:], to_linear(found.colors / 255), strict=True):
        red, green, blue = color.tolist()
        yield Box(Rect(bar.x, high, bar.width, low - high), (red, green, blue, 1.0))


def _arrows(
    scene: Scene, state: ViewState, index: int, found: Bands | None, bar: Rect, edge: float
) -> Iterator[Arrow]:
    """Arrows at the ends beyond which values lie, in the colour that these have."""
    own, ink = state.surface, THEMES[state.picture.theme].linear("ink")
    colors = shadeable(own.colormap, own.reverse) if found is None else found.colors
    wide = bar.width + 2 * edge
    tall = TALL * wide
    below, above, plateau = beyond(scene, state, index)
    if below:
        place = Rect(bar.x - edge, bar.y + bar.height, wide, tall)
        yield Arrow(place, linear_rgb(colors[0] / 255), ink, edge, up=False)
    if above or plateau:
        place = Rect(bar.x - edge, bar.y - tall, wide, tall)
        yield Arrow(place, PLATEAU if plateau else linear_rgb(colors[-1] / 255), ink, edge, up=True)


def beyond(scene: Scene, state: ViewState, index: int) -> tuple[bool, bool, bool]:
    """Whether values lie below the bar's range, above it, and whether above it is the cap.

    Values beyond have the colour of the bar's end; heights above the cap are grey.
    """
    own, span = state.surface, scene.color_range(state, index)
    shown = scene.color(state, index)
    items = scene.surfaces if state.has_one_scale else [scene.items[index]]
    spans = [found for item in items if (found := item.span(shown)) is not None]
    if not spans:
        return False, False, False
    low, high = min(found[0] for found in spans), max(found[2] for found in spans)
    below = (span.log and low <= 0) or float(span.unit(np.array(low))) < -BEYOND
    capped = False
    if shown == own.height:  # what is above the cap has no colour of the map
        cap = scene.height_range(state, index).high
        limited = own.cap is not None or own.height_range is not None
        capped = limited and high > cap
        high = min(high, cap) if capped else high
    share = float(span.unit(np.array(high)))
    return below, share > 1 + BEYOND, capped and abs(share - 1) <= BEYOND
