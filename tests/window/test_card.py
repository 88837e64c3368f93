"""Everything on the help card does what the card says, in the real window, by keyboard and mouse.

A line of the card without a check here fails, and so does a check without its line.
"""

import json
import os
import stat
from functools import reduce
from pathlib import Path

import numpy as np
import pytest

from lossviz import ply
from lossviz.landscape import Mark
from lossviz.viewer.commands import BINDINGS, MOUSE
from lossviz.viewer.critical import standing
from lossviz.viewer.layout import SIDEBAR
from lossviz.viewer.picture import views
from lossviz.viewer.scene import Scene
from lossviz.viewer.scrolling import USUAL
from lossviz.viewer.sections import frame
from lossviz.viewer.slicing import present
from lossviz.viewer.state import ViewState
from tests.viewer.scenes import bumpy, dimpled, runs
from tests.window.test_hand import in_window
from tests.window.test_window import Viewer, display

__all__ = ["display"]
pytestmark = pytest.mark.window

NAMES = {"TAB": "Tab", "SPACE": "space", "ESCAPE": "Escape", "HOME": "Home", "ENTER": "Return",
         "BACKSPACE": "BackSpace"}  # fmt: skip
MIDDLE = (480, 400)


def pressed(key):
    """A binding's key as xdotool calls it."""
    *held, name = key.split("+")
    name = NAMES.get(name, name.lower() if len(name) == 1 else name)
    return "+".join([*(one.lower() for one in held), name])


def at(told, place):
    return reduce(lambda part, name: part[name], place.split("."), told["view"])


class Card:
    """A window with everything in it that the card speaks of."""

    def __init__(self, viewer, folder):
        self.viewer, self.folder, self.told = viewer, folder, viewer.told

    def press(self, key):
        self.viewer.do("key", pressed(key))

    def becomes(self, condition):
        return self.viewer.wait_for(condition)

    def camera(self):
        self.viewer.settle()
        return self.told()["view"]["camera"]

    def moved(self, before):
        """The camera, once it is not where it was and rests."""
        self.becomes(lambda t: t["view"]["camera"] != before)
        return self.camera()

    def reset(self):
        """Everything is seen from the front."""
        self.viewer.do("key", "3")
        self.becomes(lambda t: t["view"]["camera"]["azimuth"] == 0)
        self.viewer.do("key", "r")
        self.viewer.do("key", "1")
        self.becomes(lambda t: t["view"]["camera"]["azimuth"] == -90)
        self.viewer.settle()

    def says(self, words):
        return self.becomes(lambda t: words in t["message"])


def toggles(place):
    def check(card, key):
        before = at(card.told(), place)
        card.press(key)
        card.becomes(lambda t: at(t, place) is (not before))
        card.press(key)
        card.becomes(lambda t: at(t, place) is before)

    return check


def fits(card, key):
    card.reset()
    fitted = card.camera()
    card.viewer.do("mousemove", 300, 300, "click", 4, "click", 4)
    moved = card.moved(fitted)
    assert moved["distance"] < fitted["distance"] and moved["target"] != fitted["target"]
    card.press(key)
    card.becomes(lambda t: t["view"]["camera"] == fitted)


def looks(azimuth, elevation):
    def check(card, key):
        card.viewer.drag(1, MIDDLE, (540, 430))
        card.press(key)
        card.becomes(lambda t: (at(t, "camera.azimuth"), at(t, "camera.elevation"))
                     == (azimuth, elevation))  # fmt: skip

    return check


def as_map(card, key):
    looks(-90, 90)(card, key)
    assert at(card.told(), "camera.orthographic") is True


def scales(card, key):
    places = ("surface.height_scale", "surface.color_scale", "isolines.spacing", "curves.scale")
    seen = []
    for _ in range(2):
        before = {place: at(card.told(), place) for place in places}
        card.press(key)
        told = card.becomes(lambda t, b=before: {p: at(t, p) for p in places} != b)
        (scale,) = {at(told, place) for place in places}
        seen.append(scale)
    assert set(seen) == {"log", "linear"}


