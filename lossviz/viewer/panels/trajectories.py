"""Paths over the surface, each with a check box, and marks."""

from __future__ import annotations

from imgui_bundle import imgui

from lossviz.viewer.colormaps import names
from lossviz.viewer.commands import Command
from lossviz.viewer.items import Item
from lossviz.viewer.laying import every
from lossviz.viewer.panels import playing
from lossviz.viewer.panels.widgets import checks, choice, color_square, slider
from lossviz.viewer.paths import all_paths, coloring, ink, runs
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import PATH_COLORS, ViewState
from lossviz.viewer.text import one_line

MOST_LINES = 8  # of the list that are seen at once


def is_needed(scene: Scene) -> bool:
    """Whether there is any path or mark."""
    return any(item.landscape.marks or all_paths(item) for item in scene.items)


def draw(state: ViewState, scene: Scene) -> list[Command]:
    """Edit ``state.trajectories`` and ``state.marks``; asks for nothing."""
    own, marks = state.trajectories, state.marks
    if any(all_paths(item) for item in scene.items):
        own.shown, own.floor = checks(("Paths", own.shown), ("On the floor", own.floor))
        own.tubes, own.true_loss = checks(("Tubes", own.tubes), ("Own losses", own.true_loss))
        imgui.set_item_tooltip("The same at each step's own loss, with lines down to the surface")
        own.color = choice("Colour by", own.color, PATH_COLORS)
        if any(_has_ramp(item, state) for item in scene.items):
            own.colormap = choice("Path map", own.colormap, names())
        own.width = slider("Path width", own.width, 0.5, 8.0, "%.1f pt")
        _list(state, scene)
        _counts(state, scene)
        playing.draw(state, scene)
    if any(item.landscape.marks for item in scene.items):
        marks.shown, marks.names = checks(("Marks", marks.shown), ("Names", marks.names))
    return []


def _has_ramp(item: Item, state: ViewState) -> bool:
    return any(not path.is_curve for path in all_paths(item)) and coloring(item, state) != "run"


def _counts(state: ViewState, scene: Scene) -> None:
    """How much there is, and how much of it is drawn where that is not all."""
    for item in scene.items:
        shown = runs(item, state)
        if len(shown) < 2:
            continue
        steps = sum(len(path.points) for path in shown)
        part = every(item, state)
        imgui.text_disabled(f"{len(shown):,} runs, {steps:,} steps"
                            + f", 1 of {part:,} drawn" * (part > 1))  # fmt: skip


def _list(state: ViewState, scene: Scene) -> None:
    """Each path by name: shown or hidden."""
    own = state.trajectories
    known = {path.name: (item, path) for item in scene.items for path in all_paths(item)}
    hidden = set(own.hidden)
    if len(known) > 1:
        width = (imgui.get_content_region_avail().x - imgui.get_style().item_spacing.x) / 2
        if imgui.button("All paths", imgui.ImVec2(width, 0)):
            hidden.clear()
        imgui.same_line()
        if imgui.button("None", imgui.ImVec2(width, 0)):
            hidden.update(known)
    height = min(len(known), MOST_LINES) * imgui.get_frame_height_with_spacing()
    imgui.begin_child("paths", imgui.ImVec2(0, height))
    clipper = imgui.ListClipper()
    rows = list(known.items())
    clipper.begin(len(rows))
    while clipper.step():
        for row in range(clipper.display_start, clipper.display_end):
            name, (item, path) = rows[row]
            imgui.push_id(row)
            color_square(ink(item, path) if path.is_curve or not _has_ramp(item, state) else None)
            (on,) = checks((one_line(name), name not in hidden))
            (hidden.discard if on else hidden.add)(name)
            imgui.pop_id()
    imgui.end_child()
    found = tuple(sorted(hidden))
    if set(own.hidden) != hidden:
        own.hidden = found
