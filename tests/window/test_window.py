"""The real window, under a virtual screen, used with a mouse and keys as a person would."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lossviz import ply
from tests.viewer.scenes import bumpy

pytestmark = pytest.mark.window


@pytest.fixture(scope="module")
def display():
    for command in ("Xvfb", "xdotool"):
        if shutil.which(command) is None:
            pytest.skip(f"{command} is not installed: apt-get install xvfb xdotool")
    ours, theirs = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(theirs), "-screen", "0", "1400x900x24"],
        pass_fds=[theirs], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        number = pipe.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait()


class Viewer:
    """A running ``lossviz view``, and hands to use it with."""

    def __init__(self, display, folder, *files):
        self.folder, self.report = folder, folder / "report.json"
        self.environment = {**os.environ, "DISPLAY": display, "LOSSVIZ_CHECK_GL": "1"}
        self.environment.pop("WAYLAND_DISPLAY", None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lossviz", "view", *files, "--report", self.report, "--debug"],
            cwd=folder, env=self.environment, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.wait_for(lambda told: told["frames"] >= 3)
        # There is no window manager that would give the window the keyboard.
        self.do("search", "--onlyvisible", "--name", "lossviz", "windowfocus")
        self.settle()

    def told(self):
        try:
            return json.loads(self.report.read_text())
        except (OSError, ValueError):
            return None

    def wait_for(self, condition, seconds=30.0):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            told = self.told()
            if told is not None and condition(told):
                return told
            assert self.process.poll() is None, self.process.stderr.read()
            time.sleep(0.05)
        raise AssertionError(f"never came true; last: {self.told()}")

    def settle(self):
        """Until no more frames are drawn."""
        frames = -1
        while (now := self.told()["frames"]) != frames:
            frames = now
            time.sleep(0.8)

    def do(self, *words):
        subprocess.run(["xdotool", *map(str, words)], env=self.environment, check=True)

    def drag(self, button, start, end):
        self.do("mousemove", *start)
        self.do("mousedown", button)
        for step in range(1, 6):
            time.sleep(0.05)
            x, y = (a + (b - a) * step // 5 for a, b in zip(start, end, strict=True))
            self.do("mousemove", x, y)
        time.sleep(0.1)
        self.do("mouseup", button)

    def click(self, x, y):
        """A click that is held as long as a person holds it."""
        self.do("mousemove", x, y)
        time.sleep(0.2)
        self.do("mousedown", 1)
        time.sleep(0.2)
        self.do("mouseup", 1)

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def viewer(display, tmp_path):
    ply.write(bumpy(31), tmp_path / "bumpy.ply")
    made = Viewer(display, tmp_path, "bumpy.ply")
    yield made
    made.process.kill()
    made.process.wait()
    made.process.stderr.close()


def test_a_person_uses_the_window(viewer):
    before = viewer.told()["view"]["camera"]
    assert before["distance"] > 1  # fitted

    viewer.drag(1, (400, 400), (500, 360))
    turned = viewer.wait_for(lambda t: t["view"]["camera"]["azimuth"] != before["azimuth"])
    viewer.settle()
    turned = viewer.told()["view"]["camera"]
    assert turned["azimuth"] == pytest.approx(before["azimuth"] - 35, abs=0.5)
    assert turned["elevation"] == pytest.approx(before["elevation"] - 14, abs=0.5)
    assert turned["target"] == before["target"]

    viewer.drag(3, (400, 400), (430, 380))
    viewer.wait_for(lambda t: t["view"]["camera"]["target"] != turned["target"])

    viewer.do("mousemove", 450, 420, "click", 4)
    nearer = viewer.wait_for(lambda t: t["view"]["camera"]["distance"] < turned["distance"])
    assert nearer["view"]["camera"]["distance"] == pytest.approx(turned["distance"] / 1.15)

    viewer.do("key", "r")
    moved = nearer["view"]["camera"]["target"]
    viewer.wait_for(lambda t: t["view"]["camera"]["target"] != moved)  # everything fits again

    viewer.do("key", "i")
    viewer.wait_for(lambda t: t["view"]["isolines"]["surface"] is False)
    viewer.do("key", "5")
    viewer.wait_for(lambda t: t["view"]["camera"]["orthographic"] is True)
    viewer.do("key", "7")
    viewer.wait_for(lambda t: t["view"]["camera"]["elevation"] == 90)

    camera = viewer.told()["view"]["camera"]
    viewer.click(960 + 172, 350)  # the check box "Grid" in the sidebar
    viewer.wait_for(lambda t: t["view"]["surface"]["wire"] is True)
    assert viewer.told()["view"]["camera"] == camera  # the click went to the panel alone

    viewer.do("key", "p")
    viewer.wait_for(lambda t: "Saved" in t["message"], 60)
    picture = viewer.folder / "lossviz-bumpy-001.png"
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"

    ply.write(bumpy(21, seed=3), viewer.folder / "bumpy.ply")
    again = viewer.wait_for(lambda t: t["revisions"] == [1])
    assert again["view"]["surface"]["wire"] is True  # the view stays
    (viewer.folder / "bumpy.ply").write_bytes(b"not a mesh")
    viewer.wait_for(lambda t: "expected a PLY" in t["message"])

    viewer.do("key", "q")
    assert viewer.process.wait(20) == 0
    assert viewer.process.stderr.read() == ""


def test_an_idle_window_costs_nothing(viewer):
    viewer.settle()
    frames, before = viewer.told()["frames"], viewer.cpu_seconds()
    time.sleep(5)
    assert viewer.told()["frames"] == frames
    assert viewer.cpu_seconds() - before < 0.02 * 5


def test_without_a_display_the_pictures_go_into_files(tmp_path):
    ply.write(bumpy(11), tmp_path / "a.ply")
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    done = subprocess.run(
        [sys.executable, "-m", "lossviz", "view", "a.ply"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "no display" in done.stdout and (tmp_path / "out" / "a.png").is_file()


def test_the_same_picture_with_and_without_a_window(viewer, ctx):
    """P in the window and ``lossviz render`` give the same pixels."""
    import numpy as np
    from PIL import Image

    viewer.do("key", "p")
    viewer.wait_for(lambda t: "Saved" in t["message"], 60)
    saved = viewer.folder / "lossviz-bumpy-001.png"
    subprocess.run(
        [sys.executable, "-m", "lossviz", "render", "bumpy.ply", "-o", "again.png",
         "--view-state", saved.name, "--size", "2560x1440"],
        cwd=viewer.folder, check=True, capture_output=True,
    )  # fmt: skip
    pictures = [np.asarray(Image.open(viewer.folder / n)) for n in (saved.name, "again.png")]
    assert (pictures[0] == pictures[1]).all()
