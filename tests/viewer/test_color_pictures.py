"""Colours and light, against pictures that somebody has looked at; and facts that pixels show."""

import itertools

import numpy as np
import pytest

from lossviz.landscape import Landscape, Surface
from lossviz.viewer import colormaps
from lossviz.viewer.bands import bands
from lossviz.viewer.color_bar import color_bar
from lossviz.viewer.colormaps import to_linear
from lossviz.viewer.layout import Rect
from lossviz.viewer.renderers.overlay import Arrow, Box
from lossviz.viewer.scene import Scene
from lossviz.viewer.screenshot import take
from lossviz.viewer.state import ViewState
from lossviz.viewer.vision import matrix

from .scenes import bumpy
from .test_pictures import SIZE, holed, no_shortcuts


def view(part=None, **values):
    """A view with other values of the surface, or of the part named."""
    state = ViewState()
    for name, value in values.items():
        setattr(getattr(state, part or "surface"), name, value)
    return state


def themed(state, theme, elevation=38.0):
    state.picture.theme, state.camera.elevation = theme, elevation
    return state


def near(state):
    state.camera.distance, state.camera.elevation = 2.0, 18.0
    state.camera.target = (0.3, -0.5, 0.2)
    state.isolines.surface = False
    return state


CASES = {
    "bands_isolines": (lambda: view(bands="isolines"), lambda: [bumpy()]),
    "bands_steps_dark_beyond": (
        lambda: themed(view(bands="steps", band_steps=6, colormap="magma",
                            color_percentiles=(10.0, 90.0)), "dark"),
        lambda: [bumpy()],
    ),
    "bands_of_another_quantity": (
        lambda: view(bands="isolines", color="accuracy", colormap="Spectral"), lambda: [bumpy()],
    ),
    "percentiles_paper_pair": (
        lambda: themed(view(color_percentiles=(2.0, 98.0), shared_scale=False, colormap="oslo",
                            reverse=True), "paper"),
        lambda: [bumpy(), bumpy(seed=2, steep=False)],
    ),
    "percentiles_capped": (
        lambda: view(color_percentiles=(30.0, 100.0), cap=3.0), lambda: [bumpy()],
    ),
    "shadow_light": (lambda: view(shadow=1.0), lambda: [holed()]),
    "shadow_dark": (
        lambda: themed(view(shadow=1.0, colormap="viridis"), "dark", 20.0), lambda: [bumpy()],
    ),
    "rim_paper": (lambda: themed(view(rim=True), "paper", 20.0), lambda: [no_shortcuts()]),
    "rim_dark_magma": (
        lambda: themed(view(rim=True, colormap="magma"), "dark", 16.0), lambda: [no_shortcuts()],
    ),
    "wire_dense": (
        lambda: near(view(wire=True, smooth=False, colormap="viridis")), lambda: [bumpy(181)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_picture(name, picture, image_match):
    made, landscapes = CASES[name]
    image_match(name, take(picture, Scene(landscapes()), made(), **SIZE))


@pytest.mark.parametrize("vision", ["deuteranopia", "protanopia", "tritanopia", "grey"])
def test_seen_as(vision, picture, image_match):
    """As it was blessed, and pixel by pixel the matrix on linear light."""
    scene, state = Scene([bumpy()]), view(colormap="Spectral")
    full = to_linear(take(picture, scene, state, **SIZE)[..., :3] / 255)
    seen = take(picture, scene, state, vision=vision, **SIZE)
    expected = np.clip(full @ matrix(vision).T, 0, 1)
    assert np.abs(to_linear(seen[..., :3] / 255) - expected).max() < 0.012  # rounded to 8 bits
    image_match(f"seen_{vision}", seen)


def test_the_views_own_preview_is_not_in_pictures(picture):
    plain = take(picture, Scene([bumpy()]), ViewState(), **SIZE)
    assert (take(picture, Scene([bumpy()]), view("picture", vision="grey"), **SIZE) == plain).all()


def bare(state, *, above=True):
    """Nothing but the surface, as a map; light off."""
    state.axes.axes = state.axes.color_bar = state.axes.title = state.isolines.floor = False
    if above:
        state.camera.azimuth, state.camera.elevation = -90.0, 90.0
        state.camera.orthographic, state.surface.light = True, 0.0
    return state


def test_bands_have_their_colours_and_end_at_the_isolines(picture):
    """On a ramp from 0 to 10 in alpha: the map at the middle of each band, and nothing else."""
    axis = np.linspace(0, 1, 41)
    ramp = Landscape(surface=Surface(axis, axis, {"loss": 10 * np.outer(axis, np.ones(41))}))
    state = bare(view(bands="isolines", colormap="batlow"))
    state.isolines.count, state.isolines.surface = 5, False
    row = take(picture, Scene([ramp]), state, **SIZE)[180, :, :3].astype(int)
    (inside,) = np.nonzero((row != 255).any(axis=1))
    share = (np.arange(480) + 0.5 - inside[0]) / (inside[-1] + 1 - inside[0])
    table = colormaps.shadeable("batlow").astype(int)
    edges = np.array([0, 2, 4, 6, 8, 10]) / 10
    for low, high in itertools.pairwise(edges):
        band = row[(share > low + 0.008) & (share < high - 0.008)]
        assert len(band) > 40 and np.abs(band - table[round(255 * (low + high) / 2)]).max() <= 1


def test_the_bar_has_the_bands_of_the_surface():
    scene, state = (
        Scene([bumpy()]),
        view(bands="steps", band_steps=6, color_percentiles=(5.0, 95.0)),
    )
    found, place = bands(scene, state, 0), Rect(10, 100, 12, 300)
    parts = list(color_bar(scene, state, 0, place, 1.0))
    boxes = [part for part in parts if isinstance(part, Box) and part.rect.width == 12]
    assert [box.color[:3] for box in boxes] == [
        tuple(c) for c in to_linear(found.colors / 255).tolist()
    ]
    tops = [box.rect.y for box in boxes]
    at = found.span.unit(found.edges)
    assert tops[:-1] == pytest.approx(100 + 300 * (1 - at)) and tops[-1] == 100
    low, high = (part for part in parts if isinstance(part, Arrow))
    assert not low.up and low.rect.y == 400 and high.up and high.rect.y + high.rect.height == 100
    assert low.fill == boxes[0].color[:3] and high.fill == boxes[-1].color[:3]


@pytest.mark.parametrize("name", ["magma", "grey", "viridis", "coolwarm"])
def test_shape_is_seen_at_the_bottom_of_every_map(picture, name):
    """All values lie below the range, in the map's lowest colour: what is seen is light alone."""
    state = bare(view(colormap=name, color_range=(1e4, 1e5)), above=False)
    state.isolines.surface = False
    state.camera.elevation = 55.0
    pixels = take(picture, Scene([bumpy()]), state, **SIZE)[..., :3] / 255
    light = colormaps.lightness(colormaps.luminance(pixels[pixels.min(axis=2) < 0.97]))
    low, high = np.percentile(light, [2, 98])
    assert high - low > 3.5, f"{name}: L* {low:.1f} to {high:.1f}"


def test_a_rim_is_on_the_border_and_nowhere_on_a_plane(picture):
    flat = Landscape(surface=Surface([0, 1], [0, 1], {"loss": np.full((2, 2), 0.5)}))
    state = bare(view(color_range=(0.0, 1.0), colormap="grey", reverse=True))
    state.isolines.surface = False
    state.surface.rim = False
    large = {**SIZE, "scale": 2.0}  # the line is two pixels wide
    plain = take(picture, Scene([flat]), state, **large)[..., 0].astype(int)
    state.surface.rim = True
    rim = take(picture, Scene([flat]), state, **large)[..., 0].astype(int)
    ys, xs = np.nonzero(plain < 250)
    changed = np.abs(rim - plain) > 20
    inner = np.s_[ys.min() + 3 : ys.max() - 2, xs.min() + 3 : xs.max() - 2]
    assert not changed[inner].any()
    for border in (changed[ys.min() + 1, xs.min() + 1 : xs.max()],
                   changed[ys.min() + 1 : ys.max(), xs.max() - 1]):  # fmt: skip
        assert border.mean() > 0.95


def test_the_shadow_is_on_the_floor_alone_and_darkens_only(picture):
    scene = Scene([bumpy()])
    plain = take(picture, scene, view(), **SIZE)[..., :3].astype(int)
    dark = take(picture, scene, view(shadow=1.0), **SIZE)[..., :3].astype(int)
    assert (dark <= plain + 1).all()
    changed = (plain - dark).max(axis=2) > 3
    assert 0.02 < changed.mean() < 0.4
    only = view(shadow=1.0)
    only.isolines.floor = False
    assert (take(picture, scene, only, **SIZE) == take(picture, scene, _no_floor(), **SIZE)).all()


def _no_floor():
    state = ViewState()
    state.isolines.floor = False
    return state


def test_a_wire_fades_where_it_is_dense_and_is_there_where_it_is_not(picture):
    def seen(n, **size):
        pair = [take(picture, Scene([bumpy(n)]), bare(view(wire=wire, smooth=False)), **size)
                for wire in (False, True)]  # fmt: skip
        return np.abs(pair[0].astype(int) - pair[1]).max(axis=2)

    assert seen(301, **SIZE).max() <= 2  # about a pixel a cell
    assert (seen(21, **SIZE) > 8).mean() > 0.02
    # As much of it in a larger picture, whose points have more pixels.
    large = {"width": 960, "height": 720, "scale": 1.0}
    small, large = (seen(121, **size).mean() for size in (SIZE, large))
    assert small > 0.5 and large == pytest.approx(small, rel=0.3), (small, large)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2), (3, 200)])
