"""Commands that change the view, without a window."""

import pytest

from lossviz.viewer import commands as cmd
from lossviz.viewer.changes import change
from lossviz.viewer.colormaps import names
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

from .scenes import bumpy


@pytest.fixture
def view():
    return Scene([bumpy(5)]), ViewState()


def test_the_view_changes_as_the_command_says(view):
    scene, state = view
    state.camera.distance, state.camera.target = 3.0, (1.0, 0.0, 0.0)
    assert change(cmd.Fit(), scene, state)
    assert (state.camera.distance, state.camera.target) == (0.0, (0.0, 0.0, 0.0))
    assert change(cmd.Look(10.0, 90.0, True), scene, state) and state.camera.orthographic
    assert change(cmd.Look(20.0, 0.0), scene, state)
    assert (state.camera.azimuth, state.camera.elevation) == (20.0, 0.0)
    assert state.camera.orthographic  # looking from elsewhere does not take it away
    assert change(cmd.Toggle("isolines.floor"), scene, state) and not state.isolines.floor


def test_colour_maps_and_scales_go_round(view):
    scene, state = view
    first, seen = state.surface.colormap, []
    for _ in names():
        change(cmd.NextColormap(), scene, state)
        seen.append(state.surface.colormap)
    assert sorted(seen) == sorted(names()) and seen[-1] == first
    change(cmd.NextColormap(-1), scene, state)
    assert state.surface.colormap == seen[-2]
    found = []
    for _ in range(2):
        change(cmd.NextScale(), scene, state)
        found.append(state.surface.height_scale)
        assert state.surface.color_scale == state.isolines.spacing == found[-1]
    assert sorted(found) == ["linear", "log"]


def test_what_is_the_windows_is_left_to_it(view):
    scene, state = view
    before = state.to_json()
    for command in (cmd.Screenshot(), cmd.Close(), cmd.Undo(), cmd.PasteView()):
        assert not change(command, scene, state)
    assert state.to_json() == before
