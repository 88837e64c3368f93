"""The buttons of the section "Picture"."""

from lossviz.viewer.commands import CopyView, PasteView, ResetView, Screenshot
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

from .scenes import bumpy
from .test_panels import HEIGHT, WIDTH, click, frames, gui

__all__ = ["gui"]


def test_its_buttons_ask_for_what_they_say(gui):
    asked = set()
    for x in (WIDTH - 280, WIDTH - 160, WIDTH - 60):
        for y in range(300, HEIGHT, 14):
            state, scene = ViewState(), Scene([bumpy(11)])
            state.panels.turned = (
                "Surface", "Critical points", "Slice", "Labels", "Isolines", "Picture",
            )  # fmt: skip
            frames(gui, state, scene, 1)
            asked |= {type(one) for one in click(gui, state, scene, x, y)}
    assert asked == {Screenshot, CopyView, PasteView, ResetView}
