"""What a window keeps: undo, bookmarks, the user's keys, recent files, the next start."""

import json
import os
import signal

import pytest

from lossviz import ply
from lossviz.viewer.state import ViewState
from tests.viewer.scenes import bumpy
from tests.window.test_hand import in_window
from tests.window.test_window import Viewer, display

__all__ = ["display"]
pytestmark = pytest.mark.window


@pytest.fixture
def start(display, tmp_path):
    """Start viewers in one folder, with one user's settings."""
    made = []
    for name in ("bumpy", "other"):
        ply.write(bumpy(21, seed=len(name), name=name), tmp_path / f"{name}.ply")

    def starting(*words):
        made.append(Viewer(display, tmp_path, *words))
        return made[-1]

    yield starting
    for viewer in made:
        viewer.end()


def picture(view):
    """A view without its panels."""
    return {name: part for name, part in view.items() if name != "panels"}


def test_changed_closed_and_started_again_it_is_the_same(start):
    viewer = start("bumpy.ply")
    first = viewer.told()
    viewer.drag(1, (400, 400), (500, 360))
    viewer.do("key", "i")
    viewer.do("key", "c")
    viewer.click(960 + 100, 30)  # folds the sidebar's first section
    viewer.wait_for(lambda t: t["view"]["panels"]["turned"] == ["Surface"])
    window = ["search", "--onlyvisible", "--name", "lossviz"]
    viewer.do(*window, "windowsize", 900, 640, "windowmove", 60, 40)
    viewer.wait_for(lambda t: t["size"] == [900, 640] and t["at"] == [60, 40])
    viewer.do("key", "Tab")
    viewer.wait_for(lambda t: t["view"]["panels"]["visible"] is False)
    viewer.settle()
    left = viewer.told()
    assert left["view"]["camera"] != first["view"]["camera"]
    assert left["view"]["isolines"]["surface"] is False
    viewer.close()

    again = start("bumpy.ply").told()
    assert again["view"] == left["view"]
    assert again["size"] == [900, 640] and again["at"] == [60, 40]


def test_another_file_has_its_own_view_and_fresh_has_none(start):
    viewer = start("bumpy.ply", "--size", "900x640")
    viewer.do("key", "w")
    left = viewer.wait_for(lambda t: t["view"]["surface"]["wire"] is True)
    viewer.close()

    viewer = start("other.ply")
    assert viewer.told()["view"]["surface"]["wire"] is False
    assert viewer.told()["size"] == [900, 640]
    assert [[path.rpartition("/")[2] for path in files] for files in viewer.told()["recent"]] == [
        ["bumpy.ply"]
    ]
    viewer.close()

    viewer = start("bumpy.ply", "--fresh")
    told = viewer.told()
    assert told["view"]["surface"]["wire"] is False and told["size"] == [1280, 760]
    assert told["recent"] == []
    viewer.do("key", "a")
    viewer.wait_for(lambda t: t["view"]["axes"]["axes"] is False)
    viewer.close()  # remembers nothing

    viewer = start("bumpy.ply", "--colormap", "magma")
    told = viewer.told()["view"]
    assert told["surface"] == {**left["view"]["surface"], "colormap": "magma"}
    assert told["axes"]["axes"] is True


def test_undo_and_redo_go_by_gestures(start):
    viewer = start("bumpy.ply")
    views = [picture(viewer.told()["view"])]

    def settled():
        viewer.wait_for(lambda told: picture(told["view"]) != views[-1])
        viewer.settle()
        views.append(picture(viewer.told()["view"]))

    viewer.drag(1, (400, 400), (500, 360))
    settled()
    # Notches at once are one gesture.
    viewer.do("mousemove", 450, 420, "click", "--repeat", 5, "--delay", 10, 4)
    settled()
    viewer.drag(1, (960 + 175, 113), (960 + 250, 113))  # a slider of the sidebar
    settled()
    viewer.do("key", "i")  # two keys at once are two
    viewer.wait_for(lambda t: t["view"]["isolines"]["surface"] is False)
    views.append(picture(viewer.told()["view"]))
    viewer.do("key", "7")
    viewer.do("key", "Tab")  # panels are no part of the view
    viewer.wait_for(lambda t: t["view"]["panels"]["visible"] is False)
    settled()

    def pressing(keys, view):
        viewer.do("key", keys)
        viewer.wait_for(lambda t: picture(t["view"]) == view)

    for view in reversed(views[:-1]):
        pressing("ctrl+z", view)
    viewer.do("key", "ctrl+z")
    viewer.wait_for(lambda t: t["message"] == "Nothing to undo.")
    assert viewer.told()["view"]["panels"]["visible"] is False
    for number, view in enumerate(views[1:]):
        pressing("ctrl+shift+z" if number % 2 else "ctrl+y", view)
    viewer.do("key", "ctrl+y")
    viewer.wait_for(lambda t: t["message"] == "Nothing to redo.")
    viewer.close()


def test_bookmarks_serve_later_windows_too(start):
    viewer = start("bumpy.ply")
    viewer.do("key", "F3")
    viewer.wait_for(lambda t: t["message"] == "Bookmark 2 is empty: Shift+F3 keeps a view.")
    viewer.do("key", "3")
    viewer.settle()
    viewer.do("key", "shift+F3")
    kept = viewer.wait_for(lambda t: t["message"] == "The view is bookmark 2.")
    viewer.do("key", "7")
    above = viewer.wait_for(lambda t: t["view"]["camera"]["elevation"] == 90)
    viewer.do("key", "F3")
    viewer.wait_for(lambda t: t["view"] == kept["view"])
    viewer.do("key", "ctrl+z")
    viewer.wait_for(lambda t: t["view"]["camera"]["elevation"] == 90)
    assert above["view"]["camera"]["orthographic"] is True
    viewer.close()
    viewer = start("other.ply")
    viewer.do("key", "F3")
    viewer.wait_for(lambda t: picture(t["view"]) == picture(kept["view"]))
    viewer.close()


