"""Cubic convolution against its own definition and exact polynomials."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossviz.viewer.refine import bridge, factor, fill, nested, refine, spread, weights


@given(st.integers(2, 12), st.integers(1, 8), st.integers(2, 12))
def test_passes_through_every_value(rows, parts, columns):
    values = np.random.default_rng(0).normal(size=(rows, columns))
    assert refine(values, parts)[::parts, ::parts] == pytest.approx(values)


@given(st.integers(3, 12), st.integers(2, 8))
def test_reproduces_quadratics_to_the_ends(count, parts):
    x = np.arange(count, dtype=float)
    fine = np.arange((count - 1) * parts + 1) / parts
    polynomial = 2 * x**2 - 3 * x + 1
    assert weights(count, parts) @ polynomial == pytest.approx(2 * fine**2 - 3 * fine + 1)


def test_weights_sum_to_one():
    assert weights(7, 5).sum(axis=1) == pytest.approx(1.0)


def test_a_missing_corner_makes_its_cells_holes_and_no_others():
    values = np.ones((5, 5))
    values[2, 2] = np.nan
    holes = np.isnan(refine(values, 4))
    assert holes[5:12, 5:12].all()  # the open inside of the four cells around it
    assert not holes[:5].any() and not holes[12:].any() and not holes[:, :5].any()


def test_fill_takes_neighbours_and_leaves_the_rest():
    values = np.array([[1.0, np.nan], [3.0, np.inf]])
    assert fill(values)[:, 0].tolist() == [1, 3] and fill(values)[0, 1] == 2
    assert fill(np.full((2, 2), np.nan)).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("side", [0, -1])
def test_holes_at_the_border_take_nothing_from_the_opposite_border(axis, side):
    values = np.repeat(np.arange(1.0, 10), 9).reshape(9, 9)
    values = values if axis == 0 else values.T
    rows = np.moveaxis(values, axis, 0)  # a view: what is in the same row is equal
    beside, deep = ([0, 1], 2) if side == 0 else ([-1, -2], -3)
    rows[[*beside, deep]] = np.nan
    found = np.moveaxis(spread(values), axis, 0)
    kept = rows[deep + (1 if side == 0 else -1)]
    assert (found[deep] == kept).all() and (found[beside[1]] == kept).all()
    assert (found[side] == 0).all()  # further in than two steps


def test_factor_is_never_below_one():
    assert factor((51, 51)) == 7 and factor((2001, 3)) == 1 and factor((1, 1)) == 16


@given(st.integers(1, 60))
def test_nested_choices_are_those_that_are_computed(count):
    from compute.surface import levels

    ours = [tuple(choice) for choice in nested(count)]
    assert set(map(tuple, levels(count))) <= set(ours)
    assert all(set(a) <= set(b) for a, b in pairwise(ours))


def test_what_is_not_evaluated_lies_between_coarser_points():
    alphas, betas = np.array([0.0, 1, 2, 4, 5, 6]), np.array([0.0, 1, 3, 4, 7])
    plane = 2 * alphas[:, None] - betas + 5
    evaluated = np.zeros(plane.shape, bool)
    evaluated[np.ix_([0, 2, 4, 5], [0, 4])] = True
    values = np.where(evaluated, plane, np.nan)
    assert bridge(values, evaluated, alphas, betas) == pytest.approx(plane)
    # Where a level is under way, the next finer points lie between what there is of it.
    evaluated[2, 2], values[2, 2] = True, 77.0
    bridged = bridge(values, evaluated, alphas, betas)
    assert bridged[2, 2] == 77.0 and bridged[2, 1] == pytest.approx((2 * plane[2, 0] + 77) / 3)
    none = np.zeros(plane.shape, bool)
    assert np.isnan(bridge(np.full(plane.shape, np.nan), none, alphas, betas)).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_holes_that_were_computed_stay(bad):
    axis = np.arange(9.0)
    evaluated = np.zeros((9, 9), bool)
    evaluated[::4, ::4] = True
    values = np.where(evaluated, 1.0, np.nan)
    values[4, 4] = bad
    finite = np.isfinite(bridge(values, evaluated, axis, axis))
    assert not finite[1:8, 1:8].any()
    assert finite[0].all() and finite[8].all() and finite[:, 0].all() and finite[:, 8].all()
