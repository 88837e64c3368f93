"""The help card in windows of all sizes."""

import numpy as np
import pytest

from lossviz.viewer.commands import BINDINGS, MOUSE
from lossviz.viewer.panels import help_card, sidebar
from lossviz.viewer.picture import unbind
from lossviz.viewer.scene import Scene
from lossviz.viewer.scrolling import USUAL
from lossviz.viewer.state import ViewState

from .scenes import bumpy
from .test_panels import gui

__all__ = ["gui"]


def shown(gui, width, height, scale=1.0):
    """``(h, w, 3)`` of a window with the card, and the card's rectangle and how far it scrolls."""
    from imgui_bundle import imgui

    texture = gui.ctx.texture((width, height), 4)
    target, state = gui.ctx.framebuffer([texture]), ViewState()
    state.panels.help = True
    gui.rescale(scale)
    for _ in range(3):
        target.use()
        target.clear(0.8, 0.8, 0.8, 1.0)
        gui.begin(width, height, 1.0, 0.05, "light")
        sidebar.draw(state, Scene([bumpy(11)]), width, height, scale)
        gui.end(target)
    window = imgui.internal.find_window_by_name("Keys and mouse")
    card = (window.pos.x, window.pos.y, window.size.x, window.size.y)
    data = np.frombuffer(target.read(components=3, alignment=1), np.uint8)
    unbind(gui.ctx)
    target.release()
    texture.release()
    return data.reshape(height, width, 3)[::-1], card, window.scroll_max.y


def test_the_card_looks_as_blessed(gui, image_match):
    picture, _, scrolled = shown(gui, 1280, 760)
    assert scrolled == 0  # all of it is there in a window of the usual size
    image_match("help_wide", picture)


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0])
@pytest.mark.parametrize(
    "width, height", [(1280, 760), (1280, 560), (700, 700), (500, 400), (300, 200)]
)
def test_the_card_is_within_the_window_and_whole_where_it_can_be(gui, width, height, scale):
    size = round(width * scale), round(height * scale)
    _, (x, y, across, down), scrolled = shown(gui, *size, scale)
    assert x >= -1 and y >= -1
    assert x + across <= size[0] + 1 and y + down <= size[1] + 1
    assert (scrolled == 0) == (width == 1280)


def test_every_binding_and_gesture_has_its_row(gui):
    gui.begin(700, 700, 1.0, 0.05, "light")
    try:
        mouse = [*MOUSE, *USUAL.rows()]
        for free, width, height in ((4000, 4000, 4000), (900, 1280, 760), (1200, 1200, 500)):
            columns, _ = help_card._arranged(mouse, BINDINGS, free, width, height, 1.0)
            rows = [row for column in columns for block in column for row in block]
            assert [says for _, says in rows] == [
                *(says for _, says in mouse), *(binding.says for binding in BINDINGS),
            ]  # fmt: skip
            assert all(key for key, _ in rows)
    finally:
        gui.end(gui.target)
