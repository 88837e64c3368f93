"""Trajectories that are played in the real window."""

import time

import pytest

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

        viewer.renders_the_same("paths.ply", "lossviz-bumpy-001.png")

        viewer.do("key", "space")
        viewer.wait_for(lambda t: share(t) == 1 and not playing(t))
        viewer.settle()
        frames = viewer.told()["frames"]
        time.sleep(1)
        assert viewer.told()["frames"] == frames
        viewer.close()
    finally:
        viewer.end()
