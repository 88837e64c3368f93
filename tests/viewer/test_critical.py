"""Critical points in the scene: which are shown, where they stand, what the pointer meets."""

import json
import time
from dataclasses import replace

import numpy as np
import pytest

from lossviz.errors import InputError, UsageError
from lossviz.landscape import CriticalPoint, Landscape, Surface, Trajectory
from lossviz.viewer import beside, drops, legend
from lossviz.viewer.critical import (
    counts,
    in_log,
    outstanding,
    standing,
    told,
    usual_threshold,
)
from lossviz.viewer.descents import lay_descents
from lossviz.viewer.heights import Heights
from lossviz.viewer.paths import shown_paths
from lossviz.viewer.picking import pick, pick_sign
from lossviz.viewer.picture import Picture, views
from lossviz.viewer.renderers.points import Sign
from lossviz.viewer.scene import Scene
from lossviz.viewer.screenshot import take
from lossviz.viewer.state import ViewState

from .scenes import bumpy, dimpled, runs, with_loss

SIZE = 800, 600


def scene_of(**changes):
    return Scene([dimpled(**changes)])


def kinds(scene, found):
    own = scene.items[0].landscape.critical_points
    return sorted(own[number].kind for number in found.numbers)


def test_persistence_confidence_and_the_border_decide_what_is_shown():
    scene, state = scene_of(), ViewState()
    own = scene.items[0].landscape.critical_points
    inner = [p for p in own if not p.border]
    for least in (0.0, 0.05, 0.3, 5.0):
        state.critical.persistence = least
        found = standing(scene, state, 0)
        assert kinds(scene, found) == sorted(p.kind for p in inner if p.persistence >= least)
    strength = [own[number].persistence for number in standing(scene, ViewState(), 0).numbers]
    assert strength == sorted(strength) and len(strength) > 20  # the strongest are drawn last
    state.critical.border = True
    assert kinds(scene, standing(scene, state, 0)) == ["maximum"]
    state.critical.shown = False
    assert not len(standing(scene, state, 0).numbers)

    state = ViewState()
    state.critical.confidence = 0.9
    sure = [replace(p, confidence=0.8 if p.kind == "saddle" else None) for p in own]
    scene = Scene([dimpled().with_changes(critical_points=sure)])
    assert "saddle" not in kinds(scene, standing(scene, state, 0))
    assert len(standing(scene, state, 0).numbers) == sum(p.kind != "saddle" for p in inner)


def test_counts_are_shown_and_all():
    scene, state = scene_of(), ViewState()
    own = scene.items[0].landscape.critical_points
    state.critical.persistence = 0.3
    found = {name: (shown, all_) for name, shown, all_ in counts(scene.items[0], state)}
    for kind, name in (("minimum", "minima"), ("saddle", "saddles"), ("maximum", "maxima")):
        of_kind = [p for p in own if p.kind == kind and not p.border]
        assert found[name] == (sum(p.persistence >= 0.3 for p in of_kind), len(of_kind))
    assert found["degenerate"] == (0, 1) and found["on the border"] == (0, 1)
    told_ = [entry.after for entry in legend.entries(scene, state, 0)]
    assert "0 of 1 degenerate" in told_ and "persistence ≥ 0.3" in told_
    assert told_[-1] == "steepest descent on the slice"
    state.critical.shown = state.critical.lines = False
    assert legend.entries(scene, state, 0) == []


def test_without_points_the_legend_is_silent():
    """Extrema of the window alone, which are off: a threshold would be one of nothing."""
    full, state = dimpled(), ViewState()
    found = replace(full.critical_points, points=[p for p in full.critical_points if p.border])
    scene = Scene([full.with_changes(critical_points=found, trajectories=())])
    assert found.points and legend.entries(scene, state, 0) == []
    state.critical.border = True
    assert [e.after for e in legend.entries(scene, state, 0)][-1].startswith("persistence ≥")


def test_the_usual_threshold_is_that_of_the_computation_if_it_is_known():
    from compute.critical import critical_points

    noisy = bumpy().surface.loss * np.random.default_rng(0).uniform(0.99, 1.01, (41, 41))
    for landscape in (dimpled(), bumpy(), with_loss(bumpy(), noisy)):
        found = critical_points(landscape.surface)
        item = Scene([landscape.with_changes(critical_points=found)]).items[0]
        assert (usual_threshold(item), in_log(item)) == (found.threshold, found.log)
        alone = Scene([landscape.with_changes(critical_points=list(found))]).items[0]
        loss = np.log(landscape.surface.loss) if found.log else landscape.surface.loss
        assert in_log(alone) == found.log
        assert usual_threshold(alone) == pytest.approx(1e-3 * np.ptp(loss), rel=1e-12)


