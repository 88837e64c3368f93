"""What a computation under way tells of itself, in the folder that it goes on from.

``progress.json`` says how far it is, once a second and replaced as a whole; the system drops the
lock on ``progress.lock`` when the process dies, whatever it died of. A file ``stop`` in the folder
asks it to end as Ctrl-C does. So any window on any machine that sees the folder can follow and stop
it, and neither process waits for the other.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Event, Thread, get_ident
from typing import IO, Any

from lossviz.errors import LossvizError, printable
from lossviz.files import DAMAGED

NAME, LOCK, STOP = "progress.json", "progress.lock", "stop"
STATES = ("computing", "stopping", "done", "interrupted", "failed")
EVERY = 0.5  # seconds between two looks at the computation
BEAT = 1.0  # seconds between two changes of the file; it is touched if there is nothing new
SILENT = 4.0  # seconds without a beat after which a process that holds no lock is dead
WINDOW = 30.0  # seconds that the rate is taken over
LARGEST = 1 << 16  # bytes of the file


@dataclass(frozen=True)
class Status:
    """How far a computation is; ``state`` is one of ``STATES``."""

    state: str
    what: str  # what is computed now, in the plural
    done: int
    total: int
    rate: float = 0.0  # a second; 0: not known yet
    said: str = ""  # how it failed, in one line
    command: str = ""  # that goes on with it

    @property
    def running(self) -> bool:
        """Whether it has not ended by its own account."""
        return self.state in ("computing", "stopping")

    @property
    def left(self) -> float:
        """Seconds until all is done; NaN if that is not known."""
        return (self.total - self.done) / self.rate if self.rate > 0 else math.nan


def read(folder: Path) -> Status | None:
    """What the computation in ``folder`` told last; None if nothing, or nothing that is sound."""
    try:
        with open(folder / NAME, "rb") as file:
            values = json.loads(file.read(LARGEST))
        if values.pop("lossviz_progress") != 1:
            return None
        found = Status(**values)
        words = found.what, found.said, found.command
        sound = found.state in STATES and all(type(word) is str for word in words)
        numbers = type(found.done) is int and type(found.total) is int and found.rate >= 0
        if not (sound and numbers and 0 <= found.done <= found.total < 1 << 53):
            return None
        what, said, command = (printable(word)[:2000] for word in words)
        return replace(found, rate=float(found.rate), what=what[:40], said=said, command=command)
    except (OSError, *DAMAGED):
        return None


def is_held(folder: Path) -> bool | None:
    """Whether a process is there that tells; None where the system cannot say."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    try:
        file = open(folder / LOCK, "rb")
    except OSError:
        return False
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # a file system without locks
            return None
    return False


def ask_to_stop(folder: Path) -> None:
    """Ask the computation in ``folder`` to end as by Ctrl-C.

    Raises
    ------
    LossvizError
        If nothing can be written there.
    """
    try:
        (folder / STOP).touch()
    except OSError as error:
        raise LossvizError(f"{folder}: cannot be written: {error.strerror}") from None


class Telling:
    """Tells of the computation of the thread that makes it, and hears that it is to stop.

    ``folder`` and ``done`` are asked each time: a computation may begin anew. ``what`` and
    ``total`` may be changed while it goes on. Where the folder cannot be written, nobody is told.
    """

    def __init__(
        self, folder: Callable[[], Path], done: Callable[[], int], total: int, command: str = ""
    ) -> None:
        self.folder, self.done, self.command = folder, done, command
        self.what, self.total = "points", total
        self._past = [(time.monotonic(), done())]
        self._told: Status | None = None
        self._beat = 0.0
        self._stopping, self._ended = False, Event()
        self._thread_to_stop = get_ident()
        with suppress(OSError):
            (folder() / STOP).unlink(missing_ok=True)
        self._lock = _locked(folder() / LOCK)
        self._tell(self._status("computing"))
        self._thread = Thread(target=self._follow, daemon=True)
        self._thread.start()

    def end(self, state: str, said: str = "") -> None:
        """Say how it ended, and nothing more."""
        self._ended.set()
        self._thread.join()
        self._tell(replace(self._status(state), said=printable(said)))
        with suppress(OSError):
            (self.folder() / STOP).unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()

    def _follow(self) -> None:
        while not self._ended.wait(EVERY):
            if not self._stopping and (self.folder() / STOP).exists():
                self._stopping = True
                _interrupt(self._thread_to_stop)
            self._tell(self._status("stopping" if self._stopping else "computing"))

    def _status(self, state: str) -> Status:
        done = self.done()
        return Status(
            state, self.what, done, max(self.total, done), self._rate(done), "", self.command
        )

    def _rate(self, done: int) -> float:
        """Points a second of late, from one that was added to another."""
        now, past = time.monotonic(), self._past
        if done < past[-1][1]:  # it began anew
            past.clear()
        if not past or done != past[-1][1]:
            past.append((now, done))
        while len(past) > 2 and past[1][0] < now - WINDOW:
            del past[0]
        (began, first), (ended, last) = past[0], past[-1]
        return round((last - first) / (ended - began), 4) if last > first and ended > began else 0.0

    def _tell(self, status: Status) -> None:
        path, now, told = self.folder() / NAME, time.monotonic(), self._told
        as_before = told is not None and (status.state, status.what) == (told.state, told.what)
        if as_before and now - self._beat < BEAT:
            return
        with suppress(OSError):  # to be followed is no reason to fail
            if status != told:
                temporary = path.with_name(f".{NAME}.tmp")
                temporary.write_text(json.dumps({"lossviz_progress": 1, **asdict(status)}))
                os.replace(temporary, path)
                self._told, self._beat = status, now
            else:
                os.utime(path)
                self._beat = now


def _locked(path: Path) -> IO[bytes] | None:
    """The file at ``path`` held open under a lock, if it can be."""
    try:
        import fcntl

        file = open(path, "ab")
        fcntl.flock(file, fcntl.LOCK_EX)  # who looks whether it is held has it for a moment
    except (ImportError, OSError):
        return None
    return file


def _interrupt(thread: int) -> None:
    """Raise KeyboardInterrupt in a thread, also where the signal is ignored, as it is by
    processes that a shell script started in the background."""
    import ctypes

    kind: Any = ctypes.py_object(KeyboardInterrupt)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), kind)


@contextmanager
def telling(
    folder: Callable[[], Path], done: Callable[[], int], total: int, command: str = ""
) -> Iterator[Telling]:
    """A ``Telling`` that ends as what is inside does."""
    found = Telling(folder, done, total, command)
    try:
        yield found
        found.end("done")
    except (KeyboardInterrupt, SystemExit):
        found.end("interrupted")
        raise
    except BaseException as error:
        text = " ".join(str(error).split()) or type(error).__name__
        found.end("failed", text[:500])
        raise
