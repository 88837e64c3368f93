"""Where a loss surface is convex: the extreme eigenvalues of the Hessian over a plane.

Li et al. 2018, arXiv:1712.09913, section 6: λmin and λmax of the full Hessian at each point of a
grid, and |λmin/λmax|, which is small where the surface is nearly convex.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from compute.hessian import Hessian
from compute.lanczos import NotFiniteError, lanczos
from compute.run import Run
from compute.surface import Grid, collect, grid_levels
from lossviz.landscape import Surface

Floats = NDArray[np.float64]

TOLERANCE = 0.005  # of a residual, relative to the largest |λ|: twice in a row
VALUES = (
    "loss", "gradient_norm", "lambda_min", "lambda_max", "residual_min", "residual_max", "products",
)  # fmt: skip
MAPPED = ("lambda_min", "lambda_max", "lambda_ratio")  # what goes onto a surface
COMPUTED = "lambda_computed"  # 1 where eigenvalues were computed, 0 between


def ratio(lowest: Floats | float, highest: Floats | float) -> Floats:
    """|λmin/λmax|; NaN of 0/0."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.abs(np.divide(lowest, highest))


def extremes(
    hessian: Hessian, start: Tensor, *, tolerance: float = TOLERANCE, steps: int = 100
) -> tuple[dict[str, float], Tensor | None]:
    """The ``VALUES`` where the Hessian is now, and its two eigenvectors ``(2, P)``.

    Where a product is not finite the eigenvalues are NaN, and there are no vectors.
    """
    values = dict.fromkeys(VALUES, math.nan)
    values["loss"] = hessian.loss()
    values["gradient_norm"] = float(hessian.gradient().double().norm())
    try:
        pairs = lanczos(hessian.product, start, tolerance=tolerance, steps=steps)
    except NotFiniteError:
        return values | {"products": 0.0}, None
    for end, k in (("min", 0), ("max", -1)):
        values[f"lambda_{end}"], values[f"residual_{end}"] = pairs.values[k], pairs.residuals[k]
    return values | {"products": float(pairs.products)}, pairs.vectors


def own_lines(surface: Surface, columns: int, rows: int) -> Grid:
    """At most ``columns`` x ``rows`` of a surface's own lines, evenly spread, as a grid.

    Both ends are among them, and the line nearest to the centre (for which one more may come).
    """
    sides = []
    for axis, count, center in zip(
        (surface.alphas, surface.betas), (columns, rows), surface.center, strict=True
    ):
        even = np.linspace(0, axis.size - 1, min(count, axis.size)).round().astype(int)
        if center not in even:
            even = np.append(even, center)
        sides.append(axis[np.unique(even)])
    return Grid(*sides)


def curvature_map(
    hessian: Hessian, grid: Grid, run: Run | None = None, *, seed: int = 0,
    tolerance: float = TOLERANCE, progress: Callable[[int], None] = lambda points: None,
) -> Iterator[Surface]:  # fmt: skip
    """The ``VALUES`` and ``lambda_ratio`` on a grid, coarse to fine; the last surface is whole.

    Points that ``run`` has are not computed again. Each point starts from the eigenvectors of the
    one before, which is near, mixed with as much noise: the vectors alone would miss a direction
    that has become negative only here.
    """
    points = run.points if run is not None else {}
    before: Tensor | None = None
    for columns, rows in grid_levels(grid):
        for index in _nearby(grid, columns, rows):
            if index in points:
                continue
            began = time.perf_counter()
            hessian.at(*grid.at(index))
            start = _start(hessian, before, seed + index)
            values, before = extremes(hessian, start, tolerance=tolerance)
            if run is not None:
                run.add(index, values, time.perf_counter() - began)
            else:
                points[index] = values
            progress(1)
        yield with_ratio(collect(grid, points, columns, rows))


def _nearby(grid: Grid, columns: NDArray[np.int64], rows: NDArray[np.int64]) -> Iterator[int]:
    """Indices row by row, there and back."""
    for k, row in enumerate(rows.tolist()):
        for column in columns.tolist()[:: -1 if k % 2 else 1]:
            yield row * grid.alphas.size + column


def _start(hessian: Hessian, before: Tensor | None, seed: int) -> Tensor:
    noise = hessian.drawn(seed)
    noise = noise / noise.norm()
    return noise if before is None else noise + before.sum(dim=0) / len(before) ** 0.5


def with_ratio(surface: Surface) -> Surface:
    """The surface with ``lambda_ratio``, from its ``lambda_min`` and ``lambda_max``."""
    found: Mapping[str, Floats] = surface.quantities
    both = ratio(found["lambda_min"], found["lambda_max"])
    return replace(surface, quantities={**found, "lambda_ratio": both})


def onto(surface: Surface, coarse: Surface) -> Surface:
    """A surface with the map's eigenvalues and ratio on all of its points.

    At the map's own points, which ``lambda_computed`` marks with 1, its numbers; between them
    bilinear interpolation of each quantity by itself, 0. NaN where a corner is not finite.
    """
    places = [
        _between(coarse.alphas, surface.alphas), _between(coarse.betas, surface.betas)
    ]  # fmt: skip
    own = np.ix_(*(part == 0 for _, part in places))
    quantities = dict(surface.quantities)
    mark = np.zeros(surface.shape)
    mark[own] = 1.0
    for name in MAPPED:
        quantities[name] = _bilinear(coarse.quantities[name], places)
    quantities[COMPUTED] = mark
    return replace(surface, quantities=quantities)


def _between(coarse: Floats, fine: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Of each fine coordinate the coarse line before it, and how far it is to the next, [0, 1)."""
    if coarse.size == 1:
        return np.zeros(fine.size, np.int64), np.zeros(fine.size)
    position = np.interp(fine, coarse, np.arange(coarse.size, dtype=np.float64))
    line = np.floor(position).astype(np.int64)
    return line, position - line


def _bilinear(values: Floats, places: list[tuple[NDArray[np.int64], Floats]]) -> Floats:
    (i, s), (j, t) = places
    parts = []
    for weight, line in ((1 - s, i), (s, np.minimum(i + 1, len(values) - 1))):
        for other, beside in ((1 - t, j), (t, np.minimum(j + 1, values.shape[1] - 1))):
            share = weight[:, None] * other
            # What has no weight has no say: NaN beside a computed point is not the point's.
            parts.append(np.where(share > 0, share * values[np.ix_(line, beside)], 0.0))
    with np.errstate(invalid="ignore"):
        return np.sum(parts, axis=0)


def summary(surface: Surface) -> dict[str, float]:
    """What a map says in few numbers: products, the largest relative residual, the range."""
    found = surface.quantities
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.maximum(found["residual_min"], found["residual_max"]) / np.maximum(
            np.abs(found["lambda_min"]), np.abs(found["lambda_max"])
        )
    known = relative[np.isfinite(relative)]
    there = found["lambda_ratio"][np.isfinite(found["lambda_ratio"])]
    return {
        "products": float(np.nansum(found["products"])),
        "residual": float(known.max()) if known.size else math.nan,
        "not_finite": float(relative.size - known.size),
        "ratio_min": float(there.min()) if there.size else math.nan,
        "ratio_max": float(there.max()) if there.size else math.nan,
    }
