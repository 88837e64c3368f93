"""Problem: what a user plugs in. A model, a loss and batches."""

from __future__ import annotations

import difflib
import hashlib
import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from compute.outcome import batch_lengths, told
from lossviz.errors import InputError, LossvizError, UsageError

OFFERED = 8  # names that an error lists

Model = Callable[..., Any]
LossValue = Tensor | Mapping[str, Tensor]
Loss = Callable[[Any, Any], LossValue]


@dataclass(frozen=True, eq=False)
class Problem:
    """A loss landscape's ingredients.

    Attributes
    ----------
    model
        The trained network; its parameters are the centre theta*. It is never changed.
    loss
        ``loss(model, batch)`` gives per-sample losses ``(B,)`` where it can (then there are
        standard errors), a scalar mean over the batch, or a mapping of such values by name with
        "loss" among them.
    batches
        Gives the same batches in the same order each time it is iterated. A batch is a tuple
        whose first entry is the inputs ``(B, …)``, or anything that ``loss`` understands.
    strata
        The class ``(N,)`` of each sample if equally many of each class were drawn: standard errors
        are then those of a stratified sample.
    """

    model: nn.Module
    loss: Loss
    batches: Iterable[Any]
    strata: Tensor | None = None

    def __post_init__(self) -> None:
        if isinstance(self.batches, Iterator):
            raise InputError(
                "batches: expected a list or a DataLoader, got what can be iterated only once "
                f"({type(self.batches).__name__}); use list(…)"
            )


def strata_of(problem: Problem) -> NDArray[np.int64] | None:
    """The samples' strata ``(N,)``, as ``compute.outcome.standard_error`` takes them."""
    strata = problem.strata
    return None if strata is None else strata.cpu().numpy().astype(np.int64)


