"""Ctrl-C waits for the end of a frame."""

import os
import signal
from threading import Thread

import pytest

from lossviz.viewer.interrupts import between_frames


def interrupted(times, told):
    """A loop that Ctrl-C interrupts so many times; ``told`` gets what it was told each time."""
    with between_frames() as came:
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)
            told.append(came())
        told.append("end")


@pytest.mark.parametrize(("times", "wanted"), [(1, [True, "end"]), (2, [True])])
def test_ctrl_c_is_raised_at_the_end_and_the_second_at_once(times, wanted):
    before, told = signal.getsignal(signal.SIGINT), []
    with pytest.raises(KeyboardInterrupt):
        interrupted(times, told)
    assert told == wanted and signal.getsignal(signal.SIGINT) is before


def test_without_ctrl_c_and_in_other_threads_nothing_happens():
    with between_frames() as came:
        assert not came()
    found = []

    def other():
        with between_frames() as came:
            found.append(came())

    thread = Thread(target=other)
    thread.start()
    thread.join()
    assert found == [False]
