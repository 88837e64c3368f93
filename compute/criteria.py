"""Anybody's own loss as ``loss(model, batch)``, sample by sample where that is possible.

PyTorch's losses reduce a batch to one number; here they give a value of each sample, so that there
are standard errors and a ragged last batch weighs no more.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from compute.outcome import failed, outcome_of, told
from compute.problem import Loss, cross_entropy, loss_named
from lossviz.errors import InputError, LossvizError, UsageError

CLASSES = (nn.CrossEntropyLoss, nn.NLLLoss)
CLASS_FUNCTIONS = (functional.cross_entropy, functional.nll_loss)


def as_loss(loss: Any, model: nn.Module, first: Any, batches: Sequence[Any]) -> Loss:
    """``loss(model, batch)`` from whatever says what the loss is.

    Parameters
    ----------
    loss
        A name (``"cross_entropy"``); a loss of PyTorch, as a module or a function; a function of
        (model, batch) or of (outputs, targets), told apart by calling it; a class of such, which
        is made without arguments; or None for the loss that the model itself gives when it is
        called with a batch, as Hugging Face's do (``model(**batch).loss``).
    model, first
        A private copy and a batch where it is, on which the function is tried.
    batches
        All: a loss that leaves targets out or weighs them counts them once.

    Raises
    ------
    UsageError, InputError
        If there is no such loss, or it cannot be called with these batches.
    """
    if isinstance(loss, str):
        return _named(loss, batches)
    if loss is None:
        return own_loss
    if isinstance(loss, type):
        loss = loss()
    if not callable(loss):
        raise UsageError(f"loss: expected a function, a module or a name, got {told(loss)}")
    if _reduces(loss):
        return _by_sample(loss, batches)
    return _called(loss, model, first)


def value_of(loss: Loss, model: nn.Module, batch: Any) -> Any:
    """The loss of one batch, with autograd only if it needs that."""
    try:
        with torch.no_grad():
            return loss(model, batch)
    except RuntimeError:
        with torch.enable_grad():
            return loss(model, batch)


def name_of(loss: Any) -> str:
    """What to call a loss in the provenance."""
    loss = loss.func if isinstance(loss, partial) else loss
    return loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)


def own_loss(model: Callable[..., Any], batch: Any) -> Any:
    """The loss that the model gives itself: ``model(**batch).loss``."""
    outputs = model(**batch) if hasattr(batch, "keys") else model(*batch)
    found = outputs.get("loss") if isinstance(outputs, dict) else getattr(outputs, "loss", None)
    if found is None:
        raise InputError(
            f"loss: none was given, and the model's outputs have none: {told(outputs)}; "
            "name one such as 'cross_entropy', or give a function"
        )
    return found


def _named(name: str, batches: Sequence[Any]) -> Loss:
    """A loss by its name; the same as PyTorch's also where targets are left out."""
    found, pairs = loss_named(name), all(isinstance(one, tuple | list) and one for one in batches)
    if found is cross_entropy and pairs and _factor(nn.CrossEntropyLoss(), batches) is not None:
        return _by_sample(nn.CrossEntropyLoss(), batches)
    return found


def _reduces(loss: Any) -> bool:
    """Whether it is one of PyTorch's losses of (input, target), which have a ``reduction``."""
    call = loss.forward if isinstance(loss, nn.Module) else loss
    try:
        names = list(inspect.signature(call).parameters)
    except (TypeError, ValueError):
        return False
    if isinstance(loss, nn.Module):
        return hasattr(loss, "reduction") and names == ["input", "target"]
    return names[:2] == ["input", "target"] and "reduction" in names


def _option(loss: Any, name: str, default: Any = None) -> Any:
    if isinstance(loss, nn.Module):
        return getattr(loss, name, default)
    given = loss.keywords if isinstance(loss, partial) else {}
    return given.get(name, default)


