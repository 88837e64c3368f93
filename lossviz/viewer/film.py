"""Films: the views of a scene, one a frame. Each is a view like any other, drawn like one."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lossviz.viewer.framing import framed
from lossviz.viewer.layout import Rect
from lossviz.viewer.legend import arranged
from lossviz.viewer.playing import HOLD
from lossviz.viewer.scene import Scene
from lossviz.viewer.screenshot import natural_scale
from lossviz.viewer.state import CameraState, ViewState

SIDES = 36  # directions from which everything has to fit


def turning(scene: Scene, state: ViewState, camera: CameraState | None = None) -> CameraState:
    """A camera that sees everything from all sides at one distance; a given one stays."""
    own = camera or state.camera
    if own.distance > 0:
        return own
    cell, scale = _cell(scene, state)
    sides = [replace(own, azimuth=side * 360 / SIDES) for side in range(SIDES)]
    found = [framed(scene, state, cell, scale, side) for side in sides]
    targets = np.array([camera.target for camera in found])
    target = (targets.min(axis=0) + targets.max(axis=0)) / 2
    # Farther by as much as the middle of one view is from the middle of all.
    distance = max(
        camera.distance + float(np.linalg.norm(np.array(camera.target) - target))
        for camera in found
    )
    a, b, c = target.tolist()
    return replace(own, target=(a, b, c), distance=distance)


def frames(
    scene: Scene, state: ViewState, fps: float, *, turn: float | None = None,
    play: float | None = None,
) -> Iterator[ViewState]:  # fmt: skip
    """The view of each frame: once around in ``turn`` seconds, the paths in ``play`` seconds.

    A turn ends one frame before its beginning, so that it can be repeated; a path's end stays for a
    second. Both at once last as long as the longer of them, and the turn goes on.
    """
    fit = turning if turn else _still
    camera, others = fit(scene, state, state.camera), state.compare.cameras
    others = () if state.compare.linked else tuple(fit(scene, state, one) for one in others)
    for frame in range(count(fps, turn=turn, play=play)):
        own = copy.deepcopy(state)
        turned = 360 * frame / round(turn * fps) if turn else 0.0
        own.camera, *cameras = (
            replace(one, azimuth=one.azimuth + turned) for one in (camera, *others)
        )
        own.compare.cameras = tuple(cameras)
        if play:
            own.trajectories.played = min(1.0, frame / max(round(play * fps) - 1, 1))
        yield own


def _still(scene: Scene, state: ViewState, camera: CameraState) -> CameraState:
    """One camera for all frames, whatever comes into the picture."""
    return framed(scene, state, *_cell(scene, state), camera)


def _cell(scene: Scene, state: ViewState) -> tuple[Rect, float]:
    """The first landscape's place in the picture, and pixels a point."""
    own = state.picture
    scale = own.scale or natural_scale(own.width, own.height)
    return arranged(scene, state, own.width, own.height, scale).viewports[0], scale


def count(fps: float, *, turn: float | None = None, play: float | None = None) -> int:
    """How many frames there are."""
    lengths = [turn or 0.0, (play + HOLD) if play else 0.0]
    return max(round(max(lengths) * fps), 1)
