"""Anybody's own model, loss and data, made a Problem.

What a user has is looked at here, once: whatever takes (model, loss, data) begins with ``prepare``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from compute import checkpoints
from compute.batches import Batches, cut, draw, head
from compute.chance import seeded
from compute.criteria import as_loss, name_of, value_of
from compute.outcome import Outcome, batch_lengths, outcome_of, told
from compute.problem import Problem
from compute.resident import resident
from compute.weights import private
from lossviz.errors import InputError, UsageError


@dataclass(frozen=True, eq=False)
class Prepared:
    """A problem, where its batches come from, the loss' name, and what one should know."""

    problem: Problem
    drawn: Batches
    loss: str
    notes: tuple[str, ...] = ()


def prepare(
    model: Any, loss: Any = None, data: Any = None, *, samples: int | str | None = None,
    seed: int = 0, checkpoint: str | Path | None = None, trust_pickle: bool = False,
) -> Prepared:  # fmt: skip
    """Make a Problem of a model, a loss and data in any of the forms that people have them in.

    The data are drawn once, so that a loader that shuffles or augments gives the same batches at
    every point. Nothing of the user's is changed: not the model, not the generators of random
    numbers.

    Parameters
    ----------
    model
        A Module (compiled or parallel ones are unwrapped); or a Problem, and then neither loss nor
        data.
    loss
        See ``compute.criteria.as_loss``.
    data, samples
        See ``compute.batches.draw``; of a Problem everything, if ``samples`` does not say.
    checkpoint
        A file of weights for a copy of the model.

    Raises
    ------
    UsageError, InputError
        In one line, what was expected and what came.
    """
    given, strata = isinstance(model, Problem), None
    if isinstance(model, Problem):
        if loss is not None or data is not None:
            raise UsageError("a Problem brings its loss and its data; give no others")
        samples = samples or "all"
        model, loss, data, strata = model.model, model.loss, model.batches, model.strata
    if data is None:
        raise UsageError("data: expected a DataLoader, a Dataset, batches or tensors, got none")
    model = unwrapped(model)
    if checkpoint is not None:
        model = _loaded(model, checkpoint, trust_pickle)
    check_parameters(model, str(checkpoint or "model"))
    with seeded(seed):
        drawn = draw(data, samples, seed)
        trial, first = _trial(model, drawn.batches[0])
        known = loss if given else as_loss(loss, trial, first, drawn.batches)
        tried = _tried(known, trial, first)
    if drawn.whole and tried and tried.by_sample and _as_long(tried, first):
        drawn = replace(drawn, batches=cut(drawn.batches[0]))
    strata = strata if drawn.selection == "all" else drawn.strata
    problem = Problem(model, known, drawn.batches, strata)
    notes = _uneven(drawn) if tried and not tried.by_sample else ()
    return Prepared(problem, drawn, name_of(known if loss is None else loss), notes)


def _trial(model: nn.Module, batch: Any) -> tuple[nn.Module, Any]:
    """A private copy, and the first samples of a batch as the model takes them."""
    own = private(model)
    floats = (p for p in own.parameters() if p.is_floating_point())
    like = next(floats, torch.zeros(0))
    (first,) = resident([head(batch)], like.device, like.dtype, channels_last=False)
    return own, first


def _tried(loss: Any, model: nn.Module, batch: Any) -> Outcome | None:
    """What the loss gives of a batch; None if it fails, which the evaluation tells better."""
    try:
        return outcome_of([value_of(loss, model, batch)])
    except Exception:
        return None


def _as_long(outcome: Outcome, batch: Any) -> bool:
    return {outcome.values["loss"].size} == batch_lengths(batch)


def _uneven(drawn: Batches) -> tuple[str, ...]:
    lengths = {frozenset(batch_lengths(batch)) for batch in drawn.batches}
    if len(lengths) < 2:
        return ()
    return (
        "the loss is one number a batch and the batches differ in length: all count the same",
    )  # fmt: skip


def unwrapped(model: Any) -> nn.Module:
    """The network itself, without what torch.compile or parallel training put around it.

    Raises
    ------
    InputError
        If it is none.
    """
    while True:
        if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            model = model.module
        elif isinstance(getattr(model, "_orig_mod", None), nn.Module):
            model = model._orig_mod
        elif isinstance(model, nn.Module):
            return model
        else:
            raise InputError(f"model: expected a torch.nn.Module, got {told(model)}")


def _loaded(model: nn.Module, path: str | Path, trust_pickle: bool) -> nn.Module:
    own = private(model)
    checkpoints.load_into(own, checkpoints.read(path, trust_pickle=trust_pickle), str(path))
    return own


def check_parameters(model: nn.Module, source: str) -> None:
    """Refuse weights that are not numbers.

    Raises
    ------
    InputError
        With the first parameter, or statistic of batch norm, that has one.
    """
    kept = [
        (name, values)
        for name, values in model.named_buffers()
        if name.rpartition(".")[2] in ("running_mean", "running_var")
    ]
    for name, values in [*model.named_parameters(), *kept]:
        if nn.parameter.is_lazy(values):
            raise InputError(f"model: {name} has no shape yet; call the model once on a batch")
        if values.is_meta:
            raise InputError(f"model: {name} has no numbers (it is on the meta device); load some")
        bad = int((~torch.isfinite(values.detach())).sum()) if values.is_floating_point() else 0
        if bad:
            raise InputError(
                f"{source}: {name}: {bad:,} of {values.numel():,} numbers are NaN or Inf; "
                "the training diverged: give weights from before"
            )
