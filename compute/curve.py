"""One-dimensional loss curves: along directions, and between networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from compute.evaluation import Evaluator
from compute.outcome import standard_error
from compute.surface import Grid, axis, evaluate
from lossviz.landscape import LOSS, Curve

if TYPE_CHECKING:
    from compute.run import Run

Floats = NDArray[np.float64]


def ends_included(low: float, high: float, count: int) -> Floats:
    """``(count,)`` evenly spaced alphas, with 0 and 1 among them where the range has them.

    Where one of the two falls between the points it is added.

    Raises
    ------
    UsageError
        If the range is empty.
    """
    alphas = axis(low, high, count)
    near = (high - low) * 1e-9
    for end in (0.0, 1.0):
        if low <= end <= high:
            alphas = np.append(alphas[np.abs(alphas - end) > near], end)
    return np.sort(alphas)


def along(
    evaluator: Evaluator, alphas: Floats, name: str = "", run: Run | None = None,
    *, progress: Callable[[int], None] = lambda points: None,
) -> Curve:  # fmt: skip
    """The curve f(α) = L(θ* + αδ) of a plane's first direction (Goodfellow et al. 2015).

    Points that ``run`` has are not computed again.
    """
    *_, surface = evaluate(evaluator, Grid(alphas, np.zeros(1)), run, progress=progress)
    return Curve(name, surface.alphas, {q: v[:, 0] for q, v in surface.quantities.items()})


def mean_of(curves: Sequence[Curve], name: str = "mean") -> Curve:
    """The mean of curves on the same alphas; ``loss_spread`` is their standard deviation.

    Raises
    ------
    ValueError
        If there are fewer than two, or their alphas differ.
    """
    if len(curves) < 2 or any(not np.array_equal(c.alphas, curves[0].alphas) for c in curves):
        raise ValueError("mean: expected at least two curves on the same alphas")
    shared = [q for q in curves[0].quantities if all(q in c.quantities for c in curves)]
    stacked = {q: np.stack([c.quantities[q] for c in curves]) for q in shared}
    with np.errstate(invalid="ignore", over="ignore"):
        means = {q: v.mean(axis=0) for q, v in stacked.items() if not q.endswith("_stderr")}
        for loss in (LOSS, "test_loss"):
            if loss in stacked:
                means[f"{loss}_spread"] = stacked[loss].std(axis=0, ddof=1)
    return Curve(name, curves[0].alphas, means)


def barrier_error(evaluator: Evaluator, at: float) -> float:
    """The standard error of the barrier at alpha = ``at`` that comes from the samples.

    That of the mean of each sample's L_i(at) − (1 − at) L_i(0) − at L_i(1); NaN where the loss is
    not told for each sample.
    """
    outcomes = evaluator.many([(at, 0.0), (0.0, 0.0), (1.0, 0.0)])
    if at != at or not all(outcome.by_sample for outcome in outcomes):
        return math.nan
    top, start, end = (outcome.values[LOSS] for outcome in outcomes)
    with np.errstate(invalid="ignore", over="ignore"):
        return standard_error(top - (1 - at) * start - at * end, evaluator.strata)
