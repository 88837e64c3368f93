"""Persistence on a grid: the pairs of gudhi's cubical complex, to the last bit."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from compute.persistence import descend, persistence, ranks


def intervals(values, pairs, *, rising):
    """(birth, death) in the order of the sublevel filtration."""
    flat, ends = values.ravel(), pairs.saddles >= 0
    pair = flat[pairs.extrema[ends]], flat[pairs.saddles[ends]]
    return sorted(zip(*(pair if rising else pair[::-1]), strict=True))


def reference(values):
    """The finite intervals of dimensions 0 and 1 by gudhi."""
    gudhi = pytest.importorskip("gudhi", reason="gudhi, the oracle, is not installed")
    cubes = gudhi.CubicalComplex(vertices=values)
    cubes.persistence(homology_coeff_field=2)
    found = []
    for dimension in (0, 1):
        pairs = cubes.persistence_intervals_in_dimension(dimension)
        found.append(sorted(tuple(pair) for pair in pairs if np.isfinite(pair[1])))
    return found


SHAPES = st.tuples(st.integers(1, 18), st.integers(1, 18))


@settings(max_examples=150)
@example(np.zeros((4, 4)))
@example(np.array([[1.0, 0, 1], [0, 1, 0], [1, 0, 1]]))
@given(
    st.one_of(
        arrays(float, SHAPES, elements=st.floats(0, 1)),
        arrays(float, SHAPES, elements=st.sampled_from([0.0, 0.25, 0.5, 1.0])),  # many ties
    )
)
def test_pairs_are_those_of_gudhi(values):
    down, up = persistence(values)
    assert [intervals(values, down, rising=True), intervals(values, up, rising=False)] == reference(
        values
    )


@pytest.mark.parametrize("shape", [(101, 101), (60, 173)])
def test_larger_fields_too(shape):
    values = np.random.default_rng(0).normal(size=shape)
    down, up = persistence(values)
    assert [intervals(values, down, rising=True), intervals(values, up, rising=False)] == reference(
        values
    )


def test_a_row_of_valleys():
    values = np.array([[3.0, 0, 2, 1, 5], [3, 3, 4, 2, 5]])
    down, up = persistence(values)
    assert down.extrema.tolist() == [3, 1] and down.saddles.tolist() == [2, -1]
    assert down.elders.tolist() == [1, 1]
    assert down.persistence.tolist() == [1, 5]  # the lowest never ends: the range
    assert up.extrema.size == 0  # every maximum lies on the border, where the outside is above it


def test_every_vertex_leads_to_a_minimum_by_falling_steps():
    values = np.random.default_rng(1).normal(size=(20, 30))
    ends = descend(ranks(values), ((0, 1), (1, 0)))
    padded = np.pad(values, 1, constant_values=np.inf)
    beside = [padded[1 + i : 21 + i, 1 + j : 31 + j] for i, j in ((0, 1), (1, 0), (0, -1), (-1, 0))]
    minima = np.flatnonzero((values < np.min(beside, axis=0)).ravel())
    assert set(ends.ravel()) == set(minima)
    assert (values.ravel()[ends] <= values).all()
