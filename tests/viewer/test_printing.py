"""Sizes in print, in the panel and on the command line."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from lossviz.viewer.commands import Screenshot
from lossviz.viewer.printing import Printed, printed, set_printed
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import PictureState, ViewState

from .scenes import between, bumpy
from .test_color_panels import FIRST, ROW, Hand
from .test_panels import gui

__all__ = ["gui"]
SIZE_IN = FIRST + 5 * ROW  # the row of the unit


@given(some.floats(1, 40), some.floats(1, 40), some.floats(72, 500), some.floats(3, 40))
def test_what_is_printed_is_what_was_asked_for(width, height, dpi, text):
    own = PictureState()
    set_printed(own, Printed(width, height, dpi, text))
    found = printed(own)
    pixel = 2.54 / dpi
    assert found.dpi == dpi and found.text == pytest.approx(text)
    for side, asked, pixels in (
        (found.width, width, own.width),
        (found.height, height, own.height),
    ):
        assert 16 <= pixels <= 8192 and isinstance(pixels, int)
        if 16 < pixels < 8192:
            assert side == pytest.approx(asked, abs=pixel)
    # Numbers are ten points of the picture high, a point is 1/72 inch.
    assert own.scale * 10 / dpi * 72 == pytest.approx(text)


def test_a_picture_in_pixels_has_no_size_in_print():
    assert printed(PictureState()) is None


@pytest.fixture
def section(gui):
    from lossviz.viewer.panels import picture

    hand = Hand(gui, picture.draw, ViewState())
    hand.asked = []

    def draw(state, scene):
        hand.asked += picture.draw(state, scene)
        return []

    hand.section = draw
    return hand


def test_the_panel_changes_pixels_for_centimetres_and_back(section):
    own = section.state.picture
    section.choose(SIZE_IN, lambda: own.dpi)
    assert (own.dpi, own.width, own.height) == (300, 2560, 1440)
    assert printed(own).text == pytest.approx(8.0)
    section.press(220, SIZE_IN + ROW)  # the width's slider, near its middle
    assert 18 < printed(own).width < 26 and own.height == 1440
    width = own.width
    section.press(290, SIZE_IN + 3 * ROW)  # pixels an inch: as large in print, more pixels
    assert own.dpi > 450 and own.width > 1.4 * width and printed(own).text == pytest.approx(8.0)
    section.press(290, SIZE_IN + 4 * ROW)  # numbers
    assert printed(own).text > 16
    section.choose(SIZE_IN, lambda: own.dpi)
    assert own.dpi == own.scale == 0 and printed(own) is None


def test_each_can_be_saved_where_there_are_several(section):
    section.scene = Scene([bumpy(5), bumpy(5, seed=1)])
    for y in range(SIZE_IN, SIZE_IN + 10 * ROW, ROW // 2):
        section.press(240, y)
    assert Screenshot(each=True) in section.asked


def test_each_landscape_is_saved_alone_in_one_view(ctx, tmp_path, monkeypatch):
    from types import SimpleNamespace

    from lossviz.viewer import screenshot
    from lossviz.viewer.picture import Picture
    from lossviz.viewer.saving import screenshot_each
    from lossviz.viewer.screenshot import take
    from lossviz.viewer.views import load_view

    monkeypatch.chdir(tmp_path)
    state = ViewState()
    state.picture.width, state.picture.height, state.picture.supersample = 96, 64, 1
    state.compare.arrangement = "overlay"
    state.labels.places = (0, 0.1, 0.2), (1, 0.3, 0.4), (2, 0.5, 0.6)
    state.critical.starts, state.critical.basins = ((1, 0.5, -0.5),), True
    told, drawn = [], []

    def known(*given, **size):
        (item,) = given[1].items
        drawn.append((list(item.dropped.items()), list(item.basins.values())))
        return take(*given, **size)

    monkeypatch.setattr(screenshot, "take", known)
    picture = Picture(ctx)
    landscapes = [bumpy(9, name="one"), bumpy(9, seed=1, name="two"), between()]
    app = SimpleNamespace(
        scene=Scene(landscapes), state=state, picture=picture, tell=told.append, redraw=lambda: None
    )
    before = state.to_json()
    screenshot_each(app)
    picture.release()
    assert state.to_json() == before and "3 pictures" in told[0]
    curve, one, two = (
        load_view(p) for p in sorted(tmp_path.glob("*.png"), key=lambda p: p.name[8:])
    )
    assert one.camera == two.camera and one.compare.arrangement == "grid"
    assert one.surface.height_range == two.surface.height_range is not None
    assert curve.picture.width == 96
    # Each is number 0 of its picture, with what is its own and what was computed for it.
    assert [view.labels.places for view in (one, two)] == [((0, 0.1, 0.2),), ((0, 0.3, 0.4),)]
    assert [view.critical.starts for view in (one, two)] == [(), ((0, 0.5, -0.5),)]
    (balls, basins), (others, their_basins), (_, none) = drawn
    assert balls == [] and [start for start, line in others if line] == [(0.5, -0.5)]
    assert basins and their_basins and all([*basins, *their_basins]) and none == []
