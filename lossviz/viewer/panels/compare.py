"""Several landscapes in one picture."""

from __future__ import annotations

from imgui_bundle import imgui

from lossviz.viewer.arrangement import compared
from lossviz.viewer.commands import AddDifference, Command, LinkCameras
from lossviz.viewer.panels.widgets import checks, choice, pick, slider
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ARRANGEMENTS, ViewState

_NAMES = {"grid": ("First", "Second"), "overlay": ("Solid", "Second"), "swipe": ("Left", "Right")}


def is_needed(scene: Scene) -> bool:
    """Whether there is anything to compare."""
    return len(scene.files) > 1


def draw(state: ViewState, scene: Scene) -> list[Command]:
    """Edit ``state.compare`` and whether the scales are shared; asks to link cameras, and for a
    difference."""
    own = state.compare
    asked: list[Command] = []
    own.arrangement = choice("Arrangement", own.arrangement, ARRANGEMENTS)
    _pair(state, scene)
    if own.arrangement == "swipe":
        own.divider = slider("Divider", own.divider, 0.0, 1.0)
    if own.arrangement == "overlay":
        own.veil = slider("Mesh opacity", own.veil, 0.0, 1.0)
    boxes = [("Linked cameras", own.linked)]
    if own.arrangement == "grid":  # in one frame of axes there is one scale
        boxes.append(("One scale for all", state.surface.shared_scale))
    linked, *shared = checks(*boxes)
    if linked != own.linked:
        asked.append(LinkCameras())
    if shared:
        (state.surface.shared_scale,) = shared
    return asked + _differences(state)


def _pair(state: ViewState, scene: Scene) -> None:
    """Which two are compared; to choose the other one for one side exchanges them."""
    own = state.compare
    items = list(enumerate(scene.items if own.arrangement == "swipe" else scene.files))
    among = [k for k, item in items if not item.is_figure]
    pair = compared(state, among)
    if pair is None:
        return
    names = [f"{k + 1}   {scene.items[k].title}" for k in among]
    first, second = (
        among[pick(name, among.index(now), names)]
        for name, now in zip(_NAMES[own.arrangement], pair, strict=True)
    )
    if (first, second) != pair:
        own.first, own.second = pair[::-1] if first == second else (first, second)


def _differences(state: ViewState) -> list[Command]:
    own = state.compare
    wide = imgui.get_content_region_avail().x
    if own.differences:
        wide = (wide - imgui.get_style().item_spacing.x) / 2
    asked: list[Command] = []
    if imgui.button("Add difference", imgui.ImVec2(wide, 0)):
        asked.append(AddDifference())
    if own.differences:
        imgui.same_line()
        if imgui.button("Remove differences", imgui.ImVec2(wide, 0)):
            own.differences = ()
    return asked
