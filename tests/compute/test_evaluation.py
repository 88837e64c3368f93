"""The fast evaluation against a slow one in float64."""

import copy
import statistics
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from compute.directions import center_of
from compute.evaluation import Evaluator
from compute.outcome import outcome_of
from compute.plane import Plane
from compute.problem import Problem, batches_of, cross_entropy, mse, mse_softmax
from compute.surface import Grid, axis, check_center, collect, evaluate, grid_levels, levels
from lossviz.errors import InputError, UsageError

from .nets import plane_of, slow_loss, small_convnet, small_problem

CORNERS = [(0.0, 0.0), (1.0, 0.0), (0.0, -1.0), (-0.7, 0.9), (1.0, 1.0)]


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_equals_the_slow_evaluation(folded, bias):
    problem = small_problem(net=small_convnet(bias=bias))
    plane = plane_of(problem)
    choices = None if folded else {"engine": "plain"}
    fast = Evaluator(problem, plane, choices=choices)
    exact = Evaluator(problem, plane, choices=choices, dtype=torch.float64)
    assert fast.folded == exact.folded == folded
    for alpha, beta in CORNERS:
        losses, correct = slow_loss(problem, plane, alpha, beta)
        mean, error = statistics.fmean(losses), statistics.stdev(losses) / len(losses) ** 0.5
        for evaluator, tolerance in ((fast, 3e-6), (exact, 1e-6)):
            found = evaluator.at(alpha, beta)
            assert found["loss"] == pytest.approx(mean, rel=tolerance)
            assert found["loss_stderr"] == pytest.approx(error, rel=10 * tolerance)
            assert found["accuracy"] == pytest.approx(statistics.fmean(correct))


@pytest.mark.parametrize("batch_size", [1, 4, 23, 100])
def test_a_ragged_last_batch_weighs_no_more(batch_size):
    problem, whole = small_problem(batch_size=batch_size), small_problem(batch_size=23)
    plane = plane_of(whole)
    found, expected = (Evaluator(p, plane).at(0.3, -0.2) for p in (problem, whole))
    assert found == pytest.approx(expected, rel=1e-5)


def test_batch_norm_that_moves_is_not_folded():
    problem = small_problem()
    plane = plane_of(problem, ignore="none")
    evaluator = Evaluator(problem, plane)
    assert not evaluator.folded
    losses, _ = slow_loss(problem, plane, 0.5, -0.5)
    assert evaluator.at(0.5, -0.5)["loss"] == pytest.approx(statistics.fmean(losses), rel=1e-5)


class Shared(nn.Module):
    """One convolution used twice, whose batch norms differ: nothing may be folded."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1)
        self.one, self.two, self.linear = nn.BatchNorm2d(2), nn.BatchNorm2d(2), nn.Linear(72, 3)
        self.one.running_var.fill_(3.0)

    def forward(self, x):
        return self.linear(self.two(self.conv(self.one(self.conv(x)))).flatten(1))


class Tied(nn.Module):
    """Two layers with one weight: it moves once."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(72, 72, bias=False)
        self.second = nn.Linear(72, 72, bias=False)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(torch.tanh(self.first(x.flatten(1))))[:, :3]


@pytest.mark.parametrize("net", [Shared, Tied])
def test_shared_modules_and_tied_weights(net):
    torch.manual_seed(1)
    problem = small_problem(net=net())
    plane = plane_of(problem)
    found = Evaluator(problem, plane, dtype=torch.float64).at(0.4, 0.3)
    losses, _ = slow_loss(problem, plane, 0.4, 0.3)
    # The directions are float32 numbers, and the oracle adds them to the same float32 centre.
    assert found["loss"] == pytest.approx(statistics.fmean(losses), rel=1e-9)


def test_the_users_model_comes_back_untouched():
    net = small_convnet()
    net.train()
    before, flags = copy.deepcopy(net.state_dict()), [p.requires_grad for p in net.parameters()]
    random_state = torch.get_rng_state()
    problem = small_problem(net=net)
    evaluator = Evaluator(problem, plane_of(problem))
    evaluator.at(0.7, 0.7)
    assert net.training and [p.requires_grad for p in net.parameters()] == flags
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert all(p.grad is None for p in net.parameters())
    assert torch.equal(torch.get_rng_state(), random_state)


def test_points_do_not_depend_on_those_before():
    problem = small_problem()
    evaluator = Evaluator(problem, plane_of(problem))
    first = evaluator.at(0.3, 0.1)
    for corner in CORNERS:
        evaluator.at(*corner)
    assert evaluator.at(0.3, 0.1) == first


def test_infinite_and_undefined_losses_are_results():
    def huge(model, batch):
        return {"loss": model(batch[0])[:, 0] * float("inf")}

    values = Evaluator(small_problem(loss=huge), plane_of(small_problem())).at(0, 0)
    assert not np.isfinite(values["loss"])


