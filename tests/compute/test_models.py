"""The CIFAR residual networks: shapes, counts, and the published weights."""

import statistics

import numpy as np
import pytest
import torch

from compute import checkpoints, data
from compute.direction_files import read
from compute.directions import center_of
from compute.evaluation import Evaluator
from compute.models import build, names
from compute.plane import Plane
from compute.problem import Problem, batches_of, cross_entropy
from lossviz.errors import UsageError
from tests.published import published

# He et al. 2016, table 6, give 0.27, 0.46, 0.66, 0.85, 1.7 million with parameter-free shortcuts.
MILLIONS = {20: 0.27, 32: 0.46, 44: 0.66, 56: 0.85, 110: 1.7}


@pytest.mark.parametrize("depth", MILLIONS)
def test_depth_and_parameters(depth):
    for suffix in ("", "_noshort"):
        net = build(f"resnet{depth}{suffix}", inputs=(3, 32, 32), num_classes=10)
        layers = [n for n, p in net.named_parameters() if p.ndim > 1 and "shortcut" not in n]
        assert len(layers) == depth
        millions = sum(p.numel() for p in net.parameters()) / 1e6
        assert millions == pytest.approx(MILLIONS[depth], abs=0.04)
    assert not any("shortcut" in name for name, _ in net.named_parameters())


def test_outputs_have_the_classes_asked_for():
    for name in ("resnet20", "resnet20_noshort", "mlp"):
        net = build(name, inputs=(1, 28, 28), num_classes=7).eval()
        assert net(torch.zeros(2, 1, 28, 28)).shape == (2, 7)


def test_unknown_names_list_the_known_ones():
    with pytest.raises(UsageError, match="resnet110_noshort"):
        build("resnet57", inputs=(3, 32, 32), num_classes=10)
    assert len(names()) == 11


# Loss and accuracy in per cent of the published nets, on the two splits of the published sample.
KNOWN = {
    ("resnet56", "train"): (0.00085, 100.0),
    ("resnet56_noshort", "train"): (0.13676, 95.36),
    ("resnet56", "test"): (0.2724, 93.56),
    ("resnet56_noshort", "test"): (0.3969, 86.70),
}


def published_net(name):
    net = build(name, inputs=(3, 32, 32), num_classes=10)
    checkpoints.load_into(net, checkpoints.read(published("nets", f"{name}.t7")), name)
    return net


@pytest.mark.parametrize("name, split", KNOWN)
def test_published_nets_have_their_losses(name, split):
    net = published_net(name)
    images = data.load(f"npz:{published('data', 'cifar10_sample.npz')}", split=split)
    problem = Problem(net, cross_entropy, batches_of(images.inputs, images.targets, 64))
    found = Evaluator(problem, Plane(center_of(net), {}, {})).at(0.0, 0.0)
    loss, accuracy = KNOWN[name, split]
    assert found["loss"] == pytest.approx(loss, abs=1e-4)
    assert 100 * found["accuracy"] == pytest.approx(accuracy, abs=0.01)


@pytest.mark.parametrize("name", ["resnet56", "resnet56_noshort"])
def test_equals_the_reference_at_every_point(name):
    h5py = pytest.importorskip("h5py")
    directions = published("reference", f"{name}_directions.h5")
    with h5py.File(published("reference", f"{name}_surface_5x5_128.h5")) as file:
        # Stored (nx, ny) but filled with x fastest.
        losses, accuracies = (
            file[k][()].ravel().reshape(5, 5) for k in ("train_loss", "train_acc")
        )
    net = published_net(name)
    images = data.load(f"npz:{published('data', 'cifar10_sample.npz')}", samples="first:128")
    problem = Problem(net, cross_entropy, batches_of(images.inputs, images.targets, 64))
    theta = center_of(net)
    evaluator = Evaluator(problem, Plane(theta, *read(directions, theta)))
    assert evaluator.folded
    worst = []
    for j, beta in enumerate(np.linspace(-1, 1, 5)):
        for i, alpha in enumerate(np.linspace(-1, 1, 5)):
            found = evaluator.at(float(alpha), float(beta))
            worst.append(abs(found["loss"] / losses[j, i] - 1))
            assert 100 * found["accuracy"] == pytest.approx(accuracies[j, i], abs=1e-3)
    assert max(worst) <= 1e-4 and statistics.median(worst) <= 1e-5
