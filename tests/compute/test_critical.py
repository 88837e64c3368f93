"""Critical points of a surface against functions whose points are known by another route."""

import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from compute import critical_points
from lossviz.critical_points import CriticalPoints, FlatRegion
from lossviz.landscape import Surface
from tests.compute import fields
from tests.compute.fields import (
    ackley,
    camel,
    himmelblau,
    monkey_saddle,
    mueller_brown,
    peaks,
    rastrigin,
    surface,
    truth,
)  # fmt: skip

COUNTS = {  # minima, saddles, maxima
    himmelblau: (4, 4, 1),
    rastrigin: (25, 40, 16),
    camel: (6, 7, 2),
    mueller_brown: (3, 2, 0),
    peaks: (3, 3, 3),
    ackley: (25, 40, 16),
}


def inside(found):
    return [point for point in found.points if not point.border]


def counts(points):
    kinds = Counter(point.kind for point in points)
    assert kinds["degenerate"] == 0
    return kinds["minimum"], kinds["saddle"], kinds["maximum"]


def errors(own, found, function):
    """``(k,)`` distances in cells from the points to the true ones, whose kinds they have."""
    places, kinds = truth(function)
    cell = own.alphas[1] - own.alphas[0], own.betas[1] - own.betas[0]
    points = np.array([(point.alpha, point.beta) for point in inside(found)])
    distance = np.linalg.norm((points[:, None] - places) / cell, axis=2)
    nearest = distance.argmin(axis=1)
    assert sorted(nearest) == list(range(len(places)))
    assert [point.kind for point in inside(found)] == kinds[nearest].tolist()
    return distance.min(axis=1)


@pytest.mark.parametrize("function", COUNTS)
def test_the_oracle_itself_finds_the_published_counts(function):
    _, kinds = truth(function)
    found = Counter(kinds.tolist())
    assert (found["minimum"], found["saddle"], found["maximum"]) == COUNTS[function]


@pytest.mark.parametrize(
    "function, n, bound",
    [
        (himmelblau, 101, 1e-3), (rastrigin, 51, 1e-2), (camel, 26, 0.05), (peaks, 51, 0.01),
        (rastrigin, 47, 1e-2),  # a vertex exactly on every critical point at whole numbers
        (mueller_brown, 51, 0.01),
    ],
)  # fmt: skip
def test_every_point_is_found_and_none_is_invented(function, n, bound):
    own = surface(function, n)
    found = critical_points(own)
    assert counts(inside(found)) == COUNTS[function]
    assert errors(own, found, function).max() <= bound
    assert found.complete and found.index_sum == found.winding and found.link_sum == 1


def test_the_winding_number_is_not_always_one():
    assert critical_points(surface(peaks, 51)).winding == 3


def test_a_cone_is_a_minimum():
    own = surface(ackley, 51)
    found = critical_points(own)
    assert counts(inside(found)) == COUNTS[ackley]
    distance = errors(own, found, ackley)
    cone = np.argmin([abs(point.alpha) + abs(point.beta) for point in inside(found)])
    assert distance[cone] <= 0.2 and np.delete(distance, cone).max() <= 0.05
    assert found.complete


@pytest.mark.parametrize("n", [50, 51, 201])
def test_a_monkey_saddle_is_one_degenerate_point_of_index_minus_two(n):
    found = critical_points(surface(monkey_saddle, n))
    (point,) = inside(found)
    assert point.kind == "degenerate"
    assert np.hypot(point.alpha, point.beta) * (n - 1) / 2 <= 1e-3
    assert found.index_sum == found.winding == -2 and found.complete


def test_the_error_falls_with_the_grid():
    for function in (himmelblau, peaks):
        coarse, fine = (
            errors(own, critical_points(own), function).max() * 2 / (n - 1)
            for n in (51, 201)
            for own in [surface(function, n)]
        )
        assert fine <= coarse / 10


def test_values_and_curvatures_are_those_of_the_function():
    own = surface(himmelblau, 201)
    found = critical_points(own)
    places = np.array([(point.alpha, point.beta) for point in inside(found)])
    bends = np.linalg.eigvalsh(fields.hessian(himmelblau, places))
    told = [(point.lambda_min, point.lambda_max) for point in inside(found)]
    assert np.array(told) == pytest.approx(bends, rel=2e-3)
    values = [point.value for point in inside(found)]
    assert values == pytest.approx(himmelblau(*places.T), abs=1e-4)


