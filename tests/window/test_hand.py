"""Scrolling with a wheel and two fingers, and monitors of other densities, in the real window.

A virtual screen knows neither fractions of notches nor densities: those are put in where GLFW
would tell of them, all behind that is the window's own.
"""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from lossviz import ply
from tests.viewer.scenes import bumpy
from tests.window.test_window import Viewer, display

__all__ = ["display"]
pytestmark = pytest.mark.window

STEPS = """
import json, sys
import glfw
heard = {}
for name in ("scroll", "cursor_pos", "drop", "window_content_scale"):
    def keep(handle, function, name=name, give=getattr(glfw, f"set_{name}_callback")):
        heard[name] = function
        give(handle, function)
    setattr(glfw, f"set_{name}_callback", keep)
from lossviz.viewer import app
from lossviz.cli import main
told, own_step = [], app.App._step

def stepping(self):
    own_step(self)
    if self.due or self.gui is None:
        return
    try:
        next(steps)
    except StopIteration:
        glfw.set_window_should_close(self.handle, True)
app.App._step = stepping

def start(make):
    global steps
    own_init = app.App.__init__
    def init(self, *rest):
        global steps
        own_init(self, *rest)
        steps = make(self)
    app.App.__init__ = init
    status = main(["view", "a.ply", "--debug", "--fresh", *sys.argv[1:]])
    print(json.dumps(told))
    raise SystemExit(status)
"""


def in_window(display, folder, steps, *words):
    """Run ``steps``, a generator of the window, one after the other; what they ``told``."""
    environment = {**os.environ, "DISPLAY": display, "LOSSVIZ_CHECK_GL": "1"}
    environment.pop("WAYLAND_DISPLAY", None)
    done = subprocess.run(
        [sys.executable, "-c", f"{STEPS}\n{steps}\nstart(steps_of)", *words],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def folder(tmp_path):
    ply.write(bumpy(21), tmp_path / "a.ply")
    return tmp_path


SCROLLING = """
def steps_of(self):
    def tell():
        camera = self.state.camera
        told.append([camera.azimuth, camera.elevation, camera.distance, *camera.target])
    heard["cursor_pos"](self.handle, 450.0, 420.0)
    yield
    tell()
    for x, y in [(0.5, -0.25), (0.0, 1.0), (0.3, 0.0)]:  # one gesture, whole by chance in between
        heard["scroll"](self.handle, x, y)
    yield
    tell()
    app.time.sleep(0.4)
    heard["scroll"](self.handle, 0.0, 1.0)  # a wheel
    yield
    tell()
    heard["scroll"](self.handle, 0.0, 500.0)  # whatever a driver sends
    yield
    tell()
    heard["cursor_pos"](self.handle, 1120.0, 500.0)  # over the sidebar
    yield
    from imgui_bundle import imgui
    def scrolled():
        window = imgui.internal.find_window_by_name("##sidebar")
        return window.scroll.y
    before = scrolled()
    for _ in range(4):
        heard["scroll"](self.handle, 0.1, -0.7)
        yield
    tell()
    told.append([before, scrolled()])
"""


def test_two_fingers_turn_a_wheel_zooms_and_panels_scroll(display, folder):
    first, turned, nearer, far, over, panel = in_window(display, folder, SCROLLING)
    # The picture goes with the fingers: 0.8 notches to the right, 0.75 down.
    assert turned[0] == pytest.approx(first[0] - 0.8 * 3.5)
    assert turned[1] == pytest.approx(first[1] + 0.75 * 3.5)
    assert turned[2:] == first[2:]
    assert nearer[:2] == turned[:2] and nearer[2] == pytest.approx(first[2] / 1.15)
    assert far[2] == pytest.approx(nearer[2] / 1.15**3)
    assert over == far  # the panel has it alone
    assert panel[0] == 0 and panel[1] > 20


def test_settings_and_keys_that_are_held_say_what_scrolling_does(display, folder, settings_folder):
    settings_folder.mkdir()
    (settings_folder / "keys.toml").write_text('"two fingers" = "zoom"\n"wheel" = "turn"\n')
    viewer = Viewer(display, folder, "a.ply")
    try:
        viewer.do("mousemove", 450, 420)
        first = viewer.told()["view"]["camera"]
        viewer.do("click", 4)
        turned = viewer.wait_for(lambda t: t["view"]["camera"]["elevation"] != first["elevation"])
        turned = turned["view"]["camera"]
        assert turned["elevation"] == pytest.approx(first["elevation"] + 3.5)
        viewer.do("keydown", "shift", "click", 4, "keyup", "shift")
        moved = viewer.wait_for(lambda t: t["view"]["camera"]["target"] != turned["target"])
        moved = moved["view"]["camera"]
        assert moved["elevation"] == turned["elevation"] and moved["distance"] == turned["distance"]
        viewer.do("keydown", "ctrl", "click", 4, "keyup", "ctrl")
        nearer = viewer.wait_for(lambda t: t["view"]["camera"]["distance"] != moved["distance"])
        assert nearer["view"]["camera"]["distance"] == pytest.approx(moved["distance"] / 1.15)
        viewer.close()
    finally:
        viewer.end()


SCALING = """
import numpy as np
def steps_of(self):
    from lossviz.viewer.saving import _window_pixels
    from imgui_bundle import imgui
    for number, scale in enumerate([1.0, 1.5, 2.0, 1.0]):
        glfw.get_window_content_scale = lambda handle, scale=scale: (scale, scale)
        heard["window_content_scale"](self.handle, scale, scale)  # it came to another monitor
        yield
        yield
        np.save(f"shot{number}.npy", _window_pixels(self))
        self.redraw()
        own = imgui.get_style()
        told.append([self.points, self.free[0], own.font_scale_dpi, own.window_padding.x,
                     own.separator_size])
"""


def test_everything_follows_the_monitor_and_comes_back(display, folder):
    told = in_window(display, folder, SCALING, "--size", "1390x880")
    assert told[0] == told[3] == [1.0, 1390 - 320, 1.0, 14.0, 1.0]
    assert told[1] == [1.5, 1390 - 480, 1.5, 21.0, 1.0]
    assert told[2] == [2.0, 1390 - 640, 2.0, 28.0, 2.0]
    shots = [np.load(folder / f"shot{number}.npy") for number in range(4)]
    assert (shots[0] == shots[3]).all()  # from monitor to monitor and back: nothing has shrunk
    assert len({shot.tobytes() for shot in shots}) == 3
    # Strips of ink in the sidebar's first column are as many points high on each monitor.
    heights = []
    for shot, scale in zip(shots[:3], (1.0, 1.5, 2.0), strict=True):
        column = shot[:, round(1390 - 300 * scale) : round(1390 - 200 * scale), :3].astype(int)
        dark = (column.max(axis=2) < 110).any(axis=1)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], dark, [False]]).astype(int)))
        heights.append(np.median(np.diff(edges)[::2]) / scale)
    assert heights == pytest.approx([heights[0]] * 3, abs=1.5) and heights[0] > 6


STARTING = """
def steps_of(self):
    told.append(list(self.size))
    yield
"""


@pytest.mark.parametrize("words, size", [([], [1400, 900]), (["--size", "900x600"], [900, 600])])
def test_a_dense_monitor_has_a_larger_window(display, folder, words, size):
    dense = "glfw.get_window_content_scale = lambda handle: (1.5, 1.5)\n"
    told = in_window(display, folder, dense + STARTING.replace("told", "yield\n    told"), *words)
    assert told == [size]  # 1280x760 points, as far as this screen has room for 1920x1140
