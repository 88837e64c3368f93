"""``lossviz train``: the same command trains, goes on, and says that it is done."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from compute.training import Snapshots
from lossviz import ply
from lossviz.cli import main

SMALL = ["--model", "mlp", "--data", "digits", "--samples", "200", "--epochs", "3",
         "--batch-size", "50", "--threads", "1"]  # fmt: skip


def train(folder, *words):
    return main(["train", *SMALL, "-o", str(folder), *map(str, words)])


def weights(folder, i=-1):
    return Snapshots(folder).parameters(i)


def same(first, second, i=-1):
    a, b = weights(first, i), weights(second, i)
    return all(torch.equal(a[name], b[name]) for name in a)


def one_line(capsys):
    told = capsys.readouterr().err
    assert told.startswith("lossviz: ") and told.count("\n") == 1, told
    return told


def test_a_network_is_trained_and_its_surface_computed(tmp_path, capsys):
    assert train(tmp_path / "run", "--json", "--epochs", 20, "--lr", 0.05) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["epochs"] == 20 and report["snapshots"] == 21
    assert report["loss"] < 0.1 and report["accuracy"] > 0.95 and report["test_accuracy"] > 0.8
    assert report["checkpoint"] == str(tmp_path / "run" / "final.safetensors")
    surface = ["surface", "--model", "mlp", "--data", "digits", "--samples", "200", "--grid", "5x5",
               "--checkpoint", report["checkpoint"], "-o", str(tmp_path / "a.ply")]  # fmt: skip
    assert main(surface) == 0
    landscape = ply.read(tmp_path / "a.ply")
    assert landscape.surface.loss[2, 2] == pytest.approx(report["loss"], rel=1e-5)
    first = str(Snapshots(tmp_path / "run").path(0))
    assert main([*surface[:-3], first, "-o", str(tmp_path / "b.ply")]) == 0
    start = Snapshots(tmp_path / "run").losses[0]
    assert ply.read(tmp_path / "b.ply").surface.loss[2, 2] == pytest.approx(start, rel=1e-5)


def test_the_report_says_what_to_run_next(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    labels = np.arange(60) % 3
    np.savez(tmp_path / "own.npz", images=images, labels=labels)
    words = ["--model", "mlp", "--data", "npz:own.npz", "--epochs", "3", "--mean", "0.5",
             "--std", "0.25", "--threads", "1", "-o", "run"]  # fmt: skip
    assert main(["train", *words]) == 0
    told = capsys.readouterr()
    assert "nothing is tested: npz:own.npz has no test split" in told.err
    assert "test" not in told.out
    *_, path, surface = (line.split() for line in told.out.splitlines())
    assert path[:2] == ["lossviz", "trajectory"] and surface[:2] == ["lossviz", "surface"]
    for one in path, surface:  # into files of their own
        assert main([*one[1:], "--grid", "3x3", "--samples", "60"]) == 0


def test_the_same_command_again_and_another_one(tmp_path, capsys):
    assert train(tmp_path / "run") == 0
    before = (tmp_path / "run" / "index.jsonl").read_bytes()
    capsys.readouterr()
    assert train(tmp_path / "run") == 0
    assert "is trained already; --restart begins anew" in one_line(capsys)
    assert (tmp_path / "run" / "index.jsonl").read_bytes() == before
    assert train(tmp_path / "run", "--lr", "0.01") == 2
    told = one_line(capsys)
    assert "other settings (lr None → 0.01)" in told and "--restart" in told
    assert train(tmp_path / "run", "--lr", "0.01", "--restart") == 0
    assert Snapshots(tmp_path / "run").about["lr"] == 0.01


def test_seeds_and_common_starts(tmp_path):
    train(tmp_path / "a")
    train(tmp_path / "b")
    train(tmp_path / "c", "--seed", 1)
    assert same(tmp_path / "a", tmp_path / "b") and not same(tmp_path / "a", tmp_path / "c")
    assert not same(tmp_path / "a", tmp_path / "c", 0)
    start = Snapshots(tmp_path / "a").path(0)
    train(tmp_path / "d", "--seed", 1, "--init", start)
    assert same(tmp_path / "a", tmp_path / "d", 0) and not same(tmp_path / "a", tmp_path / "d")


def test_where_it_is_trained_and_tested_can_change_places(tmp_path):
    train(tmp_path / "run", "--split", "test")
    about = Snapshots(tmp_path / "run").about
    assert about["split"] == "test" and about["tested_on"] == 1437


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or os.name == "nt", reason="signals are POSIX")
def test_interrupted_it_keeps_what_is_there(tmp_path):
    words = [sys.executable, "-m", "lossviz", "train", *SMALL, "--epochs", "400", "-o", "run"]
    child = subprocess.Popen(
        words, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    index = tmp_path / "run" / "index.jsonl"
    until = time.monotonic() + 60
    while not (index.exists() and index.read_bytes().count(b"snapshot") > 5):
        assert time.monotonic() < until and child.poll() is None
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert b"interrupted in epoch" in err and b"the same command goes on" in err
    assert b"Traceback" not in err and out == b""
    kept = Snapshots(tmp_path / "run")
    assert 3 < len(kept) < 400
    weights(tmp_path / "run")
    state = torch.load(tmp_path / "run" / "state.pt", weights_only=True)
    assert state["done"] >= 4  # from here the same command goes on


@pytest.mark.parametrize("words, status, told", [
    (["--lr", "0"], 2, "lr: expected above 0"),
    (["--optimizer", "sgd", "--momentum", "0.5"], 2, "momentum: expected"),
    (["--milestones", "1"], 2, "milestones: expected"),
    (["--snapshots-every", "-1"], 2, "snapshots-every: expected above 0"),
    (["--label-smoothing", "0.1", "--loss", "mse"], 2, "expected the loss cross_entropy"),
    (["--epochs", "0"], 2, "epochs"),
    (["--init", "missing.pt"], 3, "missing.pt: expected a checkpoint"),
    (["--data", "npz:missing.npz"], 3, "missing.npz"),
    (["--lr", "1e30", "--epochs", "9"], 1, "lower the learning rate"),
])  # fmt: skip
def test_errors_are_one_line(words, status, told, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert train(tmp_path / "run", *words) == status
    assert told in one_line(capsys)


def test_what_cannot_begin_deletes_no_training(tmp_path):
    folder = tmp_path / "run"
    assert train(folder) == 0
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert train(folder, "--label-smoothing", "0.1", "--loss", "mse", "--restart") == 2
    assert all(path.read_bytes() == content for path, content in before.items())


def test_a_file_in_the_place_of_the_folder(tmp_path, capsys):
    (tmp_path / "run").write_text("mine")
    assert train(tmp_path / "run") == 1
    assert "run: cannot be written" in one_line(capsys)


def test_data_of_ones_own_is_for_the_recorder(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "given_batches.py").write_text(
        "import torch\n"
        "def batches():\n"
        "    return [(torch.zeros(2, 1, 8, 8), torch.zeros(2).long())]\n"
    )
    words = ["train", "--model", "mlp", "--data", "given_batches:batches", "-o", "run"]
    assert main(words) == 2
    assert "compute.Recorder records the same snapshots" in one_line(capsys)
