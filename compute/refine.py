"""Critical points of the network's own loss on a plane, from those of an interpolant of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compute.hessian import Hessian
from compute.plane import Plane
from compute.spectrum import slice_hessian
from lossviz.critical_points import CriticalPoint, PointKind
from lossviz.errors import InputError

Floats = NDArray[np.float64]

STEPS = 20
CLOSE = 1e-3  # cells: the next step at a zero
ENOUGH = 0.1  # cells: the same where kinks let no step come nearer
ROUNDS = 3  # of differences
ALIKE = 0.1  # of the largest curvature: differences and second derivative without kinks
APART = 0.25  # cells, of the differences
REACH = 1.5  # cells: what lies farther is another point
LONGEST = 0.5  # cells, of a step
HALVINGS = 4
SAME = 0.01  # cells between two zeros
DEGENERATE = 1e-3  # the smaller curvature against the larger
VANISHING = 0.02  # of the curvature over a quarter of a cell: what is left where steps end


class Slice:
    """f(α, β) = L(θ* + αδ + βη) with its exact derivatives, by differentiating the network.

    Raises
    ------
    InputError
        If the directions move batch norm's statistics, which are no parameters.
    """

    def __init__(self, hessian: Hessian, plane: Plane) -> None:
        if plane.moves_statistics:
            raise InputError(
                "refine: the directions move batch norm's statistics; expected parameters only"
            )
        self.hessian, self.plane = hessian, plane
        self._columns = [hessian.flat(move).double() for move in (plane.delta, plane.eta)]

    def value(self) -> float:
        """f, where ``gradient`` was last asked for."""
        return self.hessian.loss()

    def gradient(self, place: Floats) -> Floats:
        """(δ·∇L, η·∇L) at (α, β)."""
        self.hessian.at(float(place[0]), float(place[1]))
        found = self.hessian.gradient().double()
        return np.array([float(column @ found) for column in self._columns])

    def curvature(self) -> Floats:
        """DᵀHD ``(2, 2)`` where ``gradient`` was last asked for: two Hessian-vector products."""
        return slice_hessian(self.hessian, self.plane.delta, self.plane.eta).matrix


def refined(
    points: Iterable[CriticalPoint], part: Slice, cell: ArrayLike, *,
    before: Iterable[CriticalPoint] = (),
) -> Iterator[CriticalPoint | None]:  # fmt: skip
    """Each point moved onto the critical point of the network's loss near it, or None.

    Broyden's method (1965, Mathematics of Computation 19) for the zero of the exact gradient, from
    its differences over half a cell, in units of the grid's ``cell (2,)``; a step that does not
    lessen the gradient is halved. In ReLU networks the second derivative that autograd gives leaves
    out the kinks, which carry much of the slice's curvature: Newton's method does not converge
    there. The eigenvalues are those of the exact DᵀHD all the same, by two Hessian-vector products;
    where kinks make the differences others, these tell the kind, and a point is taken that lies
    within a tenth of a cell by the gradient left.

    None if nothing is reached within 1.5 cells, if what is reached is of another kind or an earlier
    point's (``before`` are earlier still), and where a kink leaves no gradient near zero. Extrema
    of the window's border are no zeros: None.
    """
    size = np.asarray(cell, float)
    reached = np.array([(p.alpha, p.beta) for p in before]).reshape(-1, 2) / size
    for point in points:
        found = None if point.border else _refined(point, part, size)
        if found is not None:
            place = np.array([found.alpha, found.beta]) / size
            if (np.abs(reached - place).max(axis=1, initial=0) < SAME).any():
                found = None
            else:
                reached = np.vstack([reached, place])
        yield found


def _refined(point: CriticalPoint, part: Slice, size: Floats) -> CriticalPoint | None:
    start = place = np.array([point.alpha, point.beta])
    slope, bend = part.gradient(place) * size, _differences(part, place, size)
    for _ in range(ROUNDS):
        place, slope, close = _descended(part, place, slope, bend, size)
        if math.hypot(*((place - start) / size)) > REACH:
            return None
        if not close:
            bend = _differences(part, place, size)
            close = math.hypot(*_newton(bend, slope)) <= ENOUGH
        if close:
            return _moved(point, place, part, size)
    return None


def _descended(
    part: Slice, place: Floats, slope: Floats, bend: Floats, size: Floats
) -> tuple[Floats, Floats, bool]:
    """Broyden's steps from ``place`` as long as they lessen the gradient; whether it is reached."""
    for _ in range(STEPS):
        step = _newton(bend, slope)
        length = math.hypot(*step)
        if not 0 < length < math.inf:
            return place, slope, length == 0
        taken = _lessened(part, place, step * min(1.0, LONGEST / length), slope, size)
        if taken is None:
            return place, slope, length <= CLOSE
        moved, found = (taken[0] - place) / size, taken[1]
        bend = bend + np.outer(found - slope - bend @ moved, moved) / (moved @ moved)
        place, slope = taken[0], found
        if math.hypot(*moved) <= CLOSE:
            return place, slope, True
    return place, slope, False


