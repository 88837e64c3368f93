"""A small training that the tests, and the processes that they kill, share."""

import torch
from torch import nn

from compute.training.recipe import Recipe
from tests.compute.nets import small_convnet

RECIPE = Recipe(epochs=3, batch_size=16, lr=0.05, seed=4)


def samples(count=70, seed=0):
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(count, 2, 6, 6, generator=generator)
    return inputs, torch.randint(0, 3, (count,), generator=generator)


def dropping_net():
    """Batch norm and dropout: what has a state, and what needs PyTorch's own chance."""
    net = small_convnet()
    return nn.Sequential(*net[:6], nn.Dropout(0.3), *net[6:])
