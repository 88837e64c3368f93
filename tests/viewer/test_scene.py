"""From landscapes to what is drawn: ranges, fields, places."""

from dataclasses import replace

import numpy as np
import pytest

from lossviz.errors import InputError
from lossviz.landscape import Landscape, Provenance, Surface
from lossviz.viewer.levels import shader_levels
from lossviz.viewer.ranges import Range
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

from .scenes import bumpy, with_loss


def test_computed_points_are_drawn_at_their_values():
    landscape = bumpy(21, 13)
    item = Scene([landscape]).items[0]
    field, parts = item.field("loss", True), item.parts(True)
    at_points = field.texels[::parts, ::parts]
    loss = landscape.surface.loss.T
    assert field.unit(Range(0, 1, log=False))[::parts, ::parts] == pytest.approx(
        loss, abs=1e-6 * loss.max()
    )
    assert at_points[..., 0] == pytest.approx((loss - loss.min()) / np.ptp(loss), abs=1e-6)
    assert at_points[..., 1] == pytest.approx(np.log10(landscape.surface.loss.T), abs=1e-5)


def test_auto_is_log_above_two_decades_only():
    state = ViewState()
    assert Scene([bumpy()]).height_range(state, 0).log
    assert not Scene([bumpy(steep=False)]).height_range(state, 0).log
    with_zero = with_loss(bumpy(), bumpy().surface.loss - bumpy().surface.loss.min())
    assert not Scene([with_zero]).height_range(state, 0).log
    state.surface.height_scale = "log"
    asked = Scene([with_zero]).height_range(state, 0)
    assert asked.log and asked.low > 0


def test_shared_scale_spans_all_landscapes():
    low, high = bumpy(), with_loss(bumpy(), bumpy().surface.loss * 100)
    scene, state = Scene([low, high]), ViewState()
    shared = scene.height_range(state, 0)
    assert shared == scene.height_range(state, 1)
    assert (shared.low, shared.high) == (low.surface.loss.min(), high.surface.loss.max())
    state.surface.shared_scale = False
    assert scene.color_range(state, 0).high == low.surface.loss.max()


def test_cap_cuts_heights_and_the_colours_that_show_them():
    scene, state = Scene([bumpy()]), ViewState()
    state.surface.cap = 1.0
    assert scene.height_range(state, 0).high == 1.0
    assert scene.color_range(state, 0).high == 1.0
    state.surface.height, state.surface.cap = "accuracy", 0.5
    assert scene.color_range(state, 0).high == bumpy().surface.loss.max()


def test_the_ratio_of_eigenvalues_is_coloured_as_published():
    surface = bumpy().surface
    ratio = np.linspace(1e-4, 3, surface.loss.size).reshape(surface.shape)
    quantities = {**surface.quantities, "lambda_ratio": ratio}
    scene = Scene([bumpy().with_changes(surface=replace(surface, quantities=quantities))])
    state = ViewState()
    state.surface.color = "lambda_ratio"
    assert scene.color_range(state, 0) == Range(0.0, 0.5, False)
    # As a height it spans its own values, and whoever asks for other colours gets them.
    state.surface.height = "lambda_ratio"
    assert scene.height_range(state, 0).high == 3
    state.surface.color_scale = "log"
    assert scene.color_range(state, 0) == Range(1e-4, 3.0, True)
    state.surface.color_scale, state.surface.color_range = "linear", (0.1, 0.9)
    assert scene.color_range(state, 0) == Range(0.1, 0.9, False)


@pytest.mark.parametrize(
    "base, span", [(1000, 1e-9), (0, 1e-290), (-8e307, 1.6e308), (1e300, 1e299)]
)
def test_small_differences_and_large_numbers_keep_their_shape(base, span):
    axis = np.linspace(0, 1, 5)
    share = np.linspace(0, 1, 25).reshape(5, 5)
    surface = Surface(axis, axis, {"loss": base + span * share})
    scene, state = Scene([Landscape(surface=surface)]), ViewState()
    state.surface.height_scale = "linear"
    item = scene.items[0]
    field, parts = item.field("loss", True), item.parts(True)
    assert field.texels[::parts, ::parts, 0] == pytest.approx(share.T, abs=2e-4)
    levels = shader_levels(scene, state, 0)
    assert len(levels) >= 8 and (levels[:, 0] > 0).all() and (levels[:, 0] <= 1).all()


