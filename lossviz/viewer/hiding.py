"""What the surface hides: whether it lies between the eye and a place in the scene."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lossviz.viewer.camera import View
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

RIM = 1e-4  # of a point's distance to the next one: the axes' places are rounded
STEPS = 64  # along a line of sight, and points a side of the surface: enough for labels

Floats = NDArray[np.float64]


class Hiding:
    """The surface as it is seen in a view."""

    def __init__(self, scene: Scene, state: ViewState, index: int, view: View) -> None:
        item = scene.items[index]
        self.view, self.top = view, scene.top(state)
        self.xs, self.ys, self.heights = item.displayed(
            state, scene.height_range(state, index), self.top, STEPS
        )

    def hides(self, points: Floats) -> NDArray[np.bool_]:
        """``(k,)``: whether the surface hides ``points (k, 3)`` on or under it."""
        to_eye = -self.view.forward if self.view.orthographic else self.view.eye - points
        to_eye = np.broadcast_to(to_eye, points.shape)
        rising = to_eye[:, 2] > 1e-9  # from below the floor hides, and nothing that is on it
        z = np.linspace(0, self.top, STEPS)
        share = (z - points[:, 2:]) / np.where(rising, to_eye[:, 2], 1.0)[:, None]
        sight = points[:, None] + share[..., None] * to_eye[:, None]  # (k, STEPS, 3)
        above = sight[..., 2] - self._height(sight[..., 0], sight[..., 1])
        with np.errstate(invalid="ignore"):
            crossed = (above[:, :-1] * above[:, 1:] < 0).any(axis=1)
        return rising & crossed

    def _height(self, x: Floats, y: Floats) -> Floats:
        """The nearest displayed heights; NaN beside the surface and on its rim."""
        j = np.interp(x, self.xs, np.arange(len(self.xs)))
        i = np.interp(y, self.ys, np.arange(len(self.ys)))
        last_i, last_j = len(self.ys) - 1 - RIM, len(self.xs) - 1 - RIM
        inside = (j > RIM) & (j < last_j) & (i > RIM) & (i < last_i)
        nearest = self.heights[np.rint(i).astype(int), np.rint(j).astype(int)]
        return np.where(inside, nearest, np.nan)
