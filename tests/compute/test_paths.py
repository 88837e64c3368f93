"""Training runs over a surface, by the folders that a recorder wrote."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

import compute
import lossviz
from compute.paths import named
from lossviz import ply
from lossviz.errors import InputError, UsageError

from .nets import small_convnet, small_problem

PROBLEM = small_problem(samples=24, net=small_convnet(0))
X, Y = (torch.cat([batch[k] for batch in PROBLEM.batches]) for k in (0, 1))


def train(folder, optimizer, steps=5):
    """A run from one start, and the model after each step."""
    model = small_convnet(0)
    optimizer, states = optimizer(model.parameters()), [copy.deepcopy(model)]
    with compute.Recorder(model, folder) as recorder:
        for step in range(1, steps + 1):
            model.train()
            optimizer.zero_grad()
            functional.cross_entropy(model(X), Y).backward()
            optimizer.step()
            recorder.step(step)
            states.append(copy.deepcopy(model))
    return states


def loss_of(model):
    with torch.no_grad():
        return functional.cross_entropy(model.double().eval()(X.double()), Y).item()


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return folder, {
        "sgd": train(folder / "sgd", lambda p: torch.optim.SGD(p, lr=0.2)),
        "adam": train(folder / "adam", lambda p: torch.optim.Adam(p, lr=0.02)),
    }


def test_every_snapshot_has_its_own_loss_with_its_own_statistics(two, tmp_path):
    folder, models = two
    found = compute.trajectory_landscape(
        PROBLEM, [folder / "sgd", folder / "adam"], points=5, precision="float64", name="two"
    )
    assert [path.name for path in found.trajectories] == ["sgd", "adam"] and found.name == "two"
    for path in found.trajectories:
        expected = [loss_of(model) for model in models[path.name]]
        assert path.losses == pytest.approx(expected, rel=1e-9)
        assert path.steps.tolist() == [0, 1, 2, 3, 4, 5]
        assert path.points[0] == pytest.approx([0, 0], abs=1e-9)  # several: around their start
        sides = (found.surface.alphas, found.surface.betas)
        for k, side in enumerate(sides):
            assert (side[0] < path.points[:, k]).all() and (path.points[:, k] < side[-1]).all()
    known = found.provenance
    assert len(known.explained_variance) == len(known.explained_by_chance) == 10
    assert known.batch_norm == "interpolated" and known.samples == 24
    ply.write(found, tmp_path / "two.ply")
    again = ply.read(tmp_path / "two.ply")
    assert (again.trajectories[1].losses == found.trajectories[1].losses).all()


@pytest.mark.parametrize("mode", ["interpolated", "stored", "recomputed"])
def test_one_run_ends_at_the_centre_with_the_surfaces_loss(two, mode):
    folder, models = two
    before = copy.deepcopy(PROBLEM.model.state_dict())
    found = compute.trajectory_landscape(
        PROBLEM, folder / "sgd", points=3, span=(-1, 1), precision="float64", batch_norm=mode
    )
    (path,) = found.trajectories
    assert path.points[-1] == pytest.approx([0, 0], abs=1e-9)
    assert path.losses[-1] == pytest.approx(found.surface.loss[1, 1], rel=1e-9)
    if mode != "recomputed":
        assert path.losses[-1] == pytest.approx(loss_of(models["sgd"][-1]), rel=1e-9)
    if mode == "stored":  # those of the centre, everywhere
        first = copy.deepcopy(models["sgd"][0])
        for name, values in models["sgd"][-1].named_buffers():
            first.get_buffer(name).copy_(values)
        assert path.losses[0] == pytest.approx(loss_of(first), rel=1e-9)
    after = PROBLEM.model.state_dict()
    assert all(torch.equal(before[name], values) for name, values in after.items())


def test_in_python_with_ones_own_loss_and_data(two):
    folder, models = two
    runs = {"plain": folder / "sgd", "adaptive": compute.Snapshots(folder / "adam")}
    model = small_convnet(5)
    before = copy.deepcopy(model.state_dict())
    found = lossviz.trajectory(
        model, nn.CrossEntropyLoss(), (X, Y), runs=runs, points=3, center="final", device="cpu",
        precision="float64",
    )  # fmt: skip
    assert [path.name for path in found.trajectories] == ["plain", "adaptive"]
    assert found.trajectories[0].points[-1] == pytest.approx([0, 0], abs=1e-9)
    assert found.trajectories[1].losses[-1] == pytest.approx(loss_of(models["adam"][-1]), rel=1e-9)
    assert found.provenance.loss == "CrossEntropyLoss" and found.provenance.selection == "all"
    assert "lossviz" in found.provenance.versions
    assert all(torch.equal(before[name], values) for name, values in model.state_dict().items())


def test_runs_are_named_after_their_folders(two, tmp_path):
    folder, _ = two
    train(tmp_path / "sgd", lambda p: torch.optim.SGD(p, lr=0.1), steps=2)
    assert named([folder / "sgd", tmp_path / "sgd"])[1] == [
        f"{folder.name}/sgd", f"{tmp_path.name}/sgd"
    ]  # fmt: skip
    assert named({"a": folder / "sgd"})[1] == ["a"]
    assert named(str(folder / "adam"))[1] == ["adam"]


def test_what_is_no_run_of_this_model_is_told(two, tmp_path):
    folder, _ = two
    with pytest.raises(UsageError, match="runs: expected folders of snapshots, got none"):
        compute.trajectory_landscape(PROBLEM, [])
    with pytest.raises(InputError, match="nowhere"):
        compute.trajectory_landscape(PROBLEM, tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"batch_norm: expected one of .*, got 'frozen'"):
        compute.trajectory_landscape(PROBLEM, folder / "sgd", batch_norm="frozen")
    with pytest.raises(UsageError, match="center: expected one of final, initial, mean"):
        compute.trajectory_landscape(PROBLEM, folder / "sgd", center="middle")
    other = compute.Problem(nn.Linear(2, 2), compute.cross_entropy, PROBLEM.batches)
    with pytest.raises(InputError, match="does not fit Linear"):
        compute.trajectory_landscape(other, folder / "sgd")
