"""The camera."""

from __future__ import annotations

from imgui_bundle import imgui

from lossviz.viewer.commands import Command, Fit, Look
from lossviz.viewer.panels.widgets import checks, slider
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

_BUTTONS: dict[str, Command] = {
    "Fit": Fit(),
    "Front": Look(-90, 0),
    "Right": Look(0, 0),
    "Above": Look(-90, 90, orthographic=True),
}


def draw(state: ViewState, scene: Scene) -> list[Command]:
    """Edit ``state.camera``; asks to fit or to look from somewhere."""
    own = state.camera
    if len(scene.items) > 1 and not state.compare.linked:
        last = len(scene.items) - 1
        imgui.text_disabled(f"of {scene.items[min(state.compare.handled, last)].title}")
    asked: list[Command] = []
    width = (imgui.get_content_region_avail().x - 3 * imgui.get_style().item_spacing.x) / 4
    for index, (name, command) in enumerate(_BUTTONS.items()):
        if index:
            imgui.same_line()
        if imgui.button(name, imgui.ImVec2(width, 0)):
            asked.append(command)
    own.azimuth = slider("Azimuth", own.azimuth, -180.0, 180.0, "%.0f°")
    own.elevation = slider("Elevation", own.elevation, -90.0, 90.0, "%.0f°")
    own.fov = slider("Field of view", own.fov, 5.0, 90.0, "%.0f°")
    (own.orthographic,) = checks(("Orthographic", own.orthographic))
    return asked