def plays(card, key):
    card.press(key)
    card.becomes(lambda t: at(t, "panels.playing") and 0 < at(t, "trajectories.played") < 1)
    card.press(key)
    card.becomes(lambda t: not at(t, "panels.playing"))


def maps(step):
    def check(card, key):
        from lossviz.viewer.colormaps import names

        known, before = names(), at(card.told(), "surface.colormap")
        after = known[(known.index(before) + step) % len(known)]
        card.press(key)
        card.becomes(lambda t: at(t, "surface.colormap") == after)

    return check


def arranges(card, key):
    for after in ("overlay", "swipe", "grid"):
        card.press(key)
        card.becomes(lambda t, after=after: at(t, "compare.arrangement") == after)


def pictures(card, key):
    card.press(key)
    path = card.says("Saved ")["message"].removeprefix("Saved ")
    assert Path(path).read_bytes()[:4] == b"\x89PNG"


def asks_for_files(card, key):
    card.press(key)
    card.becomes(lambda t: t["titles"] == ["second"])
    assert "--multiple" in (card.folder / "asked").read_text()


def asks_for_a_folder(card, key):
    card.press(key)
    card.becomes(lambda t: t["gallery"] and len(t["gallery"]["tiles"]) == 2)
    assert "--directory" in (card.folder / "asked").read_text()


def goes_to_the_gallery(card, key):
    assert card.told()["gallery"] is not None
    card.press(key)
    card.becomes(lambda t: t["gallery"] is None)
    card.press(key)
    card.becomes(lambda t: t["gallery"] is not None)


def opens_what_is_chosen(card, key):
    card.viewer.settle()
    card.viewer.do("keydown", "Control_L")
    card.viewer.click(120, 150)
    card.viewer.do("keyup", "Control_L")
    card.becomes(lambda t: t["gallery"]["chosen"] == ["card.ply"])
    card.press(key)
    card.becomes(lambda t: t["titles"] == ["card"] and t["gallery"] is None)


def copies(card, key):
    card.press(key)
    card.says("The view is in the clipboard.")


def copies_a_command(card, key):
    card.reset()
    card.viewer.do("mousemove", *MIDDLE)
    card.viewer.settle()
    card.press(key)
    card.says("Copied: lossviz checkpoint ")


def pastes(card, key):
    copies(card, "Ctrl+C")
    view = at(card.told(), "surface.colormap")
    card.viewer.do("key", "c")
    card.becomes(lambda t: at(t, "surface.colormap") != view)
    card.press(key)
    card.becomes(lambda t: at(t, "surface.colormap") == view)


def undoes(card, key):
    before = at(card.told(), "axes.axes")
    card.viewer.do("key", "a")
    card.becomes(lambda t: at(t, "axes.axes") is (not before))
    card.press(key)
    card.becomes(lambda t: at(t, "axes.axes") is before)


def redoes(card, key):
    undoes(card, "Ctrl+Z")
    before = at(card.told(), "axes.axes")
    card.press(key)
    card.becomes(lambda t: at(t, "axes.axes") is (not before))


def recalls(card, key):
    card.viewer.do("key", "7")
    card.becomes(lambda t: at(t, "camera.elevation") == 90)
    card.viewer.do("key", pressed(f"Shift+{key}"))
    card.says(f"The view is bookmark {int(key[1:]) - 1}.")
    card.viewer.do("key", "1")
    card.becomes(lambda t: at(t, "camera.elevation") == 0)
    card.press(key)
    card.becomes(lambda t: at(t, "camera.elevation") == 90)


def keeps(card, key):
    card.press(key)
    card.says(f"The view is bookmark {int(key.rpartition('F')[2]) - 1}.")


def leaves(card, key):
    card.viewer.do("key", "h")
    card.becomes(lambda t: at(t, "panels.help") is True)
    card.press(key)
    card.becomes(lambda t: at(t, "panels.help") is False)


def closes(card, key):
    card.press(key)
    assert card.viewer.process.wait(20) == 0


