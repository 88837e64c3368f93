"""Planes by name in Python: Hessian eigenvectors, principal directions, other networks, files."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

import compute
import lossviz
from compute import direction_files
from compute.directions import normalized
from lossviz.errors import InputError, UsageError

from .small import EXACT, X, Y, network

LOSS = nn.CrossEntropyLoss()


def loss_of(model, x=X, y=Y):
    with torch.no_grad():
        return LOSS(copy.deepcopy(model).double().eval()(x.double()), y).item()


def trained(folder, seed=0, epochs=6, net=None):
    model = net or network(4, 6, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.5)
    generator = torch.Generator().manual_seed(seed)
    with compute.Recorder(model, folder) as recorder:
        for epoch in range(1, epochs + 1):
            for part in torch.randperm(len(X), generator=generator).split(16):
                optimizer.zero_grad()
                LOSS(model(X[part]), Y[part]).backward()
                optimizer.step()
            recorder.step(epoch)
    return model.eval()


@pytest.mark.parametrize("kind", ["hessian", "hessian:ends"])
def test_curvature_along_eigenvectors_is_the_eigenvalue(kind):
    model, h = network(4, 6, 3), 1e-3
    found = lossviz.surface(
        model, LOSS, (X, Y), directions=kind, points=3, span=(-h, h), precision="float64"
    )
    loss = found.surface.loss
    second = [(loss[2, 1] - 2 * loss[1, 1] + loss[0, 1]) / h**2,
              (loss[1, 2] - 2 * loss[1, 1] + loss[1, 0]) / h**2]  # fmt: skip
    (note,) = (note for note in found.provenance.notes if note.startswith("Hessian eigenvalues "))
    told = [
        float(part.split(" ± ")[0]) for part in note[len("Hessian eigenvalues ") :].split(" and ")
    ]
    assert second == pytest.approx(told, rel=5e-3, abs=1e-4)
    assert (told[1] < 0) == (kind == "hessian:ends") and told[0] > 0.1
    assert found.provenance.directions == kind and found.provenance.direction_ignore == "biasbn"
    mixed = (loss[2, 2] - loss[2, 0] - loss[0, 2] + loss[0, 0]) / (4 * h * h)
    assert abs(mixed) < 0.01 * told[0]  # eigenvectors do not mix


def test_a_plane_of_a_run_is_around_its_final_weights(tmp_path):
    model = trained(tmp_path / "run")
    untrained = network(4, 6, 3, seed=8)
    found = lossviz.surface(untrained, LOSS, (X, Y), directions=f"pca:{tmp_path / 'run'}", **EXACT)
    known = found.provenance
    runs, center = compute.open_runs([compute.Snapshots(tmp_path / "run")], ["run"])
    principal = compute.principal_plane(runs, center=center)
    assert known.explained_variance == principal.explained
    assert known.explained_by_chance == principal.by_chance
    assert known.direction_sha256 == principal.plane.sha256 and known.directions == "pca of run"
    low, high = (axis(principal.coordinates, axis=0) for axis in (np.min, np.max))
    for k, side in enumerate((found.surface.alphas, found.surface.betas)):
        assert side[0] < low[k] and high[k] < side[-1]
    at_center = lossviz.surface(
        untrained, LOSS, (X, Y), directions=f"pca:{tmp_path / 'run'}", points=1, span=(0, 1e-9),
        precision="float64",
    )  # fmt: skip
    assert at_center.surface.loss[0, 0] == pytest.approx(loss_of(model), rel=1e-6)


def test_a_run_with_batch_norm_has_its_own_statistics_at_the_centre(tmp_path):
    def fresh(seed):
        net = network(4, 6, 3, seed=seed)
        return net.insert(1, nn.BatchNorm1d(6))

    model = trained(tmp_path / "run", net=fresh(0).train())
    for mode in ("interpolated", "stored", None):
        found = lossviz.surface(
            fresh(3), LOSS, (X, Y), directions=f"pca:{tmp_path / 'run'}", points=(3, 3),
            span=(-1e-9, 1e-9), precision="float64", batch_norm=mode,
        )  # fmt: skip
        assert found.surface.loss[1, 1] == pytest.approx(loss_of(model), rel=1e-6)
        assert found.provenance.batch_norm == (mode or "interpolated")


def test_a_plane_through_networks_shows_and_marks_them():
    nets = [network(4, 6, 3, seed=seed) for seed in range(3)]
    a, b, c = map(compute.state_of, nets)
    plane = compute.plane_through(a, {"b": b, "c": c}, name="a")
    found = lossviz.surface(nets[0], LOSS, (X, Y), directions=plane, points=3, device="cpu")
    assert [mark.name for mark in found.marks] == ["a", "b", "c"]
    for mark, net in zip(found.marks, nets, strict=True):
        assert mark.value == pytest.approx(loss_of(net), rel=1e-5)
        assert found.surface.alphas[0] < mark.alpha < found.surface.alphas[-1]
        assert found.surface.betas[0] < mark.beta < found.surface.betas[-1]


def test_a_curve_is_placed_over_the_surface():
    nets = [network(4, 6, 3, seed=seed) for seed in range(3)]
    a, b, c = map(compute.state_of, nets)
    plane = compute.plane_through(a, {"b": b, "c": c}, name="a")
    found = lossviz.line(nets[1], LOSS, (X, Y), to=nets[2], points=3, precision="float64")
    (_, *start), (_, *end) = plane.marks[1:]
    curve = found.curves[0].placed(start, end)
    at = {alpha: k for k, alpha in enumerate(curve.alphas.tolist())}
    assert curve.points[at[0.0]].tolist() == start and curve.points[at[1.0]].tolist() == end
    problem = compute.Problem(nets[0], compute.cross_entropy, [(X, Y)])
    evaluator = compute.Evaluator(problem, plane, dtype=torch.float64)
    for point, loss in zip(curve.points, curve.quantities["loss"], strict=True):
        assert evaluator.at(*point)["loss"] == pytest.approx(loss, rel=1e-5)


def test_files_of_directions_may_move_statistics(tmp_path):
    nets = [network(4, 6, 3, seed=seed).insert(1, nn.BatchNorm1d(6)) for seed in range(2)]
    nets[1][1].running_var.fill_(4.0)
    plane = compute.plane_through(compute.state_of(nets[0]), {"b": compute.state_of(nets[1])})
    path = tmp_path / "both.safetensors"
    direction_files.save(path, plane.delta, plane.eta, plane.theta)
    ends = {}
    for mode in (None, "stored"):
        found = lossviz.surface(
            nets[0], LOSS, (X, Y), directions=path, points=(2, 2), span=((0, 1), (0, 1)),
            batch_norm=mode, precision="float64",
        )  # fmt: skip
        ends[mode] = found.surface.loss[1, 0]
    assert ends[None] == pytest.approx(loss_of(nets[1]), rel=1e-6)
    assert abs(ends["stored"] / ends[None] - 1) > 0.01


def test_directions_that_are_given_are_scaled_only_if_asked():
    model = network(4, 6, 3)
    drawn = tuple(
        {name: torch.randn(p.shape, generator=torch.Generator().manual_seed(k))
         for name, p in model.named_parameters()} for k in range(2)
    )  # fmt: skip
    theta = compute.center_of(model)
    by_hand = tuple(normalized(one, theta, normalize="filter", ignore="none") for one in drawn)
    asked, hand = (
        lossviz.surface(model, LOSS, (X, Y), directions=pair, **options, **EXACT).surface.loss
        for pair, options in ((drawn, {"normalize": "filter"}), (by_hand, {}))
    )
    assert asked == pytest.approx(hand, rel=1e-12)
    plain = lossviz.surface(model, LOSS, (X, Y), directions=drawn, **EXACT).surface.loss
    assert abs(plain / asked - 1).max() > 0.1


@pytest.mark.parametrize("options, error, told", [
    ({"directions": "hessian:middle"}, UsageError, "hessian: expected top or ends, got 'middle'"),
    ({"directions": "hessian", "batch_norm": "interpolated"}, UsageError, "lead to no other"),
    ({"batch_norm": "interpolated"}, UsageError, "random directions lead to no other network"),
    ({"batch_norm": "frozen"}, UsageError, "batch_norm: expected one of stored, interp.*'frozen'"),
    ({"normalize": "fliter"}, UsageError, "normalize: expected one of"),
    ({"directions": "pca:nowhere"}, InputError, "nowhere"),
    ({"directions": "pca:run", "checkpoint": "a.pt"}, UsageError, "the centre is a snapshot"),
    ({"directions": "pca:run", "normalize": "filter"}, UsageError, "span another plane"),
    ({"directions": "nowhere.npz"}, InputError, "nowhere.npz: expected a file of directions"),
    ({"directions": 5}, UsageError, "'hessian', 'hessian:ends', 'pca:RUN', .* got int"),
])  # fmt: skip
def test_what_is_no_plane_is_told_in_one_line(options, error, told):
    with pytest.raises(error, match=told) as caught:
        lossviz.surface(network(4, 6, 3), LOSS, (X, Y), **options)
    assert "\n" not in str(caught.value)
