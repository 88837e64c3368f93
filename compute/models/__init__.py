"""Networks by name: the paper's families, one file each, and anybody's own."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from lossviz.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

_FAMILIES = {"resnet": "compute.models.resnet", "mlp": "compute.models.mlp"}


def names() -> list[str]:
    """Every name that ``build`` knows by itself."""
    return [name for home in _FAMILIES.values() for name in import_module(home).MODELS]


def build(name: str, *, inputs: tuple[int, ...], num_classes: int) -> nn.Module:
    """A network by its name, for images of shape ``inputs`` (channels, height, width).

    Raises
    ------
    UsageError
        If no family knows the name.
    """
    for home in _FAMILIES.values():
        models: dict[str, Callable[..., nn.Module]] = import_module(home).MODELS
        if name in models:
            return models[name](inputs=inputs, num_classes=num_classes)
    raise UsageError(
        f"model: expected one of {', '.join(names())}, or your own as module:function; "
        f"got {name!r:.80}"
    )