KEYS = {
    "show everything": fits,
    "from the front": looks(-90, 0),
    "from the right": looks(0, 0),
    "from above, as a map": as_map,
    "perspective or orthographic": toggles("camera.orthographic"),
    "logarithmic or linear": scales,
    "isolines": toggles("isolines.surface"),
    "floor": toggles("isolines.floor"),
    "trajectories": toggles("trajectories.shown"),
    "play or pause the trajectories": plays,
    "critical points": toggles("critical.shown"),
    "lines of steepest descent": toggles("critical.lines"),
    "slice": toggles("slice.shown"),
    "marks": toggles("marks.shown"),
    "the computed grid": toggles("surface.wire"),
    "axes": toggles("axes.axes"),
    "side by side, overlaid, or swiped": arranges,
    "one camera for all, or one each": toggles("compare.linked"),
    "next colour map": maps(1),
    "colour map before": maps(-1),
    "picture into a file": pictures,
    "open files": asks_for_files,
    "open a folder as a gallery": asks_for_a_folder,
    "to the gallery and back": goes_to_the_gallery,
    "open what is chosen there": opens_what_is_chosen,
    "panels": toggles("panels.visible"),
    "this card": toggles("panels.help"),
    "copy the view as text": copies,
    "copy the command for the weights here": copies_a_command,
    "paste a view": pastes,
    "undo a change of the view": undoes,
    "redo it": redoes,
    "go to a bookmark": recalls,
    "keep the view as a bookmark": keeps,
    "close this card, else the window": leaves,
    "close the window": closes,
}


@pytest.fixture
def card(display, tmp_path, monkeypatch):
    """A window whose file dialogs answer at once."""
    landscape = dimpled(41)
    paths = [*landscape.trajectories, *runs(2)]
    own = landscape.with_changes(
        trajectories=paths, marks=[Mark("here", 0.1, 0.1, 1.0)], name="card"
    )
    folder = tmp_path / "folder"
    folder.mkdir()
    ply.write(own, folder / "card.ply")
    ply.write(bumpy(21, name="second"), folder / "second.ply")
    state = ViewState()
    state.picture.width, state.picture.height, state.picture.supersample = 320, 200, 1
    (tmp_path / "view.json").write_text(state.to_json())
    program = tmp_path / "bin" / "zenity"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\necho "$*" > {tmp_path}/asked\n'
        f'case "$*" in *--directory*) echo {folder};; *) echo {folder}/second.ply;; esac\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    viewer = Viewer(display, tmp_path, "folder/card.ply", "--view-state", "view.json")
    made = Card(viewer, tmp_path)
    made.landscape = own
    yield made
    viewer.end()


def test_every_line_of_the_card_is_checked_here_and_nothing_else():
    assert [binding.says for binding in BINDINGS] == list(KEYS)
    assert all(binding.keys for binding in BINDINGS)
    lines = [line for line, _ in (*MOUSE, *USUAL.rows())]
    assert sorted(lines) == sorted([*HANDS, *GIVEN])


def test_every_key_of_the_card_does_what_it_says(card):
    for binding in BINDINGS:
        for key in binding.keys:
            try:
                KEYS[binding.says](card, key)
            except AssertionError as error:
                pytest.fail(f"{key}: {binding.says}: {error}")
    assert card.viewer.process.stderr.read() == ""


# ── the mouse ────────────────────────────────────────────────────────────────────────────────


def seen(card):
    """The state, what the camera sees, and a function from scene points to pixels."""
    card.viewer.settle()
    told = card.told()
    state = ViewState.from_json(json.dumps(told["view"]))
    scene = Scene([card.landscape])
    width, height = told["size"][0] - int(SIDEBAR), told["size"][1]
    found, (view,) = views(scene, state, width, height, 1.0)

    def pixel(point):
        corner = found.cells[0].x, found.cells[0].y
        return np.rint(view.project(np.array(point)[None])[0, :2] + corner).astype(int).tolist()

    return scene, state, view, pixel


