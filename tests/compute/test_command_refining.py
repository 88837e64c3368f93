"""Critical points at the end of ``lossviz surface`` and by ``lossviz critical --refine``."""

import functools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from compute import data, refine
from compute.evaluation import Evaluator
from compute.models import build
from compute.plane import random_plane
from compute.problem import Problem, batches_of, cross_entropy
from lossviz import read, refining, write
from lossviz.cli import main

THINGS = """
import torch

def model():
    torch.manual_seed(0)
    return torch.nn.Linear(2, 1, bias=False)

def data():
    return [(torch.eye(2), torch.zeros(2))]

class Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x ** 2

    @staticmethod
    def backward(ctx, g):
        if torch.is_grad_enabled():
            raise RuntimeError("Once: has no second derivative")
        return 2 * g * ctx.saved_tensors[0]

def once(model, batch):
    return Once.apply(model(batch[0])).sum(1)

def wavy(model, batch):
    w = model.weight[0]
    return (0.1 * w**2 - torch.cos(6 * w)).sum()

def never(model, batch):
    return (model(batch[0]) ** 2).sum(1).detach()
"""


@functools.cache
def trained():
    """A network near a minimum."""
    torch.manual_seed(0)
    net = build("mlp:5:tanh", inputs=(4,), num_classes=3)
    chosen = data.load("iris", samples="30")
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05, weight_decay=0.02)
    for _ in range(200):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(chosen.inputs), chosen.targets).backward()
        optimizer.step()
    return net


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(trained().state_dict(), "net.pt")
    Path("refining_things.py").write_text(THINGS)


def surface(name, *words):
    return main(["surface", "--model", "mlp:5:tanh", "--checkpoint", "net.pt", "--data", "iris",
                 "--samples", "30", "--grid", "15x13", "--range", "-2:2", "--threads", "1",
                 "-o", name, *words])  # fmt: skip


def test_a_surface_ends_with_points_of_the_networks_own_loss(capsys):
    """The second route: losses of the engine in float64 around each of them."""
    assert surface("a.ply", "--json") == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    found = read("a.ply").critical_points
    shown = found.shown()
    moved = [point for point in shown if point.moved is not None]
    assert found.complete and told["critical_points"] == len(shown) >= 1
    assert told["refined"] == len(moved) >= 1
    (words,) = told["refinement"]
    assert words.startswith(f"{len(moved)} of {len(shown)} critical points confirmed by the net")
    assert all(0 <= point.confidence <= 1 for point in shown)
    net, chosen = trained(), data.load("iris", samples="30")
    problem = Problem(net, cross_entropy, batches_of(chosen.inputs, chosen.targets, 30))
    loss = Evaluator(problem, random_plane(net), dtype=torch.float64).at
    for point in moved:
        a, b, h = point.alpha, point.beta, 1e-4
        slope = [
            (loss(a + h, b)["loss"] - loss(a - h, b)["loss"]) / (2 * h),
            (loss(a, b + h)["loss"] - loss(a, b - h)["loss"]) / (2 * h),
        ]
        assert np.hypot(*slope) == pytest.approx(point.gradient_norm, abs=2e-5)
        assert point.gradient_norm < 1e-3 and point.value == pytest.approx(
            loss(a, b)["loss"], abs=1e-6
        )


def test_sampled_points_are_refined_later_into_the_same(capsys):
    assert surface("a.ply") == 0 and surface("b.ply", "--critical-points", "sampled") == 0
    sampled, wanted = read("b.ply").critical_points, read("a.ply").critical_points
    assert {p.moved for p in sampled} == {None}
    assert main(["critical", "b.ply", "--refine", "--threads", "1"]) == 0
    assert "confirmed by the network's gradient" in capsys.readouterr().out
    assert read("b.ply").critical_points == wanted
    assert main(["critical", "b.ply", "--separatrices"]) == 0  # found anew: what is known stays
    assert read("b.ply").critical_points == wanted
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split()[-5:] == ["moved", "gradient", "confidence", "±", "position"]
    assert surface("c.ply", "--critical-points", "none") == 0
    assert not read("c.ply").critical_points


def own(loss):
    return main(["surface", "--model", "refining_things:model", "--data", "refining_things:data",
                 "--loss", f"refining_things:{loss}", "--range", "-2:2", "--grid", "25x25",
                 "-o", "a.ply"])  # fmt: skip


def test_it_ends_when_its_time_is_over_and_tells_what_is_left(monkeypatch, capsys):
    whole = refining.with_critical_points
    monkeypatch.setattr(
        refining,
        "with_critical_points",
        lambda *given, **more: whole(*given, **more | {"seconds": 0.0}),
    )
    assert own("wavy") == 0
    found = read("a.ply").critical_points
    assert sum(p.moved is not None for p in found) == 1 < len(found.shown())
    left = len(found.shown()) - 1
    told = f"1 of 1 critical points confirmed by the network's gradient; {left} not tried yet "
    assert told in capsys.readouterr().out
    words = ["critical", "a.ply", "--refine", "--model", "refining_things:model", "--data",
             "refining_things:data", "--loss", "refining_things:wavy"]  # fmt: skip
    assert main(words) == 0
    assert all(p.moved is not None for p in read("a.ply").critical_points.shown())


