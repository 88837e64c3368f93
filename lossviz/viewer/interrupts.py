"""Ctrl-C between two frames, never within one: what it would tear up there may not close again."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import Any


@contextmanager
def between_frames() -> Iterator[Callable[[], bool]]:
    """Gives a function that tells whether Ctrl-C came; at the end it is raised after all.

    The second one comes at once: a window that hangs can be left. Outside of the main thread,
    where Python lets nobody listen to signals, nothing changes.

    Raises
    ------
    KeyboardInterrupt
        At the end, if it came.
    """
    came = False
    if current_thread() is not main_thread():
        yield lambda: False
        return
    before = signal.getsignal(signal.SIGINT)

    def note(*_: Any) -> None:
        nonlocal came
        came = True
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: came
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt
