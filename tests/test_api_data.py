"""Anybody's data, and what cannot be used, told in one line."""

import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import lossviz
from compute.problem import Problem, cross_entropy
from lossviz.errors import InputError, UsageError

from .small import EXACT, Named, X, Y, arrays, check, network

# ── data ──────────────────────────────────────────────────────────────────────────────────────────


class Endless(IterableDataset):
    def __iter__(self):
        while True:
            yield from zip(X, Y, strict=True)


FORMS = {
    "tensors": (X, Y),
    "arrays": (X.numpy(), Y.numpy()),
    "batches": [(X[:30], Y[:30]), (X[30:], Y[30:])],
    "lists": [[X[:30], Y[:30]], [X[30:], Y[30:]]],
    "dataset": TensorDataset(X, Y),
    "loader": DataLoader(TensorDataset(X, Y), 7),
    "shuffled": DataLoader(TensorDataset(X, Y), 7, shuffle=True),
    "once": lambda: iter([(X[:30], Y[:30]), (X[30:], Y[30:])]),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_data_gives_the_same_surface(form):
    data = FORMS[form]() if callable(FORMS[form]) else FORMS[form]
    found = lossviz.surface(network(4, 6, 3), "cross_entropy", data, **EXACT)
    expected = lossviz.surface(network(4, 6, 3), "cross_entropy", (X, Y), **EXACT)
    assert found.surface.loss == pytest.approx(expected.surface.loss, rel=1e-12)
    assert found.provenance.samples == 50


def test_what_is_long_is_drawn_from_by_seed():
    model, endless = network(4, 6, 3), DataLoader(Endless(), 20)
    assert lossviz.surface(model, "cross_entropy", endless, points=1).provenance.samples == 512
    some = lossviz.surface(model, "cross_entropy", endless, points=1, samples=50)
    whole = lossviz.surface(model, "cross_entropy", (X, Y), points=1)
    assert some.provenance.selection == "first:50"
    assert some.surface.loss == pytest.approx(whole.surface.loss, rel=1e-5)
    first, again, other = (
        lossviz.surface(model, "cross_entropy", Named(), points=1, seed=seed) for seed in (3, 3, 4)
    )
    assert first.provenance.selection == "balanced:512 seed 3"
    assert first.surface.loss == again.surface.loss != other.surface.loss
    drawn = lossviz.surface(model, "cross_entropy", TensorDataset(*arrays(600)), points=1)
    assert drawn.provenance.selection == "random:512 seed 0"
    whole = lossviz.surface(model, "cross_entropy", Named(), points=1, samples="all")
    assert whole.provenance.samples == 600 and whole.provenance.selection == "all"


def test_a_loader_that_augments_gives_one_surface():
    class Noisy(Named):
        def __getitem__(self, index):
            x, y = super().__getitem__(index)
            return x + torch.randn(4) + random.random() + np.random.rand(), y  # noqa: NPY002

    one, two = (
        lossviz.surface(
            network(4, 3), "cross_entropy", DataLoader(Noisy(60), 7, shuffle=True), points=3
        )
        for _ in range(2)
    )
    assert (one.surface.loss == two.surface.loss).all()


def test_a_scalar_loss_of_one_batch_is_not_cut():
    def whole(model, batch):
        return model(batch[0]).mean(dim=0).square().sum()  # the mean of parts is something else

    model, (x, _) = network(4, 6, 3), arrays(300)
    found = lossviz.surface(model, whole, (x,), **EXACT)
    check(model, found, lambda net: whole(net, (x.double(),)))


@pytest.mark.parametrize(
    "data, told",
    [
        (None, "got none"), (3, "got int"), ("cifar10", "got str"), ([], "empty list"),
        ((X[:0], Y[:0]), r"expected samples"), (iter([]), "empty"), ([3, 4], "got int"),
        (["a", "b"], "got str"), ([X, Y], r"expected batches \(inputs, targets\).*got float32"),
        ([(X, Y, Y)], r"got tuple of \(float32 \(50, 4\), int64"), ({"x": X}, "got {x: float32"),
        ([(X, None)], "got tuple of"),
    ],
)  # fmt: skip
def test_data_that_is_none_is_told_in_a_line(data, told):
    with pytest.raises((InputError, UsageError), match=told) as found:
        lossviz.surface(network(4, 3), "cross_entropy", data)
    assert "\n" not in str(found.value) and len(str(found.value)) < 400


# ── what is wrong ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "loss, told",
    [
        (lambda model, batch: model(batch[0]), r"got float32 \(50, 3\)"),
        (
            lambda model, batch: model(batch[0]).sum(dim=0),
            r"one value a sample \(50,\), got \(3,\)",
        ),
        (lambda model, batch: "good", "got str"),
        (lambda model, batch: None, "got NoneType"),
        (lambda model, batch: {"accuracy": 1.0}, "with 'loss'.*accuracy: float"),
        (lambda model, batch: model(batch[0][:, :2]).sum(), "float32.*mat1 and mat2"),
        (lambda model, batch: batch["x"], "TypeError.*list indices|tuple indices"),
        ("crossentropy", "cross_entropy, mse_softmax, mse"),
        (3, "got int"),
    ],
)
def test_losses_that_are_none_are_told_in_a_line(loss, told):
    with pytest.raises((InputError, UsageError), match=told) as found:
        lossviz.surface(network(4, 3), loss, (X, Y), points=3)
    assert "\n" not in str(found.value) and len(str(found.value)) < 700


