"""The mouse over the picture: turning, moving, coming nearer, flying to a point."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import glfw
import numpy as np
from numpy.typing import NDArray

from lossviz.viewer import camera
from lossviz.viewer.picking import Hit, SignHit
from lossviz.viewer.scrolling import MOST
from lossviz.viewer.state import CameraState

TURN = 0.35  # degrees a point
WHEEL = 1.15  # nearer by this a notch
SWIPE = 10.0  # points a notch is a drag of: what systems call a notch of two fingers
DOUBLE = 0.35  # seconds between the clicks of a double click
STILL = 4.0  # points: a click that moves farther is a drag

# What the window tells the gestures: (x, y) to what lies there, the sign there, the cell's view.
Pick = Callable[[float, float], Hit | None]
SignAt = Callable[[float, float], SignHit | None]
ViewAt = Callable[[float, float], camera.View | None]
Drag = Callable[[float, float], None]  # where the pointer is now
Click = Callable[[float, float], Callable[[], None] | None]  # what a click there is to do


@dataclass
class Gestures:
    """Turns pointer events over the picture into changes of the camera; pixels, y down."""

    pick: Pick
    view_at: ViewAt
    scale: float  # pixels a point
    sign_at: SignAt = lambda x, y: None
    drop: Callable[[Hit], None] = lambda hit: None
    grab: Callable[[float, float], Drag | None] = lambda x, y: None
    label: Click = lambda x, y: None
    held: int | None = None
    shift: bool = False
    at: tuple[float, float] = (0.0, 0.0)
    _pressed: tuple[float, float, float] = field(default=(-1e9, 0.0, 0.0))
    _clicked: bool = False  # the left button is held where it went down
    # What a click is to do, until it is clear that it is no double click.
    _then: Callable[[], None] | None = None
    _drag: Drag | None = None  # what moves with the pointer in the place of the camera

    def press(self, own: CameraState, button: int, shift: bool, now: float) -> bool:
        """A button went down; True if the camera moved (a double click, a new pivot)."""
        self.held, self.shift = button, shift
        then, x, y = self._pressed
        near = math.dist((x, y), self.at) < STILL * self.scale
        self._pressed = (now, *self.at)
        double = button == glfw.MOUSE_BUTTON_LEFT and near and now - then < DOUBLE
        if not double:
            self.settle(math.inf)  # the click before stands on its own
        if button == glfw.MOUSE_BUTTON_MIDDLE:
            return self._center(own, 1.0)
        self._clicked = button == glfw.MOUSE_BUTTON_LEFT and not shift
        if double:
            self._pressed, self._clicked = (-1e9, *self.at), False
            if shift:
                return self._drop()
            self._then = None  # it was no click on its own
            return self._center(own, 2.0)
        self._drag = self.grab(*self.at) if self._clicked else None
        return False

    def _drop(self) -> bool:
        """A ball at the point under the pointer; the camera stays."""
        hit = self.pick(*self.at)
        if hit is not None:
            self.drop(hit)
        return False

    def _center(self, own: CameraState, nearer: float) -> bool:
        """Turn around the point under the pointer from now on, and come nearer."""
        hit = self.pick(*self.at)
        return hit is not None and _fly(own, hit.point, nearer)

    def release(self, own: CameraState) -> bool:
        """No button is held any more; True if the camera moved.

        A click on a critical point's sign flies to it, one elsewhere on the surface labels it and
        one on a label takes that away, unless another one follows: see ``settle``.
        """
        clicked = self._clicked and self.held == glfw.MOUSE_BUTTON_LEFT and self._drag is None
        self.held, self._clicked, self._drag = None, False, None
        sign = self.sign_at(*self.at) if clicked else None
        if sign is None:
            self._then = self.label(*self.at) if clicked else None
            return False
        self._pressed = (-1e9, *self.at)  # a second click is no double click: all has moved
        return _fly(own, sign.point, 2.0)

    def settle(self, now: float) -> float:
        """Do what one click does; seconds until that is sure, infinite if there was none."""
        if self._then is None:
            return math.inf
        left = self._pressed[0] + DOUBLE - now
        if left <= 0:
            then, self._then = self._then, None
            then()
        return max(left, 0.0)

    def move(self, own: CameraState, x: float, y: float) -> bool:
        """The pointer moved; True if the camera or what is held did."""
        dx, dy = x - self.at[0], y - self.at[1]
        self.at = x, y
        self._clicked &= math.dist(self._pressed[1:], self.at) < STILL * self.scale
        if self.held is None or not (dx or dy):
            return False
        if self._drag is not None:
            self._drag(x, y)
            return True
        if self.held == glfw.MOUSE_BUTTON_RIGHT or self.shift:
            # In whatever cell it is by now, it moves what it took hold of.
            seen = self.view_at(*self._pressed[1:]) or self.view_at(x, y)
            if seen is not None:
                camera.pan(own, seen, dx, dy)
            return seen is not None
        if self.held == glfw.MOUSE_BUTTON_LEFT:
            camera.orbit(own, -dx / self.scale * TURN, dy / self.scale * TURN)
            return True
        return False

    def scroll(self, own: CameraState, x: float, y: float, action: str = "zoom") -> bool:
        """So many notches, of which at most ``MOST`` count; True if there were any.

        "zoom" comes nearer to what is under the pointer, or to the target if nothing is; "turn" and
        "move" do it as a drag does, the picture goes with the fingers.
        """
        x, y = (max(min(notches, MOST), -MOST) for notches in (x, y))
        if action == "zoom":
            hit = self.pick(*self.at)
            camera.zoom(own, WHEEL**y, None if hit is None else hit.point)
            return bool(y)
        if action == "turn":
            camera.orbit(own, -x * SWIPE * TURN, y * SWIPE * TURN)
        elif (seen := self.view_at(*self.at)) is not None:
            camera.pan(own, seen, x * SWIPE * self.scale, y * SWIPE * self.scale)
        return bool(x or y)


def _fly(own: CameraState, point: NDArray[np.float64], nearer: float) -> bool:
    """Turn around ``point (3,)`` from now on, and come nearer."""
    x, y, z = point.tolist()
    own.target = (x, y, z)
    camera.zoom(own, nearer)
    return True
