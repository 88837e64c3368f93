"""Trajectories that are played: buttons, the present step, and the runs' losses over the steps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from imgui_bundle import imgui, implot

from lossviz.viewer.items import Item
from lossviz.viewer.panels.plots import (
    BARE,
    GREY,
    LARGEST,
    SMALL,
    Floats,
    pieces,
    plain,
    scale,
    spec,
)
from lossviz.viewer.panels.widgets import checks, color_square, slider
from lossviz.viewer.paths import Path, ink, runs, shown_span, step_now, step_told
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from lossviz.viewer.text import one_line
from lossviz.viewer.ticks import number

HIGH = 150.0  # points
MOST_POINTS = 2000  # of a run's losses: more are not seen in a sidebar
MOST_OF_ALL, FEWEST = 40_000, 100  # of all runs' losses, and the least of one's
MOST_RUNS = 8  # whose numbers are told

Run = tuple[Item, Path]


def draw(state: ViewState, scene: Scene) -> None:
    """Edit what ``state.trajectories`` says of playing; nothing where no run is shown."""
    shown = [(item, path) for item in scene.items for path in runs(item, state)]
    span, now = shown_span(scene, state), step_now(scene, state)
    if span is None or now is None:
        return
    own = state.trajectories
    width = (imgui.get_content_region_avail().x - imgui.get_style().item_spacing.x) / 2
    if imgui.button("Pause" if state.panels.playing else "Play", imgui.ImVec2(width, 0)):
        state.panels.playing = not state.panels.playing
    imgui.set_item_tooltip("Space")
    imgui.same_line(imgui.get_window_width() * 0.5)
    (own.repeat,) = checks(("Repeat", own.repeat))
    moved = slider("Step", own.played, 0.0, 1.0, step_told(span, now))
    if moved != own.played:
        own.played, state.panels.playing = moved, False
    own.seconds = slider("Played in", own.seconds, 1.0, 120.0, "%.0f s", log=True)
    imgui.push_font(None, SMALL)
    _plot(shown, span, now)
    _told(shown, now)
    imgui.pop_font()


def _plot(shown: list[Run], span: tuple[float, float], now: float) -> None:
    """Every run's losses, logarithmic over two decades and more; a line at the present step."""
    ends = _ends([path.loss_ends for _, path in shown])
    if ends is None or not span[0] < span[1]:
        return
    low, high = ends
    log = low > 0 and low < high / 100
    flags = BARE | implot.Flags_.no_inputs | implot.Flags_.no_mouse_text
    size = imgui.ImVec2(-1, HIGH * scale())
    if not implot.begin_plot("##losses", size, flags):
        return
    implot.setup_axes("step", "loss", 0, 0)
    if log:
        implot.setup_axis_scale(implot.ImAxis_.y1, implot.Scale_.log10)
        low, high = low / 1.2, high * 1.2
    else:
        room = 0.05 * (high / 2 - low / 2) or 0.1 * abs(low) or 1.0
        low, high = low - room, high + room
    first, last = (min(max(end, -LARGEST), LARGEST) for end in span)
    implot.setup_axes_limits(first, last, low, high, implot.Cond_.always)
    implot.plot_inf_lines("##now", plain(np.array([now])), spec(GREY, 1.2))
    for which, (item, path) in reversed(list(enumerate(shown))):
        for steps, losses in _pieces(path, max(MOST_OF_ALL // len(shown), FEWEST)):
            implot.plot_line(f"##{which} {steps[0]}", steps, losses, spec(ink(item, path), 1.6))
    _balls(shown, now)
    implot.end_plot()


def _balls(shown: list[Run], now: float) -> None:
    """Where each run is; one that begins later or has ended stands at that end."""
    for which, (item, path) in reversed(list(enumerate(shown))):
        step = min(max(now, path.times[0]), path.times[-1])
        (loss,) = path.at(now).losses
        if np.isfinite(loss):
            look = spec(ink(item, path), 1.0)
            look.marker, look.marker_size = implot.Marker_.circle, 4.0 * scale()
            look.marker_fill_color = look.marker_line_color = look.fill_color
            x, y = (plain(np.array([float(value)])) for value in (step, loss))
            implot.plot_scatter(f"##ball {which}", x, y, look)


def _pieces(path: Path, most: int) -> Iterator[tuple[Floats, Floats]]:
    """Steps and losses, at most so many, without what is no number."""
    most = min(most, MOST_POINTS)
    every = max(1, len(path.losses) // most)
    for start, end in pieces(np.isfinite(path.losses), most):
        kept = np.append(np.arange(start, end - 1, every), end - 1)
        yield plain(path.times[kept]), plain(path.losses[kept])


def _told(shown: list[Run], now: float) -> None:
    """Each run's loss and distance off the plane at the present step."""
    if not imgui.begin_table("now", 3, imgui.TableFlags_.sizing_stretch_prop):
        return
    for name in ("", "loss", "off the plane"):
        imgui.table_next_column()
        imgui.text_disabled(name)
    for item, path in shown[:MOST_RUNS]:
        imgui.table_next_column()
        color_square(ink(item, path))
        imgui.align_text_to_frame_padding()
        imgui.text(one_line(path.name))
        here = path.at(now)
        for value in (here.losses[0], here.off_plane[0]):
            imgui.table_next_column()
            imgui.align_text_to_frame_padding()
            imgui.text(number(value))
    imgui.end_table()
    if len(shown) > MOST_RUNS:
        imgui.text_disabled(f"and {len(shown) - MOST_RUNS} more")


def _ends(parts: list[Floats]) -> tuple[float, float] | None:
    """The lowest and the highest number; None without any."""
    values = np.concatenate(parts)
    values = np.clip(values[np.isfinite(values)], -LARGEST, LARGEST)
    return (float(values.min()), float(values.max())) if values.size else None
