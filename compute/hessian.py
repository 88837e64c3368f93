"""The Hessian of the mean loss over a problem's samples, as an operator on directions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from compute.devices import exact_products
from compute.directions import Direction
from compute.lanczos import LEAST, Eigenpairs, lanczos
from compute.outcome import Outcome, outcome_of
from compute.plane import Plane
from compute.problem import Problem
from compute.resident import resident
from compute.weights import Weights, private
from lossviz.errors import InputError, UsageError

KINDS = {"top": (0, 2), "ends": (1, 1)}  # how many lowest and highest eigenvectors


class Hessian:
    """H v of the mean loss, by differentiating twice (Pearlmutter 1994, Neural Computation 6).

    At theta*, or where ``at`` and ``shift`` move to. Over the floating-point parameters; those of
    one dimension (biases, batch norm) are left out with ``ignore="biasbn"``, as for directions.
    Eval mode, on a private copy; the mean over samples where the loss gives one value a sample,
    else over batches. Memory: one batch's graph and a few vectors of length P.

    Parameters
    ----------
    plane
        Along which ``at`` moves; its theta becomes the model's.

    Raises
    ------
    InputError
        If the model has no such parameters. ``gradient`` and ``product``: if the loss cannot be
        differentiated for them.
    """

    def __init__(
        self, problem: Problem, *, plane: Plane | None = None, ignore: str = "biasbn",
        device: str = "cpu", dtype: torch.dtype = torch.float32,
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
        self._kept: tuple[list[Tensor], int] | None = None
        self._weights = None
        if plane is not None:
            with torch.no_grad():
                self._weights = Weights(self.model, plane.theta, plane.delta, plane.eta)
        self.center = self.flat(self.parameters)

    def at(self, alpha: float, beta: float) -> None:
        """Move to theta* + alpha delta + beta eta of the plane."""
        assert self._weights is not None, "Hessian(…, plane=…)"
        self._kept = None
        self._weights.set(alpha, beta)

    def shift(self, move: Tensor) -> None:
        """Move to theta* + ``move (P,)``."""
        self._kept, moved = None, self.center + move
        for own, part in zip(self.parameters.values(), self._parts(moved), strict=True):
            own.data.copy_(part)

    def outcome(self) -> Outcome:
        """The loss here, of each sample where it tells."""
        # With gradients: a loss may differentiate by its inputs.
        with torch.enable_grad(), exact_products(self.center.device):
            return outcome_of(self.problem.loss(self.model, batch) for batch in self.batches)

    def loss(self) -> float:
        """The mean loss here."""
        return self.outcome().summarize()["loss"]

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
        parts = zip(self.parameters, self._parts(flat), strict=True)
        return {name: part.cpu().clone() for name, part in parts}

    def _parts(self, flat: Tensor) -> list[Tensor]:
        """``(P,)`` in the parameters' shapes."""
        own = list(self.parameters.values())
        cut = flat.split([parameter.numel() for parameter in own])
        return [part.reshape(p.shape) for part, p in zip(cut, own, strict=True)]

    def gradient(self) -> Tensor:
        """The gradient ``(P,)``."""
        return self._summed(lambda gradients: gradients)

    def product(self, vector: Tensor) -> Tensor:
        """H v, ``(P,)``."""
        parts = self._parts(vector)
        return self._summed(lambda gradients: self._again(gradients, parts), twice=True)

    def _again(self, gradients: list[Tensor], parts: list[Tensor]) -> list[Tensor]:
        moved = [(g, p) for g, p in zip(gradients, parts, strict=True) if g.requires_grad]
        if not moved:  # the loss is linear in the weights
            return [torch.zeros_like(part) for part in parts]
        return self._gradients(sum((g * p).sum() for g, p in moved), keep=self._keeps)

    def _gradients(
        self, value: Any, *, create: bool = False, keep: bool = False
    ) -> list[Tensor]:  # fmt: skip
        own = list(self.parameters.values())
        found = torch.autograd.grad(
            value, own, create_graph=create, retain_graph=create or keep, allow_unused=True
        )
        return [torch.zeros_like(p) if g is None else g for g, p in zip(found, own, strict=True)]

    @property
    def _keeps(self) -> bool:
        """A single batch's graph stays until the weights move: half of a product is spared."""
        return len(self.batches) == 1

    def _by_batch(self, *, create: bool) -> Iterator[tuple[list[Tensor], int]]:
        """The gradients of each batch's sum, and how many losses that is."""
        if create and self._kept is not None:
            yield self._kept
            return
        for batch in self.batches:
            value = self.problem.loss(self.model, batch)
            losses = value["loss"] if isinstance(value, Mapping) else value
            if not isinstance(losses, Tensor) or not losses.requires_grad:
                raise InputError("Hessian: the loss cannot be differentiated for the weights")
            found = self._gradients(losses.sum(), create=create), losses.numel()
            if create and self._keeps:
                self._kept = found
            yield found

    def _summed(
        self, of: Callable[[list[Tensor]], list[Tensor]], *, twice: bool = False
    ) -> Tensor:  # fmt: skip
        """The mean over everything of what ``of`` makes of a batch's gradients, in float64."""
        total, weight = None, 0
        # The fused kernels of attention have no second derivative.
        kernel = sdpa_kernel(SDPBackend.MATH)
        with torch.enable_grad(), exact_products(self.center.device), kernel:
            for gradients, count in self._by_batch(create=twice):
                part = torch.cat([g.detach().reshape(-1) for g in of(gradients)]).double()
                total = part if total is None else total + part
                weight += count
        assert total is not None  # resident() refuses no batches
        return (total / weight).to(self.center.dtype)

    def drawn(self, seed: int) -> Tensor:
        """A Gaussian vector ``(P,)``, drawn on the CPU: the same on every device."""
        generator = torch.Generator().manual_seed(seed)
        return torch.randn(self.size, generator=generator).to(self.center)


def extreme_eigenpairs(
    hessian: Hessian, *, lowest: int = 1, highest: int = 1, seed: int = 0, steps: int = 100,
    least: int = LEAST, tolerance: float = 1e-3,
    progress: Callable[[int, float], None] = lambda step, residual: None,
) -> Eigenpairs:  # fmt: skip
    """The ends of the Hessian's spectrum, from a random start drawn with ``seed``.

    Raises
    ------
    NotFiniteError
        If a product is not finite.
    """
    return lanczos(
        hessian.product, hessian.drawn(seed), lowest=lowest, highest=highest, steps=steps,
        least=least, tolerance=tolerance, progress=progress,
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
    InputError
        If there are fewer than two parameters, or a product is not finite.
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
