"""Data: chosen, ordered and normalised as it is told."""

import contextlib
import gzip
import hashlib
import pickle
import re
import struct
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from compute import data
from compute.data.stored import held_out
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


def idx_files(folder, kind="", count=10):
    """The four files of MNIST, packed or not."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, 28, 28), dtype=np.uint8)
    for split in ("train", "t10k"):
        for name, content in (
            ("images-idx3", struct.pack(">IIII", 2051, count, 28, 28) + images.tobytes()),
            ("labels-idx1", struct.pack(">II", 2049, count) + bytes(k % 10 for k in range(count))),
        ):
            packed = gzip.compress(content) if kind else content
            (folder / f"{split}-{name}-ubyte{kind}").write_bytes(packed)
    return images


@pytest.mark.parametrize("kind", ["", ".gz"])
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_idx_files_directly_in_a_folder(tmp_path, name, kind):
    images = idx_files(tmp_path, kind)
    for split in ("train", "test"):
        found = data.load(name, root=tmp_path, split=split)
        mean, std = {"mnist": (0.1307, 0.3081), "fashion_mnist": (0.2860, 0.3530)}[name]
        expected = (images / 255 - mean) / std
        assert found.inputs[:, 0].numpy() == pytest.approx(expected, abs=1e-5)
        assert found.targets.tolist() == list(range(10)) and found.outputs == 10
        assert found.normalization.startswith(f"{name} mean")


def test_damaged_idx_files(tmp_path, monkeypatch):
    idx_files(tmp_path, ".gz")
    images, labels = (
        tmp_path / f"train-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1")
    )
    good, good_labels = gzip.decompress(images.read_bytes()), labels.read_bytes()
    for bad, told in (
        (b"", "got  and ()"), (good[:-1], "in 7,855 bytes"), (good + b"x", "in 7,857 bytes"),
        (good[:3], "expected an idx"), (b"\0\0\x0b\x03" + good[4:], "got 00000b03"),
        (good[:4] + b"\xff" * 12 + good[16:], "4294967295"),
    ):  # fmt: skip
        images.write_bytes(gzip.compress(bad))
        with pytest.raises(InputError, match=re.escape(told)):
            data.load("mnist", root=tmp_path)
    for bad in (b"no gzip", gzip.compress(good)[:50], gzip.compress(good)[:-9] + b"\0" * 9):
        images.write_bytes(bad)
        with pytest.raises(InputError, match="cannot be read"):
            data.load("mnist", root=tmp_path)
    images.write_bytes(gzip.compress(good))
    for bad in (bytes(9), bytes(9) + b"\x0a"):  # too few, and a class that is none
        labels.write_bytes(gzip.compress(struct.pack(">II", 2049, len(bad)) + bad))
        with pytest.raises(InputError, match="expected 10 labels from 0 to 9"):
            data.load("mnist", root=tmp_path)
    labels.unlink()
    with pytest.raises(InputError, match="train-labels-idx1-ubyte beside"):
        data.load("mnist", root=tmp_path)
    labels.write_bytes(good_labels)
    monkeypatch.setattr("compute.data.idx.LARGEST", 1000)
    with pytest.raises(InputError, match="in 1,001 bytes"):
        data.load("mnist", root=tmp_path)


def test_cifar100_from_a_local_folder(tmp_path, monkeypatch):
    """The python version's files, as torchvision unpacks them."""
    from compute.data.vision import torchvision

    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (4, 3072), dtype=np.uint8)
    for name, content in (
        ("train", {"data": images, "fine_labels": [3, 99, 0, 7]}),
        ("test", {"data": images[:2], "fine_labels": [1, 2]}),
        ("meta", {"fine_label_names": [f"class {k}" for k in range(100)]}),
    ):
        (folder / name).write_bytes(pickle.dumps(content))
    kind = torchvision().datasets.CIFAR100
    sums = {
        path.name: hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        for path in folder.iterdir()
    }
    monkeypatch.setattr(kind, "train_list", [["train", sums["train"]]])
    monkeypatch.setattr(kind, "test_list", [["test", sums["test"]]])
    monkeypatch.setattr(kind, "meta", dict(kind.meta, md5=sums["meta"]))
    found = data.load("cifar100", root=tmp_path)
    mean, std = np.array([0.5071, 0.4865, 0.4409]), np.array([0.2673, 0.2564, 0.2762])
    expected = (images.reshape(4, 3, 32, 32) / 255 - mean[:, None, None]) / std[:, None, None]
    assert found.inputs.numpy() == pytest.approx(expected, abs=1e-5)
    assert found.targets.tolist() == [3, 99, 0, 7] and found.outputs == 100
    few = data.load("cifar100", root=tmp_path, split="test")
    assert few.num_classes == 3 and few.outputs == 100


