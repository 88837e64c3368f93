"""Trajectories that are played: the clock that moves the present step on."""

from __future__ import annotations

import math

from lossviz.viewer.paths import step_now
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

FRAME = 1 / 30  # seconds from one step on to the next, at least
HOLD = 1.0  # seconds for which the end stays before the beginning comes again
LONGEST = 1.0  # seconds: a window that slept for longer does not skip what it missed


def advance(state: ViewState, seconds: float) -> None:
    """Play on for so many seconds; at the end from the beginning again, or no farther."""
    own = state.trajectories
    own.played = min(own.played + seconds / own.seconds, 1.0)
    if own.played >= 1.0 and not own.repeat:
        state.panels.playing = False


class Clock:
    """Moves the present step on while trajectories are played."""

    def __init__(self) -> None:
        self._last: float | None = None  # when it was moved on; None while nothing is played

    def step(self, scene: Scene, state: ViewState, now: float) -> float:
        """Move on to time ``now``; seconds until it is to be called again.

        That is 0 where the picture changed, and infinite where nothing is played. Without any
        shown trajectory playing stops. What is at its end begins anew.
        """
        if state.panels.playing and step_now(scene, state) is None:
            state.panels.playing = False
        if not state.panels.playing:
            self._last = None
            return math.inf
        own, since = state.trajectories, math.inf if self._last is None else now - self._last
        wait = FRAME if own.played < 1.0 else HOLD
        if since < wait:
            return wait - since
        passed = min(since, LONGEST) if self._last is not None else 0.0
        if own.played >= 1.0:
            own.played, passed = 0.0, 0.0
        self._last = now
        advance(state, passed)
        return 0.0
