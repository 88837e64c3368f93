"""Small networks of a user's own, and a loop in float64 to compare with."""

import copy
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

from compute.plane import random_plane

EXACT = {"precision": "float64", "points": 3, "device": "cpu"}
PLACES = [(0, 0), (1, 1), (2, 0), (2, 2), (0, 2)]  # corners and the centre of a 3x3 grid


def network(*sizes, seed=0, activation=nn.Tanh):
    torch.manual_seed(seed)
    layers = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), activation()]
    return nn.Sequential(*layers[:-1])


def arrays(samples=50, inputs=4, classes=3, seed=1):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(samples, inputs, generator=generator)
    return x, torch.randint(0, classes, (samples,), generator=generator)


def moved(model, landscape, i, j, seed=0):
    """The model at a grid point, by the state dict, in float64: nothing of the engine."""
    plane = random_plane(model, seed=seed)
    alpha, beta = landscape.surface.alphas[i], landscape.surface.betas[j]
    net = copy.deepcopy(model).double().eval()
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            for step, direction in ((alpha, plane.delta), (beta, plane.eta)):
                if name in direction:
                    parameter += step * direction[name].double()
    return net


def check(model, landscape, oracle, rel=1e-9):
    """The surface equals ``oracle(net)`` at the corners and in the middle, and is not flat."""
    loss = landscape.surface.loss
    for i, j in PLACES:
        found = oracle(moved(model, landscape, i, j))
        expected = found.item() if isinstance(found, torch.Tensor) else found
        assert loss[i, j] == pytest.approx(expected, rel=rel)
    assert np.ptp(loss) > 1e-3 * abs(loss).max()


X, Y = arrays()


class Named(Dataset):
    """As torchvision's: targets as a list."""

    def __init__(self, samples=600):
        self.x, y = arrays(samples)
        self.targets = y.tolist()

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return self.x[index], self.targets[index]


# A bowl of which a point takes long enough to watch it grow: so many seconds as PAUSE says.
SLOW = """
import os
import time
import torch
from compute.problem import Problem

def bowl():
    def loss(model, batch):
        time.sleep(float(os.environ.get("PAUSE", "0.02")))
        found = model(batch[0])
        found.sum().item()  # so that points are not evaluated together
        return found.square()[:, 0] + 0.1
    return Problem(torch.nn.Linear(3, 1), loss, [(torch.eye(3),)])
"""
