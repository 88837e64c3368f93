"""What is under the pointer: a step of a path, the surface with its slope, and what is copied."""

import argparse
import math
import shlex

import numpy as np
import pytest

from lossviz.commands import checkpoint
from lossviz.landscape import Trajectory
from lossviz.viewer import labels, readout
from lossviz.viewer.framing import framed
from lossviz.viewer.heights import displayed_mesh
from lossviz.viewer.laying import laid_paths
from lossviz.viewer.paths import all_paths
from lossviz.viewer.picking import pick
from lossviz.viewer.picking_paths import pick_path
from lossviz.viewer.picture import views
from lossviz.viewer.pointing import at_pixel, meant
from lossviz.viewer.saving import checkpoint_command
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from lossviz.viewer.ticks import number

from .scenes import bumpy, dimpled, runs, with_loss

SIZE = 800, 600, 1.0


def scene_of(count=3, **changes):
    return Scene([bumpy().with_changes(trajectories=runs(count), **changes)])


def still(scene, state):
    """The camera where it is in a window, which has found its distance."""
    state.camera = framed(scene, state, views(scene, state, *SIZE)[0].cells[0], SIZE[2])


def seen_at(scene, state, points, index=0):
    """``(k, 2)`` pixels of scene ``points (k, 3)``, and which of them the surface hides."""
    found, seen = views(scene, state, *SIZE)
    cell, view = found.cells[index], seen[index]
    hidden = displayed_mesh(scene, state, index).hide(points, view.eye)
    return view.project(points)[:, :2] + (cell.x, cell.y), hidden


def on_surface(scene, state, places, index=0):
    flat = scene.items[index].place(places)
    return np.column_stack([flat, displayed_mesh(scene, state, index).at(flat)])


@pytest.mark.parametrize("theme", ["as it is", "own losses", "from below"])
def test_the_pointer_on_a_step_reads_that_step(theme):
    scene, state = scene_of(), ViewState()
    state.trajectories.true_loss = theme == "own losses"
    state.camera.elevation = -30.0 if theme == "from below" else 60.0
    still(scene, state)
    right = tried = 0
    for path in all_paths(scene.items[0]):
        pixels, hidden = seen_at(scene, state, on_surface(scene, state, path.points))
        for step in np.flatnonzero(~hidden)[::4]:
            hit = pick_path(scene, state, *SIZE, *pixels[step])
            near = np.linalg.norm(pixels - pixels[step], axis=1)
            tried += 1
            assert hit is not None
            right += hit.path.name == path.name and near[hit.step] < 8
            if hit.path.name == path.name:
                assert hit.place == tuple(path.points[hit.step])
    assert tried > 12 and right >= 0.8 * tried  # paths cross


def test_a_run_at_its_own_losses_is_read_too():
    scene, state = scene_of(1), ViewState()
    state.trajectories.true_loss = True
    lines = laid_paths(scene, state, 0, None)
    here = len(lines.true.points) // 3
    pixels, _ = seen_at(scene, state, lines.true.points[[here]])
    hit = pick_path(scene, state, *SIZE, *pixels[0])
    assert hit.step == pytest.approx(lines.true_steps[here], abs=0.6)
    rows = dict(readout.told(scene, state, hit))
    run = scene.items[0].landscape.trajectories[0]
    assert rows[""] == "run 0" and rows["step"] == number(run.steps[hit.step])
    assert rows["own loss"] == number(run.losses[hit.step])
    assert rows["off the plane"] == number(run.off_plane[hit.step])
    state.trajectories.true_loss = False
    assert pick_path(scene, state, *SIZE, *pixels[0]) is None


def test_what_is_not_drawn_is_not_read():
    scene, state = scene_of(1), ViewState()
    still(scene, state)
    path = all_paths(scene.items[0])[0]
    pixels, _ = seen_at(scene, state, on_surface(scene, state, path.points[[4, 24]]))

    def steps():
        hits = [pick_path(scene, state, *SIZE, *at) for at in pixels]
        return [None if hit is None else hit.step for hit in hits]

    assert steps() == [4, 24]
    state.trajectories.played = 0.4
    assert steps() == [4, None]
    state.trajectories.played, state.trajectories.hidden = 1.0, ("run 0",)
    assert steps() == [None, None]
    state.trajectories.hidden, state.trajectories.shown = (), False
    assert steps() == [None, None]


