"""Every example runs, from any folder, and does what it says."""

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
