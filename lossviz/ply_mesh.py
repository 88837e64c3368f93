"""Meshes of other programs as landscapes: heights are z, over a grid in x and y."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossviz.errors import InputError
from lossviz.landscape import Floats, Landscape, Provenance, Surface
from lossviz.ply_read import check_faces

Indices = NDArray[np.int64]

FULL = 0.5  # a lattice has vertices at this share of its places at least, else it is none
FINEST = 512  # grid points a side when a mesh is resampled
MOST_PAIRS = 20_000_000  # of triangles and grid points near them: seconds of work
AT_ONCE = 1_000_000
LARGEST_COORDINATE = 1e100  # so that products of coordinates stay finite


def mesh_to_landscape(tables: Mapping[str, NDArray[Any]], name: str, place: str) -> Landscape:
    """The grid that the vertices form, or the triangles sampled on a grid.

    Places of the grid without a vertex or triangle are holes; of surfaces that lie over each
    other, the highest counts.

    Raises
    ------
    InputError
        If there are no vertices, or they form no lattice and there are no triangles either.
    """
    vertices = tables.get("vertex")
    columns = vertices.dtype.names or () if vertices is not None else ()
    if vertices is None or not {"x", "y", "z"} <= set(columns):
        raise InputError(f"{place}: expected vertices with x, y and z")
    points = np.stack([np.asarray(vertices[side], dtype=float) for side in "xyz"], axis=1)
    if not len(points) or not (np.abs(points) < LARGEST_COORDINATE).all():
        raise InputError(f"{place}: vertex: expected at least one, with finite coordinates")
    check_faces(tables, len(points), place)
    surface, note = _lattice(points), "heights are its z"
    if surface is None:
        faces = tables.get("face")
        if faces is None or not len(faces):
            raise InputError(
                f"{place}: expected triangles, or vertices on a lattice of x and y; "
                f"got {len(points):,} scattered vertices"
            )
        surface = _resampled(points, np.asarray(faces["indices"], dtype=np.int64), place)
        n, m = surface.shape
        note += f", sampled at {n} x {m} points of its {len(faces):,} triangles"
    known = Provenance(notes=(f"read from a mesh of another program: {note}",))
    return Landscape(surface=surface, provenance=known, name=name)


def _lattice(points: Floats) -> Surface | None:
    """The vertices ``(k, 3)`` as they are, if they form a grid."""
    (alphas, i), (betas, j) = _steps(points[:, 0]), _steps(points[:, 1])
    if alphas.size * betas.size * FULL > len(points):  # before anything of this size is made
        return None
    loss = np.full((alphas.size, betas.size), -np.inf)
    np.maximum.at(loss, (i, j), points[:, 2])
    known = np.isfinite(loss)
    if known.mean() < FULL:
        return None
    return Surface(alphas, betas, {"loss": np.where(known, loss, np.nan)}, known)


def _steps(values: Floats) -> tuple[Floats, Indices]:
    """The different coordinates, nearly equal ones as one, and each value's place among them."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    tolerance = 1e-5 * (ordered[-1] - ordered[0]) / max(len(values) ** 0.5, 1)
    new = np.concatenate([[True], np.diff(ordered) > tolerance])
    places = np.empty(len(values), np.int64)
    places[order] = np.cumsum(new) - 1
    return ordered[new], places


def _resampled(points: Floats, triangles: Indices, place: str) -> Surface:
    """Linear interpolation within each triangle at the points of a grid as fine as the mesh."""
    lowest, highest = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    if not (highest > lowest).all():
        raise InputError(f"{place}: expected a mesh over x and y, got one that stands on edge")
    side = min(max(math.isqrt(len(points)), 2), FINEST)
    alphas, betas = (np.linspace(lowest[k], highest[k], side) for k in (0, 1))
    if not all((np.diff(axis) > 0).all() for axis in (alphas, betas)):
        raise InputError(f"{place}: vertex: expected coordinates further apart")
    # In units of grid steps: sizes and corners of the boxes around the triangles are integers.
    units = (points[:, :2] - lowest) / (highest - lowest) * (side - 1)
    corners = units[triangles]  # (t, 3, 2)
    first = np.clip(np.ceil(corners.min(axis=1) - 1e-9), 0, side - 1).astype(np.int64)
    last = np.clip(np.floor(corners.max(axis=1) + 1e-9), 0, side - 1).astype(np.int64)
    sizes = np.maximum(last - first + 1, 0)
    pairs = sizes.prod(axis=1)
    if pairs.sum() > MOST_PAIRS:
        raise InputError(f"{place}: expected a height over x and y, got triangles in many layers")
    heights = np.full((side, side), -np.inf)
    ends = np.cumsum(pairs)
    start = 0
    while start < len(triangles):  # so many triangles that the arrays stay small
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + AT_ONCE, side="right")))
        part = slice(start, stop)
        owner = np.repeat(np.arange(start, stop), pairs[part])
        within = np.arange(len(owner)) - np.repeat(ends[part] - pairs[part] - done, pairs[part])
        i = first[owner, 0] + within // np.maximum(sizes[owner, 1], 1)
        j = first[owner, 1] + within % np.maximum(sizes[owner, 1], 1)
        inside, z = _interpolate(corners[owner], points[triangles[owner], 2], i, j)
        np.maximum.at(heights, (i[inside], j[inside]), z[inside])
        start = stop
    known = np.isfinite(heights)
    return Surface(alphas, betas, {"loss": np.where(known, heights, np.nan)}, known)


def _interpolate(
    corners: Floats, z: Floats, i: Indices, j: Indices
) -> tuple[NDArray[np.bool_], Floats]:
    """Whether each point ``(i, j)`` is in its triangle, and the height there, both ``(k,)``.

    ``corners`` is ``(k, 3, 2)`` in grid steps and ``z`` is ``(k, 3)``; the weights are the
    barycentric coordinates.
    """
    to_b, to_c = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    to_p = np.stack([i, j], axis=1) - corners[:, 0]
    area = to_b[:, 0] * to_c[:, 1] - to_b[:, 1] * to_c[:, 0]
    flat = np.abs(area) < 1e-12  # seen from the side
    area = np.where(flat, 1.0, area)
    b = (to_p[:, 0] * to_c[:, 1] - to_p[:, 1] * to_c[:, 0]) / area
    c = (to_b[:, 0] * to_p[:, 1] - to_b[:, 1] * to_p[:, 0]) / area
    weights = np.stack([1 - b - c, b, c], axis=1)
    inside = ~flat & (weights >= -1e-9).all(axis=1)
    return inside, (weights * z).sum(axis=1)
