"""Curves as a figure: frame, grid, bands and lines, drawn flat in pixels of the picture."""

from __future__ import annotations

import math
from collections.abc import Iterator

import moderngl
import numpy as np
from numpy.typing import NDArray

from lossviz.landscape import LOSS
from lossviz.viewer.annotations import label_box, shortened
from lossviz.viewer.colormaps import linear_rgb
from lossviz.viewer.figure import (
    ACCURACY,
    NAME,
    NAME_ROOM,
    NUMBER,
    Axis,
    Figure,
    Trace,
    figure,
    unit_of,
)
from lossviz.viewer.inks import inks
from lossviz.viewer.layout import TEXT, Rect
from lossviz.viewer.renderers.overlay import Box, Label, OverlayRenderer
from lossviz.viewer.renderers.points import DISC, FULL, PointRenderer
from lossviz.viewer.renderers.strips import Eye, Rgb, StripRenderer, Style
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from lossviz.viewer.text import bitmap
from lossviz.viewer.textures import Textures
from lossviz.viewer.themes import THEMES, Theme

DASH = 9.0  # points: a dash and its gap
THIN, FAINT = 0.6, 0.6  # of several curves' accuracies: share of the width, opacity
# Opacity on dark ground and on light: light is added up in linear measure.
BAND, GRID = {True: 0.07, False: 0.18}, {True: 0.035, False: 0.13}
MOST_DOTS = 41  # points of a curve that are dots each
TICK = 4.0  # points


class FigureRenderer:
    """Draws the curves of landscape ``index`` of a scene into its cell."""

    def __init__(
        self, ctx: moderngl.Context, textures: Textures, overlay: OverlayRenderer,
        strips: StripRenderer, points: PointRenderer,
    ) -> None:  # fmt: skip
        self.ctx, self.textures, self.overlay = ctx, textures, overlay
        self.strips, self.points = strips, points

    def draw(
        self, scene: Scene, state: ViewState, index: int, cell: Rect, tile: Rect, *, scale: float,
        samples: int,
    ) -> list[Label | Box]:  # fmt: skip
        """Draw into the bound framebuffer, blending; gives what is to be written over it."""
        found = figure(scene, state, index, cell, scale)
        theme = THEMES[state.picture.theme]
        self.ctx.disable(moderngl.DEPTH_TEST)
        table = self.textures.color_table(state.surface.colormap, state.surface.reverse)
        below = [*_grid(found, state, scale), *_bands(found, state, scale)]
        self.overlay.draw(below, tile, scale, table, density=samples)
        viewport = round(tile.width) * samples, round(tile.height) * samples
        eye = Eye(to_clip(tile), viewport)
        nothing = self.textures.colors("no ramp", lambda: inks(1))
        # Accuracies first: losses are read first.
        for number, trace in sorted(enumerate(found.traces), key=lambda t: t[1].axis):
            width = state.curves.width * scale * samples * (THIN if trace.thin else 1.0)
            color = linear_rgb(trace.ink / 255)
            style = Style(width, FAINT if trace.thin else 1.0, cover=color,
                          dash=DASH * scale if trace.dashed else 0.0)  # fmt: skip
            self.strips.draw(
                (found.key, number), lambda t=trace: found.line(t, 0.2), eye, style,  # type: ignore[misc]
                nothing, nothing,
            )  # fmt: skip
            if trace.curve.alphas.size <= MOST_DOTS:
                rows = _dots(found, trace, color, 0.5 * state.curves.width + 1.0)
                self.points.draw(rows, eye, scale * samples, color, 0.0, style.opacity)
        return [*_frame(found, theme, state, scale), *_names(found, theme, scale)]


def to_clip(tile: Rect) -> NDArray[np.float64]:
    """(4, 4): from pixels of the picture, y down, to the clip space of its tile."""
    matrix = np.diag([2 / tile.width, -2 / tile.height, 1.0, 1.0])
    matrix[:2, 3] = -1 - 2 * tile.x / tile.width, 1 + 2 * tile.y / tile.height
    return matrix


def _dots(found: Figure, trace: Trace, color: Rgb, radius: float) -> NDArray[np.float64]:
    places = found.place(trace.axis, trace.curve.alphas, trace.values)
    places = places[np.isfinite(places).all(axis=1)]
    rest = np.broadcast_to([0.0, *color, 1.0, radius, DISC, FULL], (len(places), 8))
    return np.column_stack([places, rest])


def _grid(found: Figure, state: ViewState, scale: float) -> Iterator[Box]:
    """Faint lines at the numbers, and stronger ones at what has a name."""
    area, theme = found.area, THEMES[state.picture.theme]
    if not state.axes.axes:
        return
    ink = theme.linear("ink")
    thick = max(0.75 * scale, 0.5)
    faint = GRID[_is_dark(theme)]
    for x in _positions(found.x):
        yield Box(Rect(area.x + x * area.width - thick / 2, area.y, thick, area.height),
                  (*ink, faint))  # fmt: skip
    for y in _positions(found.y[LOSS]):
        yield Box(Rect(area.x, area.y + (1 - y) * area.height - thick / 2, area.width, thick),
                  (*ink, faint))  # fmt: skip
    for alpha, _ in found.ends:
        at = unit_of(found.x.span, alpha)
        if 0 <= at <= 1:
            x = area.x + at * area.width
            for y in np.arange(area.y, area.y + area.height - 1, 6 * scale):
                high = min(3 * scale, area.y + area.height - y)
                yield Box(Rect(x - thick / 2, y, thick, high), (*ink, 0.6))


