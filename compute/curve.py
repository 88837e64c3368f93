"""One-dimensional loss curves: along directions, and between networks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from compute.devices import choose_devices
from compute.evaluation import Evaluator
from compute.outcome import standard_error
from compute.plane import Plane
from compute.problem import Problem
from compute.surface import Grid, axis, check_center, evaluate, provenance_of
from lossviz.landscape import LOSS, Curve, Landscape

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


def ends_of(curve: Curve) -> tuple[float, float]:
    """The loss at alpha 0 and 1; NaN where the curve has no such point."""
    at = dict(zip(curve.alphas.tolist(), curve.quantities[LOSS].tolist(), strict=True))
    return at.get(0.0, math.nan), at.get(1.0, math.nan)


def lowest_of(curve: Curve) -> float | None:
    """The lowest loss among those that are finite."""
    there = curve.quantities[LOSS][np.isfinite(curve.quantities[LOSS])]
    return float(there.min()) if there.size else None


def lowest_told(curve: Curve) -> str:
    """The same in words."""
    lowest = lowest_of(curve)
    return "nowhere finite" if lowest is None else f"lowest loss {lowest:.5g}"


def barrier_told(curve: Curve, error: float) -> str:
    """Ends and barrier of the line to ``curve.name`` in words; ``error`` is its standard error."""
    (start, end), (barrier, at) = ends_of(curve), curve.barrier()
    if math.isnan(start) or math.isnan(end):
        told = "the range has not both networks, at 0 and 1, with a loss"
        return f"to {curve.name}: {lowest_told(curve)}, no barrier: {told}"
    plus = f" ± {error:.2g}" if math.isfinite(error) else ""
    return (
        f"to {curve.name}: ends {start:.5g} and {end:.5g}, barrier {barrier:.5g}{plus} "
        f"at alpha {at:.3g}"
    )


def line_landscape(
    problem: Problem, lines: Mapping[str, Plane], alphas: Floats, *, test: Problem | None = None,
    device: str = "cpu", precision: str = "float32", batch_norm: str = "stored", name: str = "",
    progress: bool | None = False,
) -> Landscape:  # fmt: skip
    """The loss along the first direction of each plane (``line_to``, ``random_plane``), by name.

    With ``test`` also that problem's quantities, as ``test_loss``, …. Where a plane marks another
    network the barrier is told in the notes, with its standard error.

    Raises
    ------
    UsageError
        If the device or precision cannot be used.
    InputError
        If the centre evaluates differently the second time.
    """
    from tqdm import tqdm

    began = time.perf_counter()
    (device, *_), dtype = choose_devices(device, precision)
    how: dict[str, Any] = {
        "device": device, "dtype": dtype, "tf32": precision == "tf32", "batch_norm": batch_norm,
    }  # fmt: skip
    first: Evaluator | None = None
    ways: dict[frozenset[str], Mapping[str, Any]] = {}  # to evaluate, by what moves
    curves, notes = [], []

    def measured(what: Problem, plane: Plane, told: str) -> tuple[Evaluator, Curve]:
        moved = frozenset(plane.delta)
        evaluator = Evaluator(what, replace(plane, eta={}), choices=ways.get(moved), **how)
        ways[moved] = evaluator.choices
        check_center(evaluator)
        return evaluator, along(evaluator, alphas, told, progress=bar.update)

    total = alphas.size * len(lines) * (1 if test is None else 2)
    hidden = None if progress is None else not progress
    with tqdm(total=total, unit="points", disable=hidden) as bar:
        for told, plane in lines.items():
            evaluator, curve = measured(problem, plane, told)
            first = first or evaluator
            barrier, at = curve.barrier()
            if plane.marks and barrier == barrier:
                error = barrier_error(evaluator, at) if barrier > 0 else math.nan
                notes.append(barrier_told(curve, error))
            if test is not None:
                _, unseen = measured(test, plane, told)
                more = {f"test_{key}": values for key, values in unseen.quantities.items()}
                curve = replace(curve, quantities={**curve.quantities, **more})
            curves.append(curve)
    assert first is not None
    known = provenance_of(first, precision=precision, device=device, began=began)
    kinds = ", ".join(dict.fromkeys(plane.kind for plane in lines.values()))
    known = replace(known, directions=kinds, notes=[*first.notes, *notes])
    return Landscape(curves=curves, provenance=known, name=name)
