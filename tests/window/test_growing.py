"""``lossviz surface --view``: the window is there at once, and the surface grows in it."""

import os
import subprocess
import sys
import time

import pytest

from lossviz import ply
from tests.small import SLOW
from tests.window.test_window import display

__all__ = ["display"]
pytestmark = pytest.mark.window


def windows(environment):
    """The numbers of the windows that are there, by xdotool."""
    found = subprocess.run(
        ["xdotool", "search", "--onlyvisible", "--name", "lossviz"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return found.stdout.split()


def eventually(condition, seconds=120.0):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "never came true"
        time.sleep(0.1)
    return found


def test_the_surface_grows_in_the_window(display, tmp_path):
    (tmp_path / "mine.py").write_text(SLOW)
    environment = {**os.environ, "DISPLAY": display, "LOSSVIZ_CHECK_GL": "1"}
    environment.pop("WAYLAND_DISPLAY", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "lossviz", "surface", "--model", "mine:bowl", "--grid", "17x17",
         "-o", "a.ply", "--view"],
        cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    window = eventually(lambda: windows(environment))[0]
    # The window came while there was still something to compute, and the file grows meanwhile.
    seen = set()
    while process.poll() is None:
        surface = ply.read(tmp_path / "a.ply").surface
        seen.add((surface.shape, int(surface.evaluated.sum())))
        time.sleep(0.1)
    assert process.returncode == 0
    assert len(seen) > 3 and any(count < n * m for (n, m), count in seen)
    assert ply.read(tmp_path / "a.ply").surface.evaluated.all()
    # The window stays when the computation is done, until it is closed.
    assert windows(environment) == [window]
    subprocess.run(["xdotool", "windowfocus", window], env=environment, check=True)
    subprocess.run(["xdotool", "key", "Escape"], env=environment, check=True)
    eventually(lambda: not windows(environment))
