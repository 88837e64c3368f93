"""Two landscapes in the real window: cameras parted and linked, swiped, overlaid, subtracted."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from lossviz import ply
from lossviz.viewer.layout import SIDEBAR
from lossviz.viewer.legend import arranged
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from tests.viewer.scenes import bumpy
from tests.window.test_window import Viewer, display

__all__ = ["display"]
pytestmark = pytest.mark.window


def test_two_landscapes_are_parted_swiped_and_subtracted(display, tmp_path):
    names = "one.ply", "two.ply"
    landscapes = [bumpy(21, seed=seed, name=name[:3]) for seed, name in enumerate(names)]
    for landscape, name in zip(landscapes, names, strict=True):
        ply.write(landscape, tmp_path / name)
    viewer = Viewer(display, tmp_path, *names)
    try:
        told = viewer.told()
        width, height = told["size"][0] - int(SIDEBAR), told["size"][1]
        left, right = (width // 4, height // 2), (width * 5 // 8, height // 2)

        # Parted, each landscape turns alone.
        viewer.do("key", "o")
        told = viewer.wait_for(lambda t: len(t["view"]["compare"]["cameras"]) == 2)
        assert told["view"]["compare"]["linked"] is False
        viewer.drag(1, right, (right[0] - 60, right[1]))
        turned = -60 + 60 * 0.35
        told = viewer.wait_for(lambda t: near(t["view"]["camera"]["azimuth"], turned))
        viewer.settle()
        compare = told["view"]["compare"]
        assert compare["handled"] == 1 and compare["cameras"][0]["azimuth"] == -60.0
        viewer.drag(1, left, (left[0] + 40, left[1] + 40))
        viewer.wait_for(lambda t: near(t["view"]["camera"]["elevation"], 38 + 40 * 0.35))
        viewer.settle()
        view = viewer.told()["view"]
        assert view["compare"]["handled"] == 0
        assert view["camera"]["azimuth"] == pytest.approx(-60 - 40 * 0.35, abs=0.5)
        assert near(view["compare"]["cameras"][1]["azimuth"], turned)
        # A step back is a turn back.
        viewer.do("key", "ctrl+z")
        viewer.wait_for(lambda t: t["view"]["camera"] != view["camera"])
        viewer.do("key", "ctrl+y")
        viewer.wait_for(lambda t: t["view"] == view)
        # Linked again, all have the camera of the one handled last.
        viewer.do("key", "o")
        told = viewer.wait_for(lambda t: t["view"]["compare"]["linked"])
        assert told["view"]["camera"] == view["camera"]
        assert told["view"]["compare"]["cameras"] == []

        # Overlaid, then swiped: the divider follows the pointer, the camera stays.
        viewer.do("key", "v")
        viewer.wait_for(lambda t: t["view"]["compare"]["arrangement"] == "overlay")
        viewer.do("key", "v")
        viewer.wait_for(lambda t: t["view"]["compare"]["arrangement"] == "swipe")
        viewer.settle()
        camera = viewer.told()["view"]["camera"]
        state = ViewState.from_json(json.dumps(viewer.told()["view"]))
        at = round(arranged(Scene(landscapes), state, width, height, 1.0).divider)
        viewer.drag(1, (at, height // 3), (at - 150, height // 3))
        port = arranged(Scene(landscapes), state, width, height, 1.0).viewports[0]
        divider = 0.5 - 150 / port.width
        told = viewer.wait_for(
            lambda t: near(t["view"]["compare"]["divider"], divider, 3 / port.width)
        )
        assert told["view"]["camera"] == camera
        viewer.do("key", "ctrl+z")
        viewer.wait_for(lambda t: t["view"]["compare"]["divider"] > 0.45)
        viewer.do("key", "ctrl+y")
        viewer.wait_for(lambda t: near(t["view"]["compare"]["divider"], divider, 3 / port.width))
        viewer.do("mousemove", 20, 20)
        viewer.settle()
        renders_the_same(viewer, names, "lossviz-one_two-001.png")

        # The difference, by its button; folded, the section above leaves room for it.
        viewer.do("key", "v")
        viewer.wait_for(lambda t: t["view"]["compare"]["arrangement"] == "grid")
        viewer.click(width + 100, 28)
        for y in range(190, 260, 12):
            viewer.click(width + 240, y)
            viewer.settle()
            if viewer.told()["view"]["compare"]["differences"]:
                break
        told = viewer.wait_for(lambda t: len(t["titles"]) == 3)
        assert told["view"]["compare"]["differences"] == [[0, 1]]
        assert told["titles"][2] == "one − two"
        # A file of another grid has no difference from the first one.
        ply.write(bumpy(15, seed=5, name="two"), tmp_path / "two.ply")
        told = viewer.wait_for(lambda t: t["revisions"] == [0, 1])
        assert told["view"]["compare"]["differences"] == []
        viewer.wait_for(lambda t: "same grid" in t["message"])
        viewer.close()
    finally:
        viewer.end()


def renders_the_same(viewer, names, saved):
    """The picture that P saves is the one that ``render`` draws of the files in that view."""
    viewer.do("key", "p")
    viewer.wait_for(lambda t: "Saved" in t["message"], 60)
    subprocess.run(
        [sys.executable, "-m", "lossviz", "render", *names, "-o", "again.png", "--view-state",
         saved],
        cwd=viewer.folder, check=True, capture_output=True,
    )  # fmt: skip
    one, two = (np.asarray(Image.open(viewer.folder / name)) for name in (saved, "again.png"))
    assert (one == two).all()


def near(value, expected, by=0.5):
    return abs(value - expected) <= by
