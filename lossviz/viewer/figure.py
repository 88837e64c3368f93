"""Curves as a figure: what is drawn where. CPU only; ``renderers/figure.py`` draws it.

Loss on the left axis, train solid and test dashed; accuracy on the right, thin. One curve has a
colour for each quantity, several have one each.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lossviz.landscape import LOSS, SPECTRAL_DENSITY, Curve
from lossviz.viewer.annotations import make_ticks, named
from lossviz.viewer.inks import inks, line_count
from lossviz.viewer.items import Item
from lossviz.viewer.layout import TEXT, Rect
from lossviz.viewer.polylines import Lines, line, thin
from lossviz.viewer.ranges import LOG_RATIO, Range, share
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import CurveState, ViewState
from lossviz.viewer.text import bitmap, one_line
from lossviz.viewer.ticks import Tick, linear_ticks

Floats = NDArray[np.float64]

ACCURACY = "accuracy"
QUANTITIES = {LOSS: (LOSS, False), "test_loss": (LOSS, True), ACCURACY: (ACCURACY, False),
              "test_accuracy": (ACCURACY, True)}  # fmt: skip  # the axis, and whether it is dashed
PAD = 10.0  # points around a figure
NAME_ROOM = 17.0  # points above it, for names
NUMBER, NAME = 8.0, 20.0  # points from an axis to its numbers, and what its name needs
ROOM = 0.04  # of the losses' range, above and below them
MOST_CURVES = 200
LARGEST = sys.float_info.max


@dataclass(frozen=True, eq=False)
class Trace:
    """One quantity along one curve."""

    curve: Curve
    quantity: str
    ink: NDArray[np.uint8]  # (3,) sRGB
    thin: bool  # one of several curves' accuracies

    @property
    def values(self) -> Floats:
        """``(k,)``."""
        return self.curve.quantities[self.quantity]

    @property
    def axis(self) -> str:
        """``loss`` or ``accuracy``: where it is read."""
        return QUANTITIES[self.quantity][0]

    @property
    def dashed(self) -> bool:
        """Whether it is of test data."""
        return QUANTITIES[self.quantity][1]

    @property
    def spread(self) -> Floats | None:
        """``(k,)``: the standard deviation over curves of which this is the mean."""
        return self.curve.quantities.get(f"{self.quantity}_spread")


def along_lines(item: Item) -> list[tuple[int, Curve]]:
    """The curves of a landscape along lines, with their numbers; not those over eigenvalues."""
    found = enumerate(item.landscape.curves)
    return [(i, curve) for i, curve in found if SPECTRAL_DENSITY not in curve.quantities]


def shown_curves(item: Item, state: ViewState) -> list[tuple[int, Curve]]:
    """Those that the view does not hide, with their numbers."""
    hidden = set(state.trajectories.hidden)
    return [(i, curve) for i, curve in along_lines(item) if curve.name not in hidden][:MOST_CURVES]


def traces(item: Item, state: ViewState) -> list[Trace]:
    """Everything that the figure of a landscape shows."""
    curves = shown_curves(item, state)
    single = len(along_lines(item)) == 1
    own = inks(max(line_count(item.landscape), 2))
    found = []
    for number, curve in curves:
        for quantity, (axis, _) in QUANTITIES.items():
            if quantity in curve.quantities and (axis == LOSS or state.curves.accuracy):
                color = own[int(axis == ACCURACY)] if single else own[number]
                found.append(Trace(curve, quantity, color, not single and axis == ACCURACY))
    return found


@dataclass(frozen=True, eq=False)
class Axis:
    """What an axis spans, its ticks, and how it is called."""

    span: Range
    ticks: list[Tick]
    name: str


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure in pixels of the picture: ``area`` is what the axes frame."""

    area: Rect
    x: Axis
    y: dict[str, Axis]  # loss, and accuracy if there is any
    traces: list[Trace]
    ends: list[tuple[float, str]]  # alphas that have a name
    key: Hashable  # what the lines depend on

    def place(self, axis: str, alphas: Floats, values: Floats) -> Floats:
        """``(k, 2)`` pixels; NaN where a value cannot be drawn."""
        span = self.y[axis].span
        with np.errstate(all="ignore"):
            drawn = np.isfinite(values) & ~(span.log & ~(values > 0))
            up = np.where(drawn, span.unit(values), np.nan)
            across = self.x.span.unit(alphas)
        return np.column_stack([self.area.x + across * self.area.width,
                                self.area.y + (1 - up) * self.area.height])  # fmt: skip

    def line(self, trace: Trace, quantum: float) -> Lines:
        """The trace in pixels ``(k, 3)``, without points nearer than ``quantum``."""
        points = self.place(trace.axis, trace.curve.alphas, trace.values)
        lines = line(np.column_stack([points, np.zeros(len(points))])).without_gaps()
        return thin(lines, np.full(3, quantum))

    def band(self, trace: Trace) -> tuple[Floats, Floats, Floats] | None:
        """Pixels ``x (k,)``, and the upper and lower end of its spread there; None without one."""
        if trace.spread is None:
            return None
        axis = self.y[trace.axis].span
        with np.errstate(all="ignore"):
            above, below = trace.values + trace.spread, trace.values - trace.spread
            lowest = np.fmax(below, axis.low) if axis.log else below
        upper = self.place(trace.axis, trace.curve.alphas, above)
        lower = self.place(trace.axis, trace.curve.alphas, lowest)
        return upper[:, 0], upper[:, 1], lower[:, 1]


