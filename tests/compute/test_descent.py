"""Steepest descent on the slice against the flow of the function itself, integrated tightly."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.spatial import KDTree

from compute import critical_points
from compute.descent import steepest_descent
from compute.separatrices import separatrices
from lossviz.errors import UsageError
from lossviz.landscape import Surface
from tests.compute.fields import (
    WINDOWS,
    camel,
    gradient,
    himmelblau,
    monkey_saddle,
    peaks,
    rastrigin,
    surface,
    truth,
)  # fmt: skip


def analytic(function, start):
    """The line of steepest descent ``(k, 2)`` up to 0.001 before a minimum, or to the border."""
    left, right, low, high = WINDOWS[function]
    places, kinds = truth(function)
    minima = places[kinds == "minimum"]

    def velocity(_, point):
        slope = gradient(function, point[None])[0]
        return -slope / np.linalg.norm(slope)

    def near(_, point):
        return np.linalg.norm(minima - point, axis=1).min() - 1e-3

    def border(_, point):
        return min(point[0] - left, right - point[0], point[1] - low, high - point[1])

    near.terminal = border.terminal = True
    line = solve_ivp(
        velocity, (0, 40), start, rtol=1e-7, atol=1e-7, dense_output=True, events=(near, border)
    )
    assert line.status == 1
    return line.sol(np.linspace(0, line.t[-1], 5000)).T


@pytest.mark.parametrize("function", [himmelblau, peaks, camel])
def test_forty_lines_each_are_those_of_the_function(function):
    left, right, low, high = WINDOWS[function]
    own, rng = surface(function, 101), np.random.default_rng(1)
    cell = np.array([right - left, high - low]) / 100
    found = critical_points(own)
    minima = np.array(
        [(p.alpha, p.beta) for p in found.points if p.kind == "minimum" and not p.border]
    )
    for start in np.stack([rng.uniform(left, right, 40), rng.uniform(low, high, 40)], axis=1):
        line = steepest_descent(own, start, found=found)
        assert line.kind == "descent" and line.points[0] == pytest.approx(start)
        assert (np.diff(line.losses) <= 0).all() and (np.diff(line.steps) > 0).all()
        end = line.points[-1]
        at_border = np.isin(end, [left, right, low, high]).any()
        assert at_border or np.abs(minima - end).max(axis=1).min() < 1e-9
        exact = analytic(function, start)
        away, _ = KDTree(exact / cell).query(line.points / cell)
        assert away.max() <= 0.25
        assert np.linalg.norm((end - exact[-1]) / cell) <= 0.25


def test_losses_lie_on_the_surface_and_steps_are_lengths():
    own = surface(himmelblau, 101)
    line = steepest_descent(own, (0.5, -4.0))
    assert line.losses == pytest.approx(himmelblau(*line.points.T), rel=1e-3, abs=1e-3)
    assert line.steps[0] == 0
    assert np.diff(line.steps) == pytest.approx(
        np.linalg.norm(np.diff(line.points, axis=0), axis=1)
    )


def test_cells_that_are_not_square_do_not_turn_it():
    """On x² + y² every line is straight, whatever the grid."""
    own = surface(lambda x, y: x**2 + y**2 - 1, 90, 12, window=(-1, 1, -1, 1))
    line = steepest_descent(own, (0.7, 0.9))
    x, y = line.points.T
    assert np.abs(x * 0.9 - y * 0.7).max() < 1e-3
    assert line.points[-1] == pytest.approx([0, 0], abs=1e-6)


@pytest.mark.parametrize("start", [(-3, 3), (3, 3), (0.0, -3.0)])
def test_lines_may_begin_on_the_border(start):
    line = steepest_descent(surface(peaks, 60), start)
    assert line.points[0] == pytest.approx(start) and np.isfinite(line.points).all()


def test_a_line_stops_at_a_hole():
    x = np.linspace(-1, 1, 41)
    loss = np.add.outer(x**2, x**2)
    loss[18:23, 18:23] = np.nan
    line = steepest_descent(Surface(x, x, {"loss": loss}), (0.9, 0.5))
    assert 0.1 < np.linalg.norm(line.points[-1]) < 0.3


def test_a_start_on_a_critical_point_stays():
    own = surface(himmelblau, 101)
    assert len(steepest_descent(own, (3.0, 2.0)).points) <= 2
    flat = Surface([0, 1, 2], [0, 1, 2], {"loss": np.ones((3, 3))})
    assert len(steepest_descent(flat, (1, 1)).points) == 1


@pytest.mark.parametrize("start", [(9, 0), (0, -5.01), (np.nan, 0), (np.inf, 0)])
def test_a_start_outside_is_refused(start):
    with pytest.raises(UsageError, match="expected a start within alpha -5 to 5"):
        steepest_descent(surface(himmelblau, 20), start)


def test_a_start_in_a_hole_or_a_surface_without_slope_is_refused():
    loss = np.add.outer(np.arange(5.0), np.arange(6.0))
    loss[2, 2] = np.nan
    with pytest.raises(UsageError, match="has none at"):
        steepest_descent(Surface(np.arange(5), np.arange(6), {"loss": loss}), (2, 2))
    for shape in ((1, 6), (6, 1)):
        with pytest.raises(UsageError, match="at least 2 x 2"):
            steepest_descent(Surface(*map(np.arange, shape), {"loss": np.ones(shape)}), (0, 0))


# ── separatrices ────────────────────────────────────────────────────────────────────────────────


def test_the_saddles_of_himmelblau_join_neighbouring_minima():
    found = separatrices(surface(himmelblau, 101))
    places, kinds = truth(himmelblau)
    assert len(found) == 4
    joined = set()
    for one in found:
        saddle = places[kinds == "saddle"]
        at = saddle[np.linalg.norm(saddle - [one.saddle.alpha, one.saddle.beta], axis=1).argmin()]
        assert one.barriers == pytest.approx([himmelblau(*at)] * 2, abs=1e-3)  # all minima are 0
        ends = [(round(end.alpha), round(end.beta)) for end in one.minima]
        joined.add(frozenset(ends))
        for line, end in zip(one.lines, one.minima, strict=True):
            assert line.kind == "descent" and (np.diff(line.losses) < 0).all()
            assert line.points[0] == pytest.approx([one.saddle.alpha, one.saddle.beta])
            assert line.points[-1] == pytest.approx([end.alpha, end.beta])
    a, b, c, d = (3, 2), (-3, 3), (-4, -3), (4, -2)
    assert joined == {frozenset(pair) for pair in ((a, b), (b, c), (c, d), (d, a))}


def test_a_line_that_leaves_the_window_has_no_barrier():
    own = surface(lambda x, y: x**2 - y**2, 31, window=(-1, 1, -1, 1))
    (one,) = separatrices(own)
    assert one.minima == (None, None) and np.isnan(one.barriers).all()
    assert sorted(line.points[-1][1] for line in one.lines) == pytest.approx([-1, 1])


def test_only_saddles_of_the_asked_for_persistence():
    own = surface(rastrigin, 51)
    assert len(separatrices(own)) == 40
    strong = separatrices(own, threshold=18.0)
    assert 0 < len(strong) < 40 and all(one.saddle.persistence >= 18 for one in strong)
    assert separatrices(surface(monkey_saddle, 51)) == ()
    assert separatrices(Surface([0], [0, 1], {"loss": np.ones((1, 2))})) == ()
