"""The camera against projections worked out by hand."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lossviz.viewer import camera
from lossviz.viewer.state import CameraState

BOX = (np.array([-1.0, -1.0, -0.4]), np.array([1.0, 1.0, 1.1]))
CORNERS = np.array(np.meshgrid([-1, 1], [-1, 1], [-0.4, 1.1])).reshape(3, -1).T


def test_target_is_seen_in_the_middle():
    seen = camera.view(CameraState(distance=4.0, target=(0.3, -0.2, 0.5)), 800, 600)
    assert seen.project(np.array([0.3, -0.2, 0.5]))[0, :2] == pytest.approx([400, 300])


def test_perspective_by_hand():
    """Looking down the y axis from 4 away, a point 1 to the right at the target's depth."""
    state = CameraState(azimuth=-90, elevation=0, distance=4.0, fov=40)
    x, y, _ = camera.view(state, 600, 600).project(np.array([1.0, 0.0, 0.5]))[0]
    half = 4 * np.tan(np.radians(20))
    assert x == pytest.approx(300 + 300 / half)
    assert y == pytest.approx(300 - 150 / half)


def test_from_above_alpha_points_right():
    seen = camera.view(CameraState(azimuth=-90, elevation=90, distance=5.0), 500, 500)
    origin, alpha, beta = seen.project(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]]))
    assert alpha[0] > origin[0] and alpha[1] == pytest.approx(origin[1])
    assert beta[1] < origin[1] and beta[0] == pytest.approx(origin[0])


@given(
    st.floats(-180, 180), st.floats(-90, 90), st.floats(0.3, 3.0), st.booleans(), st.floats(15, 70),
    st.tuples(*[st.floats(0, 100)] * 4),
)  # fmt: skip
@example(2.0, 28.0, 3.0, False, 67.0, (42.0, 42.0, 42.0, 42.0))
def test_fit_fills_the_room_between_the_insets(azimuth, elevation, aspect, flat, fov, insets):
    state = CameraState(azimuth=azimuth, elevation=elevation, orthographic=flat, fov=fov)
    width, height = 900 * aspect, 900
    camera.resolve(state, BOX, width, height, insets)
    pixels = camera.view(state, width, height).project(CORNERS)[:, :2]
    left, top, right, bottom = insets
    room = np.array([[left, top], [width - right, height - bottom]])
    beside = np.array([pixels.min(axis=0) - room[0], room[1] - pixels.max(axis=0)])
    assert beside.min() == pytest.approx(0, abs=0.1)  # all of it is seen, and as large as can be
    assert beside[0] == pytest.approx(beside[1], abs=2)  # in the middle


@given(st.floats(10, 790), st.floats(10, 590), st.booleans())
def test_ray_is_the_inverse_of_project(x, y, flat):
    state = CameraState(distance=4.0, orthographic=flat)
    seen = camera.view(state, 800, 600)
    origin, direction = seen.ray(x, y)
    assert seen.project(origin + 3.0 * direction)[0, :2] == pytest.approx([x, y], abs=1e-5)


@given(st.floats(0.5, 2.0))
def test_zoom_keeps_the_point_under_the_cursor(factor):
    state = CameraState(distance=4.0, orthographic=True)
    point = np.array([0.4, 0.3, 0.2])
    before = camera.view(state, 800, 600).project(point)[0, :2]
    camera.zoom(state, factor, point)
    assert camera.view(state, 800, 600).project(point)[0, :2] == pytest.approx(before, abs=1e-6)


def test_a_camera_that_is_to_fit_does_not_come_nearer():
    """As by a wheel before the first picture: nothing is divided by a distance of 0."""
    state = CameraState()
    with np.errstate(all="raise"):
        camera.zoom(state, 1.3, np.array([0.2, 0.1, 0.3]))
    assert state == CameraState()


def test_pan_moves_the_picture_with_the_pointer():
    state = CameraState(distance=4.0)
    seen = camera.view(state, 800, 600)
    target = np.array(state.target)
    camera.pan(state, seen, 37, -21)
    moved = camera.view(state, 800, 600).project(target)[0, :2]
    assert moved == pytest.approx([437, 279], abs=1.0)


def test_orbit_stops_at_the_poles():
    state = CameraState()
    camera.orbit(state, 720, 500)
    assert state.elevation == 90 and state.azimuth == pytest.approx(-60)


@pytest.mark.parametrize("orthographic", [False, True])
def test_no_camera_is_so_near_that_numbers_overflow(orthographic):
    near = [
        camera.view(CameraState(distance=distance, orthographic=orthographic), 400, 300)
        for distance in (5e-324, 1e-59, camera.NEAREST)
    ]
    with np.errstate(over="raise"):
        assert all((seen.matrix.astype(np.float32) == near[-1].matrix.astype(np.float32)).all()
                   for seen in near)  # fmt: skip


def test_what_lies_in_the_plane_of_the_eye_has_no_place():
    seen = camera.view(CameraState(azimuth=0.0, elevation=0.0, distance=4.0), 400, 300)
    beside = seen.eye + 2.0 * seen.right
    assert not np.isfinite(seen.project(np.stack([beside, seen.eye]))[:, :2]).any(axis=1).any()
    assert np.isfinite(seen.project(np.zeros((1, 3)))).all()
