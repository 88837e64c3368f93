"""A landscape shows itself in a notebook and in a window."""

import io
import os
import subprocess
import sys
import time

import numpy as np
import pytest

import lossviz

from .small import X, Y, network


@pytest.fixture(scope="module")
def small():
    return lossviz.surface(network(4, 6, 3), "cross_entropy", (X, Y), points=9, name="small/net")


def test_a_notebook_gets_the_picture_that_render_draws(small, tmp_path, ctx):
    from PIL import Image

    from lossviz.commands.render import render_files
    from lossviz.viewer.state import ViewState

    (tmp_path / "shown.png").write_bytes(small._repr_png_())
    lossviz.write(small, tmp_path / "a.ply")
    state = ViewState()
    state.picture.width, state.picture.height = 960, 640
    render_files([tmp_path / "a.ply"], tmp_path / "drawn.png", state)
    with Image.open(tmp_path / "shown.png") as one, Image.open(tmp_path / "drawn.png") as two:
        assert one.size == (960, 640) and "lossviz_view" in one.info
        assert (np.asarray(one) == np.asarray(two)).all() and np.asarray(one).std() > 10


def test_without_opengl_there_is_text(small, monkeypatch):
    from lossviz.errors import LossvizError
    from lossviz.viewer import screenshot

    def none():
        raise LossvizError("OpenGL 3.3 off-screen: not available")

    monkeypatch.setattr(screenshot, "create_context", none)
    assert small._repr_png_() is None
    assert repr(small).startswith("Landscape('small/net', 9x9 points, loss ")
    assert repr(small).endswith("50 samples)") and len(repr(small)) < 200


def test_curves_alone_are_drawn_as_a_figure():
    from PIL import Image

    alone = lossviz.Landscape(curves=[lossviz.Curve("c", [0, 1], {"loss": [1, 2]})])
    with Image.open(io.BytesIO(alone._repr_png_())) as picture:
        rgb = np.asarray(picture).astype(int)
    assert rgb.shape == (640, 960, 3)
    blue = rgb[..., 2] - rgb[..., 0] > 80  # the line, corner to corner
    assert blue.any(axis=0)[60:930].all() and blue.any(axis=1)[90:550].all()
    assert "1 curve)" in repr(alone)


def test_show_opens_a_window_on_a_file_and_returns_at_once(small, monkeypatch):
    from lossviz import showing

    commands = []

    class Window:
        def __init__(self, command, **options):
            commands.append((command, options))

        def poll(self):
            return 0

    monkeypatch.setattr(showing.subprocess, "Popen", Window)
    monkeypatch.setattr(showing, "_windows", [Window(["gone"])])
    assert small.show() is None
    (command, options) = commands[-1]
    assert command[:4] == [sys.executable, "-m", "lossviz", "view"]
    assert (lossviz.read(command[4]).surface.loss == small.surface.loss).all()
    assert options["start_new_session"] and len(showing._windows) == 1


def test_show_without_a_display_draws_beside_the_file(small, tmp_path):
    code = """
import lossviz, sys
lossviz.read(sys.argv[1]).show()
from lossviz import showing
assert "torch" not in sys.modules
raise SystemExit(showing._windows[0].wait(60))
"""
    lossviz.write(small, tmp_path / "small.ply")
    (tmp_path / "tmp").mkdir()
    hidden = {key: v for key, v in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "small.ply")], capture_output=True, text=True,
        cwd=tmp_path, env={**hidden, "TMPDIR": str(tmp_path / "tmp")}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "tmp").rglob("*.png"))) == 1 and time.monotonic() - began < 60
    assert {path.name for path in tmp_path.iterdir()} == {"small.ply", "tmp"}