def test_curvatures_from_the_logarithm_are_those_of_the_loss():
    """exp(u), u quadratic: the spline is exact, and H = exp(u) (H_u + ∇u ∇uᵀ)."""
    own = surface(
        lambda x, y: 5 * np.exp(3 * (x - 0.2) ** 2 - 3 * (y + 0.1) ** 2), 21, 17,
        window=(-1, 1, -1, 1),
    )  # fmt: skip
    found = critical_points(own)
    assert found.log
    (saddle,) = inside(found)
    assert (saddle.alpha, saddle.beta, saddle.value) == pytest.approx((0.2, -0.1, 5), abs=1e-6)
    assert (saddle.lambda_min, saddle.lambda_max) == pytest.approx((-30, 30))
    (left,) = (p for p in found.points if p.border and p.kind == "maximum" and p.alpha == -1)
    value = 5 * np.exp(3 * 1.2**2)
    assert (left.lambda_min, left.lambda_max) == pytest.approx(
        (-6 * value, (6 + (6 * 1.2) ** 2) * value)
    )


def test_54_noisy_surfaces_balance():
    rng = np.random.default_rng(0)
    for _ in range(54):
        n, m = rng.integers(4, 45, 2)
        own = Surface(np.arange(n), np.arange(m), {"loss": rng.normal(size=(n, m))})
        found = critical_points(own)
        assert found.winding == found.index_sum and found.link_sum == 1 and found.complete


@pytest.mark.parametrize("function", [himmelblau, peaks, mueller_brown, camel])
def test_kinds_and_counts_under_log_and_exp(function):
    own = surface(function, 101)
    low, span = own.loss.min(), np.ptp(own.loss)
    level = (own.loss - low) / span
    for mapped in (np.log(level + 0.05), np.exp(3 * level), np.exp(20 * level)):
        found = critical_points(Surface(own.alphas, own.betas, {"loss": mapped}))
        assert counts(inside(found)) == COUNTS[function]
        errors(own, found, function)


def test_noise_hides_nothing_and_adds_little():
    own = surface(peaks, 101)
    sigma = 1e-3 * np.ptp(own.loss)
    noise = np.random.default_rng(0).normal(scale=sigma, size=own.shape)
    found = critical_points(Surface(own.alphas, own.betas, {"loss": own.loss + noise}))
    assert found.noise == pytest.approx(sigma, rel=0.1)
    assert found.threshold == 10 * found.noise
    assert found.complete and len(inside(found)) > 1000
    shown, (places, kinds) = found.shown(), truth(peaks)
    for place, kind in zip(places, kinds, strict=True):
        assert any(
            point.kind == kind and np.hypot(point.alpha - place[0], point.beta - place[1]) < 0.12
            for point in shown
        )
    assert len(shown) <= 9 + 2


@pytest.mark.parametrize("radius", range(5))
@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_a_hole_makes_no_points(radius, hole):
    own = surface(himmelblau, 101)
    i, j = np.indices(own.shape)
    loss = np.where(np.hypot(i - 75, j - 22) <= radius, hole, own.loss)
    loss[0, 40:44] = hole  # and one on the border
    found = critical_points(Surface(own.alphas, own.betas, {"loss": loss}))
    assert counts(inside(found)) == COUNTS[himmelblau]
    assert errors(own, found, himmelblau).max() <= 1e-3
    assert not found.missing


def test_a_hole_in_a_slope_makes_no_points():
    i, j = np.indices((60, 50))
    loss = np.where(np.hypot(i - 30, j - 20) < 8, np.nan, 3.0 * i + j)
    found = critical_points(Surface(np.arange(60), np.arange(50), {"loss": loss}))
    assert inside(found) == []
    assert [(p.alpha, p.beta, p.kind) for p in found.points] == [
        (0, 0, "minimum"),
        (59, 49, "maximum"),
    ]


def test_border_extrema_are_a_class_of_their_own():
    own = surface(lambda x, y: (x - 0.5) ** 2 - (y + 0.3) ** 2, 41, 31, window=(-1, 1, -1, 1))
    found = critical_points(own)
    (saddle,) = inside(found)
    assert saddle.kind == "saddle" and found.winding == -1
    border = {(p.kind, round(p.alpha, 6), round(p.beta, 6)) for p in found.points if p.border}
    assert border == {
        ("minimum", 0.5, 1.0), ("minimum", 0.5, -1.0), ("maximum", -1.0, -0.3),
        ("maximum", 1.0, -0.3),
    }  # fmt: skip
    assert found.shown() == [saddle] and len(found.shown(threshold=0, border=True)) == 5


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1)])
def test_a_single_row_has_none(shape):
    loss = np.random.default_rng(0).normal(size=shape)
    assert critical_points(Surface(*map(np.arange, shape), {"loss": loss})).points == ()


