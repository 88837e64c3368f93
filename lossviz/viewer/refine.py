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
    rows = np.arange(fine)
    for offset, tap in zip((-1, 0, 1, 2), taps(t), strict=True):
        column = index + offset
        inside = (column >= 0) & (column < count)
        np.add.at(result, (rows[inside], column[inside]), tap[inside])
        for end, step in ((0, 1), (count - 1, -1)):
            outside = column == end - step
            for k, weight in enumerate((3.0, -3.0, 1.0)):
                np.add.at(result, (rows[outside], end + step * k), weight * tap[outside])
    return result


def taps(t: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """The weights ``(k,)`` each of the points at -1, 0, 1 and 2 at shares ``t (k,)`` of the way
    from 0 to 1 (Keys 1981, a = -1/2)."""
    return (
        ((-0.5 * t + 1) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1,
        ((-1.5 * t + 2) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    )


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


def nested(count: int) -> list[NDArray[np.int64]]:
    """Choices of indices below ``count``, coarse to fine, in the order in which they are computed:
    every 2^k-th and the last."""
    strides = [1 << k for k in range(max(count - 1, 1).bit_length())]
    return [np.unique([*range(0, count, stride), count - 1]) for stride in reversed(strides)]


def bridge(values: Floats, evaluated: NDArray[np.bool_], alphas: Floats, betas: Floats) -> Floats:
    """``(n, m)`` values with what was not evaluated yet taken from between coarser points.

    Level by level, bilinear in the one before; as they are if even the corners are missing. NaN and
    Inf that were computed stay, and spread over what lies between them and their neighbours.
    """
    by_row, by_column = nested(alphas.size), nested(betas.size)
    depth = max(len(by_row), len(by_column))
    by_row = by_row[:1] * (depth - len(by_row)) + by_row
    by_column = by_column[:1] * (depth - len(by_column)) + by_column
    rows, columns = by_row[0], by_column[0]
    if evaluated.all() or not evaluated[np.ix_(rows, columns)].all():
        return values
    known = values[np.ix_(rows, columns)]
    for finer_rows, finer_columns in zip(by_row[1:], by_column[1:], strict=True):
        known = _between(known, alphas[rows], alphas[finer_rows])
        known = _between(known.T, betas[columns], betas[finer_columns]).T
        rows, columns = finer_rows, finer_columns
        here = np.ix_(rows, columns)
        known = np.where(evaluated[here], values[here], known)
    return known


def _between(values: Floats, known: Floats, wanted: Floats) -> Floats:
    """Rows of ``values`` at ``known`` places, linearly at ``wanted`` ones within."""
    after = np.clip(np.searchsorted(known, wanted), 1, max(known.size - 1, 1))
    if known.size == 1:
        return np.repeat(values, wanted.size, axis=0)
    share = ((wanted - known[after - 1]) / (known[after] - known[after - 1]))[:, None]
    with np.errstate(invalid="ignore"):
        mixed = (1 - share) * values[after - 1] + share * values[after]
    # At a known place its neighbours do not matter, whatever they are.
    return np.where(share == 0, values[after - 1], np.where(share == 1, values[after], mixed))


def nearest(values: Floats, parts: int) -> Floats:
    """``(m, n)`` values on a grid ``parts`` times finer, each that of the nearest point."""
    rows, columns = ((np.arange((n - 1) * parts + 1) + parts // 2) // parts for n in values.shape)
    found = values[np.ix_(rows, columns)]
    return np.where(np.isfinite(found), found, np.nan)


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


def spread(values: Floats) -> Floats:
    """Holes take the value of a neighbour, two steps deep; further in they are 0."""
    result = values.copy()
    for _ in range(2):
        if not np.isnan(result).any():
            break
        for axis in (0, 1):
            for step, border in ((1, 0), (-1, -1)):
                moved = np.roll(result, step, axis)
                moved.swapaxes(0, axis)[border] = np.nan  # beyond it there is no neighbour
                result = np.where(np.isnan(result), moved, result)
    return np.nan_to_num(result, copy=False)
