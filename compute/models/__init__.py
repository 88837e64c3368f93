"""Networks by name: the paper's families, one file each, other libraries', and anybody's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from lossviz.errors import LossvizError, UsageError, nearest

if TYPE_CHECKING:
    from torch import nn

_FAMILIES = ("resnet", "vgg", "densenet", "vit", "mnist", "mlp")
PREFIXES = ("mlp", "torchvision", "timm")  # of names that go on after a colon


def names() -> list[str]:
    """Every whole name that ``build`` knows by itself."""
    return [name for family in _FAMILIES for name in _family(family)]


def is_name(spec: str) -> bool:
    """Whether ``spec`` is a name for ``build``, and not anybody's own module:function."""
    prefix, colon, _ = spec.partition(":")
    return not colon or prefix in PREFIXES


def build(name: str, *, inputs: tuple[int, ...], num_classes: int) -> nn.Module:
    """A network by its name, for inputs of shape ``inputs``: images (channels, height, width), or
    (features,) for a table's rows.

    Raises
    ------
    UsageError, InputError
        If nobody knows the name, if the network does not take such inputs, or if its library is
        not installed.
    """
    make = _maker(name)
    if len(inputs) != 3 and not name.startswith("mlp"):
        raise UsageError(
            f"{name:.60}: expected images (channels, height, width), the data has inputs of shape "
            f"{inputs}; mlp takes any"
        )
    try:
        net = make(inputs=inputs, num_classes=num_classes)
        outputs = _tried(net, inputs)
    except LossvizError:
        raise
    except Exception as error:  # each network fails in its own way
        text = " ".join(str(error).split())[:160]
        raise UsageError(f"{name:.60}: does not take inputs of shape {inputs}: {text}") from error
    if outputs != (1, num_classes):
        raise UsageError(
            f"{name:.60}: expected outputs of shape (1, {num_classes}), one a class, got {outputs}"
        )
    return net


def _family(name: str) -> dict[str, Callable[..., nn.Module]]:
    return import_module(f"compute.models.{name}").MODELS  # type: ignore[no-any-return]


def _maker(name: str) -> Callable[..., nn.Module]:
    prefix, colon, rest = name.partition(":")
    if colon and prefix == "mlp":
        return partial(import_module("compute.models.mlp").build, rest)
    if colon and prefix in PREFIXES:
        return partial(import_module("compute.models.elsewhere").LIBRARIES[prefix], rest)
    for family in _FAMILIES:
        if name in (models := _family(family)):
            return models[name]
    raise UsageError(
        f"model: no {name!r:.60}; known are {nearest(name, names())}; also mlp:64-64:tanh, "
        "torchvision:NAME, timm:NAME, or your own as module:function"
    )


def _tried(net: nn.Module, inputs: tuple[int, ...]) -> tuple[int, ...]:
    """The outputs' shape for one blank sample: better said here than in the middle of a run."""
    import torch

    with torch.no_grad():
        outputs = net.eval()(torch.zeros(1, *inputs))
    net.train()
    return tuple(outputs.shape)
