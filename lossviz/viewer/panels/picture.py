"""Pictures: what frames them, and how they are saved."""

from __future__ import annotations

from imgui_bundle import imgui

from lossviz.viewer.commands import Command, CopyView, PasteView, ResetView, Screenshot
from lossviz.viewer.panels.widgets import checks, choice, slider, whole
from lossviz.viewer.printing import DPI, TEXT_SIZE, Printed, printed, scale_of, set_printed
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import LARGEST_PICTURE, THEMES, VISIONS, PictureState, ViewState

UNITS = ("pixels", "centimetres")
SIDES = (3.0, 40.0)  # centimetres


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
    _size(own)
    own.supersample = int(choice("Supersample", str(own.supersample), ("1", "2", "3", "4")))
    (own.panels,) = checks(("The window as it is", own.panels))
    asked: list[Command] = []
    several = len(scene.files) > 1
    width = (imgui.get_content_region_avail().x - imgui.get_style().item_spacing.x) / 2
    if imgui.button("Save picture", imgui.ImVec2(width if several else -1, 0)):
        asked.append(Screenshot())
    if several:
        imgui.same_line()
        if imgui.button("Save each", imgui.ImVec2(width, 0)):
            asked.append(Screenshot(each=True))
        imgui.set_item_tooltip("Each landscape alone, all in the same view and on one scale.")
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


def _size(own: PictureState) -> None:
    """In pixels, or in centimetres with numbers in points."""
    unit = UNITS[1] if own.dpi else UNITS[0]
    chosen = choice("Size in", unit, UNITS)
    if chosen != unit:
        own.dpi, own.scale = (DPI, scale_of(DPI, TEXT_SIZE)) if own.dpi == 0 else (0.0, 0.0)
    now = printed(own)
    if now is None:
        own.width = whole("Width", own.width, 320, LARGEST_PICTURE)
        own.height = whole("Height", own.height, 240, LARGEST_PICTURE)
        shown = "auto" if not own.scale else "%.2f px"
        own.scale = slider("Text and lines", own.scale, 0.0, 12.0, shown)
        return
    found = Printed(
        slider("Width", now.width, *SIDES, "%.1f cm"),
        slider("Height", now.height, *SIDES, "%.1f cm"),
        slider("Pixels an inch", now.dpi, 72.0, 600.0, "%.0f"),
        slider("Numbers", now.text, 4.0, 24.0, "%.1f pt"),
    )
    if found != now:
        set_printed(own, found)
    imgui.text_disabled(f"{own.width} x {own.height} pixels")
