"""Accuracy instead of counts: how many images, how many points, and with which error.

Two errors are told apart. The data's: the standard error of the mean loss over the images, the
same images at every point. The grid's: how far bicubic interpolation in log(loss) between the
computed points is from the loss. It is estimated from nested grids: what a finer grid found beyond
the interpolation of the coarser one, its surplus, times the rate at which surpluses fall from one
grid to the next, is what the next, still finer grid will find.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lossviz.landscape import Surface

Floats = NDArray[np.float64]

FASTEST = 1 / 16  # bicubic interpolation is of fourth order: halving the step gains no more
SMOOTH = 0.7  # surpluses that fall more slowly are those of a surface that does not interpolate
MARGIN = 1.5  # more images than the estimate needs: from few images, long tails look short
FINEST = 129  # points a side
FIRST, SECOND = 9, 17  # the grids on which images are counted, and once more


def median_error(surface: Surface) -> float:
    """The median over the points of the loss' standard error relative to the loss; NaN if none."""
    errors = surface.quantities.get("loss_stderr")
    if errors is None:
        return math.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.abs(errors / surface.loss)
    return float(np.median(relative[np.isfinite(relative)])) if np.isfinite(relative).any() else 0.0


def images_needed(error: float, images: int, tolerance: float) -> int:
    """How many images bring a relative standard error down to ``tolerance``: it falls as 1/√N."""
    return math.ceil(images * (error / tolerance) ** 2 * MARGIN)


def surplus(coarse: Surface, fine: Surface) -> Floats:
    """What ``fine`` found beyond the interpolation of ``coarse``, at its new points ``(k,)``.

    Relative to the loss, or to the median loss where the loss is lower than that: in the bottom of
    a valley a thousandth of the picture's scale is not told apart from two. Points next to losses
    that are not finite are left out.
    """
    a = np.isin(fine.alphas, coarse.alphas)
    b = np.isin(fine.betas, coarse.betas)
    new = ~(a[:, None] & b[None, :]) & np.isfinite(fine.loss)
    if not np.isfinite(coarse.loss).all():
        new &= _far_from_holes(fine.loss)
    if not new.any():
        return np.zeros(0)
    expected = interpolate(coarse, fine.alphas, fine.betas)
    scale = np.maximum(np.abs(fine.loss), np.median(np.abs(fine.loss[np.isfinite(fine.loss)])))
    difference = np.abs(expected - fine.loss)
    scaled = np.divide(difference, scale, out=np.zeros_like(difference), where=difference > 0)
    return scaled[new]


def interpolate(surface: Surface, alphas: Floats, betas: Floats) -> Floats:
    """The loss at ``alphas`` x ``betas``, bicubic in log(loss) where all losses are positive."""
    from scipy.interpolate import RectBivariateSpline

    values = _filled(surface.loss)
    positive = bool((values > 0).all())
    with np.errstate(over="ignore"):
        values = np.log(values) if positive else values
        orders = [min(3, size - 1) for size in values.shape]
        if min(orders) < 1:  # a line: nothing to interpolate across
            flat = np.interp(*_line(surface, values, alphas, betas))
            found = flat.reshape(alphas.size, betas.size)
        else:
            spline = RectBivariateSpline(
                surface.alphas, surface.betas, values, kx=orders[0], ky=orders[1], s=0
            )
            found = spline(alphas, betas)
        return np.exp(found) if positive else found


def _line(
    surface: Surface, values: Floats, alphas: Floats, betas: Floats
) -> tuple[Floats, Floats, Floats]:
    along_alpha = surface.alphas.size > 1
    x, known = (alphas, surface.alphas) if along_alpha else (betas, surface.betas)
    return np.asarray(x), known, values.ravel()


def _filled(values: Floats) -> Floats:
    """What is not finite, replaced by the nearest value that is."""
    holes = ~np.isfinite(values)
    if not holes.any() or holes.all():
        return np.where(holes, 0.0, values)
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(holes, return_distances=False, return_indices=True)
    return np.asarray(values[tuple(nearest)])


def _far_from_holes(values: Floats) -> NDArray[np.bool_]:
    from scipy.ndimage import binary_dilation

    return np.asarray(~binary_dilation(~np.isfinite(values), np.ones((3, 3)), iterations=4))


@dataclass
class Convergence:
    """The errors of nested grids, one after the other.

    ``largest`` holds each grid's largest surplus over the one before.
    """

    largest: list[float] = field(default_factory=list)
    _last: Surface | None = None

    def add(self, surface: Surface) -> None:
        """Take the next finer, complete grid."""
        if self._last is not None:
            found = surplus(self._last, surface)
            self.largest.append(float(found.max(initial=0.0)))
        self._last = surface

    @property
    def rate(self) -> float:
        """By which factor surpluses fall, the slower of the last two times; 1 if unknown.

        Of the last two, because the very coarse grids miss so much that one fall means nothing.
        """
        if len(self.largest) < 3:
            return 1.0
        falls = [b / a if a > 0 else 0.0 for a, b in pairwise(self.largest[-3:])]
        return min(1.0, max(FASTEST, *falls))

    @property
    def error(self) -> float:
        """The largest error of interpolating the last grid, as far as can be told; NaN if not."""
        return self.largest[-1] * self.rate if self.largest else math.nan

    @property
    def interpolates(self) -> bool:
        """Whether the surpluses fall as those of a smooth surface do."""
        return self.rate <= SMOOTH
