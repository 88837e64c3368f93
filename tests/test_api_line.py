"""lossviz.line equals a plain loop, between networks and along directions."""

import copy
import math
import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import lossviz
from compute.plane import plane_through, random_plane
from compute.problem import Problem, cross_entropy
from lossviz.errors import InputError, UsageError

from .small import X, Y, arrays, network

A, B = network(4, 6, 3), network(4, 6, 3, seed=1)
EXACT = {"precision": "float64", "device": "cpu"}
UNSEEN = arrays(40, seed=9)


def losses_between(a, b, alpha, x=X, y=Y):
    """Each sample's loss at (1 − alpha) a + alpha b, by the state dicts."""
    net = copy.deepcopy(a).double().eval()
    states = a.state_dict(), b.state_dict()
    net.load_state_dict({
        name: (1 - alpha) * values.double() + alpha * states[1][name].double()
        if values.is_floating_point() else values
        for name, values in states[0].items()
    })  # fmt: skip
    with torch.no_grad():
        return functional.cross_entropy(net(x.double()), y, reduction="none").numpy()


def test_a_line_between_networks_is_a_plain_loop_with_both_ends_exact():
    found = lossviz.line(A, "cross_entropy", (X, Y), to=B, test=UNSEEN, points=6, **EXACT)
    (curve,) = found.curves
    assert curve.name == "network 1" and found.surface is None
    assert curve.alphas[[0, -1]].tolist() == [-0.5, 1.5] and {0.0, 1.0} <= set(curve.alphas)
    for alpha, loss, test in zip(
        curve.alphas, curve.quantities["loss"], curve.quantities["test_loss"], strict=True
    ):
        assert loss == pytest.approx(losses_between(A, B, alpha).mean(), rel=1e-6)
        assert test == pytest.approx(losses_between(A, B, alpha, *UNSEEN).mean(), rel=1e-6)
    assert {"accuracy", "loss_stderr", "test_accuracy"} < set(curve.quantities)
    assert found.provenance.samples == 50 and found.provenance.directions == "to network 1"
    for end, net in ((0, A), (1, B)):
        at = curve.alphas.tolist().index(end)
        exact = losses_between(net, net, 0).mean()
        assert curve.quantities["loss"][at] == pytest.approx(exact, rel=1e-7)


def test_the_barrier_is_told_with_its_standard_error():
    apart = copy.deepcopy(A)  # the same function: hidden neurons in another order
    order = torch.tensor([3, 0, 5, 1, 2, 4])
    with torch.no_grad():
        apart[0].weight.copy_(A[0].weight[order])
        apart[0].bias.copy_(A[0].bias[order])
        apart[2].weight.copy_(A[2].weight[:, order])
    labels = A(X).argmax(1)
    found = lossviz.line(
        A, "cross_entropy", (X, labels), to={"reordered": apart}, points=11, **EXACT
    )
    barrier, at = found.curves[0].barrier()
    each = losses_between(A, apart, at, y=labels)
    each = each - losses_between(A, A, 0, y=labels)  # both ends have the same losses
    assert barrier == pytest.approx(each.mean(), rel=1e-6) and barrier > 0.01
    (note,) = found.provenance.notes
    error = each.std(ddof=1) / math.sqrt(50)
    assert note.startswith("to reordered: ends ")
    assert f"barrier {barrier:.5g} ± {error:.2g} at alpha {at:.3g}" in note


def test_other_networks_come_in_any_form(tmp_path):
    torch.save(B.state_dict(), tmp_path / "b.pt")
    expected = lossviz.line(A, "cross_entropy", (X, Y), to=B, points=3, **EXACT).curves[0]
    wrapped = nn.DataParallel(B)
    for to, name in (
        (B.state_dict(), "network 1"), (wrapped, "network 1"), ({"b": wrapped.state_dict()}, "b"),
        (tmp_path / "b.pt", "b.pt"), (str(tmp_path / "b.pt"), "b.pt"), ({"mine": B}, "mine"),
    ):  # fmt: skip
        (curve,) = lossviz.line(A, "cross_entropy", (X, Y), to=to, points=3, **EXACT).curves
        assert curve.name == name
        assert (curve.quantities["loss"] == expected.quantities["loss"]).all()
    several = lossviz.line(A, "cross_entropy", (X, Y), to=[B, network(4, 6, 3, seed=2)], points=3)
    assert [curve.name for curve in several.curves] == ["network 1", "network 2"]
    assert len(several.provenance.notes) == 2


def normed(seed):
    net = network(4, 6, 3, seed=seed)
    net.insert(1, nn.BatchNorm1d(6))
    net.train()
    with torch.no_grad():
        net(3 * X * (1 + seed) + seed)
        net[1].running_var *= 1 + 3 * seed
    return net


def test_batch_norm_has_each_networks_own_statistics_unless_told():
    a, b = normed(0), normed(1)
    own = losses_between(b, b, 0).mean()
    ends = {}
    for mode in (None, "interpolated", "stored", "recomputed"):
        found = lossviz.line(
            a, "cross_entropy", (X, Y), to=b, points=3, batch_norm=mode, **EXACT
        )  # fmt: skip
        curve = found.curves[0]
        ends[mode] = curve.quantities["loss"][curve.alphas.tolist().index(1.0)]
        assert found.provenance.batch_norm == (mode or "interpolated")
    assert ends[None] == ends["interpolated"] == pytest.approx(own, rel=1e-6)
    assert abs(ends["stored"] / own - 1) > 0.01 and abs(ends["recomputed"] / own - 1) > 0.01


