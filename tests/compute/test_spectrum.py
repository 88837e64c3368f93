"""Trace, slice and spectral density against the explicit Hessian's eigenvalues."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.hessian import Hessian
from compute.lanczos import quadrature
from compute.plane import random_plane
from compute.spectrum import Estimate, slice_hessian, spectrum, trace
from lossviz.errors import InputError
from lossviz.landscape import SPECTRAL_DENSITY

from .test_hessian import explicit, tiny


@pytest.fixture(scope="module")
def both():
    return Hessian(tiny(), ignore="none", dtype=torch.float64), explicit(tiny(), "none")


def test_the_trace_is_unbiased_with_the_variance_that_hutchinson_tells(both):
    hessian, matrix = both
    found = trace(hessian, probes=200, seed=1)
    variance = 2 * float(matrix.square().sum() - matrix.diag().square().sum())
    assert found.stderr == pytest.approx(math.sqrt(variance / 200), rel=0.2)
    assert abs(found.value - float(matrix.trace())) < 3 * found.stderr
    few, other = (trace(hessian, probes=9, seed=seed) for seed in (1, 2))
    assert few == trace(hessian, probes=9, seed=1) and few != other
    assert math.isnan(trace(hessian, probes=1).stderr)


def test_the_slice_is_the_second_derivative_of_the_loss_on_it():
    problem = tiny()
    plane = random_plane(problem.model, seed=2)
    hessian = Hessian(problem, plane=plane, dtype=torch.float64)
    found = slice_hessian(hessian, plane.delta, plane.eta)

    def loss(alpha, beta):
        hessian.at(alpha, beta)
        return hessian.loss()

    h = 1e-3
    second = np.array([
        [loss(h, 0) + loss(-h, 0) - 2 * loss(0, 0),
         (loss(h, h) - loss(h, -h) - loss(-h, h) + loss(-h, -h)) / 4],
        [np.nan, loss(0, h) + loss(0, -h) - 2 * loss(0, 0)],
    ]) / h**2  # fmt: skip
    second[1, 0] = second[0, 1]
    assert found.matrix == pytest.approx(second, rel=1e-4)
    assert found.eigenvalues == pytest.approx(tuple(np.linalg.eigvalsh(second)), rel=1e-4)


@settings(max_examples=20)
@given(st.integers(0, 2**31))
def test_the_slice_lies_between_the_ends_of_the_spectrum(seed):
    """Figure 17, Cauchy; the directions need not be orthonormal."""
    problem = tiny()
    plane = random_plane(problem.model, seed=seed)
    hessian = Hessian(problem, dtype=torch.float64)
    low, high = slice_hessian(hessian, plane.delta, plane.eta).curvatures
    values = torch.linalg.eigvalsh(explicit(tiny(), "biasbn"))
    assert values[0] - 1e-12 <= low <= high <= values[-1] + 1e-12


def test_directions_that_the_hessian_lacks_or_that_are_parallel_are_told():
    problem = tiny()
    plane = random_plane(problem.model, ignore="none")
    with pytest.raises(InputError, match=r"0\.bias"):
        slice_hessian(Hessian(problem), plane.delta, plane.eta)
    found = slice_hessian(Hessian(problem, ignore="none"), plane.delta, plane.delta)
    assert all(map(math.isnan, found.curvatures))


def test_quadrature_is_exact_for_polynomials(both):
    hessian, matrix = both
    start = hessian.drawn(3)
    unit = start / start.norm()
    for steps in (1, 4, 9):
        nodes, weights = quadrature(hessian.product, start, steps=steps)
        assert weights.sum() == pytest.approx(1) and nodes.size == steps
        image = unit
        for power in range(2 * steps):
            assert weights @ nodes**power == pytest.approx(float(unit @ image), rel=1e-9)
            image = matrix @ image
    # As many steps as dimensions: the nodes are the eigenvalues.
    diagonal = torch.diag(torch.arange(1.0, 7.0, dtype=torch.float64))
    ones = torch.ones(6, dtype=torch.float64)
    nodes, weights = quadrature(lambda v: diagonal @ v, ones, steps=40)
    assert nodes == pytest.approx(np.arange(1, 7)) and weights == pytest.approx(np.full(6, 1 / 6))


def test_moments_of_the_density_are_those_of_the_spectrum(both):
    hessian, matrix = both
    found = spectrum(hessian, probes=60, steps=8, seed=2)
    values = torch.linalg.eigvalsh(matrix).numpy()
    assert found.moment(0) == Estimate(pytest.approx(1), pytest.approx(0, abs=1e-12), 60)
    for power in (1, 2, 3, 4):
        told = found.moment(power)
        assert abs(told.value - (values**power).mean()) < 3.5 * told.stderr
    assert found.size * found.moment(1).value == pytest.approx(
        trace(hessian, probes=60, seed=2).value, rel=1e-9
    )


def test_the_curve_is_a_density_over_the_eigenvalues(both):
    hessian, matrix = both
    found = spectrum(hessian, probes=3, steps=60)
    curve = found.curve()
    density = curve.quantities[SPECTRAL_DENSITY]
    assert np.trapezoid(density, curve.alphas) == pytest.approx(1, abs=1e-3)
    assert np.isnan(curve.quantities["loss"]).all() and (density >= 0).all()
    values = torch.linalg.eigvalsh(matrix)
    assert curve.alphas[0] < values[0] and curve.alphas[-1] > values[-1]
    mean = np.trapezoid(density * curve.alphas, curve.alphas)
    assert mean == pytest.approx(found.moment(1).value, rel=1e-3)
