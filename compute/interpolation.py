"""The loss at any place of a sampled surface."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from compute.field import field
from compute.spline import Spline
from lossviz.landscape import Surface

ON_GRID = 1e-9  # cells


def loss_at(surface: Surface, alpha: float, beta: float) -> tuple[float, str]:
    """The loss at a place by a surface, and how it is known there.

    On a grid point that is the "computed" value; between them "interpolated" by the bicubic spline
    (de Boor 1962, Journal of Mathematics and Physics 41), in the logarithm where losses span two
    decades. NaN "beside the surface" and in "a hole".
    """
    axes, place = (surface.alphas, surface.betas), (alpha, beta)
    near = [int(np.abs(axis - at).argmin()) for axis, at in zip(axes, place, strict=True)]
    off = (abs(a[i] - at) / _cell(a) for a, i, at in zip(axes, near, place, strict=True))
    if max(off) <= ON_GRID:
        return float(surface.loss[near[0], near[1]]), "computed"
    if not all(axis[0] <= at <= axis[-1] for axis, at in zip(axes, place, strict=True)):
        return math.nan, "beside the surface"
    found = field(surface)
    if found is None or min(surface.shape) < 2:
        return math.nan, "a hole"
    around = (_around(axis, at) for axis, at in zip(axes, place, strict=True))
    if found.holes[np.ix_(*around)].any():
        return math.nan, "a hole"
    value = Spline(found.x, found.y, found.values)(found.to_cells(np.array([place])))
    return float(found.to_loss(value)[0]), "interpolated"


def _cell(axis: NDArray[np.float64]) -> float:
    return float(np.diff(axis).min()) if axis.size > 1 else 1.0


def _around(axis: NDArray[np.float64], at: float) -> list[int]:
    """The lines on both sides of a place."""
    after = int(np.clip(np.searchsorted(axis, at), 1, axis.size - 1))
    return [after - 1, after]
