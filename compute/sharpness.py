"""How sharp a minimum is, by the definitions of several papers, each with its error.

Sharpness does not reliably predict generalisation: it changes under rescalings that leave the
network's function as it is (Dinh et al. 2017, arXiv:1703.04933, section 4), and correlates rather
with training's settings (Andriushchenko et al. 2023, arXiv:2302.07011).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from compute.directions import Direction, center_of, random_direction
from compute.evaluation import Evaluator
from compute.hessian import Hessian, extreme_eigenpairs
from compute.outcome import Outcome, mean, standard_error
from compute.plane import Plane
from compute.problem import Problem, strata_of
from compute.spectrum import estimate, trace
from lossviz.landscape import LOSS

Floats = NDArray[np.float64]

CAVEAT = (
    "sharpness does not reliably predict generalisation (Dinh et al. 2017, arXiv:1703.04933; "
    "Andriushchenko et al. 2023, arXiv:2302.07011)"
)
RADII = (0.1, 0.25, 0.5)
RISES = (0.1, 0.5, 1.0)
NARROWEST, WIDEST = 2.0**-10, 4.0  # between which a basin's width is looked for


@dataclass(frozen=True)
class Measure:
    """One number about a minimum.

    ``stderr`` is its standard error, from what ``error_of`` says: the samples, the random
    directions, both, the trace's probes; of an eigenvalue it is the residual, a bound. NaN where
    there is none to tell, such as for a loss that is not told for each sample.
    """

    name: str
    value: float
    stderr: float
    error_of: str
    definition: str


def loss(hessian: Hessian) -> Measure:
    """L(θ*) itself, without which no rise of it says much."""
    hessian.shift(torch.zeros_like(hessian.center))
    told = hessian.outcome().summarize(strata_of(hessian.problem))
    return Measure("loss", told["loss"], told.get("loss_stderr", math.nan), "samples", "L(θ*)")


def lines(
    problem: Problem, *, count: int = 20, seed: int = 0, ignore: str = "biasbn",
    device: str = "cpu", dtype: torch.dtype = torch.float32,
) -> Iterator[Evaluator]:  # fmt: skip
    """Evaluators along ``count`` random filter-normalised directions (Li et al. 2018, section 4).

    Direction k is the first one of the surface whose seed is ``seed`` + k.
    """
    theta: Direction = center_of(problem.model)
    choices = None
    for k in range(count):
        drawn = random_direction(theta, seed=seed + k, axis="alpha", ignore=ignore)
        plane = Plane(theta, drawn, {}, seed=seed + k, normalize="filter", ignore=ignore)
        evaluator = Evaluator(problem, plane, device=device, dtype=dtype, choices=choices)
        choices = evaluator.choices
        yield evaluator


def along_lines(
    evaluators: Iterator[Evaluator], *, radii: Sequence[float] = RADII,
    rises: Sequence[float] = RISES, progress: Callable[[int], None] = lambda lines: None,
) -> list[Measure]:  # fmt: skip
    """Filter-normalised average sharpness at each of ``radii``, basin width at each of ``rises``.

    ``average a``: the mean over random filter-normalised directions d of L(θ* + ad) − L(θ*). Its
    standard error has two parts, that over directions and that over samples, added in squares.

    ``width r``: the mean over the same directions of the smallest a with
    L(θ* + ad) − L(θ*) = r, found to 0.1 %; infinite where a direction reaches r nowhere up to
    a = 4. Rises that turn back within a factor of two are not seen.
    """
    gains: list[list[Floats]] = []  # of each direction and radius, each sample's (N,)
    widths: list[list[float]] = []
    strata, by_sample = None, True
    for evaluator in evaluators:
        start, *far = evaluator.many([(0.0, 0.0), *((a, 0.0) for a in radii)])
        gains.append([difference(there, start) for there in far])
        widths.append(basin_widths(_gain(evaluator, start), rises))
        strata, by_sample = evaluator.strata, start.by_sample
        progress(1)
    found = []
    for k, a in enumerate(radii):
        each = np.stack([line[k] for line in gains])  # (K, N)
        over = estimate(np.array([mean(line) for line in each]))
        samples = standard_error(each.mean(axis=0), strata) if by_sample else math.nan
        found.append(Measure(
            f"average {a:g}", over.value, math.hypot(over.stderr, samples if by_sample else 0.0),
            "directions and samples" if by_sample else "directions",
            f"mean of L(θ* + ad) − L(θ*) over {over.count} filter-normalised directions, a = {a:g}",
        ))  # fmt: skip
    for k, rise in enumerate(rises):
        width, error = _mean_width(np.array([line[k] for line in widths]))
        found.append(Measure(
            f"width {rise:g}", width, error, "directions",
            f"mean of the smallest a with L(θ* + ad) − L(θ*) = {rise:g}, the same directions",
        ))  # fmt: skip
    return found


def difference(there: Outcome, start: Outcome) -> Floats:
    """How far each sample's loss rises ``(N,)``."""
    with np.errstate(invalid="ignore", over="ignore"):
        return there.values[LOSS] - start.values[LOSS]


def _gain(evaluator: Evaluator, start: Outcome) -> Callable[[float], float]:
    return lambda a: mean(difference(evaluator.many([(a, 0.0)])[0], start))


def _mean_width(widths: Floats) -> tuple[float, float]:
    if not np.isfinite(widths).all():
        return math.inf, math.nan
    over = estimate(widths)
    return over.value, over.stderr


def basin_widths(gain: Callable[[float], float], rises: Sequence[float]) -> list[float]:
    """The smallest a at which ``gain`` reaches each rise; infinity beyond a = 4."""
    known = {0.0: 0.0}

    def seen(a: float) -> float:
        if a not in known:
            value = gain(a)
            known[a] = value if value == value else math.inf  # beyond what has a loss
        return known[a]

    return [_reached(seen, rise) for rise in rises]


def _reached(gain: Callable[[float], float], rise: float) -> float:
    from scipy.optimize import brentq

    a = NARROWEST
    while a < WIDEST and gain(a) < rise:
        a *= 2
    if gain(a) < rise:
        return math.inf
    most = max(1.0, rise) * 1e6  # finite, for the secant steps; no root moves by that
    low = a / 2 if a > NARROWEST else 0.0
    return float(brentq(lambda x: min(gain(x) - rise, most), low, a, rtol=1e-3, xtol=1e-9))


def curvature(
    hessian: Hessian, *, probes: int = 30, seed: int = 0, tolerance: float = 1e-3
) -> list[Measure]:
    """The largest eigenvalue of the Hessian at θ*, and its trace."""
    hessian.shift(torch.zeros_like(hessian.center))
    pairs = extreme_eigenpairs(hessian, lowest=0, highest=1, seed=seed, tolerance=tolerance)
    total = trace(hessian, probes=probes, seed=seed)
    return [
        Measure("lambda_max", pairs.values[-1], pairs.residuals[-1], "residual",
                "the largest eigenvalue of ∇²L(θ*), by Lanczos"),
        Measure("trace", total.value, total.stderr, "probes",
                f"of ∇²L(θ*), Hutchinson with {total.count} probes of ±1"),
    ]  # fmt: skip
