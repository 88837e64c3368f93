"""Between the grid points: cubic convolution, so that a coarse grid draws as a smooth surface.

The interpolant passes through every computed value. It interpolates log(loss) where losses are
positive and span more than two decades, since landscapes are smooth there; cells with a missing
corner stay holes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FINE = 400  # about as many cells a side as a drawn surface needs


def factor(shape: tuple[int, int]) -> int:
    """Into how many parts to cut each cell of a grid of ``shape`` points."""
    return max(1, min(16, FINE // max(*shape, 2)))


def weights(count: int, parts: int) -> Floats:
    """``((count-1)*parts + 1, count)`` cubic convolution weights (Keys 1981, a = -1/2).

    Beyond the ends the samples go on as f(-1) = 3 f(0) - 3 f(1) + f(2) (Keys 1981, section IV).
    """
    fine = (count - 1) * parts + 1
    result = np.zeros((fine, count))
    if count < 3 or parts == 1:
        position = np.arange(fine) / parts
        return np.maximum(0, 1 - np.abs(position[:, None] - np.arange(count)))
    index = np.minimum(np.arange(fine) // parts, count - 2)
    t = np.arange(fine) / parts - index
    taps = np.stack([
        ((-0.5 * t + 1) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1,
        ((-1.5 * t + 2) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    ])  # fmt: skip
    rows = np.arange(fine)
    for offset, tap in zip((-1, 0, 1, 2), taps, strict=True):
        column = index + offset
        inside = (column >= 0) & (column < count)
        np.add.at(result, (rows[inside], column[inside]), tap[inside])
        for end, step in ((0, 1), (count - 1, -1)):
            outside = column == end - step
            for k, weight in enumerate((3.0, -3.0, 1.0)):
                np.add.at(result, (rows[outside], end + step * k), weight * tap[outside])
    return result


def fill(values: Floats) -> Floats:
    """``(m, n)`` with every hole replaced by the mean of its filled neighbours, ring by ring."""
    filled, known = np.where(np.isfinite(values), values, 0.0), np.isfinite(values)
    if not known.any():
        return filled
    while not known.all():
        total, count = np.zeros_like(filled), np.zeros(filled.shape)
        padded, mask = np.pad(filled * known, 1), np.pad(known, 1)
        for i in range(3):
            for j in range(3):
                window = np.s_[i : i + filled.shape[0], j : j + filled.shape[1]]
                total, count = total + padded[window], count + mask[window]
        new = ~known & (count > 0)
        filled[new] = total[new] / count[new]
        known |= new
    return filled


def refine(values: Floats, parts: int) -> Floats:
    """``(m, n)`` values on a grid ``parts`` times finer; NaN in cells with a missing corner."""
    finite = np.isfinite(values)
    if parts == 1:
        return np.where(finite, values, np.nan)
    rows, columns = (weights(count, parts) for count in values.shape)
    fine = rows @ fill(values) @ columns.T
    if finite.all():
        return fine
    cells = finite[:-1, :-1] & finite[1:, :-1] & finite[:-1, 1:] & finite[1:, 1:]
    keep = np.zeros(fine.shape, dtype=bool)
    for i, j in zip(*np.nonzero(cells), strict=True):
        keep[i * parts : (i + 1) * parts + 1, j * parts : (j + 1) * parts + 1] = True
    return np.where(keep, fine, np.nan)
