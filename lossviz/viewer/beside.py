"""What is computed beside the window, on a thread of its own; for a picture, at once.

Nothing of it is in a file, and the window never waits for it: balls that are dropped, a preview of
the basins. The one place where the viewer uses compute, and only when it is asked to.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any

from lossviz.errors import LossvizError
from lossviz.viewer import basins, drops
from lossviz.viewer.jobs import Job
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

SKIPPED = object()  # what is found of a job whose turn came when nobody wanted it


def missing(scene: Scene, state: ViewState) -> list[Job]:
    """What is asked for and not known."""
    return [*drops.missing(scene, state), *basins.missing(scene, state)]


def finish(scene: Scene, state: ViewState) -> None:
    """Compute all that is missing, here and now; None is kept of what is not possible."""
    for job in missing(scene, state):
        try:
            job.kept[job.name] = job.make()
        except LossvizError:
            job.kept[job.name] = None


class Beside:
    """Computes what is missing on a thread; ``wake`` is called from there when a job is done."""

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        self.wake = wake
        self._asked: set[object] = set()
        self._wanted: frozenset[int] = frozenset()  # keys of the scene's items
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._done: SimpleQueue[tuple[Job, Any, str]] = SimpleQueue()
        self._thread: Thread | None = None

    def poll(self, scene: Scene, state: ViewState) -> tuple[bool, str]:
        """Ask for what is missing; whether anything came since the last call, and any problem."""
        self._wanted = frozenset(item.key for item in scene.items)
        came, problem = False, ""
        while not self._done.empty():
            job, found, said = self._done.get()
            self._asked.discard(job.key)
            if found is SKIPPED:
                continue
            job.kept[job.name] = found
            came, problem = True, said or problem
        for job in missing(scene, state):
            if job.key not in self._asked:
                self._asked.add(job.key)
                self._jobs.put(job)
                self._begin()
        return came, problem

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = Thread(target=self._work, daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            if job.item.key not in self._wanted:  # its file was written anew, or it is not shown
                self._done.put((job, SKIPPED, ""))  # it may be asked for again
                self.wake()
                continue
            try:
                self._done.put((job, job.make(), ""))
            except LossvizError as error:
                self._done.put((job, None, str(error)))
            except Exception as error:  # a thread must not die in silence
                self._done.put((job, None, f"{job.what}: {type(error).__name__}: {error}"))
            self.wake()