@pytest.mark.parametrize("value", [1.0, np.nan, 0.0])
def test_odd_surfaces_draw_with_everything_on(picture, shape, value):
    surface = Surface(np.arange(shape[0]), np.arange(shape[1]), {"loss": np.full(shape, value)})
    state = view(bands="steps", color_percentiles=(2.0, 98.0), shadow=1.0, rim=True, wire=True)
    pixels = take(picture, Scene([Landscape(surface=surface)]), state, width=120, height=90,
                  vision="protanopia")  # fmt: skip
    assert pixels.shape == (90, 120, 4) and picture.ctx.error == "GL_NO_ERROR"


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("height", [1.0, 10.0, 20.0])
def test_a_plateau_at_a_level_is_no_line(picture, scale, height):
    axis = np.linspace(-1, 1, 81)
    ramps = 0.9 * height * (np.clip(-axis - 0.4, 0, None) - np.clip(axis - 0.4, 0, None)) / 0.6
    surface = Surface(axis, axis, {"loss": np.tile(height - ramps[:, None], (1, 81))})
    state = bare(view(height_scale=scale, color_scale=scale))
    found = []
    for lines in (True, False):
        state.isolines.surface = lines
        drawn = take(picture, Scene([Landscape(surface=surface)]), state, **SIZE)
        found.append(drawn[..., :3].astype(int))
    changed = np.abs(found[0] - found[1]).max(axis=2) > 8
    middle = np.s_[120:-120, 215:265]
    assert not changed[middle].any()
    assert changed.any()  # there are lines on the ramps
