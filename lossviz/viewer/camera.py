"""An orbiting camera: plain functions on CameraState, and the View that they give.

Scene units: the surface is 2 wide, z is up. Matrices act on columns: clip = matrix @ (x, y, z, 1).
Pixels count from the top left of the viewport.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyrr import matrix44

from lossviz.viewer.state import CameraState

Vector = NDArray[np.float64]
Bounds = tuple[Vector, Vector]
Insets = tuple[float, float, float, float]  # pixels at the left, top, right and bottom

NEAREST, FARTHEST = 0.02, 200.0


@dataclass(frozen=True)
class View:
    """A camera over a viewport of ``width`` x ``height`` pixels."""

    matrix: Vector  # (4, 4) world to clip
    eye: Vector  # (3,) far away along the line of sight if orthographic
    forward: Vector  # (3,) unit, from the eye into the picture
    right: Vector  # (3,) unit
    up: Vector  # (3,) unit
    width: float
    height: float
    per_pixel: float  # scene units a pixel at the target
    orthographic: bool

    @property
    def elevation(self) -> float:
        """Degrees from which one looks down; 90: from above."""
        return round(math.degrees(math.asin(min(max(-float(self.forward[2]), -1.0), 1.0))), 9)

    def project(self, points: Vector) -> Vector:
        """``(k, 3)`` scene points as ``(k, 3)``: x and y in pixels, depth in [-1, 1]."""
        points = np.atleast_2d(np.asarray(points, dtype=float))
        clip = np.column_stack([points, np.ones(len(points))]) @ self.matrix.T
        with np.errstate(all="ignore"):  # in the plane of the eye there is no place: inf or NaN
            ndc = clip[:, :3] / clip[:, 3:]
            x = (ndc[:, 0] + 1) / 2 * self.width
            y = (1 - ndc[:, 1]) / 2 * self.height
        return np.column_stack([x, y, ndc[:, 2]])

    def ray(self, x: float, y: float) -> tuple[Vector, Vector]:
        """Origin and unit direction, each (3,), of the line of sight through a pixel."""
        ndc = np.array([2 * x / self.width - 1, 1 - 2 * y / self.height])
        inverse = np.linalg.inv(self.matrix)
        near, far = (inverse @ np.array([*ndc, depth, 1.0]) for depth in (-1.0, 1.0))
        near, far = near[:3] / near[3], far[:3] / far[3]
        return near, (far - near) / np.linalg.norm(far - near)


def _frame(camera: CameraState) -> tuple[Vector, Vector, Vector]:
    """Right, up and backward (towards the eye) unit vectors."""
    azimuth, elevation = math.radians(camera.azimuth), math.radians(camera.elevation)
    back = np.array([
        math.cos(elevation) * math.cos(azimuth),
        math.cos(elevation) * math.sin(azimuth),
        math.sin(elevation),
    ])  # fmt: skip
    # From the azimuth alone, so that it is defined when looking straight down.
    right = np.array([-math.sin(azimuth), math.cos(azimuth), 0.0])
    return right, np.cross(back, right), back


def _tangents(camera: CameraState, aspect: float) -> tuple[float, float]:
    """Tangents of half the horizontal and vertical opening; fov spans the smaller side."""
    tangent = math.tan(math.radians(camera.fov) / 2)
    return (tangent * aspect, tangent) if aspect >= 1 else (tangent, tangent / aspect)


def resolve(
    camera: CameraState, bounds: Bounds, width: float, height: float, insets: Insets
) -> CameraState:
    """Replace distance 0 by a target and distance at which the box ``bounds`` fits; returns it.

    Into ``width`` x ``height`` pixels less ``insets`` at the left, top, right and bottom.
    """
    if camera.distance > 0:
        return camera
    left, top, right_, bottom = insets
    size = np.array([width, height])
    low, high = (np.asarray(side, dtype=float) for side in bounds)
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T
    right, up, back = _frame(camera)
    full = np.array(_tangents(camera, width / max(height, 1)))
    # The tangents of the room at the right and above, and at the left and below.
    after = full * (1 - 2 * np.array([right_, top]) / size)
    before = full * (1 - 2 * np.array([left, bottom]) / size)
    target = (low + high) / 2
    local = (corners - target) @ np.column_stack([right, up, back])
    seen, depth = local[:, :2], 0.0 if camera.orthographic else local[:, 2:]

    def reach() -> tuple[Vector, Vector]:
        """What ``distance * after + shift`` and ``distance * before - shift`` must be at least."""
        return (seen + depth * after).max(axis=0), (depth * before - seen).max(axis=0)

    distance = float((sum(reach()) / (after + before)).max())
    for _ in range(40):  # the side with room to spare: the narrowest tangents centre the box
        spare = (after + before - sum(reach()) / distance) / 2
        after, before = after - spare, before - spare
    shift = (np.subtract(*reach()) - distance * (after - before)) / 2
    target = target + shift[0] * right + shift[1] * up
    camera.distance = min(max(distance, NEAREST), FARTHEST)
    camera.target = (float(target[0]), float(target[1]), float(target[2]))
    return camera


def view(camera: CameraState, width: float, height: float) -> View:
    """What a camera with a distance sees in a viewport of ``width`` x ``height`` pixels."""
    right, up, back = _frame(camera)
    # A view that somebody wrote may be nearer than anyone comes by hand.
    target, distance = np.array(camera.target), max(camera.distance, NEAREST)
    aspect = width / max(height, 1)
    tan_x, tan_y = _tangents(camera, aspect)
    reach = 8 + float(np.abs(target).max())  # everything lies within this of the target
    if camera.orthographic:
        eye = target + back * reach
        half_x, half_y = distance * tan_x, distance * tan_y
        lens = matrix44.create_orthogonal_projection(
            -half_x, half_x, -half_y, half_y, 0.01, 2 * reach, dtype=float
        )
    else:
        eye = target + back * distance
        near = max(distance - reach, distance * 0.02, 1e-3)
        fov = 2 * math.degrees(math.atan(tan_y))
        lens = matrix44.create_perspective_projection(
            fov, aspect, near, distance + reach, dtype=float
        )
    look = matrix44.create_look_at(eye, eye - back, up, dtype=float)
    return View(
        matrix=(look @ lens).T, eye=eye, forward=-back, right=right, up=up, width=width,
        height=height, per_pixel=2 * distance * tan_y / max(height, 1),
        orthographic=camera.orthographic,
    )  # fmt: skip


def orbit(camera: CameraState, azimuth: float, elevation: float) -> None:
    """Turn around the target by degrees; the elevation stops at the poles."""
    camera.azimuth = (camera.azimuth + azimuth + 180) % 360 - 180
    camera.elevation = min(max(camera.elevation + elevation, -90.0), 90.0)


def pan(camera: CameraState, seen: View, x: float, y: float) -> None:
    """Move the target so that the picture follows the pointer by (x, y) pixels."""
    moved = np.array(camera.target) + seen.per_pixel * (-x * seen.right + y * seen.up)
    camera.target = tuple(moved.tolist())


def zoom(camera: CameraState, factor: float, toward: Vector | None = None) -> None:
    """Come nearer by ``factor`` (> 1) or away (< 1); ``toward (3,)`` stays where it is seen.

    A camera that is to fit, of distance 0, stays.
    """
    if camera.distance <= 0:
        return
    distance = min(max(camera.distance / factor, NEAREST), FARTHEST)
    if toward is not None:
        target = np.array(camera.target)
        target = toward + (target - toward) * distance / camera.distance
        camera.target = tuple(target.tolist())
    camera.distance = distance