@pytest.mark.parametrize("value", [0.0, 1.0, -1e300, 1e-320])
def test_a_constant_has_none_and_is_flat(value):
    found = critical_points(
        Surface(np.arange(20), np.arange(30), {"loss": np.full((20, 30), value)})
    )
    assert found.points == () and not found.missing
    assert found.flat == (FlatRegion(10, 14, value, 1.0),)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_without_a_finite_value_there_is_nothing(value):
    found = critical_points(Surface([0, 1, 2], [0, 1], {"loss": np.full((3, 2), value)}))
    assert found == CriticalPoints()


def test_a_plateau_is_one_flat_region():
    x = np.linspace(-1, 1, 80)
    loss = np.maximum(np.add.outer(x**2, x**2), 0.3)
    found = critical_points(Surface(x, x, {"loss": loss}))
    assert inside(found) == []
    (region,) = found.flat
    assert region.value == pytest.approx(0.3)
    assert abs(region.alpha) < 0.03 and abs(region.beta) < 0.03
    assert region.share == pytest.approx(np.pi * 0.3 / 4, abs=0.06)


@pytest.mark.parametrize("n, seconds", [(201, 1), (401, 3)])
@pytest.mark.parametrize("function", [himmelblau, rastrigin])
def test_large_grids_take_a_moment(function, n, seconds):
    own = surface(function, n)
    began = time.process_time()
    assert counts(inside(critical_points(own))) == COUNTS[function]
    assert time.process_time() - began < seconds


def test_each_of_many_plateaus_is_told_once():
    """36 squares of 9 x 9 equal vertices on a slope, each with a level of its own."""
    loss = np.add.outer(np.arange(120.0), 0.37 * np.arange(120.0))
    levels = {}
    for k, (i, j) in enumerate(np.ndindex(6, 6)):
        place = slice(20 * i + 5, 20 * i + 14), slice(20 * j + 5, 20 * j + 14)
        loss[place] = levels[20.0 * i + 9, 20.0 * j + 9] = 300.0 + 7 * k
    found = critical_points(Surface(np.arange(120), np.arange(120), {"loss": loss}))
    assert {(r.alpha, r.beta): r.value for r in found.flat} == pytest.approx(levels)
    assert {region.share for region in found.flat} == {121 / 120**2}


def test_a_step_takes_bounded_time():
    """Lines of zeros along the spline's ringing: the worst there is."""
    x = np.linspace(-1, 1, 30)
    found = critical_points(Surface(x, x, {"loss": np.sign(np.add.outer(x, 0 * x) + 0.01)}))
    assert inside(found) == []


@pytest.mark.parametrize("power", [2, 3])
@pytest.mark.parametrize("shape", [(40, 40), (50, 40), (41, 41), (21, 30)])
def test_a_degenerate_point_without_an_index_is_found(power, shape):
    """x³ + y³ and x² + y³: no winding number tells of it."""
    x, y = (np.linspace(-1, 1, size) for size in shape)
    found = critical_points(Surface(x, y, {"loss": np.add.outer(x**power, y**3)}))
    (point,) = inside(found)
    assert point.kind == "degenerate" and abs(point.alpha) + abs(point.beta) < 1e-5
    assert found.index_sum == found.winding == 0 and found.complete


@pytest.mark.parametrize("lost", range(9))
def test_the_check_finds_a_point_that_was_lost(lost, monkeypatch):
    from compute import critical

    own, whole = surface(peaks, 51), critical.zeros
    point = own.alphas[0], own.betas[0]

    def zeros(spline):
        nonlocal point
        places, open_ = whole(spline)
        point = places[lost] * 6 / 50 - 3
        return np.delete(places, lost, axis=0), open_

    monkeypatch.setattr(critical, "zeros", zeros)
    found = critical_points(own)
    assert found.index_sum != found.winding == 3 and not found.complete
    (place,) = found.missing
    assert np.abs(np.subtract(place, point)).max() <= 2 * 6 / 50
    assert f"1 point may be missing near ({place[0]:.4g}, {place[1]:.4g})" in found.checks()[0]


