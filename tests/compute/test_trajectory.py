"""PCA of training runs against a full SVD, planted paths, and random walks."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from compute.directions import inner, is_statistic, state_of
from compute.evaluation import Evaluator
from compute.training import Recorder, Snapshots
from compute.trajectory import gram_matrix, open_runs, principal_plane
from lossviz.errors import InputError, UsageError

from .nets import small_convnet, small_problem


def recorded(folder, states, model):
    """A run whose snapshots are these states."""
    model.load_state_dict(states[0], strict=False)
    with Recorder(model, folder) as recorder:
        for step, state in enumerate(states[1:], 1):
            model.load_state_dict(state, strict=False)
            recorder.step(step, 0.5)
    return Snapshots(folder)


def wandering(model, count, seed=0, size=0.1):
    generator = torch.Generator().manual_seed(seed)
    state = state_of(model)
    states = [state]
    for _ in range(count - 1):
        state = {
            name: values * torch.exp(0.1 * torch.randn(values.shape, generator=generator))
            if is_statistic(name)
            else values + size * torch.randn(values.shape, generator=generator)
            for name, values in state.items()
        }
        states.append(state)
    return states


def rows_of(states, reference, names):
    flat = [
        torch.cat([state[name].double().reshape(-1) for name in names]).numpy() for state in states
    ]
    return np.stack(flat) - flat[reference]


@pytest.mark.parametrize("center", ["final", "initial", "mean"])
@pytest.mark.parametrize("ignore", ["none", "biasbn"])
def test_pca_is_that_of_a_full_svd(tmp_path, monkeypatch, center, ignore):
    monkeypatch.setattr("compute.trajectory.BLOCK", 200)  # many blocks, cut within parameters
    model = small_convnet()
    states = wandering(model, 9)
    runs, used = open_runs([recorded(tmp_path / "r", states, model)], ["r"], center=center,
                           ignore=ignore)  # fmt: skip
    found = principal_plane(runs, center=used)
    names = [
        n for n in states[0] if not is_statistic(n) and (states[0][n].ndim > 1 or ignore == "none")
    ]
    rows = rows_of(states, 0 if center == "initial" else -1, names)
    centred = rows - rows.mean(axis=0) if center == "mean" else rows
    _, singular, directions = np.linalg.svd(centred, full_matrices=False)
    shares = singular**2 / (singular**2).sum()
    assert found.explained == pytest.approx(shares[:10], rel=1e-10, abs=1e-14)
    for k, own in enumerate((found.plane.delta, found.plane.eta)):
        assert set(own) == set(names)
        flat = np.concatenate([own[name].double().numpy().ravel() for name in names])
        assert 1 - abs(flat @ directions[k]) / np.linalg.norm(flat) <= 1e-10
        assert np.abs(found.coordinates[:, k]) == pytest.approx(
            np.abs(rows @ directions[k]), abs=1e-6
        )
    projected = rows - rows @ directions[:2].T @ directions[:2]
    length = np.linalg.norm(rows, axis=1)
    expected = np.linalg.norm(projected, axis=1) / np.where(length > 0, length, 1)
    assert found.off_plane == pytest.approx(expected, abs=1e-6)


def test_gram_matrix_is_exact_to_float64(tmp_path):
    model = small_convnet()
    states = wandering(model, 6, size=1e-6)  # differences far below the weights
    runs, _ = open_runs([recorded(tmp_path / "r", states, model)], ["r"])
    names = [n for n in states[0] if not is_statistic(n)]
    rows = rows_of(states, -1, names)
    assert gram_matrix(runs) == pytest.approx(rows @ rows.T, rel=1e-12, abs=1e-24)
    _, singular, _ = np.linalg.svd(rows, full_matrices=False)
    found = np.sqrt(np.maximum(np.linalg.eigvalsh(gram_matrix(runs))[::-1], 0))
    assert found[:5] == pytest.approx(singular[:5], rel=1e-10)


def test_a_planted_plane_is_found(tmp_path):
    model = nn.Linear(40, 30).double()
    u, v = (torch.randn(30, 40, dtype=torch.float64) for _ in range(2))
    times = np.linspace(0, 1, 12)
    states = [
        {
            "weight": model.weight.detach() + np.cos(3 * t) * u + t**2 * v,
            "bias": model.bias.detach(),
        }
        for t in times
    ]
    runs, center = open_runs([recorded(tmp_path / "r", states, model)], ["r"])
    found = principal_plane(runs, center=center)
    assert found.off_plane.max() <= 1e-6 and sum(found.explained[:2]) == pytest.approx(1)
    assert found.coordinates[-1] == pytest.approx([0, 0], abs=1e-12)
    for state, (alpha, beta) in zip(states, found.coordinates, strict=True):
        back = found.plane.theta["weight"] + alpha * found.plane.delta["weight"]
        back = back + beta * found.plane.eta["weight"]
        assert torch.allclose(back, state["weight"], atol=1e-12)
    assert abs(inner(found.plane.delta, found.plane.eta)) < 1e-12
    assert (found.coordinates[0] >= 0).all()


def test_losses_on_the_plane_are_those_of_snapshots_that_lie_on_it(tmp_path):
    model = small_convnet()
    states = wandering(model, 3)  # two moves: all on the plane
    problem = small_problem(net=model)
    runs, center = open_runs([recorded(tmp_path / "r", states, model)], ["r"])
    found = principal_plane(runs, center=center, statistics=True)
    assert found.plane.moves_statistics and found.off_plane.max() < 1e-4
    evaluator = Evaluator(problem, found.plane)
    for state, at in zip(states, found.coordinates, strict=True):
        model.load_state_dict(state, strict=False)
        own = Evaluator(small_problem(net=model), found.plane.__class__(state_of(model), {}, {}))
        assert evaluator.at(*at)["loss"] == pytest.approx(own.at(0, 0)["loss"], rel=2e-5)


def test_a_random_walk_explains_what_chance_does(tmp_path):
    model = nn.Linear(100, 100)
    states = wandering(model, 61)
    for center, first in (("final", 0.81), ("mean", 0.61)):  # 8/π² and 6/π²
        runs, _ = open_runs([recorded(tmp_path / center, states, model)], ["r"], center=center)
        found = principal_plane(runs, center=center)
        assert found.by_chance[0] == pytest.approx(first, abs=0.01)
        assert found.explained == pytest.approx(found.by_chance, abs=0.02)


def test_several_runs_share_a_plane_centred_on_their_start(tmp_path):
    model = small_convnet()
    start = state_of(model)
    paths = []
    for seed in (1, 2):
        model.load_state_dict(start, strict=False)
        paths.append(wandering(model, 5, seed))
    runs = [recorded(tmp_path / str(k), path, model) for k, path in enumerate(paths)]
    both, center = open_runs(runs, ["a", "b"])
    found = principal_plane(both, center=center)
    assert center == "initial" and found.coordinates.shape == (10, 2)
    assert found.coordinates[[0, 5]] == pytest.approx(np.zeros((2, 2)), abs=1e-9)
    assert sum(found.by_chance) == pytest.approx(1) and len(found.by_chance) == 10


def test_what_has_no_plane_is_told(tmp_path):
    model = nn.Linear(3, 2)
    state = state_of(model)
    other = {name: values + 1 for name, values in state.items()}
    with pytest.raises(InputError, match="at least 3 snapshots, got 2"):
        principal_plane(open_runs([recorded(tmp_path / "two", [state, other], model)], ["r"])[0])
    with pytest.raises(InputError, match="all the same"):
        principal_plane(open_runs([recorded(tmp_path / "same", [state] * 4, model)], ["r"])[0])
    on_line = [{n: torch.full_like(v, k) for n, v in state.items()} for k in (0.0, 1.0, 2.0, 4.0)]
    with pytest.raises(InputError, match="on one line"):
        principal_plane(open_runs([recorded(tmp_path / "line", on_line, model)], ["r"])[0])
    runs = [recorded(tmp_path / "a", [state] * 3, model),
            recorded(tmp_path / "b", [state_of(nn.Linear(4, 2))] * 3, nn.Linear(4, 2))]  # fmt: skip
    with pytest.raises(InputError, match=r"b: weight: expected \(2, 3\) as in a, got \(2, 4\)"):
        open_runs(runs, ["a", "b"])
    with pytest.raises(UsageError, match="final, initial, mean"):
        open_runs(runs[:1], ["a"], center="middle")


MEMORY = """
import resource, sys
import compute.trajectory as trajectory
from compute.training import Snapshots
trajectory.BLOCK = 1 << 19
runs, center = trajectory.open_runs([Snapshots(sys.argv[1])], ["r"])
trajectory._decomposed(trajectory.np.eye(61))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
trajectory.principal_plane(runs, center=center)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def test_memory_does_not_grow_with_snapshots_times_parameters(tmp_path):
    model = nn.Linear(1000, 400)
    with Recorder(model, tmp_path / "r") as recorder, torch.no_grad():
        for step in range(1, 61):
            model.weight += 0.01 * torch.randn(400, 1000)
            recorder.step(step, 1.0)
    command = [sys.executable, "-c", MEMORY, str(tmp_path / "r")]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    whole = 61 * 400_000 * 8 / 2**20
    assert float(told) < whole / 3
