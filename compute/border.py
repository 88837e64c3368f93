"""Extrema of the window: on its border, and no critical points of the loss."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compute.spline import Spline

Floats = NDArray[np.float64]

CORNER = 1e-6  # cells: an extremum of an edge this near to a corner is the corner's


def border_extrema(
    spline: Spline, x: Floats, y: Floats, values: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    """Where the spline's restriction to the window has minima and maxima on its border.

    Returns ``(k, 2)`` and whether each is a minimum: an extremum along the edge from which the
    field also rises (for a maximum: falls) inwards, or such a corner.
    """
    points, minima = [np.zeros((0, 2))], [np.zeros(0, bool)]
    for axis in (0, 1):
        along, across = (y, x) if axis == 0 else (x, y)
        for end, inwards in ((0, 1.0), (-1, -1.0)):
            edge = values.take(end, axis=axis)
            places, bends = _extrema(along, np.asarray(edge))
            own = np.empty((places.size, 2))
            own[:, axis], own[:, 1 - axis] = across[end], places
            slope = inwards * spline.gradient(own)[:, axis]
            agree = bends * slope > 0
            points.append(own[agree])
            minima.append(bends[agree] > 0)
    corners = np.array([(i, j) for i in (0, -1) for j in (0, -1)])
    own = np.stack([x[corners[:, 0]], y[corners[:, 1]]], axis=1)
    slopes = spline.gradient(own) * np.where(corners == 0, 1.0, -1.0)
    for minimum in (True, False):
        chosen = ((slopes > 0) if minimum else (slopes < 0)).all(axis=1)
        points.append(own[chosen])
        minima.append(np.full(chosen.sum(), minimum))
    return np.concatenate(points), np.concatenate(minima)


def _extrema(along: Floats, edge: Floats) -> tuple[Floats, Floats]:
    """Interior extrema ``(e,)`` of the spline through one edge, and its second derivatives."""
    from scipy.interpolate import PPoly, make_interp_spline

    curve = make_interp_spline(along, edge, k=min(3, along.size - 1))
    if along.size < 3:
        return np.zeros(0), np.zeros(0)
    slope = PPoly.from_spline(curve.derivative())
    places = slope.roots(extrapolate=False)
    places = places[np.isfinite(places)]
    inside = (places > along[0] + CORNER) & (places < along[-1] - CORNER)
    places = np.unique(places[inside])
    return places, np.asarray(slope(places, 1))
