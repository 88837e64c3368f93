"""One point of the plane at a time: set the weights, run the batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from compute.outcome import Outcome, outcome_of
from compute.problem import Loss
from compute.weights import Weights


class Widened(nn.Module):
    """A network in half precision that answers in float32, so that the loss is not rounded."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """The model's own outputs; a tensor of floats in float32."""
        found = self.model(*inputs, **named)
        return found.float() if isinstance(found, Tensor) and found.is_floating_point() else found


class Loop:
    """Evaluates ``loss`` on ``batches`` with ``weights`` set to each point.

    With ``gradients`` the loss may differentiate, by its inputs or by the weights.
    """

    def __init__(
        self, model: Any, weights: Weights, loss: Loss, batches: list[Any], *,
        gradients: bool = False,
    ) -> None:  # fmt: skip
        self.model, self.weights, self.loss, self.batches = model, weights, loss, batches
        self.gradients = gradients

    def at(self, alpha: float, beta: float) -> Outcome:
        """The outcome at one point."""
        self.weights.set(alpha, beta)
        with torch.set_grad_enabled(self.gradients):
            return outcome_of(self.loss(self.model, batch) for batch in self.batches)


class Recomputed(Loop):
    """The same with batch norm's statistics formed anew from these batches at each point.

    As ``torch.optim.swa_utils.update_bn`` does: the mean over the batches of each batch's mean and
    variance. Everything else stays in eval mode.
    """

    def at(self, alpha: float, beta: float) -> Outcome:
        """The outcome at one point."""
        self.weights.set(alpha, beta)
        norms = norms_of(self.model)
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a plain mean
            norm.train()
        with torch.set_grad_enabled(self.gradients):
            for batch in self.batches:
                self.loss(self.model, batch)
            for norm in norms:
                norm.eval()
            return outcome_of(self.loss(self.model, batch) for batch in self.batches)


def norms_of(model: nn.Module) -> list[Any]:
    """The layers that keep statistics of what they saw in training."""
    kept = (nn.modules.batchnorm._NormBase,)
    return [m for m in model.modules() if isinstance(m, kept) and m.running_var is not None]


def has_statistics(model: nn.Module) -> bool:
    """Whether there is anything to recompute."""
    return bool(norms_of(model))


class Graphed(Loop):
    """The same on CUDA, captured once as a graph over static weights and replayed at each point.

    Raises whatever PyTorch raises if the model or the loss cannot be captured (it asks the CPU for
    a number, say).
    """

    def __init__(
        self, model: Any, weights: Weights, loss: Loss, batches: list[Any], *,
        gradients: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(model, weights, loss, batches, gradients=gradients)
        weights.set(0.0, 0.0)
        device = next(p.device for p in model.parameters())
        with torch.cuda.device(device), torch.set_grad_enabled(gradients):
            beside = torch.cuda.Stream()
            beside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(beside):  # capture needs everything warm, off the main stream
                for _ in range(2):
                    self._outputs = [self._kept(loss(model, batch)) for batch in batches]
            torch.cuda.current_stream().wait_stream(beside)
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._outputs = [self._kept(loss(model, batch)) for batch in batches]

    @staticmethod
    def _kept(output: Tensor | Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        given = output if isinstance(output, Mapping) else {"loss": output}
        return {name: value.detach() for name, value in given.items()}

    def at(self, alpha: float, beta: float) -> Outcome:
        """The outcome at one point."""
        self.weights.set(alpha, beta)
        self._graph.replay()
        return outcome_of(self._outputs)
