"""Which colour a value has: maps, ranges, bands, what lies beyond; the light on the floor."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lossviz.errors import InputError
from lossviz.figures.bands import bands_of
from lossviz.figures.style import Style
from lossviz.landscape import BASIN, Landscape, Surface
from lossviz.viewer import colormaps, shadow
from lossviz.viewer.bands import bands
from lossviz.viewer.color_bar import beyond
from lossviz.viewer.inks import BRIGHTEST, darkening, inks
from lossviz.viewer.levels import isoline_values
from lossviz.viewer.ranges import Range, percentiles
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import VISIONS, ViewState
from lossviz.viewer.vision import matrix, preview

from .scenes import bumpy, with_loss

# L* that 30 % less light takes from the lowest colour of a map as it is tabulated, and as surfaces
# have it: on black nothing is seen of any shape.
DIPS = {
    "viridis": (3.46, 3.46), "cividis": (3.34, 3.34), "magma": (0.02, 3.0), "inferno": (0.02, 3.0),
    "turbo": (3.12, 3.12), "coolwarm": (6.02, 6.02), "RdBu": (4.04, 4.04),
    "Spectral": (6.15, 6.15), "batlow": (3.15, 3.15), "oslo": (0.08, 3.0), "terrain": (4.91, 4.91),
    "grey": (0.0, 3.0),
}  # fmt: skip


def view(**values):
    state = ViewState()
    for name, value in values.items():
        setattr(state.surface, name, value)
    return state


@pytest.mark.parametrize("name", colormaps.names())
def test_a_dip_of_the_light_is_seen_everywhere_on_every_map(name):
    tabulated, shown = colormaps.table(name), colormaps.shadeable(name)
    before, after = DIPS[name]
    assert colormaps.dip(tabulated)[0] == pytest.approx(before, abs=0.01)
    assert colormaps.dip(shown)[0] == pytest.approx(after, abs=0.12)
    assert colormaps.dip(shown).min() >= 2.99
    assert (colormaps.shadeable(name, reverse=True) == shown[::-1]).all()
    if before == after:
        assert shown is tabulated
    else:  # the same colours in the same order, from where they are light enough
        assert (shown[-1] == tabulated[-1]).all()
        away = np.abs(shown[:, None].astype(int) - tabulated).max(axis=2)
        assert away.min(axis=1).max() <= 3 and (np.diff(away.argmin(axis=1)) >= 0).all()


def test_one_colour_in_linear_light_is_that_of_many():
    """0 and 1 stay; in between by IEC 61966-2-1, worked out by hand."""
    assert colormaps.linear_rgb(np.array([0.0, 1.0, 0.5])) == pytest.approx(
        (0, 1, 0.21404), abs=1e-5
    )
    table = colormaps.table("batlow")[::50] / 255
    assert [colormaps.linear_rgb(one) for one in table] == [
        tuple(one) for one in colormaps.to_linear(table).tolist()
    ]


def test_lines_are_darkened_to_what_is_seen_on_white_and_no_more():
    colors = colormaps.table("turbo") / 255
    share = darkening(colors)
    dark = colormaps.luminance(colors) <= 0.8 * BRIGHTEST
    assert share.shape == (256, 1) and dark.any() and not dark.all()
    assert (share[dark] == 1).all() and (share[~dark] < 1).all()
    assert colormaps.luminance(share * colors).max() < BRIGHTEST
    assert (inks(300) <= colormaps.table("turbo")[np.linspace(20, 235, 300).astype(int)]).all()


def test_lightness_is_that_of_the_cie():
    known = {0.0: 0.0, 0.001: 0.9033, 0.1842: 50.0, 1.0: 100.0}
    found = colormaps.lightness(np.array(list(known)))
    assert found == pytest.approx(list(known.values()), abs=5e-3)


@given(arrays(float, st.integers(1, 40), elements=st.floats(-1e6, 1e6)), st.floats(0, 100),
       st.floats(0, 100))  # fmt: skip
def test_percentiles_are_values_that_so_many_do_not_exceed(values, a, b):
    shares = min(a, b), max(a, b)
    for end, percent in zip(percentiles(values, shares), shares, strict=True):
        assert end in values
        assert (values <= end).sum() >= values.size * percent / 100 - 1e-9
        assert (values < end).sum() < max(values.size * percent / 100 + 1e-9, 1)


def test_percentiles_leave_out_what_is_no_number():
    values = np.array([np.nan, 3.0, -np.inf, 1.0, 2.0, np.inf])
    assert percentiles(values, (0, 100)) == (1.0, 3.0)
    assert percentiles(np.array([np.nan]), (2, 98)) is None
    assert percentiles(np.array([-1.7e308, 1.7e308]), (2, 98)) == (-1.7e308, 1.7e308)


def test_the_range_by_percentiles_is_that_of_all_landscapes_or_of_each():
    one, other = bumpy(), with_loss(bumpy(seed=1), bumpy(seed=1).surface.loss * 50)
    scene, state = Scene([one, other]), view(color_percentiles=(2.0, 98.0))

    def ends(*landscapes):
        values = np.sort(np.concatenate([a.surface.loss.ravel() for a in landscapes]))
        low, high = (values[math.ceil(values.size * p) - 1] for p in (0.02, 0.98))
        return Range(float(low), float(high), log=True)

    assert scene.color_range(state, 0) == scene.color_range(state, 1) == ends(one, other)
    state.surface.shared_scale = False
    assert [scene.color_range(state, i) for i in (0, 1)] == [ends(one), ends(other)]
    assert [scene.color_range(state, i) for i in (0, 1)] == [ends(one), ends(other)]  # kept
    scene.replace(1, one)
    assert scene.color_range(state, 1) == ends(one)
    state.surface.color_range, state.surface.color_scale = (0.5, 2.0), "linear"
    assert scene.color_range(state, 0) == Range(0.5, 2.0, log=False)  # by hand comes first
    state.surface.color_range, state.surface.color_percentiles = None, (0.0, 100.0)
    assert scene.color_range(state, 0).low == one.surface.loss.min()


def with_quantity(name, values):
    surface = bumpy(11).surface
    quantities = {**surface.quantities, name: np.resize(values, surface.shape)}
    return Scene([bumpy(11).with_changes(surface=replace(surface, quantities=quantities))])


def test_percentiles_of_other_quantities():
    scene = with_quantity("lambda_ratio", np.linspace(0, 3, 121))
    state = view(color="lambda_ratio")
    assert scene.color_range(state, 0) == Range(0.0, 0.5, log=False)  # as published
    state.surface.color_percentiles = (10.0, 90.0)
    assert scene.color_range(state, 0).high == pytest.approx(2.7)
    state.surface.color_scale = "log"  # of what is above 0
    assert scene.color_range(state, 0).log and scene.color_range(state, 0).low > 0.3
    scene = with_quantity("loss_difference", np.linspace(-3, 1, 121))
    state = view(color="loss_difference", color_percentiles=(25.0, 100.0))
    found = scene.color_range(state, 0)
    assert found.low == -found.high == pytest.approx(-2.0)  # none is the middle colour
    scene = with_quantity(BASIN, np.arange(4.0))
    state = view(color=BASIN, color_percentiles=(40.0, 60.0), bands="steps")
    assert scene.color_range(state, 0) == Range(0.0, 3.0, log=False)
    assert bands(scene, state, 0) is None  # labels have one colour each anyway


def test_any_quantity_is_the_height_and_any_the_colour():
    scene = with_quantity("lambda_min", np.linspace(-2, 1, 121))
    for height in ("loss", "accuracy", "lambda_min"):
        for color in ("loss", "accuracy", "lambda_min"):
            state = view(height=height, color=color)
            values = scene.items[0].surface.quantities
            heights, colors = scene.height_range(state, 0), scene.color_range(state, 0)
            assert (heights.low, heights.high) == (values[height].min(), values[height].max())
            assert (colors.low, colors.high) == (values[color].min(), values[color].max())


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_bands_end_at_the_isolines_or_at_round_steps(scale):
    scene, state = Scene([bumpy()]), view(bands="isolines")
    state.surface.height_scale = state.surface.color_scale = scale
    state.isolines.spacing = scale
    found = bands(scene, state, 0)
    assert found.edges.tolist() == isoline_values(scene, state, 0).tolist() and len(found.edges) > 8
    assert len(found.colors) == len(found.edges) + 1
    low, high = state.surface.color_range = (0.1, 50.0) if scale == "log" else (90.0, 590.0)
    some = bands(scene, state, 0)
    assert set(some.edges) < set(found.edges) and low < some.edges[0] < some.edges[-1] < high
    state.surface.bands, state.surface.band_steps = "steps", 5
    steps = bands(scene, state, 0).edges
    if scale == "linear":
        assert steps.tolist() == [100, 200, 300, 400, 500]
    else:
        assert steps.tolist() == [0.3, 1, 3, 10, 30]
    state.surface.bands = "off"
    assert bands(scene, state, 0) is None


def test_the_contour_figure_has_the_colours_of_the_window():
    scene, state = Scene([bumpy(21)]), view(bands="isolines", color_percentiles=(10.0, 90.0))
    window, figure = bands(scene, state, 0), bands_of(scene, state, Style(), 0)
    middles = 10 ** ((figure.edges[1:] + figure.edges[:-1]) / 2)
    assert (np.rint(figure.colors * 255) == window.color_of(middles)).all()
    assert len(np.unique(figure.colors, axis=0)) == len(window.colors)
    state.surface.bands, state.surface.band_steps = "steps", 5
    window, figure = bands(scene, state, 0), bands_of(scene, state, Style(), 0)
    assert 10 ** figure.edges[1:-1] == pytest.approx(window.edges)
    assert (np.rint(figure.colors * 255) == window.colors).all()
    assert figure.values.tolist() == isoline_values(scene, state, 0).tolist()
    assert len(figure.numbers) == len(window.edges)
    by_hand = bands_of(scene, state, Style(levels=[0.1, 1.0]), 0)
    assert 10 ** by_hand.edges[1:-1] == pytest.approx([0.1, 1.0])


def test_what_lies_beyond_the_bar_is_said():
    scene, loss = Scene([bumpy()]), bumpy().surface.loss
    low, high = float(loss.min()), float(loss.max())
    assert beyond(scene, view(), 0) == (False, False, False)
    ends = {(low, high): (False, False), (2 * low, high): (True, False),
            (low / 2, high / 2): (False, True), (1.0, 2.0): (True, True)}  # fmt: skip
    for span, expected in ends.items():
        assert beyond(scene, view(color_range=span), 0) == (*expected, False)
    assert beyond(scene, view(color_percentiles=(2.0, 98.0)), 0) == (True, True, False)
    # The cap is drawn grey, whatever the map.
    assert beyond(scene, view(cap=3.0), 0) == (False, False, True)
    assert beyond(scene, view(cap=3.0, color_range=(0.1, 2.0)), 0) == (True, True, False)
    assert beyond(scene, view(cap=3.0, color_range=(0.1, 5.0)), 0) == (True, False, False)
    assert beyond(scene, view(cap=3.0, color="accuracy"), 0) == (False, False, False)
    # On a logarithmic scale nothing that is not positive has a place.
    zero = Scene([with_loss(bumpy(), loss - low)])
    assert beyond(zero, view(color_scale="log"), 0) == (True, False, False)
    assert beyond(with_quantity("lambda_ratio", [0.1, 3.0]), view(color="lambda_ratio"), 0) == (
        False, True, False,
    )  # fmt: skip
    pair = Scene([bumpy(), with_loss(bumpy(), loss * 100)])
    assert beyond(pair, view(color_range=(low, high)), 0) == (False, True, False)
    alone = view(color_range=(low, high), shared_scale=False)
    assert [beyond(pair, alone, i)[1] for i in (0, 1)] == [False, True]
    empty = Surface([0, 1], [0, 1], {"loss": np.full((2, 2), np.nan)})
    assert not any(beyond(Scene([Landscape(surface=empty)]), view(color_range=(1, 2)), 0))


@pytest.mark.parametrize("vision", VISIONS)
def test_greys_stay_grey(vision):
    assert matrix(vision) @ np.ones(3) == pytest.approx(np.ones(3), abs=2e-6)
    assert bool(preview(_seen(vision))) == (vision != "full")


def _seen(vision):
    state = ViewState()
    state.picture.vision = vision
    return state


@pytest.mark.parametrize(
    "vision, cone", [("protanopia", 0), ("deuteranopia", 1), ("tritanopia", 2)]
)
def test_a_missing_cone_makes_colours_alike(vision, cone):
    """Colours that differ in that cone alone, by Smith and Pokorny 1975 on sRGB's primaries."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722],
                       [0.0193, 0.1192, 0.9505]])  # fmt: skip
    to_cones = np.array([[0.15514, 0.54312, -0.03286], [-0.15514, 0.45684, 0.03286],
                         [0.0, 0.0, 0.01608]])  # fmt: skip
    apart = np.linalg.inv(to_cones @ to_xyz)[:, cone]
    apart /= np.abs(apart).max()
    others = [other for other in VISIONS[1:4] if other != vision]
    left = np.linalg.norm(matrix(vision) @ apart) / np.linalg.norm(apart)
    for other in others:
        if {vision, other} != {"protanopia", "deuteranopia"}:  # these two are much alike
            assert left < 0.6 * np.linalg.norm(matrix(other) @ apart) / np.linalg.norm(apart)
    assert left < 0.45


