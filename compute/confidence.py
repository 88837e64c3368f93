"""Confidence in critical points from the data: in how many resamples of it is each there again?

The bootstrap (Efron 1979): as many samples as there are, drawn from them with replacement, give
another surface that the data might as well have had. Of balanced samples each class is resampled by
itself, as it was drawn by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from compute.critical import critical_points
from lossviz.critical_points import CriticalPoint, CriticalPoints
from lossviz.errors import UsageError
from lossviz.landscape import LOSS, Landscape, Surface

if TYPE_CHECKING:
    from compute.problem import Problem
    from compute.run import Run
    from compute.surface import Grid

Floats = NDArray[np.float64]
Losses = Iterable[tuple[int, int, Floats]]

RESAMPLES = 50
WITHIN = 1.0  # cells
AS_PERSISTENT = 0.5  # of the point: what flickers beside it is not the point again


def with_confidence(
    landscape: Landscape, run: Run, grid: Grid, problem: Problem, *, resamples: int = RESAMPLES,
    seed: int = 0, progress: Callable[[int], object] = lambda resamples: None,
) -> Landscape:  # fmt: skip
    """The landscape with the confidence of its critical points, from what ``run`` kept.

    As it was, where that is less than two samples.

    Raises
    ------
    UsageError
        If the points are another quantity's.
    """
    from compute.problem import strata_of

    surface, points = landscape.surface, landscape.critical_points
    if surface is None or run.samples is None or run.kept.size < 2:
        return landscape
    if points.quantity != LOSS:
        raise UsageError(f"confidence: expected points of the loss, got those of {points.quantity}")
    columns = {int(k): i for i, k in enumerate(np.searchsorted(grid.alphas, surface.alphas))}
    rows = {int(k): j for j, k in enumerate(np.searchsorted(grid.betas, surface.betas))}
    losses = (
        (columns[column], rows[row], own)
        for index, own, _ in run.samples.records()
        for row, column in [divmod(index, grid.alphas.size)]
        if column in columns and row in rows
    )
    strata = strata_of(problem)
    strata = None if strata is None else strata[run.kept]
    points = confidence(
        surface, points, losses, strata=strata, resamples=resamples, seed=seed, progress=progress
    )
    return landscape.with_changes(critical_points=points)


def confidence(
    surface: Surface, points: CriticalPoints, losses: Losses, *,
    strata: NDArray[np.int64] | None = None, resamples: int = RESAMPLES, seed: int = 0,
    progress: Callable[[int], object] = lambda resamples: None,
) -> CriticalPoints:  # fmt: skip
    """``points`` of a surface's loss, those that are shown with confidence and position error.

    Confidence is the share of the resamples that have a point of the kind within a cell, at least
    half as persistent; the position error is the standard deviation of where, in the plane's units.

    Parameters
    ----------
    losses
        Places i, j on the surface's grid with the losses ``(K,)`` of the samples there, each
        read once. Where there is none, the resampled surface has a hole.
    strata
        ``(K,)``: the class of each sample, if so many were drawn of each class.

    Raises
    ------
    UsageError
        If there are no resamples, or no losses of two samples and more.
    """
    asked = {
        k: p for k, p in enumerate(points) if not p.border and p.persistence >= points.threshold
    }
    if not asked:
        return points
    again: dict[int, list[CriticalPoint]] = {k: [] for k in asked}
    surfaces = resampled(surface.shape, losses, strata=strata, count=resamples, seed=seed)
    for loss in surfaces:
        own = Surface(surface.alphas, surface.betas, {LOSS: loss})
        for k, like in _alike(asked, critical_points(own, log=points.log), surface):
            again[k].append(like)
        progress(1)
    sure = {
        k: replace(p, confidence=len(again[k]) / resamples, position_error=_spread(again[k]))
        for k, p in asked.items()
    }
    return replace(points, points=[sure.get(k, p) for k, p in enumerate(points)])


def resampled(
    shape: tuple[int, int], losses: Losses, *, strata: NDArray[np.int64] | None = None,
    count: int = RESAMPLES, seed: int = 0,
) -> Floats:  # fmt: skip
    """``(count, n, m)``: mean losses over resamples, the same one at all points of a surface."""
    found, weights = np.full((count, *shape), np.nan), None
    for i, j, own in losses:
        if weights is None:
            weights = _weights(np.zeros(own.size, int) if strata is None else strata, count, seed)
        with np.errstate(invalid="ignore", over="ignore"):
            found[:, i, j] = weights @ own
    if weights is None or weights.shape[1] < 2:
        raise UsageError("confidence: expected losses of two samples and more, got none")
    return found


def _weights(strata: NDArray[np.int64], count: int, seed: int) -> Floats:
    """``(count, K)``: how often each sample is drawn, over K."""
    if count < 1:
        raise UsageError(f"confidence: expected at least one resample, got {count}")
    rng = np.random.default_rng(seed)
    weights = np.zeros((count, strata.size))
    for label in np.unique(strata):
        own = np.flatnonzero(strata == label)
        weights[:, own] = rng.multinomial(own.size, np.full(own.size, 1 / own.size), count)
    return weights / strata.size


def _alike(
    asked: Mapping[int, CriticalPoint], found: Sequence[CriticalPoint], surface: Surface
) -> Iterator[tuple[int, CriticalPoint]]:
    """The keys of those points that are there again, with the nearest of the kind within a cell
    that is persistent enough."""
    from scipy.spatial import KDTree

    def in_cells(points: Iterable[CriticalPoint]) -> Floats:
        places = np.array([(p.alpha, p.beta) for p in points])
        return (places - [surface.alphas[0], surface.betas[0]]) / surface.cell

    for kind in {point.kind for point in asked.values()}:
        keys = [k for k, point in asked.items() if point.kind == kind]
        own = [point for point in found if point.kind == kind and not point.border]
        if not own:
            continue
        places, others = in_cells(asked[k] for k in keys), in_cells(own)
        for k, place, near in zip(
            keys, places, KDTree(others).query_ball_point(places, WITHIN), strict=True
        ):
            least = AS_PERSISTENT * asked[k].persistence
            enough = [n for n in near if own[n].persistence >= least]
            if enough:
                distance = np.linalg.norm(others[enough] - place, axis=1)
                yield k, own[enough[int(distance.argmin())]]


def _spread(found: Sequence[CriticalPoint]) -> float | None:
    if len(found) < 2:
        return None
    places = np.array([(p.alpha, p.beta) for p in found])
    return float(np.sqrt(places.var(axis=0, ddof=1).sum()))
