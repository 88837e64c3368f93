"""All zeros of a spline's gradient, with a proof that there are no others.

On a piece, a polynomial lies in the convex hull of its Bernstein coefficients (Farin, Curves and
Surfaces for CAGD, section 6.3): where all coefficients of f_x, or all of f_y, have one strict sign,
the gradient has no zero. Coefficients of the second derivatives bound the Hessian in the same way,
and Krawczyk's operator (1969; Neumaier, Interval Methods, section 5.1) tells then where a zero
could be at most, or that there is no second one. What neither settles is quartered by de
Casteljau's algorithm and asked again; Newton's method starts in what is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compute.spline import Spline

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

SLACK = 1e-12  # of the field's range: zeros exactly on a piece's edge are not lost
DEPTH = 12  # quarterings at most: 1/4096 of a piece
LINES = 6  # quarterings after which lines of zeros are looked for
SINGULAR = 1e-6  # of the larger curvature: a degenerate zero, often one of a line of them
STEP, REACH = 0.25, 1.0  # of a cell: Newton's largest step, and how far from its start
ITERATIONS = 60
SAME = 1e-3  # of a cell: nearer zeros are one
NEAR = 1e-2  # of a cell around a zero: a degenerate one leaves unsettled boxes there
FLAT = 1e-9  # a piece that varies less is part of a flat region
VANISHES = 1e-15  # a slope, of the field's range a cell, that is rounding
MOST = 20_000  # boxes after LINES: noise leaves a tenth of that, lines of zeros ever more

# Bernstein coefficients of the two halves of a cubic, from those of the whole.
LEFT = np.array([[8, 0, 0, 0], [4, 4, 0, 0], [2, 4, 2, 0], [1, 3, 3, 1]]) / 8
HALVES = np.stack([LEFT, LEFT[::-1, ::-1]])


@dataclass(frozen=True, eq=False)
class Boxes:
    """Rectangles with the polynomial on each."""

    corners: Floats  # (k, 2)
    sizes: Floats  # (k, 2)
    coefficients: Floats  # (k, 4, 4)

    def __getitem__(self, chosen: Mask) -> Boxes:
        return Boxes(self.corners[chosen], self.sizes[chosen], self.coefficients[chosen])

    @property
    def middles(self) -> Floats:
        """``(k, 2)``."""
        return self.corners + self.sizes / 2


def zeros(spline: Spline) -> tuple[Floats, Floats]:
    """The zeros ``(k, 2)``, and the middles ``(u, 2)`` of boxes where one may have been missed.

    ``spline`` interpolates a field between 0 and 1 on axes of cells. Zeros nearer than 0.001 cells
    are one; flat pieces have none. Where lines of zeros leave too many boxes, those are given back.
    """
    found, open_ = [np.zeros((0, 2))], [np.zeros((0, 2))]
    for corners, sizes, coefficients in spline.patches():
        boxes = Boxes(corners, sizes, coefficients)
        boxes = boxes[np.ptp(coefficients, axis=(1, 2)) > FLAT]
        for depth in range(DEPTH):
            boxes = boxes[_may_vanish(boxes)]
            if not len(boxes.corners):
                break
            if depth == LINES:
                cells = boxes.sizes * 2**depth
                found.append(_singular(spline, newton(spline, boxes.middles, cells)))
                boxes = boxes[~_near_one(boxes, found[-1], 2.5 * boxes.sizes.max(axis=1))]
            possible, single = _krawczyk(boxes)
            ready = boxes[possible & single]
            found.append(newton(spline, ready.middles, ready.sizes))
            boxes = boxes[possible & ~single]
            if depth >= LINES and len(boxes.corners) > MOST:
                break
            boxes = _quartered(boxes)
        boxes = boxes[_may_vanish(boxes)]
        found.append(newton(spline, boxes.middles, boxes.sizes * 2**depth))
        open_.append(boxes.middles[~_near_one(boxes, np.concatenate(found), NEAR)])
    points = distinct(spline, np.concatenate(found))
    return points, np.concatenate(open_)


def _singular(spline: Spline, points: Floats) -> Floats:
    """Those of the zeros that are degenerate: no box around one is ever proved to be settled, and
    along a line of them there would be more boxes at every depth."""
    bends = np.abs(np.linalg.eigvalsh(spline.hessian(points)))
    low, high = bends.min(axis=1, initial=np.inf), bends.max(axis=1, initial=0.0)
    return points[low <= SINGULAR * high + SLACK]


def _krawczyk(boxes: Boxes) -> tuple[Mask, Mask]:
    """``(k,)``: whether a zero is possible in the box, and whether there is at most one.

    With the Hessian within H ± R on the box, a zero z = c + d, |d| ≤ h = half the size, fulfils
    |d + H⁻¹ ∇f(c)| ≤ |H⁻¹| R h.
    """
    half = boxes.sizes / 2
    gradient, hessian, radius = _bounds(boxes)
    a, b, d = hessian[:, 0, 0], hessian[:, 0, 1], hessian[:, 1, 1]
    determinant = a * d - b * b
    regular = np.abs(determinant) > 1e-12 * np.abs(hessian).max(axis=(1, 2), initial=1e-100) ** 2
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        inverse = np.stack([d, -b, -b, a], axis=1).reshape(-1, 2, 2)
        inverse /= np.where(regular, determinant, 1.0)[:, None, None]
        step = np.abs(np.einsum("kij,kj->ki", inverse, gradient))
        spread = np.einsum("kij,kjl,kl->ki", np.abs(inverse), radius, half)
    possible = ~regular | (step - spread <= half * (1 + 1e-6)).all(axis=1)
    single = regular & (spread < half / 2).all(axis=1)
    return possible, single


def _bounds(boxes: Boxes) -> tuple[Floats, Floats, Floats]:
    """The gradient at the middles ``(k, 2)``; the Hessian's middle and radius ``(k, 2, 2)``."""
    c, (sx, sy) = boxes.coefficients, boxes.sizes.T[:, :, None, None]
    x, y = 3 * np.diff(c, axis=1) / sx, 3 * np.diff(c, axis=2) / sy  # (k, 3, 4), (k, 4, 3)
    quadratic, cubic = np.array([1, 2, 1]) / 4, np.array([1, 3, 3, 1]) / 8
    gradient = np.stack([quadratic @ x @ cubic, cubic @ y @ quadratic], axis=1)
    second = 2 * np.diff(x, axis=1) / sx, 3 * np.diff(x, axis=2) / sy, 2 * np.diff(y, axis=2) / sy
    low = np.stack([part.min(axis=(1, 2)) for part in second])[[0, 1, 1, 2]].T.reshape(-1, 2, 2)
    high = np.stack([part.max(axis=(1, 2)) for part in second])[[0, 1, 1, 2]].T.reshape(-1, 2, 2)
    return gradient, (low + high) / 2, (high - low) / 2


