"""Directions against the definitions of Li et al. 2018, section 4."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from compute import directions
from compute.directions import center_of, cosine, inner, normalized, random_direction
from compute.plane import random_plane
from lossviz.errors import InputError, UsageError

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


def test_files_keep_directions_exactly(tmp_path):
    plane = random_plane(small_convnet(bias=True), seed=2)
    directions.save(tmp_path / "d.safetensors", plane.delta, plane.eta)
    delta, eta = directions.read(tmp_path / "d.safetensors", THETA)
    assert directions.sha256(delta, eta) == plane.sha256


def test_reference_files_in_parameter_order(tmp_path):
    h5py = pytest.importorskip("h5py")
    plane = random_plane(small_convnet(bias=True), seed=2)
    with h5py.File(tmp_path / "d.h5", "w") as file:
        for group, direction in (("xdirection", plane.delta), ("ydirection", plane.eta)):
            for index, (name, values) in enumerate(THETA.items()):
                moved = direction.get(name, torch.zeros_like(values))
                file.create_dataset(f"{group}/{index}", data=moved.numpy())
    delta, eta = directions.read(tmp_path / "d.h5", THETA)
    assert directions.sha256(delta, eta) == plane.sha256
    with pytest.raises(InputError, match="expected 2 tensors"):
        directions.read(tmp_path / "d.h5", {"a": torch.zeros(1), "b": torch.zeros(1)})


@pytest.mark.parametrize("content", [b"", b"garbage" * 20])
@pytest.mark.parametrize("suffix", [".h5", ".safetensors", ".txt"])
def test_bad_files_give_one_line(tmp_path, content, suffix):
    path = tmp_path / f"d{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match="expected") as caught:
        directions.read(path, THETA)
    assert "\n" not in str(caught.value)


def test_wrong_shapes_and_names_are_named(tmp_path):
    save_file(
        {"delta/0.weight": torch.ones(2, 2), "eta/0.weight": torch.ones(2, 2)},
        tmp_path / "a.safetensors",
    )
    with pytest.raises(InputError, match=r"delta/0.weight: expected shape \(5, 2, 3, 3\)"):
        directions.read(tmp_path / "a.safetensors", THETA)
    with pytest.raises(UsageError, match="normalize"):
        normalized({}, {}, normalize="filters")


@pytest.mark.parametrize("kind", ["text", "group", "whole", "transposed", "huge", "broken"])
def test_strange_h5_directions_are_told(tmp_path, kind):
    h5py = pytest.importorskip("h5py")
    theta = {"a": torch.zeros(2, 6), "b": torch.zeros(3)}
    with h5py.File(tmp_path / "d.h5", "w") as file:
        for name in ("xdirection", "ydirection"):
            group = file.create_group(name)
            group["1"] = np.zeros(3)
            if kind == "text":
                group["0"] = "twelve"
            elif kind == "group":
                group.create_group("0")
            elif kind == "whole":
                group["0"] = np.zeros((2, 6), int)
            elif kind == "transposed":
                group["0"] = np.zeros((6, 2))
            elif kind == "huge":
                group.create_dataset("0", shape=(2**20, 2**20), dtype="f8", chunks=(1024, 1024))
            else:
                group["0"] = h5py.ExternalLink("nowhere.h5", "/x")
    with pytest.raises(InputError, match=r"d\.h5"):
        directions.read(tmp_path / "d.h5", theta)


def test_big_endian_h5_directions_are_read(tmp_path):
    h5py = pytest.importorskip("h5py")
    numbers = np.arange(12, dtype=">f4").reshape(2, 6)
    with h5py.File(tmp_path / "d.h5", "w") as file:
        for name in ("xdirection", "ydirection"):
            file[f"{name}/0"] = numbers
    delta, _ = directions.read(tmp_path / "d.h5", {"a": torch.zeros(2, 6)})
    assert delta["a"].flatten().tolist() == list(range(12))
