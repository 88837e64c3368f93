"""Trajectories that are played: where they are at a step, and the clock that moves it on."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossviz.errors import InputError
from lossviz.landscape import Trajectory
from lossviz.viewer.laying import ends
from lossviz.viewer.layout import Rect
from lossviz.viewer.legend import entries, legend
from lossviz.viewer.paths import (
    all_paths,
    drawn_until,
    shown_span,
    step_now,
    step_told,
)
from lossviz.viewer.playing import FRAME, HOLD, LONGEST, Clock
from lossviz.viewer.renderers.overlay import Label
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

from .scenes import bumpy

SHORT = Trajectory("short", "optimiser", [[0, 0], [0.5, 0]], [2, 1], [0, 4], [0, 10])
LONG = Trajectory("long", "optimiser", [[0, 0], [0, 0.5]], [2, 1], [1, 3], [4, 20])


def scene_of(*runs):
    return Scene([bumpy(11).with_changes(trajectories=list(runs))])


def at(share, **changes):
    state = ViewState()
    state.trajectories.played = share
    for name, value in changes.items():
        setattr(state.trajectories, name, value)
    return state


def test_all_landscapes_are_at_one_step():
    scene = Scene([scene_of(SHORT).items[0].landscape, scene_of(LONG).items[0].landscape])
    state = at(0.25)
    assert step_now(scene, state) == drawn_until(scene, state) == 5.0
    places = [scene.items[0].place(np.array([[0.25, 0]])),
            scene.items[1].place(np.array([[0, 0.5 / 16]]))]  # fmt: skip
    for index, end in enumerate(places):
        assert ends(scene, state, index).points[:, :2] == pytest.approx(end)
    assert step_now(scene, at(0.25, hidden=("long",))) == 2.5
    assert step_now(scene, at(0.25, shown=False)) is None
    assert drawn_until(scene, at(1.0)) is None


@pytest.mark.parametrize(("now", "loss", "off_plane"), [
    (-1, 2, 1), (4, 2, 1), (8, 1.75, 1.5), (16, 1.25, 2.5), (20, 1, 3), (99, 1, 3)])  # fmt: skip
def test_what_a_run_has_at_a_step(now, loss, off_plane):
    (path,) = all_paths(scene_of(LONG).items[0])
    here = path.at(now)
    assert (here.losses[0], here.off_plane[0]) == (loss, off_plane)


def test_a_ball_stands_where_the_run_is_and_nowhere_where_that_is_unknown():
    gap = Trajectory("gap", "optimiser", [[0, 0], [0.5, 0], [np.nan, 0], [0, 0]], [1, 1, 1, 1])
    scene = scene_of(gap)
    balls = [ends(scene, at(share), 0).points for share in (0.0, 1 / 6, 2 / 3, 0.9, 1.0)]
    assert [len(ball) for ball in balls] == [1, 1, 0, 0, 1]
    x = scene.items[0].place(np.array([[0.25, 0.0]]))[0, 0]
    assert balls[1][0, 0] == pytest.approx(x)


LIMIT = 1.7e308


@given(st.lists(st.floats(-LIMIT, LIMIT), min_size=1, max_size=6, unique=True),
       st.floats(0, 1))  # fmt: skip
def test_any_steps_are_played(steps, share):
    steps = sorted(steps)
    points = np.linspace([-1, -1], [1, 1], len(steps))
    scene = scene_of(Trajectory("a", "optimiser", points, points[:, 0], steps=steps))
    now = step_now(scene, at(share))
    assert steps[0] <= now <= steps[-1]
    (whole,) = all_paths(scene.items[0])
    path = whole.until(now)
    assert (np.abs(path.points) <= 1 + 1e-12).all()
    assert whole.at(now).losses[0] == path.losses[-1] == pytest.approx(path.points[-1, 0])


def test_the_clock_moves_on_and_stops_at_the_end():
    scene, state, clock = scene_of(SHORT), at(1.0, seconds=2.0), Clock()
    assert clock.step(scene, state, 0.0) == math.inf and state == at(1.0, seconds=2.0)
    state.panels.playing = True
    assert clock.step(scene, state, 5.0) == 0 and state.trajectories.played == 0  # from the start
    assert clock.step(scene, state, 5.01) == pytest.approx(FRAME - 0.01)
    assert clock.step(scene, state, 5.5) == 0 and state.trajectories.played == 0.25
    state.panels.playing = False
    assert clock.step(scene, state, 9.0) == math.inf and state.trajectories.played == 0.25
    state.panels.playing = True
    assert clock.step(scene, state, 20.0) == 0 and state.trajectories.played == 0.25  # goes on
    assert clock.step(scene, state, 20.5) == 0 and state.trajectories.played == 0.5
    assert clock.step(scene, state, 90.0) == 0  # the window slept
    assert state.trajectories.played == 0.5 + LONGEST / 2 == 1.0
    assert not state.panels.playing and clock.step(scene, state, 90.1) == math.inf


def test_what_is_repeated_stays_at_its_end_for_a_moment():
    scene, state, clock = scene_of(SHORT), at(0.9, seconds=1.0, repeat=True), Clock()
    state.panels.playing = True
    clock.step(scene, state, 0.0)
    assert clock.step(scene, state, 0.2) == 0 and state.trajectories.played == 1
    assert clock.step(scene, state, 0.5) == pytest.approx(HOLD - 0.3)
    assert clock.step(scene, state, 0.2 + HOLD) == 0 and state.trajectories.played == 0
    assert state.panels.playing


def test_nothing_is_played_where_no_run_is_shown():
    for scene, state in ((Scene([bumpy(5)]), at(0.5)), (scene_of(SHORT), at(0.5, shown=False))):
        state.panels.playing = True
        assert Clock().step(scene, state, 0.0) == math.inf
        assert not state.panels.playing and state.trajectories.played == 0.5


def test_the_view_keeps_how_it_is_played():
    state = at(0.3, seconds=25.0, repeat=True)
    state.panels.playing = True
    assert ViewState.from_json(state.to_json()) == state
    for name, value in (("seconds", 0), ("seconds", 1e9), ("repeat", 1), ("played", 1.1)):
        view = json.loads(state.to_json())
        view["trajectories"][name] = value
        with pytest.raises(InputError, match=name):
            ViewState.from_json(json.dumps(view))


@pytest.mark.parametrize(("last", "share", "said"), [
    (3000, 0.45, "1350"), (20, 0.5, "10.0"), (20, 1 / 3, "6.7"), (3e6, 0.5, "1500000"),
    (3e9, 0.5, "1.5·10⁹"), (0, 0.5, "0"), (5e-324, 1, "4.94·10⁻³²⁴")])  # fmt: skip
def test_the_legend_tells_the_step_and_keeps_its_place(last, share, said):
    steps = [0, last] if last else [0]
    run = Trajectory("a", "optimiser", np.zeros((len(steps), 2)), [1.0] * len(steps), steps=steps)
    scene = scene_of(run)
    (span,) = {shown_span(scene, at(part)) for part in (0.0, share, 1.0)}
    assert step_told(span, step_now(scene, at(share))) == said
    if share < 1:
        found = [entry.after for entry in entries(scene, at(share), 0)]
        assert f"○ start   ● step {said}" in found
    assert "○ start   ● end" in [entry.after for entry in entries(scene, at(1.0), 0)]
    if not 0 < last < 1e9:
        return
    texts = [entries(scene, at(part), 0) for part in np.linspace(0, 0.99, 40)]
    places = {next(p.x for p in legend(found, Rect(0, 0, 900, 40), at(0.5), 2.0)
                   if isinstance(p, Label)) for found in texts}  # fmt: skip
    assert len(places) == 1
