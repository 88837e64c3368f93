"""Several landscapes in one picture: where they stand, whose camera sees them, differences."""

from dataclasses import replace

import numpy as np
import pytest

from lossviz import ply
from lossviz.comparison import difference
from lossviz.errors import InputError, UsageError
from lossviz.landscape import BASIN, Surface
from lossviz.resources import folder
from lossviz.viewer import commands as cmd
from lossviz.viewer.arrangement import (
    add_difference,
    camera_of,
    check,
    complete,
    drop_impossible,
    follow,
    groups,
    handle,
    link,
)
from lossviz.viewer.camera import zoom
from lossviz.viewer.changes import change
from lossviz.viewer.film import frames
from lossviz.viewer.framing import frame_all
from lossviz.viewer.history import History
from lossviz.viewer.inks import veil_inks
from lossviz.viewer.legend import arranged, told
from lossviz.viewer.paths import mesh_inks
from lossviz.viewer.picking import pick
from lossviz.viewer.picture import views
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import CameraState, ViewState
from lossviz.viewer.swipe import REACH, grab_divider

from .scenes import between, bumpy, runs, with_loss

SIZE = 900, 560


def seen_as(arrangement, **values):
    state = ViewState()
    state.compare.arrangement = arrangement
    for name, value in values.items():
        setattr(state.compare, name, value)
    return state


def scaled(landscape, factor):
    """The same losses on a grid of another size."""
    own = landscape.surface
    return landscape.with_changes(
        surface=Surface(factor * own.alphas, factor * own.betas, own.quantities)
    )


# ── state ────────────────────────────────────────────────────────────────────────────────────────


def test_a_comparison_is_json_and_back():
    state = seen_as("swipe", first=2, second=0, divider=0.25, veil=0.5, linked=False, handled=1,
                    cameras=(CameraState(azimuth=3.0), CameraState(distance=2.0)),
                    differences=((0, 1), (2, 0)))  # fmt: skip
    again = ViewState.from_json(state.to_json())
    assert again == state and isinstance(again.compare.cameras[0], CameraState)


@pytest.mark.parametrize(
    "field, value",
    [("arrangement", "beside"), ("divider", 1.5), ("divider", float("nan")), ("veil", -0.1),
     ("first", -1), ("cameras", [1]), ("cameras", [{"fov": 0}]), ("cameras", [{}] * 101),
     ("cameras", {}), ("differences", [[0]]), ("differences", [[0, 1.5]]), ("differences", 3),
     ("differences", [[0, -1]]), ("differences", [[True, False]]), ("linked", 1),
     ("differences", [[0, 10**30]]), ("handled", 1e300)],
)  # fmt: skip
def test_odd_comparisons_are_refused_in_one_line(field, value):
    import json

    text = json.dumps({"lossviz_view": 1, "compare": {field: value}})
    with pytest.raises(InputError, match=f"view state.compare.{field}"):
        ViewState.from_json(text)


def test_undo_takes_back_each_step_of_a_comparison():
    state, scene, history = ViewState(), Scene([bumpy(9), bumpy(9, seed=1)]), History()
    history.note(state)
    steps = [state.to_json()]
    for command in (cmd.NextArrangement(), cmd.LinkCameras()):
        assert change(command, scene, state)
        history.note(state)
        steps.append(state.to_json())
    handle(scene, state, 1)
    state.camera.azimuth += 30
    history.note(state)
    steps.append(state.to_json())
    for before in reversed(steps[:-1]):
        state = history.undo(state)
        assert state.to_json() == before
    for after in steps[1:]:
        state = history.redo(state)
        assert state.to_json() == after


# ── who shares a viewport ────────────────────────────────────────────────────────────────────────


