"""Numbers on isolines: at their level, read without anything in the way, and steady."""

from itertools import pairwise

import numpy as np
import pytest

from lossviz import ply
from lossviz.errors import InputError
from lossviz.landscape import Landscape, Surface, Trajectory
from lossviz.resources import folder
from lossviz.viewer.annotations import axes, label_box
from lossviz.viewer.critical import standing
from lossviz.viewer.heights import Heights
from lossviz.viewer.isoline_anchors import anchors
from lossviz.viewer.isoline_labels import MOST, level_labels
from lossviz.viewer.levels import isoline_values, level_numbers
from lossviz.viewer.picture import Picture, views
from lossviz.viewer.pins import overlap
from lossviz.viewer.ranges import Range
from lossviz.viewer.scene import Scene
from lossviz.viewer.screenshot import take
from lossviz.viewer.sections import NOTHING_CLIPPED, on_surface
from lossviz.viewer.state import LABELLED, ViewState
from lossviz.viewer.text import bitmap

from .scenes import bumpy, dimpled, runs, with_loss

WIDTH, HEIGHT, SCALE = 1000, 700, 1.2
VIEWS = [(-60.0, 38.0), (20.0, 15.0), (140.0, 60.0), (-90.0, 90.0), (75.0, 5.0), (30.0, -35.0)]


def shown(name):
    return ply.read(folder("assets") / "landscapes" / f"{name}.ply")


def looking(labels="both", azimuth=-60.0, elevation=38.0, **changes):
    state = ViewState()
    state.isolines.labels = labels
    state.camera.azimuth, state.camera.elevation = azimuth, elevation
    for name, value in changes.items():
        setattr(state.isolines, name, value)
    return state


