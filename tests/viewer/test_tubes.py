"""Trajectories as tubes, and signs where they are dense: how they look, and what is in front."""

import numpy as np
import pytest

from lossviz.landscape import CriticalPoint, Landscape, Surface, Trajectory
from lossviz.viewer.colormaps import to_linear
from lossviz.viewer.inks import UNKNOWN
from lossviz.viewer.paths import MISSING
from lossviz.viewer.renderers.paths import sign_colors
from lossviz.viewer.scene import Scene
from lossviz.viewer.screenshot import take
from lossviz.viewer.state import ViewState

from .scenes import bumpy
from .test_pictures import SIZE, _set, with_paths


def dense():
    random = np.random.default_rng(0)
    kinds = ("minimum", "saddle", "maximum")
    return bumpy().with_changes(critical_points=[
        CriticalPoint(a, b, 1.0, 1.0, 2.0, kinds[i % 3], 10 ** random.uniform(-1, 1))
        for i, (a, b) in enumerate(random.uniform(-1, 1, (2000, 2)).tolist())
    ])  # fmt: skip


CASES = {
    "tubes_light_near": (
        lambda s: _set(s, "trajectories", width=6.0, color="step")
        or _set(s, "camera", distance=1.4, target=(0.4, 0.2, 0.2)),
        lambda: [with_paths(bumpy(), 2)],
    ),
    "tubes_dark_occluded": (
        lambda s: _set(s, "camera", elevation=12.0, azimuth=30.0)
        or _set(s, "picture", theme="dark") or _set(s, "trajectories", color="off_plane"),
        lambda: [with_paths(bumpy(), 5)],
    ),
    "tubes_paper_floor_own_losses": (
        lambda s: _set(s, "camera", elevation=60.0) or _set(s, "picture", theme="paper")
        or _set(s, "trajectories", true_loss=True, played=0.7)
        or _set(s, "surface", height_ratio=0.3),
        lambda: [with_paths(bumpy(), 3)],
    ),
    "tubes_off": (
        lambda s: _set(s, "trajectories", tubes=False), lambda: [with_paths(bumpy(), 2)],
    ),
    "critical_dense": (lambda s: None, lambda: [dense()]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_picture(name, picture, image_match):
    change, landscapes = CASES[name]
    state = ViewState()
    change(state)
    image_match(name, take(picture, Scene(landscapes()), state, **SIZE))


def crossing(heights):
    """Two runs that cross over the middle of a plane, seen from above, at their own losses."""
    axis = np.linspace(-1, 1, 21)
    flat = Landscape(surface=Surface(axis, axis, {"loss": np.outer(axis, np.ones(21)) * 0.01}))
    along = np.linspace(-0.8, 0.8, 60)[:, None]
    points = along * [1, 0], along * [0, 1]
    runs = [Trajectory(f"run {i}", "optimiser", places, np.full(60, height))
            for i, (places, height) in enumerate(zip(points, heights, strict=True))]  # fmt: skip
    state = ViewState()
    _set(state, "surface", height_range=(-1.0, 10.0), height_scale="linear", colormap="grey")
    _set(state, "trajectories", true_loss=True, width=30.0, floor=False)
    _set(state, "camera", azimuth=-90.0, elevation=90.0, orthographic=True)
    _set(state, "axes", axes=False, color_bar=False, title=False, legend=False)
    _set(state, "isolines", surface=False, floor=False)
    return Scene([flat.with_changes(trajectories=runs)]), state


@pytest.mark.parametrize("first", [True, False])
def test_the_nearer_of_two_tubes_hides_the_other_and_its_halo_parts_them(picture, first):
    scene, state = crossing((8.0, 4.0) if first else (4.0, 8.0))
    rgb = take(picture, scene, state, width=720, height=720)[..., :3].astype(int)
    middle = rgb[360, 360]
    blue, red = (0x1F, 0x77, 0xD0), (0xD1, 0x49, 0x5B)
    nearer, other = (blue, red) if first else (red, blue)
    assert np.abs(middle - nearer).max() < 60 < np.abs(middle - other).max()
    # Beside the nearer one, along the other one: a light rim, then the other one.
    beside = rgb[340:381, 360] if first else rgb[360, 340:381]
    light = (beside.min(axis=1) > 180).nonzero()[0]
    assert light.size and light.min() < 20 < light.max()
    for end in (beside[0], beside[-1]):
        assert np.abs(end - other).max() < 60


def test_tubes_are_lit_and_flat_lines_are_not(picture):
    scene, state = crossing((8.0, 8.0))
    state.trajectories.hidden = ("run 1",)
    seen = {}
    for tubes in (True, False):
        state.trajectories.tubes = tubes
        rgb = take(picture, scene, state, width=720, height=720)[..., :3].astype(int)
        seen[tubes] = np.ptp(rgb[356:365, 220], axis=0).max()
    assert seen[True] > 40 > 4 > seen[False]


def test_lines_and_signs_without_a_number_have_one_grey(picture):
    scene, state = crossing((np.nan, np.nan))
    state.trajectories.true_loss, state.trajectories.color = False, "loss"
    state.trajectories.tubes, state.surface.color = False, "accuracy"
    rgb = take(picture, scene, state, width=720, height=720)[..., :3].astype(int)
    line = rgb[360, 400]
    signs = to_linear(UNKNOWN / 255) - sign_colors(scene, state, 0, np.array([MISSING]))
    assert np.abs(line - UNKNOWN).max() <= 1 and not signs.any()


@pytest.mark.parametrize("width", [0.0, 1e-6, 100.0])
@pytest.mark.parametrize("tubes", [True, False])
def test_any_width_is_drawn(picture, width, tubes):
    state = ViewState()
    _set(state, "trajectories", width=width, tubes=tubes, true_loss=True)
    rgba = take(picture, Scene([with_paths(bumpy(), 2)]), state, width=160, height=120)
    assert (rgba[..., 3] == 255).all() and rgba.shape == (120, 160, 4)
