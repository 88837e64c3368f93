"""``lossviz render``: what was typed, and what a saved view says."""

import pytest

from lossviz import cli
from lossviz.viewer.state import ViewState


@pytest.fixture
def drawn(monkeypatch):
    """The views that would be drawn."""
    seen = []
    monkeypatch.setattr(
        "lossviz.commands.render.render_files", lambda files, output, state: seen.append(state)
    )
    return seen


def test_a_saved_view_is_drawn_as_it_was_saved(drawn, tmp_path):
    saved = ViewState()
    saved.picture.width, saved.picture.height, saved.picture.scale = 800, 400, 1.5
    saved.picture.supersample, saved.picture.transparent = 3, True
    (tmp_path / "view.json").write_text(saved.to_json())
    words = ["render", "x.ply", "-o", "x.png", "--view-state", str(tmp_path / "view.json")]
    assert cli.main(words) == 0
    assert cli.main([*words, "--size", "640x480", "--supersample", "1"]) == 0
    assert drawn[0] == saved
    saved.picture.width, saved.picture.height, saved.picture.supersample = 640, 480, 1
    assert drawn[1] == saved


def test_without_a_saved_view_a_picture_is_1600_by_900(drawn):
    assert cli.main(["render", "x.ply", "-o", "x.png"]) == 0
    assert (drawn[0].picture.width, drawn[0].picture.height) == (1600, 900)
