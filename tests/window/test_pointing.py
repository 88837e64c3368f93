"""What the pointer reads in the real window: steps of paths, the surface; labels, and a command."""

import json
import os
import shlex
from itertools import product

import numpy as np
import pytest

from lossviz import ply
from lossviz.viewer.heights import displayed_mesh
from lossviz.viewer.layout import sidebar_room
from lossviz.viewer.picture import views
from lossviz.viewer.pointing import card_at
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from tests.viewer.scenes import bumpy, runs
from tests.window.test_window import Viewer, display

__all__ = ["display"]
pytestmark = pytest.mark.window
STEP = 12


def seen_in(told):
    """The view, and the size of what it is seen in."""
    state = ViewState.from_json(json.dumps(told["view"]))
    width, height = told["size"]
    return state, (round(width - sidebar_room(state, width, 1.0)), height, 1.0)


def on_card(told, scene, at):
    """A pixel of the card of the label of what is seen at pixel ``at``."""
    state, size = seen_in(told)
    around = product((-80, -50, 50, 80), (-60, -40, -20, 20, 40, 60))
    beside = ((at[0] + x, at[1] + y) for x, y in around)
    return next(pixel for pixel in beside if card_at(scene, state, *size, *pixel) is not None)


def pixel(told, scene, place):
    """Where alpha, beta on the surface are seen in the window."""
    state, size = seen_in(told)
    found, (view,) = views(scene, state, *size)
    flat = scene.items[0].place(np.array([place]))
    point = np.column_stack([flat, displayed_mesh(scene, state, 0).at(flat)])
    x, y = view.project(point)[0, :2]
    return round(float(x + found.cells[0].x)), round(float(y + found.cells[0].y))


def test_a_step_is_read_labelled_and_its_weights_command_copied(display, tmp_path):
    landscape = bumpy(31).with_changes(trajectories=runs(1))
    ply.write(landscape, tmp_path / "my paths.ply")
    scene, run = Scene([landscape]), landscape.trajectories[0]
    place = tuple(run.points[STEP].tolist())
    viewer = Viewer(display, tmp_path, "my paths.ply")
    try:
        viewer.settle()
        at = pixel(viewer.told(), scene, place)
        viewer.do("mousemove", *at)
        told = viewer.wait_for(lambda t: ["", "run 0"] in t["pointed"])
        assert ["step", str(int(run.steps[STEP]))] in told["pointed"]
        assert {"own loss", "off the plane", "loss on the surface"} <= dict(told["pointed"]).keys()
        assert {"α, β", "loss", "accuracy", "steepness"} <= dict(told["read"]).keys()

        viewer.do("key", "ctrl+shift+c")
        message = viewer.wait_for(lambda t: t["message"].startswith("Copied: "))["message"]
        words = shlex.split(message.removeprefix("Copied: "))
        assert words[:2] == ["lossviz", "checkpoint"] and os.path.samefile(
            words[2], tmp_path / "my paths.ply"
        )
        alpha, beta = map(float, words[3].removeprefix("--at=").split(","))
        assert (alpha, beta) == pytest.approx(place, rel=1e-8)

        viewer.click(*at)
        told = viewer.wait_for(lambda t: t["view"]["labels"]["places"])
        assert told["view"]["labels"]["places"] == [[0, *place]]  # the step's own place
        viewer.settle()
        viewer.renders_the_same("my paths.ply", "lossviz-bumpy-001.png")

        viewer.click(*on_card(viewer.told(), scene, at))
        viewer.wait_for(lambda t: t["view"]["labels"]["places"] == [])

        viewer.do("mousemove", at[0] + 60, at[1] + 30)
        told = viewer.wait_for(lambda t: t["pointed"] == [] and t["read"])
        assert "loss" in dict(told["read"])
        viewer.do("mousemove", 5, 5)
        viewer.wait_for(lambda t: t["read"] == [])
        viewer.close()
    finally:
        viewer.end()
