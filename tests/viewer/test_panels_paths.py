"""Sections alone, used with a pointer: paths, what is played, labels, and what is read."""

from dataclasses import replace

import numpy as np
import pytest

from lossviz.landscape import Trajectory
from lossviz.viewer.commands import CopyPlace
from lossviz.viewer.pointing import at_pixel
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

from .scenes import bumpy, dimpled, fan, runs
from .test_panels import HEIGHT, WIDTH, gui, pixels

__all__ = ["gui"]


def alone(gui, state, scene, draw, pointer=(600, 600), down=None):
    """One section at the left; what it asks for."""
    from lossviz.viewer.gui import imgui

    gui.pointer(*pointer)
    if down is not None:
        gui.button(0, down)
    asked = []
    for _ in range(3):
        gui.target.use()
        gui.target.clear(1.0, 1.0, 1.0, 1.0)
        gui.begin(WIDTH, HEIGHT, 1.0, 0.05, state.picture.theme)
        imgui.set_next_window_pos(imgui.ImVec2(0, 0))
        imgui.set_next_window_size(imgui.ImVec2(320, HEIGHT))
        imgui.begin("##alone", None, imgui.WindowFlags_.no_decoration)
        asked += draw(state, scene) or []
        imgui.end()
        gui.end(gui.target)
    return asked


def click(gui, state, scene, draw, x, y):
    asked = []
    for down in (None, True, False):
        asked += alone(gui, state, scene, draw, (x, y), down)
    return asked


def test_labels_are_listed_with_their_distances_copied_and_removed(gui, image_match):
    from lossviz.viewer.panels import labels

    state, scene = ViewState(), Scene([bumpy(), bumpy(seed=1)])
    state.labels.places = ((0, 0.1, 0.2), (1, 0.5, 0.5), (0, 0.4, 0.6), (0, -0.5, 0.0))
    alone(gui, state, scene, labels.draw)
    image_match("labels_section", pixels(gui)[:300, :320])
    assert len(state.labels.places) == 4
    found = []
    for y in range(60, 300, 6):
        found += click(gui, state, scene, labels.draw, 290, y)
        if not state.labels.places:
            break
    assert state.labels.places == ()
    assert list(dict.fromkeys(found)) == [CopyPlace(place) for place in range(4)]


def test_reading_at_the_pointer_is_switched_off_with_its_box(gui):
    from lossviz.viewer.panels import labels

    state, scene = ViewState(), Scene([bumpy()])
    for y in range(8, 40, 6):
        click(gui, state, scene, labels.draw, 20, y)
        if not state.panels.reading:
            break
    assert not state.panels.reading


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_under_the_pointer_stands_in_the_corner(gui, theme, image_match):
    from lossviz.viewer.panels import sidebar

    state, scene = ViewState(), Scene([dimpled().with_changes(trajectories=runs(1))])
    state.picture.theme = theme
    told = at_pixel(scene, state, 380, 700, 1.0, 190, 300)
    assert told.read

    def drawn():
        for _ in range(3):
            gui.target.use()
            gui.target.clear(1.0, 1.0, 1.0, 1.0)
            gui.begin(WIDTH, HEIGHT, 1.0, 0.05, theme)
            sidebar.draw(state, scene, WIDTH, HEIGHT, 1.0, reading=told.read)
            gui.end(gui.target)
        return pixels(gui)

    image_match(f"reading_{theme}", drawn()[:240, :380])
    state.panels.reading = False
    assert (drawn()[:240, :370] == drawn()[0, 0]).all()


def test_tubes_are_switched_off_and_many_runs_are_counted(gui, image_match):
    from lossviz.viewer.panels import trajectories

    random = np.random.default_rng(0)
    many = [Trajectory(f"run {i}", "optimiser", random.uniform(-1, 1, (300, 2)), np.ones(300))
            for i in range(40)]  # fmt: skip
    state, scene = ViewState(), Scene([bumpy().with_changes(trajectories=many)])
    alone(gui, state, scene, trajectories.draw)
    image_match("paths_section_many", pixels(gui)[:440, :320])
    for y in range(8, 80, 6):
        click(gui, state, scene, trajectories.draw, 20, y)
        if not state.trajectories.tubes:
            break
        state.trajectories.shown = True
    assert not state.trajectories.tubes


def only_playing(gui, state, scene, pointer=(600, 600), down=None):
    """The section alone: in the sidebar it may be below what is seen."""
    from lossviz.viewer.panels import playing

    alone(gui, state, scene, playing.draw, pointer, down)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_played_has_its_losses_and_its_step(gui, theme, image_match):
    factors = (1.0, 0.6, 1.5) if theme == "light" else (1.0, 0.01, 1e-4)  # the latter: as a log
    many = [replace(run, losses=run.losses * factor)
            for run, factor in zip(runs(3), factors, strict=True)]  # fmt: skip
    state, scene = ViewState(), Scene([bumpy().with_changes(trajectories=many)])
    state.picture.theme, state.trajectories.played = theme, 0.45
    state.panels.playing = theme == "dark"
    before = state.to_json()
    only_playing(gui, state, scene)
    assert state.to_json() == before  # drawing changes nothing
    image_match(f"playing_section_{theme}", pixels(gui)[:360, :320])


def test_paths_are_played_and_scrubbed_by_the_panel(gui):
    state, scene = ViewState(), Scene([bumpy().with_changes(trajectories=runs(3))])
    for down in (None, True, False):
        only_playing(gui, state, scene, (70, 24), down)
    assert state.panels.playing
    for down in (None, True):
        only_playing(gui, state, scene, (220, 54), down)
    assert 0.4 < state.trajectories.played < 0.6 and not state.panels.playing
    half = state.trajectories.played
    only_playing(gui, state, scene, (180, 54))
    assert 0.1 < state.trajectories.played < half - 0.1
    only_playing(gui, state, scene, (600, 54))
    only_playing(gui, state, scene, (600, 54), False)
    assert state.trajectories.played == 1.0


@pytest.mark.parametrize("losses", [[1.0], [np.nan, np.nan], [1.7e308, -1.7e308], [0.0, 5e-324]])
@pytest.mark.parametrize("steps", [[0, 1], [-1.7e308, 1.7e308], [3, 3], [np.nan, 1], [0, 5e-324]])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_odd_runs_are_played_too(gui, losses, steps, share):
    points = np.zeros((len(losses), 2))
    odd = Trajectory("odd\n%s", "optimiser", points, losses, steps=steps[: len(losses)])
    none = Trajectory("none", "optimiser", np.zeros((0, 2)), [])
    state = ViewState()
    state.trajectories.played = share
    only_playing(gui, state, Scene([fan(), bumpy(5).with_changes(trajectories=[none, odd])]))
    assert state.trajectories.played == share