def test_300_decades_stay_finite():
    loss = np.logspace(-150, 150, 25).reshape(5, 5)
    axis = np.linspace(0, 1, 5)
    item = Scene([Landscape(surface=Surface(axis, axis, {"loss": loss}))]).items[0]
    with np.errstate(all="ignore"):
        texels = item.field("loss", True).texels
    assert np.isfinite(texels).all()
    assert texels[..., 1].min() == pytest.approx(-150) and texels[..., 1].max() == 150


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (2, 2)])
@pytest.mark.parametrize("value", [0.0, 3.5, -1.0, np.nan, np.inf])
def test_odd_surfaces_have_finite_ranges(shape, value):
    surface = Surface(np.arange(shape[0]), np.arange(shape[1]), {"loss": np.full(shape, value)})
    scene, state = Scene([Landscape(surface=surface)]), ViewState()
    for scale in ("auto", "linear", "log"):
        state.surface.height_scale = scale
        span = scene.height_range(state, 0)
        assert np.isfinite([span.low, span.high]).all() and span.high > span.low
        assert np.isfinite(span.unit(np.array([span.low, span.high]))).all()
    texels = scene.items[0].field("loss", True).texels
    assert np.isfinite(texels).all() and (texels[..., 2] == np.isfinite(value)).all()
    assert min(texels.shape[:2]) >= 2


def test_one_ink_for_all_lines_unless_the_colours_need_two():
    scene, state = Scene([bumpy()]), ViewState()
    assert not shader_levels(scene, state, 0)[:, 2].any()  # coolwarm: dark on both its ends
    state.surface.colormap = "magma"  # from black to almost white
    inks = shader_levels(scene, state, 0)[:, 2]
    assert inks[0] == 1 and inks[-1] == 0 and (np.diff(inks) != 0).sum() == 1


def test_a_replaced_landscape_has_new_textures():
    scene = Scene([bumpy()])
    key = scene.items[0].key
    scene.replace(0, bumpy(seed=1))
    assert scene.items[0].key != key and scene.items[0].revision == 1


def test_place_maps_the_corners_and_keeps_the_aspect():
    item = Scene([bumpy(11, 11, span=0.5)]).items[0]
    corners = np.array([[-1, -0.5], [1, 0.5], [0, 0]])
    assert item.place(corners) == pytest.approx(np.array([[-1, -0.5], [1, 0.5], [0, 0]]))


def test_range_log_puts_what_is_not_positive_at_the_bottom():
    assert Range(0.1, 10, True).unit(np.array([0.1, 1, 10, -5])) == pytest.approx([0, 0.5, 1, 0])


def test_quantities_are_those_of_all():
    other = Landscape(surface=Surface([0, 1], [0, 1], {"loss": np.ones((2, 2))}))
    assert Scene([bumpy(), other]).quantities() == ["loss"]


