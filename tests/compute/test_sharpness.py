"""Sharpness on models where every definition has a closed form, and against other optimisers."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from torch import nn

from compute.directions import center_of, random_direction
from compute.hessian import Hessian
from compute.problem import Problem
from compute.sharpness import along_lines, basin_widths, curvature, lines
from compute.worst_case import asam, ascend, keskar, sam

from .nets import small_convnet, small_problem

CURVATURES = torch.tensor([[8.0, 0.5, 2.0], [0.1, 1.0, 3.0]])


class Bowl(nn.Module):
    def __init__(self, center=0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.full((2, 3), center))


def bowl(center=0.0, base=0.25, samples=6, spread=0.5):
    """Each sample's loss is base + its factor times a bowl around ``center``; the mean factor 1."""
    factors = torch.linspace(1 - spread, 1 + spread, samples)

    def loss(model, batch):
        move = model.weight - center
        return base + batch[0] * (CURVATURES.to(move) * move.square()).sum() / 2

    return Problem(Bowl(center), loss, [(factors[:4],), (factors[4:],)])


def spread_error(spread=0.5, samples=6):
    factors = np.linspace(1 - spread, 1 + spread, samples)
    return factors.std(ddof=1) / math.sqrt(samples)


def hessian_of(problem):
    return Hessian(problem, dtype=torch.float64)


@pytest.mark.parametrize("rho", [0.01, 0.3])
def test_sam_of_a_bowl_is_half_rho_squared_lambda(rho):
    found = sam(hessian_of(bowl()), rho=rho, steps=60)
    assert found.value == pytest.approx(0.5 * rho**2 * 8, rel=1e-6)
    assert found.stderr == pytest.approx(found.value * spread_error(), rel=1e-6)


def test_sam_of_a_slope_is_one_step():
    """Foret et al., equation 2, where the loss is linear: ρ‖∇L‖, reached by the first step."""
    slope = torch.tensor([[1.0, -2.0, 0.0], [4.0, 0.5, 3.0]])

    def loss(model, batch):
        return batch[0] * (slope.to(model.weight) * model.weight).sum()

    problem = Problem(Bowl(1.0), loss, [(torch.ones(4),)])
    found = sam(hessian_of(problem), rho=0.2, steps=1)
    assert found.value == pytest.approx(0.2 * float(slope.norm()))
    scale = 1.0 + 0.01
    assert asam(hessian_of(problem), rho=0.2, steps=1).value == pytest.approx(
        0.2 * scale * float(slope.norm())
    )
    # The box: every coordinate at its bound; in per cent of 1 + L.
    bound = 1e-3 * 2
    whole = 1 + float(slope.sum())
    assert keskar(hessian_of(problem), steps=1).value == pytest.approx(
        100 * bound * float(slope.abs().sum()) / whole
    )


@pytest.mark.parametrize("center", [0.0, 0.7, -2.0])
def test_asam_of_a_bowl_has_the_scaled_curvature(center):
    found = asam(hessian_of(bowl(center)), rho=0.5, eta=0.01, steps=60)
    scale = abs(center) + 0.01
    assert found.value == pytest.approx(0.5 * (0.5 * scale) ** 2 * 8, rel=1e-5)


