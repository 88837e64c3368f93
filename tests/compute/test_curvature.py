"""The map of extreme eigenvalues against explicit Hessians, and how it gets onto a surface."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from compute import checkpoints, data
from compute.curvature import curvature_map, onto, own_lines, ratio, summary
from compute.hessian import Hessian, extreme_eigenpairs
from compute.lanczos import NotFiniteError, lanczos
from compute.models import build
from compute.plane import random_plane
from compute.problem import Problem, batches_of, cross_entropy
from compute.run import Run
from compute.surface import Grid
from lossviz.landscape import Surface
from tests.published import published

from .nets import plane_of, small_problem
from .test_hessian import explicit, tiny


def moved(problem, plane, alpha, beta):
    """The problem with its network at a point of the plane, in float64, by the state dict."""
    state = {
        name: values.double()
        + sum(step * part[name].double()
              for step, part in ((alpha, plane.delta), (beta, plane.eta)) if name in part)
        for name, values in plane.theta.items()
    }  # fmt: skip
    net = problem.model.double()
    net.load_state_dict(state, strict=False)
    return replace(problem, model=net)


def test_the_map_is_that_of_the_explicit_hessians():
    """Figure 17: ratio 0.005, the largest eigenvalue 1e-3."""
    problem = tiny()
    plane = random_plane(problem.model, seed=3)
    grid = Grid(np.linspace(-1, 1, 5), np.linspace(-0.5, 1, 4))
    hessian = Hessian(problem, plane=plane, dtype=torch.float64)
    *_, found = curvature_map(hessian, grid)
    for i, alpha in enumerate(grid.alphas):
        for j, beta in enumerate(grid.betas):
            own = moved(tiny(), plane, alpha, beta)
            values = torch.linalg.eigvalsh(explicit(own, "biasbn"))
            low, high = float(values[0]), float(values[-1])
            at = {name: part[i, j] for name, part in found.quantities.items()}
            assert at["lambda_ratio"] == pytest.approx(abs(low / high), abs=0.005)
            assert at["lambda_max"] == pytest.approx(high, rel=1e-3)
            assert at["residual_min"] >= 0 and at["residual_max"] <= 0.005 * abs(high)
            plain = cross_entropy_of(own)
            assert at["loss"] == pytest.approx(plain, rel=1e-12)
    told = summary(found)
    assert told["residual"] <= 0.005 and told["not_finite"] == 0
    assert told["products"] >= 12 * grid.count


def cross_entropy_of(problem):
    with torch.no_grad():
        losses = [cross_entropy(problem.model, (x.double(), y))["loss"] for x, y in problem.batches]
    return float(torch.cat(losses).mean())


def test_products_follow_the_weights_however_many_batches_there_are():
    """A single batch's graph is kept; it must not outlive the place that it belongs to."""
    several = tiny()
    x, y = (torch.cat(parts) for parts in zip(*several.batches, strict=True))
    single = Problem(several.model, cross_entropy, [(x, y)])
    plane = random_plane(several.model, seed=1)
    one, two = (Hessian(p, plane=plane, dtype=torch.float64) for p in (single, several))
    vector = two.drawn(5)
    for alpha, beta in ((0.0, 0.0), (0.7, -0.2), (0.0, 0.0)):
        matrix = explicit(moved(tiny(), plane, alpha, beta), "biasbn")
        for hessian in (one, two):
            hessian.at(alpha, beta)
            for v in (vector, 2 * vector):
                assert torch.allclose(hessian.product(v), matrix @ v, rtol=1e-10, atol=1e-12)
    move = 0.1 * two.drawn(6)
    for hessian in (one, two):
        hessian.product(vector)
        hessian.shift(move)
    assert torch.allclose(one.product(vector), two.product(vector), rtol=1e-10)
    assert not torch.allclose(one.product(vector), explicit(tiny(), "biasbn") @ vector, rtol=1e-2)
    assert one.loss() == pytest.approx(two.loss(), rel=1e-12)


def test_attention_has_second_derivatives():
    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.project, self.out = nn.Linear(4, 12, bias=False), nn.Linear(4, 3, bias=False)

        def forward(self, x):
            q, k, v = self.project(x)[:, None].chunk(3, dim=-1)
            return self.out(nn.functional.scaled_dot_product_attention(q, k, v)[:, 0].mean(1))

    torch.manual_seed(0)
    net, x, y = Attention(), torch.randn(6, 5, 4), torch.tensor([0, 1, 2, 0, 1, 2])
    hessian = Hessian(Problem(net, cross_entropy, [(x, y)]), dtype=torch.float64)
    vector, step = hessian.drawn(0), 1e-5
    hessian.shift(step * vector)
    ahead = hessian.gradient()
    hessian.shift(-step * vector)
    slope = (ahead - hessian.gradient()) / (2 * step)
    hessian.shift(0 * vector)
    assert torch.allclose(hessian.product(vector), slope, rtol=1e-5, atol=1e-8)


