"""Multilayer perceptrons: ``mlp``, or any sizes and activation as ``mlp:64-64:tanh``."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn

from lossviz.errors import UsageError

MOST_WEIGHTS = 1 << 28  # one GiB in float32


class Sine(nn.Module):
    """sin(x), element by element (Sitzmann et al. 2020)."""

    def forward(self, x: Tensor) -> Tensor:
        """Any shape."""
        return torch.sin(x)


ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU, "sigmoid": nn.Sigmoid, "silu": nn.SiLU,
    "elu": nn.ELU, "leaky_relu": nn.LeakyReLU, "softplus": nn.Softplus, "identity": nn.Identity,
    "sin": Sine,
}  # fmt: skip


def mlp(
    hidden: tuple[int, ...], activation: str = "relu", *, inputs: tuple[int, ...] = (1, 8, 8),
    num_classes: int = 10,
) -> nn.Sequential:  # fmt: skip
    """Linear layers with an activation between them; inputs of any shape are flattened."""
    sizes = [prod(inputs), *hidden, num_classes]
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    for index, (before, after) in enumerate(pairwise(sizes), start=1):
        layers[f"linear{index}"] = nn.Linear(before, after)
        if index < len(sizes) - 1:
            layers[f"{activation}{index}"] = ACTIVATIONS[activation]()
    return nn.Sequential(layers)


def build(name: str, *, inputs: tuple[int, ...], num_classes: int) -> nn.Module:
    """The perceptron that ``name`` describes: hidden sizes with - between them, and an activation.

    Raises
    ------
    UsageError
        If it cannot be read, or would have more weights than fit.
    """
    sizes, _, activation = name.partition(":")
    parts = sizes.split("-")
    readable = all(part.isdecimal() and len(part) < 8 and int(part) for part in parts)
    if not readable or (activation or "relu") not in ACTIVATIONS:
        raise UsageError(
            "model: expected mlp:SIZES:ACTIVATION such as mlp:64-64:tanh, with "
            f"{', '.join(ACTIVATIONS)}; got {f'mlp:{name}'!r:.80}"
        )
    hidden = tuple(map(int, parts))
    weights = sum(a * b for a, b in pairwise([prod(inputs), *hidden, num_classes]))
    if weights > MOST_WEIGHTS:
        raise UsageError(f"mlp:{name}: expected at most {MOST_WEIGHTS:,} weights, got {weights:,}")
    return mlp(hidden, activation or "relu", inputs=inputs, num_classes=num_classes)


MODELS = {"mlp": partial(mlp, (64, 32))}
