"""Data: chosen, ordered and normalised as it is told."""

import gzip
import struct
import zipfile

import numpy as np
import pytest

from compute import data
from lossviz.errors import InputError, UsageError


@pytest.fixture
def npz(tmp_path):
    random = np.random.default_rng(0)
    path = tmp_path / "images.npz"
    np.savez(
        path,
        train_images=random.integers(0, 256, (60, 32, 32, 3), dtype=np.uint8),
        train_labels=np.repeat(np.arange(3), [40, 15, 5]),
        test_images=random.integers(0, 256, (7, 32, 32, 3), dtype=np.uint8),
        test_labels=np.arange(7),
    )
    return path


def test_normalised_as_published(npz):
    found = data.load(f"npz:{npz}", samples="first:9")
    stored = np.load(npz)["train_images"][:9] / 255.0
    mean, std = np.array([125.3, 123.0, 113.9]) / 255, np.array([63.0, 62.1, 66.7]) / 255
    expected = ((stored - mean) / std).transpose(0, 3, 1, 2)
    assert found.inputs.numpy() == pytest.approx(expected, abs=1e-5)
    assert found.normalization.startswith("cifar10") and found.selection == "first:9"
    assert found.targets.tolist() == [0] * 9


def test_given_mean_and_std(npz):
    found = data.load(f"npz:{npz}", split="test", mean=[0.5], std=[0.25, 0.5, 1.0])
    stored = np.load(npz)["test_images"] / 255.0
    assert found.inputs.numpy()[:, 1] == pytest.approx((stored[..., 1] - 0.5) / 0.5, abs=1e-5)
    assert found.normalization.startswith("given") and found.num_classes == 7
    for bad in ({"mean": [1, 2]}, {"std": [0.0]}):
        with pytest.raises(UsageError):
            data.load(f"npz:{npz}", **bad)


def test_balanced_choice_is_seeded_ordered_and_balanced(npz):
    labels = np.load(npz)["train_labels"]
    chosen, told = data.choose(labels, "12", seed=4)
    assert told == "balanced:12 seed 4" and np.bincount(labels[chosen]).tolist() == [4, 4, 4]
    assert (np.diff(chosen) > 0).all()
    assert (data.choose(labels, "12", seed=4)[0] == chosen).all()
    assert (data.choose(labels, "12", seed=5)[0] != chosen).any()
    # The smallest class runs out: the others share what is left.
    assert np.bincount(labels[data.choose(labels, "31", seed=0)[0]]).tolist() == [13, 13, 5]
    assert data.choose(labels, "60", seed=0)[0].tolist() == list(range(60))


@pytest.mark.parametrize("samples", ["0", "-3", "61", "first:61", "first:0", "last:3", "x", "1.5"])
def test_impossible_choices_are_refused(npz, samples):
    with pytest.raises(UsageError, match="samples"):
        data.load(f"npz:{npz}", samples=samples)


def test_the_hash_follows_the_samples(npz):
    first, again, other = (data.load(f"npz:{npz}", samples=s) for s in ("9", "9", "10"))
    assert first.sha256() == again.sha256() != other.sha256()


def test_digits_are_embedded():
    train, test = data.load("digits"), data.load("digits", split="test")
    assert len(train.inputs) + len(test.inputs) == 1797 and train.inputs.shape[1:] == (1, 8, 8)
    assert float(train.inputs.mean()) == pytest.approx(0, abs=0.01)
    assert float(train.inputs.std()) == pytest.approx(1, abs=0.01)


def test_fashion_mnist_from_a_local_folder(tmp_path):
    """Files as Debian ships them: other checksums than torchvision expects, and no download."""
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    images = np.arange(10 * 28 * 28, dtype=np.uint32).astype(np.uint8)
    for split, count in (("train", 10), ("t10k", 10)):
        header = struct.pack(">IIII", 2051, count, 28, 28)
        (raw / f"{split}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        labels = struct.pack(">II", 2049, count) + bytes(range(10))
        (raw / f"{split}-labels-idx1-ubyte").write_bytes(labels)
        with gzip.open(raw / f"{split}-labels-idx1-ubyte.gz", "wb") as file:
            file.write(labels)
    found = data.load("fashion_mnist", root=tmp_path)
    assert found.inputs.shape == (10, 1, 28, 28) and found.targets.tolist() == list(range(10))
    assert float(found.inputs[0, 0, 0, 1]) == pytest.approx((1 / 255 - 0.2860) / 0.3530, abs=1e-4)


@pytest.mark.parametrize("spec", ["npz:nothing.npz", "npz:", "npz:/"])
def test_missing_files(spec):
    with pytest.raises(InputError, match="expected an npz"):
        data.load(spec)


def test_names_that_are_none():
    for spec in ("imagenet", "", "cifar"):
        with pytest.raises(UsageError, match="expected npz:FILE"):
            data.load(spec)


@pytest.mark.parametrize(
    "arrays",
    [
        {"images": np.zeros((2, 4, 4, 3))},
        {"images": np.zeros((2, 4, 4, 3), np.uint8), "labels": np.zeros(3, int)},
        {"images": np.zeros((2, 4, 4, 3), np.uint8), "labels": np.zeros(2)},
        {"images": np.zeros((2, 4, 4, 3), np.uint8), "labels": np.array([-1, 0])},
        {"images": np.zeros((0, 4, 4, 3), np.uint8), "labels": np.zeros(0, int)},
        {"images": np.array([object()]), "labels": np.zeros(1, int)},
    ],
)
def test_arrays_that_do_not_fit(tmp_path, arrays):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(InputError, match="expected") as caught:
        data.load(f"npz:{tmp_path / 'bad.npz'}")
    assert "\n" not in str(caught.value)


def test_a_small_file_that_unpacks_to_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("compute.data.npz.LARGEST", 1 << 20)
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", b"\0" * (2 << 20))
    with pytest.raises(InputError, match="unpacks to 2,097,152 bytes"):
        data.load(f"npz:{tmp_path / 'bomb.npz'}")


def test_the_remainder_goes_to_any_class():
    labels = np.repeat([0, 1, 2], [500, 500, 3])
    counts = sum(
        np.bincount(labels[data.choose(labels, "4", seed)[0]], minlength=3) for seed in range(300)
    )
    assert (counts > 350).all() and (counts < 450).all()  # 400 each on average


@pytest.mark.parametrize("samples", ["30", "260"])
def test_what_divides_is_equally_many_of_each(samples):
    labels = np.tile(np.arange(10), 50)
    chosen, _ = data.choose(labels, samples, 0)
    assert set(np.bincount(labels[chosen])) == {int(samples) // 10}


@pytest.mark.parametrize(
    "labels, shape",
    [(np.array([2**63, 1], np.uint64), (2, 4, 4, 1)), (np.array([2**40, 1]), (2, 4, 4, 1)),
     (np.array([0, 1]), (2, 0, 4, 1))],
)  # fmt: skip
def test_impossible_labels_and_images_are_refused(tmp_path, labels, shape):
    path = tmp_path / "a.npz"
    np.savez(path, images=np.zeros(shape, np.uint8), labels=labels)
    with pytest.raises(InputError, match=r"expected (labels|images)"):
        data.load(f"npz:{path}")
