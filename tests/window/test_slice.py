"""The slice and labels in the real window: dragged, read, clicked, saved."""

import json
import time

import numpy as np
import pytest

from lossviz import ply
from lossviz.viewer.layout import SIDEBAR
from lossviz.viewer.picture import views
from lossviz.viewer.scene import Scene
from lossviz.viewer.sections import frame, on_surface
from lossviz.viewer.slicing import present
from lossviz.viewer.state import ViewState
from tests.viewer.scenes import bumpy
from tests.window.test_window import Viewer, display

__all__ = ["display"]
pytestmark = pytest.mark.window


def seen(told, scene):
    """What the window shows: state, its size without the sidebar, where points are seen."""
    state = ViewState.from_json(json.dumps(told["view"]))
    width, height = told["size"][0] - int(SIDEBAR), told["size"][1]
    found, (view,) = views(scene, state, width, height, 1.0)

    def pixel(point):
        x, y = view.project(np.array(point)[None])[0, :2] + (found.cells[0].x, found.cells[0].y)
        return round(float(x)), round(float(y))

    return state, view, pixel


def test_the_slice_is_dragged_read_kept_and_drawn_again(display, tmp_path):
    landscape = bumpy(31)
    ply.write(landscape, tmp_path / "bumpy.ply")
    scene = Scene([landscape])
    viewer = Viewer(display, tmp_path, "bumpy.ply")
    try:
        viewer.do("key", "s")
        told = viewer.wait_for(lambda t: t["view"]["slice"]["shown"])
        viewer.settle()
        camera = told["view"]["camera"]
        state, view, pixel = seen(told, scene)
        handle = frame(scene, state, 0, present(scene, state, 0), view).handle
        away = handle + [0.0, 0.4, 0.0]
        viewer.drag(1, pixel(handle), pixel(away))
        told = viewer.wait_for(lambda t: t["view"]["slice"]["offset"] is not None)
        viewer.settle()
        told = viewer.told()
        offset = told["view"]["slice"]["offset"]
        assert offset == pytest.approx(0.4, abs=0.06)
        assert told["view"]["camera"] == camera  # the plane moved, nothing else

        # On the surface beside the line the crosshair follows; over there it is gone.
        state, view, pixel = seen(told, scene)
        viewer.do("mousemove", *pixel(on_surface(scene, state, 0, 0.25, offset)))
        told = viewer.wait_for(lambda t: t["view"]["slice"]["marker"] is not None)
        assert told["view"]["slice"]["marker"] == pytest.approx([0.25, offset], abs=0.05)
        viewer.do("mousemove", 20, 20)
        viewer.wait_for(lambda t: t["view"]["slice"]["marker"] is None)
        # In the plot the marker follows.
        viewer.do("mousemove", 960 + 200, 640)
        told = viewer.wait_for(lambda t: t["view"]["slice"]["marker"] is not None)
        assert told["view"]["slice"]["marker"][1] == pytest.approx(offset)
        viewer.do("mousemove", 20, 20)
        viewer.wait_for(lambda t: t["view"]["slice"]["marker"] is None)

        # A click labels, another one there takes it away.
        state, view, pixel = seen(viewer.told(), scene)
        place = pixel(on_surface(scene, state, 0, 0.0, 0.0))
        viewer.click(*place)
        told = viewer.wait_for(lambda t: t["view"]["labels"]["places"])
        assert told["view"]["labels"]["places"][0] == pytest.approx([0, 0.0, 0.0], abs=0.02)
        time.sleep(0.5)
        viewer.click(*place)
        viewer.wait_for(lambda t: not t["view"]["labels"]["places"])

        # The profile goes into a file; folded, the first section leaves room for the button.
        viewer.click(960 + 100, 28)
        viewer.settle()
        for y in range(470, 580, 12):
            viewer.click(960 + 230, y)
            time.sleep(0.5)
            if (tmp_path / "lossviz-bumpy-slice-001.csv").is_file():
                break
        text = (tmp_path / "lossviz-bumpy-slice-001.csv").read_text().splitlines()
        assert text[0] == "landscape,slice,place,alpha,beta,loss" and len(text) > 300

        viewer.do("key", "r")
        viewer.settle()
        viewer.click(*place)
        viewer.wait_for(lambda t: t["view"]["labels"]["places"])
        viewer.do("mousemove", 20, 20)
        viewer.settle()
        viewer.renders_the_same("bumpy.ply", "lossviz-bumpy-001.png")
        viewer.close()
    finally:
        viewer.end()