def test_a_zero_is_no_second_points_in_a_later_sitting():
    assert main(["surface", "--model", "refining_things:model", "--data", "refining_things:data",
                 "--loss", "refining_things:wavy", "--range", "-2:2", "--grid", "25x25",
                 "--critical-points", "sampled", "-o", "a.ply"]) == 0  # fmt: skip
    landscape = read("a.ply")
    sampled = landscape.critical_points
    first = sampled.shown()[0]
    twice = [first, replace(first, alpha=first.alpha + 0.05 * landscape.surface.cell[0])]
    landscape = landscape.with_changes(critical_points=replace(sampled, points=twice))
    import refining_things

    problem = Problem(refining_things.model(), refining_things.wavy, refining_things.data())
    how = {"device": "cpu", "dtype": torch.float64}
    plane = random_plane(problem.model)
    landscape, told = refining.refine(landscape, problem, plane, seconds=0, **how)
    assert (told.tried, told.moved) == (1, 1)
    landscape, told = refining.refine(landscape, problem, plane, **how)
    assert (told.before, told.tried, told.moved) == (1, 1, 0)
    assert [p.moved is None for p in landscape.critical_points] == [False, True]


def test_what_was_refined_before_an_interruption_is_kept(monkeypatch):
    calls = []

    def counted(self, place, own=refine.Slice.gradient):
        calls.append(1)
        if len(calls) == stop:
            raise KeyboardInterrupt
        return own(self, place)

    monkeypatch.setattr(refine.Slice, "gradient", counted)
    stop = -1
    assert own("wavy") == 0
    wanted, total = read("a.ply").critical_points, len(calls)
    count = sum(p.moved is not None for p in wanted)
    assert count == len(wanted.shown()) >= 9
    Path("a.run/refined.json").unlink()
    calls.clear()
    stop = total // 2
    assert own("wavy") == 130
    partly = read("a.ply").critical_points
    assert 2 < sum(p.moved is not None for p in partly) < count and partly.complete
    calls.clear()
    stop = -1
    assert own("wavy") == 0
    assert read("a.ply").critical_points == wanted and 0 < len(calls) < 0.7 * total
    calls.clear()
    assert own("wavy") == 0 and not calls
    for damage in ({"evil": 1.0}, {"kind": "banana"}, {"alpha": "here"}):  # computed again
        kept = json.loads(Path("a.run/refined.json").read_text())
        for known in kept["points"].values():
            known.update(damage)
        Path("a.run/refined.json").write_text(json.dumps(kept))
        calls.clear()
        assert own("wavy") == 0 and read("a.ply").critical_points == wanted and calls
    for damaged in ('{"of": [', "[" * 100_000):
        calls.clear()
        Path("a.run/refined.json").write_text(damaged)
        assert own("wavy") == 0 and read("a.ply").critical_points == wanted and calls


@pytest.mark.parametrize(
    ("loss", "told"),
    [("once", "Once: has no second derivative"), ("never", "the loss cannot be differentiated")],
)
def test_losses_without_derivatives_leave_the_samples_points(loss, told, capsys):
    assert own(loss) == 0
    out = capsys.readouterr().out
    assert "critical points are the interpolant's" in out and told in out
    (point,) = read("a.ply").critical_points.shown()
    assert point.kind == "minimum" and point.moved is None
    own_things = [f"--{kind}=refining_things:{kind}" for kind in ("model", "data")]
    words = ["critical", "a.ply", "--refine", "--json", *own_things]
    assert main([*words, f"--loss=refining_things:{loss}"]) == 0
    (line,) = json.loads(capsys.readouterr().out)["refinement"]
    assert line.startswith("critical points are the interpolant's: ") and told in line


def test_what_was_confirmed_before_an_error_is_told():
    partly = refining.Refinement(asked=5, tried=3, moved=2, before=1, why_not="no memory")
    (line,) = partly.lines()
    assert line.startswith("3 of 6 critical points confirmed") and line.endswith(": no memory")


def test_half_precision_gets_no_critical_points():
    assert surface("a.ply", "--precision", "bfloat16") == 0
    assert not read("a.ply").critical_points and read("a.ply").critical_points.winding is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--quantity", "accuracy"], "refine: expected the loss, got --quantity accuracy"),
        (["--checkpoint", "other.pt"], "SHA-256 differ"),
        (["--directions", "gone.h5"], "gone.h5"),
    ],
)
def test_what_does_not_belong_to_the_file_is_refused(words, told, capsys):
    assert surface("a.ply", "--critical-points", "sampled") == 0
    torch.manual_seed(1)
    torch.save(build("mlp:5:tanh", inputs=(4,), num_classes=3).state_dict(), "other.pt")
    before = Path("a.ply").read_bytes()
    assert main(["critical", "a.ply", "--refine", *words]) in (2, 3)
    err = capsys.readouterr().err
    assert told in err and len(err.strip().splitlines()) <= 2
    assert Path("a.ply").read_bytes() == before


def test_a_file_without_a_network_is_refused_in_a_line(capsys):
    assert surface("a.ply", "--critical-points", "none") == 0
    bare = read("a.ply")
    write(bare.with_changes(provenance=type(bare.provenance)()), "bare.ply")
    assert main(["critical", "bare.ply", "--refine"]) == 2
    assert "does not say of what it is" in capsys.readouterr().err
