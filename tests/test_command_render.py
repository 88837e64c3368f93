"""``lossviz render``: what was typed, and what a saved view says."""

import os
import struct
import zlib

import pytest

from lossviz import cli, ply
from lossviz.errors import InputError
from lossviz.viewer.state import ViewState
from tests.viewer.scenes import bumpy


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


@pytest.mark.parametrize(
    "words",
    [["--scale", "nan"], ["--scale", "1000"], ["--scale=-1"], ["--cap", "nan"],
     ["--azimuth", "inf"], ["--colormap", "nosuch"], ["--color-range", "nan:1"],
     ["--color-range", "1"], ["--azimuth", "1e9"], ["--elevation", "91"]],
)  # fmt: skip
def test_impossible_views_are_wrong_usage(drawn, words, capsys):
    assert cli.main(["render", "x.ply", "-o", "x.png", *words]) == 2
    assert not drawn and capsys.readouterr().err.count("\n") == 1


def test_what_cannot_be_written_or_drawn_is_said_before_a_file_is_read(tmp_path, capsys):
    (tmp_path / "folder.png").mkdir()
    for output, part in (("folder.png", "is a folder"), ("no/such.png", "is missing")):
        assert cli.main(["render", "absent.ply", "-o", str(tmp_path / output)]) == 1
        assert part in capsys.readouterr().err
    for size in ("0x0", "15x100", "99999x100"):
        words = ["render", "absent.ply", "-o", str(tmp_path / "a.png"), "--size", size]
        assert cli.main(words) == 2
        assert "16 to 8192" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


@pytest.mark.parametrize("size", ["0x0", "20000x100", "99999x99999", "63x100"])
def test_impossible_windows_are_wrong_usage(size, capsys):
    assert cli.main(["view", "--size", size]) == 2
    assert "64x64 to 8192x8192" in capsys.readouterr().err


def test_strange_saved_views_are_bad_input(drawn, tmp_path, capsys):
    os.mkfifo(tmp_path / "fifo")
    bomb = struct.pack(">II5B", 60000, 60000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", len(bomb)) + b"IHDR" + bomb
    chunk += struct.pack(">I", zlib.crc32(b"IHDR" + bomb))
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)
    for name in ("fifo", "bomb.png", "nothing", "."):
        words = ["render", "x.ply", "-o", "x.png", "--view-state", str(tmp_path / name)]
        assert cli.main(words) == 3
        assert capsys.readouterr().err.count("\n") == 1


def test_a_picture_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    import numpy as np

    from lossviz.errors import LossvizError
    from lossviz.viewer.scene import Scene
    from lossviz.viewer.screenshot import save

    (tmp_path / "out.png").mkdir()
    with pytest.raises(LossvizError, match=r"out\.png"):
        save(tmp_path / "out.png", np.zeros((2, 2, 4), np.uint8), Scene([bumpy()]), ViewState())
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]


@pytest.mark.parametrize("command", [["render", "-o", "x.png"], ["view"]])
def test_a_cap_below_every_height_is_refused(command, tmp_path, capsys):
    ply.write(bumpy(11), tmp_path / "a.ply")
    assert cli.main([*command, str(tmp_path / "a.ply"), "--cap", "-5"]) == 2
    told = capsys.readouterr().err
    assert "cap: expected a value above the lowest loss" in told and told.count("\n") == 1


def test_a_saved_colour_range_has_its_lower_end_first():
    text = ViewState().to_json().replace('"color_range": null', '"color_range": [5, 1]')
    with pytest.raises(InputError, match="lower end first"):
        ViewState.from_json(text)
