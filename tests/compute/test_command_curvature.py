"""``lossviz curvature``: from a surface's file to the same file with its eigenvalues."""

import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from compute import curvature as curvatures
from compute import data
from compute.hessian import Hessian
from compute.lock import locked
from compute.plane import random_plane
from compute.problem import Problem, batches_of, cross_entropy
from lossviz import read, write
from lossviz.cli import main
from lossviz.landscape import SPECTRAL_DENSITY, Curve

from .nets import network
from .test_hessian import explicit


@pytest.fixture
def surface(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net = network()
    torch.save(net.state_dict(), "net.pt")
    assert compute("s.ply", "--grid", "9x7") == 0
    return net


def compute(name, *words):
    return main(["surface", "--model", "mlp:5:tanh", "--checkpoint", "net.pt", "--data",
                 "iris", "--samples", "30", "--threads", "1", "-o", name, *words])  # fmt: skip


def curvature(*words):
    return main(["curvature", *words, "--threads", "1"])


QUICK = ("--probes", "4", "--density", "2x8")


def test_the_file_gets_the_eigenvalues_of_the_explicit_hessians(surface, capsys):
    assert curvature("s.ply", *QUICK, "--samples", "12", "--grid", "5x4", "--tolerance", "0.1%",
                     "--precision", "float64", "--json") == 0  # fmt: skip
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    landscape = read("s.ply")
    own, found = landscape.surface, landscape.surface.quantities
    assert own.shape == (9, 7)
    assert {"lambda_min", "lambda_max", "lambda_ratio", "lambda_computed"} <= set(found)
    computed = found["lambda_computed"] == 1
    # The centre of seven lines is not among four even ones: a fifth is computed.
    assert computed.sum() == told["points"] == 25 and computed[4, 3]
    for name in ("lambda_min", "lambda_max", "lambda_ratio"):
        assert np.isfinite(found[name]).all()

    chosen = data.load("iris", samples="12")
    problem = Problem(surface.double(), cross_entropy,
                      batches_of(chosen.inputs.double(), chosen.targets, 5))  # fmt: skip
    plane = random_plane(network())
    theta = {name: v.double().clone() for name, v in surface.state_dict().items()}
    for i, j in [(0, 0), (4, 3), (8, 6)]:
        moved = {
            name: v + own.alphas[i] * plane.delta.get(name, 0)
            + own.betas[j] * plane.eta.get(name, 0)
            for name, v in theta.items()
        }  # fmt: skip
        surface.load_state_dict(moved)
        values = torch.linalg.eigvalsh(explicit(problem, "biasbn"))
        assert found["lambda_max"][i, j] == pytest.approx(float(values[-1]), rel=1e-3)
        ratio = abs(float(values[0] / values[-1]))
        assert found["lambda_ratio"][i, j] == pytest.approx(ratio, abs=0.005)
        if (i, j) == (4, 3):
            center, exact = told["center"], values
    assert center["lambda_min"] == pytest.approx(float(exact[0]), abs=1e-3 * float(exact[-1]))
    assert center["largest"] == pytest.approx(exact.flip(0)[:5].tolist(), rel=1e-3)
    assert abs(center["trace"] - float(exact.sum())) < 5 * center["trace_stderr"]
    surface.load_state_dict(theta)
    columns = torch.stack([Hessian(problem).flat(part) for part in (plane.delta, plane.eta)])
    columns = columns.double()
    slice_ = columns @ explicit(problem, "biasbn") @ columns.T
    assert np.array(center["slice"]) == pytest.approx(slice_.numpy(), rel=1e-4)
    curve = next(c for c in landscape.curves if c.name == "spectral density")
    density = curve.quantities[SPECTRAL_DENSITY]
    assert np.trapezoid(density, curve.alphas) == pytest.approx(1, abs=1e-3)
    note = landscape.provenance.notes[-1]
    assert note.startswith("curvature: 5x5 points") and "12 samples (balanced:12 seed 0)" in note


def test_again_nothing_is_computed_twice_and_nothing_is_there_twice(surface, capsys, monkeypatch):
    words = ("s.ply", *QUICK, "--samples", "12", "--grid", "3x3", "--json")
    assert curvature(*words) == 0
    first = json.loads(capsys.readouterr().out.splitlines()[-1])
    before = read("s.ply")

    def never(self, vector):
        raise AssertionError("computed again")

    with monkeypatch.context() as patch:
        patch.setattr(Hessian, "product", never)
        assert curvature(*words) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == first
    after = read("s.ply")
    assert len(after.curves) == len(before.curves) == 1
    assert after.provenance == before.provenance
    for name, values in before.surface.quantities.items():
        assert np.array_equal(values, after.surface.quantities[name], equal_nan=True)
    # Other samples are another computation, beside the first one.
    assert curvature("s.ply", *QUICK, "--samples", "20", "--grid", "3x3", "-o", "t.ply") == 0
    assert len(list(Path("s.curvature").iterdir())) == 2
    assert len(read("t.ply").provenance.notes) == 1


def test_restart_takes_nothing_from_a_process_at_work(surface, capsys):
    words = ("s.ply", *QUICK, "--samples", "12", "--grid", "2x2")
    assert curvature(*words) == 0
    (folder,) = Path("s.curvature").iterdir()
    kept = {name: (folder / name).read_bytes() for name in ("points.log", "center.json")}
    with locked(folder):
        assert curvature(*words, "--restart") == 1
    assert "another process is computing it" in capsys.readouterr().err
    assert all((folder / name).read_bytes() == content for name, content in kept.items())
    assert curvature(*words, "--restart", "--no-center") == 0
    assert not (folder / "center.json").exists()
    assert (folder / "points.log").read_bytes() != kept["points.log"]  # seconds are others


def test_what_is_written_to_the_file_meanwhile_stays(surface, capsys, monkeypatch):
    words = ("s.ply", *QUICK, "--samples", "12", "--grid", "3x3", "--no-center")

    def meanwhile(*given, own=curvatures.curvature_map, **how):
        for found in own(*given, **how):
            change()
            yield found

    def with_a_curve():
        landscape = read("s.ply")
        curve = Curve("other", np.arange(3.0), {"loss": np.ones(3)})
        write(landscape.with_changes(curves=[curve], name="new"), "s.ply")

    change = with_a_curve
    monkeypatch.setattr(curvatures, "curvature_map", meanwhile)
    assert curvature(*words) == 0
    found = read("s.ply")
    assert [curve.name for curve in found.curves] == ["other"] and found.name == "new"
    assert "lambda_max" in found.surface.quantities
    assert compute("t.ply", "--grid", "5x5") == 0
    another = Path("t.ply").read_bytes()
    capsys.readouterr()
    change = partial(Path("s.ply").write_bytes, another)
    assert curvature(*words) == 3
    assert "got another one by now" in capsys.readouterr().err
    assert Path("s.ply").read_bytes() == another


@pytest.mark.parametrize("damage", [
    {}, {"lambda_max": "?"}, {"density": [[1.0, "?"]]}, {"trace": 10**400}, None, "[" * 100_000,
])  # fmt: skip
def test_what_is_kept_of_the_centre_and_damaged_is_computed_again(surface, capsys, damage):
    words = ("s.ply", *QUICK, "--samples", "12", "--grid", "2x2", "--json")
    assert curvature(*words) == 0
    first = json.loads(capsys.readouterr().out.splitlines()[-1])
    (path,) = Path("s.curvature").rglob("center.json")
    kept = json.loads(path.read_text())
    found = {**kept["found"], **damage} if isinstance(damage, dict) and damage else damage
    text = json.dumps({**kept, "found": found})
    path.write_text(damage if isinstance(damage, str) else text)
    assert curvature(*words) == 0
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert again["center"] == first["center"] and json.loads(path.read_text()) == kept


def test_killed_in_the_middle_it_goes_on(surface, capsys, monkeypatch):
    product, calls = Hessian.product, []

    def some(self, vector):
        calls.append(1)
        if len(calls) == 60:
            raise KeyboardInterrupt
        return product(self, vector)

    words = ("s.ply", *QUICK, "--samples", "12", "--grid", "3x3", "--no-center")
    with monkeypatch.context() as patch:
        patch.setattr(Hessian, "product", some)
        assert curvature(*words) == 130
    assert "of 9 points; all are kept" in capsys.readouterr().err
    assert curvature(*words) == 0
    told = capsys.readouterr().out
    assert told.startswith("s.ply: 3x3 points x 12 samples")
    assert "at the centre" not in told and not read("s.ply").curves


def test_the_directions_come_from_the_run_a_file_or_the_seed(surface, capsys):
    assert compute("h.ply", "--grid", "3x3", "--directions", "hessian",
                   "--save-directions", "h.safetensors") == 0  # fmt: skip
    words = (*QUICK, "--samples", "12", "--grid", "3x3", "--no-center", "--json")
    assert curvature("h.ply", *words) == 0
    first = read("h.ply").surface.quantities["lambda_max"]
    shutil.rmtree("h.run")
    capsys.readouterr()
    assert curvature("h.ply", *words) == 2
    assert "its directions (hessian) are not in h.run" in capsys.readouterr().err
    assert curvature("h.ply", *words, "--restart", "--directions", "h.safetensors") == 0
    assert read("h.ply").surface.quantities["lambda_max"] == pytest.approx(first, rel=1e-5)
    assert curvature("s.ply", *words) == 0
    shutil.rmtree("s.run")
    assert curvature("s.ply", *words, "-o", "again.ply") == 0
    one, two = (read(n).surface.quantities["lambda_min"] for n in ("s.ply", "again.ply"))
    assert (one == two).all()
    assert curvature("s.ply", *words, "--directions", "h.safetensors") == 2
    assert "they are not those of s.ply" in capsys.readouterr().err


def test_what_does_not_fit_is_told_in_a_line(surface, capsys):
    def refused(told, *words, status=2):
        assert curvature(*words) == status
        error = capsys.readouterr().err.strip().splitlines()
        assert told in error[-1], error

    refused("nowhere.ply", "nowhere.ply", status=3)
    torch.save(network(1).state_dict(), "other.pt")
    refused("other.pt is not the net.pt that s.ply is of", "s.ply", *QUICK,
            "--checkpoint", "other.pt")  # fmt: skip
    refused("none.pt: cannot be read: No such file", "s.ply", *QUICK, "--checkpoint", "none.pt",
            status=3)  # fmt: skip
    nameless = read("s.ply")
    nameless = nameless.with_changes(provenance=replace(nameless.provenance, checkpoint=""))
    write(nameless, "nameless.ply")
    refused("nameless.ply does not say of which; expected --checkpoint", "nameless.ply", *QUICK)
    refused("expected the same --data, --mean and --std", "s.ply", *QUICK, "--mean", "1,2,3,4")
    refused("expected a name that ends in .ply", "s.ply", *QUICK, "-o", "x.txt")
    assert main(["line", "--model", "mlp:5:tanh", "--checkpoint", "net.pt", "--data",
                 "iris", "--samples", "30", "--points", "3", "-o", "c.ply"]) == 0  # fmt: skip
    refused("c.ply: expected a surface, got curves only", "c.ply", *QUICK)
    shutil.move("net.pt", "moved.pt")
    refused("which is not here; expected --checkpoint", "s.ply", *QUICK)
    assert curvature("s.ply", *QUICK, "--checkpoint", "moved.pt", "--samples", "12", "--grid",
                     "2x2", "--no-center") == 0  # fmt: skip