def test_own_keys_and_damaged_settings_are_told(start, settings_folder):
    settings_folder.mkdir()
    (settings_folder / "keys.toml").write_text('"isolines" = "J"\n"wire" = "X"\n"floor" = "W"\n')
    (settings_folder / "session.json").write_text("{")
    viewer = start("bumpy.ply")
    assert "got wire (and 1 more)" in viewer.told()["message"]
    viewer.do("key", "i")
    viewer.do("key", "w")
    viewer.do("key", "j")
    told = viewer.wait_for(lambda t: t["view"]["isolines"]["surface"] is False)
    assert told["view"]["surface"]["wire"] is True and told["view"]["isolines"]["floor"] is True
    viewer.do("key", "q")
    assert viewer.process.wait(20) == 0
    lines = viewer.process.stderr.read().splitlines()
    assert len(lines) == 3 and lines[0].startswith("lossviz: session.json: expected JSON: ")
    assert "expected words of the help card" in lines[1] and "'the computed grid'" in lines[2]
    assert json.loads((settings_folder / "session.json").read_text())["lossviz_session"] == 1


def test_recent_files_come_back_with_their_views(start):
    viewer = start("bumpy.ply")
    viewer.do("key", "w")
    viewer.wait_for(lambda t: t["view"]["surface"]["wire"] is True)
    viewer.settle()
    left = viewer.told()["view"]
    viewer.close()

    viewer = start()  # no files: the pair that comes with lossviz, and recent files on top
    assert len(viewer.told()["titles"]) == 2
    viewer.click(960 + 60, 54)
    told = viewer.wait_for(lambda t: t["titles"] == ["bumpy"])
    assert picture(told["view"]) == picture(left)
    assert [len(files) for files in told["recent"]] == [2]
    viewer.do("key", "ctrl+z")  # there is no way back into another file's view
    viewer.wait_for(lambda t: t["message"] == "Nothing to undo.")
    viewer.close()


def test_a_picture_of_lossviz_gives_its_view(start, display):
    viewer = start("bumpy.ply")
    viewer.do("key", "1")
    viewer.settle()
    viewer.do("key", "p")
    kept = viewer.wait_for(lambda t: "Saved" in t["message"], 60)
    path = viewer.folder / "lossviz-bumpy-001.png"
    viewer.do("key", "r")
    viewer.do("key", "7")
    viewer.wait_for(lambda t: t["view"]["camera"]["elevation"] == 90)
    clipboard = viewer_clipboard(viewer, path)
    try:
        viewer.do("key", "ctrl+v")
        viewer.wait_for(lambda t: t["view"] == kept["view"])
    finally:
        clipboard.terminate()
        clipboard.wait()
    viewer.do("key", "ctrl+z")
    viewer.wait_for(lambda t: t["view"]["camera"]["elevation"] == 90)
    viewer.close()


def viewer_clipboard(viewer, path):
    """Another program that copied the picture's place."""
    import subprocess
    import sys

    script = """
import sys, glfw
glfw.init()
glfw.window_hint(glfw.VISIBLE, False)
window = glfw.create_window(64, 64, "clipboard", None, None)
glfw.set_clipboard_string(window, sys.argv[1])
print("ready", flush=True)
while True:
    glfw.wait_events_timeout(0.1)
"""
    other = subprocess.Popen(
        [sys.executable, "-c", script, path.as_uri()],
        env=viewer.environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert other.stdout.readline() == "ready\n"
    other.stdout.close()
    return other


def test_a_window_that_is_interrupted_is_remembered(start):
    viewer = start("bumpy.ply")
    viewer.do("key", "w")
    viewer.wait_for(lambda t: t["view"]["surface"]["wire"] is True)
    os.kill(viewer.process.pid, signal.SIGINT)
    assert viewer.process.wait(20) == 130
    assert start("bumpy.ply").told()["view"]["surface"]["wire"] is True


def test_a_remembered_view_that_fits_no_more_is_left(start, tmp_path):
    state = ViewState()
    state.surface.color = "accuracy"
    (tmp_path / "view.json").write_text(state.to_json())
    start("bumpy.ply", "--view-state", "view.json").close()
    again = start("bumpy.ply")
    assert again.told()["view"]["surface"]["color"] == "accuracy"
    again.close()
    only = bumpy(11).surface
    loss = type(only)(only.alphas, only.betas, {"loss": only.loss})
    ply.write(bumpy(11).with_changes(surface=loss), tmp_path / "bumpy.ply")
    viewer = start("bumpy.ply")
    assert viewer.told()["view"]["surface"]["color"] == "loss"
    viewer.close()


RESETTING = """
def steps_of(self):
    from lossviz.viewer import commands as cmd
    from lossviz.viewer.state import ViewState
    def now():
        return json.loads(self.state.to_json())
    told.append(now())
    self.state.surface.wire = True
    self.state.isolines.count = 5
    self.state.panels.turned = ("Surface",)
    self.obey(cmd.Look(-90, 0))
    yield
    told.append(now())
    self.obey(cmd.ResetView())
    yield
    told.append(now())
    self.obey(cmd.Undo())
    yield
    told.append(now())
"""


def test_reset_is_as_at_the_start_and_can_be_undone(display, tmp_path):
    ply.write(bumpy(21), tmp_path / "a.ply")
    first, changed, reset, undone = in_window(display, tmp_path, RESETTING)
    assert picture(reset) == picture(first) != picture(changed)
    assert reset["panels"]["turned"] == ["Surface"]  # panels are no part of the view
    assert picture(undone) == picture(changed)
