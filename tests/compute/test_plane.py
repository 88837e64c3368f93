"""Planes and lines through other networks: every network lies where it is marked."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from compute.directions import combined, difference, inner, parameters_of, state_of
from compute.evaluation import Evaluator
from compute.hessian import hessian_plane
from compute.plane import Plane, line_to, plane_through, random_plane, span_around
from compute.problem import Problem, mse
from compute.surface import landscape
from lossviz.errors import InputError

from .nets import small_convnet, small_problem

NETS = [small_convnet(seed) for seed in range(3)]
STATES = [state_of(net) for net in NETS]


def own_loss(net):
    problem = small_problem(net=net)
    return Evaluator(problem, random_plane(net)).at(0, 0)["loss"]


def test_a_plane_through_three_networks_is_orthonormal_and_has_each_with_its_own_loss():
    plane = plane_through(STATES[0], {"B": STATES[1], "C": STATES[2]}, name="A")
    assert inner(plane.delta, plane.delta) == pytest.approx(1, rel=1e-6)
    assert inner(plane.eta, plane.eta) == pytest.approx(1, rel=1e-6)
    assert abs(inner(plane.delta, plane.eta)) < 1e-6 and plane.angle == pytest.approx(90)
    evaluator = Evaluator(small_problem(net=NETS[0]), plane)
    assert [name for name, *_ in plane.marks] == ["A", "B", "C"]
    for (_, alpha, beta), net in zip(plane.marks, NETS, strict=True):
        assert evaluator.at(alpha, beta)["loss"] == pytest.approx(own_loss(net), rel=1e-6)
    move = parameters_of(difference(STATES[2], STATES[0]))
    assert plane.project(move)[:2] == pytest.approx(plane.marks[2][1:], rel=1e-6)
    assert plane.project(move)[2] < 1e-5


def test_a_plane_through_one_other_network_has_a_random_second_direction():
    plane = plane_through(STATES[0], {"B": STATES[1]}, seed=4)
    assert abs(inner(plane.delta, plane.eta)) < 1e-5 * inner(plane.delta, plane.delta)
    assert inner(plane.eta, plane.eta) == pytest.approx(inner(plane.delta, plane.delta), rel=1e-5)
    evaluator = Evaluator(small_problem(net=NETS[0]), plane)
    assert evaluator.at(1, 0)["loss"] == pytest.approx(own_loss(NETS[1]), rel=1e-6)
    again = plane_through(STATES[0], {"B": STATES[1]}, seed=4)
    assert again.sha256 == plane.sha256 != plane_through(STATES[0], {"B": STATES[1]}).sha256


def test_a_line_ends_exactly_at_the_other_network():
    evaluator = Evaluator(small_problem(net=NETS[0]), line_to(STATES[0], STATES[1], "B"))
    for alpha, net in enumerate(NETS[:2]):
        assert evaluator.at(alpha, 0)["loss"] == pytest.approx(own_loss(net), rel=1e-6)


def test_statistics_go_straight_and_variances_in_the_log():
    line = line_to(STATES[0], STATES[1], "B")
    evaluator = Evaluator(small_problem(net=NETS[0]), line, choices={"engine": "plain"})
    assert Evaluator(small_problem(net=NETS[0]), line).choices["engine"] == "plain"  # no folding
    for alpha in (-0.5, 0.3, 1.5):
        moved = copy.deepcopy(NETS[0])
        for name, values in moved.state_dict().items():
            if not values.is_floating_point():
                continue
            a, b = STATES[0][name].double(), STATES[1][name].double()
            straight = a ** (1 - alpha) * b**alpha if "var" in name else (1 - alpha) * a + alpha * b
            values.copy_(straight)
        expected = own_loss(moved)
        assert evaluator.at(alpha, 0)["loss"] == pytest.approx(expected, rel=2e-6)


def test_recomputed_statistics_are_those_of_the_samples_at_every_point():
    from torch.optim.swa_utils import update_bn

    problem = small_problem(net=NETS[0], samples=30, batch_size=30)
    plane = random_plane(NETS[0], seed=2)
    evaluator = Evaluator(problem, plane, batch_norm="recomputed")
    assert evaluator.choices["engine"] == "recomputed"
    for at in ((0, 0), (0.7, -0.4), (0, 0)):
        moved = copy.deepcopy(NETS[0])
        weights = combined([(1, plane.theta), (at[0], plane.delta), (at[1], plane.eta)])
        moved.load_state_dict(weights, strict=False)
        update_bn(problem.batches, moved)
        assert evaluator.at(*at)["loss"] == pytest.approx(own_loss_of(moved, problem), rel=1e-5)
    evaluator._tell_rounding()  # on the CPU there is none
    assert evaluator.notes[-1].endswith("by 0.0e+00")
    before = Evaluator(problem, plane).at(0, 0)["loss"]
    assert evaluator.at(0, 0)["loss"] != pytest.approx(before, rel=1e-3)
    assert not any(module.training for module in evaluator._engine.model.modules())


def own_loss_of(net, problem):
    with torch.no_grad():
        outputs = [problem.loss(net.eval(), batch)["loss"] for batch in problem.batches]
    return float(torch.cat(outputs).double().mean())


def test_networks_that_make_no_plane_are_told():
    middle = combined([(0.5, STATES[0]), (0.5, STATES[1])])
    same = {"A": STATES[0]}
    with pytest.raises(InputError, match="A: its weights are those of the centre"):
        plane_through(STATES[0], same)
    with pytest.raises(InputError, match="A: its weights are those of the centre"):
        line_to(STATES[0], STATES[0], "A")
    with pytest.raises(InputError, match="M: lies on one line"):
        plane_through(
            parameters_of(STATES[0]),
            {"B": parameters_of(STATES[1]), "M": parameters_of(middle)},
        )
    with pytest.raises(InputError, match=r"0\.weight: \(5, 2, 3, 3\) and \(1,\)"):
        difference(STATES[0] | {"0.weight": torch.ones(1)}, STATES[0])
    with pytest.raises(InputError, match="the first one has no extra"):
        difference(STATES[0] | {"extra": torch.ones(1)}, STATES[0])
    with pytest.raises(InputError, match="no negative variance"):
        difference(STATES[0] | {"1.running_var": torch.full((5,), -1.0)}, STATES[0])
    with pytest.raises(InputError, match="finite"):
        difference(STATES[0] | {"7.bias": torch.full((3,), torch.nan)}, STATES[0])


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 3.1))
def test_projection_is_the_least_squares_solution(seed, angle):
    random = np.random.default_rng(seed)
    a, b, move = random.normal(size=(3, 7))
    eta = np.cos(angle) * a / np.linalg.norm(a) + np.sin(angle) * b / np.linalg.norm(b)
    matrix = np.stack([a, eta], axis=1)
    expected, *_ = np.linalg.lstsq(matrix, move, rcond=None)
    plane = Plane({}, *({"w": torch.tensor(v)} for v in (a, eta)))
    alpha, beta, distance = plane.project({"w": torch.tensor(move)})
    assert [alpha, beta] == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert distance == pytest.approx(np.linalg.norm(move - matrix @ expected), rel=1e-6, abs=1e-6)


def test_parallel_directions_make_no_plane():
    plane = Plane({}, {"w": torch.ones(3)}, {"w": torch.full((3,), 2.0)})
    with pytest.raises(InputError, match="parallel"):
        plane.project({"w": torch.ones(3)})
    assert plane.angle == pytest.approx(0, abs=1e-3)
    with pytest.raises(InputError, match="parallel"):
        plane.check()
    with pytest.raises(InputError, match="moves nothing"):
        Plane({}, {"w": torch.ones(3)}, {}).check()


def test_a_channel_that_never_varied_has_a_place_on_a_line():
    theta, other = ({k: v.clone() for k, v in state.items()} for state in STATES[:2])
    theta["1.running_var"][:2] = 0
    other["1.running_var"][1:3] = 0
    line = line_to(theta, other, "B")
    nets = [copy.deepcopy(net) for net in NETS[:2]]
    for net, state in zip(nets, (theta, other), strict=True):
        net.load_state_dict(state, strict=False)
    for dtype in (torch.float32, torch.float64):
        evaluator = Evaluator(small_problem(net=nets[0]), line, dtype=dtype)
        for alpha, net in enumerate(nets):
            assert evaluator.at(alpha, 0)["loss"] == pytest.approx(own_loss(net), rel=1e-6)
        assert np.isfinite([evaluator.at(alpha, 0)["loss"] for alpha in (-0.5, 0.5, 1.5)]).all()


class Scales(nn.Module):
    """A network whose only parameter is a vector."""

    def __init__(self, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.scales = nn.Parameter(torch.randn(4))

    def forward(self, inputs):
        return inputs * self.scales


@pytest.mark.parametrize("normalize", ["filter", "layer", "weight", "model", "none"])
def test_random_directions_that_move_nothing_are_told(normalize):
    with pytest.raises(InputError, match="all parameters are vectors"):
        random_plane(Scales(), normalize=normalize)
    with pytest.raises(InputError, match="no parameters"):
        random_plane(nn.Identity(), normalize=normalize)
    still = nn.Linear(3, 2)
    nn.init.zeros_(still.weight)
    states = [state_of(net) for net in (still, nn.Linear(3, 2), Scales(0), Scales(1))]
    with pytest.raises(InputError, match="no random direction beside"):
        plane_through(states[2], {"B": states[3]}, normalize=normalize)
    if normalize == "none":
        assert random_plane(still, normalize=normalize).angle > 10
        assert plane_through(states[0], {"B": states[1]}, normalize=normalize).angle > 89
        return
    with pytest.raises(InputError, match="weights that are 0"):
        random_plane(still, normalize=normalize)
    with pytest.raises(InputError, match="no random direction beside"):
        plane_through(states[0], {"B": states[1]}, normalize=normalize)


def test_vectors_scaled_to_themselves_make_no_surface():
    problem = Problem(Scales(), lambda model, batch: model(batch).square().sum(1),
                      [torch.ones(3, 4)])  # fmt: skip
    plane = random_plane(problem.model, ignore="none")
    with pytest.raises(InputError, match=r"parallel ones.*normalize none"):
        landscape(problem, plane, points=3)
    plane = random_plane(problem.model, ignore="none", normalize="none")
    assert landscape(problem, plane, points=3).surface.shape == (3, 3)


class Linear(nn.Module):
    """y = x w: the mean squared error is a quadratic form in w."""

    def __init__(self, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.layer = nn.Linear(6, 1, bias=False)

    def forward(self, inputs):
        return self.layer(inputs)


def quadratic(seed=0):
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(40, 6, generator=generator) * torch.arange(1, 7)
    targets = torch.randn(40, 1, generator=generator)
    return Problem(Linear(0), mse, [(inputs, targets)])


@pytest.mark.parametrize(
    "kind", ["filter", "layer", "weight", "model", "none", "nets", "one net", "hessian", "ends"]
)
def test_a_quadratic_surface_is_exact_along_every_kind_of_direction(kind):
    problem = quadratic()
    theta, others = state_of(problem.model), [state_of(Linear(seed)) for seed in (1, 2)]
    if kind == "nets":
        plane = plane_through(theta, {"B": others[0], "C": others[1]})
    elif kind == "one net":
        plane = plane_through(theta, {"B": others[0]})
    elif kind in ("hessian", "ends"):
        plane, _ = hessian_plane(problem, theta, kind=kind.replace("hessian", "top"))
    else:
        plane = random_plane(problem.model, normalize=kind, ignore="none")
    inputs, targets = (values.double().numpy() for values in problem.batches[0])
    center, delta, eta = (
        part["layer.weight"].double().numpy()[0] for part in (plane.theta, plane.delta, plane.eta)
    )
    evaluator = Evaluator(problem, plane)
    for alpha in (-1, 0, 0.5, 2):
        for beta in (-1, 0, 3):
            residual = inputs @ (center + alpha * delta + beta * eta) - targets[:, 0]
            found = evaluator.at(alpha, beta)["loss"]
            assert found == pytest.approx((residual**2).mean(), rel=2e-6)


def test_a_range_shows_every_point_and_has_two_sides():
    a, b, c, d = span_around([(0, 0), (10, 0), (5, 0)])
    assert (a, b) == pytest.approx((-2, 12)) and (c, d) == pytest.approx((-4.5, 4.5))
    a, b, c, d = span_around([(3, 3)])
    assert a < 3 < b and c < 3 < d