def turns(card):
    before = card.camera()
    card.viewer.drag(1, MIDDLE, (540, 430))
    after = card.moved(before)
    assert after["azimuth"] != before["azimuth"] and after["target"] == before["target"]


def moves(card):
    for button, shift in ((3, False), (1, True)):
        before = card.camera()
        if shift:
            card.viewer.do("keydown", "shift")
        card.viewer.drag(button, MIDDLE, (500, 420))
        if shift:
            card.viewer.do("keyup", "shift")
        after = card.moved(before)
        assert after["azimuth"] == before["azimuth"] and after["target"] != before["target"]


def centers(nearer, *clicks):
    def check(card):
        card.reset()
        before = card.camera()
        card.viewer.do("mousemove", *MIDDLE, "click", *clicks)
        told = card.becomes(lambda t: at(t, "camera.target") != before["target"])
        assert at(told, "camera.distance") == pytest.approx(before["distance"] / nearer)

    return check


def flies_to_a_critical_point(card):
    card.reset()
    card.viewer.do("key", "7")
    card.becomes(lambda t: at(t, "camera.elevation") == 90)
    scene, state, _, pixel = seen(card)
    places = standing(scene, state, 0).places  # from above nothing is in front of any
    place = min(places, key=lambda one: np.hypot(*np.subtract(pixel(one), MIDDLE)))
    card.viewer.click(*pixel(place))
    told = card.becomes(lambda t: at(t, "camera.target") != list(state.camera.target))
    assert at(told, "camera.target") == pytest.approx(place, abs=1e-6)


def labels(card):
    card.reset()
    card.viewer.do("key", "g")  # nothing in the way
    card.viewer.settle()
    card.viewer.click(*MIDDLE)
    card.becomes(lambda t: len(at(t, "labels.places")) == 1)
    card.viewer.settle()
    card.viewer.click(*MIDDLE)
    card.becomes(lambda t: at(t, "labels.places") == [])
    card.viewer.do("key", "g")


def slides(card):
    card.reset()
    before = card.camera()
    card.viewer.drag(1, MIDDLE, (380, 480))  # from the front the plane is not seen to move
    card.moved(before)
    card.viewer.do("key", "s")
    card.becomes(lambda t: at(t, "slice.shown"))
    scene, state, view, pixel = seen(card)
    handle = frame(scene, state, 0, present(scene, state, 0), view).handle
    card.viewer.drag(1, pixel(handle), pixel(handle + [0.0, 0.3, 0.0]))
    card.becomes(lambda t: at(t, "slice.offset") is not None)
    card.viewer.do("key", "s")
    card.becomes(lambda t: not at(t, "slice.shown"))


def drops_a_ball(card):
    card.reset()
    card.viewer.do("mousemove", *MIDDLE, "keydown", "shift")
    card.viewer.do("click", "--repeat", 2, "--delay", 60, 1)
    card.viewer.do("keyup", "shift")
    card.becomes(lambda t: len(at(t, "critical.starts")) == 1)


def types_a_value(card):
    card.viewer.do("keydown", "Control_L")
    card.viewer.click(960 + 220, 116)  # the slider "Steepness"
    card.viewer.do("keyup", "Control_L")
    card.viewer.settle()
    card.viewer.do("type", "--delay", "150", "0.9")
    card.viewer.do("key", "Return")
    card.becomes(lambda t: at(t, "surface.height_ratio") == pytest.approx(0.9))


def chooses_in_a_gallery(card):
    card.viewer.do("key", "BackSpace")
    card.becomes(lambda t: t["gallery"])
    card.viewer.settle()
    card.viewer.do("keydown", "Control_L")
    card.viewer.click(120, 150)
    card.becomes(lambda t: t["gallery"]["chosen"] == ["card.ply"])
    card.viewer.click(450, 150)
    card.viewer.do("keyup", "Control_L")
    card.becomes(lambda t: t["gallery"]["chosen"] == ["card.ply", "second.ply"])


