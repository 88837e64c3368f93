"""Basins of attraction: to which minimum steepest descent on the slice leads from where.

Minima below a persistence belong to the basin that they are merged into, so that noise makes no
basins. Descent that meets the border goes on along it; a basin may belong to a minimum there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compute.critical import critical_points
from compute.field import Field, field
from compute.persistence import FOUR, descend, jump, persistence, ranks
from compute.spline import Spline
from lossviz.landscape import LOSS, CriticalPoint, CriticalPoints, Surface

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

STEP = 0.25  # cells
ARRIVED = 0.5  # cells from a minimum
PARTS = 8  # into which a cell is cut for the gradient's grid: a narrow valley lies between vertices
MOST_NODES = 1000  # along a side of that grid
LOOK = 4  # steps between two looks whether a minimum is reached
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1), (0, -1), (-1, 0), (-1, -1), (-1, 1))


@dataclass(frozen=True)
class Basin:
    """Its lowest point, the loss there, and its share of the area that has values."""

    alpha: float
    beta: float
    value: float
    share: float
    border: bool  # the lowest point lies on the border: the loss goes on falling outside


@dataclass(frozen=True, eq=False)
class Basins:
    """``labels (n, m)``: the place of each vertex' basin in ``basins``, −1 in holes."""

    labels: Indices
    basins: Sequence[Basin]

    def by_value(self) -> Basins:
        """The same basins, that with the lowest point first."""
        order = np.argsort([basin.value for basin in self.basins], kind="stable")
        place = np.append(np.argsort(order), -1)  # the last entry is where label −1 looks
        return Basins(place[self.labels], tuple(self.basins[k] for k in order))

    def as_quantity(self) -> Floats:
        """``(n, m)``: the labels as a surface's quantity, NaN where there is none."""
        return np.where(self.labels < 0, np.nan, self.labels)


def basins(
    surface: Surface, *, quantity: str = LOSS, threshold: float | None = None,
    preview: bool = False, found: CriticalPoints | None = None,
) -> Basins:  # fmt: skip
    """The basins of the minima of at least this persistence, the largest first.

    From every vertex along the gradient's field by the midpoint rule; as a ``preview`` along the
    steepest of the 8 neighbours, ten times faster and wrong next to some borders between basins.

    Raises
    ------
    KeyError
        If the surface has no such quantity.
    """
    own = field(surface, quantity)
    if own is None or min(own.shape) < 2:
        return Basins(np.full(surface.shape, -1), ())
    found = critical_points(surface, quantity=quantity) if found is None else found
    lowest = [p for p in found.points if p.kind in ("minimum", "degenerate")]
    targets = own.to_cells(np.array([(p.alpha, p.beta) for p in lowest]).reshape(-1, 2))
    least = found.threshold if threshold is None else threshold
    survivor = _survivors(own, least / own.span if own.span else 0.0)
    ends = _downhill(own) if preview else _flow(own, targets)
    return _basins(own, survivor[ends], lowest, survivor[_flat_index(own, targets)])


def _flat_index(own: Field, places: Floats) -> Indices:
    return np.ravel_multi_index(own.vertices(places), own.shape)


def _survivors(own: Field, least: float) -> Indices:
    """``(n m,)``: of each vertex the persistent grid minimum that its own is merged into."""
    down, _ = persistence(own.values)
    target = np.arange(own.values.size)
    merged = (down.persistence < least) & (down.saddles >= 0)
    target[down.extrema[merged]] = down.elders[merged]
    return jump(target)[descend(ranks(own.values), FOUR).ravel()]


def _downhill(own: Field) -> Indices:
    """``(n, m)``: where steps to the steepest of the 8 neighbours end."""
    spacing = own.cell / own.cell.max()
    x, y, values = own.x * spacing[0], own.y * spacing[1], own.values
    padded = np.pad(values, 1, constant_values=np.inf)
    px, py = (np.pad(axis, 1, mode="edge") for axis in (x, y))
    vertex = np.pad(np.arange(values.size).reshape(values.shape), 1)
    n, m = values.shape
    steepest, target = np.zeros(values.shape), vertex[1:-1, 1:-1].copy()
    for i, j in NEIGHBOURS:
        there = slice(1 + i, n + 1 + i), slice(1 + j, m + 1 + j)
        length = np.hypot((px[there[0]] - x)[:, None], py[there[1]] - y)
        fall = (values - padded[there]) / np.maximum(length, np.finfo(float).tiny)
        better = fall > steepest
        steepest[better], target[better] = fall[better], vertex[there][better]
    return jump(target.ravel()).reshape(own.shape)


