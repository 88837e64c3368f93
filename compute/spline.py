"""The bicubic spline through a field, and its pieces as Bernstein polynomials."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PATCHES = 50_000  # pieces at once: 6 MB of coefficients, whatever the grid's size
NODES = np.arange(4) / 3
# Values at NODES from Bernstein coefficients of degree 3, [1, 3, 3, 1] t^j (1 − t)^(3 − j).
BERNSTEIN = np.array(
    [[(1, 3, 3, 1)[j] * t**j * (1 - t) ** (3 - j) for j in range(4)] for t in NODES]
)


class Spline:
    """Interpolates ``values (n, m)`` on ``x (n,)`` and ``y (m,)``; n, m ≥ 2.

    ``scipy.interpolate.RectBivariateSpline`` of degree 3 without smoothing. Axes of two or three
    vertices, through which no cubic is determined, get the straight line or the parabola.
    """

    def __init__(self, x: Floats, y: Floats, values: Floats) -> None:
        from scipy.interpolate import RectBivariateSpline

        x, values = _four(x, values)
        y, values = _four(y, values.T)
        self.low, self.high = np.array([x[0], y[0]]), np.array([x[-1], y[-1]])
        self._spline = RectBivariateSpline(x, y, values.T, kx=3, ky=3, s=0)

    def __call__(self, points: Floats, dx: int = 0, dy: int = 0) -> Floats:
        """The value or a derivative at ``points (k, 2)``; ``(k,)``."""
        found: Floats = self._spline.ev(points[:, 0], points[:, 1], dx=dx, dy=dy)
        return found

    def gradient(self, points: Floats) -> Floats:
        """``(k, 2)``."""
        return np.stack([self(points, 1, 0), self(points, 0, 1)], axis=1)

    def gradient_on(self, x: Floats, y: Floats) -> Floats:
        """``(2, len(x), len(y))``: the gradient on a grid, much faster than point by point."""
        parts = [self._spline(x, y, dx=1 - k, dy=k) for k in (0, 1)]
        return np.stack(parts)

    def hessian(self, points: Floats) -> Floats:
        """``(k, 2, 2)``."""
        xx, xy, yy = self(points, 2, 0), self(points, 1, 1), self(points, 0, 2)
        return np.stack([xx, xy, xy, yy], axis=1).reshape(-1, 2, 2)

    def patches(self) -> Iterator[tuple[Floats, Floats, Floats]]:
        """The polynomial pieces, some thousand at a time.

        Yields corners ``(k, 2)``, sizes ``(k, 2)`` and Bernstein coefficients ``(k, 4, 4)``: not
        those of the grid's cells but of the knots', which leave out each axis' second vertex and
        last but one.
        """
        knots_x, knots_y, flat = self._spline.tck
        coefficients = flat.reshape(knots_x.size - 4, knots_y.size - 4)
        (starts_x, sizes_x, to_x), (starts_y, sizes_y, to_y) = map(_pieces, (knots_x, knots_y))
        every = max(1, PATCHES // starts_y.size)
        across = (to_y @ coefficients.T).T  # (n, 4 pieces)
        for first in range(0, starts_x.size, every):
            rows = slice(first, min(first + every, starts_x.size))
            count = rows.stop - first
            found = to_x[4 * first : 4 * rows.stop] @ across
            found = found.reshape(count, 4, -1, 4).swapaxes(1, 2).reshape(-1, 4, 4)
            yield (
                _pairs(starts_x[rows], starts_y), _pairs(sizes_x[rows], sizes_y), found,
            )  # fmt: skip


def _four(x: Floats, values: Floats) -> tuple[Floats, Floats]:
    """An axis of at least four vertices, on the polynomial through two or three."""
    from scipy.interpolate import make_interp_spline

    if x.size >= 4:
        return x, values
    finer = np.linspace(x[0], x[-1], 4)
    return finer, make_interp_spline(x, values, k=x.size - 1)(finer)


def _pieces(knots: Floats) -> tuple[Floats, Floats, Any]:
    """Starts and sizes ``(p,)`` of a cubic's pieces, and the sparse map ``(4 p, n)`` from its
    B-spline coefficients to their Bernstein coefficients."""
    from scipy import sparse
    from scipy.interpolate import BSpline

    edges = knots[3:-3]
    starts, sizes = edges[:-1], np.diff(edges)
    places = np.minimum((starts[:, None] + sizes[:, None] * NODES).ravel(), edges[-1])
    basis = BSpline.design_matrix(places, knots, 3)
    to_bernstein = sparse.kron(sparse.eye_array(starts.size), np.linalg.inv(BERNSTEIN))
    return starts, sizes, (to_bernstein @ basis).tocsr()


def _pairs(a: Floats, b: Floats) -> Floats:
    """``(len(a) * len(b), 2)``: every a with every b, b fastest."""
    return np.stack(np.broadcast_arrays(a[:, None], b), axis=-1).reshape(-1, 2)
