"""A loss surface, coarse to fine, resumable."""

from __future__ import annotations

import math
import operator
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import torch
from numpy.typing import NDArray

from compute.adaptive import FINEST, FIRST, Convergence, median_error
from compute.devices import choose_devices, exact_products
from compute.evaluation import Evaluator
from compute.folding import batch_norm_of
from compute.outcome import Outcome
from compute.plane import Plane, random_plane
from compute.problem import Problem, check_deterministic, sample_count
from compute.run import Run
from lossviz.errors import UsageError
from lossviz.landscape import Landscape, Mark, Provenance, Surface

Floats = NDArray[np.float64]
Span = tuple[float, float]

POINTS = 51  # a side, as published


@dataclass(frozen=True, eq=False)
class Grid:
    """The points of a surface: ``alphas (n,)``, ``betas (m,)``; point index = j n + i."""

    alphas: Floats
    betas: Floats

    @property
    def count(self) -> int:
        """How many points there are."""
        return self.alphas.size * self.betas.size

    def at(self, index: int) -> tuple[float, float]:
        """alpha, beta of a point."""
        j, i = divmod(index, self.alphas.size)
        return float(self.alphas[i]), float(self.betas[j])


def axis(low: float, high: float, count: int) -> Floats:
    """``(count,)`` evenly spaced coordinates, both ends exact, 0 exact where it is one of them.

    Raises
    ------
    UsageError
        If the range is empty or the count below 1.
    """
    if count < 1 or not np.isfinite([low, high]).all() or (count > 1 and not high > low):
        raise UsageError(
            f"range: expected low < high and at least 1 point, got {low:g}:{high:g} and {count}"
        )
    if count == 1:
        return np.array([(low + high) / 2])
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.linspace(low, high, count)
    if not np.isfinite(values).all() or not (np.diff(values) > 0).all():
        raise UsageError(
            f"range: expected room for {count} different numbers, got {low!r}:{high!r}"
        )
    values[np.abs(values) < 1e-12 * (high - low)] = 0.0
    return values


def levels(count: int) -> list[NDArray[np.int64]]:
    """Nested choices of indices below ``count``, coarse to fine, each with both ends."""
    strides = [1]
    while strides[-1] * 2 < count - 1:
        strides.append(strides[-1] * 2)
    return [np.unique([*range(0, count, stride), count - 1]) for stride in reversed(strides)]