def test_the_paper_pair_stands_side_by_side_on_one_scale():
    """Figure 1 of Li et al. 2018: two networks, one row, the same camera and scale."""
    names = ("resnet56", "resnet56_noshort")
    found = [ply.read(folder("assets") / "landscapes" / f"{name}.ply") for name in names]
    scene, state = Scene(found), ViewState()
    plan, (left, right) = views(scene, state, 1280, 760, 1.0)
    assert plan.groups == ((0,), (1,)) and plan.scales == (0,) and len(plan.bars) == 1
    one, other = plan.cells
    assert (one.y, one.width, one.height) == (other.y, other.width, other.height)
    assert one.x + one.width <= other.x
    assert (left.matrix == right.matrix).all()
    for span in (scene.height_range, scene.color_range):
        assert span(state, 0) == span(state, 1) and span(state, 0).log
    assert scene.height_range(state, 0).low == min(one.surface.loss.min() for one in found)
    assert scene.height_range(state, 0).high == max(one.surface.loss.max() for one in found)


def test_an_overlay_has_all_surfaces_in_one_frame_the_chosen_one_first():
    landscapes = [bumpy(9), between(), bumpy(9, seed=1), bumpy(9, seed=2)]
    scene, state = Scene(landscapes), seen_as("overlay", first=2, differences=((0, 2),))
    plan, seen = views(scene, state, *SIZE, 1.0)
    assert plan.groups == ((2, 0, 3), (1,), (4,))
    assert plan.cells[0] == plan.cells[2] == plan.cells[3] != plan.cells[1]
    assert (seen[0].matrix == seen[3].matrix).all() and plan.divider is None
    state.surface.shared_scale = False  # there is one height axis
    assert scene.height_range(state, 0) == scene.height_range(state, 3)
    assert plan.scales == (0, 4)  # the losses, and how they differ


def test_surfaces_of_other_ranges_keep_their_places_in_one_frame():
    small, large = bumpy(11, span=0.5), scaled(bumpy(9, seed=1), 3.0)
    scene = Scene([small, large])
    before = scene.items[0].key, scene.items[0].axes(True)[0].copy()
    state = seen_as("overlay")
    follow(scene, state)
    assert scene.items[0].box == scene.items[1].box == ((-3.0, 3.0), (-3.0, 3.0))
    for item in scene.items:
        x, y = item.axes(True)
        corner = item.place(np.array([[item.surface.alphas[0], item.surface.betas[-1]]]))
        assert corner[0] == pytest.approx([x[0], y[-1]], abs=1e-6)
        assert item.place(np.array([[1.5, -3.0]]))[0] == pytest.approx([0.5, -1.0])
        assert item.unplace(item.place(np.array([[0.3, 0.2]])))[0] == pytest.approx([0.3, 0.2])
    follow(scene, ViewState())
    assert scene.items[0].key != before[0]  # what was made for the other frame is not used
    assert (scene.items[0].axes(True)[0] == before[1]).all()
    follow(scene, seen_as("overlay", first=1))
    key = scene.items[0].key
    follow(scene, state)
    assert scene.items[0].key == key  # nothing is made again while nothing changes


def test_equal_ranges_need_no_new_frame():
    scene = Scene([bumpy(9), bumpy(9, seed=1)])
    keys = [item.key for item in scene.items]
    follow(scene, seen_as("overlay"))
    assert [item.key for item in scene.items] == keys


@pytest.mark.parametrize("share", [0.0, 1e-9, 0.3, 0.5, 1.0])
def test_a_swipe_divides_one_view_and_what_is_written_of_each(share):
    scene, state = Scene([bumpy(9), bumpy(9, seed=1)]), seen_as("swipe", divider=share)
    plan, (left, right) = views(scene, state, *SIZE, 1.0)
    whole, (one, other) = plan.viewports[0], plan.cells
    assert plan.viewports[1] == whole and plan.groups == ((0,), (1,))
    assert one.x == whole.x and one.width + other.width == pytest.approx(whole.width)
    assert plan.divider == other.x == pytest.approx(whole.x + share * whole.width, abs=1)
    assert plan.titles[1].x == pytest.approx(plan.divider)
    assert plan.legends[1].x == pytest.approx(whole.x + whole.width / 2, abs=1)  # nothing jumps
    state.compare.arrangement, state.compare.second = "grid", 0
    point = np.array([[0.2, -0.1, 0.4]])
    if min(one.width, other.width) >= 1:
        places = [
            seen.project(point)[0, :2] + (cell.x, cell.y)
            for cell, seen in ((one, left), (other, right))
        ]
        assert places[0] == pytest.approx(places[1])
        for seen, cell in ((left, one), (right, other)):  # a ray is the inverse
            origin, way = seen.ray(*(places[0] - (cell.x, cell.y)))
            away = np.cross(point[0] - origin, way)
            assert np.abs(away).max() < 1e-6


