"""The worst case: how far the loss can rise within a region around the weights."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compute.hessian import Hessian
from compute.outcome import mean, standard_error
from compute.problem import strata_of
from compute.sharpness import Measure, difference
from lossviz.landscape import LOSS

Floats = NDArray[np.float64]
Furthest = Callable[[Tensor], Tensor]

RHO, ASAM_RHO, ETA, EPSILON = 0.05, 0.5, 0.01, 1e-3  # as their papers choose
STEPS = 10


def sam(hessian: Hessian, *, rho: float = RHO, steps: int = STEPS, seed: int = 0) -> Measure:
    """max over ‖ε‖₂ ≤ ρ of L(θ* + ε) − L(θ*): Foret et al. 2021, arXiv:2010.01412, section 2.

    What stands in brackets before equation 1, p = 2, with m = all samples. The first ascent step
    is their equation 2, ε̂ = ρ∇L/‖∇L‖₂; more steps come nearer to the maximum.
    """
    return _worst(
        hessian, f"sam {rho:g}", lambda gradient: rho * gradient / gradient.norm(), steps, seed,
        f"max of L(θ* + ε) − L(θ*) over ‖ε‖ ≤ {rho:g}, from below by {steps} ascent steps",
    )  # fmt: skip


def asam(
    hessian: Hessian, *, rho: float = ASAM_RHO, eta: float = ETA, steps: int = STEPS, seed: int = 0
) -> Measure:
    """max over ‖T⁻¹ε‖₂ ≤ ρ of L(θ* + ε) − L(θ*): Kwon et al. 2021, arXiv:2102.11600, section 3.

    Element by element, as in the authors' code (SamsungLabs/ASAM, asam.py): T = |θ| + η for
    parameters called weight, batch norm's too, and 1 for others of one dimension. The first ascent
    step is that of their section 4, ε = ρT²∇L/‖T∇L‖₂.
    """
    weights = torch.cat([
        torch.full((own.numel(),), own.ndim > 1 or "weight" in name, device=own.device)
        for name, own in hessian.parameters.items()
    ])  # fmt: skip
    scale = torch.where(weights, hessian.center.abs() + eta, 1.0)

    def furthest(gradient: Tensor) -> Tensor:
        return rho * scale.square() * gradient / (scale * gradient).norm()

    return _worst(
        hessian, f"asam {rho:g}", furthest, steps, seed,
        f"max of L(θ* + ε) − L(θ*) over ‖ε/(|θ*| + {eta:g})‖ ≤ {rho:g}, from below by {steps} "
        "ascent steps",
    )  # fmt: skip


def keskar(
    hessian: Hessian, *, epsilon: float = EPSILON, steps: int = STEPS, seed: int = 0
) -> Measure:
    """100 (max L(θ* + y) − L(θ*)) / (1 + L(θ*)) over |y_i| ≤ ε(|θ*_i| + 1), in per cent.

    Keskar et al. 2017, arXiv:1609.04836, section 2.2.2, equations 3 and 4 (metric 2.1), with A the
    identity, so that A⁺x = x. They ascend by ten iterations of L-BFGS-B.
    """
    bound = epsilon * (hessian.center.abs() + 1)
    return _worst(
        hessian, f"keskar {epsilon:g}", lambda gradient: bound * gradient.sign(), steps, seed,
        f"100 (max L(θ* + y) − L(θ*))/(1 + L(θ*)) over |y| ≤ {epsilon:g}(|θ*| + 1), from below by "
        f"{steps} ascent steps", relative=True,
    )  # fmt: skip


def _worst(
    hessian: Hessian, name: str, furthest: Furthest, steps: int, seed: int, definition: str, *,
    relative: bool = False,
) -> Measure:  # fmt: skip
    """The measure of the highest place that is found; its error is that of the samples there.

    That the place was chosen on these samples makes it no smaller: it is not part of the error.
    """
    none = torch.zeros_like(hessian.center)
    hessian.shift(none)
    start = hessian.outcome()
    move = ascend(hessian, furthest, steps=steps, seed=seed)
    hessian.shift(move)
    there = hessian.outcome()
    hessian.shift(none)
    gain = difference(there, start)
    if relative:
        gain = _relative(gain, start.values[LOSS])
    error = standard_error(gain, strata_of(hessian.problem)) if start.by_sample else math.nan
    return Measure(name, mean(gain), error, "samples", definition)


def _relative(gain: Floats, losses: Floats) -> Floats:
    """``(N,)`` with the mean 100 ḡ/(1 + L̄), and the spread of that ratio to first order."""
    whole, up = 1 + mean(losses), mean(gain)
    with np.errstate(invalid="ignore", over="ignore"):
        return 100 * (gain / whole - up * (losses - mean(losses)) / whole**2)


def ascend(hessian: Hessian, furthest: Furthest, *, steps: int = STEPS, seed: int = 0) -> Tensor:
    """A move ``(P,)`` within a convex region that raises the loss as far as ``steps`` steps get.

    Conditional gradient (Frank and Wolfe 1956): ``furthest`` gives the point of the region that is
    furthest along a gradient; the step goes all the way there, or half of it where that is lower.
    On a convex loss this is monotone. Where the gradient is zero it sets out at random.
    """
    move = torch.zeros_like(hessian.center)
    hessian.shift(move)
    best, share, gradient = hessian.loss(), 1.0, hessian.gradient()
    if not bool(gradient.any()):
        gradient = hessian.drawn(seed)
    for _ in range(steps):
        if not bool(torch.isfinite(gradient).all()):
            break
        trial = move + share * (furthest(gradient) - move)
        hessian.shift(trial)
        value = hessian.loss()
        if value > best:
            move, best, share, gradient = trial, value, min(1.0, 2 * share), hessian.gradient()
        else:
            share /= 2
        if not bool(gradient.any()):
            break
    return move
