"""``lossviz trajectory``, from training runs to the file."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from compute import Recorder
from compute.checkpoints import load_into
from compute.checkpoints import read as read_checkpoint
from compute.data import load
from compute.models import build
from compute.training import Snapshots
from lossviz import read
from lossviz.cli import main


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Two short trainings of one start, one of them in a loop of one's own."""
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--model", "mlp", "--data", "digits", "--samples", "200", "--epochs", "3",
                 "--seed", "1", "--threads", "1", "-o", "momentum"]) == 0  # fmt: skip
    net = build("mlp", inputs=(1, 8, 8), num_classes=10)
    start = Snapshots("momentum").path(0)
    load_into(net, read_checkpoint(start), str(start))
    data = load("digits", samples="200")
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    with Recorder(net, "adam") as recorder:
        for epoch in range(1, 5):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(data.inputs), data.targets)
            loss.backward()
            optimizer.step()
            recorder.step(epoch, loss)


def trajectory(*words):
    return main(["trajectory", *words, "--grid", "7x7", "--samples", "60", "--threads", "1"])


def own_losses(run):
    """The loss of each snapshot, by a loop that knows nothing of planes."""
    data = load("digits", samples="60")
    net = build("mlp", inputs=(1, 8, 8), num_classes=10).eval()
    found = []
    for i in range(len(Snapshots(run))):
        path = Snapshots(run).path(i)
        load_into(net, read_checkpoint(path), str(path))
        with torch.no_grad():
            logits = net(data.inputs)
        found.append(float(nn.functional.cross_entropy(logits.double(), data.targets)))
    return found


def test_one_run_ends_at_the_centre_with_the_loss_of_each_snapshot(runs, capsys):
    assert trajectory("momentum", "-o", "one.ply") == 0
    assert "explained variance" in capsys.readouterr().err
    landscape = read("one.ply")
    (path,) = landscape.trajectories
    assert path.name == "momentum" and path.kind == "optimiser"
    assert path.points[-1] == pytest.approx([0, 0], abs=1e-9) and path.off_plane[-1] == 0
    assert path.losses == pytest.approx(own_losses("momentum"), rel=1e-5)
    assert path.steps.tolist() == Snapshots("momentum").steps.tolist()
    surface, known = landscape.surface, landscape.provenance
    low, high = path.points.min(axis=0), path.points.max(axis=0)
    width = (high - low).max()
    for axis, a, b in ((surface.alphas, low[0], high[0]), (surface.betas, low[1], high[1])):
        assert axis[0] <= a - 0.19 * width and axis[-1] >= b + 0.19 * width
    assert known.directions == "pca of momentum" and known.batch_norm == "interpolated"
    assert known.explained_variance[0] > known.explained_variance[1] > 0
    assert sum(known.explained_by_chance) == pytest.approx(1, abs=0.2)
    assert known.notes == ("principal directions of 4 snapshots, centred on the final weights",)
    assert known.checkpoint == "000003.safetensors"


def test_it_goes_on_without_computing_again(runs, capsys):
    assert trajectory("momentum", "-o", "one.ply") == 0
    first = read("one.ply")
    assert trajectory("momentum/", "-o", "one.ply") == 0
    assert "49 of 49 points are there already" in capsys.readouterr().err
    again = read("one.ply")
    assert (again.surface.loss == first.surface.loss).all()
    assert (again.trajectories[0].losses == first.trajectories[0].losses).all()


def test_several_runs_begin_at_the_centre(runs):
    assert trajectory("momentum", "adam", "-o", "two.ply") == 0
    landscape = read("two.ply")
    assert [path.name for path in landscape.trajectories] == ["momentum", "adam"]
    for path in landscape.trajectories:
        assert path.points[0] == pytest.approx([0, 0], abs=1e-6)
        assert path.losses == pytest.approx(own_losses(path.name), rel=1e-5)
    assert "centred on the first weights" in landscape.provenance.notes[0]


def test_stored_and_other_centres_and_a_plane_without_a_path(runs, capsys):
    assert trajectory("momentum", "--batch-norm", "stored", "--center", "mean",
                      "--ignore", "biasbn", "-o", "m.ply") == 0  # fmt: skip
    known = read("m.ply").provenance
    assert (known.batch_norm, known.direction_ignore) == ("stored", "biasbn")
    assert "centred on their mean" in known.notes[0]
    assert main(["surface", "--model", "mlp", "--data", "digits", "--directions", "pca:momentum",
                 "--grid", "5x5", "--samples", "60", "-o", "s.ply"]) == 0  # fmt: skip
    plain = read("s.ply")
    assert not plain.trajectories and plain.provenance.explained_variance
    assert np.isfinite(plain.surface.loss).all()
    assert main(["surface", "--model", "mlp", "--data", "digits", "--directions", "pca:momentum",
                 "--checkpoint", "x.pt", "-o", "t.ply"]) == 2  # fmt: skip
    assert "the centre is a snapshot of the run" in capsys.readouterr().err


def test_other_normalisation_than_that_of_the_training_is_told(runs, capsys):
    assert trajectory("momentum", "--mean", "0.5", "-o", "other.ply") == 0
    assert "momentum was trained on data normalised as" in capsys.readouterr().err
    assert trajectory("momentum", "-o", "same.ply") == 0
    assert "normalised as" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, told",
    [
        (["nowhere"], "nowhere"),
        (["momentum", "--normalize", "filter"], "principal directions that are scaled span"),
        (["momentum", "--checkpoint", "x.pt"], "unrecognized arguments: --checkpoint"),
        (["adam"], "expected --model NAME"),
        (["momentum", "--model", "mlp:5:relu"], "does not fit"),
        (["one"], "expected at least 2 snapshots, got 1"),
        (["momentum", "other"], "other: linear1.weight: expected (64, 64)"),
        (["nan"], "is not finite at step 1"),
        (["model"], "model: model says 'os:getcwd', which may run code"),
        (["data"], "data: data says 'builtins:list', which may run code"),
        (["loss"], "loss: loss says 'os:getcwd', which may run code"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_in_a_line(runs, capsys, words, told):
    net = build("mlp", inputs=(1, 8, 8), num_classes=10)
    about = {"model": "mlp", "data": "digits"}
    Recorder(net, "one", about=about).close()
    for key, spec in (("model", "os:getcwd"), ("data", "builtins:list"), ("loss", "os:getcwd")):
        Recorder(net, key, about={**about, key: spec}).close()
    with Recorder(nn.Sequential(nn.Linear(2, 2)), "other") as recorder:
        recorder.step(1, 0.0)
    with Recorder(net, "nan", about=about) as recorder:
        for step in (1, 2, 3):
            bad = copy.deepcopy(net.state_dict())
            next(iter(bad.values()))[:] = torch.nan if step == 1 else step
            net.load_state_dict(bad)
            recorder.step(step, 0.0)
    assert trajectory(*words, "-o", "x.ply") in (2, 3)
    error = capsys.readouterr().err.strip().splitlines()
    assert told in error[-1], error