@pytest.mark.parametrize("values", [np.nan, 0.0, 1e308], ids=str)
@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (5, 5)])
def test_odd_surfaces_and_points(values, shape):
    surface = Surface(np.arange(shape[0]), np.arange(shape[1]), {"loss": np.full(shape, values)})
    odd = [
        CriticalPoint(a, b, np.nan, np.nan, np.inf, "saddle", p)
        for a in (0, np.nan, 1e308, -np.inf)
        for b in (0, 1e308)
        for p in (0, np.nan, np.inf)
    ]
    lines = [Trajectory("a", "descent", [[0, 0], [np.nan, 1e308]], [np.nan, 1])]
    scene = Scene([Landscape(surface=surface, critical_points=odd, trajectories=lines)])
    state = ViewState()
    for state.critical.persistence in (None, 0.0, 1.0):
        for moving in (False, True):
            assert np.isfinite(standing(scene, state, 0, moving).places).all()
            assert np.isfinite(lay_descents(scene, state, 0, moving).file.points).all()
    assert usual_threshold(scene.items[0]) >= 0
    assert len(told(scene.items[0], odd[1])) == 5


CHANGES = {
    "as it is": {}, "log": {"height_scale": "log"}, "capped": {"cap": 1.2},
    "straight": {"smooth": False},
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_points_and_lines_stand_on_the_displayed_surface(name):
    scene, state = scene_of(), ViewState()
    before = standing(scene, state, 0).places.copy()
    for field, value in CHANGES[name].items():
        setattr(state.surface, field, value)
    mesh = Heights(scene, state, 0)
    found = standing(scene, state, 0)
    assert found.places[:, 2] == pytest.approx(mesh.at(found.places), abs=1e-12)
    lines = lay_descents(scene, state, 0).file.points
    assert len(lines) and lines[:, 2] == pytest.approx(mesh.at(lines), abs=1e-9)
    assert (name == "as it is") == np.array_equal(before, found.places)
    # The second route: the landscape's own numbers on the height axis.
    own = scene.items[0].landscape.critical_points
    values = np.array([own[number].value for number in found.numbers])
    sure = np.array([own[number].kind != "degenerate" for number in found.numbers])
    unit = np.clip(scene.height_range(state, 0).unit(values), 0, 1) * scene.top(state)
    assert found.places[sure, 2] == pytest.approx(unit[sure], abs=0.01)


def test_descent_lines_are_no_paths_of_optimisers():
    scene = Scene([dimpled().with_changes(trajectories=[*dimpled().trajectories, *runs(1)])])
    state = ViewState()
    assert [path.name for path in shown_paths(scene.items[0], state)] == ["run 0"]
    state.trajectories.shown = False
    assert not lay_descents(scene, state, 0).is_empty
    state.critical.lines = False
    assert lay_descents(scene, state, 0).is_empty


def test_the_pointer_meets_the_sign_that_it_is_over():
    scene, state = scene_of(), ViewState()
    found, (view,) = views(scene, state, *SIZE, 1.0)
    cell, own = found.cells[0], standing(scene, state, 0)
    seen = view.project(own.places)[:, :2] + (cell.x, cell.y)
    apart = np.hypot(*(seen[:, None] - seen[None]).transpose(2, 0, 1)) + 1e9 * np.eye(len(seen))
    alone = np.flatnonzero(apart.min(axis=1) > 15)
    assert len(alone) > 5
    for k in alone:
        hit = pick_sign(scene, state, *SIZE, 1.0, seen[k, 0] + 3, seen[k, 1] - 2)
        assert hit.critical == scene.items[0].landscape.critical_points[own.numbers[k]]
        assert hit.point == pytest.approx(own.places[k])
    assert pick_sign(scene, state, *SIZE, 1.0, 2, 2) is None
    state.critical.shown = False
    assert pick_sign(scene, state, *SIZE, 1.0, *seen[alone[0]]) is None


def test_a_sign_that_is_seen_is_met_before_one_that_is_hidden():
    """Two points on one line of sight, the hidden one nearer to the pointer."""
    scene, state = Scene([bumpy()]), ViewState()
    state.camera.elevation = 12.0
    found, (view,) = views(scene, state, *SIZE, 1.0)
    cell, mesh = found.cells[0], Heights(scene, state, 0)
    plane = np.random.default_rng(1).uniform(-0.9, 0.9, (400, 2))
    points = np.column_stack([plane, mesh.at(plane)])
    hidden = mesh.hide(points, view.eye)
    for x, y, _ in view.project(points[hidden]):
        hit = pick(scene, state, *SIZE, 1.0, x + cell.x + 2, y + cell.y)
        if hit is not None and not mesh.hide(hit.point[None], view.eye)[0]:
            break
    else:
        raise AssertionError("no such place")
    behind = points[hidden][np.argmin(np.abs(view.project(points[hidden])[:, 0] - x))]
    own = [CriticalPoint(a, b, 1, 1, 1, kind, 1.0) for a, b, kind in
           ((*behind[:2], "saddle"), (hit.alpha, hit.beta, "minimum"))]  # fmt: skip
    scene = Scene([bumpy().with_changes(critical_points=own)])
    met = pick_sign(scene, state, *SIZE, 1.0, x + cell.x, y + cell.y)
    assert met.critical.kind == "minimum"


def test_everything_about_a_point_is_told():
    item = scene_of().items[0]
    point = CriticalPoint(
        0.25, -0.5, 1.5, -2.0, 3.0, "saddle", 0.125, False, 1e-3, 2e-6, 0.97, 0.01
    )
    words = " ".join(f"{name} {value}" for name, value in told(item, point))
    for part in ("saddle", "0.25, −0.5", "loss 1.5", "−2, 3", "persistence 0.125", "0.97", "0.01"):
        assert part in words
    assert "border" in told(item, replace(point, border=True))[0][1]


def test_the_view_keeps_balls_and_thresholds():
    state = ViewState()
    assert ViewState.from_json(state.to_json()) == state
    state.critical.starts, state.critical.persistence = ((0, 0.5, -0.25), (1, 0.0, 1.0)), 0.125
    assert ViewState.from_json(state.to_json()) == state
    starts = (1, [[0, 1]], [[0.5, 1, 1]], [[-1, 1, 1]], [[0, "a", 1]], [[0, 1, 1]] * 101,
              [[0, 1e999, 1]])  # fmt: skip
    wrong = [("persistence", -1), ("persistence", "a"), ("confidence", 2), ("size", -1)]
    for key, value in [*wrong, *(("starts", value) for value in starts)]:
        view = json.loads(state.to_json())
        view["critical"][key] = value
        with pytest.raises(InputError, match=key):
            ViewState.from_json(json.dumps(view))


# ── balls ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def straight(monkeypatch):
    """Lines straight to the origin instead of the descent, which has tests of its own."""

    def descend(item, start):
        if start == (9.0, 9.0):
            raise UsageError("descent: expected a start within alpha")
        return Trajectory("ball", "descent", np.linspace(start, (0, 0), 9), np.arange(9.0))

    monkeypatch.setattr(drops, "descend", descend)


def wait_for(made, scene, state):
    end, said = time.monotonic() + 20, ""
    while beside.missing(scene, state):
        assert time.monotonic() < end
        said = made.poll(scene, state)[1] or said
        time.sleep(0.01)
    return said


def test_balls_are_computed_beside_the_window_and_each_once(straight):
    scene, state = Scene([bumpy(), bumpy(seed=1)]), ViewState()
    woken = []
    made = beside.Beside(lambda: woken.append(1))
    assert made.poll(scene, state) == (False, "") and made._thread is None
    state.critical.starts = ((0, 0.5, 0.5), (1, -0.5, 0.5), (0, 9.0, 9.0), (7, 0.0, 0.0))
    assert "expected a start" in wait_for(made, scene, state)
    assert scene.items[0].dropped[9.0, 9.0] is None and len(woken) == 3
    assert made.poll(scene, state) == (False, "")
    found = lay_descents(scene, state, 0)
    assert found.starts[:, :2].tolist() == [[0.5, 0.5]] and len(found.ends) == 1
    assert "steepest descent on the slice" in [e.after for e in legend.entries(scene, state, 1)]
    scene.replace(0, bumpy(21))  # its file was written anew
    assert lay_descents(scene, state, 0).is_empty
    wait_for(made, scene, state)
    assert not lay_descents(scene, state, 0).is_empty
    state.critical.starts = ()
    assert lay_descents(scene, state, 0).is_empty


def test_a_picture_has_the_balls_of_its_view(straight):
    scene, state = Scene([bumpy()]), ViewState()
    state.critical.starts = ((0, 0.5, 0.5), (0, 9.0, 9.0))
    beside.finish(scene, state)
    assert beside.missing(scene, state) == []
    assert not lay_descents(scene, state, 0).is_empty


@pytest.mark.parametrize("known, exact", [(True, 1e-4), (False, 1e-3)])
def test_a_ball_goes_down_to_a_minimum(known, exact):
    points = dimpled().critical_points
    scene = scene_of() if known else Scene([dimpled().with_changes(critical_points=())])
    state = ViewState()
    state.critical.starts = ((0, 0.4, 0.3), (0, 5.0, 0.0))
    beside.finish(scene, state)
    line = scene.items[0].dropped[0.4, 0.3]
    assert scene.items[0].dropped[5.0, 0.0] is None
    assert line.points[0] == pytest.approx((0.4, 0.3)) and (np.diff(line.losses) < 1e-12).all()
    minima = [p for p in points if p.kind == "minimum"]
    assert min(np.hypot(*(line.points[-1] - (p.alpha, p.beta))) for p in minima) < exact


# ── pictures ─────────────────────────────────────────────────────────────────────────────────────


def test_of_many_points_the_most_persistent_have_signs_that_stand_apart():
    random = np.random.default_rng(1)
    places, strength = random.uniform(-1, 1, (3000, 2)), random.uniform(1, 2, 3000)
    many = [CriticalPoint(*place, 1, 1, 1, "saddle", s)
            for place, s in zip(places.tolist(), strength.tolist(), strict=True)]  # fmt: skip
    scene, state = Scene([bumpy().with_changes(critical_points=many)]), ViewState()
    found = standing(scene, state, 0)
    whole = outstanding(scene, state, 0, 0.1)
    here = found.places[:, :2]
    away = np.linalg.norm(here[whole][:, None] - here[whole][None], axis=2)
    assert 20 < whole.sum() < 400 and (away[~np.eye(whole.sum(), dtype=bool)] > 0.1).all()
    # The second route: every dot has a more persistent sign nearby.
    sure = strength[found.numbers]
    near = np.linalg.norm(here[~whole][:, None] - here[whole][None], axis=2) < 0.12 * 8**0.5
    assert (near & (sure[whole][None] >= sure[~whole][:, None])).any(axis=1).all()
    assert "dots: less persistent than a sign nearby" in [
        e.after for e in legend.entries(scene, state, 0)
    ]
    state.critical.persistence = float(np.sort(strength)[-200])
    assert outstanding(scene, state, 0, 0.1).all()
    assert not any("dots" in entry.after for entry in legend.entries(scene, state, 0))


def test_ten_thousand_points_are_four_calls(ctx, monkeypatch):
    from lossviz.viewer.renderers import points

    random = np.random.default_rng(0)
    many = [CriticalPoint(a, b, 1, 1, 1, "saddle", 1.0)
            for a, b in random.uniform(-1, 1, (10_000, 2))]  # fmt: skip
    scene, state = Scene([bumpy().with_changes(critical_points=many)]), ViewState()
    state.axes.legend = False
    drawn = []
    draw = points.PointRenderer.draw

    def counted(self, rows, *rest):
        drawn.append(len(rows))
        draw(self, rows, *rest)

    monkeypatch.setattr(points.PointRenderer, "draw", counted)
    picture = Picture(ctx)
    try:
        take(picture, scene, state, width=320, height=240)
    finally:
        picture.release()
    counts = [count for count in drawn if count]
    assert len(counts) == 4 and counts[:2] == counts[2:] and sum(counts[:2]) == 10_000


@pytest.mark.parametrize("name", ["minimum", "saddle", "maximum", "degenerate"])
def test_a_sign_has_its_colour_in_the_picture_and_in_the_legend(ctx, name):
    from lossviz.viewer.critical import COLORS, KINDS

    color = COLORS[KINDS.index(name)]
    own = [CriticalPoint(0, 0, 1, 1, 1, name, 9.0)]
    scene, state = Scene([bumpy().with_changes(critical_points=own)]), ViewState()
    state.critical.size, state.surface.colormap = 9.0, "grey"
    state.camera.elevation = 80.0
    found, (view,) = views(scene, state, *SIZE, 1.0)
    x, y, _ = view.project(standing(scene, state, 0).places)[0]
    parts = legend.legend(legend.entries(scene, state, 0), found.legends[0], state, 1.0)
    signs = [part for part in parts if isinstance(part, Sign)]
    picture = Picture(ctx)
    try:
        pixels = take(picture, scene, state, width=800, height=600, scale=1.0)
    finally:
        picture.release()
    assert len(signs) == 1
    for a, b in ((x + found.cells[0].x, y + found.cells[0].y), (signs[0].x, signs[0].y)):
        near = pixels[round(b), round(a), :3].astype(int)
        assert np.abs(near - color).max() <= 3
