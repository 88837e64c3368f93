"""``lossviz sharpness``: what it prints is what the measures are, for one network or several."""

import json

import pytest
import torch

from compute import data
from compute.hessian import Hessian
from compute.problem import Problem, batches_of, cross_entropy
from compute.sharpness import CAVEAT, along_lines, curvature, lines
from compute.worst_case import asam, keskar, sam
from lossviz.cli import main

from .nets import network

MODEL = ("--model", "mlp:5:tanh", "--data", "iris")
NAMES = ["loss", "average 0.1", "average 0.25", "average 0.5", "width 0.1", "width 0.5", "width 1",
         "sam 0.05", "asam 0.5", "keskar 0.001", "lambda_max", "trace"]  # fmt: skip


@pytest.fixture(autouse=True)
def nets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for seed in range(2):
        torch.save(network(seed).state_dict(), f"n{seed}.pt")


def sharpness(*words):
    return main(["sharpness", *words, "--threads", "1", "--count", "3", "--probes", "4"])


def report(capsys, *words):
    assert sharpness(*words, "--json") == 0
    return json.loads(capsys.readouterr().out)


def problem(seed, samples="24"):
    chosen = data.load("iris", samples=samples)
    batches = batches_of(chosen.inputs, chosen.targets, 64)
    return Problem(network(seed), cross_entropy, batches, chosen.strata)


def test_the_report_is_what_the_measures_are(capsys):
    told = report(capsys, *MODEL, "--checkpoint", "n0.pt", "--samples", "24",
                  "--precision", "float64")  # fmt: skip
    (found,) = told["networks"]
    assert told["caveat"] == CAVEAT and [m["name"] for m in found["measures"]] == NAMES
    own = problem(0)
    everything = Hessian(own, ignore="none", dtype=torch.float64)
    parts = Hessian(own, dtype=torch.float64)
    assert found["parameters"] == {"none": everything.size, "biasbn": parts.size}
    expected = [
        *along_lines(lines(own, count=3, dtype=torch.float64)),
        sam(everything), asam(everything), keskar(everything), *curvature(parts, probes=4),
    ]  # fmt: skip
    for measure, got in zip(expected, found["measures"][1:], strict=True):
        assert got["name"] == measure.name and got["definition"] == measure.definition
        value = float("inf") if got["value"] is None else got["value"]  # JSON has no infinity
        assert value == pytest.approx(measure.value, rel=1e-9)
    everything.shift(0 * everything.center)
    assert found["measures"][0]["value"] == pytest.approx(everything.loss(), rel=1e-12)
    assert found["measures"][0]["stderr"] > 0


def test_networks_stand_side_by_side_with_definitions_and_the_caveat(capsys):
    words = (*MODEL, "--samples", "24", "--compare", "n0.pt", "n1.pt")
    told = report(capsys, *words)
    assert sharpness(*words) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].split() == ["n0.pt", "n1.pt"]
    for row, name in enumerate(NAMES):
        assert table[1 + row].startswith(name)
        cells = table[1 + row].removeprefix(name).split()
        values = [n["measures"][row]["value"] for n in told["networks"]]
        numbers = [float(cell) for cell in cells if cell != "±"]
        for value in (float("inf") if value is None else value for value in values):
            assert any(number == pytest.approx(value, rel=1e-3) for number in numbers)
        definition = told["networks"][0]["measures"][row]["definition"]
        assert any(line.startswith(name) and definition in line for line in table[13:])
    assert table[-1] == CAVEAT
    assert "n1.pt: mlp:5:tanh, 24 samples (balanced:24 seed 0) of iris" in "\n".join(table)
    assert "sam, asam and keskar move all 43 parameters, the others 35" in "\n".join(table)
    # Each is what it is alone.
    alone = report(capsys, *MODEL, "--samples", "24", "--checkpoint", "n1.pt")
    assert alone["networks"][0] == told["networks"][1]


def test_landscapes_tell_their_network_and_may_be_on_other_samples(capsys):
    assert main(["surface", *MODEL, "--checkpoint", "n1.pt", "--grid", "3x3", "-o", "s.ply",
                 "--seed", "5", "--threads", "1"]) == 0  # fmt: skip
    capsys.readouterr()
    told = report(capsys, "--compare", "s.ply", "--samples", "24")
    alone = report(capsys, *MODEL, "--samples", "24", "--checkpoint", "n1.pt")
    assert told["networks"][0]["measures"] == alone["networks"][0]["measures"]
    assert main(["surface", *MODEL, "--checkpoint", "n1.pt", "--grid", "3x3", "-o", "t.ply",
                 "--split", "test", "--threads", "1"]) == 0  # fmt: skip
    assert sharpness("--compare", "s.ply", "t.ply", "--samples", "24") == 0
    assert "not measured on the same samples" in capsys.readouterr().out


def test_options_reach_the_measures(capsys):
    told = report(capsys, *MODEL, "--checkpoint", "n0.pt", "--samples", "24", "--ignore", "biasbn",
                  "--rho", "0.2", "--asam-rho", "0.1", "--epsilon", "0.01", "--steps", "2",
                  "--radii", "0.3", "--rises", "0.01", "--batch-size", "7")  # fmt: skip
    measures = {m["name"]: m for m in told["networks"][0]["measures"]}
    assert list(measures) == ["loss", "average 0.3", "width 0.01", "sam 0.2", "asam 0.1",
                              "keskar 0.01", "lambda_max", "trace"]  # fmt: skip
    assert told["networks"][0]["parameters"] == {"biasbn": 35}
    parts = Hessian(problem(0))
    assert measures["sam 0.2"]["value"] == pytest.approx(sam(parts, rho=0.2, steps=2).value, 1e-4)


@pytest.mark.parametrize(
    "words, told, status",
    [
        ((), "expected --model NAME, or --compare", 2),
        ((*MODEL, "--checkpoint", "n0.pt", "--compare", "n1.pt"), "leave out --checkpoint", 2),
        ((*MODEL, "--checkpoint", "n0.pt", "--radii", "0.1,-1"), "radii: expected numbers", 2),
        ((*MODEL, "--checkpoint", "n0.pt", "--rises", "nan"), "rises: expected numbers", 2),
        ((*MODEL, "--checkpoint", "n0.pt", "--rho", "0"), "a number above 0, got '0'", 2),
        ((*MODEL, "--compare", "n0.pt", "none.pt"), "none.pt: expected a checkpoint", 3),
        (("--compare", "none.ply"), "none.ply", 3),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_in_a_line(capsys, words, told, status):
    assert sharpness(*words) == status
    error = capsys.readouterr().err.strip().splitlines()
    assert told in error[-1], error
