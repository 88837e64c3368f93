"""Curves as a plot in the sidebar, to be read at the pointer and zoomed into."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from imgui_bundle import imgui, implot

from lossviz.landscape import LOSS
from lossviz.viewer.commands import Command
from lossviz.viewer.figure import ACCURACY, Figure, Trace, along_lines, figure
from lossviz.viewer.inks import inks, line_count
from lossviz.viewer.items import Item
from lossviz.viewer.layout import Rect
from lossviz.viewer.panels.plots import BARE, GREY, SMALL, pieces, plain, scale, spec
from lossviz.viewer.panels.widgets import checks, choice, color_square, slider
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import SCALES, ViewState
from lossviz.viewer.text import one_line

HIGH = 210.0  # points
MOST_POINTS = 4000  # of a line: more are not seen in a sidebar
MOST_LINES = 8  # of the list that are seen at once
THIN = 0.55  # opacity of several curves' accuracies


def is_needed(scene: Scene) -> bool:
    """Whether there is any curve."""
    return any(along_lines(item) for item in scene.items)


def draw(state: ViewState, scene: Scene) -> list[Command]:
    """Edit ``state.curves`` and which curves are hidden; asks for nothing."""
    own = state.curves
    own.scale = choice("Losses", own.scale, SCALES)
    own.accuracy, own.spread = checks(("Accuracy", own.accuracy), ("Spread", own.spread))
    if len(scene.surfaces) < len(scene.items):
        own.width = slider("Line width", own.width, 0.5, 8.0, "%.1f pt")
    for index, item in enumerate(scene.items):
        if along_lines(item):
            imgui.push_id(index)
            if len(scene.items) > 1:
                imgui.text_disabled(item.title)
            imgui.push_font(None, SMALL)
            _plot(figure(scene, state, index, Rect(0, 0, 300, 200), 1.0), state)
            imgui.pop_font()
            _list(item, state)
            imgui.pop_id()
    return []


def _plot(found: Figure, state: ViewState) -> None:
    """Loss at the left, accuracy at the right; the pointer reads values."""
    # Another scale or another set of curves is another plot: its zoom begins anew.
    name = f"##curves {hash(found.key)}"
    if not implot.begin_plot(name, imgui.ImVec2(-1, HIGH * scale()), BARE):
        return
    loss = found.y[LOSS].span
    implot.setup_axes("α", "loss", 0, 0)
    implot.setup_axes_limits(found.x.span.low, found.x.span.high, loss.low, loss.high)
    if loss.log:
        implot.setup_axis_scale(implot.ImAxis_.y1, implot.Scale_.log10)
    if ACCURACY in found.y:
        right = found.y[ACCURACY].span
        implot.setup_axis(implot.ImAxis_.y2, "accuracy", implot.AxisFlags_.aux_default)
        implot.setup_axis_limits(implot.ImAxis_.y2, right.low, right.high)
    implot.setup_mouse_text(implot.Location_.north)
    for number, trace in enumerate(found.traces):
        right_axis = trace.axis == ACCURACY
        implot.set_axes(implot.ImAxis_.x1, implot.ImAxis_.y2 if right_axis else implot.ImAxis_.y1)
        _trace(trace, number, state, found)
    for alpha, _ in found.ends:
        implot.plot_inf_lines(f"##end {alpha}", np.array([alpha]), spec(GREY, 1.0, 0.4))
    implot.end_plot()


def _trace(trace: Trace, number: int, state: ViewState, found: Figure) -> None:
    alphas, values = trace.curve.alphas, trace.values
    every = max(1, alphas.size // MOST_POINTS)
    opacity = THIN if trace.thin else 1.0
    spread = trace.spread if state.curves.spread else None
    if spread is not None:
        with np.errstate(all="ignore"):
            lower, upper = values - spread, values + spread
        lower = np.fmax(lower, found.y[trace.axis].span.low)
        x, low, high = (plain(part[::every]) for part in (alphas, lower, upper))
        implot.plot_shaded(f"##band {number}", x, low, high, spec(trace.ink, 1.0, 0.2))
    for start, end in _pieces(trace, every):
        part = slice(start, end, every)
        name, look = (
            f"##line {number} {start}",
            spec(trace.ink, 1.0 if trace.thin else 1.8, opacity),
        )
        implot.plot_line(name, plain(alphas[part]), plain(values[part]), look)


def _pieces(trace: Trace, every: int) -> Iterator[tuple[int, int]]:
    """Where the line goes on: dashes for test data, and no line where there is no number."""
    for start, end in pieces(np.isfinite(trace.values), MOST_POINTS):
        if not trace.dashed:
            yield start, end
            continue
        long = max(2 * every, (end - start) // 40 * every, 2)
        for left in range(start, end, long):
            yield left, min(left + max(long // 2, every) + 1, end)


def _list(item: Item, state: ViewState) -> None:
    """Each curve by name: shown or hidden."""
    curves = along_lines(item)
    if len(curves) < 2:
        return
    hidden = set(state.trajectories.hidden)
    colors = inks(line_count(item.landscape))
    height = min(len(curves), MOST_LINES) * imgui.get_frame_height_with_spacing()
    imgui.begin_child("curves", imgui.ImVec2(0, height))
    clipper = imgui.ListClipper()
    clipper.begin(len(curves))
    while clipper.step():
        for row in range(clipper.display_start, clipper.display_end):
            number, curve = curves[row]
            name = curve.name
            imgui.push_id(row)
            color_square(colors[number])
            (on,) = checks((one_line(name), name not in hidden))
            (hidden.discard if on else hidden.add)(name)
            imgui.pop_id()
    imgui.end_child()
    if hidden != set(state.trajectories.hidden):
        state.trajectories.hidden = tuple(sorted(hidden))