def test_the_light_under_a_level_sheet_is_what_geometry_says():
    """Under a sheet at the height g the lamp is seen up to the slope g / (way to the border)."""
    side, g = 97, 0.8
    light = shadow.floor_light(np.full((side, side), g), 2.0, 2.0)
    at = np.linspace(-1, 1, side)
    parts = (np.arange(200) + 0.5) / 100 - 1
    turn, rise = np.meshgrid(parts, parts)
    angle = np.radians(shadow.AZIMUTH + turn * shadow.HALF_WIDE)
    slope = np.tan(np.radians(shadow.ELEVATION + rise * shadow.HALF_HIGH))
    weight = (1 - turn**2) * (1 - rise**2)
    for i, j in [(48, 48), (10, 48), (14, 30), (30, 12), (90, 90), (4, 4)]:
        ways = [(np.sign(d) - a) / d for d, a in ((np.cos(angle), at[j]), (np.sin(angle), at[i]))]
        seen = slope * np.minimum(*ways) < g
        expected = shadow.DARKEST + (1 - shadow.DARKEST) * (weight * seen).sum() / weight.sum()
        assert light[i, j] == pytest.approx(expected, abs=0.03)  # it is smoothed


def test_holes_let_light_through_and_nothing_casts_no_shadow():
    heights = np.full((61, 61), 0.8)
    heights[20:40, 20:40] = np.nan
    light, whole = (shadow.floor_light(h, 2.0, 2.0) for h in (heights, np.full((61, 61), 0.8)))
    assert (light >= whole - 1e-6).all()
    # Along the lamp's light the hole is seen 0.8 / tan(65°) from where it is.
    angle, away = np.radians(shadow.AZIMUTH), 0.8 / np.tan(np.radians(shadow.ELEVATION)) * 30
    i, j = round(30 - away * np.sin(angle)), round(30 - away * np.cos(angle))
    assert light[i, j] > 0.95 and whole[i, j] == pytest.approx(shadow.DARKEST, abs=1e-3)
    assert shadow.floor_light(np.full((61, 61), np.nan), 2.0, 2.0) == pytest.approx(1.0)
    assert whole.min() == pytest.approx(shadow.DARKEST) and whole.max() <= 1


