"""A quantity of a surface as a scalar field: finite everywhere, between 0 and 1, on axes of cells.

Critical points and their types do not change under a smooth increasing map, so a positive quantity
that spans more than two decades is worked on as its logarithm. The scale keeps every later
tolerance free of units.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossviz.landscape import LOSS, Surface

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

LOG_FROM = 100.0  # max / min from which the logarithm is taken
HUGE = 1e300  # beyond it differences overflow: a hole, like infinity
FLAT = 1e-9  # of the field's range, over 3x3 vertices
THIN = 1e-8  # a cell thinner than this is drawn as if it were not
MARGIN = 2  # cells around holes and flat regions that are not to be trusted


@dataclass(frozen=True, eq=False)
class Field:
    """What the geometry works on; made by ``field``.

    Attributes
    ----------
    alphas, betas
        ``(n,)``, ``(m,)`` of the surface.
    cell
        ``(2,)``: their mean spacings.
    x, y
        The same in mean cells from the first: 0 to n − 1, 0 to m − 1.
    values
        ``(n, m)``, 0 to 1; holes are filled.
    holes, flat
        ``(n, m)``: where there was no finite value; what belongs to a flat region.
    log, low, span
        The loss, or its logarithm if ``log``, is ``low + span * value``; a constant has span 0.
    """

    alphas: Floats
    betas: Floats
    cell: Floats
    x: Floats
    y: Floats
    values: Floats
    holes: Mask
    flat: Mask
    log: bool
    low: float
    span: float

    @property
    def shape(self) -> tuple[int, int]:
        """``(n, m)``."""
        return self.alphas.size, self.betas.size

    @property
    def metric(self) -> Floats:
        """``(2,)``: a gradient in cells times this points, in cells, where that in (alpha, beta)
        points: cells that are not square turn it."""
        cell = self.cell
        return np.maximum(cell.min() / cell, THIN) ** 2

    def to_cells(self, places: Floats) -> Floats:
        """``(k, 2)`` alpha, beta in cells."""
        return (places - [self.alphas[0], self.betas[0]]) / self.cell

    def to_plane(self, points: Floats) -> Floats:
        """``(k, 2)`` cells as alpha, beta, never beyond the axes."""
        first = np.array([self.alphas[0], self.betas[0]])
        return np.clip(first + points * self.cell, first, [self.alphas[-1], self.betas[-1]])

    def to_loss(self, values: Floats) -> Floats:
        """Values of the field as values of the loss."""
        with np.errstate(over="ignore"):
            found = self.low + self.span * values
            return np.exp(found) if self.log else found

    def vertices(self, points: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The indices of the grid vertices nearest to ``points (k, 2)`` in cells."""
        return _nearest(self.x, points[:, 0]), _nearest(self.y, points[:, 1])

    @property
    def noise(self) -> float:
        """The standard deviation of noise on the values, estimated from them, 0 to 1.

        1.4826 · MAD of the second difference in x of the second difference in y, over 6, the root
        of the sum of that stencil's squares. On a coarse grid it counts what the grid does not
        resolve as noise too.
        """
        if min(self.shape) < 3:
            return 0.0
        fourth = np.diff(np.diff(self.values, 2, axis=0), 2, axis=1)
        trusted = ~_dilated(self.holes, 1)[1:-1, 1:-1]
        if not trusted.any():
            return 0.0
        found = fourth[trusted]
        return float(1.4826 * np.median(np.abs(found - np.median(found))) / 6)


def field(surface: Surface, quantity: str = LOSS, *, log: bool | None = None) -> Field | None:
    """The field of a quantity; None if it has no finite value.

    ``log`` says whether to take the logarithm of a positive quantity; None: by its range.

    Raises
    ------
    KeyError
        If the surface has no such quantity.
    """
    raw = surface.quantities[quantity]
    with np.errstate(invalid="ignore"):
        holes = ~(np.abs(raw) <= HUGE)
    if holes.all():
        return None
    low, high = float(raw[~holes].min()), float(raw[~holes].max())
    if log is None and low > 0:
        log = math.log(high) - math.log(low) > math.log(LOG_FROM)
    log = bool(log) and low > 0
    values = np.where(holes, low, raw)
    if log:
        values, low, high = np.log(values), math.log(low), math.log(high)
    span = high - low
    if span <= 16 * np.finfo(float).eps * max(abs(low), abs(high)):  # rounding and nothing else
        span = 0.0
    values = (values - low) / span if span else np.zeros_like(values)
    if span and holes.any():
        values = _filled(np.where(holes, 0.0, values), holes)
    return Field(
        surface.alphas, surface.betas, surface.cell, _cells(surface.alphas),
        _cells(surface.betas), values, holes, _flat(values), log, low, span,
    )  # fmt: skip


def untrusted(own: Field) -> Mask:
    """``(n, m)``: holes and flat regions with the cells around them."""
    return _dilated(own.holes, MARGIN) | own.flat


def _cells(axis: Floats) -> Floats:
    """An axis in mean cells from its first entry; divided first, so that nothing overflows."""
    if axis.size < 2:
        return np.zeros(axis.size)
    parts = axis / (axis.size - 1)
    found = (parts - parts[0]) / (parts[-1] - parts[0]) * (axis.size - 1)
    found[-1] = axis.size - 1
    return found


def _nearest(axis: Floats, values: Floats) -> NDArray[np.intp]:
    middles = (axis[1:] + axis[:-1]) / 2
    return np.searchsorted(middles, values)


def _dilated(mask: Mask, cells: int) -> Mask:
    from scipy import ndimage

    if not mask.any():
        return mask
    square = np.ones((3, 3), bool)
    found: Mask = ndimage.binary_dilation(mask, square, iterations=cells)
    return found


def _flat(values: Floats) -> Mask:
    """Vertices of flat regions: the range over 3x3 is next to nothing, dilated by the margin."""
    from scipy import ndimage

    if min(values.shape) < 3:
        return np.zeros(values.shape, bool)
    span = ndimage.maximum_filter(values, 3) - ndimage.minimum_filter(values, 3)
    return _dilated(span <= FLAT, MARGIN)


def _filled(values: Floats, holes: Mask) -> Floats:
    """Holes filled by a discrete harmonic function, ∑ over neighbours of (u − u_i) = 0.

    Conjugate gradients from the nearest values: their iterations are bounded, and what they leave
    lies inside the holes, where no point is reported.
    """
    from scipy import ndimage, sparse
    from scipy.sparse import linalg

    nearest = ndimage.distance_transform_edt(
        holes, return_distances=False, return_indices=True
    )  # (2, n, m)
    start = values[tuple(nearest)]
    matrices = [
        sparse.diags_array([-np.ones(n - 1), -np.ones(n - 1)], offsets=[-1, 1], shape=(n, n))
        for n in values.shape
    ]
    adjacent = sparse.kronsum(matrices[1], matrices[0]).tocsr()
    degree = -adjacent @ np.ones(values.size)
    inside = holes.ravel()
    laplace = (adjacent + sparse.diags_array(degree)).tocsr()[inside]
    known = np.where(inside, 0.0, values.ravel())
    found, _ = linalg.cg(
        laplace[:, inside], -(laplace @ known), x0=start.ravel()[inside], rtol=1e-10, maxiter=500
    )
    known[inside] = np.clip(found, 0.0, 1.0)
    return known.reshape(values.shape)