def test_asam_does_not_change_under_rescaling_and_sam_does():
    """Kwon et al., section 3: the weights of two layers scaled against each other, eta = 0."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 5, bias=False), nn.ReLU(), nn.Linear(5, 2, bias=False))
    x, y = torch.randn(20, 3), torch.randint(0, 2, (20,))

    def loss(model, batch):
        return nn.functional.cross_entropy(model(batch[0]), batch[1], reduction="none")

    before = Problem(net, loss, [(x, y)])
    scaled = nn.Sequential(nn.Linear(3, 5, bias=False), nn.ReLU(), nn.Linear(5, 2, bias=False))
    with torch.no_grad():
        scaled[0].weight.copy_(net[0].weight * 3)
        scaled[2].weight.copy_(net[2].weight / 3)
    after = Problem(scaled, loss, [(x, y)])
    one, two = (asam(hessian_of(p), rho=0.2, eta=0.0).value for p in (before, after))
    assert one == pytest.approx(two, rel=1e-6)
    one, two = (sam(hessian_of(p), rho=0.2).value for p in (before, after))
    assert abs(one / two - 1) > 0.1


def test_the_step_of_asam_is_that_of_its_authors():
    """T w = |w| + η where the name has "weight" in it, batch norm's too; biases as they are."""
    problem = small_problem(net=small_convnet(bias=True))
    hessian = Hessian(problem, ignore="none", dtype=torch.float64)
    gradient = hessian.direction(hessian.gradient())
    scales = {name: values.abs() + 0.01 if "weight" in name else torch.ones_like(values)
              for name, values in hessian.direction(hessian.center).items()}  # fmt: skip
    norm = math.sqrt(sum(float((scales[name] * g).square().sum()) for name, g in gradient.items()))
    step = {name: 0.02 * scales[name] ** 2 * g / norm for name, g in gradient.items()}
    start = hessian.loss()
    hessian.shift(hessian.flat(step))
    rise = hessian.loss() - start
    assert asam(hessian, rho=0.02, steps=1).value == pytest.approx(rise, rel=1e-9)


@pytest.mark.parametrize("center", [0.0, 0.7])
def test_keskar_of_a_bowl_is_at_a_corner_of_the_box(center):
    found = keskar(hessian_of(bowl(center)), epsilon=0.01)
    rise = float(CURVATURES.sum()) / 2 * (0.01 * (center + 1)) ** 2
    assert found.value == pytest.approx(100 * rise / (1 + 0.25), rel=1e-5)
    assert found.stderr == pytest.approx(found.value * spread_error(), rel=1e-6)


def test_the_error_of_the_ratio_is_that_of_many_resamples():
    hessian = hessian_of(small_problem(samples=200))
    found = keskar(hessian, epsilon=5e-3)
    move = ascend(hessian, lambda g: 5e-3 * (hessian.center.abs() + 1) * g.sign())
    start = hessian_loss(hessian, 0 * move)
    there = hessian_loss(hessian, move)
    random = np.random.default_rng(0)
    drawn = random.integers(0, 200, (4000, 200))
    ratios = 100 * (there - start)[drawn].mean(1) / (1 + start[drawn].mean(1))
    assert found.value == pytest.approx(100 * (there - start).mean() / (1 + start.mean()))
    assert found.stderr == pytest.approx(ratios.std(), rel=0.06)


def hessian_loss(hessian, move):
    hessian.shift(move)
    return hessian.outcome().values["loss"]


@pytest.mark.parametrize("ignore", ["biasbn", "none"])
def test_the_ascent_gets_as_far_as_other_optimisers(ignore):
    """L-BFGS-B as Keskar et al. use it, ten iterations, on the same box."""
    hessian = Hessian(small_problem(), ignore=ignore, dtype=torch.float64)
    bound = 1e-2 * (hessian.center.abs() + 1)

    def objective(values):
        hessian.shift(torch.from_numpy(values))
        return -hessian.loss(), -hessian.gradient().numpy()

    limits = [(-b, b) for b in bound.tolist()]
    other = minimize(objective, np.zeros(hessian.size), jac=True, method="L-BFGS-B", bounds=limits,
                     options={"maxiter": 10})  # fmt: skip
    move = ascend(hessian, lambda g: bound * g.sign())
    assert bool((move.abs() <= bound * (1 + 1e-12)).all())
    hessian.shift(move)
    assert hessian.loss() >= -other.fun * (1 - 1e-3)


@settings(max_examples=25)
@given(st.integers(0, 1000), st.floats(0.01, 2.0), st.integers(0, 6))
def test_the_ascent_stays_in_its_region_and_never_falls(seed, rho, steps):
    hessian = hessian_of(small_problem(samples=6, seed=seed))
    start = hessian.loss()
    move = ascend(hessian, lambda g: rho * g / g.norm(), steps=steps)
    assert float(move.norm()) <= rho * (1 + 1e-9)
    hessian.shift(move)
    assert hessian.loss() >= start and (hessian.loss() > start) == (steps > 0)


