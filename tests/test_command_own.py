"""``lossviz surface`` with functions of one's own: what they may return, and what is told."""

import json
import textwrap

import numpy as np
import pytest
import torch
from torch.nn import functional

from lossviz import ply
from lossviz.cli import main

OWN = """
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset
from compute.problem import Problem

generator = torch.Generator().manual_seed(0)
X = torch.randn(40, 4, generator=generator)
Y = torch.randint(0, 3, (40,), generator=generator)

def network():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))

def diverged():
    model = network()
    nn.init.constant_(model[0].bias, float("nan"))
    return model

ready = network()
batches = [(X[:25], Y[:25]), (X[25:], Y[25:])]

def pair(): return X, Y
def loader(): return DataLoader(TensorDataset(X, Y), 7, shuffle=True)
def once(): yield from batches
def nothing(): return []
def none(): return None
def words(): return ["a", "b"]
def broken(): raise KeyError("no such thing")
def wants(argument): return argument
def unlabelled(): return [X[:, 0]]

def of_batch(model, batch):
    return functional.cross_entropy(model(batch[0]), batch[1], reduction="none")

def of_outputs(outputs, targets): return functional.cross_entropy(outputs, targets)
def matrix(model, batch): return model(batch[0])
def classes(model, batch): return model(batch[0]).sum(dim=0)
def text(model, batch): return "low"
def raising(model, batch): raise ValueError("bad\\nbatch")

def problem(): return Problem(network(), of_batch, loader())
def leaving(): raise SystemExit(0)
def on_meta(): return nn.Linear(4, 3, device="meta")
def flat(): return nn.Sequential(nn.Linear(4, 1), nn.Flatten(0))
def negative(): return X, Y - 9
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "own_things.py").write_text(textwrap.dedent(OWN))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    import sys

    sys.modules.pop("own_things", None)


def words(model="network", loss="of_batch", data="pair", *more):
    chosen = ["--model", f"own_things:{model}"]
    named = ":" in loss or loss == "cross_entropy"
    chosen += ["--loss", loss if named else f"own_things:{loss}"] if loss else []
    chosen += ["--data", f"own_things:{data}"] if data else []
    return ["surface", *chosen, "--grid", "3x3", "-o", "a.ply", "--device", "cpu", *more]


def expected():
    """The loss at the centre, by hand."""
    import own_things as own

    with torch.no_grad():
        return functional.cross_entropy(own.network().double()(own.X.double()), own.Y).item()


@pytest.mark.parametrize(
    "model, loss, data",
    [
        ("network", "of_batch", "pair"), ("ready", "of_batch", "batches"),
        ("network", "of_outputs", "pair"), ("network", "of_batch", "loader"),
        ("network", "of_batch", "once"), ("problem", "", ""),
        ("network", "torch.nn:CrossEntropyLoss", "pair"),
        ("network", "torch.nn.functional:cross_entropy", "loader"),
    ],
)  # fmt: skip
def test_functions_of_ones_own_end_to_end(model, loss, data, folder, capsys):
    command = words(model, loss, data, "--precision", "float64", "--json")
    assert main(command) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["center"]["loss"] == pytest.approx(expected(), rel=1e-9)
    found = ply.read(folder / "a.ply")
    assert np.ptp(found.surface.loss) > 0.01 and found.provenance.samples == 40
    told = "of_batch" if model == "problem" else command[command.index("--loss") + 1]
    assert found.provenance.loss == told
    assert main(command) == 0  # and it goes on from what is there: the same data, the same loss


def test_a_loader_is_drawn_from_and_that_is_told(folder, capsys):
    assert main(words("network", "of_batch", "loader", "--samples", "20")) == 0
    assert "samples: first:20" in capsys.readouterr().err
    assert ply.read(folder / "a.ply").provenance.samples == 20


def test_a_script_that_ends_when_it_is_imported_is_told(folder, capsys):
    (folder / "ending.py").write_text("import sys\nsys.exit(0)\n")
    assert main(["surface", "--model", "ending:main", "-o", "a.ply"]) == 3
    assert "ending: cannot be imported" in capsys.readouterr().err


def test_a_problem_gets_the_weights_of_a_checkpoint(folder):
    command = ["surface", "--model", "own_things:problem", "--grid", "3x3", "--device", "cpu"]
    assert main([*command, "-o", "own.ply"]) == 0
    other = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3))
    torch.save(other.state_dict(), "other.pt")
    assert main([*command, "--checkpoint", "other.pt", "-o", "other.ply"]) == 0
    own, others = (ply.read(folder / name).surface.loss[1, 1] for name in ("own.ply", "other.ply"))
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(40, 4, generator=generator)
    targets = torch.randint(0, 3, (40,), generator=generator)
    assert others == pytest.approx(
        functional.cross_entropy(other(inputs), targets).item(), rel=1e-6
    )
    assert others != pytest.approx(own, rel=1e-3)


@pytest.mark.parametrize(
    "command, status, told",
    [
        (words("netwrk"), 2, "has no 'netwrk'; it has network,"),
        (words(loss="off_batch"), 2, "has no 'off_batch'; it has of_batch,"),
        (words(data="xyzzy"), 2, "has no 'xyzzy'; it has broken, classes"),
        (words("broken"), 3, "own_things:broken() raised KeyError: 'no such thing'"),
        (words("wants"), 3, "missing 1 required positional argument: 'argument'"),
        (words("words"), 3, "to return a Module or Problem, got list"),
        (words("none"), 3, "to return a Module or Problem, got NoneType"),
        (words("leaving"), 3, "own_things:leaving() raised SystemExit"),
        (words("on_meta"), 3, "weight has no numbers"),
        (words("flat", "cross_entropy"), 3, "on the first batch, tuple of (float32 (40, 4)"),
        (words(data="negative", loss="cross_entropy"), 3, "IndexError on the first batch, tuple"),
        (words("problem"), 2, "own_things:problem gives a Problem, which brings its own"),
        (words("diverged"), 3, "own_things:diverged: 0.bias: 5 of 5 numbers are NaN or Inf"),
        (words(data="nothing"), 3, "expected at least one batch, got an empty list"),
        (words(data="none"), 3, "got NoneType"),
        (words(data="words", loss="cross_entropy:"), 2, "expected module:function"),
        (words(loss="matrix"), 3, "got float32 (40, 3)"),
        (words(loss="classes", data="batches"), 3, "one value a sample (25,), got (3,)"),
        (words(loss="text"), 3, "got str"),
        (words(loss="raising"), 3, "ValueError on the first batch, tuple of (float32"),
        ([*words(), "--checkpoint", "other.pt"], 3, "0.weight (model 5x4, file 2x4)"),
        ([*words(), "--checkpoint", "nan.pt"], 3, "nan.pt: 2.weight: 15 of 15"),
        (["surface", "--model", "mlp", "--data", "own_things:unlabelled", "-o", "a.ply"], 3,
         "mlp expects batches (inputs, targets)"),
        (["surface", "--model", "mlp", "--data", "own_things:words", "-o", "a.ply"], 3,
         "mlp expects batches (inputs, targets)"),
        (words(loss="", data="words"), 3, "expected batches (inputs, targets) of tensors, got str"),
        (words(data="loader") + ["--samples", "many"], 2, "samples: expected a number"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_in_a_line(command, status, told, folder, capsys):
    torch.manual_seed(0)
    other = torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.Tanh(), torch.nn.Linear(2, 3))
    torch.save(other.state_dict(), "other.pt")
    gone = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3))
    torch.nn.init.constant_(gone[2].weight, float("nan"))
    torch.save(gone.state_dict(), "nan.pt")
    assert main(command) == status
    lines = [line for line in capsys.readouterr().err.splitlines() if "no --checkpoint" not in line]
    assert len(lines) == 1 and told in lines[0], lines
    assert len(lines[0]) < 700