def test_a_path_that_is_seen_is_met_before_one_that_is_hidden():
    across = [Trajectory(name, "optimiser", [[-0.8, b], [0.8, b]], [1, 1])
              for name, b in (("front", -0.93), ("behind", 0.0))]  # fmt: skip
    scene, state = Scene([bumpy().with_changes(trajectories=across)]), ViewState()
    state.camera.azimuth, state.camera.elevation = -90.0, 5.0
    still(scene, state)
    places = np.column_stack([np.linspace(-0.7, 0.7, 50), np.zeros(50)])
    pixels, hidden = seen_at(scene, state, on_surface(scene, state, places))
    assert hidden.any()  # dashed, and read where no other one is
    names = {pick_path(scene, state, *SIZE, *at).path.name for at in pixels}
    assert "behind" in names
    places = np.column_stack([np.linspace(-0.7, 0.7, 50), np.full(50, -0.93)])
    pixels, hidden = seen_at(scene, state, on_surface(scene, state, places))
    for at in pixels[~hidden]:
        assert pick_path(scene, state, *SIZE, *at).path.name == "front"


def thinned(monkeypatch):
    """A scene with one long spiral (5000, 2), drawn in few of its steps."""
    monkeypatch.setattr("lossviz.viewer.laying.BUDGET", 400)
    t = np.linspace(0, 1, 5000)
    spiral = 0.8 * (1 - t)[:, None] * np.column_stack([np.cos(40 * t), np.sin(40 * t)])
    long = Trajectory("long", "optimiser", spiral, 5 - t, steps=np.arange(5000))
    return Scene([bumpy().with_changes(trajectories=[long])]), spiral


def test_thinned_paths_are_read_by_their_own_steps(monkeypatch):
    (scene, spiral), state = thinned(monkeypatch), ViewState()
    state.camera.elevation = 80.0
    still(scene, state)
    _, (view,) = views(scene, state, *SIZE)
    assert len(laid_paths(scene, state, 0, view).surface.points) < 2500
    some = np.arange(100, 4000, 431)
    pixels, hidden = seen_at(scene, state, on_surface(scene, state, spiral[some]))
    hits = [pick_path(scene, state, *SIZE, *at) for at in pixels[~hidden]]
    assert len(hits) > 6
    for step, hit in zip(some[~hidden], hits, strict=True):
        assert np.linalg.norm(spiral[hit.step] - spiral[step]) < 0.03


def test_coming_nearer_keeps_one_set_of_pixels(monkeypatch):
    (scene, _), state = thinned(monkeypatch), ViewState()
    state.trajectories.true_loss = True
    still(scene, state)
    counts, kept = set(), set()
    for _ in range(6):
        pick_path(scene, state, *SIZE, 400.0, 300.0)
        _, (view,) = views(scene, state, *SIZE)
        counts.add(len(laid_paths(scene, state, 0, view).surface.points))
        kept.add(len(scene.items[0].memo))
        state.camera.distance *= 0.7
    assert len(counts) > 1 and len(kept) == 1


def test_the_slope_is_the_derivative_of_what_is_drawn():
    scene, state = Scene([dimpled(241)]), ViewState()

    def slope(x):
        return 1.2 * x - 2.7 * np.sin(9 * x + 0.7)

    for alpha, beta in [(0.1, -0.4), (-0.63, 0.2), (1.0, -1.0)]:
        expected = slope(alpha), slope(beta)
        found = readout.gradient(scene, state, 0, alpha, beta)
        assert found == pytest.approx(expected, abs=0.01)
    rows = dict(readout.read(scene, state, 0, 0.1, -0.4))
    assert list(rows)[:2] == ["α, β", "loss"] and rows["α, β"] == "0.1, −0.4"
    a, b = readout.gradient(scene, state, 0, 0.1, -0.4)
    assert rows["steepness"] == number(math.hypot(a, b))
    state.surface.height_scale = "log"  # the slope is that of the loss, not of its logarithm
    assert readout.gradient(scene, state, 0, 0.1, -0.4) == pytest.approx((a, b))


