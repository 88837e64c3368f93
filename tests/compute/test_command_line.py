"""``lossviz line`` and the planes of ``lossviz surface``, from the command line to the file."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from compute import curve as curves
from compute import hessian
from compute.lock import locked
from compute.models import build
from lossviz import read, write
from lossviz.cli import main


@pytest.fixture
def nets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for seed in range(3):
        torch.manual_seed(seed)
        net = build("mlp", inputs=(1, 8, 8), num_classes=10)
        torch.save(net.state_dict(), f"n{seed}.pt")


def lossviz(*words):
    samples = [] if "--samples" in words else ["--samples", "60"]
    return main([words[0], "--model", "mlp", "--data", "digits", "--threads", "1",
                 "--checkpoint", "n0.pt", *words[1:], *samples])  # fmt: skip


def test_lines_between_networks_lie_on_the_surface_through_them(nets, capsys):
    assert lossviz("surface", "--through", "n1.pt", "n2.pt", "--grid", "5x5", "-o", "a.ply") == 0
    assert lossviz("line", "--to", "n1.pt", "n2.pt", "--test", "--points", "9",
                   "-o", "a.ply", "--json") == 0  # fmt: skip
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    landscape = read("a.ply")
    assert [mark.name for mark in landscape.marks] == ["n0.pt", "n1.pt", "n2.pt"]
    assert landscape.surface.shape == (5, 5) and len(landscape.curves) == 2
    for curve, mark, told in zip(landscape.curves, landscape.marks[1:], report["curves"],
                                 strict=True):  # fmt: skip
        assert curve.name == mark.name == told["name"] and told["on_surface"]
        end = int(np.flatnonzero(curve.alphas == 1)[0])
        assert curve.points[end] == pytest.approx([mark.alpha, mark.beta], rel=1e-5, abs=1e-4)
        assert curve.quantities["loss"][end] == pytest.approx(mark.value, rel=1e-6)
        assert told["ends"][1] == curve.quantities["loss"][end]
        assert (told["barrier"], told["barrier_at"]) == curve.barrier()
        assert {"test_loss", "test_accuracy"} <= set(curve.quantities)
    # Again: nothing is computed twice, nothing is there twice.
    before = landscape.curves[0].quantities["loss"]
    assert lossviz("line", "--to", "n1.pt", "--points", "9", "-o", "a.ply") == 0
    again = read("a.ply")
    assert sorted(c.name for c in again.curves) == ["n1.pt", "n2.pt"]
    assert (again.curves[-1].quantities["loss"] == before).all()
    assert again.provenance.notes[-1].startswith("lossviz line --model mlp")


def test_networks_of_one_name_are_told_apart_by_their_folders(nets):
    for k in range(3):
        Path(f"r{k}").mkdir()
        Path(f"n{k}.pt").rename(f"r{k}/final.pt")
    first = ["--checkpoint", "r0/final.pt"]
    assert lossviz("surface", *first, "--through", "r1/final.pt", "r2/final.pt", "--grid", "3x3",
                   "-o", "a.ply") == 0  # fmt: skip
    assert lossviz("line", *first, "--to", "r1/final.pt", "--points", "3", "-o", "a.ply") == 0
    landscape = read("a.ply")
    assert [mark.name for mark in landscape.marks] == ["r0", "r1", "r2"]
    assert [curve.name for curve in landscape.curves] == ["r1"]
    Path("r2/final.pt").rename("r0/best.pt")
    assert lossviz("line", *first, "--to", "r1/final.pt", "r0/best.pt", "--points", "3",
                   "-o", "b.ply") == 0  # fmt: skip
    assert [curve.name for curve in read("b.ply").curves] == ["r1/final.pt", "r0/best.pt"]


def test_a_file_of_curves_tells_where_those_came_from_that_it_has(nets, capsys):
    words = ("line", "--points", "5", "-o", "a.ply")
    assert lossviz(*words, "--count", "2") == 0
    before = Path("a.ply").read_bytes()
    for other in (("--samples", "70"), ("--checkpoint", "n1.pt"), ("--split", "test")):
        capsys.readouterr()
        assert lossviz(*words, *other) == 2  # the second line and the mean would stay
        told = capsys.readouterr().err.splitlines()[-1]
        assert told.startswith("lossviz: output: a.ply has curves of another")
        assert told.endswith("choose another -o") and Path("a.ply").read_bytes() == before
    assert lossviz(*words, "--to", "n1.pt") == 0
    assert len(read("a.ply").curves) == 4  # of the same network on the same samples
    assert lossviz("line", "--points", "5", "-o", "b.ply") == 0
    assert lossviz("line", "--points", "5", "-o", "b.ply", "--samples", "70") == 0
    known = read("b.ply").provenance
    assert known.samples == 70 and "--samples 70" in known.command and not known.notes


def test_what_is_written_to_the_file_meanwhile_stays(nets, monkeypatch):
    assert lossviz("line", "--points", "5", "-o", "a.ply") == 0

    def meanwhile(*given, own=curves.along, **how):
        landscape = read("a.ply")
        other = replace(landscape.curves[0], name="other")
        write(landscape.with_changes(curves=[*landscape.curves, other]), "a.ply")
        return own(*given, **how)

    monkeypatch.setattr(curves, "along", meanwhile)
    assert lossviz("line", "--points", "5", "--to", "n1.pt", "-o", "a.ply") == 0
    assert [one.name for one in read("a.ply").curves] == ["random, seed 0", "other", "n1.pt"]


@pytest.mark.parametrize("damaged", ["[" * 100_000, '{"asked": 1e999}'])
def test_a_damaged_plane_is_computed_again(nets, damaged):
    words = ("line", "--directions", "hessian", "--points", "3", "-o", "a.ply")
    assert lossviz(*words) == 0
    before, (plane,) = read("a.ply"), Path("a.lines").glob("plane-*.json")
    kept = plane.read_text()
    plane.write_text(damaged)
    assert lossviz(*words) == 0
    assert (read("a.ply").curves[0].quantities["loss"] == before.curves[0].quantities["loss"]).all()
    assert plane.read_text() == kept


def test_each_plane_that_was_asked_for_is_kept(nets, monkeypatch):
    words = ("surface", "--directions", "hessian", "--grid", "3x3", "-o", "a.ply")
    assert lossviz(*words) == 0
    assert lossviz(*words, "--ignore", "none") == 2  # another computation is in the folder
    assert lossviz(*words, "--seed", "1", "--restart", "-o", "b.ply") == 0

    def never(*given, **how):
        raise AssertionError("computed again")

    monkeypatch.setattr(hessian, "hessian_plane", never)
    assert lossviz(*words) == 0
    for path in Path("b.run").glob("plane-*"):  # as runs of before have it
        path.rename(path.with_name(f"plane{path.suffix}"))
    assert lossviz(*words, "--seed", "1", "-o", "b.ply") == 0


def test_restart_computes_these_lines_again_and_no_others(nets, capsys):
    def contents():
        return {path: path.read_bytes() for path in Path("a.lines").rglob("*") if path.is_file()}

    assert lossviz("line", "--points", "5", "-o", "a.ply") == 0
    (other,) = Path("a.lines").iterdir()
    words = ("line", "--directions", "hessian", "--points", "4", "-o", "a.ply")
    assert lossviz(*words) == 0
    before = contents()
    assert lossviz(*words, "--range", "1:-1", "--restart") == 2
    assert lossviz("line", "--points", "0", "-o", "a.ply", "--restart") == 2
    assert contents() == before
    capsys.readouterr()
    with locked(other):
        assert lossviz("line", "--points", "5", "-o", "a.ply", "--restart") == 1
    assert "another process is computing it" in capsys.readouterr().err
    assert contents() == before
    assert lossviz(*words, "--restart") == 0
    assert contents().keys() == before.keys()
    assert all(path.read_bytes() == before[path] for path in Path("a.lines").glob("plane-*"))
    again = {path for path in before if path.name == "points.log"} - {other / "points.log"}
    assert all(path.read_bytes() != before[path] for path in again)  # seconds are others


def test_random_lines_have_a_mean(nets):
    assert lossviz("line", "--count", "3", "--points", "5", "-o", "r.ply") == 0
    curves = read("r.ply").curves
    assert [c.name for c in curves] == [*(f"random, seed {k}" for k in range(3)), "mean of 3"]
    stacked = np.stack([c.quantities["loss"] for c in curves[:3]])
    assert curves[3].quantities["loss"] == pytest.approx(stacked.mean(0))
    assert curves[3].quantities["loss_spread"] == pytest.approx(stacked.std(0, ddof=1))
    # The first direction is that of the surface with the same seed.
    assert lossviz("surface", "--grid", "5x5", "-o", "s.ply") == 0
    assert read("s.ply").surface.loss[:, 2] == pytest.approx(curves[0].quantities["loss"])


def test_what_is_not_finite_or_not_there_is_told_as_such(nets, capsys):
    assert lossviz("line", "--range", "-1e30:1e30", "--points", "5", "-o", "w.ply") == 0
    assert np.isnan(read("w.ply").curves[0].quantities["loss"]).any()
    assert "lowest loss 2." in capsys.readouterr().out
    assert lossviz("line", "--range", "1e30:1e31", "--points", "2", "-o", "n.ply") == 0
    assert "seed 0: nowhere finite" in capsys.readouterr().out
    assert lossviz("line", "--to", "n1.pt", "--range", "0.2:0.4", "--points", "3",
                   "-o", "b.ply") == 0  # fmt: skip
    assert "no barrier: the range has not both networks" in capsys.readouterr().out


def test_directions_go_to_a_file_and_come_back(nets, capsys):
    assert lossviz("surface", "--directions", "hessian", "--grid", "5x5", "-o", "h.ply",
                   "--save-directions", "h.npz") == 0  # fmt: skip
    assert "Hessian eigenvalues" in capsys.readouterr().err
    assert lossviz("surface", "--directions", "h.npz", "--grid", "5x5", "-o", "f.ply") == 0
    one, two = read("h.ply"), read("f.ply")
    assert (one.surface.loss == two.surface.loss).all()
    assert one.provenance.direction_angle == pytest.approx(90, abs=0.01)
    assert one.provenance.directions == "hessian" and two.provenance.directions == "h.npz"
    assert "Hessian eigenvalues" in one.provenance.notes[0]


@pytest.mark.parametrize(
    "words, told",
    [
        (["surface", "--through", "n1.pt", "--directions", "random"], "leave out --directions"),
        (["surface", "--through", "n0.pt"], "n0.pt: its weights are those of the centre"),
        (["surface", "--through", "n1.pt", "n2.pt", "n0.pt"], "one or two more checkpoints"),
        (["surface", "--through", "n1.pt", "n2.pt", "--normalize", "filter"], "orthonormal"),
        (["surface", "--through", "n1.pt", "--ignore", "biasbn"], "would miss the networks"),
        (["surface", "--through", "other.pt"], "other.pt: does not fit"),
        (["surface", "--through", "nowhere.pt"], "nowhere.pt: expected a checkpoint"),
        (["surface", "--batch-norm", "interpolated"], "random directions lead to no other"),
        (["surface", "--directions", "hessian:middle"], "expected top or ends"),
        (["surface", "--save-directions", "d.txt"], "ends in one of .safetensors"),
        (["line", "--to", "n1.pt", "--normalize", "filter"], "the line has to meet the network"),
        (["line", "--to", "n1.pt", "--count", "3"], "--to names the networks"),
        (["line", "--test", "--split", "test"], "leave out --split"),
        (["line", "--to", "nan.pt"], "nan.pt: linear1.weight: 4,096 of 4,096 numbers are NaN"),
        (["surface", "--through", "nan.pt"], "nan.pt: linear1.weight: 4,096 of 4,096 numbers"),
        (["line", "--range", "1:-1"], "low < high"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_told_in_a_line(nets, capsys, words, told):
    torch.save(torch.nn.Linear(2, 2).state_dict(), "other.pt")
    state = torch.load("n1.pt")
    torch.save({**state, next(iter(state)): next(iter(state.values())) * torch.nan}, "nan.pt")
    assert lossviz(*words, "-o", "x.ply") in (2, 3)
    error = capsys.readouterr().err.strip().splitlines()
    assert told in error[-1], error