def grid_levels(grid: Grid) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Nested sub-grids as (indices of alphas, indices of betas), the last one everything."""
    by_alpha, by_beta = levels(grid.alphas.size), levels(grid.betas.size)
    depth = max(len(by_alpha), len(by_beta))
    by_alpha = by_alpha[:1] * (depth - len(by_alpha)) + by_alpha
    by_beta = by_beta[:1] * (depth - len(by_beta)) + by_beta
    return list(zip(by_alpha, by_beta, strict=True))


def evaluate(
    evaluators: Evaluator | Sequence[Evaluator], grid: Grid, run: Run | None = None,
    *, progress: Callable[[int], None] = lambda points: None, every: float = math.inf,
) -> Iterator[Surface]:  # fmt: skip
    """Evaluate a grid, giving a finer surface after each level; the last is the whole grid.

    Points that ``run`` already has are not computed again; ``progress`` is told how many are new.
    Between levels there is a surface at most ``every`` seconds, with what is not evaluated yet
    masked. Several evaluators (one a GPU) share the points.
    """
    evaluators = [evaluators] if isinstance(evaluators, Evaluator) else list(evaluators)
    points = run.points if run is not None else {}
    next_shown = time.monotonic() + every
    for columns, rows in grid_levels(grid):
        indices = (rows[:, None] * grid.alphas.size + columns).ravel().tolist()
        missing = [index for index in indices if index not in points]
        for index, outcome, seconds in _dealt(evaluators, grid, missing):
            values = outcome.summarize(evaluators[0].strata)
            if run is not None:
                run.add(index, values, seconds, outcome)
            else:
                points[index] = values
            progress(1)
            began = time.monotonic()
            if began >= next_shown and index != missing[-1]:
                yield collect(grid, points, columns, rows)
                # However long it takes to put it together and to write it, that is a small part.
                next_shown = time.monotonic() + max(every, 20 * (time.monotonic() - began))
        yield collect(grid, points, columns, rows)
        next_shown = time.monotonic() + every


def _dealt(
    evaluators: Sequence[Evaluator], grid: Grid, indices: list[int]
) -> Iterator[tuple[int, Outcome, float]]:
    """Point by point its index, outcome and seconds, in any order."""

    def computed(evaluator: Evaluator, part: list[int]) -> list[tuple[int, Outcome, float]]:
        began = time.perf_counter()
        outcomes = evaluator.many([grid.at(index) for index in part])
        seconds = (time.perf_counter() - began) / len(part)
        return [(index, outcome, seconds) for index, outcome in zip(part, outcomes, strict=True)]

    size = evaluators[0].points_at_once
    parts = [indices[k : k + size] for k in range(0, len(indices), size)]
    if len(evaluators) == 1:
        for part in parts:
            yield from computed(evaluators[0], part)
        return
    # Of the whole process, so not to be set back by one while another is at work.
    exact = exact_products(evaluators[0].device, tf32=evaluators[0].tf32)
    # The work is on the devices, not in Python.
    with exact, ThreadPoolExecutor(len(evaluators)) as pool:
        free, waiting = list(evaluators), parts[::-1]
        under_way: dict[Future[list[tuple[int, Outcome, float]]], Evaluator] = {}
        try:
            while waiting or under_way:
                while waiting and free:
                    evaluator = free.pop()
                    under_way[pool.submit(computed, evaluator, waiting.pop())] = evaluator
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    free.append(under_way.pop(future))
                    yield from future.result()
        finally:
            for future in under_way:
                future.cancel()


def collect(
    grid: Grid, points: dict[int, dict[str, float]], columns: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> Surface:  # fmt: skip
    """The sub-grid ``columns`` x ``rows`` of what was evaluated; NaN and a mask elsewhere."""
    indices = rows[None, :] * grid.alphas.size + columns[:, None]
    evaluated = np.isin(indices, list(points))
    names = next(iter(points.values()))
    quantities = {}
    for name in names:
        values = np.full(indices.shape, np.nan)
        values[evaluated] = [points[int(index)][name] for index in indices[evaluated]]
        quantities[name] = values
    return Surface(grid.alphas[columns], grid.betas[rows], quantities, evaluated)


def so_far(grid: Grid, points: dict[int, dict[str, float]]) -> Surface:
    """What was evaluated, as the coarsest of the nested surfaces that has it all."""
    known = np.array(list(points))
    for columns, rows in grid_levels(grid):
        if np.isin(known, rows[:, None] * grid.alphas.size + columns).all():
            break
    return collect(grid, points, columns, rows)


def landscape(
    problem: Problem, plane: Plane | None = None, *, points: int | tuple[int, int] | None = None,
    span: Span | tuple[Span, Span] = (-1.0, 1.0), seed: int = 0, tolerance: float | None = None,
    device: str = "cpu", precision: str = "float32", batch_norm: str = "stored", name: str = "",
    progress: bool | None = False,
) -> Landscape:  # fmt: skip
    """The loss surface of a problem: ``points`` x ``points`` over ``span`` in alpha and beta.

    Without a plane: along two random filter-normalised directions (Li et al. 2018, section 4)
    drawn with ``seed``. The model is not changed.

    Parameters
    ----------
    points, span
        One for both axes, or a pair, alpha's and beta's. Without points: 51, or with ``tolerance``
        as many (17, 33, 65, 129) as bring the relative error of interpolation below it.
    device, precision
        "auto", "cpu", "cuda", "cuda:0", "mps"; "float32", "float64", "tf32", "bfloat16".
    batch_norm
        "stored", the statistics of the model (and where the plane moves them, of its place), or
        "recomputed" from the samples at every point.
    progress
        A bar on stderr; None: if that is a terminal.

    Raises
    ------
    UsageError
        If points, span, device or precision cannot be used.
    InputError
        If the centre evaluates differently the second time, or the plane is none.
    """
    began = time.perf_counter()
    grid = grid_of(span, points if points is not None else FINEST if tolerance else POINTS)
    plane = plane or random_plane(problem.model, seed=seed)
    if min(grid.alphas.size, grid.betas.size) > 1:
        plane.check()
    if batch_norm not in ("stored", "recomputed"):
        raise UsageError(f"batch_norm: expected 'stored' or 'recomputed', got {batch_norm!r:.60}")
    names, dtype = choose_devices(device, precision)
    evaluators: list[Evaluator] = []
    for one in names:
        choices = evaluators[0].choices if evaluators else None
        evaluators.append(
            Evaluator(
                problem, plane, device=one, dtype=dtype, tf32=precision == "tf32",
                batch_norm=batch_norm, choices=choices,
            )
        )  # fmt: skip
    check_center(evaluators[0])
    surface, error = _as_fine_as(evaluators, grid, tolerance if points is None else None, progress)
    known = replace(
        provenance_of(evaluators[0], precision=precision, device=", ".join(names), began=began),
        tolerance=tolerance or 0.0, error_data=_known(median_error(surface)),
        error_interpolation=_known(error),
        notes=[*evaluators[0].notes, *_suspicions(surface, plane)],
    )  # fmt: skip
    marks = marks_of(plane, evaluators[0])
    return Landscape(surface=surface, marks=marks, provenance=known, name=name)


def provenance_of(
    evaluator: Evaluator, *, precision: str, device: str, began: float
) -> Provenance:  # fmt: skip
    """What a problem and a plane tell about themselves; ``began`` by ``time.perf_counter``."""
    problem, plane = evaluator.problem, evaluator.plane
    mode = "interpolated" if plane.moves_statistics else evaluator.batch_norm
    return Provenance(
        model=type(problem.model).__name__, samples=sample_count(problem.batches),
        loss=getattr(problem.loss, "__name__", ""), directions=plane.kind,
        direction_normalize=plane.normalize, direction_ignore=plane.ignore,
        direction_sha256=plane.sha256, direction_angle=round(_known(plane.angle), 4),
        seed=plane.seed, batch_norm=batch_norm_of(problem.model, mode),
        precision=precision, device=device, versions={"torch": torch.__version__},
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        duration=time.perf_counter() - began,
    )  # fmt: skip


def marks_of(plane: Plane, evaluator: Evaluator) -> list[Mark]:
    """The networks that the plane passes through, each with its own loss."""
    return [
        Mark(name, alpha, beta, evaluator.at(alpha, beta)["loss"])
        for name, alpha, beta in plane.marks
    ]


def grid_of(span: Span | tuple[Span, Span], points: int | tuple[int, int]) -> Grid:
    """The grid over ``span`` with ``points`` a side: one for both axes, or a pair.

    Raises
    ------
    UsageError
        If they are something else, or nothing can be between them.
    """
    try:
        (low, high), (bottom, top) = np.broadcast_to(np.asarray(span, dtype=float), (2, 2)).tolist()
        n, m = (points, points) if isinstance(points, int) else map(operator.index, points)
        sides = axis(low, high, n), axis(bottom, top, m)
    except (TypeError, ValueError):
        raise UsageError(
            "points, span: expected 51 or (51, 51), and (-1, 1) or ((-1, 1), (-1, 1)); "
            f"got {points!r:.60} and {span!r:.60}"
        ) from None
    return Grid(*sides)


def _as_fine_as(
    evaluators: Sequence[Evaluator], grid: Grid, tolerance: float | None, progress: bool | None
) -> tuple[Surface, float]:
    """The surface, on the coarsest of the nested grids that keeps to ``tolerance``; its error."""
    from tqdm import tqdm

    convergence, surface = Convergence(), None
    hidden = None if progress is None else not progress
    with tqdm(total=grid.count, unit="points", disable=hidden) as bar:
        for surface in evaluate(evaluators, grid, progress=bar.update):
            convergence.add(surface)
            fine = max(surface.shape) > FIRST
            if tolerance and fine and convergence.error <= tolerance:
                break
    assert surface is not None
    return surface, convergence.error


def _known(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def _suspicions(surface: Surface, plane: Plane) -> list[str]:
    loss = surface.loss
    moves = any(bool((part != 0).any()) for part in (*plane.delta.values(), *plane.eta.values()))
    if moves and loss.size > 1 and np.isfinite(loss).all() and np.ptp(loss) == 0:
        return ["the loss is the same everywhere: does it use the model that it is given?"]
    return []


def check_center(evaluator: Evaluator) -> dict[str, float]:
    """The values at the centre, evaluated twice.

    Raises
    ------
    InputError
        If the two differ.
    """
    first, second = evaluator.at(0.0, 0.0), evaluator.at(0.0, 0.0)
    check_deterministic(first, second)
    return first
