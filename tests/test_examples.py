"""Every example runs, from any folder, and does what it says."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from compute.data import load
from lossviz import ply

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(path, tmp_path):
    done = subprocess.run(
        [sys.executable, str(path)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout and not done.stderr


def test_the_decision_boundary_tells_the_spirals_apart(tmp_path):
    example = next(path for path in EXAMPLES if path.stem == "decision_boundary")
    subprocess.run([sys.executable, str(example)], cwd=tmp_path, check=True, capture_output=True)
    drawn = ply.read(tmp_path / "decision_boundary.ply").surface
    probability = drawn.quantities["probability"]
    assert np.allclose(probability, np.exp(-drawn.loss), rtol=1e-12) and (drawn.loss >= 0).all()
    spirals = load("spirals", split="test")
    at = [
        np.abs(axis[:, None] - spirals.inputs[:, k].numpy()).argmin(0)
        for k, axis in enumerate((drawn.alphas, drawn.betas))
    ]
    told = probability[at[0], at[1]] > 0.5
    assert (told == spirals.targets.numpy().astype(bool)).mean() > 0.97
    surface = ply.read(tmp_path / "spirals_loss.ply").surface
    assert surface.loss[surface.center] == surface.loss.min() < 0.05


def test_the_digits_example_finds_a_minimum(tmp_path):
    example = next(path for path in EXAMPLES if path.stem == "your_own_model")
    subprocess.run([sys.executable, str(example)], cwd=tmp_path, check=True, capture_output=True)
    surface = ply.read(tmp_path / "your_own_model.ply").surface
    loss = surface.loss
    assert loss[surface.center] < 0.05 and loss.max() > 20 * loss[surface.center]
    assert loss[surface.center] < 1.5 * loss.min()


def run(name, folder, *options):
    example = next(path for path in EXAMPLES if path.stem == name)
    done = subprocess.run(
        [sys.executable, str(example), *options], cwd=folder, check=True, capture_output=True,
        text=True,
    )  # fmt: skip
    return done.stdout, ply.read(folder / f"{name}.ply")


def test_the_language_model_learns_and_lies_in_a_basin(tmp_path):
    (tmp_path / "text.txt").write_text("the cat sat on the mat and the dog sat on the log. " * 40)
    told, landscape = run(
        "tiny_gpt", tmp_path, "text.txt", "--steps", "120", "--points", "5"
    )  # fmt: skip
    loss = landscape.surface.loss
    letters = len(set("the cat sat on the mat and the dog sat on the log. "))
    assert loss[2, 2] == loss.min() < 0.5 * math.log(letters) < loss.max()
    assert "nats" in told and (landscape.surface.quantities["loss_stderr"] > 0).all()


def test_the_physics_informed_network_solves_its_equation(tmp_path):
    told, landscape = run("pinn", tmp_path, "--points", "5")
    error = float(told.splitlines()[0].rpartition(" ")[2])
    values = landscape.surface.quantities
    assert error < 0.02 and {"loss", "equation", "boundary"} == set(values)
    assert values["loss"] == pytest.approx(values["equation"] + 100 * values["boundary"], rel=1e-5)
    assert values["loss"][2, 2] == values["loss"].min()
    assert any("autograd" in note for note in landscape.provenance.notes)
