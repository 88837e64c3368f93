"""Where a plane cuts a surface, against closed forms; and the plane in the scene."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossviz.errors import InputError
from lossviz.landscape import Landscape, Surface
from lossviz.viewer.between import between
from lossviz.viewer.camera import view
from lossviz.viewer.heights import Heights
from lossviz.viewer.items import Item
from lossviz.viewer.profiles import profiles_csv
from lossviz.viewer.scene import Scene
from lossviz.viewer.sections import (
    NOTHING_CLIPPED,
    behind_face,
    clip_plane,
    frame,
    is_clipped,
    marker,
    sections,
)
from lossviz.viewer.slicing import (
    isolines,
    offsets,
    points_at,
    present,
    profile,
    reach,
    shown_quantity,
    stations,
    titled,
)
from lossviz.viewer.state import CameraState, Cut, ViewState

from .scenes import bumpy, with_loss


def quadratic(n=41, m=31):
    """f = α² + 2 β² + α β + 1: cubic convolution has it exactly."""
    a, b = np.linspace(-1, 1, n), np.linspace(-0.5, 1.5, m)
    loss = a[:, None] ** 2 + 2 * b**2 + a[:, None] * b + 1
    return Landscape(surface=Surface(a, b, {"loss": loss}))


def f(alpha, beta):
    return alpha**2 + 2 * beta**2 + alpha * beta + 1


@pytest.mark.parametrize("along, at, point", [
    ("alpha", 0.3, lambda s: (s, 0.3)), ("beta", -0.2, lambda s: (-0.2, s)),
])  # fmt: skip
def test_a_profile_along_an_axis_is_the_function(along, at, point):
    item = Item(quadratic())
    found = profile(item, Cut("", along, 0.0, at), between(item, "loss"))
    assert found.values == pytest.approx([f(*point(s)) for s in found.places.tolist()], rel=1e-12)
    axis = item.surface.alphas if along == "alpha" else item.surface.betas
    assert set(axis.tolist()) <= set(found.places.tolist())
    assert (found.places[0], found.places[-1]) == (axis[0], axis[-1])


@given(st.floats(-360, 360), st.floats(0.05, 0.95))
def test_any_angle_is_a_straight_line_with_the_functions_values(angle, share):
    item = Item(quadratic())
    low, high = offsets(item, Cut("", "angle", angle))
    cut = Cut("", "angle", angle, low + share * (high - low))
    found = profile(item, cut, between(item, "loss"))
    assert found.values == pytest.approx(f(*found.points.T), rel=1e-9)
    step = np.hypot(*np.diff(found.points, axis=0).T)
    assert step == pytest.approx(np.diff(found.places), abs=1e-9)  # places are lengths
    x, y = found.points.T
    turn = math.radians(angle)
    assert -math.sin(turn) * x + math.cos(turn) * y == pytest.approx(cut.at, abs=1e-9)
    for edges, values in (((-1, 1), x), ((-0.5, 1.5), y)):  # from border to border
        assert edges[0] <= values.min() and values.max() <= edges[1]
    ends = found.points[[0, -1]]
    assert all(min(abs(abs(a) - 1), abs(b + 0.5), abs(b - 1.5)) < 1e-9 for a, b in ends)


def test_right_angles_are_the_axes_to_the_last_digit():
    item, own = Item(bumpy(21)), between(Item(bumpy(21)), "loss")
    for angle, along, sign in ((0.0, "alpha", 1), (90.0, "beta", -1), (-270.0, "beta", -1)):
        turned = profile(item, Cut("", "angle", angle, sign * 0.25), own)
        straight = profile(item, Cut("", along, 0.0, 0.25), own)
        assert (turned.values == straight.values).all()


def test_on_a_line_of_the_grid_the_stored_numbers_are_there():
    item = Item(bumpy(23))
    own = item.surface
    found = profile(item, Cut("", "alpha", 0.0, float(own.betas[7])), between(item, "loss"))
    at = np.isin(found.places, own.alphas)
    assert at.sum() == 23 and (found.values[at] == own.loss[:, 7]).all()


def test_a_hole_is_a_gap_of_its_own_width():
    loss = quadratic().surface.loss.copy()
    loss[10, 5] = np.nan
    item = Item(with_loss(quadratic(), loss))
    beta = float(item.surface.betas[5])
    found = profile(item, Cut("", "alpha", 0.0, beta), between(item, "loss"))
    gone = found.places[np.isnan(found.values)]
    alphas = item.surface.alphas
    assert gone.min() > alphas[9] and gone.max() < alphas[11]
    assert gone.min() - alphas[9] < 0.02 and alphas[11] - gone.max() < 0.02


def test_a_cut_beside_the_surface_is_none():
    item = Item(quadratic())
    for cut in (
        Cut("", "alpha", 0.0, 1.6),
        Cut("", "beta", 0.0, -1.1),
        Cut("", "angle", 45.0, 9.0),
    ):
        assert reach(item, cut) is None and not stations(item, cut).size
        assert not profile(item, cut, between(item, "loss")).values.size
    assert points_at(item, Cut("", "alpha", 0.0, 0.1), np.zeros(0)).shape == (0, 2)


def test_isolines_are_where_the_function_has_the_level():
    """f = 1.5 is the ellipse α² + αβ + 2 β² = 1/2, within the window on one side."""
    item = Item(quadratic())
    own = between(item, "loss")
    found = isolines(own, 1.5, exact=True)
    assert len(found.points) > 100 and found.first.sum() == 1
    assert f(*found.points.T) == pytest.approx(1.5, abs=1e-10)
    assert own.at(found.points) == pytest.approx(1.5, abs=1e-10)
    drawn = isolines(own, 1.5)
    assert f(*drawn.points.T) == pytest.approx(1.5, abs=1e-3)  # straight within the mesh's edges


@pytest.mark.parametrize("level", [0.0, -1.0, 1e300, np.nan])
def test_a_level_that_is_nowhere_has_no_isoline(level):
    for landscape in (quadratic(), bumpy(21)):
        assert not len(isolines(between(Item(landscape), "loss"), level).points)


def cut_scene(along="alpha", *, landscape=None, **changes):
    state = ViewState()
    state.slice.shown, state.slice.along = True, along
    for name, value in changes.items():
        setattr(state.slice, name, value)
    return Scene([landscape or bumpy(31)]), state


@pytest.mark.parametrize("along", ["alpha", "beta", "angle", "level"])
@pytest.mark.parametrize("smooth", [True, False])
@pytest.mark.parametrize("moving", [True, False])
def test_the_line_lies_on_the_drawn_triangles_and_in_the_plane(along, smooth, moving):
    scene, state = cut_scene(along, offset=0.13)
    state.surface.smooth = smooth
    (section,) = sections(scene, state, 0, moving=moving)
    points = section.lines.points
    assert len(points) > 30
    mesh = Heights(scene, state, 0, 5 if moving and smooth else 1)
    assert points[:, 2] == pytest.approx(mesh.at(points), abs=1e-9)
    cut = present(scene, state, 0)
    if along == "level":
        level = float(scene.height_range(state, 0).unit(np.array(cut.at))) * scene.top(state)
        assert points[:, 2] == pytest.approx(level, abs=0.03)
    else:
        own = scene.items[0].unplace(points[:, :2])
        expected = points_at(scene.items[0], cut, own @ np.array(
            {"alpha": (1, 0), "beta": (0, 1)}.get(along, (math.sqrt(0.5),) * 2)))  # fmt: skip
        assert own == pytest.approx(expected, abs=1e-9)


def looking(azimuth=-60.0, elevation=38.0, **more):
    return view(CameraState(azimuth, elevation, 4.0, **more), 400, 300)


@pytest.mark.parametrize("orthographic", [True, False])
@pytest.mark.parametrize("azimuth", [-60.0, 120.0, 20.0])
@pytest.mark.parametrize("along", ["alpha", "beta", "angle", "level"])
def test_what_is_clipped_is_the_eyes_side(along, azimuth, orthographic):
    scene, state = cut_scene(along, mode="clip")
    seen = looking(azimuth, orthographic=orthographic)
    plane = clip_plane(scene, state, 0, seen)
    toward = -seen.forward if orthographic else seen.eye
    assert is_clipped(plane, 3 * toward[None])[0] and not is_clipped(plane, -3 * toward[None])[0]
    found = frame(scene, state, 0, present(scene, state, 0), seen)
    on_plane = np.vstack([found.corners, found.handle])
    assert not is_clipped(plane, on_plane).any()
    assert on_plane @ np.array(plane[:3]) + plane[3] == pytest.approx(0.0, abs=1e-12)
    state.slice.mode = "cut"
    assert clip_plane(scene, state, 0, seen) == NOTHING_CLIPPED
    state.slice.mode, state.slice.offset, state.slice.level = "clip", 7.0, 1e9
    assert clip_plane(scene, state, 0, seen) == NOTHING_CLIPPED


def test_the_marker_is_at_the_height_of_its_value():
    scene, state = cut_scene(marker=(0.3, 0.0))
    x, y, z = marker(scene, state, 0)
    assert (x, y) == pytest.approx((0.3, 0.0))
    value = shown_quantity(scene, state, 0).at(np.array([[0.3, 0.0]]))
    assert z == pytest.approx(float(scene.height_range(state, 0).unit(value)[0]) * scene.top(state))
    assert z == pytest.approx(Heights(scene, state, 0).at(np.array([[x, y]]))[0], abs=2e-3)
    state.slice.marker = (3.0, 0.0)
    assert marker(scene, state, 0) is None


def test_pinned_slices_have_lines_of_their_own_and_are_laid_once():
    kept = Cut("mine", "beta", 45.0, 0.5)
    scene, state = cut_scene(pinned=(kept,))
    first, second = sections(scene, state, 0)
    assert second.cut == kept and second.lines.points[:, 0] == pytest.approx(0.5)
    state.slice.offset = 0.4
    assert sections(scene, state, 0)[1] is second and sections(scene, state, 0)[0] is not first
    state.surface.height = "accuracy"
    assert sections(scene, state, 0)[1].key != second.key


def test_names_tell_where_a_slice_is():
    assert titled("alpha", 0, 0.25) == "β = 0.25" and titled("beta", 0, -1) == "α = −1"
    assert titled("angle", 30, 0.1) == "30° at 0.1"
    assert titled("level", 0, 0.5, "test_loss") == "test loss = 0.5"


def rows(text):
    head, *rest = text.splitlines()
    return head.split(","), [line.split(",") for line in rest]


def test_the_windows_csv_has_every_slice_of_every_landscape():
    scene = Scene([bumpy(21), bumpy(21, seed=1, name="other")])
    state = ViewState()
    state.slice.shown, state.slice.offset = True, 0.0
    state.slice.pinned = (Cut("flat", "level", 0.0, 1.0), Cut("mine", "beta", 0.0, 0.1))
    head, found = rows(profiles_csv(scene, state))
    assert head == ["landscape", "slice", "place", "alpha", "beta", "loss"]
    assert {row[1] for row in found} == {"β = 0", "flat", "mine"}
    for index, name in enumerate(("bumpy", "other")):
        own = scene.items[index].surface
        along = {float(r[2]): float(r[5]) for r in found if r[0] == name and r[1] == "β = 0"}
        assert [along[alpha] for alpha in own.alphas.tolist()] == own.loss[:, 10].tolist()
        flat = [float(r[5]) for r in found if r[0] == name and r[1] == "flat"]
        assert flat == pytest.approx([1.0] * len(flat), rel=1e-9) and len(flat) > 20


def test_a_view_with_slices_and_labels_survives_json():
    _, state = cut_scene("angle", angle=-12.5, offset=0.1, mode="clip", marker=(0.5, -0.25))
    state.slice.pinned = (Cut("α — mine", "level", 1.0, 2.0), Cut("", "beta", 3.0, -4.0))
    state.labels.places = ((0, 0.5, 0.25), (3, -1.0, 2.0))
    assert ViewState.from_json(state.to_json()) == state


@pytest.mark.parametrize("place, value, part", [
    ("along", "gamma", "expected one of"), ("mode", 3, "expected str"),
    ("angle", "x", "finite number"), ("offset", math.inf, "finite number"),
    ("marker", [1], "expected 2 numbers"), ("pinned", 3, "up to 20 slices"),
    ("pinned", [{}] * 21, "up to 20 slices"), ("pinned", [3], "expected an object"),
    ("pinned", [{"along": []}], "expected one of"), ("pinned", [{"name": 3}], "letters"),
    ("pinned", [{"name": "x" * 201}], "letters"), ("pinned", [{"at": None}], "finite number"),
])  # fmt: skip
def test_a_strange_slice_in_a_view_is_refused_in_a_line(place, value, part):
    known = json.loads(ViewState().to_json())
    known["slice"][place] = value
    with pytest.raises(InputError, match=part) as caught:
        ViewState.from_json(json.dumps(known))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("orthographic", [True, False])
@pytest.mark.parametrize("along", ["alpha", "beta", "angle"])
def test_the_face_of_a_clipped_surface_hides_what_is_behind_it(along, orthographic):
    scene, state = cut_scene(along, mode="clip", offset=0.1)
    seen = looking(azimuth=-60.0, elevation=40.0, orthographic=orthographic)
    plane = clip_plane(scene, state, 0, seen)
    mesh = Heights(scene, state, 0)
    x, y = np.meshgrid(np.linspace(-0.9, 0.9, 21), np.linspace(-0.9, 0.9, 21))
    floor = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, scene.floor(state))])
    found = behind_face(plane, floor, seen, mesh)
    assert found.any() and not found.all()
    assert not found[is_clipped(plane, floor)].any()
    # By many steps on the way to the eye: the first on the eye's side lies beside or in the face.
    way = -seen.forward if orthographic else seen.eye - floor
    steps = np.linspace(0, 3.0 if orthographic else 1.0, 20_001)[1:]
    for point, one, hidden in zip(floor, np.broadcast_to(way, floor.shape), found, strict=True):
        along_it = point + steps[:, None] * one
        over = np.flatnonzero(is_clipped(plane, along_it))
        if not len(over) or is_clipped(plane, point[None])[0]:
            assert not hidden
            continue
        first = along_it[over[0]]
        top = mesh.at(first[None])[0]
        if min(abs(first[2]), abs(first[2] - top)) > 1e-3:
            assert hidden == (0 < first[2] < top)
    assert not behind_face(NOTHING_CLIPPED, floor, seen, mesh).any()
