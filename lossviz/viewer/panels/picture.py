"""Pictures: what frames them, and how they are saved."""

from __future__ import annotations

from imgui_bundle import imgui

from lossviz.viewer.commands import Command, CopyView, PasteView, ResetView, Screenshot
from lossviz.viewer.panels.widgets import checks, choice, slider, whole
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import THEMES, VISIONS, ViewState


def draw(state: ViewState, scene: Scene) -> list[Command]:
    """Edit ``state.picture`` and ``state.axes``; asks to save, copy, paste or reset."""
    own, frame = state.picture, state.axes
    own.theme = choice("Theme", own.theme, THEMES)
    own.vision = choice("Seen as", own.vision, VISIONS)
    if own.vision != "full":
        imgui.text_disabled("Saved pictures stay in full colour.")
    frame.axes, frame.color_bar, frame.title, frame.legend, own.transparent = checks(
        ("Axes", frame.axes), ("Colour bar", frame.color_bar), ("Title", frame.title),
        ("Legend", frame.legend), ("Transparent", own.transparent),
    )  # fmt: skip
    own.width = whole("Width", own.width, 320, 8192)
    own.height = whole("Height", own.height, 240, 8192)
    own.scale = slider("Text scale", own.scale, 0.0, 12.0, "auto" if not own.scale else "%.2f px")
    own.supersample = int(choice("Supersample", str(own.supersample), ("1", "2", "3", "4")))
    (own.panels,) = checks(("The window as it is", own.panels))
    asked: list[Command] = []
    if imgui.button("Save picture", imgui.ImVec2(-1, 0)):
        asked.append(Screenshot())
    width = (imgui.get_content_region_avail().x - 2 * imgui.get_style().item_spacing.x) / 3
    buttons: dict[str, Command] = {
        "Copy view": CopyView(),
        "Paste view": PasteView(),
        "Reset": ResetView(),
    }
    for index, (name, command) in enumerate(buttons.items()):
        if index:
            imgui.same_line()
        if imgui.button(name, imgui.ImVec2(width, 0)):
            asked.append(command)
    return asked