def swipes(card):
    card.viewer.do("key", "Return")  # the two that were chosen
    card.becomes(lambda t: t["titles"] == ["card", "second"])
    for after in ("overlay", "swipe"):
        card.viewer.do("key", "v")
        card.becomes(lambda t, after=after: at(t, "compare.arrangement") == after)
    state = ViewState.from_json(json.dumps(card.told()["view"]))
    scene = Scene([card.landscape, bumpy(21, name="second")])
    width, height = card.told()["size"][0] - int(SIDEBAR), card.told()["size"][1]
    found, _ = views(scene, state, width, height, 1.0)
    x = round(found.divider)
    card.viewer.settle()
    card.viewer.drag(1, (x, 400), (x + 150, 410))
    card.becomes(lambda t: at(t, "compare.divider") > 0.55)


def zooms_by_wheel(card):
    before = card.camera()
    card.viewer.do("mousemove", *MIDDLE, "click", 4)
    card.becomes(lambda t: at(t, "camera.distance") == pytest.approx(before["distance"] / 1.15))


def moves_and_zooms_by_wheel(card):
    before = card.camera()
    card.viewer.do("keydown", "shift", "click", 4, "keyup", "shift")
    after = card.moved(before)
    assert after["target"] != before["target"] and after["distance"] == before["distance"]
    card.viewer.do("keydown", "ctrl", "click", 4, "keyup", "ctrl")
    card.becomes(lambda t: at(t, "camera.distance") == pytest.approx(before["distance"] / 1.15))


HANDS = {
    "left drag": turns,
    "right drag, Shift + left drag": moves,
    "wheel": zooms_by_wheel,
    "Shift, Ctrl + either": moves_and_zooms_by_wheel,
    "middle click": centers(1.0, 2),
    "double click": centers(2.0, "--repeat", 2, "--delay", 60, 1),
    "click on a critical point": flies_to_a_critical_point,
    "click on the surface": labels,
    "drag the slice's frame": slides,
    "Shift + double click": drops_a_ball,
    "Ctrl + click on a slider": types_a_value,
    "Ctrl + click in a gallery": chooses_in_a_gallery,
    "drag the divider": swipes,
}
GIVEN = ("two fingers", "drop files or a folder", "drop a picture")  # see below


def test_every_gesture_of_the_card_does_what_it_says(card):
    for line, check in HANDS.items():
        try:
            check(card)
        except AssertionError as error:
            pytest.fail(f"{line}: {error}")
    card.viewer.close()


DROPS = """
def steps_of(self):
    def tell(what):
        told.append([what, [item.title for item in self.scene.items], self.browsing.told(),
                     self.state.camera.azimuth, self.state.surface.colormap])
    tell("start")
    heard["cursor_pos"](self.handle, 450.0, 420.0)
    heard["scroll"](self.handle, 0.5, 0.0)
    yield
    tell("two fingers")
    heard["drop"](self.handle, ["view.png"])
    yield
    tell("drop a picture")
    heard["drop"](self.handle, ["b.ply", "a.ply"])
    yield
    tell("drop files or a folder")
    heard["drop"](self.handle, ["folder"])
    for _ in range(20):
        yield
    tell("drop files or a folder")
"""


def test_what_no_virtual_screen_does_is_done_where_glfw_tells_of_it(display, tmp_path):
    from lossviz import cli

    (tmp_path / "folder").mkdir()
    for path in ("a.ply", "b.ply", "folder/c.ply"):
        ply.write(bumpy(11, name=path[-5]), tmp_path / path)
    picture = str(tmp_path / "view.png")
    words = ["render", str(tmp_path / "a.ply"), "-o", picture, "--size", "64x64"]
    assert cli.main([*words, "--colormap", "magma"]) == 0
    told = in_window(display, tmp_path, DROPS)
    assert {line for line, *_ in told} == {"start", *GIVEN}
    start, fingers, view, files, folder = told
    assert fingers[3] == pytest.approx(start[3] - 0.5 * 3.5)
    assert (start[4], view[4]) == ("coolwarm", "magma")
    assert files[1] == ["b", "a"] and files[2] is None
    assert folder[2]["title"] == "folder" and folder[2]["tiles"][0][1] == "c"
