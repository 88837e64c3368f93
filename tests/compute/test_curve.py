"""Curves along lines: ends, means and barriers, each by a second route."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from compute.curve import along, barrier_error, ends_included, line_landscape, mean_of
from compute.directions import state_of
from compute.evaluation import Evaluator
from compute.plane import Plane, line_to
from lossviz.errors import UsageError
from lossviz.landscape import Curve

from .nets import slow_loss, small_convnet, small_problem

NETS = [small_convnet(seed) for seed in range(2)]


def evaluator(samples=23):
    problem = small_problem(samples=samples, net=NETS[0])
    return Evaluator(problem, line_to(*map(state_of, NETS), "other"))


def test_a_curve_is_the_loss_at_each_alpha_with_both_ends_exact():
    own = evaluator()
    curve = along(own, ends_included(-0.5, 1.5, 7), "line")
    assert {0.0, 1.0} <= set(curve.alphas.tolist()) and curve.points is None
    for alpha, loss in zip(curve.alphas, curve.quantities["loss"], strict=True):
        assert own.at(alpha, 0)["loss"] == loss
    for end, net in enumerate(NETS):
        problem = small_problem(net=net)
        plane = line_to(state_of(net), state_of(NETS[1 - end]), "b")
        losses, correct = slow_loss(problem, plane, 0, 0)
        at = int(np.flatnonzero(curve.alphas == end)[0])
        assert curve.quantities["loss"][at] == pytest.approx(np.mean(losses), rel=1e-6)
        assert curve.quantities["accuracy"][at] == np.mean(correct)


@given(st.integers(-300, 110), st.integers(1, 500), st.integers(2, 60))
def test_the_ends_are_among_the_points_where_the_range_has_them(hundredths, width, count):
    low, high = hundredths / 100, (hundredths + width) / 100
    alphas = ends_included(low, high, count)
    assert (np.diff(alphas) > 0).all() and alphas[0] <= low + 1e-9 and alphas[-1] >= high - 1e-9
    assert count <= alphas.size <= count + 2
    for end in (0.0, 1.0):
        assert (end in alphas) == (low <= end <= high)


def test_an_empty_range_is_refused():
    with pytest.raises(UsageError, match="low < high"):
        ends_included(1, -1, 5)


def test_the_barrier_is_what_rises_above_the_straight_line():
    alphas = np.array([-0.5, 0, 0.25, 0.5, 1, 1.5])
    curve = Curve("a", alphas, {"loss": [9, 1, 4, 2.5, 3, 9]})
    assert curve.barrier() == (2.5, 0.25)  # above 1.5 there
    sunken = Curve("b", alphas, {"loss": [9, 1, 0, 0, 3, 9]})
    assert sunken.barrier() == (0.0, 0.0)
    assert np.isnan(Curve("c", [0, 0.5], {"loss": [1, 2]}).barrier()[0])
    assert np.isnan(Curve("d", [0, 0.5, 1], {"loss": [1, np.nan, 2]}).barrier()[0])
    assert np.isnan(Curve("e", [0, 0.5, 1], {"loss": [np.inf, 1, np.inf]}).barrier()[0])
    assert Curve("f", [0, 0.5, 1], {"loss": [1, np.inf, 2]}).barrier() == (np.inf, 0.5)


def test_the_error_of_a_barrier_is_that_of_each_samples_own():
    own = evaluator(40)
    at = 0.4
    values = [own.many([(x, 0)])[0].values["loss"] for x in (at, 0, 1)]
    each = values[0] - (1 - at) * values[1] - at * values[2]
    assert barrier_error(own, at) == pytest.approx(each.std(ddof=1) / np.sqrt(40), rel=1e-9)
    assert np.isnan(barrier_error(own, float("nan")))
    means = small_problem(net=NETS[0], loss=lambda m, b: functional.cross_entropy(m(b[0]), b[1]))
    mean_only = Evaluator(means, line_to(*map(state_of, NETS), "other"))
    assert np.isnan(barrier_error(mean_only, at))


def test_a_mean_has_the_spread_of_its_curves():
    curves = [
        Curve(str(k), [0, 1], {"loss": [k, 2.0 * k], "loss_stderr": [0, 0], "accuracy": [1, 0]})
        for k in range(3)
    ]
    mean = mean_of(curves)
    assert mean.quantities["loss"].tolist() == [1, 2]
    assert mean.quantities["loss_spread"].tolist() == [1, 2]
    assert set(mean.quantities) == {"loss", "loss_spread", "accuracy"}
    with pytest.raises(ValueError, match="same alphas"):
        mean_of([curves[0], Curve("x", [0, 2], {"loss": [1, 1]})])
    with pytest.raises(ValueError, match="two"):
        mean_of(curves[:1])


def test_lines_along_which_other_weights_move_are_evaluated_in_their_own_ways():
    """The first is folded; along the second batch norm moves."""
    net = nn.Sequential(nn.Conv2d(2, 5, 3), nn.BatchNorm2d(5), nn.Flatten(), nn.Linear(80, 3))
    problem, theta = small_problem(net=net), state_of(net)
    lines = {
        name: Plane(theta, {name: torch.full_like(theta[name], 0.1)}, {})
        for name in ("0.weight", "1.weight", "1.running_mean")
    }
    alphas = np.array([-1.0, 1.0])
    found = line_landscape(problem, lines, alphas, precision="float64")
    for curve, plane in zip(found.curves, lines.values(), strict=True):
        for alpha, loss in zip(alphas, curve.quantities["loss"], strict=True):
            losses, _ = slow_loss(problem, plane, alpha, 0)
            assert loss == pytest.approx(np.mean(losses), rel=1e-6)


@pytest.mark.parametrize("engine", ["folded", "stacked"])
def test_a_way_that_was_chosen_for_another_plane_is_not_taken(engine):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(72, 5), nn.BatchNorm1d(5), nn.Linear(5, 3))
    problem = small_problem(net=net)
    theta = state_of(net)
    plane = Plane(theta, {"2.running_mean": torch.ones(5)}, {})
    choices = {"engine": engine, "batch_size": 7, "points_at_once": 8, "compiled": False}
    own = Evaluator(problem, plane, choices=choices, dtype=torch.float64)
    assert own.choices["engine"] == "plain"
    losses, _ = slow_loss(problem, plane, 0.5, 0)
    assert own.at(0.5, 0)["loss"] == pytest.approx(np.mean(losses), rel=1e-6)