def test_iris_is_fishers_table():
    train, test = data.load("iris"), data.load("iris", split="test")
    assert train.inputs.shape == (120, 4) and test.inputs.shape == (30, 4)
    for part, each in ((train, 40), (test, 10)):
        assert np.bincount(part.targets).tolist() == [each] * 3 and part.outputs == 3
    # Standardised by the training rows, in both splits.
    assert train.inputs.mean(0).abs().max() < 1e-6
    assert train.inputs.std(0, correction=0).numpy() == pytest.approx(np.ones(4), abs=1e-6)
    assert test.inputs.mean(0).abs().max() > 1e-3 and train.normalization == test.normalization
    assert train.normalization.startswith("training rows mean (")
    raw = {split: data.load("iris", split=split, mean=[0], std=[1]) for split in ("train", "test")}
    rows = torch.cat([part.inputs for part in raw.values()])
    labels = torch.cat([part.targets for part in raw.values()])
    means = [rows[labels == k].mean(0).tolist() for k in range(3)]
    # Fisher 1936, table II.
    assert means[0] == pytest.approx([5.006, 3.428, 1.462, 0.246], abs=1e-5)
    assert means[1] == pytest.approx([5.936, 2.770, 4.260, 1.326], abs=1e-5)
    assert means[2] == pytest.approx([6.588, 2.974, 5.552, 2.026], abs=1e-5)


@pytest.mark.parametrize("name", ["spirals", "swiss_roll"])
def test_synthetic_points_are_always_the_same_and_separable(name):
    train, again, test = (data.load(name, split=s) for s in ("train", "train", "test"))
    assert train.sha256() == again.sha256() != test.sha256()
    assert data.load(name, seed=9).sha256() == train.sha256()
    assert train.inputs.shape == (1000, 2) and train.inputs.norm(dim=1).max() < 1.1
    assert np.bincount(train.targets).tolist() == [500, 500] and train.outputs == 2
    # The nearest training point knows the class of a test point; a straight line does not.
    nearest = torch.cdist(test.inputs, train.inputs).argmin(1)
    assert (train.targets[nearest] == test.targets).float().mean() > 0.97
    columns = torch.cat([train.inputs, torch.ones(1000, 1)], 1)
    line = torch.linalg.lstsq(columns, train.targets[:, None] - 0.5).solution
    assert (((columns @ line)[:, 0] > 0) == (train.targets > 0)).float().mean() < 0.75


def test_as_many_as_there_are_unless_a_number_was_asked_for():
    few = data.load("iris", samples="512", at_most=True)
    assert len(few.inputs) == 120 and few.selection == "all"
    assert len(data.load("iris", samples="30", at_most=True).inputs) == 30
    with pytest.raises(UsageError, match="at most 120, got 512"):
        data.load("iris", samples="512")


@given(count=st.integers(0, 60))
def test_a_held_out_fifth_and_the_rest_are_everything(count):
    train, test = held_out(count, "train"), held_out(count, "test")
    assert sorted([*train, *test]) == list(range(count)) and len(test) == count // 5


@pytest.mark.parametrize("spec", ["npz:nothing.npz", "npz:", "npz:/"])
def test_missing_files(spec):
    with pytest.raises(InputError, match="expected an npz"):
        data.load(spec)


def test_names_that_are_none():
    for spec in ("imagenet", "", "cifar", "my_data:make"):
        with pytest.raises(UsageError, match="expected npz:FILE"):
            data.load(spec)
    with pytest.raises(UsageError, match="imagefolder:DIR, cifar10, cifar100"):
        data.load("cifar")
    assert all(map(data.is_name, ["cifar", "npz:a.npz", "csv:b.csv", "imagefolder:c"]))
    assert not data.is_name("my_data:make")


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


def test_no_damage_to_a_compressed_file_crashes(tmp_path):
    path, random = tmp_path / "damaged.npz", np.random.default_rng(0)
    images = random.integers(0, 256, (50, 8, 8), dtype=np.uint8)
    np.savez_compressed(path, images=images, labels=np.arange(50) % 10)
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    for _ in range(300):
        damaged, places = whole.copy(), random.integers(whole.size, size=random.choice([1, 4, 30]))
        damaged[places] = random.integers(256, size=places.size)
        path.write_bytes(damaged.tobytes())
        with contextlib.suppress(InputError):
            data.load(f"npz:{path}")


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
