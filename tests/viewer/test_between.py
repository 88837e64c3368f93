"""Between the computed points: by other routes, and at the points themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import LinearNDInterpolator, RectBivariateSpline

from lossviz.landscape import BASIN, Landscape, Surface
from lossviz.viewer.between import Between, between
from lossviz.viewer.items import Item
from lossviz.viewer.refine import refine
from lossviz.viewer.slicing import mesh_axes

from .scenes import bumpy, with_loss

LARGEST, SMALLEST = 1.7e308, 5e-324


def item_of(alphas, betas, loss, **more):
    return Item(Landscape(surface=Surface(alphas, betas, {"loss": loss, **more})))


def inside(alphas, betas, count=500, seed=0):
    random = np.random.default_rng(seed)
    low, high = (alphas[0], betas[0]), (alphas[-1], betas[-1])
    return random.uniform(low, high, (count, 2))


def nodes(item):
    own = item.surface
    return np.stack(np.meshgrid(own.alphas, own.betas, indexing="ij"), axis=-1).reshape(-1, 2)


@pytest.mark.parametrize("smooth", [True, False])
@pytest.mark.parametrize("steep", [True, False])
def test_at_computed_points_it_is_the_stored_number(smooth, steep):
    item = Item(bumpy(23, 17, steep=steep))
    for name, values in item.surface.quantities.items():
        found = Between(item, name, smooth=smooth, log=steep).at(nodes(item))
        assert (found == values.ravel()).all()  # to the last bit


def test_a_biquadratic_is_exact_as_by_scipys_splines():
    """Cubic convolution has exact quadratics; so has a spline of degree 2 and 3."""
    alphas, betas = np.linspace(-2, 3, 12), np.linspace(0.5, 2, 9)

    def f(a, b):
        return (2 * a**2 - a + 1) * (b**2 - 3 * b + 4) + a * b

    loss = f(alphas[:, None], betas)
    points = inside(alphas, betas)
    found = Between(item_of(alphas, betas, loss), "loss").at(points)
    assert found == pytest.approx(f(*points.T), rel=1e-12)
    for degree in (2, 3):
        spline = RectBivariateSpline(alphas, betas, loss, kx=degree, ky=degree, s=0)
        assert found == pytest.approx(spline.ev(*points.T), rel=1e-11)


def test_it_comes_to_a_smooth_function_with_the_third_power_of_the_step():
    def f(a, b):
        return np.sin(3 * a + b) + 0.5 * np.cos(2 * b) + 2

    errors = []
    for n in (21, 41, 81):
        axis = np.linspace(-1, 1, n)
        item = item_of(axis, axis, f(axis[:, None], axis))
        points = inside(axis, axis)
        errors.append(np.abs(Between(item, "loss").at(points) - f(*points.T)).max())
        spline = RectBivariateSpline(axis, axis, item.surface.loss, s=0)
        assert (
            np.abs(Between(item, "loss").at(points) - spline.ev(*points.T)).max() < 2 * errors[-1]
        )
    assert errors[0] / errors[1] > 6.5 and errors[1] / errors[2] > 6.5 and errors[2] < 1e-4


def test_straight_ones_are_the_triangles_of_scipy():
    alphas, betas = np.array([0.0, 1, 3]), np.array([-1.0, 0, 2])
    loss = np.random.default_rng(1).uniform(1, 2, (3, 3))
    item = item_of(alphas, betas, loss)
    points = inside(alphas, betas)
    found = Between(item, "loss", smooth=False).at(points)
    u = np.column_stack(
        [np.interp(points[:, k], axis, range(3)) for k, axis in enumerate((alphas, betas))]
    )
    cell = np.minimum(u.astype(int), 1)
    for (i, j), (s, t), value in zip(cell, u - cell, found, strict=True):
        corners = np.array([(0, 1), (1, 0), (0, 0) if s + t <= 1 else (1, 1)], float)
        values = [loss[i + int(a), j + int(b)] for a, b in corners]
        assert value == pytest.approx(float(LinearNDInterpolator(corners, values)(s, t)))


def holed(n=41):
    loss = bumpy(n).surface.loss.copy()
    loss[10:16, 22:30] = np.nan
    loss[30, 8] = np.inf
    loss[0, 0] = np.nan
    return with_loss(bumpy(n), loss)


@pytest.mark.parametrize("make", [bumpy, holed, lambda: bumpy(30, 50, steep=False)])
@pytest.mark.parametrize("smooth", [True, False])
@pytest.mark.parametrize("name", ["loss", "accuracy"])
def test_it_is_what_is_drawn_at_every_vertex_of_the_mesh(make, smooth, name):
    """By the other route, the matrices of refine.py and the texels that the shaders have."""
    item = Item(make())
    own = between(item, name, smooth=smooth, log=True)
    alphas, betas = mesh_axes(item, smooth)
    field = item.field(name, smooth)
    grid = np.stack(np.meshgrid(alphas, betas, indexing="ij"), axis=-1).reshape(-1, 2)
    found = own.at(grid).reshape(alphas.size, betas.size)
    shown = field.texels[..., 2].T > 0.5
    lonely = ~shown & np.isfinite(found)  # stored numbers whose cells are all broken
    assert lonely.sum() <= 3 and (np.isfinite(found)[shown]).all()
    low, high = field.low, field.high
    assert (found[shown] - low) / (high - low) == pytest.approx(
        field.texels[..., 0].T[shown].astype(float), abs=2e-6
    )
    if name == "loss" and smooth and own.log:
        with np.errstate(invalid="ignore"):
            fine = 10 ** refine(np.log10(item.surface.loss), item.parts(smooth))
        assert np.log(found[shown]) == pytest.approx(np.log(fine[shown]), abs=1e-12)


def test_beside_the_surface_and_in_holes_there_is_no_number():
    item = Item(holed())
    own, axis = between(item, "loss"), item.surface.alphas
    assert np.isnan(own.at(np.array([[1.01, 0], [-2, 0], [0, 1.0001], [0, -1.5]]))).all()
    middle = (axis[12] + axis[13]) / 2
    assert np.isnan(own.at(np.array([[middle, axis[25]], [axis[12], axis[25]]]))).all()
    assert own.at(np.array([[axis[30], axis[8]]]))[0] == np.inf  # stored, so told
    assert np.isfinite(own.at(np.array([[axis[9], middle]]))).all()  # the edge of a whole cell


def test_a_coarse_surface_goes_through_what_is_known():
    axis = np.linspace(-1, 1, 9)
    evaluated = np.zeros((9, 9), bool)
    evaluated[::4, ::4] = True
    loss = np.where(evaluated, np.exp(3 * axis[:, None] + axis), np.nan)
    item = Item(Landscape(surface=Surface(axis, axis, {"loss": loss}, evaluated)))
    found = between(item, "loss").at(nodes(item)).reshape(9, 9)
    assert (found[::4, ::4] == loss[::4, ::4]).all() and np.isfinite(found).all()


def test_labels_are_never_mixed():
    axis = np.linspace(0, 1, 5)
    basin = np.random.default_rng(0).integers(0, 3, (5, 5)).astype(float)
    item = item_of(axis, axis, np.ones((5, 5)), **{BASIN: basin})
    found = between(item, BASIN).at(inside(axis, axis))
    assert set(found.tolist()) <= {0.0, 1.0, 2.0}


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2), (2, 7)])
@pytest.mark.parametrize("smooth", [True, False])
def test_thin_surfaces_are_ribbons(shape, smooth):
    loss = np.random.default_rng(2).uniform(1, 2, shape)
    item = item_of(np.arange(shape[0]), np.arange(shape[1]), loss)
    assert (between(item, "loss", smooth=smooth).at(nodes(item)) == loss.ravel()).all()
    (a, b), (c, d) = item.own_box
    assert b - a == max(shape[0] - 1, 1) and d - c == max(shape[1] - 1, 1)
    corners = np.array([(a, c), (b, d), (a, d), (b, c)])
    assert np.isfinite(between(item, "loss", smooth=smooth).at(corners)).all()


@given(st.lists(st.sampled_from([0.0, 1, -1, LARGEST, -LARGEST, SMALLEST, 1e300, 1e-300, np.nan,
                                 np.inf]), min_size=12, max_size=12), st.booleans())  # fmt: skip
def test_any_numbers_are_told_and_never_overflow(values, smooth):
    axes = np.arange(4.0), np.arange(3.0)
    item = item_of(*axes, np.array(values).reshape(4, 3))
    for log in (False, True):
        own = Between(item, "loss", smooth=smooth, log=log)
        stored = own.at(nodes(item))
        assert np.array_equal(stored, np.array(values), equal_nan=True)
        assert not np.isinf(own.at(inside(*axes, 50))).any()
