"""Several landscapes in one picture: overlaid, swiped, seen by cameras of their own, subtracted."""

import numpy as np
import pytest

from lossviz.landscape import Surface
from lossviz.viewer import picture as picture_module
from lossviz.viewer.picture import views
from lossviz.viewer.scene import Scene
from lossviz.viewer.screenshot import take
from lossviz.viewer.state import CameraState, ViewState

from .scenes import between, bumpy, dimpled, runs, with_loss

SIZE = {"width": 480, "height": 360, "scale": 0.5}


def compared(theme="light", **values):
    state = ViewState()
    state.picture.theme = theme
    for name, value in values.items():
        setattr(state.compare, name, value)
    return state


def wide(landscape, factor=1.6):
    own = landscape.surface
    surface = Surface(factor * own.alphas, 0.5 * own.betas, own.quantities)
    return landscape.with_changes(surface=surface)


def holed(landscape):
    loss = landscape.surface.loss.copy()
    loss[10:16, 22:30] = np.nan
    return with_loss(landscape, loss)


def lifted(landscape, factor):
    return with_loss(landscape, landscape.surface.loss * factor)


def capped_overlay():
    state = compared("dark", arrangement="overlay", first=1)
    state.surface.cap, state.surface.colormap = 30.0, "viridis"
    return state


def sliced(arrangement, mode, theme):
    state = compared(theme, arrangement=arrangement, divider=0.55)
    state.slice.shown, state.slice.mode, state.slice.offset = True, mode, -0.2
    state.labels.places = ((0, -0.6, 0.3), (1, 0.5, 0.4), (1, -0.6, -0.3))
    return state


def pair():
    return [bumpy(), lifted(bumpy(seed=2), 5.0)]


OWN = {"linked": False, "handled": 0, "cameras": (CameraState(), CameraState(20.0, 75.0))}
CASES = {
    "overlay": (lambda: compared(arrangement="overlay"), pair),
    "overlay_of_three_dark_capped": (
        capped_overlay, lambda: [holed(bumpy()), bumpy(seed=2), lifted(wide(bumpy(seed=1)), 4.0)],
    ),
    "overlay_clipped_with_paths": (
        lambda: sliced("overlay", "clip", "light"),
        lambda: [p.with_changes(trajectories=runs(2, seed=k)) for k, p in enumerate(pair())],
    ),
    "swipe": (
        lambda: compared(arrangement="swipe"),
        lambda: [bumpy().with_changes(trajectories=runs(1)), dimpled(), bumpy(seed=1)],
    ),
    "swipe_paper_sliced": (lambda: sliced("swipe", "cut", "paper"), pair),
    "cameras_of_their_own": (lambda: compared(**OWN), pair),
    "difference_dark": (
        lambda: compared("dark", differences=((0, 1),)), lambda: [*pair(), between()],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_picture(name, picture, image_match):
    state, landscapes = CASES[name]
    image_match(f"compared_{name}", take(picture, Scene(landscapes()), state(), **SIZE))


@pytest.mark.parametrize("arrangement", ["overlay", "swipe"])
def test_tiles_join_without_a_seam(picture, monkeypatch, arrangement):
    state = compared(arrangement=arrangement)
    scene = Scene([one.with_changes(trajectories=runs(1)) for one in pair()])
    whole = take(picture, scene, state, **SIZE).astype(int)
    monkeypatch.setattr("lossviz.viewer.screenshot.TILE", 129)
    tiled = take(picture, scene, state, **SIZE).astype(int)
    assert (np.abs(whole - tiled).max(axis=2) > 24).mean() < 0.002


def test_the_order_of_meshes_does_not_matter(picture, monkeypatch):
    """Two meshes of one colour over a third surface: whichever is drawn first, the same pixels."""
    ink = np.array([[30, 140, 80]] * 2, np.uint8)
    monkeypatch.setattr(picture_module, "mesh_inks", lambda scene, state, group: ink)
    solid, *meshes = bumpy(), lifted(bumpy(seed=2), 5.0), lifted(bumpy(seed=3), 2.0)
    state = compared(arrangement="overlay", veil=0.4)
    state.axes.title = state.axes.legend = False
    one, other = (
        take(picture, Scene([solid, *some]), state, **SIZE).astype(int)
        for some in (meshes, meshes[::-1])
    )
    assert np.abs(one - other).max() <= 1
    alone = take(picture, Scene([solid]), state, **SIZE)
    assert (np.abs(one - alone) > 20).any(axis=2).mean() > 0.02  # the meshes are there


def test_between_a_meshs_lines_the_colours_stay_those_of_the_bar(picture):
    """Where nothing of the mesh is drawn, and with no film, pixels are those of the solid alone."""
    flat = with_loss(bumpy(), np.full((41, 41), 0.5))
    over = with_loss(bumpy(), np.full((41, 41), 0.9))
    state = compared(arrangement="overlay", veil=0.0)
    state.surface.light, state.surface.height_range = 0.0, (0.0, 1.0)
    state.surface.color_range, state.surface.color_scale = (0.0, 1.0), "linear"
    state.surface.height_scale, state.camera.elevation = "linear", 90.0
    state.isolines.surface = state.isolines.floor = False
    size = {"width": 960, "height": 720, "scale": 0.5}
    both = take(picture, Scene([flat, over]), state, **size)[260:460, 260:460, :3].astype(int)
    from lossviz.viewer.colormaps import table

    expected = table(state.surface.colormap)[127:129].astype(int)
    same = (np.abs(both[:, :, None] - expected).max(axis=3) <= 2).any(axis=2)
    assert 0.5 < same.mean() < 0.98


def test_both_sides_of_a_swipe_are_what_is_seen_side_by_side(picture):
    """The left part is the picture of the one landscape, the right part that of the other."""
    landscapes, state = pair(), compared(arrangement="swipe", divider=0.4)
    state.axes.axes = state.axes.title = state.axes.legend = False
    both = take(picture, Scene(landscapes), state, **SIZE).astype(int)
    x = round(views(Scene(landscapes), state, 480, 360, 0.5)[0].divider)
    for first, columns in ((0, slice(0, x - 8)), (1, slice(x + 8, 400))):
        # A swipe of one landscape with itself is that landscape.
        alone = Scene([landscapes[first], landscapes[first], landscapes[1 - first]])
        whole = take(picture, alone, state, **SIZE).astype(int)
        different = np.abs(both - whole).max(axis=2)[:, columns] > 8
        assert different.mean() < 0.002


@pytest.mark.parametrize("arrangement", ["grid", "overlay", "swipe"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_odd_surfaces_are_compared_without_an_error(picture, arrangement, shape):
    landscapes = [
        with_values(shape, value, start) for value, start in ((1.0, 0), (np.nan, 0), (-2.0, 1e6))
    ]
    state = compared(arrangement=arrangement, differences=((0, 1), (1, 0), (0, 2), (5, 0)))
    state.slice.shown, state.critical.basins, state.surface.wire = True, True, True
    for linked in (True, False):
        state.compare.linked = linked
        for share in (0.0, 0.5, 1.0):
            state.compare.divider = share
            scene = Scene([*landscapes, between()])
            assert take(picture, scene, state, width=160, height=120).shape == (120, 160, 4)


def with_values(shape, value, start):
    axes = [start + np.arange(float(n)) for n in shape]
    return bumpy(3).with_changes(surface=Surface(*axes, {"loss": np.full(shape, value)}))
