"""The mouse over the picture."""

from functools import partial

import glfw
import numpy as np
import pytest

from lossviz.landscape import CriticalPoint
from lossviz.viewer import camera
from lossviz.viewer.gestures import Gestures
from lossviz.viewer.picking import Hit, SignHit
from lossviz.viewer.state import CameraState

LEFT, RIGHT, MIDDLE = (
    glfw.MOUSE_BUTTON_LEFT, glfw.MOUSE_BUTTON_RIGHT, glfw.MOUSE_BUTTON_MIDDLE,
)  # fmt: skip
POINT = (0.3, -0.2, 0.1)


@pytest.fixture
def own():
    return CameraState(distance=5.0)


@pytest.fixture
def mouse(own):
    hit = Hit(0, np.array(POINT), 0.3, -0.2)
    made = Gestures(
        lambda x, y: hit if x < 400 else None, lambda x, y: camera.view(own, 400, 400), 1.0
    )
    made.move(own, 200, 200)
    return made


def test_nothing_moves_without_a_button(mouse, own):
    assert not mouse.move(own, 250, 220)
    assert own == CameraState(distance=5.0)


def test_left_drag_turns_in_points_not_pixels(mouse, own):
    mouse.press(own, LEFT, False, 0.0)
    assert mouse.move(own, 210, 190)
    first = own.azimuth
    mouse.scale = 2.0
    mouse.move(own, 220, 190)
    assert first == pytest.approx(-63.5) and own.azimuth == pytest.approx(-65.25)
    assert own.target == (0.0, 0.0, 0.0)
    mouse.release(own)
    assert not mouse.move(own, 300, 300)


@pytest.mark.parametrize("button, shift", [(RIGHT, False), (LEFT, True)])
def test_pan_moves_the_pivot_with_the_pointer(mouse, own, button, shift):
    before = camera.view(own, 400, 400).project(np.zeros((1, 3)))[0, :2]
    mouse.press(own, button, shift, 0.0)
    assert mouse.move(own, 230, 180)
    after = camera.view(own, 400, 400).project(np.zeros((1, 3)))[0, :2]
    assert after - before == pytest.approx([30, -20], abs=0.5)
    assert own.azimuth == -60.0


@pytest.mark.parametrize("presses", [1, 2])
def test_a_pan_into_another_cell_goes_on_as_it_began(mouse, own, presses):
    other = CameraState(azimuth=120.0, distance=50.0)  # each landscape has its own
    mouse.view_at = lambda x, y: camera.view(own if x < 400 else other, 400, 400)
    mouse.move(own, 390, 200)
    for now in range(presses):
        mouse.press(own, LEFT, True, 0.1 * now)
    before = camera.view(own, 400, 400).project(np.zeros((1, 3)))[0, :2]
    for x in (395, 410, 430, 450):
        assert mouse.move(own, x, 200)
    after = camera.view(own, 400, 400).project(np.zeros((1, 3)))[0, :2]
    assert after - before == pytest.approx([60, 0], abs=0.5)


def test_a_pan_from_beside_the_cells_begins_in_the_first_one(mouse, own):
    seen = mouse.view_at
    mouse.view_at = lambda x, y: seen(x, y) if y > 50 else None
    mouse.move(own, 200, 30)
    mouse.press(own, RIGHT, False, 0.0)
    assert not mouse.move(own, 200, 40) and own.target == (0.0, 0.0, 0.0)
    assert mouse.move(own, 200, 60) and own.target != (0.0, 0.0, 0.0)


def test_middle_click_turns_around_the_point(mouse, own):
    assert mouse.press(own, MIDDLE, False, 0.0)
    assert own.target == POINT and own.distance == 5.0


def test_double_click_flies_to_the_point(mouse, own):
    assert not mouse.press(own, LEFT, False, 0.0)
    mouse.release(own)
    assert mouse.press(own, LEFT, False, 0.2)
    assert own.target == POINT and own.distance == 2.5


@pytest.mark.parametrize("later, where", [(0.6, 200), (0.2, 220)], ids=["slow", "elsewhere"])
def test_two_single_clicks_do_not_fly(mouse, own, later, where):
    mouse.press(own, LEFT, False, 0.0)
    mouse.release(own)
    mouse.move(own, where, 200)
    assert not mouse.press(own, LEFT, False, later)
    assert own.distance == 5.0


def test_a_click_beside_the_surface_changes_nothing(mouse, own):
    mouse.move(own, 450, 200)
    assert not mouse.press(own, MIDDLE, False, 0.0)
    assert own == CameraState(distance=5.0)


def test_the_wheel_keeps_what_is_under_the_pointer_in_place(mouse, own):
    before = camera.view(own, 400, 400).project(np.array([POINT]))[0, :2]
    assert mouse.scroll(own, 0.0, 2.0)
    after = camera.view(own, 400, 400).project(np.array([POINT]))[0, :2]
    assert own.distance < 5.0 and after == pytest.approx(before, abs=0.5)
    mouse.scroll(own, 0.0, -2.0)
    assert own.distance == pytest.approx(5.0)
    assert mouse.scroll(own, 0.0, 0.1)
    assert not mouse.scroll(own, 3.0, 0.0)  # a wheel that is tilted


@pytest.mark.parametrize("notches", [3.0, 8.0, 1e9])
def test_no_event_comes_nearer_by_more_than_three_notches(mouse, own, notches):
    mouse.scroll(own, 0.0, notches)
    assert own.distance == pytest.approx(5.0 / 1.15**3)
    mouse.scroll(own, 0.0, -notches)
    assert own.distance == pytest.approx(5.0)


