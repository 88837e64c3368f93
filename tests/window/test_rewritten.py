"""A file that is rewritten while it is shown, with whatever is in it."""

import numpy as np
import pytest

from lossviz import ply
from lossviz.landscape import Landscape, Surface
from tests.viewer.scenes import bumpy
from tests.window.test_window import Viewer, display

__all__ = ["display"]
pytestmark = pytest.mark.window

AXIS = np.linspace(-1, 1, 5)


@pytest.mark.parametrize("value", [5e-324, 1.7e308, np.nan, 0.0])
def test_extreme_numbers_do_not_close_the_window(display, tmp_path, value):
    path = tmp_path / "a.ply"
    ply.write(bumpy(11), path)
    viewer = Viewer(display, tmp_path, "a.ply")
    try:
        loss = np.full((5, 5), value)
        loss[2:, 2:] *= -1
        ply.write(Landscape(surface=Surface(AXIS, AXIS, {"loss": loss}), name="x\ny"), path)
        viewer.wait_for(lambda told: told["revisions"] == [1])
        viewer.settle()
        ply.write(bumpy(11), path)
        viewer.wait_for(lambda told: told["revisions"] == [2])
        viewer.settle()
    finally:
        viewer.do("key", "Escape")
        assert viewer.process.wait(20) == 0, viewer.process.stderr.read()
        viewer.process.stderr.close()
