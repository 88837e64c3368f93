"""The Hessian against its explicit matrix, and the Lanczos iteration against a full solver."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from compute.directions import state_of
from compute.hessian import Hessian, extreme_eigenpairs, hessian_plane
from compute.lanczos import lanczos
from compute.problem import Problem, cross_entropy, mse
from lossviz.errors import InputError, UsageError

from .nets import small_problem


def tiny(loss=cross_entropy):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
    inputs = torch.randn(30, 4)
    targets = torch.randint(0, 3, (30,))
    return Problem(net, loss, [(inputs[:17], targets[:17]), (inputs[17:], targets[17:])])


def explicit(problem, ignore):
    """The matrix itself, in float64, by torch's own double differentiation."""
    net = problem.model.double()
    own = [(n, p) for n, p in net.named_parameters() if p.ndim > 1 or ignore == "none"]
    flat = torch.cat([p.detach().reshape(-1) for _, p in own])

    def loss(values):
        parts = values.split([p.numel() for _, p in own])
        state = {n: v.reshape(p.shape) for (n, p), v in zip(own, parts, strict=True)}
        total = sum(
            problem.loss(lambda x: torch.func.functional_call(net, state, (x,)), (x.double(), y))[
                "loss"
            ].sum()
            for x, y in problem.batches
        )
        return total / sum(len(y) for _, y in problem.batches)

    return torch.autograd.functional.hessian(loss, flat)


@pytest.mark.parametrize("ignore", ["biasbn", "none"])
@pytest.mark.parametrize("loss", [cross_entropy, mse])
def test_products_and_ends_are_those_of_the_matrix(ignore, loss):
    problem = tiny(loss)
    matrix = explicit(tiny(loss), ignore)
    hessian = Hessian(problem, ignore=ignore, dtype=torch.float64)
    assert hessian.size == len(matrix)
    vector = torch.randn(hessian.size, dtype=torch.float64)
    assert torch.allclose(hessian.product(vector), matrix @ vector, rtol=1e-10, atol=1e-12)
    values = torch.linalg.eigvalsh(matrix)
    pairs = extreme_eigenpairs(hessian, lowest=1, highest=2, tolerance=1e-9)
    wanted = [values[0], values[-2], values[-1]]
    assert pairs.values == pytest.approx([float(v) for v in wanted], rel=1e-8, abs=1e-10)
    assert max(pairs.residuals) < 1e-7
    state = hessian.direction(vector)
    assert torch.equal(hessian.flat(state).double(), vector)


def test_the_gradient_is_autograds():
    problem = tiny()
    hessian = Hessian(problem, ignore="none", dtype=torch.float64)
    net = problem.model.double()
    losses = [problem.loss(net, (x.double(), y))["loss"] for x, y in problem.batches]
    torch.cat(losses).mean().backward()
    expected = torch.cat([p.grad.reshape(-1) for p in net.parameters()])
    assert torch.allclose(hessian.gradient(), expected, rtol=1e-12, atol=1e-15)


def test_the_users_model_is_not_touched():
    problem = small_problem()
    before = {name: values.clone() for name, values in problem.model.state_dict().items()}
    flags = [p.requires_grad for p in problem.model.parameters()]
    problem.model.train()
    hessian_plane(problem, state_of(problem.model))
    assert problem.model.training and all(p.grad is None for p in problem.model.parameters())
    assert flags == [p.requires_grad for p in problem.model.parameters()]
    for name, values in problem.model.state_dict().items():
        assert torch.equal(values, before[name])


def test_a_plane_of_eigenvectors_is_orthonormal_with_the_largest_first():
    problem = small_problem()
    plane, pairs = hessian_plane(problem, state_of(problem.model), kind="ends")
    assert plane.angle == pytest.approx(90, abs=0.1)
    assert pairs.values[0] < 0 < pairs.values[1]
    again, _ = hessian_plane(problem, state_of(problem.model), kind="ends")
    assert again.sha256 == plane.sha256
    hessian = Hessian(problem)
    flat = hessian.flat(plane.delta)
    assert float(flat @ hessian.product(flat)) == pytest.approx(pairs.values[1], rel=1e-4)
    for side in (plane.delta, plane.eta):
        entries = hessian.flat(side)
        assert entries[entries.abs().argmax()] > 0
    with pytest.raises(UsageError, match="top or ends"):
        hessian_plane(problem, state_of(problem.model), kind="bottom")


