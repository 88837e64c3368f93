"""Galleries of folders and the system's file dialog in the real window."""

import os
import stat
import subprocess
import sys
import time

import pytest

from lossviz import ply
from tests.viewer.scenes import bumpy, fan
from tests.window.test_window import Viewer, display

__all__ = ["display"]
pytestmark = pytest.mark.window


@pytest.fixture
def folder(tmp_path):
    own = tmp_path / "several"
    own.mkdir()
    for index, name in enumerate(("first", "second")):
        ply.write(bumpy(21, seed=index, name=name), own / f"{name}.ply")
    ply.write(fan(), own / "fan.ply")
    (own / "hostile.ply").write_bytes(b"ply\n" + b"\xff" * 1000)
    return tmp_path


def all_there(told):
    shown = told["gallery"]
    return bool(shown) and all(title or problem for _, title, _, problem in shown["tiles"])


def test_a_folder_is_a_gallery_to_open_one_and_to_compare(folder, display):
    viewer = Viewer(display, folder, "several")
    try:
        told = viewer.wait_for(all_there)["gallery"]
        assert told["title"] == "several"
        assert [(name, title, size) for name, title, size, _ in told["tiles"]] == [
            ("fan.ply", "resnet20", "5 curves"), ("first.ply", "first", "21 × 21"),
            ("hostile.ply", None, None), ("second.ply", "second", "21 × 21"),
        ]  # fmt: skip
        assert "header" in told["tiles"][2][3]
        viewer.do("key", "i")  # the picture is hidden: nothing of it changes
        viewer.click(380, 150)
        told = viewer.wait_for(lambda t: t["titles"] == ["first"])
        assert told["gallery"] is None and told["view"]["isolines"]["surface"] is True

        viewer.do("key", "BackSpace")
        viewer.wait_for(lambda t: t["gallery"])
        viewer.settle()
        viewer.do("keydown", "Control_L")
        viewer.click(380, 150)
        viewer.click(1080, 150)
        viewer.do("keyup", "Control_L")
        viewer.wait_for(lambda t: t["gallery"]["chosen"] == ["first.ply", "second.ply"])
        viewer.do("key", "Return")
        viewer.wait_for(lambda t: t["titles"] == ["first", "second"])
        viewer.do("key", "BackSpace")
        viewer.wait_for(lambda t: t["gallery"])
        viewer.settle()
        viewer.click(40, 52)  # the button "Back to first, second"
        viewer.wait_for(lambda t: t["gallery"] is None)
        viewer.do("key", "BackSpace")
        viewer.wait_for(lambda t: t["gallery"])
        # What comes into the folder comes into the gallery; what cannot be opened is told.
        ply.write(bumpy(11, name="third"), folder / "several" / "third.ply")
        viewer.wait_for(lambda t: len(t["gallery"]["tiles"]) == 5 and all_there(t))
        viewer.settle()
        viewer.click(760, 150)
        viewer.wait_for(lambda t: "hostile.ply" in t["message"])
        viewer.settle()
        frames, before = viewer.told()["frames"], viewer.cpu_seconds()
        time.sleep(4)
        # The message goes, and that is all that happens.
        assert viewer.told()["frames"] <= frames + 5
        assert viewer.cpu_seconds() - before < 0.05 * 4
        viewer.do("key", "Escape")  # back to the picture first
        viewer.wait_for(lambda t: t["gallery"] is None)
        viewer.close()
    finally:
        viewer.end()
    again = Viewer(display, folder)
    try:  # the folder is a recent file too
        assert [str(folder / "several")] in again.told()["recent"]
        again.close()
    finally:
        again.end()


def test_without_a_gallery_backspace_shows_the_files_folder(folder, display):
    viewer = Viewer(display, folder, "several/first.ply")
    try:
        viewer.do("key", "BackSpace")
        told = viewer.wait_for(all_there)["gallery"]
        assert told["title"] == "several" and len(told["tiles"]) == 4
        viewer.do("key", "BackSpace")
        told = viewer.wait_for(lambda t: t["gallery"] is None)
        assert told["titles"] == ["first"]
        viewer.close()
    finally:
        viewer.end()


