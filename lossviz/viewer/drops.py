"""Balls that are dropped on a surface: lines of steepest descent, computed beside the window.

The one place where the viewer uses compute, and only when it is asked to: on a thread of its own
in the window, at once for a picture.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from queue import SimpleQueue
from threading import Thread

from lossviz.errors import LossvizError
from lossviz.landscape import Trajectory
from lossviz.viewer.descents import starts
from lossviz.viewer.scene import Item, Scene
from lossviz.viewer.state import ViewState

Place = tuple[float, float]
Job = tuple[Item, Place]


def descend(item: Item, start: Place) -> Trajectory:
    """The line of steepest descent of the loss from ``start`` in alpha, beta.

    It ends on a minimum of the landscape's where it comes to one. Those of a landscape without any
    are not sought: that takes longest, and the line stops within a hundredth of a cell.

    Raises
    ------
    UsageError
        If the start lies beside the surface or in a hole.
    """
    # By name: no import of compute may be in the viewer, which starts without it.
    steepest_descent = import_module("compute.descent").steepest_descent
    known = item.landscape.critical_points
    line: Trajectory = steepest_descent(item.surface, start, found=known)
    return line


def missing(scene: Scene, state: ViewState) -> list[Job]:
    """What is asked for and not known."""
    return [
        (item, start)
        for index, item in enumerate(scene.items)
        if not item.is_figure
        for start in starts(state, index)
        if start not in item.dropped
    ]


def finish(scene: Scene, state: ViewState) -> None:
    """Compute all that is missing, here and now; where no line is possible there is none."""
    for item, start in missing(scene, state):
        try:
            item.dropped[start] = descend(item, start)
        except LossvizError:
            item.dropped[start] = None


class Drops:
    """Computes what is missing on a thread; ``wake`` is called from there when a line is done."""

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        self.wake = wake
        self._asked: set[tuple[int, Place]] = set()
        self._wanted: frozenset[int] = frozenset()  # keys of the scene's items
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._done: SimpleQueue[tuple[Job, Trajectory | None, str]] = SimpleQueue()
        self._thread: Thread | None = None

    def poll(self, scene: Scene, state: ViewState) -> tuple[bool, str]:
        """Ask for what is missing; whether lines came since the last call, and any problem."""
        self._wanted = frozenset(item.key for item in scene.items)
        came, problem = False, ""
        while not self._done.empty():
            (item, start), line, said = self._done.get()
            self._asked.discard((item.key, start))
            item.dropped[start] = line
            came, problem = True, said or problem
        for item, start in missing(scene, state):
            if (item.key, start) not in self._asked:
                self._asked.add((item.key, start))
                self._jobs.put((item, start))
                self._begin()
        return came, problem

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = Thread(target=self._work, daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            item, start = job = self._jobs.get()
            if item.key not in self._wanted:  # its file was written anew
                continue
            try:
                self._done.put((job, descend(item, start), ""))
            except LossvizError as error:
                self._done.put((job, None, str(error)))
            except Exception as error:  # a thread must not die in silence
                self._done.put((job, None, f"descent: {type(error).__name__}: {error}"))
            self.wake()
