"""The difference of two landscapes, as a landscape, as a file and as a picture's colours."""

import numpy as np
import pytest

import lossviz
from lossviz.cli import main
from lossviz.landscape import Curve, Landscape, Surface
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

from .viewer.scenes import bumpy


def made(scale, n=4, **more):
    alphas, betas = np.linspace(-1, 1, n), np.linspace(0, 2, 3)
    loss = scale * (1 + alphas[:, None] ** 2 + betas)
    return Landscape(surface=Surface(alphas, betas, {"loss": loss, **more}), name=f"x{scale}")


def test_every_quantity_that_both_have_is_subtracted():
    error, right = np.full((4, 3), 0.3), np.full((4, 3), 0.75)
    a = made(2.0, loss_stderr=error, accuracy=right, own=right)
    b = made(3.0, loss_stderr=4 * error / 3, accuracy=right - 0.25)
    found = lossviz.difference(a, b)
    own = found.surface.quantities
    assert set(own) == {
        "loss", "loss_difference", "accuracy_difference", "loss_difference_stderr",
        "loss_log_ratio",
    }  # fmt: skip
    assert (own["loss"] == a.surface.loss).all() and (own["accuracy_difference"] == 0.25).all()
    assert (own["loss_difference"] == a.surface.loss - b.surface.loss).all()
    assert own["loss_difference_stderr"] == pytest.approx(0.5)
    assert own["loss_log_ratio"] == pytest.approx(np.log10(2 / 3))
    assert found.title == "x2.0 − x3.0" and "x2.0 minus x3.0" in found.provenance.notes[-1]


def test_what_is_no_number_stays_so():
    a, b = made(2.0), made(3.0)
    loss = a.surface.loss.copy()
    loss[0, 0], loss[1, 1] = np.nan, np.inf
    holed = a.with_changes(surface=Surface(a.surface.alphas, a.surface.betas, {"loss": loss}))
    own = lossviz.difference(holed, b).surface.quantities["loss_difference"]
    assert np.isnan(own[0, 0]) and own[1, 1] == np.inf and np.isfinite(own).sum() == 10
    assert np.isnan(lossviz.difference(holed, holed).surface.quantities["loss_difference"][1, 1])


def test_the_middle_colour_is_no_difference():
    found = lossviz.difference(made(2.0), made(3.0))
    scene, state = Scene([found]), ViewState()
    state.surface.color = "loss_difference"
    colors = scene.color_range(state, 0)
    assert (colors.low, colors.high) == (-4.0, 4.0) and not colors.log
    state.surface.color = "loss_log_ratio"
    colors = scene.color_range(state, 0)
    assert colors.low == -colors.high == pytest.approx(np.log10(2 / 3))
    state.surface.color_range = (-1.0, 0.0)
    assert scene.color_range(state, 0).high == 0.0


CURVES = Landscape(curves=[Curve("c", [0, 1], {"loss": [1, 2]})])


@pytest.mark.parametrize("other", [made(1.0, n=5), CURVES])
def test_other_grids_and_curves_are_refused_in_a_line(other, tmp_path, capsys):
    lossviz.write(made(2.0), tmp_path / "a.ply")
    lossviz.write(other, tmp_path / "b.ply")
    words = ["difference", str(tmp_path / "a.ply"), str(tmp_path / "b.ply")]
    assert main([*words, "-o", str(tmp_path / "d.ply")]) == 2
    told = capsys.readouterr().err
    assert "difference: expected" in told and len(told.splitlines()) == 1
    assert not (tmp_path / "d.ply").exists()


def test_the_command_writes_a_landscape_and_tells_its_range(tmp_path, capsys):
    a, b = bumpy(11, 7), bumpy(11, 7)
    lossviz.write(a, tmp_path / "a.ply")
    quantities = {"loss": b.surface.loss + 0.25}
    b = b.with_changes(surface=Surface(b.surface.alphas, b.surface.betas, quantities))
    lossviz.write(b, tmp_path / "b.ply")
    words = ["difference", str(tmp_path / "a.ply"), str(tmp_path / "b.ply")]
    assert main([*words, "-o", str(tmp_path / "d.ply")]) == 0
    told = capsys.readouterr().out
    assert "loss of A minus B -0.25 to -0.25; A is higher on 0%" in told
    found = lossviz.read(tmp_path / "d.ply")
    assert found.surface.quantities["loss_difference"] == pytest.approx(-0.25)


@pytest.mark.parametrize(
    "a, b, color",
    [(bumpy(11, 7), bumpy(11, 7, seed=1), "loss_log_ratio"),
     (made(2.0), made(3.0), "loss_difference")],
)  # fmt: skip
def test_it_tells_the_colour_that_shows_the_difference(a, b, color, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lossviz.write(a, "a.ply")
    lossviz.write(b, "b.ply")
    assert main(["difference", "a.ply", "b.ply", "-o", "d.ply"]) == 0
    assert capsys.readouterr().out.endswith(f"lossviz view d.ply --color {color}\n")
    assert color in lossviz.read("d.ply").surface.quantities