def test_what_a_swipe_shows_is_clear_whatever_was_chosen():
    landscapes = [bumpy(9), between(), bumpy(9, seed=1), bumpy(9, seed=2)]
    scene = Scene(landscapes)
    cases = [((0, 1), (0, 2)), ((3, 0), (3, 0)), ((3, 3), (3, 0)), ((1, 9), (0, 2)),
             ((9, 0), (2, 0)), ((0, 2), (0, 2))]  # fmt: skip
    for (first, second), pair in cases:
        found = groups(scene, seen_as("swipe", first=first, second=second))
        assert found == [pair, (1,)], (first, second)
    plan, _ = views(scene, seen_as("swipe"), *SIZE, 1.0)
    assert not plan.cells[3].width  # and nothing of it is under the pointer
    assert not any(plan.cells[3].contains(x, 300) for x in range(0, 900, 7))


@pytest.mark.parametrize("arrangement", ["overlay", "swipe"])
def test_one_surface_alone_stands_as_always(arrangement):
    for landscapes in ([bumpy(9)], [between(), bumpy(9)], [between(), between()]):
        scene = Scene(landscapes)
        plan, _ = views(scene, seen_as(arrangement), *SIZE, 1.0)
        plain, _ = views(scene, ViewState(), *SIZE, 1.0)
        assert plan == plain


def test_the_legend_of_an_overlay_names_each():
    scene, state = Scene([bumpy(9, name="one"), bumpy(9, seed=1, name="two")]), seen_as("overlay")
    solid, mesh = told(scene, state, (0, 1))
    assert (solid.after, mesh.after) == ("one", "two")
    assert len(solid.colors) == 256 and mesh.colors.shape == (1, 3)
    away = np.linalg.norm(solid.colors.astype(float) - mesh.colors, axis=1).min()
    assert away > 60  # no colour that the surface has
    state.axes.legend = False
    assert told(scene, state, (0, 1)) == []


# ── cameras ──────────────────────────────────────────────────────────────────────────────────────


def test_cameras_part_from_where_they_are_and_meet_at_the_one_handled_last():
    scene, state = Scene([bumpy(9), bumpy(9, seed=1), bumpy(9, seed=2)]), ViewState()
    state.camera.azimuth = 10.0
    link(scene, state)
    assert [camera_of(scene, state, k).azimuth for k in range(3)] == [10.0] * 3
    handle(scene, state, 2)
    state.camera.azimuth = 20.0
    handle(scene, state, 1)
    state.camera.azimuth = 30.0
    assert [camera_of(scene, state, k).azimuth for k in range(3)] == [10.0, 30.0, 20.0]
    state = ViewState.from_json(state.to_json())
    assert [camera_of(scene, state, k).azimuth for k in range(3)] == [10.0, 30.0, 20.0]
    link(scene, state)
    assert state.compare.cameras == ()
    assert [camera_of(scene, state, k).azimuth for k in range(3)] == [30.0] * 3
    handle(scene, state, 0)  # nobody's own
    assert state.camera.azimuth == 30.0


def test_cameras_of_their_own_see_each_landscape_their_way():
    scene, state = Scene([bumpy(9), bumpy(9, seed=1)]), ViewState()
    link(scene, state)
    handle(scene, state, 1)
    state.camera.elevation = 80.0
    _, (left, right) = views(scene, state, *SIZE, 1.0)
    assert (left.elevation, right.elevation) == pytest.approx((38.0, 80.0))


