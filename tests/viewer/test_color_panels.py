"""The section "Colours and light", and the preview in "Picture", used with a pointer."""

import pytest

from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

from .scenes import bumpy
from .test_panels import HEIGHT, gui, pixels

__all__ = ["gui"]
ROOM = 320
FIRST, ROW = 23, 28  # the middle of the first row, and from one row to the next


class Hand:
    """A section alone in a window of the sidebar's width, and a pointer over it."""

    def __init__(self, gui, draw, state):
        self.gui, self.section, self.state, self.scene = gui, draw, state, Scene([bumpy()])
        self.draw(3)

    def draw(self, count=1):
        from lossviz.viewer.gui import imgui

        for _ in range(count):
            self.gui.target.use()
            self.gui.target.clear(1.0, 1.0, 1.0, 1.0)
            self.gui.begin(ROOM, HEIGHT, 1.0, 0.05, self.state.picture.theme)
            imgui.set_next_window_pos(imgui.ImVec2(0, 0))
            imgui.set_next_window_size(imgui.ImVec2(ROOM, HEIGHT))
            imgui.begin("##alone", None, imgui.WindowFlags_.no_decoration)
            assert self.section(self.state, self.scene) == []
            imgui.end()
            self.gui.end(self.gui.target)

    def press(self, x, y):
        for down in (None, True, False):
            self.gui.pointer(x, y)
            if down is not None:
                self.gui.button(0, down)
            self.draw(2)

    def choose(self, y, get):
        """Open the list in the row at ``y`` and take an entry that changes what ``get`` gives."""
        before = get()
        for entry in range(y + 34, y + 130, 10):
            self.press(220, y)
            self.press(200, entry)
            if get() != before:
                return
        raise AssertionError("no entry of the list answered")


@pytest.fixture
def colors(gui):
    from lossviz.viewer.panels import colors

    return Hand(gui, colors.draw, ViewState())


def test_the_percentiles_are_switched_moved_and_switched_off(colors):
    own = colors.state.surface
    colors.press(24, FIRST)
    assert own.color_percentiles == (2.0, 98.0) and own.color_range is None
    colors.press(200, FIRST + ROW)
    low, high = own.color_percentiles
    assert 30 < low < 50 and high == 98.0
    colors.press(136, FIRST + 2 * ROW)
    assert own.color_percentiles[0] == low < own.color_percentiles[1] < low + 20
    colors.press(24, FIRST)
    assert own.color_percentiles is None


def test_percentiles_take_the_place_of_a_range_by_hand(colors):
    own = colors.state.surface
    own.color_range, own.color_percentiles = (1.0, 2.0), (5.0, 90.0)
    before = colors.state.to_json()
    colors.draw(4)
    assert colors.state.to_json() == before  # the one by hand counts until it is asked for
    colors.press(24, FIRST)
    assert own.color_range is None and own.color_percentiles == (5.0, 90.0)


def test_steps_shadow_and_edge_line(colors):
    own = colors.state.surface
    shadow = FIRST + 2 * ROW + 7  # under a line
    colors.press(220, shadow)
    assert 0.4 < own.shadow < 0.7
    colors.press(24, shadow + ROW)
    assert not own.rim
    colors.choose(FIRST + ROW, lambda: own.bands)
    own.bands = "steps"
    colors.draw(2)
    colors.press(280, FIRST + 2 * ROW)
    assert 20 < own.band_steps <= 30


def test_the_preview_is_chosen_in_the_picture_section(gui):
    from lossviz.viewer.panels import picture

    hand = Hand(gui, picture.draw, ViewState())
    hand.choose(FIRST + ROW, lambda: hand.state.picture.vision)
    assert hand.state.picture.theme == "light"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_section_looks_as_blessed(gui, theme, image_match):
    from lossviz.viewer.panels import colors

    state = ViewState()
    state.picture.theme, state.surface.bands = theme, "steps"
    state.surface.color_percentiles, state.surface.shadow = (2.0, 98.0), 0.6
    state.surface.rim = theme == "dark"
    Hand(gui, colors.draw, state)
    image_match(f"colors_section_{theme}", pixels(gui)[:260, :ROOM])
