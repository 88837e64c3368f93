"""The real window, under a virtual screen, used with a mouse and keys as a person would."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import weakref
from pathlib import Path

import numpy as np
import pytest

from lossviz import ply
from lossviz.landscape import Landscape, Mark, Surface
from lossviz.viewer.state import ViewState
from tests.viewer.scenes import between, bumpy, dimpled, fan, runs

pytestmark = pytest.mark.window
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  mkdtemp names it


@pytest.fixture(scope="module")
def display():
    for command in ("Xvfb", "xdotool"):
        if shutil.which(command) is None:
            missing = pytest.fail if os.environ.get("CI") else pytest.skip
            missing(f"{command} is not installed: apt-get install xvfb xdotool")
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
        # In memory where that can be: written at each frame, and a disk may take its time.
        reports = tempfile.mkdtemp(prefix="lossviz-tests-", dir=MEMORY)
        weakref.finalize(self, shutil.rmtree, reports, ignore_errors=True)
        self.folder, self.report = folder, Path(reports) / "report.json"
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

    def press_close_button(self):
        """What a window manager sends when the window's cross is clicked."""
        script = """
import ctypes, sys
x = ctypes.CDLL("libX11.so.6")
x.XOpenDisplay.restype = ctypes.c_void_p
x.XInternAtom.restype = ctypes.c_ulong
display = ctypes.c_void_p(x.XOpenDisplay(None))
atoms = [x.XInternAtom(display, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")]
class Message(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("sent", ctypes.c_int),
                ("display", ctypes.c_void_p), ("window", ctypes.c_ulong), ("name", ctypes.c_ulong),
                ("format", ctypes.c_int), ("data", ctypes.c_long * 5), ("room", ctypes.c_long * 24)]
window = int(sys.argv[1])
message = Message(33, 0, 1, display, window, atoms[0], 32, (ctypes.c_long * 5)(atoms[1], 0))
x.XSendEvent(display, ctypes.c_ulong(window), 0, 0, ctypes.byref(message))
x.XCloseDisplay(display)
"""
        search = ["xdotool", "search", "--onlyvisible", "--name", "lossviz"]
        window = subprocess.check_output(search, env=self.environment, text=True).split()[0]
        subprocess.run([sys.executable, "-c", script, window], env=self.environment, check=True)

    def renders_the_same(self, name, saved):
        """The picture that P saves is the one that ``render`` draws of the file in that view."""
        from PIL import Image

        self.do("key", "p")
        self.wait_for(lambda t: "Saved" in t["message"], 60)
        subprocess.run(
            [sys.executable, "-m", "lossviz", "render", name, "-o", "again.png",
             "--view-state", saved],
            cwd=self.folder, check=True, capture_output=True,
        )  # fmt: skip
        one, two = (np.asarray(Image.open(self.folder / n)) for n in (saved, "again.png"))
        assert (one == two).all()

    def close(self, told=""):
        """By its key; ``told`` is all that it may have said."""
        self.do("key", "q")
        assert self.process.wait(20) == 0
        assert self.process.stderr.read() == told

    def end(self):
        """Whatever became of it."""
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def viewer(display, tmp_path):
    ply.write(bumpy(31), tmp_path / "bumpy.ply")
    made = Viewer(display, tmp_path, "bumpy.ply")
    yield made
    made.end()


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
    viewer.click(960 + 172, 366)  # the check box "Grid" in the sidebar
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


def test_paths_and_curves_in_the_window(display, tmp_path):
    marks = [Mark("first", 0, 0)]
    ply.write(bumpy(31).with_changes(trajectories=runs(3), marks=marks), tmp_path / "paths.ply")
    ply.write(fan(), tmp_path / "fan.ply")
    viewer = Viewer(display, tmp_path, "paths.ply", "fan.ply")
    try:
        for key, part in (("t", "trajectories"), ("m", "marks")):
            viewer.do("key", key)
            viewer.wait_for(lambda t, part=part: t["view"][part]["shown"] is False)
            viewer.do("key", key)
            viewer.wait_for(lambda t, part=part: t["view"][part]["shown"] is True)
        viewer.drag(1, (250, 400), (300, 380))
        ply.write(bumpy(21).with_changes(trajectories=runs(2, 400)), tmp_path / "paths.ply")
        ply.write(between(), tmp_path / "fan.ply")
        viewer.wait_for(lambda t: t["revisions"] == [1, 1])
        viewer.settle()
        before = viewer.cpu_seconds()
        time.sleep(3)
        assert viewer.cpu_seconds() - before < 0.3
        viewer.close()
    finally:
        viewer.end()