def test_models_that_are_none_are_told_in_a_line():
    def diverged():
        model = network(4, 6, 3)
        with torch.no_grad():
            model[2].weight[0, 1] = float("nan")
            model[2].bias[0] = float("inf")
        return model

    statistics_gone = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    statistics_gone[1].running_var[1] = float("nan")
    for model, told in (
        (diverged(), r"model: 2.weight: 1 of 18 numbers are NaN or Inf"),
        (statistics_gone, r"1.running_var: 1 of 3"),
        (lambda x: x, "expected a torch.nn.Module, got function"),
        (nn.LazyLinear(3), "no shape yet"),
        (Problem(network(4, 3), cross_entropy, [(X, Y)]), "brings its loss"),
    ):
        with pytest.raises((InputError, UsageError), match=told):
            lossviz.surface(model, "cross_entropy", (X, Y))


@pytest.mark.parametrize(
    "options, told",
    [
        ({"points": 0}, "at least 1 point"), ({"points": "many"}, "expected 51"),
        ({"points": (3, 4, 5)}, "expected 51"), ({"span": 3}, "range: expected low < high"),
        ({"span": (1, -1)}, "low < high"), ({"span": "wide"}, "expected 51"),
        ({"samples": 0}, "samples"), ({"samples": "some"}, "samples"), ({"tolerance": 2}, "share"),
        ({"device": "toaster"}, "toaster"), ({"precision": "float8"}, "float32"),
        ({"normalize": "x"}, "normalize"), ({"ignore": "x"}, "ignore"),
        ({"directions": "x.h5"}, "no such file"), ({"directions": 3}, "got int"),
        ({"directions": ({}, {"nowhere": torch.ones(1)})}, "nowhere"),
        ({"directions": ({"0.weight": torch.ones(2)}, {})}, "shape"),
        ({"directions": ({"0.weight": 3}, {})}, "got int"), ({"batch_norm": "x"}, "recomputed"),
        ({"checkpoint": "nowhere.pt"}, "no such file"),
    ],
)  # fmt: skip
def test_options_that_are_none_are_told_in_a_line(options, told):
    with pytest.raises((InputError, UsageError), match=told):
        lossviz.surface(network(4, 3), "cross_entropy", (X, Y), **options)


def test_a_loss_that_forgets_its_model_is_noticed():
    model = network(4, 3)
    found = lossviz.surface(model, lambda _, batch: cross_entropy(model, batch), (X, Y), points=3)
    assert "does it use the model" in " ".join(found.provenance.notes)


def test_batches_that_differ_in_length_are_told_where_it_matters():
    def mean(model, batch):
        return cross_entropy(model, batch)["loss"].mean()

    batches = [(X[:40], Y[:40]), (X[40:], Y[40:])]
    notes = [
        lossviz.surface(network(4, 3), loss, batches, points=1).provenance.notes
        for loss in (mean, cross_entropy)
    ]
    assert "differ in length" in notes[0][0] and notes[1] == ()
