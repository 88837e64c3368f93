"""Polylines over a grid, against what they must keep: place, order, colour, gaps."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lossviz.viewer.polylines import (
    Lines,
    Seen,
    bend,
    clip,
    laid,
    line,
    sparse,
    thin,
    together,
    unrepeated,
)
from lossviz.viewer.renderers.strips import FLOATS, vertices

LOW, HIGH = np.array([-1.0, -1.0]), np.array([1.0, 1.0])
points = arrays(
    float, st.tuples(st.integers(0, 12), st.just(2)), elements=st.floats(-3, 3, width=32)
)


def pieces(lines):
    """The points of each polyline."""
    return np.split(lines.points, np.flatnonzero(lines.first)[1:])


def length(lines):
    return sum(np.linalg.norm(np.diff(part, axis=0), axis=1).sum() for part in pieces(lines))


def test_a_line_that_leaves_and_comes_back_is_two():
    found = clip(line(np.array([[0.0, 0], [2, 0], [2, 1], [0, 1]]), np.arange(4.0)), LOW, HIGH)
    assert [part.tolist() for part in pieces(found)] == [[[0, 0], [1, 0]], [[1, 1], [0, 1]]]
    assert found.values == pytest.approx([0, 0.5, 2.5, 3])


def test_a_line_across_the_window_is_cut_twice_and_one_beside_it_is_gone():
    across = clip(line(np.array([[-3.0, 0.5], [5, 0.5]]), np.array([0.0, 8])), LOW, HIGH)
    assert across.points.tolist() == [[-1, 0.5], [1, 0.5]]
    assert across.values == pytest.approx([2, 4])
    assert not len(clip(line(np.array([[-3.0, 1.5], [5, 1.5]])), LOW, HIGH).points)


@given(points)
def test_clipping_keeps_what_is_inside_and_adds_nothing(array):
    found = clip(line(array), LOW, HIGH)
    assert (np.abs(found.points) <= 1 + 1e-9).all()
    dense = [a + (b - a) * t for a, b in pairwise(array) for t in (np.arange(2000) + 0.5) / 2000]
    inside = [bool((np.abs(p) <= 1).all()) for p in dense]
    steps = np.linalg.norm(np.diff(array, axis=0), axis=1) if len(array) else np.zeros(0)
    expected = (np.repeat(steps / 2000, 2000) * inside).sum()
    assert length(found) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_has_no_place_is_a_gap(bad):
    array = np.array([[0.0, 0], [0.1, 0], [bad, 0], [0.3, 0], [0.4, 0]])
    for found in (clip(line(array), LOW, HIGH), line(array).without_gaps()):
        assert [part[:, 0].tolist() for part in pieces(found)] == [[0, 0.1], [0.3, 0.4]]


def test_endless_coordinates_draw_nothing_wrong():
    array = np.array([[0.0, 0], [1.7e308, 0], [-1.7e308, 0], [0, 0.5]])
    found = clip(line(array), LOW, HIGH)
    assert np.isfinite(found.points).all() and (np.abs(found.points) <= 1).all()


def uneven(n, seed):
    steps = np.random.default_rng(seed).uniform(0.3, 2.0, n - 1)
    ends = np.append(0, np.cumsum(steps))
    return -1 + 2 * ends / ends[-1]


@given(points, st.integers(2, 9), st.integers(2, 9), st.integers(0, 20))
def test_bent_lines_lie_in_one_triangle_between_two_points(array, n, m, seed):
    xs, ys = uneven(n, seed), uneven(m, seed + 1)
    straight = clip(line(array, np.arange(len(array))), LOW, HIGH)
    found = bend(straight, xs, ys)
    assert length(found) == pytest.approx(length(straight), abs=1e-6)
    assert [p[[0, -1]].tolist() for p in pieces(found) if len(p)] == [
        p[[0, -1]].tolist() for p in pieces(straight) if len(p)
    ]
    start = found.joined
    i, j = (np.interp(found.points[:, side], grid, np.arange(grid.size))
            for side, grid in enumerate((xs, ys)))  # fmt: skip
    for family in (i, j, i + j):
        a, b = family[start], family[start + 1]
        low, high = np.minimum(a, b) + 1e-6, np.maximum(a, b) - 1e-6
        assert (np.floor(np.maximum(low, high)) <= np.floor(low)).all()


def test_thinning_keeps_ends_and_moves_little():
    walk = np.cumsum(np.random.default_rng(0).normal(size=(5000, 2)) * 1e-3, axis=0)
    two = together([line(walk), line(walk + 0.5)])
    found = thin(two, np.array([0.01, 0.01]))
    assert len(found.points) < 3000 and found.first.sum() == 2
    for whole, part in zip((walk, walk + 0.5), pieces(found), strict=True):
        assert (part[[0, -1]] == whole[[0, -1]]).all()
        gap = np.linalg.norm(whole[:, None] - part[None], axis=2).min(axis=1)
        assert gap.max() < 0.01 * 2**0.5


def test_many_points_stay_within_the_budget():
    random = np.random.default_rng(1)
    many = together([line(random.uniform(-1, 1, (2000, 2))) for _ in range(10)])
    grid = np.linspace(-1, 1, 401)
    assert len(laid(many, grid, grid, 60_000).points) < 120_000
    few = line(random.uniform(-1, 1, (20, 2)))
    assert length(laid(few, grid, grid, 60_000)) == pytest.approx(length(few))


def test_a_strip_has_no_width_between_two_lines():
    lines = together([line(np.eye(3)), line(np.eye(3)[:1]), line(np.ones((2, 3)) * [[0], [1]])])
    rows = vertices(lines)
    assert rows.shape[1] == FLOATS and (rows[::2] == rows[1::2]).all()
    one = rows[::2]
    moved = (one[1:, :3] != one[:-1, :3]).any(axis=1)
    between = np.flatnonzero(moved & (one[1:, 5] == 0) & (one[:-1, 5] == 0))
    assert len(between) == 2  # three lines
    drawn = np.flatnonzero(moved & (one[1:, 5] == 1) & (one[:-1, 5] == 1))
    assert len(drawn) == 3 and len(drawn) + len(between) == moved.sum()
    assert one[:, 4].max() == pytest.approx(2 * 2**0.5)  # each line begins at 0


def test_nothing_gives_nothing():
    none = Lines(np.zeros((0, 2)), np.zeros(0), np.zeros(0, bool))
    assert not len(unrepeated(none, np.ones(2)).points) and not len(sparse(none, 3).points)
    grid = np.linspace(-1, 1, 5)
    assert not len(laid(none, grid, grid, 10).points) and not len(vertices(none))
    assert not len(together([]).points) and not len(none.last)


def covered(points, first, side=400):
    """Which squares of a picture polylines run through, sampled finely."""
    here = np.flatnonzero(~first[1:])
    share = np.linspace(0, 1, 60)[:, None, None]
    way = points[here] + share * (points[here + 1] - points[here])
    at = np.floor((way.reshape(-1, 2) + 1) / 2 * side).astype(int).clip(0, side - 1)
    picture = np.zeros((side, side), bool)
    picture[at[:, 1], at[:, 0]] = True
    return picture


def near(picture, reach):
    grown = np.zeros_like(picture)
    for i in range(-reach, reach + 1):
        for j in range(-reach, reach + 1):
            grown |= np.roll(picture, (i, j), axis=(0, 1))
    return grown


def test_a_trembling_line_that_is_thinned_covers_the_same_pixels():
    random, t = np.random.default_rng(2), np.linspace(0, 1, 40_000)[:, None]
    line_ = np.hstack([0.9 * (1 - t) * np.cos(9 * t), 0.9 * (1 - t) * np.sin(9 * t)])
    whole = line(line_ + 0.004 * random.normal(size=line_.shape))
    two = np.full(2, 4 / 400)  # pixels
    found = unrepeated(thin(whole, two), two)
    assert len(found.points) < len(whole.points) / 3
    ends = [found.points[0], found.points[-1]]
    assert ends[0] == pytest.approx(whole.points[0]) and ends[1] == pytest.approx(whole.points[-1])
    before, after = (covered(lines.points, lines.first) for lines in (whole, found))
    assert not (after & ~near(before, 1)).any() and not (before & ~near(after, 3)).any()
    assert (before & ~near(after, 1)).sum() < 0.02 * before.sum()


def test_a_line_to_and_fro_is_its_first_and_last_way():
    to_and_fro = line(np.array([[0.0, 0], [1, 0]] * 50), np.arange(100.0))
    found = unrepeated(to_and_fro, np.array([0.5, 0.5]))
    assert [part.tolist() for part in pieces(found)] == [[[0, 0], [1, 0]]] * 2
    assert found.values.tolist() == [0, 1, 98, 99]
    others = unrepeated(together([to_and_fro, to_and_fro]), np.array([0.5, 0.5]))
    assert len(pieces(others)) == 4  # each line has its own


@given(points)
def test_nothing_appears_by_thinning(array):
    quantum = np.array([0.25, 0.25])
    found = unrepeated(thin(line(array), quantum), quantum)
    assert (np.diff(found.values) >= 0).all()
    if len(array):
        away = np.linalg.norm(found.points[:, None] - array[None], axis=2)
        assert (away.min(axis=1, initial=0.0 if not len(found.points) else 9) < 0.36).all()


def test_what_is_near_is_laid_finely_and_what_is_not_seen_is_left_out():
    random = np.random.default_rng(3)
    many = together([line(np.cumsum(random.normal(size=(20_000, 2)), axis=0) * 0.006)
                     for _ in range(10)])  # fmt: skip
    grid = np.linspace(-1, 1, 401)
    seen = Seen((-0.25, -0.25), (0.25, 0.25), 2**-11)
    coarse, fine = laid(many, grid, grid, 30_000), laid(many, grid, grid, 30_000, seen)
    assert (np.abs(fine.points) <= 0.25 + 1e-9).all() and len(fine.points) < 60_000
    step = [np.linalg.norm(np.diff(part, axis=0), axis=1) for part in pieces(fine)]
    inside = (np.abs(coarse.points) < 0.2).all(axis=1).sum()
    assert (np.abs(fine.points) < 0.2).all(axis=1).sum() > 3 * inside
    assert max(part.max(initial=0) for part in step) < 0.1


def test_every_so_many_th_point_and_the_ends():
    found = sparse(together([line(np.eye(2)[[0] * 10]), line(np.eye(2)[[1] * 4])]), 4)
    assert found.first.tolist() == [True, False, False, False, True, False]
    assert sparse(found, 1) is found
