"""The slice: where it cuts, its profile with a crosshair, and profiles that are kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from imgui_bundle import imgui, implot
from numpy.typing import NDArray

from lossviz.viewer.between import Between
from lossviz.viewer.commands import Command, SaveProfile
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
from lossviz.viewer.panels.widgets import checks, choice, color_square, slider
from lossviz.viewer.ranges import Range
from lossviz.viewer.scene import Scene
from lossviz.viewer.sections import between_ends, ink_number, inks_of
from lossviz.viewer.slicing import (
    cuts,
    isolines,
    nearest_place,
    offsets,
    points_at,
    present,
    profile,
    shown_quantity,
)
from lossviz.viewer.state import LONGEST_NAME, MOST_PINNED, SLICES, Cut, ViewState
from lossviz.viewer.text import one_line
from lossviz.viewer.ticks import number

HIGH = 200.0  # points
MOST_POINTS = 4000  # of a line: more are not seen in a sidebar

Line = tuple[Floats, Floats, NDArray[np.uint8]]  # x, y, colour


def draw(state: ViewState, scene: Scene) -> list[Command]:
    """Edit ``state.slice``; asks for a file of the profiles."""
    own = state.slice
    first = next(index for index, item in enumerate(scene.items) if not item.is_figure)
    if not own.shown:
        (own.shown,) = checks(("Slice", False))
        return []
    own.shown, clip = checks(("Slice", True), ("Clip", own.mode == "clip"))
    own.mode = "clip" if clip else "cut"
    along = choice("Along", own.along, SLICES)
    if along != own.along:
        own.along, own.offset = along, None
    _where(state, scene, first)
    imgui.push_font(None, SMALL)
    (_plan if own.along == "level" else _plot)(state, scene, first)
    imgui.pop_font()
    return _pinned(state, scene, first)


def _where(state: ViewState, scene: Scene, first: int) -> None:
    """The plane's angle and offset, or its level, on the height's own scale."""
    own, cut = state.slice, present(scene, state, first)
    if cut.along == "level":
        span = scene.height_range(state, first)
        own.level = _slid("Level", cut.at, span.low, span.high, own.level, log=span.log)
        return
    if own.along == "angle":
        own.angle = slider("Angle", own.angle, -180.0, 180.0, "%.0f°")
    low, high = offsets(scene.items[first], cut)
    own.offset = _slid("Offset", cut.at, low, high, own.offset)


def _slid(
    name: str, value: float, low: float, high: float, before: float | None, *, log: bool = False
) -> float | None:
    """Where a slider of ``value`` was moved to, else ``before``.

    ImGui's numbers are float32: what it cannot tell apart or hold is moved as a share of the way.
    """
    size = max(abs(low), abs(high))
    if 1e-30 < size < 1e30 and high - low > 1e-4 * size and (not log or low > 1e-30):
        shown = min(max(value, low), high)
        moved = slider(name, shown, low, high, "%.4g", log)
        return before if moved == shown else moved
    span = Range(low, high, log)
    share = min(max(float(span.unit(np.array(value))), 0.0), 1.0)
    moved = slider(name, share, 0.0, 1.0, number(value))
    return before if moved == share else between_ends(span, moved)


def _lines(state: ViewState, scene: Scene) -> Iterator[Line]:
    """Profiles of all upright slices, or isolines of all level ones, of every landscape."""
    colors, level = inks_of(scene, state), state.slice.along == "level"
    for index, item in enumerate(scene.items):
        for which, cut in enumerate([] if item.is_figure else cuts(scene, state, index)):
            color = colors[ink_number(scene, index, which)]
            if level == (cut.along == "level"):
                quantity = shown_quantity(scene, state, index)
                make = partial(_isolines if level else _profile, item, cut, quantity)
                yield *item.remembered(f"plotted slice {which}", (cut, quantity.key), make), color


def _profile(item: Item, cut: Cut, quantity: Between) -> tuple[Floats, Floats]:
    """``(k,)`` places and values."""
    made = profile(item, cut, quantity)
    return made.places, made.values


def _isolines(item: Item, cut: Cut, quantity: Between) -> tuple[Floats, Floats]:
    """``(k,)`` alpha and beta, with NaN between one line and the next."""
    found = isolines(quantity, cut.at)
    gap = np.insert(found.points, np.flatnonzero(found.first)[1:], np.nan, axis=0)
    return gap[:, 0], gap[:, 1]


def _plot(state: ViewState, scene: Scene, first: int) -> None:
    """The profiles; the pointer moves the crosshair, and with it the marker on the surface."""
    own, item, cut = state.slice, scene.items[first], present(scene, state, first)
    lines = list(_lines(state, scene))
    x = _ends([line[0] for line in lines])
    log = scene.height_range(state, first).log
    y = _ends([line[1] for line in lines], log)
    names = {"alpha": "α", "beta": "β"}
    name = f"##slice {hash((state.surface.height, log))}"
    if not _begin(name, names.get(cut.along, "along the cut"), state.surface.height):
        return
    # Another profile is shown whole; as long as it stays one may zoom into it.
    same = item.memo.get("plotted") == (x, y)
    item.memo["plotted"] = x, y
    implot.setup_axes_limits(*x, *y, implot.Cond_.once if same else implot.Cond_.always)
    if log:
        implot.setup_axis_scale(implot.ImAxis_.y1, implot.Scale_.log10)
    for number_, line in reversed(list(enumerate(lines))):
        _draw(line, number_)
    at = value = np.zeros(0)
    if own.marker is not None:
        at = np.array([nearest_place(cut, *own.marker)])
        value = shown_quantity(scene, state, first).at(points_at(item, cut, at))
        _crosshair(at, value)
    if implot.is_plot_hovered():
        place = float(implot.get_plot_mouse_pos().x)
        alpha, beta = points_at(item, cut, np.array([place]))[0].tolist()
        own.marker = alpha, beta
    elif imgui.get_io().want_capture_mouse:
        own.marker = None
    implot.end_plot()
    read = zip(
        (names.get(cut.along, "at"), one_line(state.surface.height)), (at, value), strict=True
    )
    _told([f"{name} {number(float(one[0]))}" for name, one in read if one.size])


def _plan(state: ViewState, scene: Scene, first: int) -> None:
    """The isolines seen from above; the pointer moves the marker on the surface."""
    own, item = state.slice, scene.items[first]
    a, b = item.surface.alphas, item.surface.betas
    if not _begin("##plan", "α", "β"):
        return
    implot.setup_axes_limits(float(a[0]), float(a[-1]), float(b[0]), float(b[-1]))
    for number_, line in reversed(list(enumerate(_lines(state, scene)))):
        _draw(line, number_)
    if own.marker is not None:
        _crosshair(*(np.array([part]) for part in own.marker))
    if implot.is_plot_hovered():
        at = implot.get_plot_mouse_pos()
        own.marker = float(np.clip(at.x, a[0], a[-1])), float(np.clip(at.y, b[0], b[-1]))
    elif imgui.get_io().want_capture_mouse:
        own.marker = None
    implot.end_plot()
    _told([f"{name} {number(x)}" for name, x in zip("αβ", own.marker or (), strict=False)])


def _told(parts: list[str]) -> None:
    """What the crosshair stands at, or how to move it; below the plot, which keeps its size."""
    imgui.text_disabled("   ".join(parts) or "Point at the profile, or at its line on the surface.")


def _begin(name: str, x: str, y: str) -> bool:
    flags = BARE | implot.Flags_.no_mouse_text
    if not implot.begin_plot(name, imgui.ImVec2(-1, HIGH * scale()), flags):
        return False
    implot.setup_axes(x, one_line(y.replace("_", " ")), 0, 0)
    return True


def _ends(parts: list[Floats], log: bool = False) -> tuple[float, float]:
    """The lowest and the highest number, with some room; 0 to 1 where there is none."""
    values = np.concatenate([part.ravel() for part in parts] or [np.zeros(0)])
    values = values[np.isfinite(values) & ((values > 0) | (not log))]
    if not values.size:
        return (0.1, 1.0) if log else (0.0, 1.0)
    low, high = (float(np.clip(end, -LARGEST, LARGEST)) for end in (values.min(), values.max()))
    if log:
        low, high = max(low, 1 / LARGEST), max(high, 1 / LARGEST)
        return max(low / 1.15, 1 / LARGEST), min(high * 1.15, LARGEST)
    room = 0.04 * (high / 2 - low / 2) or abs(low) * 1e-3 or 1.0
    return low - room, high + room


def _draw(line: Line, which: int) -> None:
    x, y, color = line
    every = max(1, len(x) // MOST_POINTS)
    for start, end in pieces(np.isfinite(x) & np.isfinite(y), MOST_POINTS):
        part = slice(start, end, every)
        implot.plot_line(f"##{which} {start}", plain(x[part]), plain(y[part]), spec(color, 1.8))


def _crosshair(x: Floats, y: Floats) -> None:
    """Lines through a point; where there is a hole an upright one alone."""
    implot.plot_inf_lines("##x", x, spec(GREY, 1.0))
    if np.isfinite(y).all():
        look = spec(GREY, 1.0)
        look.flags = implot.InfLinesFlags_.horizontal
        implot.plot_inf_lines("##y", plain(y), look)


def _pinned(state: ViewState, scene: Scene, first: int) -> list[Command]:
    """Each kept slice by name, with its colour; buttons to keep the present one and to save all."""
    own, colors = state.slice, inks_of(scene, state)
    kept = list(own.pinned)
    for index, item in enumerate(scene.items if len(scene.surfaces) > 1 else []):
        if not item.is_figure:
            color_square(colors[ink_number(scene, index, 0)])
            imgui.align_text_to_frame_padding()
            imgui.text_disabled(item.title)
    side = imgui.get_frame_height()
    for which, cut in enumerate(own.pinned):
        imgui.push_id(which)
        color_square(colors[ink_number(scene, first, 1 + which)])
        imgui.set_next_item_width(-side - imgui.get_style().item_spacing.x)
        changed, name = imgui.input_text("##name", one_line(cut.name))
        if changed:
            kept[which] = replace(cut, name=name[:LONGEST_NAME])
        imgui.same_line()
        if imgui.button("×", imgui.ImVec2(side, 0)):
            kept.remove(kept[which])
        imgui.pop_id()
    width = (imgui.get_content_region_avail().x - imgui.get_style().item_spacing.x) / 2
    imgui.begin_disabled(len(kept) >= MOST_PINNED)
    if imgui.button("Keep this one", imgui.ImVec2(width, 0)):
        kept.append(present(scene, state, first))
    imgui.end_disabled()
    if kept != list(own.pinned):
        own.pinned = tuple(kept)
    imgui.same_line()
    saved = imgui.button("Save as CSV", imgui.ImVec2(width, 0))
    return [SaveProfile()] if saved else []
