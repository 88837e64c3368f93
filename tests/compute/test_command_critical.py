"""``lossviz critical`` on what it is not made for."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compute import critical_points
from lossviz import read, write
from lossviz.cli import main
from lossviz.landscape import Landscape, Surface
from lossviz.refining import as_known

X = np.linspace(-1, 1, 21)
WAVES = Surface(X, X, {"loss": np.cos(4 * X)[:, None] + np.sin(3 * X) + 2.1})


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("shape", [(21, 1), (1, 21), (1, 1)])
def test_a_single_row_has_no_points(shape, capsys):
    axes = [X[:size] for size in shape]
    write(Landscape(surface=Surface(*axes, {"loss": np.cos(4 * X)[: max(shape)].reshape(shape)})),
          "a.ply")  # fmt: skip
    assert main(["critical", "a.ply", "--basins", "--separatrices", "--contours"]) == 0
    assert "no critical points" in capsys.readouterr().out
    assert not read("a.ply").critical_points


@pytest.mark.parametrize("threshold", ["nan", "-1", "inf", "1e999"])
def test_a_threshold_is_a_finite_persistence(threshold, capsys):
    write(Landscape(surface=WAVES), "a.ply")
    before = Path("a.ply").read_bytes()
    assert main(["critical", "a.ply", "--threshold", threshold]) == 2
    assert "threshold: expected a persistence from 0 on" in capsys.readouterr().err
    assert Path("a.ply").read_bytes() == before


def test_what_is_known_of_one_point_is_not_told_of_another():
    """Below the grid's resolution points have persistence 0, all the same."""
    found = critical_points(WAVES)
    first = replace(found[0], kind="saddle", persistence=0.0)
    points = [replace(first, alpha=first.alpha + shift) for shift in (0.0, 0.05, 0.08, 0.9)]
    known = [replace(p, alpha=p.alpha + 0.02, moved=0.02) for p in points[:2]]
    again = as_known(replace(found, points=points), replace(found, points=known), WAVES)
    assert list(again) == [*known, *points[2:]]
