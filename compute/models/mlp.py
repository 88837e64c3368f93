"""A multilayer perceptron, small enough for a surface in seconds."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from itertools import pairwise
from math import prod

from torch import nn


def mlp(
    hidden: tuple[int, ...], *, inputs: tuple[int, ...] = (1, 8, 8), num_classes: int = 10
) -> nn.Sequential:
    """Linear layers with ReLU between them; inputs of any shape are flattened."""
    sizes = [prod(inputs), *hidden, num_classes]
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    for index, (before, after) in enumerate(pairwise(sizes), start=1):
        layers[f"linear{index}"] = nn.Linear(before, after)
        if index < len(sizes) - 1:
            layers[f"relu{index}"] = nn.ReLU()
    return nn.Sequential(layers)


MODELS = {"mlp": partial(mlp, (64, 32))}