def test_an_empty_folder_says_so_and_is_left_by_what_is_opened(folder, display):
    (folder / "empty").mkdir()
    viewer = Viewer(display, folder, "empty")
    try:
        assert viewer.told()["gallery"] == {"title": "empty", "tiles": [], "chosen": []}
        viewer.do("key", "BackSpace")  # there is nothing to go back to
        viewer.do("key", "Return")
        viewer.settle()
        assert viewer.told()["gallery"] is not None
        viewer.do("key", "Escape")
        assert viewer.process.wait(20) == 0
        assert viewer.process.stderr.read() == ""
    finally:
        viewer.end()


def test_a_dropped_folder_is_a_gallery(folder, display):
    script = """
from lossviz.viewer import app, incoming
step, drops, told = app.App._step, [["several"]], []
def dropping(self):
    step(self)
    if self.due:
        return
    if drops:
        incoming.open_files(self, drops.pop(0))
        return
    shown = self.browsing.gallery
    if not any(tile.waits for tile in shown.tiles):
        told.append(self.browsing.told())
        app.glfw.set_window_should_close(self.handle, True)
app.App._step = dropping
from lossviz.cli import main
status = main(["view", "several/first.ply", "--debug", "--fresh"])
print(told[-1]["title"], len(told[-1]["tiles"]))
raise SystemExit(status)
"""
    environment = {**os.environ, "DISPLAY": display, "LOSSVIZ_CHECK_GL": "1"}
    environment.pop("WAYLAND_DISPLAY", None)
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert done.stdout == "several 4\n"


def program(folder, name, answer):
    """A dialog that answers at once, and keeps what it was asked."""
    own = folder / "bin"
    own.mkdir(exist_ok=True)
    path = own / name
    path.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {folder}/asked\n{answer}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return own


def test_the_dialog_opens_files_and_folders(folder, display, monkeypatch):
    files = f"'{folder}/several/first.ply' '{folder}/several/second.ply'"
    answer = f"case $* in *--directory*) echo {folder}/several;; *) printf '%s\\n' {files};; esac"
    own = program(folder, "zenity", answer)
    monkeypatch.setenv("PATH", f"{own}:{os.environ['PATH']}")
    viewer = Viewer(display, folder, "several/fan.ply")
    try:
        viewer.do("key", "ctrl+o")
        viewer.wait_for(lambda t: t["titles"] == ["first", "second"])
        asked = (folder / "asked").read_text().splitlines()
        assert "--multiple" in asked and any("*.ply" in word for word in asked)
        viewer.do("key", "ctrl+shift+o")
        viewer.wait_for(all_there)
        viewer.close()
    finally:
        viewer.end()


def test_a_dialog_that_is_left_changes_nothing_and_one_that_is_open_waits_for_nobody(
    folder, display, monkeypatch
):
    own = program(folder, "zenity", "[ -e left ] && exec sleep 300; touch left; exit 1")
    monkeypatch.setenv("PATH", f"{own}:{os.environ['PATH']}")
    viewer = Viewer(display, folder, "several/fan.ply")
    try:
        viewer.do("key", "ctrl+o")
        viewer.wait_for(lambda t: (folder / "left").exists())
        viewer.settle()
        assert viewer.told()["titles"] == ["resnet20"] and viewer.told()["message"] == ""
        viewer.do("key", "ctrl+o")  # this one stays open
        viewer.settle()
        viewer.do("key", "l")
        viewer.wait_for(lambda t: t["view"]["curves"]["scale"] == "linear")
        viewer.close()
    finally:
        viewer.end()


def test_where_the_system_has_no_dialog_that_is_said(folder, display, monkeypatch):
    monkeypatch.setenv("PATH", str(program(folder, "nothing", "")))
    code = (
        "import shutil\n"
        "from lossviz.viewer.panels.dialog import PROGRAMS, Dialog\n"
        "from lossviz.errors import LossvizError\n"
        "try:\n    Dialog()\nexcept LossvizError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.startswith("There is no file dialog here (none of zenity, ")
    assert "`lossviz view`" in done.stdout and done.stdout.count("\n") == 1