def seen(scene, state):
    """The view, its cell, what the axes write, and the numbers without their halos."""
    found, (view, *_) = views(scene, state, WIDTH, HEIGHT, SCALE)
    cell = found.cells[0]
    _, taken = axes(scene, state, 0, view, cell, SCALE)
    labels = list(level_labels(scene, state, 0, view, cell, SCALE, taken, NOTHING_CLIPPED))
    assert [label.stroke > 0 for label in labels] == [True, False] * (len(labels) // 2)
    return view, cell, taken, labels[1::2]


def anchored(scene, state):
    """For each number: its text, whether it is on the floor, and the number of its anchor."""
    view, cell, _, labels = seen(scene, state)
    own = anchors(scene, state, 0)
    sheets = [(False, own), (True, own.on_floor(scene.floor(state)))]
    found = []
    for label in labels:
        for flat, sheet in sheets:
            away = view.project(sheet.points)[:, :2] + (cell.x, cell.y) - (label.x, label.y)
            for at in np.flatnonzero(np.abs(away).max(axis=1) < 1e-6).tolist():
                assert label.text == own.texts[own.level[at]]
                found.append((label.text, flat, at))
    assert len(found) == len(labels) > 0
    return found


@pytest.mark.parametrize(
    ("name", "theme", "labels"),
    [
        ("resnet56", "light", "floor"),
        ("resnet56", "dark", "both"),
        ("resnet56_noshort", "light", "both"),
        ("resnet56_noshort", "dark", "floor"),
    ],
)
def test_numbers_on_the_published_pair(ctx, image_match, name, theme, labels):
    picture, state = Picture(ctx), looking(labels)
    state.picture.theme = theme
    try:
        pixels = take(picture, Scene([shown(name)]), state, width=900, height=620, scale=1.0)
    finally:
        picture.release()
    image_match(f"numbers_{name}_{theme}", pixels)


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("smooth", [True, False])
def test_a_number_stands_where_the_surface_has_it(scale, smooth):
    state = looking(spacing=scale)
    state.surface.height_scale, state.surface.smooth = scale, smooth
    scene = Scene([bumpy(61, steep=scale == "log")])
    own, values = anchors(scene, state, 0), isoline_values(scene, state, 0)
    assert len(own.points) > 20
    for point, level in zip(own.points, own.level.tolist(), strict=True):
        there = scene.items[0].unplace(point[None, :2])[0]
        height = on_surface(scene, state, 0, *there)[2]  # by the surface's own interpolation
        assert height == pytest.approx(point[2], abs=2e-3)
        unit = scene.height_range(state, 0).unit(values[level]) * scene.top(state)
        assert point[2] == pytest.approx(float(unit), abs=1e-12)
    uphill = own.mesh.at(own.points + 0.2 * own.uphill) - own.points[:, 2]
    assert (uphill > 0).mean() > 0.95


@pytest.mark.parametrize(("azimuth", "elevation"), VIEWS)
@pytest.mark.parametrize("make", [bumpy, dimpled, lambda: shown("resnet56_noshort")])
def test_numbers_cover_nothing_and_are_in_the_picture(make, azimuth, elevation):
    scene, state = Scene([make()]), looking("both", azimuth, elevation)
    view, cell, taken, labels = seen(scene, state)
    boxes = [label_box(label, SCALE) for label in (*labels, *taken)]
    for k, label in enumerate(labels):
        box = boxes[k]
        assert cell.x <= box.x and box.x + box.width <= cell.x + cell.width
        letters = box.height * 0.6  # a bitmap has empty rows above and below digits
        middle = type(box)(box.x, label.y - letters / 2, box.width, letters)
        assert all(overlap(middle, other) == 0 for other in boxes[len(labels) :])
        assert all(overlap(middle, other) == 0 or abs(other.y - box.y) > letters
                   for j, other in enumerate(boxes[: len(labels)]) if j != k)  # fmt: skip
        signs = view.project(standing(scene, state, 0).places)[:, :2] + (cell.x, cell.y)
        inside = (np.abs(signs - (label.x, label.y)) < (box.width / 2, letters / 2)).all(axis=1)
        assert not inside.any()


@pytest.mark.parametrize(("azimuth", "elevation"), VIEWS[:5])
def test_no_number_shows_through_the_surface(azimuth, elevation):
    scene, state = Scene([bumpy()]), looking("both", azimuth, elevation)
    view, *_ = seen(scene, state)
    own = anchors(scene, state, 0)
    floor = own.on_floor(scene.floor(state)).points
    mesh = Heights(scene, state, 0)  # every triangle, eight times as many places
    found = anchored(scene, state) if elevation > 10 else []
    points = np.array([(floor if flat else own.points)[at] for _, flat, at in found])
    assert elevation <= 10 or len(points) > 5
    points = points.reshape(-1, 3)
    # Also a hair above and below: what lies on the very outline is seen and hidden by rounding.
    hidden = [mesh.hide(points + (0, 0, lift), view.eye) for lift in (-0.004, 0.0, 0.004)]
    assert not np.all(hidden, axis=0).any()


def test_the_floor_hides_the_surface_from_below():
    scene, state = Scene([bumpy()]), looking("both", 30.0, -80.0)
    points = anchors(scene, state, 0).points[:, :2]

    def inside():  # where lines of sight cannot pass the floor by
        found = anchored(scene, state)
        return [flat for _, flat, at in found if np.abs(points[at]).max() < 0.7]

    assert inside() and all(inside())
    state.isolines.floor = False
    assert inside() and not any(inside())


def test_a_number_keeps_its_place_while_the_camera_turns():
    scene = Scene([bumpy()])
    steps = [set(anchored(scene, looking("both", azimuth))) for azimuth in np.arange(-60, 0, 1.0)]
    kept = sum(len(one & two) for one, two in pairwise(steps))
    assert kept / sum(len(one) for one in steps[:-1]) > 0.93
    came_back = sum(
        len((one & three) - two)
        for one, two, three in zip(steps, steps[1:], steps[2:], strict=False)
    )
    assert came_back <= 0.01 * sum(map(len, steps))  # flicker


def test_lines_are_found_once_for_levels_and_heights():
    scene, state = Scene([bumpy()]), looking()
    first = anchors(scene, state, 0)
    state.camera.azimuth += 30
    state.isolines.width = 3.0
    assert anchors(scene, state, 0) is first
    state.isolines.count = 8
    second = anchors(scene, state, 0)
    assert second is not first
    state.surface.height_ratio = 0.3
    assert anchors(scene, state, 0) is not second


def test_rough_surfaces_have_no_more_than_can_be_read():
    loss = 1 + np.random.default_rng(0).uniform(size=(301, 301)).cumsum(0).cumsum(1) % 1
    axis = np.linspace(-1, 1, 301)
    scene = Scene([Landscape(surface=Surface(axis, axis, {"loss": loss}))])
    state = looking()
    *_, labels = seen(scene, state)
    assert len(labels) <= MOST
    own = anchors(scene, state, 0)
    assert len(own.points) <= 60 * 60
    assert max(own.mesh.heights.shape) <= 162


@pytest.mark.parametrize("labels", LABELLED)
def test_where_numbers_are_is_a_choice(labels):
    scene = Scene([bumpy()])
    state = looking(labels)
    *_, found = seen(scene, state)
    sheets = {flat for _, flat, _ in anchored(scene, state)} if found else set()
    expected = {"nowhere": set(), "floor": {True}, "surface": {False}, "both": {True, False}}
    assert sheets == expected[labels]
    assert ViewState.from_json(state.to_json()) == state


def test_no_other_choice():
    text = ViewState().to_json().replace('"labels": "floor"', '"labels": "roof"')
    with pytest.raises(InputError, match=r"isolines\.labels: expected one of"):
        ViewState.from_json(text)


def test_paths_are_not_covered():
    landscape = bumpy().with_changes(trajectories=runs(4))
    scene, state = Scene([landscape]), looking("floor")
    view, cell, _, labels = seen(scene, state)
    own = anchors(scene, state, 0).on_floor(scene.floor(state))
    assert len(own.paths) > 100
    path = view.project(own.paths)[:, :2] + (cell.x, cell.y)
    assert labels
    for label in labels:
        assert np.hypot(*(path - (label.x, label.y)).T).min() > 4 * SCALE


@pytest.mark.parametrize(
    "loss",
    [
        np.ones((9, 9)),
        np.full((9, 9), np.nan),
        np.where(np.eye(9) > 0, np.nan, np.arange(81.0).reshape(9, 9)),
        np.full((9, 9), 5e-324) * np.arange(9),
    ],
)
def test_surfaces_with_nothing_to_number_have_no_numbers_and_no_errors(loss):
    scene = Scene([with_loss(bumpy(9), loss)])
    _, cell, _, labels = seen(scene, looking())
    for label in labels:
        assert cell.contains(label.x, label.y)


@pytest.mark.parametrize(
    "points", [np.full((5, 2), np.nan), [[0, 0], [1e300, -1e308], [0.5, 0.5]], np.zeros((0, 2))]
)
def test_runs_without_a_place_on_the_surface_are_in_no_numbers_way(points):
    points = np.array(points)
    odd = Trajectory("odd", "optimiser", points, np.zeros(len(points)))
    own = anchors(Scene([bumpy().with_changes(trajectories=[odd, *runs(1)])]), looking(), 0)
    alone = anchors(Scene([bumpy().with_changes(trajectories=runs(1))]), looking(), 0)
    assert np.isfinite(own.paths).all() and np.abs(own.paths[:, :2]).max() <= 1
    assert len(own.paths) >= len(alone.paths) > 20
    assert seen(Scene([bumpy().with_changes(trajectories=[odd])]), looking())[3]


def test_one_row_of_points_is_drawn():
    axis = np.linspace(-1, 1, 21)
    surface = Surface(axis, np.zeros(1), {"loss": 1 + axis[:, None] ** 2})
    seen(Scene([Landscape(surface=surface)]), looking())


def test_a_halo_is_wider_than_its_letters_all_around():
    letters, halo = bitmap("10", 20), bitmap("10", 20, stroke=3)
    assert halo.shape == (letters.shape[0] + 6, letters.shape[1] + 6)
    inner = halo[3:-3, 3:-3].astype(int)
    assert (inner >= letters.astype(int) - 2).all()
    assert halo.astype(int).sum() > 1.5 * letters.astype(int).sum()


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize("values, told", [
    ([2.30001, 2.30002, 2.30003], ["2.30001", "2.30002", "2.30003"]),
    ([123456.0, 123457.0], ["123456", "123457"]),
    ([0.00012341, 0.00012342], ["0.00012341", "0.00012342"]),
    ([0.1, 1.0, 10.0], ["0.1", "1", "10"]),
])  # fmt: skip
def test_numbers_tell_levels_apart_on_every_scale(values, told, by_hand, log):
    found = level_numbers(np.array(values), Range(0.9 * values[0], 1.1 * values[-1], log),
                          by_hand=by_hand)  # fmt: skip
    assert len(set(found)) == len(values)
    if log:
        assert found == told
