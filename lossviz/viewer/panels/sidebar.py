"""All sections in one column at the right, and a line for messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from imgui_bundle import imgui

from lossviz.viewer import keys
from lossviz.viewer.commands import BINDINGS, Binding, Command, Toggle
from lossviz.viewer.layout import SIDEBAR, sidebar_room
from lossviz.viewer.live import Underway
from lossviz.viewer.panels import (
    camera,
    colors,
    compare,
    critical,
    curves,
    help_card,
    information,
    isolines,
    labels,
    live,
    picture,
    spectrum,
    surface,
    tip,
    trajectories,
)
from lossviz.viewer.panels import recent as recent_files
from lossviz.viewer.panels import slice as slice_panel
from lossviz.viewer.panels.widgets import section
from lossviz.viewer.scene import Scene
from lossviz.viewer.scrolling import USUAL, Scrolls
from lossviz.viewer.state import ViewState

Cover = Callable[[float, float, float], list[Command]]
Draw = Callable[[ViewState, Scene], list[Command]]


def _has_surface(scene: Scene) -> bool:
    return bool(scene.surfaces)


# What each section is called, whether it is open at first, and whether it has anything to say.
_SECTIONS: dict[str, tuple[Draw, bool, Callable[[Scene], bool]]] = {
    "Surface": (surface.draw, True, _has_surface),
    "Compare": (compare.draw, True, compare.is_needed),
    "Paths and marks": (trajectories.draw, True, trajectories.is_needed),
    "Critical points": (critical.draw, True, critical.is_needed),
    "Curves": (curves.draw, True, curves.is_needed),
    "Spectral density": (spectrum.draw, True, spectrum.is_needed),
    "Slice": (slice_panel.draw, True, _has_surface),
    "Labels": (labels.draw, True, _has_surface),
    "Isolines": (isolines.draw, True, _has_surface),
    "Colours and light": (colors.draw, False, _has_surface),
    "Camera": (camera.draw, False, _has_surface),
    "Picture": (picture.draw, False, lambda scene: True),
    "Information": (information.draw, False, lambda scene: True),
}
_RECENT = "Recent files"
_FOOT = (("panels.help", "keys and mouse"), ("panels.visible", "hide this"))
_FIXED = (
    imgui.WindowFlags_.no_title_bar | imgui.WindowFlags_.no_resize | imgui.WindowFlags_.no_move
    | imgui.WindowFlags_.no_collapse | imgui.WindowFlags_.no_saved_settings
)  # fmt: skip


def draw(
    state: ViewState, scene: Scene, width: float, height: float, scale: float, message: str = "",
    pointed: Sequence[tuple[str, str]] = (), *, bindings: Sequence[Binding] = BINDINGS,
    recent: Sequence[tuple[str, ...]] = (), offer: bool = False,
    reading: Sequence[tuple[str, str]] = (), underway: Sequence[Underway] = (),
    scrolls: Scrolls = USUAL, cover: Cover | None = None,
) -> list[Command]:  # fmt: skip
    """Draw the sidebar, the help card, a message and what is ``pointed`` at, in names and values,
    with a ``reading`` of the place there, in a window of ``width`` x ``height``. ``offer`` puts the
    ``recent`` files first, computations that are ``underway`` come before all. A ``cover`` is drawn
    in the place of the sidebar."""
    asked: list[Command] = []
    sidebar = 0.0 if cover else sidebar_room(state, width, scale)
    if cover:
        asked += cover(width, height, scale)
    if sidebar:
        imgui.set_next_window_pos(imgui.ImVec2(width - sidebar, 0))
        imgui.set_next_window_size(imgui.ImVec2(sidebar, height))
        imgui.push_style_var(imgui.StyleVar_.window_rounding, 0.0)
        # A click on it leaves the help card in front.
        behind = imgui.WindowFlags_.no_bring_to_front_on_focus
        imgui.begin("##sidebar", None, _FIXED | behind)
        imgui.pop_style_var()
        asked += live.draw(underway)
        if recent and offer and _unfolded(state, _RECENT, opened=True):
            asked += recent_files.draw(recent)
        for name, (section_draw, opened, needed) in _SECTIONS.items():
            if needed(scene) and _unfolded(state, name, opened=opened):
                asked += section_draw(state, scene)
        if recent and not offer and _unfolded(state, _RECENT, opened=False):
            asked += recent_files.draw(recent)
        imgui.spacing()
        imgui.text_disabled("     ".join(
            f"{key}  {says}" for place, says in _FOOT if (key := keys.of(bindings, Toggle(place)))
        ))  # fmt: skip
        imgui.end()
    if state.panels.help:
        help_card.draw(state, width - sidebar, width, height, scale, bindings, scrolls)
    if underway and not sidebar and not cover:
        asked += _aside(underway, width, scale)
    if message:
        _message(message, width - sidebar, height, scale)
    if reading and state.panels.reading:
        tip.draw_reading(reading, scale)
    if pointed:
        tip.draw(pointed)
    return asked


def _unfolded(state: ViewState, name: str, *, opened: bool) -> bool:
    """A section's header; whether it is unfolded. The state holds those that were turned."""
    own = state.panels
    before = opened != (name in own.turned)
    after = section(name, opened=before)
    if after != before:
        others = tuple(other for other in own.turned if other != name)
        own.turned = others if after == opened else (*others, name)
    return after


def _aside(underway: Sequence[Underway], width: float, scale: float) -> list[Command]:
    """Computations where there is no sidebar: in the upper right corner."""
    imgui.set_next_window_pos(
        imgui.ImVec2(width - 14 * scale, 14 * scale), imgui.Cond_.always, imgui.ImVec2(1.0, 0.0)
    )
    imgui.set_next_window_size(imgui.ImVec2(min(SIDEBAR * scale, width - 28 * scale), 0.0))
    imgui.begin("##underway", None, _FIXED)
    asked = live.draw(underway)
    imgui.end()
    return asked


def _message(text: str, width: float, height: float, scale: float) -> None:
    where = imgui.ImVec2(14 * scale, height - 14 * scale)
    imgui.set_next_window_pos(where, imgui.Cond_.always, imgui.ImVec2(0.0, 1.0))
    imgui.set_next_window_size_constraints(
        imgui.ImVec2(0, 0), imgui.ImVec2(max(width - 28 * scale, 80 * scale), height)
    )
    flags = (
        _FIXED | imgui.WindowFlags_.always_auto_resize | imgui.WindowFlags_.no_inputs
        | imgui.WindowFlags_.no_focus_on_appearing
    )  # fmt: skip
    imgui.begin("##message", None, flags)
    imgui.push_text_wrap_pos(max(width - 60 * scale, 60 * scale))
    imgui.text_unformatted(text)
    imgui.pop_text_wrap_pos()
    imgui.end()