@pytest.mark.parametrize("arrangement", ["overlay", "swipe"])
def test_in_one_viewport_there_is_one_camera(arrangement):
    scene, state = Scene([bumpy(9), bumpy(9, seed=1)]), seen_as(arrangement)
    link(scene, state)
    handle(scene, state, 1)
    state.camera.azimuth = 77.0
    assert camera_of(scene, state, 0) is camera_of(scene, state, 1) is state.camera


def test_a_view_that_says_too_little_of_cameras_is_drawn():
    scene = Scene([bumpy(9), bumpy(9, seed=1)])
    for own in ({"handled": 7}, {"cameras": (CameraState(),)}, {"cameras": (), "handled": 1}):
        state = seen_as("grid", linked=False, **own)
        assert len(views(scene, state, *SIZE, 1.0)[1]) == 2
        handle(scene, state, 1)
        assert state.compare.handled == 1 and len(state.compare.cameras) == 2


@pytest.mark.parametrize("arrangement, first", [("overlay", 0), ("swipe", 0), ("swipe", 1)])
def test_what_is_handled_is_what_is_seen_once_landscapes_share_a_viewport(arrangement, first):
    scene, state = Scene([bumpy(9, seed=k) for k in range(4)]), ViewState()
    state.compare.first = first
    link(scene, state)
    for index in (1, 3):  # a swipe does not show the last one at all
        state.compare.arrangement = "grid"
        handle(scene, state, index)
        state.camera.azimuth = 10.0 + index
        state.compare.arrangement = arrangement
        before = camera_of(scene, state, first).azimuth
        complete(scene, state)
        assert camera_of(scene, state, first) is state.camera
        assert state.camera.azimuth == before  # the picture stays
        change(cmd.Look(0, 0), scene, state)  # and keys change it
        assert camera_of(scene, state, first).azimuth == 0.0
    state.compare.arrangement = "grid"
    assert camera_of(scene, state, 3).azimuth == 13.0  # the others kept theirs


def test_no_figure_has_the_camera_that_keys_change():
    scene, state = Scene([between(), bumpy(9), bumpy(9, seed=1)]), ViewState()
    link(scene, state)
    change(cmd.Look(0, 0), scene, state)
    assert state.compare.handled == 1 and camera_of(scene, state, 1).azimuth == 0.0


def test_a_difference_that_goes_takes_its_camera_along():
    scene, state = Scene([bumpy(9), bumpy(9, seed=1)]), ViewState()
    add_difference(scene, state)
    arranged(scene, state, *SIZE, 1.0)
    link(scene, state)
    handle(scene, state, 2)
    state.camera.azimuth = 99.0
    handle(scene, state, 1)
    state.camera.azimuth = 11.0
    handle(scene, state, 2)
    state.compare.differences = ()
    plan = arranged(scene, state, *SIZE, 1.0)
    frame_all(scene, state, plan.viewports, 1.0)
    assert (state.compare.handled, len(state.compare.cameras)) == (1, 2)
    assert [camera_of(scene, state, k).azimuth for k in (0, 1)] == [-60.0, 11.0]


def test_cameras_that_a_view_leaves_out_come_as_near_as_fits():
    scene = Scene([bumpy(9), bumpy(9, seed=1), bumpy(9, seed=2)])
    state = ViewState.from_json('{"lossviz_view": 1, "compare": {"linked": false}}')
    plan, before = views(scene, state, *SIZE, 1.0)
    frame_all(scene, state, plan.viewports, 1.0)
    assert all(camera.distance > 1 for camera in (state.camera, *state.compare.cameras))
    for one, other in zip(before, views(scene, state, *SIZE, 1.0)[1], strict=True):
        assert one.matrix == pytest.approx(other.matrix)
    for index in (2, 1):  # as a wheel does
        handle(scene, state, index)
        far = state.camera.distance
        zoom(state.camera, 1.15, np.array([0.1, 0.2, 0.3]))
        assert state.camera.distance == pytest.approx(far / 1.15)
        assert np.isfinite(state.camera.target).all()


