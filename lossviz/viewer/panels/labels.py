"""Labels: places that were clicked on."""

from __future__ import annotations

import math

from imgui_bundle import imgui

from lossviz.viewer.commands import Command, CopyPlace
from lossviz.viewer.panels.widgets import checks
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from lossviz.viewer.ticks import number

COPY = 5.0  # letters: the room of a button


def draw(state: ViewState, scene: Scene) -> list[Command]:
    """Edit ``state.labels``; asks for commands to be copied."""
    own = state.labels
    asked: list[Command] = []
    (state.panels.reading,) = checks(("Read at the pointer", state.panels.reading))
    if not own.places:
        imgui.text_disabled("A click on the surface labels it.")
        return []
    (own.shown,) = checks(("Shown", own.shown))
    for place, (index, alpha, beta) in enumerate(own.places):
        away = [
            f"{number(math.dist((alpha, beta), (a, b)))} to {other + 1}"
            for other, (its, a, b) in enumerate(own.places[:place])
            if its == index
        ]
        imgui.align_text_to_frame_padding()
        imgui.text(f"{place + 1}   α {number(alpha)}   β {number(beta)}")
        imgui.same_line(imgui.get_window_width() - COPY * imgui.get_font_size())
        if imgui.button(f"Copy##{place}", imgui.ImVec2(-1, 0)):
            asked.append(CopyPlace(place))
        imgui.set_item_tooltip("The command that writes the weights there")
        if away:
            imgui.push_text_wrap_pos(0.0)
            imgui.text_disabled("distance  " + ",  ".join(away[-6:]))
            imgui.pop_text_wrap_pos()
    if imgui.button("Remove all labels", imgui.ImVec2(-1, 0)):
        own.places = ()
    return asked
