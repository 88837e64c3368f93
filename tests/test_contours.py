"""Isolines: round levels strictly inside the range, and lines that lie on them."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lossviz.contours import isolines, levels, step_1_2_5
from lossviz.landscape import Surface

NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


def test_linear_levels_are_multiples_of_a_round_step():
    assert levels(0, 10, count=10) == pytest.approx(np.arange(1, 10))
    assert levels(-0.3, 0.3, count=6) == pytest.approx([-0.2, -0.1, 0, 0.1, 0.2])


def test_log_levels_are_1_2_5_in_each_decade():
    found = levels(0.9, 110, scale="log", count=6)
    assert found == pytest.approx([1, 2, 5, 10, 20, 50, 100])


def test_many_decades_have_one_level_each_few_have_linear_ones():
    assert levels(1e-9, 1e3, scale="log", count=12) == pytest.approx(10.0 ** np.arange(-8, 3))
    assert levels(1, 2, scale="log", count=5) == pytest.approx(levels(1, 2, count=5))


def test_levels_lie_strictly_inside():
    assert 1 not in levels(1, 100, scale="log") and 100 not in levels(1, 100, scale="log")
    assert 0 not in levels(0, 10) and 10 not in levels(0, 10)


@example(-1e308, 1e308, "linear", 12)
@example(0.0, 5e-324, "linear", 12)
@example(5e-324, 1e308, "log", 12)
@example(1e9, 1e9 + 1e-6, "linear", 100)  # the step is below the numbers' resolution
@given(NUMBERS, NUMBERS, st.sampled_from(["linear", "log"]), st.integers(0, 100))
def test_any_range_gives_rising_levels_inside_it(low, high, scale, count):
    found = levels(low, high, scale=scale, count=count)
    assert (np.diff(found) > 0).all() and len(found) < 1000
    assert ((found > low) & (found < high)).all()


@given(st.floats(1e-12, 1e12), st.floats(1.001, 1e6), st.sampled_from(["linear", "log"]))
def test_there_are_about_as_many_as_asked_for(low, ratio, scale):
    assert 3 <= len(levels(low, low * ratio, scale=scale, count=12)) <= 30


@given(st.floats(1e-200, 1e200), st.integers(1, 50))
def test_steps_are_1_2_5(span, count):
    step = step_1_2_5(span, count)
    digit = step / 10.0 ** math.floor(math.log10(step * 1.0001))
    assert min(abs(digit - known) for known in (1, 2, 5)) < 1e-6
    assert 0.6 < span / count / step < 1.6


@pytest.mark.parametrize("span", [0.0, -1.0, math.nan, math.inf])
def test_a_span_must_be_positive(span):
    with pytest.raises(ValueError, match="span: expected"):
        step_1_2_5(span, 5)


def bowl(n=41, m=31):
    x, y = np.linspace(-1, 1, n), np.linspace(-1, 1, m)
    return Surface(x, y, {"loss": np.add.outer(x**2, y**2), "x": np.add.outer(x, 0 * y)})


def test_an_isoline_of_a_bowl_is_a_circle():
    (line,) = isolines(bowl(), 0.25)
    assert line.level == 0.25
    assert np.hypot(*line.points.T) == pytest.approx(0.5, abs=2e-3)
    assert (line.points[0] == line.points[-1]).all()


@pytest.mark.parametrize("level", [0.05, 0.3, 0.9])
def test_an_isoline_of_a_paraboloid_is_its_ellipse(level):
    """At most 0.002 off on 101 x 101 points: the distance to x²/a² + y²/b² = level."""
    x = np.linspace(-1.5, 1.5, 101)
    a, b = 1.4, 0.8
    paraboloid = Surface(x, x, {"loss": np.add.outer((x / a) ** 2, (x / b) ** 2)})
    (line,) = isolines(paraboloid, level)
    turn = np.linspace(0, 2 * np.pi, 20_000)
    ellipse = np.sqrt(level) * np.stack([a * np.cos(turn), b * np.sin(turn)], axis=1)
    away = np.linalg.norm(line.points[:, None] - ellipse, axis=2).min(axis=1)
    assert away.max() <= 2e-3


def test_isolines_of_another_quantity_have_alpha_first():
    (line,) = isolines(bowl(), 0.13, "x")
    assert line.points[:, 0] == pytest.approx(0.13) and np.ptp(line.points[:, 1]) == 2


@pytest.mark.parametrize("hole", [np.nan, np.inf])
def test_isolines_end_at_holes(hole):
    whole = bowl(41, 41)
    loss = whole.loss.copy()
    loss[30, 20] = hole  # on the circle, at (0.5, 0)
    (line,) = isolines(Surface(whole.alphas, whole.betas, {"loss": loss}), 0.25)
    assert np.isfinite(line.points).all() and (line.points[0] != line.points[-1]).any()


def test_thin_grids_and_levels_outside_have_none():
    assert isolines(bowl(), 5.0) == []
    assert isolines(Surface([0, 1], [0], {"loss": np.ones((2, 1))}), 1.0) == []


def test_the_viewer_gets_levels_without_contourpy():
    code = "import sys, lossviz.contours; sys.exit('contourpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