def test_random_lines_have_a_mean_and_a_spread():
    found = lossviz.line(A, "cross_entropy", (X, Y), count=3, points=5, seed=4, **EXACT)
    names = ["random, seed 4", "random, seed 5", "random, seed 6", "mean of 3"]
    assert [curve.name for curve in found.curves] == names
    direction = random_plane(A, seed=5).delta
    moved = copy.deepcopy(A).double()
    with torch.no_grad():
        for name, step in direction.items():
            moved.get_parameter(name).add_(step.double())
        expected = functional.cross_entropy(moved(X.double()), Y).item()
    assert found.curves[1].quantities["loss"][-1] == pytest.approx(expected, rel=1e-9)
    losses = np.stack([curve.quantities["loss"] for curve in found.curves[:3]])
    assert found.curves[3].quantities["loss"] == pytest.approx(losses.mean(axis=0))
    assert found.curves[3].quantities["loss_spread"] == pytest.approx(losses.std(axis=0, ddof=1))
    assert found.curves[0].alphas[[0, -1]].tolist() == [-1, 1] and not found.provenance.notes


def test_both_directions_of_a_plane():
    plane = plane_through(
        *({n: p.detach() for n, p in net.named_parameters()} if net is A else
          {"b": {n: p.detach() for n, p in net.named_parameters()}} for net in (A, B))
    )  # fmt: skip
    found = lossviz.line(A, "cross_entropy", (X, Y), directions=plane, points=3, **EXACT)
    assert [curve.name for curve in found.curves] == ["to b, random δ", "to b, random η"]
    assert found.curves[0].quantities["loss"][-1] == pytest.approx(
        losses_between(B, B, 0).mean(), rel=1e-6
    )


def test_lines_along_eigenvectors_curve_as_their_eigenvalues():
    h = 1e-2
    found = lossviz.line(
        A, "cross_entropy", (X, Y), directions="hessian", points=3, span=(-h, h), **EXACT
    )
    names = ["first Hessian eigenvector", "second Hessian eigenvector"]
    assert [curve.name for curve in found.curves] == names
    (note,) = (note for note in found.provenance.notes if note.startswith("Hessian eigenvalues "))
    for curve, told in zip(found.curves, note.split("s ", 1)[1].split(" and "), strict=True):
        second = np.diff(curve.quantities["loss"], 2).item() / h**2
        assert second == pytest.approx(float(told.split(" ± ")[0]), rel=1e-2)


def test_a_problem_with_other_data_to_test_on():
    problem = Problem(A, cross_entropy, [(X, Y)])
    found = lossviz.line(problem, to=B, test=[UNSEEN], points=2, **EXACT)
    at = found.curves[0].alphas.tolist().index(0.0)
    assert found.curves[0].quantities["test_loss"][at] == pytest.approx(
        losses_between(A, A, 0, *UNSEEN).mean(), rel=1e-7
    )


def test_networks_and_generators_come_back_untouched():
    a, b = normed(0), normed(1)
    before = [copy.deepcopy(net.state_dict()) for net in (a, b)]
    states = torch.get_rng_state(), random.getstate()
    lossviz.line(a, nn.CrossEntropyLoss(), (X, Y), to=b, points=3)
    lossviz.line(a, nn.CrossEntropyLoss(), (X, Y), count=2, points=3)
    for net, state in zip((a, b), before, strict=True):
        assert all(torch.equal(state[name], value) for name, value in net.state_dict().items())
        assert net.training and all(p.grad is None for p in net.parameters())
    assert torch.equal(states[0], torch.get_rng_state()) and states[1] == random.getstate()


@pytest.mark.parametrize("options, error, told", [
    ({"to": network(4, 5, 3)}, InputError, "expected one architecture"),
    ({"to": A}, InputError, "network 1: its weights are those of the centre"),
    ({"to": 3}, UsageError, "to: network 1: expected a network, .*, got int"),
    ({"to": []}, UsageError, "to: expected another network, got none"),
    ({"to": {"c": {"0.weight": X}}}, InputError, "c: does not fit Sequential"),
    ({"to": "nowhere.pt"}, InputError, "nowhere.pt: expected a checkpoint"),
    ({"to": B, "directions": "hessian"}, UsageError, "the networks give the directions"),
    ({"to": B, "normalize": "filter"}, UsageError, "the networks give the directions"),
    ({"to": B, "count": 2}, UsageError, "count: expected 1, or"),
    ({"count": 0}, UsageError, "count: expected 1, or"),
    ({"to": B, "batch_norm": "frozen"}, UsageError, "stored, interpolated, recomputed, got 'fro"),
    ({"to": B, "span": (1, 0)}, UsageError, "low < high"),
    ({"to": B, "span": 3}, UsageError, r"points, span: .*\(-1, 1\), got None and 3"),
    ({"points": 2.5}, UsageError, "points, span: .*got 2.5"),
])  # fmt: skip
def test_what_is_no_line_is_told_in_one_line(options, error, told):
    with pytest.raises(error, match=told) as caught:
        lossviz.line(A, "cross_entropy", (X, Y), **options)
    assert "\n" not in str(caught.value)