def _differences(part: Slice, place: Floats, size: Floats) -> Floats:
    """The gradient's central differences ``(2, 2)``, both in cells."""
    columns = []
    for step in np.diag(APART * size):
        up, down = part.gradient(place + step), part.gradient(place - step)
        columns.append((up - down) * size / (2 * APART))
    return np.stack(columns, axis=1)


def _newton(bend: Floats, slope: Floats) -> Floats:
    """−B⁻¹g; NaN where B is singular or not finite."""
    with np.errstate(all="ignore"):
        (a, b), (c, d) = bend
        determinant = a * d - b * c
        return np.array([b * slope[1] - d * slope[0], c * slope[0] - a * slope[1]]) / determinant


def _lessened(
    part: Slice, place: Floats, step: Floats, slope: Floats, size: Floats
) -> tuple[Floats, Floats] | None:
    """The first of the step, its half, its quarter … after which the gradient is smaller."""
    for _ in range(HALVINGS):
        new = place + step * size
        found = part.gradient(new) * size
        if math.hypot(*found) < math.hypot(*slope):  # False of NaN
            return new, found
        step = step / 2
    return None


def _moved(
    point: CriticalPoint, place: Floats, part: Slice, size: Floats
) -> CriticalPoint | None:  # fmt: skip
    """The point at ``place`` with exact value and eigenvalues; None if of another kind."""
    slope, curvature, value = part.gradient(place), part.curvature(), part.value()
    if not np.isfinite(curvature).all():
        return None
    scaled = curvature * np.outer(size, size)
    kind = _kind(scaled)
    if kind != point.kind:
        bend = _differences(part, place, size)
        if np.abs(bend - scaled).max() > ALIKE * np.abs(bend).max():
            kind = _kind((bend + bend.T) / 2)
        if point.kind == "degenerate" and _vanishes(scaled, part, place, size):
            kind = point.kind
    if kind != point.kind and "degenerate" not in (kind, point.kind):
        return None
    low, high = np.linalg.eigvalsh(curvature)
    alpha, beta = (float(v) for v in place)
    return replace(
        point, alpha=alpha, beta=beta, value=value, lambda_min=float(low), lambda_max=float(high),
        kind=kind, moved=math.hypot(alpha - point.alpha, beta - point.beta),
        gradient_norm=math.hypot(*slope),
    )  # fmt: skip


def _vanishes(scaled: Floats, part: Slice, place: Floats, size: Floats) -> bool:
    """Whether the curvature is nothing beside what the gradient becomes a little farther: where it
    is zero the signs of what is left tell nothing."""
    around = [
        math.hypot(*(part.gradient(place + step) * size)) / APART
        for step in (*np.diag(APART * size), *np.diag(-APART * size))
    ]
    return bool(np.abs(np.linalg.eigvalsh(scaled)).min() < VANISHING * max(around))


def _kind(curvature: Floats) -> PointKind:
    bends = np.linalg.eigvalsh(curvature)
    if np.abs(bends).min() < DEGENERATE * np.abs(bends).max() or not bends.any():
        return "degenerate"
    kinds: tuple[PointKind, ...] = ("minimum", "saddle", "maximum")
    return kinds[int((bends < 0).sum())]
