"""The Hessian of the mean loss over a problem's samples, as an operator on directions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from compute.directions import Direction
from compute.lanczos import Eigenpairs, lanczos
from compute.plane import Plane
from compute.problem import Problem
from compute.resident import resident
from compute.weights import private
from lossviz.errors import InputError, UsageError

KINDS = {"top": (0, 2), "ends": (1, 1)}  # how many lowest and highest eigenvectors


class Hessian:
    """H v of the mean loss at theta*, by differentiating twice (Pearlmutter 1994).

    Over the floating-point parameters; those of one dimension (biases, batch norm) are left out
    with ``ignore="biasbn"``, as for directions. Eval mode, on a private copy; the mean over samples
    where the loss gives one value a sample, else over batches.
    """

    def __init__(
        self, problem: Problem, *, ignore: str = "biasbn", device: str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:  # fmt: skip
        self.problem = problem
        self.model = private(problem.model).to(device, dtype)
        self.batches = resident(
            problem.batches, torch.device(device), dtype, channels_last=False
        )  # fmt: skip
        self.parameters = {
            name: parameter
            for name, parameter in self.model.named_parameters()
            if parameter.is_floating_point() and (parameter.ndim > 1 or ignore == "none")
        }
        if not self.parameters:
            raise InputError("Hessian: the model has no parameters to differentiate for")
        for parameter in self.parameters.values():
            parameter.requires_grad_(True)

    @property
    def size(self) -> int:
        """How many parameters there are."""
        return sum(parameter.numel() for parameter in self.parameters.values())

    def flat(self, direction: Mapping[str, Tensor]) -> Tensor:
        """A direction as ``(P,)``; a parameter that it lacks counts as 0."""
        return torch.cat([
            (direction[name].to(own) if name in direction else torch.zeros_like(own)).reshape(-1)
            for name, own in self.parameters.items()
        ]).detach()  # fmt: skip

    def direction(self, flat: Tensor) -> Direction:
        """``(P,)`` as a direction, on the CPU."""
        parts = flat.split([own.numel() for own in self.parameters.values()])
        return {
            name: part.reshape(own.shape).cpu().clone()
            for part, (name, own) in zip(parts, self.parameters.items(), strict=True)
        }

    def gradient(self) -> Tensor:
        """The gradient ``(P,)`` at theta*."""
        return self._summed(lambda gradients: gradients)

    def product(self, vector: Tensor) -> Tensor:
        """H v, ``(P,)``."""
        parts = [
            part.reshape(own.shape)
            for part, own in zip(
                vector.split([own.numel() for own in self.parameters.values()]),
                self.parameters.values(), strict=True,
            )
        ]  # fmt: skip
        return self._summed(lambda gradients: self._again(gradients, parts))

    def _again(self, gradients: list[Tensor], parts: list[Tensor]) -> list[Tensor]:
        moved = [(g, p) for g, p in zip(gradients, parts, strict=True) if g.requires_grad]
        if not moved:  # the loss is linear in the weights
            return [torch.zeros_like(part) for part in parts]
        return self._gradients(sum((g * p).sum() for g, p in moved), create=False)

    def _gradients(self, value: Any, *, create: bool) -> list[Tensor]:
        own = list(self.parameters.values())
        found = torch.autograd.grad(value, own, create_graph=create, allow_unused=True)
        return [torch.zeros_like(p) if g is None else g for g, p in zip(found, own, strict=True)]

    def _summed(self, of: Callable[[list[Tensor]], list[Tensor]]) -> Tensor:
        """The mean over everything of what ``of`` makes of a batch's gradients, in float64."""
        total, weight = None, 0
        with torch.enable_grad():
            for batch in self.batches:
                value = self.problem.loss(self.model, batch)
                losses = value["loss"] if isinstance(value, Mapping) else value
                if not isinstance(losses, Tensor) or not losses.requires_grad:
                    raise InputError("Hessian: the loss cannot be differentiated for the weights")
                count = losses.numel() if losses.ndim else 1
                gradients = self._gradients(losses.sum(), create=True)
                part = torch.cat([g.detach().reshape(-1) for g in of(gradients)]).double()
                total = part if total is None else total + part
                weight += count
        assert total is not None  # resident() refuses no batches
        return (total / weight).to(next(iter(self.parameters.values())).dtype)


def extreme_eigenpairs(
    hessian: Hessian, *, lowest: int = 1, highest: int = 1, seed: int = 0, steps: int = 100,
    tolerance: float = 1e-3, progress: Callable[[int, float], None] = lambda step, residual: None,
) -> Eigenpairs:  # fmt: skip
    """The ends of the Hessian's spectrum, from a random start drawn on the CPU with ``seed``."""
    like = next(iter(hessian.parameters.values()))
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(hessian.size, generator=generator).to(like)
    return lanczos(
        hessian.product, start, lowest=lowest, highest=highest, steps=steps, tolerance=tolerance,
        progress=progress,
    )  # fmt: skip


def hessian_plane(
    problem: Problem, theta: Direction, *, kind: str = "top", ignore: str = "biasbn", seed: int = 0,
    device: str = "cpu", progress: Callable[[int, float], None] = lambda step, residual: None,
) -> tuple[Plane, Eigenpairs]:  # fmt: skip
    """The plane of two Hessian eigenvectors of length 1, and the eigenpairs.

    "top": those of the two largest eigenvalues (alpha the largest); "ends": of the largest and of
    the smallest (most negative). A vector's sign is such that its largest entry is positive.

    Raises
    ------
    UsageError
        If ``kind`` is unknown.
    """
    if kind not in KINDS:
        raise UsageError(f"hessian: expected {' or '.join(KINDS)}, got {kind!r:.40}")
    lowest, highest = KINDS[kind]
    hessian = Hessian(problem, ignore=ignore, device=device)
    if hessian.size < 2:
        raise InputError("Hessian: expected at least two parameters for a plane")
    pairs = extreme_eigenpairs(
        hessian, lowest=lowest, highest=highest, seed=seed, progress=progress
    )
    first, second = (hessian.direction(_signed(pairs.vectors[k])) for k in (-1, 0))
    name = "hessian" if kind == "top" else "hessian:ends"
    return Plane(theta, first, second, name, seed, "none", ignore), pairs


def eigenvalues_told(pairs: Eigenpairs) -> str:
    """The eigenvalues in words, largest first, with the bounds of their errors."""
    told = (
        f"{value:.5g} ± {error:.1g}"
        for value, error in zip(pairs.values[::-1], pairs.residuals[::-1], strict=True)
    )
    return f"Hessian eigenvalues {' and '.join(told)}"


def _signed(vector: Tensor) -> Tensor:
    return vector * vector[vector.abs().argmax()].sign()
