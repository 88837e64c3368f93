"""Accuracy instead of counts: the errors that are told hold on surfaces that are known."""

import numpy as np
import pytest

from compute.adaptive import Convergence, images_needed, interpolate, median_error, surplus
from lossviz import ply
from lossviz.cli import main
from lossviz.landscape import Surface


def sampled(f, count, **quantities):
    along = np.linspace(-1, 1, count)
    a, b = np.meshgrid(along, along, indexing="ij")
    return Surface(along, along, {"loss": f(a, b), **quantities})


def smooth(a, b):
    return np.exp(2 * np.sin(2.1 * a + 0.3) + np.cos(2.7 * b) + a * b)


def rough(a, b):
    return 2 + np.sin(1e4 * a * (1 + b)) * np.cos(3e4 * b)


@pytest.mark.parametrize("f", [smooth, lambda a, b: smooth(a, b) - 3])
@pytest.mark.parametrize("finest", [17, 33, 65])
def test_the_error_told_is_about_the_error_there_is(f, finest):
    """Against the function itself, in between all points; with positive and mixed signs."""
    convergence = Convergence()
    for count in (3, 5, 9, 17, 33, 65):
        if count <= finest:
            surface = sampled(f, count)
            convergence.add(surface)
    fine = np.linspace(-1, 1, 301)
    truth = f(*np.meshgrid(fine, fine, indexing="ij"))
    scale = np.maximum(np.abs(truth), np.median(np.abs(truth)))
    real = (np.abs(interpolate(surface, fine, fine) - truth) / scale).max()
    assert convergence.interpolates
    assert real / 3 <= convergence.error <= 300 * real + 1e-9


def test_a_surface_that_does_not_interpolate_says_so():
    convergence = Convergence()
    for count in (3, 5, 9, 17, 33):
        convergence.add(sampled(rough, count))
    assert not convergence.interpolates and convergence.error > 0.3


def test_a_bicubic_has_no_surplus():
    def cubic(a, b):
        return 5 + a**3 - b**2 + a * b - 7  # of both signs: not in the logarithm

    assert surplus(sampled(cubic, 5), sampled(cubic, 9)).max() < 1e-12


def test_holes_are_kept_out_of_the_surplus():
    fine = sampled(smooth, 33)
    whole = surplus(sampled(smooth, 17), fine).max()

    def holed(a, b):
        return np.where((a > 0.8) & (b > 0.8), np.nan, smooth(a, b))

    found = surplus(sampled(holed, 17), sampled(holed, 33))
    assert found.size > 100 and found.max() <= whole + 0.002
    nothing = Surface(fine.alphas, fine.betas, {"loss": np.full((33, 33), np.nan)})
    assert surplus(sampled(smooth, 17), nothing).size == 0


@pytest.mark.parametrize("shape", [(9, 1), (1, 9), (1, 1)])
def test_lines_and_points(shape):
    alphas, betas = (np.linspace(-1, 1, size) if size > 1 else np.zeros(1) for size in shape)
    surface = Surface(alphas, betas, {"loss": np.exp(alphas[:, None] + betas[None, :])})
    assert interpolate(surface, alphas, betas) == pytest.approx(surface.loss)
    assert Convergence().error != Convergence().error  # NaN: nothing is known yet


def test_images_for_an_error():
    assert images_needed(0.04, 100, 0.02) == 600  # four times as many, and a margin
    surface = sampled(smooth, 9)
    surface = Surface(surface.alphas, surface.betas,
                      {"loss": surface.loss, "loss_stderr": 0.07 * surface.loss})  # fmt: skip
    assert median_error(surface) == pytest.approx(0.07)
    assert np.isnan(median_error(sampled(smooth, 3)))


COMMAND = ["surface", "--model", "mlp", "--data", "digits", "--ignore", "none", "-o", "a.ply"]


def test_a_tolerance_chooses_points_and_images(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*COMMAND, "--tolerance", "0.5%"]) == 0
    found = ply.read("a.ply")
    known = found.provenance
    assert known.tolerance == 0.005 and 0 < known.error_data <= 0.005
    assert 0 < known.error_interpolation <= 0.005 and found.surface.shape[0] in (17, 33, 65)
    assert known.samples < 1437  # not all
    told = capsys.readouterr().err
    assert "leave a median error of" in told
    # All images, at points between those of the grid: the stated errors hold for nine in ten.
    assert main([*COMMAND[:-1], "b.ply", "--samples", "all", "--grid", "13x13"]) == 0
    truth = ply.read("b.ply").surface
    guess = interpolate(found.surface, truth.alphas, truth.betas)
    errors = found.surface.quantities["loss_stderr"]
    stderr = interpolate(
        Surface(found.surface.alphas, found.surface.betas, {"loss": errors}),
        truth.alphas, truth.betas,
    )  # fmt: skip
    inside = np.abs(guess - truth.loss) <= 1.96 * stderr + known.error_interpolation * truth.loss
    assert inside.mean() >= 0.9


def test_more_images_are_taken_where_the_first_guess_was_too_low(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    answers = iter([260])

    def too_few(*known):
        return next(answers, None) or images_needed(*known)

    monkeypatch.setattr("compute.adaptive.images_needed", too_few)
    assert main([*COMMAND, "--tolerance", "0.2%"]) == 0
    known = ply.read("a.ply").provenance
    told = capsys.readouterr().err
    assert "using 260" in told and told.count("leave a median error of") >= 2
    assert known.samples > 260 and known.error_data <= 0.002


def test_a_tolerance_goes_on_where_it_was(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*COMMAND, "--tolerance", "0.5%"]) == 0
    first, _ = (tmp_path / "a.ply").read_bytes(), capsys.readouterr()
    log = (tmp_path / "a.run" / "points.log").read_bytes()
    assert main([*COMMAND, "--tolerance", "0.5%"]) == 0
    assert (tmp_path / "a.ply").read_bytes() == first
    assert (tmp_path / "a.run" / "points.log").read_bytes() == log
    assert "are there already" in capsys.readouterr().err


def test_counts_can_be_fixed_by_hand(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = [*COMMAND, "--tolerance", "5%", "--samples", "first:70", "--grid", "7x6"]
    assert main(words) == 0
    found = ply.read("a.ply")
    assert found.surface.shape == (7, 6) and found.provenance.selection == "first:70"


@pytest.mark.parametrize("text", ["0", "100%", "-1%", "two", "nan", ""])
def test_impossible_tolerances_are_refused(text, capsys):
    assert main([*COMMAND, f"--tolerance={text}"]) == 2
    assert "2%" in capsys.readouterr().err
