"""Trajectories that are played in the real window."""

import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from lossviz import ply
from lossviz.viewer.state import ViewState
from tests.viewer.scenes import bumpy, runs
from tests.window.test_window import Viewer, display

__all__ = ["display"]
pytestmark = pytest.mark.window


def share(told):
    return told["view"]["trajectories"]["played"]


def playing(told):
    return told["view"]["panels"]["playing"]


def test_paths_are_played_paused_and_drawn_again(display, tmp_path):
    ply.write(bumpy(31).with_changes(trajectories=runs(2)), tmp_path / "paths.ply")
    state = ViewState()
    state.trajectories.seconds = 6.0
    (tmp_path / "view.json").write_text(state.to_json())
    viewer = Viewer(display, tmp_path, "paths.ply", "--view-state", "view.json")
    try:
        assert share(viewer.told()) == 1 and not playing(viewer.told())
        start = time.monotonic()
        viewer.do("key", "space")
        first = viewer.wait_for(lambda t: 0 < share(t) < 0.5)
        viewer.wait_for(lambda t: share(t) > share(first) + 0.1)
        viewer.do("key", "space")
        told = viewer.wait_for(lambda t: not playing(t))
        assert 0.1 < share(told) <= (time.monotonic() - start) / 6 + 0.01  # by the clock
        assert told["view"]["camera"] == first["view"]["camera"]
        viewer.settle()
        told, before = viewer.told(), viewer.cpu_seconds()
        time.sleep(3)
        assert viewer.told()["frames"] == told["frames"]  # what is paused costs nothing
        assert viewer.cpu_seconds() - before < 0.02 * 3

        viewer.do("key", "p")
        viewer.wait_for(lambda t: "Saved" in t["message"], 60)
        subprocess.run(
            [sys.executable, "-m", "lossviz", "render", "paths.ply", "-o", "again.png",
             "--view-state", "lossviz-bumpy-001.png"],
            cwd=tmp_path, check=True, capture_output=True,
        )  # fmt: skip
        one, two = (np.asarray(Image.open(tmp_path / name))
                    for name in ("lossviz-bumpy-001.png", "again.png"))  # fmt: skip
        assert (one == two).all()

        viewer.do("key", "space")
        viewer.wait_for(lambda t: share(t) == 1 and not playing(t))
        viewer.settle()
        frames = viewer.told()["frames"]
        time.sleep(1)
        assert viewer.told()["frames"] == frames
        viewer.do("key", "q")
        assert viewer.process.wait(20) == 0
        assert viewer.process.stderr.read() == ""
    finally:
        viewer.process.kill()
        viewer.process.wait()
        viewer.process.stderr.close()