def test_two_fingers_turn_as_a_drag_does(mouse, own):
    assert mouse.scroll(own, 0.5, -0.25, "turn")
    turned = own.azimuth, own.elevation
    dragged = CameraState(distance=5.0)
    mouse.press(dragged, LEFT, False, 0.0)
    mouse.move(dragged, 205, 197.5)
    assert turned == pytest.approx((dragged.azimuth, dragged.elevation))
    assert own.target == (0.0, 0.0, 0.0) and own.distance == 5.0
    before = own.azimuth
    mouse.scroll(own, 1e9, 0.0, "turn")
    assert abs(own.azimuth - before) <= 3 * 3.5 + 1e-9


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_two_fingers_move_the_picture_with_them(mouse, own, scale):
    mouse.scale = scale
    before = camera.view(own, 400, 400).project(np.zeros((1, 3)))[0, :2]
    assert mouse.scroll(own, 1.5, -0.5, "move")
    after = camera.view(own, 400, 400).project(np.zeros((1, 3)))[0, :2]
    assert after - before == pytest.approx([15 * scale, -5 * scale], abs=0.5)
    assert own.azimuth == -60.0 and own.distance == 5.0


@pytest.fixture
def signs(mouse):
    """A critical point's sign left of 100, and what balls were dropped."""
    point = CriticalPoint(0.3, -0.2, 1.0, 1.0, 1.0, "minimum")
    mouse.sign_at = lambda x, y: SignHit(0, np.array(POINT), point) if x < 100 else None
    mouse.dropped = []
    mouse.drop = mouse.dropped.append
    mouse.move(CameraState(), 50, 200)
    return mouse


def test_a_click_on_a_sign_flies_to_it_and_a_second_one_does_nothing_more(signs, own):
    assert not signs.press(own, LEFT, False, 0.0)
    assert own.distance == 5.0
    assert signs.release(own)
    assert own.target == POINT and own.distance == 2.5
    signs.move(own, 200, 200)  # the sign went away from under the pointer
    assert not signs.press(own, LEFT, False, 0.1)
    assert not signs.release(own) and own.distance == 2.5


@pytest.mark.parametrize(
    "button, shift, way", [(RIGHT, False, 0), (LEFT, True, 0), (LEFT, False, 9)]
)
def test_only_a_left_click_in_place_flies(signs, own, button, shift, way):
    signs.press(own, button, shift, 0.0)
    signs.move(own, 50 + way, 200)
    signs.move(own, 50, 200)
    assert not signs.release(own) and own.distance == 5.0


def test_shift_and_double_click_drop_a_ball_and_the_camera_stays(signs, own):
    signs.move(own, 300, 200)
    for now in (0.0, 0.2):
        assert not signs.press(own, LEFT, True, now)
        assert not signs.release(own)
    (hit,) = signs.dropped
    assert (hit.alpha, hit.beta) == (0.3, -0.2) and own == CameraState(distance=5.0)
    signs.move(own, 450, 200)  # beside the surface
    for now in (1.0, 1.2):
        signs.press(own, LEFT, True, now)
        signs.release(own)
    assert len(signs.dropped) == 1


@pytest.fixture
def labelled(mouse):
    """Where labels were asked for."""
    mouse.labels = []
    mouse.label = lambda x, y: partial(mouse.labels.append, (x, y)) if x < 400 else None
    return mouse


def test_a_click_labels_when_no_other_one_follows(labelled, own):
    assert labelled.settle(0.0) == np.inf
    assert not labelled.press(own, LEFT, False, 1.0)
    assert not labelled.release(own)
    assert labelled.settle(1.1) == pytest.approx(0.25) and not labelled.labels
    assert labelled.settle(1.4) == 0.0
    assert labelled.labels == [(200, 200)]
    assert labelled.settle(2.0) == np.inf and len(labelled.labels) == 1


def test_two_clicks_in_two_places_are_two_labels(labelled, own):
    for k in range(2):
        labelled.move(own, 200 + 50 * k, 200)
        labelled.press(own, LEFT, False, 0.1 * k)
        labelled.release(own)
    labelled.settle(9.0)
    assert len(labelled.labels) == 2


def test_a_double_click_flies_and_labels_nothing(labelled, own):
    labelled.press(own, LEFT, False, 0.0)
    labelled.release(own)
    assert labelled.press(own, LEFT, False, 0.2)
    labelled.release(own)
    assert labelled.settle(9.0) == np.inf and not labelled.labels and own.target == POINT


@pytest.mark.parametrize(
    "button, shift, way", [(RIGHT, False, 0), (MIDDLE, False, 0), (LEFT, True, 0), (LEFT, False, 9)]
)
def test_only_a_left_click_in_place_labels(labelled, own, button, shift, way):
    labelled.press(own, button, shift, 0.0)
    labelled.move(own, 200 + way, 200)
    labelled.move(own, 200, 200)
    labelled.release(own)
    labelled.move(own, 450, 200)  # beside the surface
    labelled.press(own, LEFT, False, 1.0)
    labelled.release(own)
    assert labelled.settle(9.0) == np.inf and not labelled.labels


def test_what_is_grabbed_moves_in_the_place_of_the_camera(labelled, own):
    went = []
    labelled.grab = lambda x, y: (lambda *to: went.append(to)) if x < 210 else None
    assert not labelled.press(own, LEFT, False, 0.0)
    assert labelled.move(own, 230, 220) and labelled.move(own, 500, 220)
    assert went == [(230, 220), (500, 220)] and own == CameraState(distance=5.0)
    labelled.move(own, 200, 200)
    assert not labelled.release(own) and labelled.settle(9.0) == np.inf  # nor is it a click
    assert not labelled.move(own, 240, 240) and len(went) == 3
    labelled.press(own, LEFT, False, 1.0)  # beside the handle
    assert labelled.move(own, 250, 240) and len(went) == 3 and own.azimuth != -60.0
