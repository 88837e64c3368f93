"""The loss at many weight settings of one plane: formed from the centre each time, in one pass."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from compute.directions import Direction
from compute.folding import fold
from compute.plane import Plane
from compute.problem import Loss, Problem
from lossviz.errors import InputError

FOLDED_TOLERANCE = 2e-4  # relative; float32 rounding at far corners is below this, errors are not


class Evaluator:
    """Evaluates ``problem`` on ``plane``, on a private copy of the model in eval mode.

    Parameters
    ----------
    device, dtype
        Where and how precisely the model runs; sums are always float64.
    folded
        Fold batch norm where that is exact; checked at the centre and at a far corner, and left
        if it is not.
    """

    def __init__(
        self, problem: Problem, plane: Plane, *, device: str = "cpu",
        dtype: torch.dtype = torch.float32, folded: bool = True,
    ) -> None:  # fmt: skip
        self.device, self.dtype = torch.device(device), dtype
        self.loss: Loss = problem.loss
        self.batches = _resident(problem.batches, self.device, dtype)
        self._use(_private(problem.model), plane.theta, plane.delta, plane.eta)
        self.folded = folded and self._try_folding(_private(problem.model), plane)

    def _use(self, model: nn.Module, theta: Direction, delta: Direction, eta: Direction) -> None:
        self.model = model.to(self.device, self.dtype)
        if self.device.type == "cpu":  # measured: 1.1 to 3 times faster convolutions than NCHW
            self.model = self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        own = {name: p for name, p in self.model.named_parameters() if p.is_floating_point()}
        missing = [name for name in (*delta, *eta) if name not in own]
        if missing:
            raise InputError(f"directions: the model has no parameter {missing[0]}")
        self._moved: list[tuple[Tensor, Tensor, Tensor | None, Tensor | None]] = []
        for name, parameter in own.items():
            center = theta[name].to(parameter)
            parameter.data.copy_(center)
            if name in delta or name in eta:
                moves = [d[name].to(parameter) if name in d else None for d in (delta, eta)]
                self._moved.append((parameter.data, center, moves[0], moves[1]))

    def _try_folding(self, copied: nn.Module, plane: Plane) -> bool:
        found = fold(copied, plane.theta, plane.delta, plane.eta)
        if found is None:
            return False
        corners = ((0.0, 0.0), (0.7, -0.7))
        batches, self.batches = self.batches, self.batches[:1]
        kept = self.model, self._moved
        plain = [self.at(*corner)["loss"] for corner in corners]
        self._use(*found)
        quick = [self.at(*corner)["loss"] for corner in corners]
        self.batches = batches
        if all(map(_close, plain, quick)):
            return True
        self.model, self._moved = kept
        return False

    @torch.inference_mode()
    def at(self, alpha: float, beta: float) -> dict[str, float]:
        """Every quantity at theta* + alpha delta + beta eta; NaN and Inf are results.

        ``loss_stderr`` is the standard error of the mean loss over the samples,
        s/√N with s² = Σ(l − l̄)²/(N − 1), where the loss is given for each sample.
        """
        for parameter, center, delta, eta in self._moved:
            parameter.copy_(center)
            if delta is not None and alpha != 0:
                parameter.add_(delta, alpha=alpha)
            if eta is not None and beta != 0:
                parameter.add_(eta, alpha=beta)
        return summarize(self.loss(self.model, batch) for batch in self.batches)


def summarize(outputs: Iterable[Tensor | Mapping[str, Tensor]]) -> dict[str, float]:
    """Means over all samples, however the batches were cut, and the loss' standard error.

    A per-sample value ``(B,)`` counts each sample once; a scalar counts as one batch mean, and
    then all batches weigh the same.
    """
    kept: dict[str, list[Tensor]] = {}
    by_sample = False
    for output in outputs:
        values = output if isinstance(output, Mapping) else {"loss": output}
        by_sample = by_sample or values["loss"].ndim > 0 if "loss" in values else by_sample
        for name, value in values.items():
            kept.setdefault(name, []).append(value.detach().double().reshape(-1).cpu())
    if "loss" not in kept:
        raise InputError("loss: expected a tensor or a mapping with 'loss', got neither")
    result = {}
    for name, parts in kept.items():
        samples = torch.cat(parts)
        result[name] = float(samples.mean())
        if name == "loss" and by_sample:
            spread = float(samples.std()) if samples.numel() > 1 else math.nan
            result["loss_stderr"] = spread / math.sqrt(samples.numel())
    return result


def _private(model: nn.Module) -> nn.Module:
    """A copy of our own: the user's model is never moved, switched or changed."""
    copied = copy.deepcopy(model).eval()
    for parameter in copied.parameters():
        parameter.requires_grad_(False)
    return copied


def _resident(batches: Iterable[Any], device: torch.device, dtype: torch.dtype) -> list[Any]:
    """All batches on the device, floating-point tensors in ``dtype``, images channels-last."""

    def moved(value: Any) -> Any:
        if isinstance(value, Tensor):
            value = value.to(device, dtype if value.is_floating_point() else None)
            if value.ndim == 4 and device.type == "cpu":
                value = value.contiguous(memory_format=torch.channels_last)
            return value
        if isinstance(value, tuple | list):
            return type(value)(map(moved, value))
        if isinstance(value, dict):
            return {key: moved(item) for key, item in value.items()}
        return value

    resident = [moved(batch) for batch in batches]
    if not resident:
        raise InputError("batches: expected at least one batch, got none")
    return resident


def _close(a: float, b: float) -> bool:
    if not (math.isfinite(a) and math.isfinite(b)):
        return math.isnan(a) == math.isnan(b)
    return abs(a - b) <= FOLDED_TOLERANCE * max(abs(a), abs(b)) + 1e-7