def _flow(own: Field, targets: Floats) -> Indices:
    """``(n, m)``: the vertex nearest to where the flow along −∇f ends."""
    from scipy.spatial import KDTree

    n, m = own.shape
    points = np.stack(np.meshgrid(own.x, own.y, indexing="ij"), axis=-1).reshape(-1, 2)
    velocity, tree = _velocity(own), KDTree(targets) if len(targets) else None
    high, active = points[-1].copy(), np.arange(len(points))
    for step in range(4 * LOOK * (n + m)):
        if step % LOOK == 0 and tree is not None:
            distance, nearest = tree.query(points[active], distance_upper_bound=ARRIVED, p=np.inf)
            there = np.isfinite(distance)
            points[active[there]] = targets[nearest[there]]
            active = active[~there]
        if not active.size:
            break
        here = points[active]
        middle = np.clip(here + STEP / 2 * velocity(here), 0.0, high)
        points[active] = np.clip(here + STEP * velocity(middle), 0.0, high)
    return _flat_index(own, points).reshape(own.shape)


class _velocity:  # noqa: N801  # a function with what it needs at hand
    """−∇f / |∇f|, bilinear from the spline's gradient on a finer grid."""

    def __init__(self, own: Field) -> None:
        parts = max(1, min(PARTS, MOST_NODES // max(own.shape)))
        x, y = (
            np.interp(np.arange((axis.size - 1) * parts + 1) / parts, np.arange(axis.size), axis)
            for axis in (own.x, own.y)
        )
        slopes = Spline(own.x, own.y, own.values).gradient_on(x, y)
        self.parts, self.axes = slopes * own.metric[:, None, None], (x, y)

    def __call__(self, points: Floats) -> Floats:
        from scipy.ndimage import map_coordinates

        places = np.stack([
            np.interp(points[:, k], axis, np.arange(axis.size)) for k, axis in enumerate(self.axes)
        ])  # fmt: skip
        slope = np.stack([map_coordinates(part, places, order=1) for part in self.parts], axis=1)
        length = np.linalg.norm(slope, axis=1, keepdims=True)
        return -slope / np.maximum(length, np.finfo(float).tiny)


def _basins(
    own: Field, ends: Indices, lowest: Sequence[CriticalPoint], survivors: Indices
) -> Basins:
    """Put vertices together that end in the same minimum; each basin's point is its lowest."""
    area = np.outer(_widths(own.x), _widths(own.y)) * ~own.holes
    kept, labels = np.unique(ends, return_inverse=True)
    labels = labels.reshape(own.shape)
    shares = np.bincount(labels.ravel(), area.ravel(), kept.size) / area.sum()
    order = np.argsort(-shares, kind="stable")
    lowest_of: dict[int, CriticalPoint] = {}  # by the surviving vertex
    for point, vertex in zip(lowest, survivors.tolist(), strict=True):
        if vertex not in lowest_of or point.value < lowest_of[vertex].value:
            lowest_of[vertex] = point
    place = np.empty(kept.size, np.intp)
    place[order] = np.arange(kept.size)
    own_basins = []
    for k in order[shares[order] > 0]:
        best = lowest_of.get(int(kept[k])) or _at(own, int(kept[k]))
        own_basins.append(Basin(best.alpha, best.beta, best.value, float(shares[k]), best.border))
    return Basins(np.where(own.holes, -1, place[labels]), tuple(own_basins))


def _at(own: Field, vertex: int) -> CriticalPoint:
    """A vertex as a point, where no point was found: in a flat region, or beside a hole."""
    i, j = np.unravel_index(vertex, own.shape)
    value = float(own.to_loss(own.values[i, j]))
    border = i in (0, own.shape[0] - 1) or j in (0, own.shape[1] - 1)
    alpha, beta = float(own.alphas[i]), float(own.betas[j])
    return CriticalPoint(alpha, beta, value, 0.0, 0.0, "minimum", border=bool(border))


def _widths(axis: Floats) -> Floats:
    """Of each vertex the part of the axis nearest to it."""
    edges = np.r_[axis[0], (axis[1:] + axis[:-1]) / 2, axis[-1]]
    return np.diff(edges)
