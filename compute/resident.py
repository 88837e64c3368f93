"""The data: on the device once, and cut into batches as the engine likes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from lossviz.errors import InputError


def resident(
    batches: Iterable[Any], device: torch.device, dtype: torch.dtype, *, channels_last: bool
) -> list[Any]:
    """All batches on the device, floating-point tensors in ``dtype``, images perhaps channels-last.

    Raises
    ------
    InputError
        If there are none.
    """

    def moved(value: Any) -> Any:
        if isinstance(value, Tensor):
            # Detached: a loss that differentiates by its inputs marks ours, not the user's tensor.
            own = value.detach().to(device, dtype if value.is_floating_point() else None)
            last = channels_last and value.ndim == 4
            layout = torch.channels_last if last else torch.contiguous_format
            return own.contiguous(memory_format=layout).requires_grad_(value.requires_grad)
        if isinstance(value, tuple | list):
            items = map(moved, value)
            return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
        if isinstance(value, Mapping):
            found = {key: moved(item) for key, item in value.items()}
            try:
                return type(value)(found)  # type: ignore[call-arg]  # tokenizers have their own kind
            except TypeError:
                return found
        return value

    found = [moved(batch) for batch in batches]
    if not found:
        raise InputError("batches: expected at least one batch, got none")
    return found


def joined(batches: list[Any]) -> tuple[Tensor, ...] | None:
    """Batches of tensors, sample by sample along the first dimension, as one; else None."""
    first = batches[0]
    for batch in batches:
        if type(batch) not in (tuple, list) or len(batch) != len(first) or not batch:
            return None
        for value, other in zip(batch, first, strict=True):
            if not isinstance(value, Tensor) or not isinstance(other, Tensor) or not value.ndim:
                return None
            if value.shape[1:] != other.shape[1:] or len(value) != len(batch[0]):
                return None
    return tuple(torch.cat(parts) for parts in zip(*batches, strict=True))


def cut(samples: tuple[Tensor, ...], size: int) -> list[tuple[Tensor, ...]]:
    """Batches of ``size`` samples in order, without copying; the last may be short."""
    return list(zip(*(value.split(size) for value in samples), strict=True))