def test_a_step_beside_the_surface_has_no_slope_and_is_told():
    points = np.array([[0.0, 0.0], [3.0, 0.2]])  # the path is seen on the surface, its end is not
    run = Trajectory("run", "optimiser", points, np.ones(2))
    scene, state = Scene([bumpy().with_changes(trajectories=[run])]), ViewState()
    state.camera.elevation = 70.0
    still(scene, state)
    rim = on_surface(scene, state, np.array([[0.97, 0.97 / 15]]))
    pixel = seen_at(scene, state, rim)[0][0]
    hit = pick_path(scene, state, *SIZE, *pixel)
    found = at_pixel(scene, state, *SIZE, *pixel)
    assert hit is not None and found.place is not None
    assert readout.gradient(scene, state, 0, 3.0, 0.2) is None
    assert readout.gradient(scene, state, 0, 0.2, -1.001) is None
    assert all(map(math.isfinite, readout.gradient(scene, state, 0, 1.0, -1.0)))
    assert "slope ∂α, ∂β" not in dict(readout.read(scene, state, 0, 3.0, 0.2))


def test_the_nearest_critical_point_is_told():
    scene, state = Scene([dimpled()]), ViewState()
    own = scene.items[0].landscape.critical_points
    minimum = min((p for p in own if p.kind == "minimum"), key=lambda p: -p.persistence)
    rows = dict(readout.read(scene, state, 0, minimum.alpha + 0.01, minimum.beta))
    assert rows["nearest minimum"].startswith("0.01 away")
    state.critical.persistence = 1e9
    assert not any("nearest" in name for name, _ in readout.read(scene, state, 0, 0.0, 0.0))


def test_in_a_hole_and_of_odd_numbers_something_is_told():
    for values in (np.nan, 0.0, 1.7e308, -1.7e308):
        landscape = with_loss(bumpy(5), np.full((5, 5), values))
        scene, state = Scene([landscape]), ViewState()
        rows = dict(readout.read(scene, state, 0, 0.3, 0.3))
        assert rows["α, β"] == "0.3, 0.3" and ("steepness" in rows) == math.isfinite(values)


def test_a_click_on_a_path_labels_its_step():
    scene, state = scene_of(1), ViewState()
    path = all_paths(scene.items[0])[0]
    points = on_surface(scene, state, path.points[[12]])
    (at,), _ = seen_at(scene, state, points)
    x, y = at + (2.0, -1.0)
    hit = pick(scene, state, *SIZE, x, y)
    place = meant(scene, state, *SIZE, hit, x, y)
    assert place == (0, *path.points[12])
    state.labels.places = (place, (0, 0.9, 0.9))
    rows = dict(labels.told(scene, state, 0))
    assert rows["run 0"] == f"step {number(path.steps[12])}, off {number(path.off_plane[12])}"
    assert rows["own loss"] == number(path.losses[12])
    assert "run 0" not in dict(labels.told(scene, state, 1))
    state.trajectories.shown = False
    assert meant(scene, state, *SIZE, hit, x, y) == (0, hit.alpha, hit.beta)


def test_everything_under_a_pixel():
    scene, state = scene_of(1), ViewState()
    assert at_pixel(scene, state, *SIZE, 3, 590).place is None
    path = all_paths(scene.items[0])[0]
    (at,), _ = seen_at(scene, state, on_surface(scene, state, path.points[[9]]))
    found = at_pixel(scene, state, *SIZE, *at)
    assert dict(found.on)["step"] == "900" and found.place == (0, *path.points[9])
    assert dict(found.read)["α, β"] == dict(found.on)["α, β"]
    state.panels.reading = False
    assert at_pixel(scene, state, *SIZE, *at).read == []


@pytest.mark.parametrize("file", ["a.ply", "/home/me/my files/it's.ply"])
@pytest.mark.parametrize("place", [(-0.25, 0.5), (0.1 + 0.2, -1e-7), (-1e300, 0.0)])
def test_the_copied_command_is_one_that_the_shell_and_lossviz_understand(file, place):
    words = shlex.split(checkpoint_command(file, *place))
    assert words[:2] == ["lossviz", "checkpoint"]
    parser = argparse.ArgumentParser()
    checkpoint.add_arguments(parser)
    args = parser.parse_args(words[2:])
    assert str(args.file).endswith(file) and str(args.output) == "net.pt"
    assert args.at == pytest.approx(place, rel=1e-8)