def test_a_run_goes_on_where_it_was(tmp_path):
    problem = small_problem(samples=5)
    plane = plane_of(problem)
    grid = Grid(np.linspace(-1, 1, 3), np.linspace(-1, 1, 3))
    settings = {"of": "curvature"}
    center = {"loss": 1.0}

    def sitting(stop):
        from compute.curvature import VALUES

        run = Run(tmp_path / "c", settings, dict.fromkeys(VALUES, float("nan")) | center, plane,
                  date="", points=grid.count)  # fmt: skip
        done = []

        def progress(points):
            done.append(points)
            if len(done) == stop:
                raise KeyboardInterrupt

        try:
            *_, found = curvature_map(Hessian(problem, plane=plane), grid, run, progress=progress)
        except KeyboardInterrupt:
            return len(done), None
        finally:
            run.close()
        return len(done), found

    assert sitting(4) == (4, None)
    count, found = sitting(0)
    assert count == 5
    *_, whole = curvature_map(Hessian(problem, plane=plane), grid)
    largest = np.abs(whole.quantities["lambda_max"])
    for name in ("lambda_min", "lambda_max"):
        apart = np.abs(found.quantities[name] - whole.quantities[name])
        assert (apart <= 0.005 * largest).all()
    assert sitting(0)[0] == 0


def test_where_the_loss_overflows_eigenvalues_are_nan_and_the_rest_is_computed():
    problem = small_problem()
    grid = Grid(np.array([0.0, 1e30]), np.array([0.0]))
    *_, found = curvature_map(Hessian(problem, plane=plane_of(problem)), grid)
    assert np.isfinite(found.quantities["lambda_ratio"][0, 0])
    assert np.isnan(found.quantities["lambda_min"][1, 0])
    assert np.isnan(found.quantities["lambda_ratio"][1, 0])
    assert summary(found)["not_finite"] == 1
    with pytest.raises(NotFiniteError, match="not finite"):
        lanczos(lambda v: v * float("inf"), torch.ones(3))


def test_the_iteration_takes_as_many_products_as_it_is_told():
    matrix = torch.diag(torch.linspace(-1, 2, 50, dtype=torch.float64))
    ones = torch.ones(50, dtype=torch.float64)
    few = lanczos(lambda v: matrix @ v, ones, tolerance=10.0, least=0)
    more = lanczos(lambda v: matrix @ v, ones, tolerance=10.0)
    assert few.products == 3 + 2 and more.products == 10 + 2


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 20), st.integers(1, 20))
def test_own_lines_are_lines_of_the_surface_with_ends_and_centre(n, m, columns, rows):
    alphas, betas = np.linspace(-1, 2, n + 1), np.linspace(-3, 0.5, m + 1)
    surface = Surface(alphas, betas, {"loss": np.zeros((n + 1, m + 1))})
    grid = own_lines(surface, columns, rows)
    for own, axis, k, count in zip(
        (grid.alphas, grid.betas), (alphas, betas), surface.center, (columns, rows), strict=True
    ):
        assert np.isin(own, axis).all() and axis[k] in own and own.size <= count + 1
        assert axis[0] in own and (count == 1 or axis[-1] in own)


def test_on_the_surface_the_map_is_exact_at_its_points_and_bilinear_between():
    alphas, betas = np.linspace(-1, 1, 9), np.array([-1.0, -0.3, 0.0, 0.4, 1.0])
    surface = Surface(alphas, betas, {"loss": np.ones((9, 5))})
    grid = own_lines(surface, 5, 3)
    a, b = np.meshgrid(grid.alphas, grid.betas, indexing="ij")
    plane_like = 2 * a - 3 * b + a * b
    values = {"loss": a, "lambda_min": plane_like, "lambda_max": 1 + a**2}
    values["lambda_ratio"] = ratio(values["lambda_min"], values["lambda_max"])
    found = onto(surface, Surface(grid.alphas, grid.betas, values)).quantities
    x, y = np.meshgrid(alphas, betas, indexing="ij")
    assert found["lambda_min"] == pytest.approx(2 * x - 3 * y + x * y)
    mark = found["lambda_computed"] == 1
    assert mark.sum() == grid.count
    for name in ("lambda_min", "lambda_max", "lambda_ratio"):
        assert (found[name][mark] == values[name].ravel()).all()
        assert np.isfinite(found[name]).all()
    assert found["lambda_max"].max() <= 2 and (found["loss"] == 1).all()
    # A hole stays one: it does not spread beyond its neighbours, nor onto computed points.
    values["lambda_min"] = values["lambda_min"].copy()
    values["lambda_min"][0, 0] = np.nan
    holed = onto(surface, Surface(grid.alphas, grid.betas, values)).quantities["lambda_min"]
    assert np.isnan(holed).sum() == 1 * 1 + 1 * 1 + 1 + 1  # two lines of a cell each way, open
    assert np.isfinite(holed[mark]).sum() == grid.count - 1


def test_the_ratio_of_nothing_is_no_number():
    assert ratio(-1.0, 2.0) == 0.5 and ratio(-1.0, 0.0) == np.inf and np.isnan(ratio(0.0, 0.0))


PUBLISHED = [("resnet56", -0.204, 5.530), ("resnet56_noshort", -2.166, 1697.0)]


@pytest.mark.parametrize("name, low, high", PUBLISHED)
def test_published_nets_have_their_eigenvalues(name, low, high):
    net = build(name, inputs=(3, 32, 32), num_classes=10)
    checkpoints.load_into(net, checkpoints.read(published("nets", f"{name}.t7")), name)
    images = data.load(f"npz:{published('data', 'cifar10_sample.npz')}", samples="first:16")
    problem = Problem(net, cross_entropy, batches_of(images.inputs, images.targets, 16))
    hessian = Hessian(problem)
    pairs = extreme_eigenpairs(hessian, tolerance=1e-4, least=20)
    assert pairs.values == pytest.approx([low, high], rel=0.01)
