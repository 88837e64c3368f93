"""Meshes of other programs as landscapes: a lattice in x and y whose heights are z."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossviz.errors import InputError
from lossviz.landscape import Landscape, Provenance, Surface

MOST_CELLS = 4  # a lattice may have this many times as many places as vertices, else it is none


def mesh_to_landscape(tables: Mapping[str, NDArray[Any]], name: str, place: str) -> Landscape:
    """The grid that the vertices form; places without a vertex are holes.

    Raises
    ------
    InputError
        If there are no vertices, or they form no lattice.
    """
    vertices = tables.get("vertex")
    columns = vertices.dtype.names or () if vertices is not None else ()
    if vertices is None or not {"x", "y", "z"} <= set(columns):
        raise InputError(f"{place}: expected vertices with x, y and z")
    x, y, z = (np.asarray(vertices[side], dtype=float) for side in "xyz")
    if not len(x) or not np.isfinite(np.concatenate([x, y, z])).all():
        raise InputError(f"{place}: vertex: expected finite coordinates")
    faces = tables.get("face")
    if faces is not None and len(faces):
        low, high = int(faces["indices"].min()), int(faces["indices"].max())
        if low < 0 or high >= len(x):
            raise InputError(
                f"{place}: face: expected indices 0 to {len(x) - 1}, got {low} to {high}"
            )
    (alphas, i), (betas, j) = _steps(x), _steps(y)
    if alphas.size * betas.size > MOST_CELLS * len(x) + 16:
        raise InputError(
            f"{place}: expected vertices on a lattice of x and y, got {len(x):,} vertices at "
            f"{alphas.size:,} different x and {betas.size:,} different y"
        )
    loss = np.full((alphas.size, betas.size), np.nan)
    loss[i, j] = z
    known = Provenance(notes=("read from a mesh of another program: heights are its z",))
    surface = Surface(alphas, betas, {"loss": loss}, np.isfinite(loss))
    return Landscape(surface=surface, provenance=known, name=name)


def _steps(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The different coordinates, nearly equal ones as one, and each value's place among them."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    tolerance = 1e-5 * (ordered[-1] - ordered[0]) / max(len(values) ** 0.5, 1)
    new = np.concatenate([[True], np.diff(ordered) > tolerance])
    places = np.empty(len(values), np.int64)
    places[order] = np.cumsum(new) - 1
    return ordered[new], places
