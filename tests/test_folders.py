"""A folder stands for the landscapes in it."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossviz import cli, ply
from lossviz.errors import InputError
from lossviz.folders import _by_name, expanded, landscapes
from tests.viewer.scenes import bumpy


def test_landscapes_by_name_and_nothing_else(tmp_path):
    for name in ("run10.ply", "run2.ply", "Run1.PLY", "a.txt", ".run3.ply", ".b.ply.12.tmp"):
        (tmp_path / name).touch()
    (tmp_path / "deep.ply").mkdir()
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "z.ply").touch()
    assert [path.name for path in landscapes(tmp_path)] == ["Run1.PLY", "run2.ply", "run10.ply"]
    other = tmp_path / "elsewhere.ply"
    assert expanded([other, tmp_path]) == [other, *landscapes(tmp_path)]
    with pytest.raises(InputError, match="cannot be read"):
        landscapes(tmp_path / "gone")
    with pytest.raises(InputError, match=r"expected landscapes \(.ply\) in the folder, got none"):
        expanded([tmp_path / "deep.ply"])


@given(st.lists(st.text("ab01 9٣²", min_size=1), min_size=2, max_size=4))
def test_any_names_have_one_order(tmp_path_factory, names):
    """Also where digits are none that ``int`` reads, and where numbers are longer than it takes."""
    paths = [tmp_path_factory.getbasetemp() / f"{name}.ply" for name in names]
    once = sorted(paths, key=_by_name)
    backwards = paths[::-1]
    backwards.sort(key=_by_name)
    assert backwards == once
    low, high = "7" * 4000, "7" * 3999 + "8"
    assert _by_name(paths[0].with_name(f"a{low}")) < _by_name(paths[0].with_name(f"a{high}"))


def test_render_takes_a_folder(tmp_path, capsys):
    folder = tmp_path / "several"
    folder.mkdir()
    for index in range(2):
        ply.write(bumpy(11, seed=index), folder / f"{index}.ply")
    words = ["render", str(folder), "--size", "160x120", "-o"]
    assert cli.main([*words, str(tmp_path / "both.png")]) == 0
    assert cli.main([*words, str(tmp_path / "each"), "--each"]) == 0
    assert sorted(os.listdir(tmp_path / "each")) == ["0.png", "1.png"]
    (tmp_path / "empty").mkdir()
    assert cli.main(["render", str(tmp_path / "empty"), "-o", str(tmp_path / "x.png")]) == 3
    assert "got none" in capsys.readouterr().err
    for index in range(51):
        (folder / f"{index}.ply").touch()
    assert cli.main([*words, str(tmp_path / "many.png")]) == 2
    assert "at most 50 side by side, got 51; --each" in capsys.readouterr().err


def test_view_without_a_display_draws_each_of_a_folder(tmp_path, monkeypatch, capsys):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(
        "lossviz.commands.view.render_files", lambda files, target, state: seen.append(files)
    )
    seen = []
    folder = tmp_path / "several"
    folder.mkdir()
    for index in range(2):
        ply.write(bumpy(11, seed=index), folder / f"{index}.ply")
    assert cli.main(["view", str(folder), "--output-dir", str(tmp_path / "out")]) == 0
    assert seen == [[folder / "0.ply"], [folder / "1.ply"]]
    (tmp_path / "empty").mkdir()
    assert cli.main(["view", str(tmp_path / "empty"), "--output-dir", str(tmp_path / "o")]) == 3
    assert "got none" in capsys.readouterr().err