def _is_dark(theme: Theme) -> bool:
    return sum(theme.ink) > sum(theme.background)


def _positions(axis: Axis) -> list[float]:
    """Where an axis has numbers, 0 to 1."""
    found = [unit_of(axis.span, tick.value) for tick in axis.ticks if tick.label]
    return [at for at in found if -1e-6 <= at <= 1 + 1e-6]


def _bands(found: Figure, state: ViewState, scale: float) -> Iterator[Box]:
    """The spread around a mean, a column of pixels at a time."""
    area = found.area
    for trace in found.traces:
        band = found.band(trace) if state.curves.spread else None
        if band is None:
            continue
        color = (*linear_rgb(trace.ink / 255), BAND[_is_dark(THEMES[state.picture.theme])])
        x, upper, lower = band
        columns = np.arange(np.floor(x.min()), np.ceil(x.max()))
        middle = columns + 0.5
        tops = np.clip(np.interp(middle, x, upper), area.y, area.y + area.height)
        bottoms = np.clip(np.interp(middle, x, lower), area.y, area.y + area.height)
        for left, top, bottom in zip(columns.tolist(), tops.tolist(), bottoms.tolist(),
                                     strict=True):  # fmt: skip
            if bottom > top:  # not where a value is no number
                yield Box(Rect(left, top, 1.0, bottom - top), color)


def _frame(found: Figure, theme: Theme, state: ViewState, scale: float) -> Iterator[Label | Box]:
    """The axes' lines, ticks, numbers and names."""
    if not state.axes.axes:
        return
    area, ink = found.area, (*theme.linear("ink"), 1.0)
    thick = max(theme.line * scale, 0.75)
    right, bottom = area.x + area.width, area.y + area.height
    yield Box(Rect(area.x - thick, area.y, thick, area.height + thick), ink)
    yield Box(Rect(area.x - thick, bottom, area.width + 2 * thick, thick), ink)
    if ACCURACY in found.y:
        yield Box(Rect(right, area.y, thick, area.height + thick), ink)
    for tick in found.x.ticks:
        x = area.x + unit_of(found.x.span, tick.value) * area.width
        if tick.label and area.x - 1 <= x <= right + 1:
            yield Box(Rect(x - thick / 2, bottom, thick, TICK * scale), ink)
            yield Label(tick.label, x, bottom + NUMBER * scale, TEXT, ink, (0.5, 0.0))
    below = bottom + (NUMBER + TEXT + 0.62 * NAME) * scale
    yield Label(found.x.name, area.x + area.width / 2, below, TEXT + 2, ink, bold=True)
    for name, axis in found.y.items():
        yield from _upright(found, name, axis, theme, scale)


def _upright(
    found: Figure, name: str, axis: Axis, theme: Theme, scale: float
) -> Iterator[Label | Box]:
    """The losses' axis at the left, the accuracies' at the right."""
    area, side = found.area, -1 if name == LOSS else 1
    edge = area.x if side < 0 else area.x + area.width
    thick, ink = max(theme.line * scale, 0.75), (*theme.linear("ink"), 1.0)
    inks_ = {trace.ink.tobytes(): trace.ink for trace in found.traces if trace.axis == name}
    single = len(found.y) > 1 and len({t.curve.name for t in found.traces}) == 1 and len(inks_) == 1
    color = (*linear_rgb(next(iter(inks_.values())) / 255), 1.0) if single else ink
    for tick in axis.ticks:
        at = unit_of(axis.span, tick.value)
        if not -1e-6 <= at <= 1 + 1e-6:
            continue
        y = area.y + (1 - at) * area.height
        long = (TICK if tick.label else 0.55 * TICK) * scale
        yield Box(Rect(edge if side > 0 else edge - long, y - thick / 2, long, thick), ink)
        if tick.label:
            anchor = (1.0, 0.5) if side < 0 else (0.0, 0.5)
            yield Label(tick.label, edge + side * NUMBER * scale, y, TEXT, ink, anchor)
    widest = area.x if side < 0 else area.x + area.width
    x = widest + side * (_numbers(axis, scale) + (NUMBER + 0.6 * NAME) * scale)
    yield Label(axis.name, x, area.y + area.height / 2, TEXT + 1, color, bold=True, turned=True)


def _numbers(axis: Axis, scale: float) -> float:
    """Pixels that an axis' widest number takes."""
    return max((bitmap(t.label, round(TEXT * scale)).shape[1] for t in axis.ticks if t.label),
               default=0)  # fmt: skip


def _names(found: Figure, theme: Theme, scale: float) -> Iterator[Label]:
    """What has a name, over the frame; names that would run into another are left out."""
    area, ink = found.area, (*theme.linear("ink"), 1.0)
    free = -math.inf
    for alpha, name in sorted(found.ends):
        at = unit_of(found.x.span, alpha)
        if not 0 <= at <= 1:
            continue
        short = shortened(
            name, min(0.45 * area.width, 160 * scale), TEXT * scale, bold=False, tail=True
        )
        anchor = min(max(at, 0.25), 0.75) if not 0.2 < at < 0.8 else 0.5
        y = area.y - NAME_ROOM / 2 * scale
        label = Label(short, area.x + at * area.width, y, TEXT, ink, (anchor, 0.5))
        box = label_box(label, scale)
        if box.x > free:
            free = box.x + box.width + 6 * scale
            yield label