def _may_vanish(boxes: Boxes) -> Mask:
    """``(k,)``: whether neither f_x nor f_y is of one strict sign by its coefficients."""
    answer = np.ones(len(boxes.corners), bool)
    for axis in (0, 1):
        slopes = 3 * np.diff(boxes.coefficients, axis=axis + 1) / boxes.sizes[:, axis, None, None]
        answer &= (slopes.min(axis=(1, 2)) <= SLACK) & (slopes.max(axis=(1, 2)) >= -SLACK)
    return answer


def _quartered(boxes: Boxes) -> Boxes:
    coefficients = np.einsum(
        "aik,bkl,cjl->bacij", HALVES, boxes.coefficients, HALVES, optimize=True
    )
    sizes = np.repeat(boxes.sizes / 2, 4, axis=0)
    offsets = np.tile([[0, 0], [0, 1], [1, 0], [1, 1]], (len(boxes.corners), 1))
    corners = np.repeat(boxes.corners, 4, axis=0) + offsets * sizes
    return Boxes(corners, sizes, coefficients.reshape(-1, 4, 4))


def newton(spline: Spline, starts: Floats, cells: Floats) -> Floats:
    """Where damped Newton iterations from ``starts (k, 2)`` converge; ``(c, 2)``, c ≤ k.

    A step solves (HᵀH + μI) s = −Hᵀg with a tiny μ, so that it stands still along a line of zeros
    instead of running away; it is at most 0.25 ``cells (k, 2)`` long, and no point leaves its
    start by more than one.
    """
    points, active = starts.copy(), np.arange(len(starts))
    done = np.zeros(len(starts), bool)
    for _ in range(ITERATIONS):
        if not active.size:
            break
        own, size = points[active], cells[active]
        slopes = spline.gradient(own) * size
        steps = _steps(slopes, spline.hessian(own) * size[:, :, None] * size[:, None])
        length = np.abs(steps).max(axis=1)
        steps *= np.minimum(1.0, STEP / np.maximum(length, STEP))[:, None]
        near = np.clip(
            own + steps * size, starts[active] - REACH * size, starts[active] + REACH * size
        )
        points[active] = np.clip(near, spline.low, spline.high)
        still = np.abs(points[active] - own).max(axis=1) <= 1e-9 * size.max(axis=1)
        level = np.abs(slopes).max(axis=1) <= VANISHES
        done[active[level | (still & (length <= 1e-6))]] = True
        active = active[~(level | still)]
    return points[done]


