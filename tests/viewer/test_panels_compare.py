"""The section that compares landscapes, drawn off-screen and used with a pointer."""

from dataclasses import replace

import pytest

from lossviz.viewer import commands
from lossviz.viewer.arrangement import follow
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

from .scenes import between, bumpy
from .test_panels import HEIGHT, WIDTH, frames, gui, pixels

__all__ = ["gui"]


@pytest.fixture
def scene():
    return Scene([bumpy(9, name="one"), bumpy(9, seed=1, name="two"), bumpy(9, seed=2)])


def alone(gui, state, scene, pointer, count=2):
    """The section alone: in the sidebar it is below another one."""
    from lossviz.viewer.gui import imgui
    from lossviz.viewer.panels import compare

    asked = []
    for _ in range(count):
        gui.pointer(*pointer)
        gui.target.use()
        gui.target.clear(1.0, 1.0, 1.0, 1.0)
        gui.begin(WIDTH, HEIGHT, 1.0, 0.05, state.picture.theme)
        imgui.set_next_window_pos(imgui.ImVec2(0, 0))
        imgui.set_next_window_size(imgui.ImVec2(320, 300))
        imgui.begin("##compare alone", None, imgui.WindowFlags_.no_decoration)
        asked += compare.draw(state, scene)
        imgui.end()
        gui.end(gui.target)
    return asked


def press(gui, state, scene, x, y):
    asked = []
    for down in (None, True, False):
        if down is not None:
            gui.button(0, down)
        asked += alone(gui, state, scene, (x, y))
    return asked


def found(gui, state, scene, x, is_there, start=10, end=260):
    """Press from top to bottom until it is there."""
    for y in range(start, end, 8):
        asked = press(gui, state, scene, x, y)
        if is_there(asked):
            return y
        press(gui, state, scene, 310, 295)  # what folds out folds in again
    raise AssertionError(f"nothing at x = {x}")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_section_looks_as_blessed(gui, scene, theme, image_match):
    state = ViewState()
    state.picture.theme = theme
    if theme == "dark":
        state.compare.arrangement, state.compare.differences = "swipe", ((0, 1),)
        follow(scene, state)
    before = state.to_json()
    assert alone(gui, state, scene, (600, 600), 4) == []
    assert state.to_json() == before  # drawing changes nothing
    image_match(f"sidebar_compare_{theme}", pixels(gui)[:300, :320])


def test_it_is_there_for_several_landscapes_only(gui):
    from lossviz.viewer.panels import compare

    assert not compare.is_needed(Scene([bumpy(9)]))
    for landscapes in ([bumpy(9), between()], [between(), between()]):
        assert compare.is_needed(Scene(landscapes))
        assert frames(gui, ViewState(), Scene(landscapes)) == []


def test_its_buttons_ask(gui, scene):
    state = ViewState()
    linked = [commands.LinkCameras()]
    y = found(gui, state, scene, 20, lambda asked: asked == linked, start=100)
    press(gui, state, scene, 180, y)
    assert not state.surface.shared_scale
    found(gui, state, scene, 150, lambda asked: asked == [commands.AddDifference()], start=y + 12)
    state.compare.differences = ((0, 1),)
    found(gui, state, scene, 240, lambda asked: not state.compare.differences, start=y + 12)


def test_the_divider_and_the_films_opacity_are_slid(gui, scene):
    state = ViewState()
    for arrangement, name in (("swipe", "divider"), ("overlay", "veil")):
        state.compare.arrangement = arrangement
        before = state.compare
        state.compare = replace(before)
        found(gui, state, scene, 280, lambda asked, b=before: state.compare != b, start=100)
        assert 0.6 < getattr(state.compare, name) < 1


def test_lists_choose_how_and_who_is_compared(gui, scene):
    state = ViewState()
    assert chosen(gui, state, scene, 22, lambda: state.compare.arrangement) == {"overlay", "swipe"}
    state.compare.arrangement = "grid"
    # Whoever is chosen for both sides: they change places.
    pairs = chosen(gui, state, scene, 52, lambda: (state.compare.first, state.compare.second))
    assert (1, 0) in pairs and all(first != second for first, second in pairs)


def chosen(gui, state, scene, top, what):
    """What each entry of a list gives that another one than now is chosen from."""
    before, given = what(), set()
    for down in range(16, 90, 8):
        press(gui, state, scene, 200, top)
        press(gui, state, scene, 200, top + down)
        given.add(what())
        press(gui, state, scene, 310, 295)  # what is folded out still
    return given - {before}


def test_the_camera_section_names_whose_it_is(gui, scene):
    from lossviz.viewer.gui import imgui
    from lossviz.viewer.panels import camera

    state = ViewState()
    state.compare.linked, state.compare.handled = False, 99  # of a view of other files
    for handled in (99, 0):
        state.compare.handled = handled
        gui.begin(WIDTH, HEIGHT, 1.0, 0.05, "light")
        imgui.begin("##camera alone")
        assert camera.draw(state, scene) == []
        imgui.end()
        gui.end(gui.target)