def figure(scene: Scene, state: ViewState, index: int, cell: Rect, scale: float) -> Figure:
    """The figure of landscape ``index`` in a cell."""
    item = scene.items[index]
    found = traces(item, state)
    curves = [curve for _, curve in along_lines(item)] or item.landscape.curves
    alphas = np.concatenate([curve.alphas for curve in curves])
    x = _span(float(alphas.min()), float(alphas.max()))
    loss = loss_span(found, state.curves)
    spans = {LOSS: loss}
    if any(trace.axis == ACCURACY for trace in found):
        spans[ACCURACY] = _accuracy_span(found)
    ticks = {name: make_ticks(span, cell.height / scale / 40) for name, span in spans.items()}
    y = {name: Axis(span, ticks[name], named(_called(found, name), span))
         for name, span in spans.items()}  # fmt: skip
    area = _area(cell, y, scale)
    across = linear_ticks(x.low, x.high, max(2, int(area.width / scale / 70)))
    key = (item.key, area.sides, x, loss, state.trajectories.hidden, state.curves.accuracy)
    return Figure(area, Axis(x, across, named("α", x)), y, found, _ends(item), key)


def loss_span(found: list[Trace], own: CurveState) -> Range:
    """What the losses span, with some room; logarithmic as the heights of a surface are.

    With their spread where that is shown; on a logarithmic axis its lower end may be cut.
    """
    losses = [trace for trace in found if trace.axis == LOSS]
    values = _finite([trace.values for trace in losses])
    if not values.size:
        return Range(0.0, 1.0, False)
    low, high = float(values.min()), float(values.max())
    steep = low > 0 and high / LOG_RATIO > low
    log = own.scale == "log" or (own.scale == "auto" and steep)
    with np.errstate(all="ignore"):
        ends = [trace.values + sign * trace.spread for trace in losses for sign in (-1, 1)
                if own.spread and trace.spread is not None]  # fmt: skip
    positive = values[values > 0]
    values = np.append(values, _finite(ends))
    high = float(values.max())
    if not (log and positive.size):
        return _span(float(values.min()), high, ROOM)
    low = float(positive.min())
    room = min(max(10 ** (ROOM * (math.log10(high) - math.log10(low))), 1.02), 10.0)
    return Range(max(low / room, 5e-324), min(high * room, LARGEST), True)


def is_logarithmic(scene: Scene, state: ViewState) -> bool:
    """Whether the first surface's heights are logarithmic, or else the curves' losses."""
    for index, item in enumerate(scene.items):
        if not item.is_figure:
            return scene.height_range(state, index).log
    return loss_span(traces(scene.items[0], state), state.curves).log


def _finite(parts: list[Floats]) -> Floats:
    values = np.concatenate([np.zeros(0), *parts])
    return values[np.isfinite(values)]


def _span(low: float, high: float, room: float = 0.0) -> Range:
    """A linear range that is not empty, and finite."""
    if not high > low:
        room, half = 0.0, max(abs(low) * 0.05, 1e-300) if low else 0.5
        low, high = low - half, high + half
    more = room * (high / 2 - low / 2) * 2
    return Range(max(low - more, -LARGEST), min(high + more, LARGEST), False)


def _accuracy_span(found: list[Trace]) -> Range:
    """0 to 1, or more where an accuracy is more."""
    values = _finite([trace.values for trace in found if trace.axis == ACCURACY])
    return _span(min(0.0, float(values.min(initial=0.0))), max(1.0, float(values.max(initial=1.0))))


def _called(found: list[Trace], axis: str) -> str:
    """An axis' name; accuracy tells its lines apart where they share their curves' colours."""
    thin_ones = any(trace.thin for trace in found)
    return "accuracy (thin)" if axis == ACCURACY and thin_ones else axis


def _area(cell: Rect, y: dict[str, Axis], scale: float) -> Rect:
    """What is left of the cell for the axes' frame."""

    def beside(axis: Axis | None) -> float:
        if axis is None:
            return PAD * scale
        widths = [bitmap(t.label, round(TEXT * scale)).shape[1] for t in axis.ticks if t.label]
        return max(widths, default=0) + (NUMBER + NAME + PAD) * scale

    left, right = beside(y[LOSS]), max(beside(y.get(ACCURACY)), 2 * PAD * scale)
    below = (NUMBER + TEXT + NAME + PAD) * scale
    width = max(cell.width - left - right, cell.width * 0.2)
    height = max(cell.height - below - NAME_ROOM * scale, cell.height * 0.2)
    return Rect(cell.x + left, cell.y + NAME_ROOM * scale, width, height)


def _ends(item: Item) -> list[tuple[float, str]]:
    """The networks that a line goes between: 0, 1 and what they are called."""
    own = item.landscape
    marks = [(mark.alpha, one_line(mark.name)) for mark in own.marks if np.isfinite(mark.alpha)]
    if marks or not goes_between(item):
        return marks[:20]
    lines = along_lines(item)
    one = lines[0][1].name if len(lines) == 1 else "the other network"
    return [(0.0, one_line(Path(own.provenance.checkpoint).stem or "θ*")), (1.0, one_line(one))]


def goes_between(item: Item) -> bool:
    """Whether the curves go from one network to another: then they may have a barrier."""
    return item.landscape.provenance.directions.startswith("to ")


def unit_of(span: Range, value: float) -> float:
    """Where a value stands on an axis, 0 to 1 within it."""
    if span.log:
        return float(span.unit(np.array(value)))
    return float(share(np.array(value), span.low, span.high))
