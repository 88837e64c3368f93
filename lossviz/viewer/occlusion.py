"""Ambient occlusion of a height field: how much of the sky each point sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DIRECTIONS = 16
SIDE = 161  # the occlusion is smooth: a coarse grid is enough
SMOOTHING = 6  # passes
REACH = 0.55  # scene units; farther slopes do not darken


def ambient_occlusion(
    heights: NDArray[np.float64], width_x: float, width_y: float
) -> NDArray[np.float32]:
    """``(m, n)`` float32 in [0, 1]: 1 where the whole sky is open.

    For each of 16 directions the horizon is the steepest slope within reach; the part of the
    sky above it is 1 - sin(elevation), weighted by the cosine (horizon-based occlusion, Bavoil
    and Sainz 2008, in its simplest form). ``heights (m, n)`` in scene units over
    ``width_x`` x ``width_y``.
    """
    rows, columns = heights.shape
    step_x, step_y = width_x / max(columns - 1, 1), width_y / max(rows - 1, 1)
    step = max(step_x, step_y)
    total = np.zeros(heights.shape)
    for angle in np.arange(DIRECTIONS) * (2 * np.pi / DIRECTIONS):
        steepest = np.zeros(heights.shape)
        distance = step
        while distance <= REACH:
            i = round(distance * np.sin(angle) / step_y)
            j = round(distance * np.cos(angle) / step_x)
            if (i, j) != (0, 0) and abs(i) < rows and abs(j) < columns:
                length = np.hypot(i * step_y, j * step_x)
                here = np.s_[max(0, -i) : rows - max(0, i), max(0, -j) : columns - max(0, j)]
                there = np.s_[max(0, i) : rows + min(0, i), max(0, j) : columns + min(0, j)]
                slope = (heights[there] - heights[here]) / length
                # Fades with distance, so that nothing ends with an edge.
                slope = slope * (1 - (length / (REACH * 1.05)) ** 2)
                np.maximum(steepest[here], slope, out=steepest[here])
            distance = max(distance * 1.2, distance + step)
        # Open sky over a horizon of this slope, cosine weighted: 1 - sin².
        total += 1 / (1 + steepest**2)
    open_sky = smoothed(total / DIRECTIONS)
    return (0.35 + 0.65 * open_sky).astype(np.float32)


def smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Binomial smoothing: single directions and distances leave streaks that are no shape."""
    weights = np.array([1, 4, 6, 4, 1]) / 16
    for _ in range(SMOOTHING):
        for side in (0, 1):
            padded = np.pad(values, [(2, 2) if axis == side else (0, 0) for axis in (0, 1)], "edge")
            parts = [
                weight * np.take(padded, range(k, k + values.shape[side]), axis=side)
                for k, weight in enumerate(weights)
            ]
            values = sum(parts[1:], parts[0])
    return values