def _unreduced(loss: Any) -> Callable[[Tensor, Tensor], Tensor]:
    if not isinstance(loss, nn.Module):
        return partial(loss, reduction="none")
    own: Any = copy.deepcopy(loss)
    own.reduction = "none"
    if not own.state_dict():
        return own  # type: ignore[no-any-return]

    def moved(outputs: Tensor, targets: Tensor) -> Tensor:
        return own.to(outputs.device, outputs.dtype)(outputs, targets)  # type: ignore[no-any-return]

    return moved


def _by_sample(loss: Any, batches: Sequence[Any]) -> Loss:
    """A loss of PyTorch with one value a sample, whose mean over all is what the loss means.

    "mean" is the mean over a sample's entries; "sum" and "batchmean" their sum. Cross-entropy with
    class weights w or targets to ignore is Σ w l / Σ w over everything that counts, as PyTorch
    computes it of a single batch: sample n gets N Σ_n w l / Σ w.
    """
    for batch in batches:
        if not isinstance(batch, tuple | list) or len(batch) < 2:
            raise InputError(
                f"data: the loss {name_of(loss)} expects batches (inputs, targets), got "
                f"{told(batch)}; a tuple of tensors is one batch, a list is several"
            )
    criterion, factor = _unreduced(loss), _factor(loss, batches)
    summed = factor is not None or _option(loss, "reduction", "mean") in ("sum", "batchmean")
    classes = isinstance(loss, nn.CrossEntropyLoss) or _function(loss) is functional.cross_entropy

    def by_sample(model: Callable[..., Any], batch: Any) -> dict[str, Tensor]:
        *inputs, targets = batch
        outputs = model(*inputs)
        values = criterion(outputs, targets)
        if values.ndim > 1:
            values = values.flatten(1).sum(1) if summed else values.flatten(1).mean(1)
        result = {"loss": values if factor is None else values * factor}
        if classes and factor is None and not targets.is_floating_point() and outputs.ndim > 1:
            right = (outputs.argmax(dim=1) == targets).to(outputs.dtype)
            result["accuracy"] = right.flatten(1).mean(1) if right.ndim > 1 else right
        return result

    by_sample.__name__ = name_of(loss)
    return by_sample


def _function(loss: Any) -> Any:
    return loss.func if isinstance(loss, partial) else loss


def _factor(loss: Any, batches: Sequence[Any]) -> float | None:
    """N / Σ w if some targets are left out or weighed, else None: then all count the same."""
    known = isinstance(loss, CLASSES) or _function(loss) in CLASS_FUNCTIONS
    if not known or _option(loss, "reduction", "mean") != "mean":
        return None
    weight, ignored = _option(loss, "weight"), _option(loss, "ignore_index", -100)
    targets = [batch[-1] for batch in batches]
    if any(not isinstance(one, Tensor) or one.is_floating_point() for one in targets):
        return None
    if weight is None and not any(bool((one == ignored).any()) for one in targets):
        return None
    total = 0.0
    for one in targets:
        counted = one[one != ignored].cpu()
        total += float(weight.double().cpu()[counted].sum()) if weight is not None else len(counted)
    if not total > 0:
        raise InputError(f"loss: {name_of(loss)}: expected targets that count, all are left out")
    return sum(len(one) for one in targets) / total


def _called(loss: Callable[..., Any], model: nn.Module, batch: Any) -> Loss:
    """A function as (model, batch) or as (outputs, targets), whichever it can be called with."""

    def of_outputs(model: Callable[..., Any], batch: Any) -> Any:
        *inputs, targets = batch
        return loss(model(*inputs), targets)

    of_outputs.__name__ = name_of(loss)
    failures = []
    for found in (loss, of_outputs):
        try:
            outcome_of([value_of(found, model, batch)])
        except LossvizError:  # it can be called: what it gives is told by whoever evaluates it
            return found
        except Exception as error:
            failures.append(error)
        else:
            return found
    one, other = failures
    if isinstance(other, ValueError | TypeError) and "unpack" in str(other):
        raise failed(one, batch) from one
    as_function = " ".join(str(other).split())[:150]
    told_first = str(failed(one, batch)).replace("loss: ", "loss(model, batch): ", 1)
    raise InputError(
        f"{told_first}; loss(outputs, targets): {type(other).__name__}: {as_function}"
    ) from one