@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.sampled_from(["plain", "twins", "low"]))
def test_the_iteration_finds_the_ends_of_any_symmetric_matrix(seed, size, kind):
    random = np.random.default_rng(seed)
    values = random.normal(size=size) * 10.0 ** random.uniform(-3, 3)
    if kind == "twins":
        values = np.repeat(values, 2)[:size]
    if kind == "low":
        values[2:] = 0
    basis, _ = np.linalg.qr(random.normal(size=(size, size)))
    matrix = torch.tensor(basis * values @ basis.T)
    start = torch.tensor(random.normal(size=size))
    pairs = lanczos(lambda v: matrix @ v, start, tolerance=1e-10, steps=2 * size)
    scale = np.abs(values).max()
    assert pairs.values[0] == pytest.approx(values.min(), abs=1e-6 * scale)
    assert pairs.values[-1] == pytest.approx(values.max(), abs=1e-6 * scale)
    for value, vector, residual in zip(pairs.values, pairs.vectors, pairs.residuals, strict=True):
        assert float((matrix @ vector - value * vector).norm()) == pytest.approx(
            residual, abs=1e-9 * scale
        )


@pytest.mark.parametrize(
    "values",
    [[1.0] * 9, [0.0] * 9, [5.0, 5, 1, 1, 1, 1], [-2.0, -2, 3], [4.0, 4, 4, -1, -1], [7.0]],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_eigenvalue_with_many_eigenvectors_is_found_as_often_as_it_is_wanted(values, dtype):
    diagonal = torch.tensor(values, dtype=dtype)
    start = torch.randn(len(values), generator=torch.Generator().manual_seed(0)).to(dtype)
    pairs = lanczos(lambda v: diagonal * v, start, lowest=0, highest=2)
    count = min(2, len(values))
    assert pairs.values == pytest.approx(sorted(values)[-2:], abs=1e-5)
    assert torch.allclose(pairs.vectors @ pairs.vectors.T, torch.eye(count, dtype=dtype), atol=1e-5)


def decay(model, batch):
    return sum(p.square().sum() for p in model.parameters()) / 2


@pytest.mark.parametrize("kind", ["top", "ends"])
@pytest.mark.parametrize("loss", [decay, lambda model, batch: model(batch[0]).mean()])
def test_a_hessian_with_one_eigenvalue_still_gives_a_plane(kind, loss):
    torch.manual_seed(0)
    problem = Problem(nn.Linear(3, 2), loss, [(torch.ones(4, 3),)])
    plane, pairs = hessian_plane(problem, state_of(problem.model), kind=kind)
    assert len(pairs.values) == 2 and plane.angle == pytest.approx(90, abs=1e-3)


def test_what_has_no_hessian_is_told():
    blind = Problem(nn.Linear(2, 1), lambda model, batch: model(batch[0]).detach()[:, 0],
                    [(torch.ones(3, 2),)])  # fmt: skip
    with pytest.raises(InputError, match="cannot be differentiated"):
        Hessian(blind).gradient()
    with pytest.raises(InputError, match="no parameters"):
        Hessian(Problem(nn.Identity(), cross_entropy, [(torch.ones(3, 2),)]))
    straight = Problem(nn.Linear(2, 1), lambda model, batch: model(batch[0])[:, 0],
                       [(torch.ones(3, 2),)])  # fmt: skip
    assert not Hessian(straight).product(torch.ones(2)).any()
    with pytest.raises(InputError, match="not finite"):
        lanczos(lambda v: v * float("nan"), torch.ones(3))
