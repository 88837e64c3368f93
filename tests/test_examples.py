"""Every example runs, from any folder, and does what it says."""

import copy
import math
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from compute.data import load
from lossviz import ply

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}  # small networks: more threads are slower


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(path, tmp_path):
    done = subprocess.run(
        [sys.executable, str(path)], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=ONE_THREAD,
    )  # fmt: skip
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


def test_the_tables_of_critical_points_are_those_of_the_bundled_landscapes(tmp_path):
    """To three digits: another processor rounds otherwise. If not, run the example again."""
    example = next(path for path in EXAMPLES if path.stem == "critical_points")
    told = subprocess.run(
        [sys.executable, str(example)], cwd=tmp_path, check=True, capture_output=True, text=True,
        env=ONE_THREAD,
    ).stdout  # fmt: skip
    words, old = (
        (folder / "critical_points.md").read_text(encoding="utf-8").replace("|", " ").split()
        for folder in (tmp_path, EXAMPLES[0].parent)
    )
    assert len(words) == len(old)
    for word, before in zip(words, old, strict=True):
        try:
            number = float(word.rstrip(",%"))
        except ValueError:
            assert word == before
        else:
            assert number == pytest.approx(float(before.rstrip(",%")), rel=2e-3, abs=1e-4)
    both, neither = told.splitlines()
    assert "no point is missing" in both and "no point is missing" in neither
    counts = [int(line.split()[line.split().index("points") - 1]) for line in (both, neither)]
    assert counts[1] > 3 * counts[0]


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
        text=True, env=ONE_THREAD,
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


def test_three_optimisers_go_down_from_one_start(tmp_path):
    told, landscape = run("compare_optimizers", tmp_path, "--epochs", "5", "--points", "9")
    paths = {path.name: path for path in landscape.trajectories}
    assert list(paths) == ["SGD", "momentum", "Adam"]
    for name, path in paths.items():
        assert path.steps.tolist() == [0, 1, 2, 3, 4, 5]
        assert path.points[0] == pytest.approx([0, 0], abs=1e-6)
        assert path.losses[0] == pytest.approx(paths["SGD"].losses[0], rel=1e-6)
        assert path.losses[-1] < 0.5 * path.losses[0]
        assert f"{name}: loss {path.losses[0]:.3f} to {path.losses[-1]:.4f}, " in told
    known = landscape.provenance
    shares = [sum(part[:2]) for part in (known.explained_variance, known.explained_by_chance)]
    assert "explains {:.1%} of the variance; of random walks: {:.1%}".format(*shares) in told
    assert shares[1] < shares[0] < 1


def variables(name, folder, monkeypatch, *options):
    """What an example has at its end, and the landscape that it wrote."""
    path = next(path for path in EXAMPLES if path.stem == name)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", [str(path), *options])
    return runpy.run_path(str(path)), ply.read(folder / f"{name}.ply")


def loss_between(a, b, alpha, data):
    """The loss of (1 − alpha) a + alpha b in float64."""
    net = copy.deepcopy(a).double()
    with torch.no_grad():
        for own, first, second in zip(
            net.parameters(), a.parameters(), b.parameters(), strict=True
        ):
            own.copy_((1 - alpha) * first.double() + alpha * second.double())
        return functional.cross_entropy(net(data[0].double()), data[1]).item()


def test_the_line_between_batch_sizes_has_both_solutions(tmp_path, monkeypatch, capsys):
    found, landscape = variables(
        "batch_size_interpolation", tmp_path, monkeypatch, "--epochs", "4", "--points", "9"
    )
    told = capsys.readouterr().out
    train, test = found["train_set"], found["test_set"]
    assert len(landscape.curves) == len(found["solutions"]) == 2
    for (small, large), curve in zip(found["solutions"].values(), landscape.curves, strict=True):
        assert curve.alphas[[0, -1]].tolist() == [-0.5, 1.5] and {0.0, 1.0} <= set(curve.alphas)
        for k, alpha in enumerate(curve.alphas):
            for quantity, data in (("loss", train), ("test_loss", test)):
                expected = loss_between(small, large, alpha, data)
                assert curve.quantities[quantity][k] == pytest.approx(expected, rel=1e-6)
        assert f"barrier {curve.barrier()[0]:.5g}" in told
    assert all(note in told for note in landscape.provenance.notes)


def test_three_minima_are_marked_and_joined_by_lines(tmp_path, monkeypatch, capsys):
    found, landscape = variables(
        "three_minima", tmp_path, monkeypatch, "--epochs", "4", "--points", "7"
    )
    networks, data = found["networks"], found["data"]
    marks = {mark.name: mark for mark in landscape.marks}
    assert list(marks) == list(networks) == ["seed 0", "seed 1", "seed 2"]
    for name, net in networks.items():
        assert marks[name].value == pytest.approx(loss_between(net, net, 0, data), rel=1e-5)
    told = capsys.readouterr().out
    for curve in landscape.curves:
        start, end = curve.name.split(" to ")
        for k, name in ((0, start), (-1, end)):
            assert curve.points[k] == pytest.approx([marks[name].alpha, marks[name].beta])
            assert curve.quantities["loss"][k] == pytest.approx(marks[name].value, rel=1e-5)
        middle = curve.alphas.tolist().index(0.5)
        expected = loss_between(networks[start], networks[end], 0.5, data)
        assert curve.quantities["loss"][middle] == pytest.approx(expected, rel=1e-5)
        assert curve.barrier()[0] > 0.1 and f"barrier {curve.barrier()[0]:.5g} ± " in told
    assert len(landscape.curves) == 3
