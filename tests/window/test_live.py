"""The window beside a computation: how far it is, Stop, and a process that dies."""

import os
import signal
import subprocess
import time

import pytest

from lossviz import ply, underway
from tests.test_underway import some, surface
from tests.window.test_growing import eventually, windows
from tests.window.test_window import Viewer, display

__all__ = ["display"]
pytestmark = pytest.mark.window


class Beside(Viewer):
    """A window beside a computation: it does not rest while that goes on."""

    def settle(self):
        time.sleep(1.5)


def begun(folder):
    eventually(lambda: some(folder / "a.run") and (folder / "a.ply").is_file())


def stop_button(viewer):
    """Pixels of the button right of the bar, in the uppermost rows of the sidebar."""
    return viewer.told()["size"][0] - 14 - 20, 12 + 32


def test_progress_is_told_and_stop_stops(display, tmp_path):
    with surface(tmp_path, "--grid", "33x33", pause=0.15) as process:
        begun(tmp_path)
        viewer = Beside(display, tmp_path, "a.ply")
        try:
            told = viewer.wait_for(lambda t: t["underway"] and "left" in t["underway"][0][3])
            ((running, done, first, second),) = told["underway"]
            assert running and first == f"a: {done:,} of 1,089 points"
            assert " a second, " in second and second.endswith(" left")
            viewer.wait_for(lambda t: t["underway"][0][1] > done + 5)  # it goes on
            viewer.click(*stop_button(viewer))
            assert process.wait(30) == 130
            words = process.stderr.read()
            told = viewer.wait_for(lambda t: t["underway"] and not t["underway"][0][0])
            ((_, done, line),) = told["underway"]
            assert line == f"a: stopped after {done:,} of 1,089 points; all are kept."
            assert f"interrupted after {done:,} of 1,089 points" in words
            assert int(ply.read(tmp_path / "a.ply").surface.evaluated.sum()) == done
            time.sleep(3)  # the file's last rewriting is read
            frames = viewer.told()["frames"]
            time.sleep(3)
            assert viewer.told()["frames"] == frames  # what has ended costs nothing
        finally:
            viewer.end()


def test_a_killed_computation_is_told_and_goes_on(display, tmp_path):
    with surface(tmp_path, "--grid", "33x33", pause=0.15) as process:
        begun(tmp_path)
        viewer = Beside(display, tmp_path, "a.ply")
        try:
            viewer.wait_for(lambda t: t["underway"] and t["underway"][0][0])
            process.send_signal(signal.SIGKILL)
            process.wait()
            told = viewer.wait_for(lambda t: t["underway"] and not t["underway"][0][0])
            ((_, done, line),) = told["underway"]
            assert line == f"a: the computation died after {done:,} of 1,089 points; all are kept."
            # The same command goes on; the same window follows it to its end.
            with surface(tmp_path, "--grid", "33x33", pause=0.01) as again:
                viewer.wait_for(lambda t: t["underway"] and t["underway"][0][0])
                viewer.wait_for(lambda t: not t["underway"], 90)
                assert viewer.told()["message"] == "a: 1,089 points are there."
                assert again.wait(30) == 0
            viewer.close()
        finally:
            viewer.end()


def test_a_computation_outlives_its_window(display, tmp_path):
    environment = {**os.environ, "DISPLAY": display}
    environment.pop("WAYLAND_DISPLAY", None)

    def hand(*words):
        subprocess.run(["xdotool", *words], env=environment, check=True)

    with surface(
        tmp_path, "--view", "--grid", "33x33", pause=0.04, environment=environment
    ) as process:
        window = eventually(lambda: windows(environment))[0]
        hand("windowfocus", window)
        eventually(lambda: some(tmp_path / "a.run"))  # the window hears its keys by now
        while windows(environment):
            hand("key", "q")
            time.sleep(0.3)
        before = underway.read(tmp_path / "a.run")
        assert before.running and before.done < before.total
        assert process.wait(60) == 0
    assert ply.read(tmp_path / "a.ply").surface.evaluated.all()


def test_an_error_is_told_in_the_window(display, tmp_path):
    with surface(tmp_path, "--grid", "33x33", pause=0.15) as process:
        begun(tmp_path)
        viewer = Beside(display, tmp_path, "a.ply")
        try:
            viewer.wait_for(lambda t: t["underway"] and t["underway"][0][0])
            os.chmod(tmp_path, 0o500)  # the file can be replaced no more
            if os.access(tmp_path, os.W_OK):  # root may: take the file's place instead
                os.chmod(tmp_path, 0o700)
                (tmp_path / "a.ply").unlink()
                (tmp_path / "a.ply").mkdir()
            assert process.wait(60) == 1
            told = viewer.wait_for(lambda t: t["underway"] and not t["underway"][0][0])
            assert "ended after" in told["underway"][0][2]
            assert "cannot be written" in told["underway"][0][2]
        finally:
            os.chmod(tmp_path, 0o700)
            viewer.end()