def test_curves_alone_fill_the_window(display, tmp_path):
    ply.write(fan(), tmp_path / "fan.ply")
    viewer = Viewer(display, tmp_path, "fan.ply")
    try:
        viewer.do("key", "l")
        viewer.wait_for(lambda t: t["view"]["curves"]["scale"] == "linear")
        viewer.do("key", "l")
        viewer.wait_for(lambda t: t["view"]["curves"]["scale"] == "log")
        viewer.do("mousemove", 960 + 160, 180, "click", 4)  # into the plot of the sidebar
        viewer.drag(1, (400, 400), (450, 380))
        viewer.do("key", "p")
        viewer.wait_for(lambda t: "Saved" in t["message"], 60)
        assert (tmp_path / "lossviz-resnet20-001.png").is_file()
        viewer.close()
    finally:
        viewer.end()


def test_a_held_key_switches_once(viewer):
    viewer.do("keydown", "w")
    viewer.wait_for(lambda t: t["view"]["surface"]["wire"] is True)
    frames = viewer.told()["frames"]
    time.sleep(1.5)  # long enough for the keyboard to repeat it
    viewer.do("keyup", "w")
    viewer.settle()
    assert viewer.told()["view"]["surface"]["wire"] is True
    assert viewer.told()["frames"] > frames


def test_views_go_through_the_clipboard(viewer):
    viewer.do("key", "ctrl+v")  # nothing is in it
    viewer.wait_for(lambda t: "no view" in t["message"])
    viewer.do("key", "ctrl+c")
    viewer.wait_for(lambda t: "clipboard" in t["message"] and "no view" not in t["message"])
    viewer.do("key", "i")
    viewer.wait_for(lambda t: t["view"]["isolines"]["surface"] is False)
    viewer.do("key", "ctrl+v")
    viewer.wait_for(lambda t: t["view"]["isolines"]["surface"] is True)


def test_a_picture_of_the_window_shows_the_panels(display, tmp_path):
    import numpy as np
    from PIL import Image

    ply.write(bumpy(21), tmp_path / "bumpy.ply")
    state = ViewState()
    state.picture.panels, state.surface.color = True, "accuracy"
    (tmp_path / "view.json").write_text(state.to_json())
    viewer = Viewer(display, tmp_path, "bumpy.ply", "--view-state", "view.json")
    try:
        viewer.do("key", "p")
        viewer.wait_for(lambda t: "Saved" in t["message"])
        picture = np.asarray(Image.open(tmp_path / "lossviz-bumpy-001.png"))
        assert picture.shape[:2] == tuple(reversed(viewer.told()["size"]))
        assert len(np.unique(picture[:, 1000:].reshape(-1, picture.shape[2]), axis=0)) > 50

        # The file comes again without the quantity that is shown.
        only = bumpy(21).surface
        loss = Surface(only.alphas, only.betas, {"loss": only.loss})
        ply.write(Landscape(surface=loss), tmp_path / "bumpy.ply")
        viewer.wait_for(lambda t: t["view"]["surface"]["color"] == "loss")

        viewer.press_close_button()
        assert viewer.process.wait(20) == 0
        assert viewer.process.stderr.read() == ""
    finally:
        viewer.end()


def test_dropped_files_are_shown_instead(display, tmp_path):
    for name in ("first", "second", "third"):
        ply.write(bumpy(11, name=name), tmp_path / f"{name}.ply")
    ply.write(bumpy(11, name="undrawable"), tmp_path / "undrawable.ply")
    (tmp_path / "broken.ply").write_bytes(b"ply")
    script = """
from lossviz.viewer import app, incoming
step, drops = app.App._step, [["second.ply", "third.ply"], ["broken.ply"], ["nothing.ply"]]
drops.append(["undrawable.ply"])
draw = app.Picture.draw
def drawing(self, scene, *rest, **named):
    if scene.items[0].title == "undrawable":
        raise ValueError("math domain error")
    draw(self, scene, *rest, **named)
app.Picture.draw = drawing
def dropping(self):
    step(self)
    if drops and not self.due:
        incoming.open_files(self, drops.pop(0))
        told.append((len(self.scene.items), self.message, len(self.feed.paths)))
    elif not drops and not self.due:
        app.glfw.set_window_should_close(self.handle, True)
told, app.App._step = [], dropping
from lossviz.cli import main
status = main(["view", "first.ply", "--debug"])
for line in told:
    print(*line, sep=" | ")
raise SystemExit(status)
"""
    environment = {**os.environ, "DISPLAY": display, "LOSSVIZ_CHECK_GL": "1"}
    environment.pop("WAYLAND_DISPLAY", None)
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and done.stderr == "", done.stderr
    both, broken, nothing, undrawable = done.stdout.splitlines()
    assert undrawable.startswith("2 | The files cannot be drawn (math domain error)")
    assert both == "2 |  | 2"
    assert broken.startswith("2 | broken.ply: ") and broken.endswith("| 2")
    assert nothing.startswith("2 | nothing.ply: ")


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
    viewer.wait_for(lambda t: t["message"] == "Saving lossviz-bumpy-001.png …")
    viewer.wait_for(lambda t: "Saved" in t["message"], 60)
    saved = viewer.folder / "lossviz-bumpy-001.png"
    subprocess.run(
        [sys.executable, "-m", "lossviz", "render", "bumpy.ply", "-o", "again.png",
         "--view-state", saved.name],
        cwd=viewer.folder, check=True, capture_output=True,
    )  # fmt: skip
    pictures = [np.asarray(Image.open(viewer.folder / n)) for n in (saved.name, "again.png")]
    assert (pictures[0] == pictures[1]).all()


