"""What the window says of computations under way."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lossviz import underway
from lossviz.underway import Status, Telling
from lossviz.viewer import live
from lossviz.viewer.commands import CopyText, HideComputation, StopComputation
from lossviz.viewer.live import Live, Underway
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

from .scenes import bumpy
from .test_panels import HEIGHT, WIDTH, gui, pixels

__all__ = ["gui"]

RUNNING = Status("computing", "points", 123, 2601, 4.5, "", "lossviz surface -o b.ply")


def write(folder, status, age=0.0):
    folder.mkdir(exist_ok=True)
    path = folder / "progress.json"
    path.write_text(json.dumps({"lossviz_progress": 1} | status.__dict__))
    os.utime(path, (time.time() - age,) * 2)


def told(found):
    return [one.lines() for one in found.shown]


def test_a_computation_from_its_first_points_to_its_end(tmp_path):
    found, run = Live([tmp_path / "b.ply", tmp_path / "other.ply"]), tmp_path / "b.run"
    assert found.poll(0.0) == (False, []) and found.shown == ()
    write(run, replace(RUNNING, done=0, rate=0.0))
    lock = underway._locked(run / "progress.lock")
    assert found.poll(1.0) == (True, [])
    assert told(found) == [["b: 0 of 2,601 points", "waiting for the first points"]]
    write(run, RUNNING, 0.1)
    assert found.poll(2.0) == (True, [])
    assert told(found) == [["b: 123 of 2,601 points", "4.5 a second, 9:11 left"]]
    os.utime(run / "progress.json")
    assert found.poll(3.0) == (False, [])  # a beat is nothing to draw
    write(run, replace(RUNNING, what="critical points", done=2601))
    found.poll(4.0)
    assert told(found) == [["b: 2,601 of 2,601 points", "now its critical points"]]
    found.poll(100.0)
    assert found.shown[0].running  # however long it is silent, the process is there
    write(run, replace(RUNNING, state="done", done=2601))
    assert found.poll(101.0) == (True, ["b: 2,601 points are there."])
    assert found.shown == ()
    lock.close()


def test_a_process_that_is_gone_is_dead_after_a_while(tmp_path):
    found, run = Live([tmp_path / "b.ply"]), tmp_path / "b.run"
    write(run, RUNNING)
    (run / "progress.lock").touch()
    found.poll(0.0)
    assert found.shown[0].running  # it may be about to say that it has ended
    found.poll(underway.SILENT + 0.1)
    assert told(found) == [["b: the computation died after 123 of 2,601 points; all are kept."]]
    found.hide(run)
    found.poll(10.0)
    assert found.shown == ()
    write(run, replace(RUNNING, done=124))  # somebody goes on with it
    found.poll(11.0)
    assert found.shown[0].running
    again = Live([tmp_path / "b.ply"])  # a window that is opened a day later
    write(run, RUNNING, age=86_400)
    again.poll(0.0)
    assert again.shown[0].dead


def test_where_the_system_knows_no_locks_silence_tells(tmp_path, monkeypatch):
    monkeypatch.setattr(underway, "is_held", lambda folder: None)
    found = Live([tmp_path / "b.ply"])
    write(tmp_path / "b.run", RUNNING)
    found.poll(0.0)
    found.poll(live.SLOWEST - 1)
    assert found.shown[0].running
    found.poll(live.SLOWEST + 1)
    assert found.shown[0].dead


def test_stopping_asks_in_the_folder(tmp_path):
    found, run = Live([tmp_path / "b.ply"]), tmp_path / "b.run"
    write(run, RUNNING)
    found.poll(0.0)
    found.stop(run)
    assert (run / "stop").exists()
    found.poll(0.1)
    assert told(found)[0][1] == "stopping after what is under way …"
    write(run, replace(RUNNING, state="interrupted"))
    assert found.poll(1.0) == (True, [])
    assert told(found) == [["b: stopped after 123 of 2,601 points; all are kept."]]


def test_a_real_computation_is_alive_and_then_is_not(tmp_path):
    (tmp_path / "b.run").mkdir()
    teller = Telling(lambda: tmp_path / "b.run", lambda: 5, 9, "lossviz x")
    found = Live([tmp_path / "b.ply"])
    found.poll(0.0)
    found.poll(1e3)
    assert found.shown[0].running
    teller.end("failed", "no memory")
    found.poll(2e3)
    assert told(found) == [["b: ended after 5 of 9 points: no memory"]]


@pytest.mark.parametrize(
    "rate, line",
    [(4.5, "4.5 a second, 9:11 left"), (0.01, "100.0 s a point, 68:50:00 left"),
     (1234.5, "1,234.5 a second, 0:02 left"), (0.0, "the rate is not known yet"),
     (1e-12, "1,000,000,000,000.0 s a point, 100,000:00:00 left")],
)  # fmt: skip
def test_the_pace_is_told_as_people_read_it(rate, line):
    assert Underway(Path(), "b", replace(RUNNING, rate=rate)).lines()[1] == line


def frames(gui, shown, *, visible=True, theme="light"):
    from lossviz.viewer.panels import sidebar

    state, asked = ViewState(), []
    state.panels.visible, state.picture.theme = visible, theme
    for _ in range(3):
        gui.target.use()
        gui.target.clear(0.5, 0.5, 0.5, 1.0)
        gui.begin(WIDTH, HEIGHT, 1.0, 0.05, theme)
        asked += sidebar.draw(state, Scene([bumpy(11)]), WIDTH, HEIGHT, 1.0, underway=shown)
        gui.end(gui.target)
    return asked


def click(gui, shown, x, y):
    asked = []
    for down in (None, True, False):
        gui.pointer(x, y)
        if down is not None:
            gui.button(0, down)
        asked += frames(gui, shown)
    return asked


def test_its_buttons_ask_for_what_they_say(gui):
    shown = (Underway(Path("b.run"), "b", RUNNING),)
    assert click(gui, shown, WIDTH - 34, 44) == [StopComputation(Path("b.run"))]
    stopping = (replace(shown[0], stopping=True),)
    assert click(gui, stopping, WIDTH - 34, 44) == []  # once is enough
    dead, asked = (replace(shown[0], dead=True),), []
    for x in range(WIDTH - 300, WIDTH, 60):
        asked += click(gui, dead, x, 88)
    copying = CopyText("lossviz surface -o b.ply", "The command is in the clipboard.")
    assert {type(one) for one in asked} == {CopyText, HideComputation} and copying in asked


def test_computations_look_as_blessed(gui, image_match):
    failed = replace(RUNNING, state="failed", said="b.ply: cannot be written: disk full")
    shown = (Underway(Path("a"), "resnet56", RUNNING), Underway(Path("b"), "b", failed))
    frames(gui, shown)
    beside = pixels(gui)[:240, 370:]
    frames(gui, shown, visible=False, theme="dark")
    over = pixels(gui)[:240, 370:]
    image_match("underway", np.concatenate([beside, over], axis=1))
