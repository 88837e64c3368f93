"""What the sidebar's plots share: numbers that ImPlot can scale, pieces of lines, colours."""

from __future__ import annotations

import numpy as np
from imgui_bundle import imgui, implot
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SMALL = 11.0  # points: the numbers
LARGEST = 1e300  # what a plot can scale
BARE = implot.Flags_.no_legend | implot.Flags_.no_menus | implot.Flags_.no_box_select
GREY = np.array([128, 128, 128], np.uint8)


def scale() -> float:
    """Window units a point."""
    return float(imgui.get_style().font_scale_dpi)


def plain(values: Floats) -> Floats:
    """``(k,)`` contiguous doubles within what a plot can scale."""
    return np.ascontiguousarray(np.clip(values, -LARGEST, LARGEST))


def pieces(good: NDArray[np.bool_], most: int) -> list[list[int]]:
    """Where runs of True in ``good (k,)`` begin, and one after where they end; the first ones."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(int)))
    found: list[list[int]] = edges.reshape(-1, 2)[:most].tolist()
    return found


def spec(color: NDArray[np.uint8], width: float, opacity: float = 1.0) -> implot.Spec:
    """A line of ``width`` points, or an area, in ``color (3,)``."""
    made = implot.Spec()
    red, green, blue = (color / 255).tolist()
    made.line_color = made.fill_color = imgui.ImVec4(red, green, blue, opacity)
    made.line_weight = width * scale()
    return made
