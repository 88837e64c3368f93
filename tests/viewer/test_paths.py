"""Paths lie on the displayed surface, whatever its scale; and what the legend says of them."""

import json

import numpy as np
import pytest

from lossviz.errors import InputError
from lossviz.landscape import Curve, Mark, Trajectory
from lossviz.viewer import legend
from lossviz.viewer.heights import Heights, moving_stride
from lossviz.viewer.laying import ends, every, laid_paths, lay, seen
from lossviz.viewer.paths import INK, MISSING, coloring, drawn_paths, shown_paths
from lossviz.viewer.picking import pick
from lossviz.viewer.picture import views
from lossviz.viewer.pins import pins
from lossviz.viewer.renderers.overlay import Label
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

from .scenes import bumpy, runs, with_loss


def scene_of(count=1, **changes):
    return Scene([bumpy(**changes).with_changes(trajectories=runs(count))])


CHANGES = {
    "as it is": {}, "linear": {"height_scale": "linear"}, "capped": {"cap": 0.5},
    "straight": {"smooth": False}, "of accuracy": {"height": "accuracy"},
}  # fmt: skip


@pytest.mark.parametrize("moving", [False, True])
@pytest.mark.parametrize("name", CHANGES)
def test_every_point_lies_on_the_drawn_triangles(name, moving):
    scene, state = scene_of(), ViewState()
    for field, value in CHANGES[name].items():
        setattr(state.surface, field, value)
    found = lay(scene, state, 0, moving).surface
    assert len(found.points) > len(runs(1)[0].points) and found.first.sum() == 1
    item = scene.items[0]
    xs, ys = item.axes(state.surface.smooth)
    texels = item.field(state.surface.height, state.surface.smooth)
    z = np.clip(texels.unit(scene.height_range(state, 0)), 0, 1) * scene.top(state)
    step = moving_stride(xs.size, ys.size) if moving else 1
    assert (xs.size - 1) % step == (ys.size - 1) % step == 0
    xs, ys, z = xs[::step], ys[::step], z[::step, ::step]
    # The second route: barycentric coordinates in the triangle of shaders/surface.glsl.
    middle = (found.points[:-1] + found.points[1:]) / 2
    for x, y, height in middle[:: max(1, len(middle) // 60)]:
        j, i = min(xs.searchsorted(x), len(xs) - 1), min(ys.searchsorted(y), len(ys) - 1)
        u, v = (x - xs[j - 1]) / (xs[j] - xs[j - 1]), (y - ys[i - 1]) / (ys[i] - ys[i - 1])
        near, far = z[i - 1, j - 1], z[i, j]
        right, left = z[i - 1, j], z[i, j - 1]
        if u + v <= 1:
            expected = near * (1 - u - v) + right * u + left * v
        else:
            expected = far * (u + v - 1) + left * (1 - u) + right * (1 - v)
        assert height == pytest.approx(expected, abs=2e-6)


def test_no_height_is_made_up_beside_the_surface_or_in_a_hole():
    loss = bumpy().surface.loss.copy()
    loss[18:23, 18:23] = np.nan
    away = Trajectory("away", "optimiser", [[0.5, 0.5], [3, 0.5], [0.5, -0.5]], [1, 1, 1])
    through = Trajectory("through", "optimiser", [[-0.5, 0], [0.5, 0]], [1, 1])
    scene = Scene([with_loss(bumpy(), loss).with_changes(trajectories=[away, through])])
    found = lay(scene, ViewState(), 0)
    assert np.isfinite(found.surface.points).all()
    assert (np.abs(found.surface.points[:, :2]) <= 1).all()
    assert found.surface.first.sum() == 4  # two parts each
    assert len(found.starts.points) == 2 and len(found.dots.points) == 0


def test_true_losses_have_gaps_where_they_are_no_numbers_and_the_path_has_not():
    points = np.linspace([-0.5, 0], [0.5, 0], 5)
    run = Trajectory("run", "optimiser", points, [1, 2, np.nan, 2, 1])
    scene, state = Scene([bumpy().with_changes(trajectories=[run])]), ViewState()
    assert not len(lay(scene, state, 0).true.points)
    state.trajectories.true_loss = True
    found = lay(scene, state, 0)
    assert found.surface.first.sum() == 1 and found.true.first.sum() == 2
    span, top = scene.height_range(state, 0), scene.top(state)
    assert found.true.points[0, 2] == pytest.approx(float(span.unit(np.array(1.0))) * top)
    assert found.drops.first.sum() == 4
    state.surface.height = "accuracy"  # there a loss has no height
    assert not len(lay(scene, state, 0).true.points)


def test_losses_beyond_the_axis_are_cut_there():
    run = Trajectory("run", "optimiser", [[-0.5, 0], [0.5, 0]], [1e30, 1e-30])
    scene, state = Scene([bumpy().with_changes(trajectories=[run])]), ViewState()
    state.trajectories.true_loss = True
    z = lay(scene, state, 0).true.points[:, 2]
    assert z.max() == pytest.approx(scene.top(state)) and z.min() == pytest.approx(
        scene.floor(state)
    )


def test_colours_follow_step_loss_distance_or_run():
    run = Trajectory("a", "optimiser", [[0, 0], [0.1, 0], [0.2, 0]], [1, np.nan, 100],
                     [0, 0.5, 1.0], [10, 20, 30])  # fmt: skip
    curve = Curve("line", [0, 1], {"loss": [1, 1]}, [[0, 0], [0.5, 0.5]])
    scene = Scene([bumpy().with_changes(trajectories=[run], curves=[curve])])
    state = ViewState()
    expected = {"auto": [0, 1], "step": [0, 1], "off_plane": [0, 1], "run": [INK + 1, INK + 1]}
    for color, both in expected.items():
        state.trajectories.color = color
        found = lay(scene, state, 0)
        assert [found.starts.values[0], ends(scene, state, 0).values[0]] == both
        assert (found.surface.values == INK).any()  # the curve's own
    state.trajectories.color = "loss"
    state.surface.color = "accuracy"
    found = lay(scene, state, 0)
    assert [found.starts.values[0], ends(scene, state, 0).values[0]] == [0, 1]
    assert found.dots.values.tolist() == [MISSING]
    assert coloring(Scene([bumpy().with_changes(trajectories=[run, run])]).items[0],
                    ViewState()) == "run"  # fmt: skip


def test_hidden_paths_are_not_drawn_and_the_key_hides_all():
    scene, state = scene_of(3), ViewState()
    item = scene.items[0]
    state.trajectories.hidden = ("run 1",)
    assert [path.name for path in shown_paths(item, state)] == ["run 0", "run 2"]
    names = [entry.after for entry in legend.entries(scene, state, 0)]
    assert names == ["○ start   ● end", "run 0", "run 2"]
    state.trajectories.shown = False
    assert shown_paths(item, state) == [] and legend.entries(scene, state, 0) == []


def test_odd_paths_are_laid():
    odd = [
        Trajectory("none", "optimiser", np.zeros((0, 2)), []),
        Trajectory("one", "optimiser", [[0, 0]], [1]),
        Trajectory("still", "descent", [[0, 0]] * 3, [1, 1, 1]),
        Trajectory("far", "optimiser", [[1.7e308, -1.7e308], [-1.7e308, 0]], [1, 1]),
        Trajectory("nowhere", "optimiser", [[np.nan, np.inf]], [np.nan]),
    ]
    scene, state = Scene([bumpy().with_changes(trajectories=odd)]), ViewState()
    state.trajectories.true_loss = True
    for color in ("auto", "step", "loss", "off_plane"):
        state.trajectories.color = color
        found = lay(scene, state, 0)
        assert np.isfinite(found.surface.points).all()
    assert "still" not in [path.name for path in shown_paths(scene.items[0], state)]


def test_the_legend_has_a_few_rows_whatever_there_is():
    scene, state = scene_of(150), ViewState()
    found = legend.rows(legend.entries(scene, state, 0), 600.0, 1.0)
    assert len(found) == legend.MOST_ROWS and "more" in found[-1][-1].after
    told = sum(len(row) for row in found) - 2  # less "start, end" and what is tested here
    assert found[-1][-1].after == f"… and {150 - told} more"
    layout = legend.arranged(scene, state, 900, 600, 1.0)
    assert layout.legends[0].height == pytest.approx(legend.MOST_ROWS * legend.ROW + 6)
    assert layout.cells[0].y + layout.cells[0].height == pytest.approx(layout.legends[0].y)


def test_the_surface_hides_what_is_behind_it():
    """The second route: what a ray from the eye meets first."""
    scene, state = Scene([bumpy()]), ViewState()
    state.camera.elevation = 20.0
    found, (view,) = views(scene, state, 800, 600, 1.0)
    cell = found.cells[0]
    plane = np.random.default_rng(0).uniform(-0.95, 0.95, (60, 2))
    mesh = Heights(scene, state, 0)
    points = np.column_stack([plane, mesh.at(plane)])
    hidden = mesh.hide(points, view.eye)
    assert 5 < hidden.sum() < 55
    wrong = 0
    for point, behind in zip(points, hidden, strict=True):
        x, y, _ = view.project(point)[0]
        hit = pick(scene, state, 800, 600, 1.0, x + cell.x, y + cell.y)
        nearer = hit is not None and np.linalg.norm(hit.point - point) > 0.03
        wrong += nearer != behind
    assert wrong <= 2


def test_pins_stand_apart_and_only_where_the_surface_is():
    marks = [Mark(f"network {i}", 0.01 * i, 0.0) for i in range(4)] + [
        Mark("beside", 5.0, 0.0), Mark("nowhere", np.nan, 0.0),
    ]  # fmt: skip
    scene, state = Scene([bumpy().with_changes(marks=marks)]), ViewState()
    found, (view,) = views(scene, state, 900, 700, 1.0)
    parts = list(pins(scene, state, 0, view, found.cells[0], 1.0))
    labels = [part for part in parts if isinstance(part, Label)]
    assert sorted(label.text for label in labels) == [f"network {i}" for i in range(4)]
    heights = sorted(label.y for label in labels)
    assert min(np.diff(heights)) > 10 or len({label.anchor for label in labels}) > 1
    state.marks.names = False
    parts = list(pins(scene, state, 0, view, found.cells[0], 1.0))
    assert parts and not any(isinstance(part, Label) for part in parts)
    state.marks.shown = False
    assert not list(pins(scene, state, 0, view, found.cells[0], 1.0))


def test_the_view_keeps_what_is_hidden():
    state = ViewState()
    state.trajectories.hidden = ("a", "β")
    state.trajectories.color = "loss"
    assert ViewState.from_json(state.to_json()) == state
    for key, value in (("hidden", "a"), ("hidden", [1]), ("color", "x"), ("width", -1)):
        view = json.loads(state.to_json())
        view["trajectories"][key] = value
        with pytest.raises(InputError, match=key):
            ViewState.from_json(json.dumps(view))


@pytest.mark.parametrize("share", [0.0, 0.25, 0.4, 1 / 3, 1.0])
def test_a_played_path_ends_where_its_share_of_the_steps_is(share):
    item = scene_of().items[0]
    (whole,) = shown_paths(item, ViewState())
    now = share * whole.steps[-1]
    found = whole.until(now)
    assert found.points[-1].tolist() == whole.at(now).points[0].tolist()
    assert found.steps[-1] == pytest.approx(now)
    known = found.steps[:-1]
    assert (found.points[:-1] == whole.points[: len(known)]).all() and (known < now + 1e-9).all()
    for side in range(2):
        expected = np.interp(now, whole.steps, whole.points[:, side])
        assert found.points[-1, side] == pytest.approx(expected)
    assert found.losses[-1] == pytest.approx(np.interp(now, whole.steps, whole.losses))


def test_runs_are_played_by_their_steps_and_curves_stay():
    short = Trajectory("short", "optimiser", [[0, 0], [0.5, 0]], [2, 1], steps=[0, 10])
    long = Trajectory("long", "optimiser", [[0, 0], [0, 0.5]], [2, 1], steps=[0, 20])
    back = Trajectory("back", "optimiser", [[0, 0], [0.1, 0], [0.2, 0]], [2, 1, 1], steps=[5, 3, 9])
    curve = Curve("c", [0, 1], {"loss": [1, 2]}, points=[[0, 0], [1, 1]])
    landscape = bumpy(11).with_changes(trajectories=[short, long, back], curves=[curve])
    state = ViewState()
    state.trajectories.played = 0.5
    found = {path.name: path.points for path in drawn_paths(Scene([landscape]), state, 0)}
    assert found["short"][-1] == pytest.approx([0.5, 0]) and len(found["c"]) == 2
    assert found["long"][-1] == pytest.approx([0, 0.25])
    assert found["back"][-1] == pytest.approx([0.2, 0])  # its steps are counted: 0, 1, 2


def test_playing_cuts_the_same_lines_at_the_present_step():
    """What is kept on the GPU says when each point is reached; nothing is laid again."""
    scene, state = scene_of(), ViewState()
    state.trajectories.true_loss = True
    whole = laid_paths(scene, state, 0, None)
    for share in (0.0, 0.3, 0.5):
        state.trajectories.played = share
        assert laid_paths(scene, state, 0, None) is whole
        done = whole.surface.take(whole.surface.times <= share)
        (end,) = ends(scene, state, 0).points
        assert np.linalg.norm(done.points[-1] - end) < 0.05
        assert (done.values == done.times).all()  # coloured by step
    for lines in (whole.surface, whole.true, whole.dots, whole.starts):
        assert lines.times.min() >= 0 and lines.times.max() <= 1
    assert whole.surface.times[[0, -1]] == pytest.approx([0, 1])


def test_paths_that_would_cover_everything_are_drawn_in_part_and_it_is_said(monkeypatch):
    random = np.random.default_rng(4)
    wild = [Trajectory(f"{i}", "optimiser", random.uniform(-0.9, 0.9, (400, 2)), np.ones(400))
            for i in range(20)]  # fmt: skip
    scene, state = Scene([bumpy().with_changes(trajectories=wild)]), ViewState()
    part = every(scene.items[0], state)
    length = sum(np.linalg.norm(np.diff(run.points, axis=0), axis=1).sum() for run in wild)
    assert part == int(np.ceil(length / 2000)) > 1
    said = [entry.after for entry in legend.entries(scene, state, 0)]
    assert f"1 of {part} steps drawn" in said
    found = laid_paths(scene, state, 0, None)
    assert not found.whole and found.surface.first.sum() == 20
    numbers = found.steps[found.surface.first]
    assert (numbers % 400 == 0).all()
    calm = scene_of(3)
    assert every(calm.items[0], state) == 1 and laid_paths(calm, state, 0, None).whole


@pytest.mark.parametrize("orthographic", [False, True])
@pytest.mark.parametrize("elevation", [90.0, 50.0, 5.0, -40.0])
@pytest.mark.parametrize("distance", [0.3, 2.0, 0.0])
def test_what_is_seen_holds_every_point_in_the_picture(orthographic, elevation, distance):
    scene, state = scene_of(), ViewState()
    own = state.camera
    own.orthographic, own.elevation, own.distance = orthographic, elevation, distance
    own.target = (0.3, -0.2, 0.1) if distance else own.target
    _, (view,) = views(scene, state, 600, 400, 1.0)
    place = seen(scene.items[0], scene.top(state), view)
    random = np.random.default_rng(5)
    points = random.uniform((-1, -1, 0), (1, 1, scene.top(state)), (4000, 3))
    x, y, depth = view.project(points).T
    inside = (x > 0) & (x < view.width) & (y > 0) & (y < view.height) & (np.abs(depth) < 1)
    within = ((points[:, :2] >= place.low) & (points[:, :2] <= place.high)).all(axis=1)
    assert within[inside].all() and inside.any()
    assert view.per_pixel / 2 < place.pixel <= view.per_pixel
    if distance == 0.3 and elevation == 90:
        assert within.mean() < 0.5


def test_a_small_movement_lays_nothing_again(monkeypatch):
    monkeypatch.setattr("lossviz.viewer.laying.BUDGET", 50)
    scene, state = scene_of(3), ViewState()
    _, (view,) = views(scene, state, 600, 400, 1.0)
    first = laid_paths(scene, state, 0, view)
    assert not first.whole and laid_paths(scene, state, 0, view) is first
    state.camera.azimuth += 0.5
    _, (view,) = views(scene, state, 600, 400, 1.0)
    assert laid_paths(scene, state, 0, view) is first
    state.camera.distance = 0.5
    _, (view,) = views(scene, state, 600, 400, 1.0)
    assert laid_paths(scene, state, 0, view) is not first