def test_escape_closes_what_is_open_before_the_window(viewer):
    viewer.do("key", "h")
    viewer.wait_for(lambda t: t["view"]["panels"]["help"] is True)
    viewer.click(960 + 220, 60)  # the list of the quantities that can be the height
    for shown in (True, False):  # the list first, then the card
        viewer.settle()
        viewer.do("key", "Escape")
        viewer.settle()
        assert viewer.told()["view"]["panels"]["help"] is shown
    viewer.do("key", "Escape")
    assert viewer.process.wait(20) == 0


def test_a_number_is_typed_after_ctrl_and_click(viewer):
    before = viewer.told()["view"]
    viewer.do("keydown", "Control_L")
    viewer.click(960 + 220, 116)  # the slider "Steepness"
    viewer.do("keyup", "Control_L")
    viewer.settle()
    viewer.do("type", "--delay", "150", "1.7")
    viewer.do("key", "Return")
    viewer.wait_for(lambda t: t["view"]["surface"]["height_ratio"] == pytest.approx(1.7))
    assert viewer.told()["view"]["camera"] == before["camera"]  # 1 and 7 looked from nowhere


def test_basins_come_beside_the_window(display, tmp_path):
    ply.write(dimpled(31), tmp_path / "dimpled.ply")
    viewer = Viewer(display, tmp_path, "dimpled.ply", "--basins")
    try:
        told = viewer.wait_for(lambda t: t["basins"] == [1])
        assert told["view"]["critical"]["basins"] is True and told["message"] == ""
        viewer.settle()
        viewer.renders_the_same("dimpled.ply", "lossviz-dimpled-001.png")
        viewer.close()
    finally:
        viewer.end()


def test_critical_points_are_pointed_at_flown_to_and_balls_are_dropped(display, tmp_path):
    import numpy as np

    from lossviz.viewer.critical import standing
    from lossviz.viewer.layout import SIDEBAR
    from lossviz.viewer.picture import views
    from lossviz.viewer.scene import Scene

    landscape = dimpled(31)
    ply.write(landscape, tmp_path / "dimpled.ply")
    viewer = Viewer(display, tmp_path, "dimpled.ply")
    try:
        told = viewer.told()
        scene, state = Scene([landscape]), ViewState.from_json(json.dumps(told["view"]))
        width, height = told["size"][0] - int(SIDEBAR), told["size"][1]
        found, (view,) = views(scene, state, width, height, 1.0)
        own = standing(scene, state, 0)
        seen = view.project(own.places)[:, :2] + (found.cells[0].x, found.cells[0].y)
        tops = [k for k, number in enumerate(own.numbers)
                if landscape.critical_points[number].kind == "maximum"]  # fmt: skip
        top = min(tops, key=lambda k: seen[k, 1])  # nothing is in front of the uppermost
        x, y = np.rint(seen[top]).astype(int)
        viewer.do("mousemove", x, y)
        viewer.wait_for(lambda t: t["pointed"] and t["pointed"][0][1] == "maximum")
        viewer.do("mousemove", 20, 20)
        viewer.wait_for(lambda t: t["pointed"] == [])

        # A double click with Shift: a line comes, the camera stays, nothing is waited for.
        camera = viewer.told()["view"]["camera"]
        viewer.do("mousemove", width // 2, height // 2)
        viewer.do("keydown", "shift")
        viewer.do("click", "--repeat", 2, "--delay", 60, 1)
        viewer.do("keyup", "shift")
        told = viewer.wait_for(lambda t: t["dropped"] == [1])
        ((index, alpha, beta),) = told["view"]["critical"]["starts"]
        assert index == 0 and max(abs(alpha), abs(beta)) < 1
        assert told["view"]["camera"] == camera and told["message"] == ""

        viewer.click(x, y)
        told = viewer.wait_for(lambda t: t["view"]["camera"]["target"] != camera["target"])
        assert told["view"]["camera"]["target"] == pytest.approx(own.places[top], abs=1e-6)
        for key, part in (("g", "shown"), ("d", "lines")):
            viewer.do("key", key)
            viewer.wait_for(lambda t, part=part: t["view"]["critical"][part] is False)
            viewer.do("key", key)
            viewer.wait_for(lambda t, part=part: t["view"]["critical"][part] is True)
        viewer.renders_the_same("dimpled.ply", "lossviz-dimpled-001.png")
        viewer.close()
    finally:
        viewer.end()
