"""The slice under the pointer: a plane that is dragged is where the pointer is."""

import numpy as np
import pytest

from lossviz.viewer.picking import pick
from lossviz.viewer.picture import views
from lossviz.viewer.scene import Scene
from lossviz.viewer.sections import clip_plane, frame, is_clipped
from lossviz.viewer.slicing import present, shown_quantity
from lossviz.viewer.sliding import grab, under_pointer
from lossviz.viewer.state import ViewState

from .scenes import between, bumpy

SIZE = (800, 600, 1.0)


def made(along="alpha", scene=None, **changes):
    state = ViewState()
    state.slice.shown, state.slice.along = True, along
    for name, value in changes.items():
        setattr(state.slice, name, value)
    return scene or Scene([bumpy(31)]), state


def seen_frame(scene, state, index=0):
    """Pixels (5, 2) of the corners and of the handle."""
    found, seen = views(scene, state, *SIZE)
    own = frame(scene, state, index, present(scene, state, index), seen[index])
    points = np.vstack([own.corners, own.handle])
    cell = found.cells[index]
    return seen[index].project(points)[:, :2] + (cell.x, cell.y)


@pytest.mark.parametrize("along, changes", [
    ("alpha", {"offset": -0.2}), ("beta", {"offset": 0.1}), ("angle", {"angle": 25.0}),
    ("level", {"level": 2.0}),
])  # fmt: skip
@pytest.mark.parametrize("orthographic", [True, False])
def test_the_handle_follows_the_pointer(along, changes, orthographic):
    scene, state = made(along, **changes)
    state.camera.orthographic = orthographic
    handle = seen_frame(scene, state)[4]
    drag = grab(scene, state, *SIZE, *(handle + (2, -3)))
    before = present(scene, state, 0).at
    other = made(along, **changes)[1]  # where is the handle of a plane a little further on
    other.camera.orthographic = orthographic
    setattr(other.slice, "level" if along == "level" else "offset", before + 0.1)
    way = seen_frame(scene, other)[4] - handle
    drag(*(handle + (2, -3) + way))
    assert present(scene, state, 0).at - before == pytest.approx(0.1, abs=0.03)
    drag(*(handle + (2, -3)))
    assert present(scene, state, 0).at == pytest.approx(before, abs=1e-9)


@pytest.mark.parametrize("along", ["alpha", "beta", "angle", "level"])
def test_dragged_far_the_plane_stays_within_the_surface(along):
    scene, state = made(along)
    handle = seen_frame(scene, state)[4]
    drag = grab(scene, state, *SIZE, *handle)
    for to in ((-5000, 3000), (9000, -9000)):
        drag(*to)
        (seen,) = views(scene, state, *SIZE)[1]
        assert frame(scene, state, 0, present(scene, state, 0), seen) is not None


def test_seen_head_on_a_plane_does_not_run_away():
    scene, state = made()
    state.camera.azimuth, state.camera.elevation = -90.0, 0.0
    drag = grab(scene, state, *SIZE, *seen_frame(scene, state)[4])
    drag(300, 200)
    assert abs(state.slice.offset) <= 1


def test_the_outline_can_be_held_and_nothing_else():
    scene, state = made(offset=0.1)
    corners = seen_frame(scene, state)[:4]
    middle = (corners[1] + corners[2]) / 2
    assert grab(scene, state, *SIZE, *middle) is not None
    assert grab(scene, state, *SIZE, *(middle + (9, 0))) is None
    assert grab(scene, state, *SIZE, 2, 2) is None
    state.slice.offset = 8.0
    assert grab(scene, state, *SIZE, *middle) is None
    state.slice.offset, state.slice.shown = 0.1, False
    assert grab(scene, state, *SIZE, *middle) is None


def test_the_line_under_the_pointer_gives_its_place():
    scene, state = made(offset=0.1)
    _, (view,) = views(scene, state, *SIZE)
    cell = views(scene, state, *SIZE)[0].cells[0]
    value = shown_quantity(scene, state, 0).at(np.array([[0.4, 0.1]]))
    z = float(scene.height_range(state, 0).unit(value)[0]) * scene.top(state)
    x, y = view.project(np.array([[0.4, 0.1, z]]))[0, :2] + (cell.x, cell.y)
    alpha, beta = under_pointer(scene, state, *SIZE, x + 1, y - 2)
    assert alpha == pytest.approx(0.4, abs=0.03) and beta == pytest.approx(0.1, abs=1e-9)
    assert under_pointer(scene, state, *SIZE, 3, 3) is None
    state.slice.shown = False
    assert under_pointer(scene, state, *SIZE, x, y) is None


def test_figures_beside_a_surface_have_no_slice():
    scene, state = made(scene=Scene([between(), bumpy(21)]))
    handle = seen_frame(scene, state, 1)[4]
    assert grab(scene, state, *SIZE, *handle) is not None
    cell = views(scene, state, *SIZE)[0].cells[0]
    assert grab(scene, state, *SIZE, cell.x + 50, cell.y + 50) is None
    assert under_pointer(scene, state, *SIZE, cell.x + 50, cell.y + 50) is None


def test_what_is_clipped_is_not_picked():
    scene, state = made()
    hits = {}
    for mode in ("cut", "clip"):
        state.slice.mode = mode
        hits[mode] = [pick(scene, state, *SIZE, x, y)
                      for x in range(200, 620, 30) for y in range(200, 480, 30)]  # fmt: skip
    (view,) = views(scene, state, *SIZE)[1]
    plane = clip_plane(scene, state, 0, view)
    assert not any(is_clipped(plane, hit.point[None])[0] for hit in hits["clip"] if hit)
    gone = [a for a, b in zip(hits["cut"], hits["clip"], strict=True)
            if a and (b is None or abs(a.alpha - b.alpha) > 1e-3)]  # fmt: skip
    assert len(gone) > 10 and all(is_clipped(plane, hit.point[None])[0] for hit in gone)
