"""How others see the picture: in the window, not in the pictures that it saves."""

import json

import numpy as np
import pytest
from PIL import Image

from lossviz import ply
from lossviz.viewer.state import ViewState
from tests.viewer.scenes import bumpy
from tests.window.test_window import Viewer, display

__all__ = ["display"]
pytestmark = pytest.mark.window


def colourful(path, columns=slice(None)):
    with Image.open(path) as image:
        rgb = np.asarray(image.convert("RGB")).astype(int)[:, columns]
    return int(np.ptp(rgb, axis=2).max())


def test_a_preview_is_seen_undone_and_not_saved(display, tmp_path):
    ply.write(bumpy(21), tmp_path / "bumpy.ply")
    state = ViewState()
    state.picture.vision, state.picture.width, state.picture.height = "grey", 480, 360
    (tmp_path / "view.json").write_text(state.to_json())
    viewer = Viewer(display, tmp_path, "bumpy.ply", "--view-state", "view.json")
    viewer.do("key", "p")
    viewer.wait_for(lambda t: "Saved" in t["message"], 60)
    saved = tmp_path / "lossviz-bumpy-001.png"
    assert colourful(saved) > 100
    with Image.open(saved) as image:
        assert json.loads(image.info["lossviz_view"])["picture"]["vision"] == "grey"
    viewer.do("key", "c")
    viewer.wait_for(lambda t: t["view"]["surface"]["colormap"] != "coolwarm")
    viewer.do("key", "ctrl+z")
    viewer.wait_for(lambda t: t["view"]["surface"]["colormap"] == "coolwarm")
    assert viewer.told()["view"]["picture"]["vision"] == "grey"
    viewer.end()
    state.picture.panels = True  # the window as it is: with its panels, and the preview
    (tmp_path / "view.json").write_text(state.to_json())

    viewer = Viewer(display, tmp_path, "bumpy.ply", "--view-state", "view.json")
    viewer.do("key", "p")
    viewer.wait_for(lambda t: "Saved" in t["message"], 60)
    window = tmp_path / "lossviz-bumpy-002.png"
    assert colourful(window, slice(0, 940)) <= 2
    assert colourful(window, slice(970, 1280)) > 20  # the panels keep their colours
    viewer.end()
