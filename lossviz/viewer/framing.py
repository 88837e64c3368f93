"""The camera of a picture that shows everything: as near as what is written around allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from lossviz.viewer.annotations import axes_unclipped, label_box
from lossviz.viewer.arrangement import complete
from lossviz.viewer.camera import Insets, View, resolve, view
from lossviz.viewer.layout import Rect
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import CameraState, ViewState

PAD = 0.03  # of the cell's smaller side: between what is drawn and the cell's border
MOST = 0.7  # of a side: what labels may take


def framed(
    scene: Scene, state: ViewState, cell: Rect, scale: float, camera: CameraState | None = None
) -> CameraState:
    """A camera in a cell, that of the view or another one, a copy; one of distance 0 comes as near
    as all fits."""
    own = replace(camera or state.camera)
    if own.distance > 0:
        return own
    bounds = scene.bounds(state)
    pad = PAD * min(cell.width, cell.height)
    insets: Insets = (pad, pad, pad, pad)
    for _ in range(3 if state.axes.axes else 0):  # labels keep their size whatever the distance
        trial = resolve(replace(own), bounds, cell.width, cell.height, insets)
        beside = _overhang(scene, state, view(trial, cell.width, cell.height), scale)
        insets = _limited(beside + pad, cell)
    return resolve(own, bounds, cell.width, cell.height, insets)


def frame_all(scene: Scene, state: ViewState, viewports: Sequence[Rect], scale: float) -> None:
    """Give the view's cameras, one for all landscapes or each its own, the distances that fit."""
    complete(scene, state)
    own = state.compare
    state.camera = framed(scene, state, viewports[0 if own.linked else own.handled], scale)
    if not own.linked:
        own.cameras = tuple(
            framed(scene, state, port, scale, camera)
            for port, camera in zip(viewports, own.cameras, strict=True)
        )


def _overhang(scene: Scene, state: ViewState, seen: View, scale: float) -> np.ndarray:
    """(4,) pixels that labels reach beyond the box at the left, top, right and bottom."""
    corners = seen.project(np.array(list(product(*zip(*scene.bounds(state), strict=True)))))
    left, top = corners[:, :2].min(axis=0)
    right, bottom = corners[:, :2].max(axis=0)
    found = [np.zeros(4)]
    for index, item in enumerate(scene.items):
        if item.is_figure:
            continue
        for label in axes_unclipped(scene, state, index, seen, scale)[1]:
            x, y, width, height = label_box(label, scale).sides
            found.append(np.array([left - x, top - y, x + width - right, y + height - bottom]))
    return np.max(found, axis=0)


def _limited(insets: np.ndarray, cell: Rect) -> Insets:
    """Insets that leave something of a small cell."""
    sides = np.array([cell.width, cell.height])
    taken = insets[:2] + insets[2:]
    share = np.minimum(1.0, MOST * sides / taken)
    left, top, right, bottom = (insets * np.tile(share, 2)).tolist()
    return left, top, right, bottom