def test_the_ascent_stops_where_the_loss_is_not_finite():
    hessian = Hessian(small_problem())
    move = ascend(hessian, lambda g: 1e30 * g / g.norm(), steps=4)
    assert bool(torch.isfinite(move).all())


def test_along_lines_of_a_bowl():
    """L(a) − L(0) = ½ a² dᵀHd for each direction, so both measures have closed forms."""
    problem = bowl(0.7)
    found = {m.name: m for m in along_lines(
        lines(problem, count=5, seed=3, dtype=torch.float64), radii=(0.1, 0.5), rises=(0.05, 1e9)
    )}  # fmt: skip
    theta = center_of(problem.model)
    bends = np.array([
        float((CURVATURES * random_direction(theta, seed=3 + k, axis="alpha")["weight"] ** 2).sum())
        for k in range(5)
    ])  # fmt: skip
    for a in (0.1, 0.5):
        told = found[f"average {a:g}"]
        each = 0.5 * a**2 * bends
        assert told.value == pytest.approx(each.mean(), rel=1e-5)
        directions = each.std(ddof=1) / math.sqrt(5)
        samples = each.mean() * spread_error()
        assert told.stderr == pytest.approx(math.hypot(directions, samples), rel=1e-5)
    widths = np.sqrt(2 * 0.05 / bends)
    assert found["width 0.05"].value == pytest.approx(widths.mean(), rel=1e-3)
    assert found["width 0.05"].stderr == pytest.approx(widths.std(ddof=1) / math.sqrt(5), rel=0.02)
    assert found["width 1e+09"].value == math.inf and math.isnan(found["width 1e+09"].stderr)


def test_average_sharpness_is_that_of_a_plain_loop():
    problem = small_problem()
    found = along_lines(lines(problem, count=3, dtype=torch.float64), radii=(0.25,), rises=())[0]
    theta = center_of(problem.model)
    hessian = hessian_of(problem)
    start, gains = hessian.loss(), []
    for k in range(3):
        move = random_direction(theta, seed=k, axis="alpha")
        hessian.shift(0.25 * hessian.flat({n: v.double() for n, v in move.items()}))
        gains.append(hessian.loss() - start)
    assert found.value == pytest.approx(np.mean(gains), rel=1e-9)
    assert found.error_of == "directions and samples"


@given(st.floats(0.3, 3), st.floats(1e-6, 1e3))
def test_a_width_is_where_the_rise_is(power, factor):
    gain = lambda a: factor * a**power
    for rise, width in zip((0.01, 1.0), basin_widths(gain, (0.01, 1.0)), strict=True):
        exact = (rise / factor) ** (1 / power)
        if width == math.inf:
            assert exact > 4 * 0.99
        else:
            assert width == pytest.approx(exact, rel=2e-3, abs=1e-8)


def test_a_loss_that_ends_in_nan_has_a_width():
    assert basin_widths(lambda a: math.nan if a > 0.3 else a, (0.1, 0.5)) == [
        pytest.approx(0.1, rel=1e-3), pytest.approx(0.3, rel=2e-3)
    ]  # fmt: skip
    assert basin_widths(lambda a: -a, (0.1,)) == [math.inf]


def test_curvature_of_a_bowl():
    top, trace = curvature(hessian_of(bowl(0.7)), probes=3)
    assert top.value == pytest.approx(8) and top.stderr < 1e-6
    # A diagonal matrix has the same vᵀHv for every vector of signs.
    assert trace.value == pytest.approx(float(CURVATURES.sum())) and trace.stderr < 1e-9


def test_a_loss_of_batch_means_has_no_error_from_samples():
    problem = bowl(0.7)
    whole = Problem(problem.model, lambda model, batch: problem.loss(model, batch).mean(),
                    problem.batches)  # fmt: skip
    assert math.isnan(sam(hessian_of(whole)).stderr)
    found = along_lines(lines(whole, count=3, dtype=torch.float64), radii=(0.1,), rises=())[0]
    assert found.error_of == "directions" and found.stderr > 0