def test_occlusion_is_open_on_a_plane_and_dark_in_a_pit():
    x, y = np.meshgrid(*[np.linspace(-1, 1, 61)] * 2, indexing="ij")
    axis = np.linspace(-1, 1, 61)
    pit = Landscape(surface=Surface(axis, axis, {"loss": 1 - np.exp(-(x**2 + y**2) / 0.02)}))
    plane = Landscape(surface=Surface(axis, axis, {"loss": np.zeros((61, 61))}))
    state = ViewState()
    for landscape, expected in ((plane, 1.0), (pit, 0.75)):
        scene = Scene([landscape])
        top, span = scene.top(state), scene.height_range(state, 0)
        assert scene.items[0].occlude(state, span, top)
        assert not scene.items[0].occlude(state, span, top)  # the second time it is there
        values = scene.items[0].occlusion(state, span, top)[1]
        assert values.max() == pytest.approx(1.0, abs=0.05)
        middle = values[values.shape[0] // 2, values.shape[1] // 2]
        assert middle == 1.0 if expected == 1.0 else middle < expected


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("low, high", [(-1.7e308, 1.7e308), (5e-324, 2e-323), (1e300, 1.7e308)])
def test_the_largest_and_smallest_numbers_have_heights_and_colours(low, high):
    ramp = np.linspace(0, 1, 25).reshape(5, 5)
    scene = Scene([with_loss(bumpy(5), low * (1 - ramp) + high * ramp)])
    state = ViewState()
    state.surface.height_scale = state.surface.color_scale = "linear"
    span = scene.height_range(state, 0)
    field = scene.items[0].field("loss", state.surface.smooth)
    assert np.isfinite(field.texels).all() and np.isfinite(field.unit(span)).all()
    assert span.unit(np.array([span.low, span.high])) == pytest.approx([0, 1])


@pytest.mark.parametrize("name", ["two\nlines", "\ud800 alone", "\x1b[31m", "W" * 100_000])
def test_titles_from_others_can_be_drawn(name):
    from lossviz.viewer.text import bitmap

    title = Scene([bumpy(5, name=name)]).items[0].title
    assert len(title) <= 300 and title.isprintable()
    assert bitmap(title, 12).any()


@pytest.mark.parametrize("alphas", [[-1.7e308, 1.7e308], [0, 5e-324], [1, 1e101]])
def test_coordinates_that_cannot_be_drawn_are_told(alphas):
    with pytest.raises(InputError, match="coordinates below"):
        Scene([Landscape(surface=Surface(alphas, [0, 1], {"loss": np.eye(2)}))])


def partly(evaluated):
    """A surface under computation."""
    old = bumpy(33).surface
    quantities = {
        name: np.where(evaluated, values, np.nan) for name, values in old.quantities.items()
    }
    return bumpy(33).with_changes(surface=Surface(old.alphas, old.betas, quantities, evaluated))


def test_a_surface_under_computation_is_drawn_without_holes():
    evaluated = np.zeros((33, 33), bool)
    evaluated[::4, ::4] = evaluated[:14:2, ::2] = True
    item = Scene([partly(evaluated)]).items[0]
    field, parts = item.field("loss", True), item.parts(True)
    assert (field.texels[..., 2] == 1).all()
    shown = field.unit(Range(1, 10, log=True))[::parts, ::parts].T
    loss = np.log10(bumpy(33).surface.loss)
    assert shown[evaluated] == pytest.approx(loss[evaluated], abs=1e-5)
    assert np.abs(shown - loss).max() < 0.2 * np.ptp(loss)
    assert np.isnan(item.surface.loss[1, 1])  # the data stay as they are
    assert item.subtitle.startswith("15 % of 33×33 · ")


def test_nothing_computed_yet_is_waited_for():
    item = Scene([partly(np.zeros((33, 33), bool))]).items[0]
    assert item.subtitle.startswith("waiting for the first points")
    assert not item.field("loss", True).texels[..., 2].any()


def test_half_precision_is_a_preview():
    known = Provenance(precision="bfloat16", samples=64)
    item = Scene([bumpy(11).with_changes(provenance=known)]).items[0]
    assert item.subtitle == "preview in bfloat16 · 64 samples · 11×11"
    assert "preview" not in Scene([bumpy(11)]).items[0].subtitle


@pytest.mark.parametrize(
    "loss, expected",
    [
        (np.full((4, 5), np.nan), "no finite loss"),
        (np.full((4, 5), 2.5), "the loss is 2.5 everywhere"),
        (np.arange(7.0)[None], "one line of points, drawn as a ribbon"),
        (np.arange(7.0)[:, None], "one line of points, drawn as a ribbon"),
    ],
)
def test_what_could_be_misread_is_said(loss, expected):
    axes = (np.arange(float(n)) for n in loss.shape)
    (item,) = Scene([Landscape(surface=Surface(*axes, {"loss": loss}))]).items
    assert expected in item.subtitle
    assert expected not in Scene([bumpy(11)]).items[0].subtitle