def _steps(gradient: Floats, hessian: Floats) -> Floats:
    """``(k, 2)`` regularised Newton steps, in cells."""
    scale = np.maximum(np.abs(hessian).max(axis=(1, 2)), np.finfo(float).tiny)
    hessian, gradient = hessian / scale[:, None, None], gradient / scale[:, None]
    eigenvalues, vectors = np.linalg.eigh(hessian)  # (k, 2), (k, 2, 2)
    along = np.einsum("kij,ki->kj", vectors, gradient) * eigenvalues / (eigenvalues**2 + 1e-16)
    found: Floats = -np.einsum("kij,kj->ki", vectors, along)
    return found


def _near_one(boxes: Boxes, points: Floats, within: float | Floats) -> Mask:
    """``(k,)``: whether a point lies in the box or so near to its middle."""
    from scipy.spatial import KDTree

    if not len(points) or not len(boxes.corners):
        return np.zeros(len(boxes.corners), bool)
    distance, _ = KDTree(points).query(boxes.middles, p=np.inf)
    near: Mask = distance <= within
    return near


def distinct(spline: Spline, points: Floats, within: float = SAME) -> Floats:
    """``points (k, 2)`` with those nearer than ``within`` cells put together: the one with the
    smallest gradient stays."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import KDTree

    if len(points) < 2:
        return points
    slopes = np.linalg.norm(spline.gradient(points), axis=1)
    # Many starts end in the very same zero: pairs among those would be their number squared.
    points, slopes = _rounded(points, slopes, within / 10)
    pairs = KDTree(points).query_pairs(within, output_type="ndarray")
    graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(points),) * 2)
    _, group = connected_components(graph, directed=False)
    order = np.lexsort((slopes, group))
    first = np.r_[True, np.diff(group[order]) > 0]
    return points[np.sort(order[first])]


def _rounded(points: Floats, slopes: Floats, grain: float) -> tuple[Floats, Floats]:
    """Of points in one square of side ``grain`` the one with the smallest gradient."""
    squares = np.round(points / grain).astype(np.int64)
    order = np.lexsort((slopes, squares[:, 1], squares[:, 0]))
    first = np.r_[True, (np.diff(squares[order], axis=0) != 0).any(axis=1)]
    return points[order[first]], slopes[order[first]]
