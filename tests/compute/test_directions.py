"""Directions against the definitions of Li et al. 2018, section 4."""

import pytest
import torch

from compute.directions import center_of, cosine, inner, normalized, random_direction
from compute.plane import random_plane
from lossviz.errors import UsageError

from .nets import small_convnet

THETA = center_of(small_convnet(bias=True))


def test_filter_normalised_filters_have_the_norms_of_theirs():
    found = random_direction(THETA, seed=1, axis="alpha")
    assert set(found) == {"0.weight", "3.weight", "7.weight"}  # no bias, no batch norm
    for name, values in found.items():
        for own, filter_ in zip(values, THETA[name], strict=True):
            assert float(own.norm()) == pytest.approx(float(filter_.norm()), rel=1e-5)


@pytest.mark.parametrize("normalize", ["layer", "weight", "model", "none"])
def test_other_normalisations_by_their_formulas(normalize):
    raw = {name: torch.randn(v.shape, generator=_generator(name)) for name, v in THETA.items()}
    found = normalized(raw, THETA, normalize=normalize)
    kept = [name for name in raw if raw[name].ndim > 1]
    size = sum(float(THETA[n].norm() ** 2) for n in kept) / sum(
        float(raw[n].norm() ** 2) for n in kept
    )
    for name in kept:
        factor = {
            "layer": THETA[name].norm() / raw[name].norm(), "weight": THETA[name],
            "model": size**0.5, "none": 1.0,
        }[normalize]  # fmt: skip
        assert torch.allclose(found[name], raw[name] * factor, rtol=1e-4)


def _generator(name):
    return torch.Generator().manual_seed(sum(map(ord, name)))


def test_without_ignoring_vectors_move_along_theta():
    found = random_direction(THETA, seed=0, axis="alpha", ignore="none")
    assert set(found) == set(THETA) and torch.equal(found["1.weight"], THETA["1.weight"])


def test_same_seed_same_plane_and_axes_are_independent():
    one, two = (random_plane(small_convnet(bias=True), seed=5) for _ in range(2))
    assert one.sha256 == two.sha256
    assert random_plane(small_convnet(bias=True), seed=6).sha256 != one.sha256
    # 280 numbers: the cosine of two independent ones is 0.06 in the mean.
    assert abs(cosine(one.delta, one.eta)) < 0.25
    reversed_order = dict(reversed(THETA.items()))
    again = random_direction(reversed_order, seed=5, axis="alpha")
    assert all(torch.equal(again[name], one.delta[name]) for name in one.delta)


def test_a_zero_filter_gives_a_zero_direction():
    theta = {"w": torch.zeros(3, 4)}
    assert not random_direction(theta, seed=0, axis="alpha")["w"].any()
    assert cosine(theta, theta) != cosine(theta, theta)  # NaN: no angle to nothing


def test_inner_product_counts_missing_tensors_as_zero():
    a, b = {"x": torch.ones(2, 2), "y": torch.ones(3, 1)}, {"x": torch.full((2, 2), 2.0)}
    assert inner(a, b) == 8.0


def test_an_unknown_normalisation_is_told():
    with pytest.raises(UsageError, match="normalize"):
        normalized({}, {}, normalize="filters")