def test_a_shadow_is_computed_once_and_only_if_it_is_asked_for():
    scene, state = Scene([bumpy()]), ViewState()
    assert not shadow.cast(scene, state, 0) and "shadow" not in scene.items[0].memo
    state.surface.shadow = 0.5
    assert shadow.light(scene, state, 0) == (None, None)  # after the first picture
    assert shadow.cast(scene, state, 0) and not shadow.cast(scene, state, 0)
    state.surface.shadow = 1.0
    assert not shadow.cast(scene, state, 0)  # strength is a matter of drawing
    assert shadow.light(scene, state, 0)[1].shape == (shadow.SIDE, shadow.SIDE)
    state.surface.height_ratio = 1.0
    assert shadow.light(scene, state, 0) == (None, None) and shadow.cast(scene, state, 0)
    state.isolines.floor = False
    assert not shadow.cast(scene, state, 0) and shadow.light(scene, state, 0) == (None, None)


def test_a_shadow_stands_where_it_is_on_a_grid_of_any_spacing():
    even = bumpy(41)
    axis = even.surface.alphas
    bent = np.sort(np.concatenate([axis, np.linspace(-1, -0.8, 40)[1:-1]]))
    index = [np.abs(axis - a).argmin() for a in bent]
    values = {"loss": even.surface.loss[np.ix_(index, index)]}
    found = []
    for landscape in (even, Landscape(surface=Surface(bent, bent, values))):
        scene, state = Scene([landscape]), view(shadow=1.0, smooth=False)
        shadow.cast(scene, state, 0)
        found.append(shadow.light(scene, state, 0)[1])
    assert np.abs(found[0] - found[1]).mean() < 0.02


def test_the_new_settings_are_json_and_checked():
    state = view(color_percentiles=(2.5, 97.5), bands="steps", band_steps=12, shadow=0.7, rim=False)
    state.picture.vision = "tritanopia"
    assert ViewState.from_json(state.to_json()) == state
    assert ViewState.from_json(ViewState().to_json()).surface.color_percentiles is None
    for old, new in [('"bands": "off"', '"bands": "many"'), ('"shadow": 0.0', '"shadow": 2'),
                     ('"color_percentiles": null', '"color_percentiles": [90, 10]'),
                     ('"color_percentiles": null', '"color_percentiles": [2, 101]'),
                     ('"color_percentiles": null', '"color_percentiles": 2'),
                     ('"band_steps": 8', '"band_steps": 0'), ('"rim": true', '"rim": 1'),
                     ('"vision": "full"', '"vision": "x-ray"')]:  # fmt: skip
        text = ViewState().to_json()
        assert old in text
        with pytest.raises(InputError, match="expected"):
            ViewState.from_json(text.replace(old, new).replace("\n", ""))