def test_losses_by_hand():
    def fixed(_):
        return torch.tensor([[2.0, 0.0, -1.0], [0.0, 0.0, 0.0]])

    batch = torch.zeros(2, 1), torch.tensor([0, 2])
    softmax = np.exp([2, 0, -1]) / np.exp([2, 0, -1]).sum()
    expected = {
        cross_entropy: [-np.log(softmax[0]), np.log(3)],
        mse_softmax: [((softmax - [1, 0, 0]) ** 2).mean(), (2 * (1 / 3) ** 2 + (2 / 3) ** 2) / 3],
        mse: [(1 + 0 + 1) / 3, 1 / 3],
    }
    for loss, values in expected.items():
        found = loss(fixed, batch)
        assert found["loss"].tolist() == pytest.approx(values, rel=1e-6)
        assert found["accuracy"].tolist() == [1.0, 0.0]
    real = mse(fixed, (torch.zeros(2, 1), torch.ones(2, 3)))
    assert real["loss"].tolist() == pytest.approx([(1 + 1 + 4) / 3, 1.0])


def test_summaries_of_scalars_have_no_standard_error():
    found = outcome_of([torch.tensor(1.0), torch.tensor(3.0)])
    assert found.summarize() == {"loss": 2.0}
    with pytest.raises(InputError, match="'loss'"):
        outcome_of([{"accuracy": torch.tensor(1.0)}])


def test_dropout_in_the_loss_is_refused():
    def shaky(model, batch):
        return cross_entropy(lambda x: nn.functional.dropout(model(x), 0.5), batch)

    evaluator = Evaluator(small_problem(loss=shaky), plane_of(small_problem()))
    with pytest.raises(InputError, match=r"dropout.*shuffling"):
        check_center(evaluator)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 11, 50, 51, 64])
def test_levels_are_nested_and_end_with_everything(count):
    found = levels(count)
    assert found[-1].tolist() == list(range(count))
    for coarse, fine in pairwise(found):
        assert set(coarse) <= set(fine) and {0, count - 1} <= set(coarse)


def test_a_surface_holds_each_point_at_its_place():
    problem = small_problem()
    plane = plane_of(problem)
    grid = Grid(axis(-1, 1, 5), axis(-0.5, 0.75, 3))
    evaluator = Evaluator(problem, plane)
    counted = []
    surfaces = list(evaluate(evaluator, grid, progress=counted.append))
    assert len(surfaces) == len(grid_levels(grid)) and sum(counted) == 15
    last = surfaces[-1]
    assert last.alphas[[0, -1]].tolist() == [-1, 1] and last.betas[[0, -1]].tolist() == [-0.5, 0.75]
    for i, alpha in enumerate(last.alphas):
        for j, beta in enumerate(last.betas):
            losses, _ = slow_loss(problem, plane, alpha, beta)
            assert last.loss[i, j] == pytest.approx(statistics.fmean(losses), rel=1e-5)
    coarse = surfaces[0]
    at = [list(last.alphas).index(a) for a in coarse.alphas]
    assert (coarse.loss[:, -1] == last.loss[at, -1]).all() and coarse.evaluated.all()


def test_what_was_not_evaluated_is_nan_and_masked():
    grid = Grid(axis(-1, 1, 2), axis(-1, 1, 2))
    points = {0: {"loss": 1.0}, 3: {"loss": 2.0}}
    found = collect(grid, points, np.arange(2), np.arange(2))
    assert found.evaluated.tolist() == [[True, False], [False, True]]
    assert found.loss[0, 0] == 1 and found.loss[1, 1] == 2 and np.isnan(found.loss[0, 1])


def test_impossible_grids_are_refused():
    for low, high, count in ((1, 1, 5), (1, -1, 5), (0, 1, 0), (0, float("inf"), 3)):
        with pytest.raises(UsageError):
            axis(low, high, count)
    assert axis(-1, 1, 51)[25] == 0.0 and axis(2, 4, 1).tolist() == [3.0]


def test_a_plane_of_another_model_is_refused():
    problem = small_problem()
    theta = center_of(problem.model)
    strange = Plane(theta, {"nowhere": torch.zeros(2, 2)}, {})
    with pytest.raises(InputError, match="nowhere"):
        Evaluator(problem, strange)


def test_batches_are_cut_in_order():
    inputs, targets = torch.arange(10).float(), torch.arange(10)
    assert [len(x) for x, _ in batches_of(inputs, targets, 4)] == [4, 4, 2]
    assert torch.cat([y for _, y in batches_of(inputs, targets, 4)]).tolist() == list(range(10))
    assert isinstance(small_problem(), Problem)
