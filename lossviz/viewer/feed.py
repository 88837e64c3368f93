"""Watches the files that are shown: what was rewritten is read on a thread of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from lossviz import ply
from lossviz.errors import LossvizError
from lossviz.landscape import Landscape

EVERY = 0.5  # seconds between looks

Stamp = tuple[int, int, int] | None


@dataclass(frozen=True)
class News:
    """File ``index`` was read again, or could not be: then ``problem`` says why, in one line."""

    index: int
    landscape: Landscape | None = None
    problem: str = ""


def stamp(path: Path) -> Stamp:
    """What changes when a file is rewritten: time, size and inode; None if it is not there."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


class Feed:
    """``poll`` now and then; ``wake`` is called from the reading thread when there is news."""

    def __init__(self, paths: Sequence[Path], wake: Callable[[], None] = lambda: None) -> None:
        self.paths, self.wake = list(paths), wake
        self._stamps = [stamp(path) for path in self.paths]
        self._reading: set[int] = set()
        self._news: SimpleQueue[News] = SimpleQueue()
        self._looked = time.monotonic()

    def poll(self) -> list[News]:
        """Look at the files, at most twice a second, and give what has been read since."""
        now = time.monotonic()
        if now - self._looked >= EVERY:
            self._looked = now
            for index, path in enumerate(self.paths):
                self._look(index, path)
        news = []
        while not self._news.empty():
            news.append(self._news.get())
            self._reading.discard(news[-1].index)
        return news

    def _look(self, index: int, path: Path) -> None:
        found = stamp(path)
        if found == self._stamps[index] or index in self._reading:
            return
        self._stamps[index] = found
        if found is None:
            self._news.put(News(index, problem=f"{path.name} is gone; showing what it held"))
            return
        self._reading.add(index)
        Thread(target=self._read, args=(index, path), daemon=True).start()

    def _read(self, index: int, path: Path) -> None:
        try:
            self._news.put(News(index, ply.read(path)))
        except LossvizError as error:
            self._news.put(News(index, problem=f"{error}; showing what it held before"))
        except Exception as error:  # a thread must not die in silence
            self._news.put(News(index, problem=f"{path.name}: {type(error).__name__}: {error}"))
        self.wake()
