"""Persistence of the extrema and saddles of a field on a grid (Edelsbrunner and Harer 2010, VII).

The components of the sublevel sets are born in minima and merge in saddles: of two that merge the
younger dies, and the difference of the values is the persistence of both. The components of the
superlevel sets do the same with maxima. Vertices are taken in the order of (value, index).

Every vertex belongs to the minimum that steepest descent leads it to, and is joined to it by a path
below it; so the components merge along the edges between two such basins, and Kruskal's algorithm
over those edges is the union-find over all vertices.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

FOUR = ((0, 1), (1, 0))
EIGHT = (*FOUR, (1, 1), (1, -1))


class Pairs(NamedTuple):
    """An extremum and the saddle that ends it, as flat indices of vertices, and |difference|."""

    extrema: Indices  # (k,)
    saddles: Indices  # (k,); −1: it ends nowhere (the lowest minimum)
    elders: Indices  # (k,): the extremum of what it is merged into; itself if it ends nowhere
    persistence: Floats  # (k,)


def persistence(values: Floats) -> tuple[Pairs, Pairs]:
    """The pairs minimum–saddle and maximum–saddle of ``values (n, m)``, all finite.

    Sublevel sets are joined along 4 neighbours; superlevel sets along 8, and to an outside vertex
    above everything that touches the whole border. These are dimensions 0 and 1 of the cubical
    complex whose vertices have these values, with the persistence of every pair above 0. The
    lowest minimum's persistence is the field's range.
    """
    order = ranks(values)
    down = _pairs(values, order, FOUR, outside=False)
    # The very same order backwards: then, of equal saddles too, each ends one extremum.
    up = _pairs(-values, values.size - 1 - order, EIGHT, outside=True)
    return down, up


def descend(rank: Indices, directions: tuple[tuple[int, int], ...]) -> Indices:
    """Of each vertex ``(n, m)`` the flat index of the vertex that descent along the lowest
    neighbour ends in; ``rank (n, m)`` orders the vertices."""
    lowest = rank.copy()
    for here, there in _edges(rank.shape, directions):
        np.minimum(lowest[here], rank[there], out=lowest[here])
        np.minimum(lowest[there], rank[here], out=lowest[there])
    by_rank = np.empty(rank.size, np.intp)
    by_rank[rank.ravel()] = np.arange(rank.size)
    return jump(by_rank[lowest.ravel()]).reshape(rank.shape)


def jump(target: Indices) -> Indices:
    """The end of every chain i → target[i] → …, by doubling its length until nothing changes."""
    while True:
        further = target[target]
        if np.array_equal(further, target):
            return target
        target = further


def ranks(values: Floats) -> Indices:
    """``(n, m)``: the place of each vertex in the order of (value, index)."""
    rank = np.empty(values.size, np.intp)
    rank[np.argsort(values, axis=None, kind="stable")] = np.arange(values.size)
    return rank.reshape(values.shape)


def _edges(
    shape: tuple[int, ...], directions: tuple[tuple[int, int], ...]
) -> list[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Slices of the two ends of all edges, a pair for each direction."""
    found = []
    for i, j in directions:
        here = slice(0, shape[0] - i), slice(max(0, -j), shape[1] - max(0, j))
        there = slice(i, shape[0]), slice(max(0, j), shape[1] + min(0, j))
        found.append((here, there))
    return found


def _pairs(
    values: Floats, rank: Indices, directions: tuple[tuple[int, int], ...], *, outside: bool
) -> Pairs:
    basin = descend(rank, directions)
    vertex = np.arange(values.size).reshape(values.shape)
    ends = [
        (
            basin[a].ravel(),
            basin[b].ravel(),
            np.where(rank[a] > rank[b], vertex[a], vertex[b]).ravel(),
        )
        for a, b in _edges(values.shape, directions)
    ]
    if outside:
        border = np.ones(values.shape, bool)
        border[1:-1, 1:-1] = False
        ends.append((basin[border], np.full(border.sum(), values.size), vertex[border]))
    first, second, saddle = (np.concatenate(parts) for parts in zip(*ends, strict=True))
    return _kruskal(first, second, saddle, values.ravel(), rank.ravel(), outside=outside)


def _kruskal(
    first: Indices,
    second: Indices,
    saddle: Indices,
    values: Floats,
    rank: Indices,
    *,
    outside: bool,
) -> Pairs:
    """Merge basins along edges in the order of their higher vertex."""
    apart = first != second
    low, high = np.minimum(first, second)[apart], np.maximum(first, second)[apart]
    saddle = saddle[apart]
    order = np.lexsort((rank[saddle], high, low))  # of each pair of basins the lowest edge
    low, high, saddle = low[order], high[order], saddle[order]
    lowest = np.r_[True, (np.diff(low) != 0) | (np.diff(high) != 0)][: low.size]
    low, high, saddle = low[lowest], high[lowest], saddle[lowest]
    order = np.argsort(rank[saddle], kind="stable")

    parent = {int(basin): int(basin) for basin in np.unique(np.r_[first, second])}
    birth = {basin: int(rank[basin]) if basin < rank.size else -1 for basin in parent}

    def root(basin: int) -> int:
        while parent[basin] != basin:
            parent[basin] = basin = parent[parent[basin]]
        return basin

    extrema, saddles, elders = [], [], []
    for a, b, at in zip(
        low[order].tolist(), high[order].tolist(), saddle[order].tolist(), strict=True
    ):
        a, b = root(a), root(b)
        if a == b:
            continue
        older, younger = (a, b) if birth[a] < birth[b] else (b, a)
        parent[younger] = older
        if values[at] > values[younger]:
            extrema.append(younger)
            saddles.append(at)
            elders.append(older)
    died = values[np.array(saddles, np.intp)] - values[np.array(extrema, np.intp)]
    if not outside:
        extrema.append(int(rank.argmin()))
        saddles.append(-1)
        elders.append(extrema[-1])
        died = np.append(died, values.max() - values.min())
    first, second, third = (np.array(part, np.intp) for part in (extrema, saddles, elders))
    return Pairs(first, second, third, died)