def test_a_film_turns_every_camera():
    scene, state = Scene([bumpy(9), bumpy(9, seed=1)]), ViewState()
    link(scene, state)
    handle(scene, state, 1)
    state.camera.azimuth = 50.0
    state.picture.width, state.picture.height = 300, 200
    film = list(frames(scene, state, 4, turn=1.0))
    turned = [[camera_of(scene, own, k).azimuth for k in (0, 1)] for own in film]
    assert np.diff(turned, axis=0) == pytest.approx(np.full((3, 2), 90.0))
    assert turned[0] == [-60.0, 50.0] and min(
        camera_of(scene, own, k).distance for own in film for k in (0, 1)
    ) > 0  # fmt: skip


# ── differences ──────────────────────────────────────────────────────────────────────────────────


def test_a_difference_in_the_window_is_that_of_the_command():
    one, other = bumpy(9), bumpy(9, seed=1)
    scene, state = Scene([one, other]), ViewState()
    state.compare.first, state.compare.second = 1, 0
    add_difference(scene, state)
    add_difference(scene, state)  # is shown
    assert state.compare.differences == ((1, 0),)
    arranged(scene, state, *SIZE, 1.0)
    found, expected = scene.items[2], difference(other, one)
    for name, values in expected.surface.quantities.items():
        assert np.array_equal(found.surface.quantities[name], values, equal_nan=True)
    assert found.is_difference and found.title == expected.title
    assert (found.surface.quantities["accuracy"] == other.surface.quantities["accuracy"]).all()
    assert scene.quantities() == ["loss", "accuracy"]  # what may be chosen stays
    arranged(scene, state, *SIZE, 1.0)
    assert scene.items[2] is found  # made once
    scene.replace(0, bumpy(9, seed=3))
    arranged(scene, state, *SIZE, 1.0)
    assert scene.items[2] is not found
    again = difference(other, scene.items[0].landscape).surface.quantities["loss_difference"]
    assert np.array_equal(scene.items[2].surface.quantities["loss_difference"], again)
    state.compare.differences = ()
    arranged(scene, state, *SIZE, 1.0)
    assert len(scene.items) == 2 and scene.files == scene.items


def test_a_difference_has_its_own_colours_around_none():
    scene, state = Scene([bumpy(9), bumpy(9, seed=1)]), seen_as("grid", differences=((0, 1),))
    plan = arranged(scene, state, *SIZE, 1.0)
    assert [scene.color(state, k) for k in range(3)] == ["loss", "loss", "loss_log_ratio"]
    assert plan.scales == (0, 2) and len(plan.bars) == 2
    assert plan.bars[0].y + plan.bars[0].height < plan.bars[1].y
    state.surface.height_scale = state.surface.color_scale = "linear"
    assert scene.color(state, 2) == "loss_difference"
    span = scene.color_range(state, 2)
    own = scene.items[2].surface.quantities["loss_difference"]
    assert -span.low == span.high == np.abs(own).max()
    state.surface.color_range = (0.0, 1.0)  # is meant for the losses
    assert scene.color_range(state, 2) == span
    state.surface.color = "accuracy"
    assert scene.color(state, 2) == "accuracy_difference"
    state.surface.color = BASIN  # cannot be subtracted
    assert scene.color(state, 2) == "loss_difference"
    state.surface.color, state.surface.shared_scale = "loss", False
    assert arranged(scene, state, *SIZE, 1.0).scales == (0, 1, 2)
    assert scene.height_range(state, 2) == scene.height_range(state, 0)


def test_other_grids_have_no_difference():
    landscapes = [bumpy(9), bumpy(11), between(), scaled(bumpy(9), 2.0)]
    scene = Scene(landscapes)
    for second in (1, 3):
        with pytest.raises(UsageError, match="same grid, got 9x9"):
            add_difference(scene, seen_as("grid", second=second))
    with pytest.raises(UsageError, match="expected two surfaces"):
        add_difference(Scene([bumpy(9), between()]), ViewState())
    for pair, words in (((0, 1), "same grid"), ((0, 2), "curves only"), ((0, 4), "0 to 3, got")):
        with pytest.raises(UsageError, match=words):
            check(landscapes, seen_as("grid", differences=(pair,)))
    state = seen_as("grid", differences=((0, 1), (1, 1), (7, 0)))
    follow(scene, state)
    assert len(scene.items) == 5  # what is possible
    assert "0 to 3" in drop_impossible(scene, state) and state.compare.differences == ((1, 1),)
    assert drop_impossible(scene, state) == ""