def cross_entropy(model: Model, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
    """Per-sample cross-entropy ``(B,)`` in nats, and accuracy ``(B,)`` of 0 and 1.

    Of logits ``(B, K)``; of ``(B, K, …)``, the mean over what a sample consists of. Every target
    counts: where some are left out, ``prepare`` takes ``nn.CrossEntropyLoss()`` for the name.
    """
    inputs, targets = _pair(batch)
    logits = model(inputs)
    losses = functional.cross_entropy(logits, targets, reduction="none")
    return {"loss": _each(losses), "accuracy": _each(_correct(logits, targets))}


def mse_softmax(model: Model, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
    """Mean squared error over classes ``(B,)`` of softmax outputs against one-hot targets.

    This is what the code of Li et al. 2018 calls its MSE loss.
    """
    inputs, targets = _pair(batch)
    logits = model(inputs)
    return {"loss": _squared(logits.softmax(dim=1), targets), "accuracy": _correct(logits, targets)}


def mse(model: Model, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
    """Mean squared error over outputs ``(B,)``: raw outputs against one-hot or real targets."""
    inputs, targets = _pair(batch)
    outputs = model(inputs)
    if targets.is_floating_point():
        losses = (outputs - targets.reshape(outputs.shape)).square().reshape(len(outputs), -1)
        losses = losses.mean(dim=1)
        return {"loss": losses}
    return {"loss": _squared(outputs, targets), "accuracy": _correct(outputs, targets)}


def _pair(batch: Any) -> tuple[Any, Any]:
    """Inputs and targets.

    Raises
    ------
    InputError
        If the batch is something else.
    """
    if not isinstance(batch, tuple | list) or len(batch) != 2 or not isinstance(batch[1], Tensor):
        raise InputError(
            f"data: expected batches (inputs, targets) of tensors, got {told(batch)}; "
            "for others give your own loss(model, batch)"
        )
    return batch[0], batch[1]


def _each(values: Tensor) -> Tensor:
    """One value a sample ``(B,)`` from ``(B, …)``."""
    return values.flatten(1).mean(1) if values.ndim > 1 else values


def _squared(outputs: Tensor, targets: Tensor) -> Tensor:
    one_hot = functional.one_hot(targets, outputs.shape[1]).to(outputs.dtype)
    return (outputs - one_hot).square().mean(dim=1)


def _correct(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs.argmax(dim=1) == targets).to(outputs.dtype)


LOSSES: dict[str, Loss] = {"cross_entropy": cross_entropy, "mse_softmax": mse_softmax, "mse": mse}


def loss_named(name: str) -> Loss:
    """A loss by its name, or anybody's own as module:function.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name in LOSSES:
        return LOSSES[name]
    if ":" in name:
        return entry(name, "loss")
    raise UsageError(f"loss: expected {', '.join(LOSSES)} or module:function, got {name!r:.80}")


def entry(spec: str, what: str) -> Any:
    """The object that ``module:function`` names, the working directory searched first.

    Raises
    ------
    UsageError, InputError
        If the name cannot be read, is taken, or importing fails.
    """
    module_name, _, name = spec.partition(":")
    if not module_name or not name:
        raise UsageError(f"{what}: expected module:function, got {spec!r:.80}")
    if module_name.split(".")[0] in ("compute", "lossviz"):
        taken = module_name.split(".")[0]
        raise UsageError(f"{what}: the name {taken!r} is lossviz's own package; rename your module")
    if module_name.split(".")[0] == "torchvision":
        from compute.data.vision import torchvision

        torchvision()  # it may need help to import
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # a script that ends by itself
        text = " ".join(str(error).split())
        raise InputError(
            f"{what}: {module_name}: cannot be imported from {here}: {type(error).__name__}: {text}"
        ) from error
    finally:
        sys.path.remove(here)
    if not hasattr(module, name):
        raise UsageError(
            f"{what}: module {module_name} has no {name!r:.80}; it has {_offers(module, name)}"
        )
    return getattr(module, name)


def _offers(module: Any, name: str) -> str:
    """What a module has that can be called, what is spelled like ``name`` first."""
    public = sorted(key for key, value in vars(module).items() if key[0] != "_" and callable(value))
    # Its own before what it imported.
    own = [key for key in public if getattr(vars(module)[key], "__module__", "") == module.__name__]
    close = difflib.get_close_matches(name, public, n=3, cutoff=0.5)
    names = list(dict.fromkeys([*close, *(own or public)]))
    more = f" and {len(names) - OFFERED} more" if len(names) > OFFERED else ""
    return ", ".join(names[:OFFERED]) + more if names else "nothing that can be called"


def made(spec: str, what: str) -> Any:
    """What the function that ``module:function`` names returns; what is no function, as it is.

    Raises
    ------
    UsageError, InputError
        If there is none, it cannot be called without arguments, or it raises something.
    """
    found = entry(spec, what)
    if isinstance(found, nn.Module) or not callable(found):
        return found
    try:
        return found()
    except LossvizError:
        raise
    except (Exception, SystemExit) as error:
        text = " ".join(str(error).split())[:200]
        raise InputError(f"{what}: {spec}() raised {type(error).__name__}: {text}") from error


def batches_of(inputs: Tensor, targets: Tensor, batch_size: int) -> list[tuple[Tensor, Tensor]]:
    """``inputs (N, …)`` and ``targets (N,)`` cut into batches, in order; the last may be short."""
    return list(zip(inputs.split(batch_size), targets.split(batch_size), strict=True))


def check_deterministic(first: Mapping[str, float], second: Mapping[str, float]) -> None:
    """Refuse a problem whose centre was evaluated twice with different results.

    Raises
    ------
    InputError
        With the usual culprits.
    """
    for name, value in first.items():
        again = second[name]
        same = value == again or (value != value and again != again)
        if not same and not abs(value - again) <= 1e-6 * max(abs(value), abs(again)):
            raise InputError(
                f"{name} at the centre: {value:.9g}, then {again:.9g}: the problem is not "
                "deterministic; the usual culprits are dropout or batch norm in training mode, "
                "and shuffling or augmentation in the data loader"
            )


def sample_count(batches: Iterable[Any]) -> int:
    """How many samples the batches hold, 0 if that cannot be seen."""
    total = 0
    for batch in batches:
        lengths = batch_lengths(batch)
        if not lengths:
            return 0
        first = batch[0] if isinstance(batch, tuple | list) else None
        total += len(first) if isinstance(first, Tensor) and first.ndim else max(lengths)
    return total


def batches_sha256(batches: Iterable[Any]) -> str:
    """A hash of everything in the batches, and of how they are cut."""
    digest = hashlib.sha256()

    def take(value: Any) -> None:
        if isinstance(value, Tensor):
            digest.update(f"{tuple(value.shape)}{value.dtype}".encode())
            digest.update(value.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
        elif isinstance(value, Mapping):
            take(list(value.items()))
        elif isinstance(value, tuple | list):
            for item in value:
                take(item)
        else:
            digest.update(repr(value).encode())

    for batch in batches:
        take(batch)
    return digest.hexdigest()
