"""Files of directions: exact, in the parameters' order, and never trusted."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from compute import direction_files, directions
from compute.directions import center_of
from compute.plane import random_plane
from lossviz.errors import InputError, UsageError

from .nets import small_convnet

THETA = center_of(small_convnet(bias=True))


@pytest.mark.parametrize("suffix", [".safetensors", ".npz", ".h5"])
def test_files_keep_directions_exactly(tmp_path, suffix):
    if suffix == ".h5":
        pytest.importorskip("h5py")
    path = tmp_path / f"d{suffix}"
    plane = random_plane(small_convnet(bias=True), seed=2)
    direction_files.save(path, plane.delta, plane.eta, THETA)
    delta, eta = direction_files.read(path, THETA)
    assert directions.sha256(delta, eta) == plane.sha256
    if suffix != ".h5":  # there, what does not move is zeros
        direction_files.save(path, plane.delta, {}, THETA)
        line, nothing = direction_files.read(path, THETA, needed=1)
        assert directions.sha256(line) == directions.sha256(plane.delta) and not nothing
        with pytest.raises(InputError, match="eta/NAME"):
            direction_files.read(path, THETA)
    assert [other.name for other in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_statistics_are_kept_by_name_but_not_in_the_reference_layout(tmp_path, suffix):
    theta = {"a.weight": torch.ones(2, 2), "b.running_var": torch.ones(2)}
    path = tmp_path / f"d{suffix}"
    direction_files.save(path, theta, theta, theta)
    assert set(direction_files.read(path, theta)[1]) == set(theta)
    with pytest.raises(UsageError, match="no place for batch-norm statistics"):
        direction_files.save(tmp_path / "d.h5", theta, theta, theta)
    with pytest.raises(UsageError, match="existing folder"):
        direction_files.save(tmp_path / "none" / "d.npz", theta, theta, theta)


def test_an_npz_that_claims_too_much_or_holds_no_floats_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "d.npz"
    np.savez_compressed(path, **{"delta/a": np.zeros(10**6), "eta/a": np.ones(3, int)})
    with pytest.raises(InputError, match="eta/a: expected floats"):
        direction_files.read(path, {"a": torch.zeros(10**6)})
    monkeypatch.setattr(direction_files, "LARGEST", 10**6)
    with pytest.raises(InputError, match="unpacks to 8,000,"):
        direction_files.read(path, {"a": torch.zeros(10**6)})
    np.savez(path, **{"delta/a": np.array([object()], dtype=object)})
    with pytest.raises(InputError, match="expected an npz file of directions"):
        direction_files.read(path, {"a": torch.zeros(1)})


def test_reference_files_in_parameter_order(tmp_path):
    h5py = pytest.importorskip("h5py")
    plane = random_plane(small_convnet(bias=True), seed=2)
    with h5py.File(tmp_path / "d.h5", "w") as file:
        for group, direction in (("xdirection", plane.delta), ("ydirection", plane.eta)):
            for index, (name, values) in enumerate(THETA.items()):
                moved = direction.get(name, torch.zeros_like(values))
                file.create_dataset(f"{group}/{index}", data=moved.numpy())
    delta, eta = direction_files.read(tmp_path / "d.h5", THETA)
    assert directions.sha256(delta, eta) == plane.sha256
    with pytest.raises(InputError, match="expected 2 tensors"):
        direction_files.read(tmp_path / "d.h5", {"a": torch.zeros(1), "b": torch.zeros(1)})


@pytest.mark.parametrize("content", [b"", b"garbage" * 20])
@pytest.mark.parametrize("suffix", [".h5", ".safetensors", ".npz", ".txt"])
def test_bad_files_give_one_line(tmp_path, content, suffix):
    path = tmp_path / f"d{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match="expected") as caught:
        direction_files.read(path, THETA)
    assert "\n" not in str(caught.value)


def test_wrong_shapes_and_names_are_named(tmp_path):
    save_file(
        {"delta/0.weight": torch.ones(2, 2), "eta/0.weight": torch.ones(2, 2)},
        tmp_path / "a.safetensors",
    )
    with pytest.raises(InputError, match=r"delta/0.weight: expected shape \(5, 2, 3, 3\)"):
        direction_files.read(tmp_path / "a.safetensors", THETA)


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
        direction_files.read(tmp_path / "d.h5", theta)


def test_big_endian_h5_directions_are_read(tmp_path):
    h5py = pytest.importorskip("h5py")
    numbers = np.arange(12, dtype=">f4").reshape(2, 6)
    with h5py.File(tmp_path / "d.h5", "w") as file:
        for name in ("xdirection", "ydirection"):
            file[f"{name}/0"] = numbers
    delta, _ = direction_files.read(tmp_path / "d.h5", {"a": torch.zeros(2, 6)})
    assert delta["a"].flatten().tolist() == list(range(12))