def test_another_quantity_and_a_threshold_of_ones_own():
    own = surface(himmelblau, 60)
    both = Surface(own.alphas, own.betas, {"loss": own.loss, "accuracy": surface(peaks, 60).loss})
    found = critical_points(both, quantity="accuracy", threshold=1.5)
    assert found.threshold == 1.5
    assert counts(inside(found)) == COUNTS[peaks]
    assert 0 < len(found.shown()) < 9
    with pytest.raises(KeyError):
        critical_points(both, quantity="error")


# ── properties ──────────────────────────────────────────────────────────────────────────────────


@st.composite
def smooth(draw):
    """Some waves on a grid that is neither square nor uniform."""
    n, m, seed = draw(st.integers(5, 40)), draw(st.integers(5, 40)), draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    axes = [np.cumsum(rng.uniform(0.6, 1.4, size)) for size in (n, m)]
    loss = np.zeros((n, m))
    for _ in range(draw(st.integers(1, 6))):
        p, q, phase = rng.normal(size=3)
        loss += rng.normal() * np.sin(np.add.outer(p * axes[0], q * axes[1]) + 9 * phase)
    assume(np.ptp(loss) > 1e-3)
    return Surface(*axes, {"loss": loss})


def as_rows(found):
    rows = [(p.kind, p.border, p.alpha, p.beta, p.persistence) for p in found.points]
    return sorted(rows, key=lambda row: (row[0], row[1], round(row[2], 4), row[3]))


def assert_same(first, second, *, scale=1.0):
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        assert a[:2] == b[:2]
        assert a[2:4] == pytest.approx(b[2:4], abs=1e-5)
        assert a[4] * scale == pytest.approx(b[4], abs=1e-6 * scale)


@settings(max_examples=60)
@given(smooth())
def test_indices_add_up_to_the_winding_number(own):
    found = critical_points(own)
    assert found.link_sum == 1
    assert found.winding is None or found.missing or found.winding == found.index_sum
    low, high = (own.alphas[0], own.betas[0]), (own.alphas[-1], own.betas[-1])
    for point in found.points:
        assert low <= (point.alpha, point.beta) and point.alpha <= high[0] and point.beta <= high[1]


@settings(max_examples=30)
@given(smooth(), st.floats(1e-3, 1e3), st.floats(-10, 10))
def test_a_scale_and_a_shift_change_nothing(own, scale, shift):
    found = critical_points(own)
    assume(not found.log)
    loss = (own.loss - own.loss.min() - 1) * scale - abs(shift)  # not positive: no log
    again = critical_points(Surface(own.alphas, own.betas, {"loss": loss}))
    assert_same(as_rows(found), as_rows(again), scale=scale)


@settings(max_examples=30)
@given(smooth())
def test_the_exponential_of_a_field_has_its_points(own):
    found = critical_points(own)
    assume(not found.log)
    scale = 12 / np.ptp(own.loss)
    again = critical_points(Surface(own.alphas, own.betas, {"loss": np.exp(own.loss * scale)}))
    assert again.log
    assert_same(as_rows(found), as_rows(again), scale=scale)


@settings(max_examples=30)
@given(smooth())
def test_turning_the_grid_turns_the_points(own):
    turned = Surface(own.betas, -own.alphas[::-1], {"loss": own.loss.T[:, ::-1]})
    found = [
        (kind, border, -beta, alpha, persistence)
        for kind, border, alpha, beta, persistence in as_rows(critical_points(turned))
    ]
    found.sort(key=lambda row: (row[0], row[1], round(row[2], 4), row[3]))
    assert_same(found, as_rows(critical_points(own)))


@settings(max_examples=150)
@given(
    arrays(float, st.tuples(st.integers(1, 7), st.integers(1, 7)),
        elements=st.one_of(st.floats(), st.sampled_from([0.0, 1.0, np.nan]))),
)  # fmt: skip
def test_no_input_is_too_strange(loss):
    found = critical_points(Surface(*map(np.arange, loss.shape), {"loss": loss}))
    assert found.link_sum == 1
    for point in found.points:
        assert 0 <= point.alpha <= loss.shape[0] - 1 and 0 <= point.beta <= loss.shape[1] - 1
        assert point.persistence >= 0
    assert found.checks()
