"""Critical points of the network's own loss on a plane, from those of an interpolant of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from compute.hessian import Hessian
from compute.plane import Plane
from compute.spectrum import slice_hessian
from lossviz.errors import InputError
from lossviz.landscape import CriticalPoint

Floats = NDArray[np.float64]

STEPS = 20
CLOSE = 1e-3  # cells: Newton's next step at a zero
REACH = 1.5  # cells: what lies farther is another point
LONGEST = 0.5  # cells, of a step
HALVINGS = 5
SAME = 0.01  # cells between two zeros
DEGENERATE = 1e-3  # the smaller curvature against the larger


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
    points: Iterable[CriticalPoint], part: Slice, cell: Sequence[float]
) -> Iterator[CriticalPoint | None]:
    """Each point moved onto the critical point of the network's loss near it, or None.

    Newton's method for the zero of the exact gradient with the exact 2×2 Hessian, in units of the
    grid's ``cell (2,)``; a step that does not lessen the gradient is halved (Nocedal and Wright
    2006, section 11.2). None if nothing is reached within 1.5 cells, if what is reached is of
    another kind or an earlier point's, and on the kinks of ReLU networks, where no gradient
    vanishes. Extrema of the window's border are no zeros: None.
    """
    size, reached = np.asarray(cell, float), np.zeros((0, 2))
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
    start = np.array([point.alpha, point.beta])
    place, slope = start, part.gradient(start) * size
    for _ in range(STEPS):
        curvature = part.curvature() * np.outer(size, size)
        if not (np.isfinite(slope).all() and np.isfinite(curvature).all()):
            return None
        step = _newton(curvature, slope)
        length = math.hypot(*step)
        if length <= CLOSE:
            return _moved(point, place, part, slope / size, curvature, size)
        if not math.isfinite(length):
            return None
        step *= min(1.0, LONGEST / length)
        taken = _lessened(part, place, step, slope, size)
        if taken is None:
            return None
        place, slope = taken
        if math.hypot(*((place - start) / size)) > REACH:
            return None
    return None


def _newton(curvature: Floats, slope: Floats) -> Floats:
    """−H⁻¹g; along an axis without curvature only as far as the gradient tells."""
    values, axes = np.linalg.eigh(curvature)
    least = max(np.abs(values).max() * 1e-9, np.finfo(float).tiny)
    values = np.where(np.abs(values) < least, least, values)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(-axes @ (axes.T @ slope / values))


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
    point: CriticalPoint, place: Floats, part: Slice, slope: Floats, curvature: Floats, size: Floats
) -> CriticalPoint | None:
    """The point at ``place`` with exact value and eigenvalues; None if of another kind."""
    bends = np.linalg.eigvalsh(curvature)
    flat = np.abs(bends).min() < DEGENERATE * np.abs(bends).max() or not bends.any()
    kind = "degenerate" if flat else ("minimum", "saddle", "maximum")[int((bends < 0).sum())]
    if kind != point.kind and "degenerate" not in (kind, point.kind):
        return None
    low, high = np.linalg.eigvalsh(curvature / np.outer(size, size))
    alpha, beta = (float(v) for v in place)
    return replace(
        point, alpha=alpha, beta=beta, value=part.value(), lambda_min=float(low),
        lambda_max=float(high), kind=kind,  # type: ignore[arg-type]
        moved=math.hypot(alpha - point.alpha, beta - point.beta),
        gradient_norm=math.hypot(*slope),
    )  # fmt: skip