# ── the pointer ──────────────────────────────────────────────────────────────────────────────────


def test_the_divider_is_dragged_within_its_viewport():
    scene, state = Scene([bumpy(9), bumpy(9, seed=1)]), seen_as("swipe")
    plan = arranged(scene, state, *SIZE, 1.0)
    x, port = plan.divider, plan.viewports[0]
    assert grab_divider(state, plan, 1.0, x + REACH + 1, 300) is None
    assert grab_divider(state, plan, 1.0, x, port.y - 1) is None
    drag = grab_divider(state, plan, 1.0, x + 4, 300)
    drag(x + 4, 320)
    assert state.compare.divider == pytest.approx(0.5, abs=1e-3)  # from where it was taken
    drag(port.x + 0.25 * port.width + 4, 100)
    assert state.compare.divider == pytest.approx(0.25)
    for end, share in ((-500, 0.0), (5000, 1.0)):
        drag(end, 300)
        assert state.compare.divider == share
    plain = arranged(scene, ViewState(), *SIZE, 1.0)
    assert grab_divider(state, plain, 1.0, x, 300) is None


def test_the_pointer_reads_the_nearest_surface_of_an_overlay_and_the_own_side_of_a_swipe():
    flat = np.ones((9, 9))
    low, high = with_loss(bumpy(9), flat), with_loss(bumpy(9), 2 * flat)
    for first in (0, 1):
        for elevation, nearest in ((40.0, 1), (-40.0, 0)):
            scene, state = Scene([low, high]), seen_as("overlay", first=first)
            state.camera.elevation = elevation
            found, seen = views(scene, state, *SIZE, 1.0)
            middle = np.array([[0.0, 0.0, scene.top(state) * nearest]])
            x, y = seen[0].project(middle)[0, :2] + (found.cells[0].x, found.cells[0].y)
            hit = pick(scene, state, *SIZE, 1.0, x, y)
            assert hit.index == nearest
    state = seen_as("swipe")
    state.camera.elevation = 89.0
    found, _ = views(scene, state, *SIZE, 1.0)
    hits = [pick(scene, state, *SIZE, 1.0, found.divider + side, 300) for side in (-20, 20)]
    assert [hit.index for hit in hits] == [0, 1]
    assert hits[0].alpha < hits[1].alpha
    state.compare = replace(state.compare, first=1, second=0)
    assert pick(scene, state, *SIZE, 1.0, found.divider - 20, 300).index == 1


def test_meshes_have_other_colours_than_the_runs_and_what_all_say_is_said_once():
    some = [bumpy(seed=k, name=f"number {k}").with_changes(trajectories=runs(3)) for k in range(3)]
    scene, state = Scene(some), ViewState()
    state.compare.arrangement = "overlay"
    found = told(scene, state, (0, 1, 2))
    colors = {entry.after: tuple(entry.colors[0].tolist()) for entry in found
              if entry.colors is not None and len(entry.colors) == 1}  # fmt: skip
    meshes = [colors.pop(f"number {k}") for k in (1, 2)]
    assert len(colors) == 3 and len({*meshes, *colors.values()}) == 5
    assert [entry.after for entry in found].count("○ start   ● end") == 1
    state.trajectories.shown = False
    plain = told(scene, state, (0, 1, 2))
    assert (mesh_inks(scene, state, (0, 1, 2)) == veil_inks(state, 2)).all() and len(plain) == 3
    # Where there are no other colours left, meshes have some all the same.
    many = Scene([bumpy(name="a").with_changes(trajectories=runs(10)), bumpy(seed=1)])
    state.trajectories.shown = True
    assert mesh_inks(many, state, (0, 1)).shape == (1, 3)
