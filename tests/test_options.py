"""What the options of the command line build: problems from names, tables and folders."""

import json

import numpy as np
import pytest
from PIL import Image

from lossviz import cli, ply
from lossviz.errors import UsageError


def surface(tmp_path, *words):
    """The landscape of ``lossviz surface`` on 3x3 points."""
    path = tmp_path / "surface.ply"
    status = cli.main(["surface", *words, "--grid", "3x3", "--restart", "-o", str(path)])
    assert status == 0
    return ply.read(path)


def test_a_table_of_classes(tmp_path, capsys):
    found = surface(tmp_path, "--model", "mlp:8:tanh", "--data", "iris")
    known = found.provenance
    # Fewer than the 512 that are usual: all of them, and as many outputs as species.
    assert known.samples == 120 and known.selection == "all" and known.data == "iris"
    assert found.surface.loss[1, 1] == pytest.approx(np.log(3), abs=0.5)
    assert known.normalization.startswith("training rows mean (5.8")


def test_a_regression_takes_mse_and_says_so(tmp_path, capsys):
    rows = "\n".join(f"{k},{k * 0.5}" for k in range(30))
    (tmp_path / "line.csv").write_text(rows)
    found = surface(tmp_path, "--model", "mlp:4", "--data", f"csv:{tmp_path / 'line.csv'}")
    assert "has real targets: the loss is mse" in capsys.readouterr().err
    assert found.provenance.loss == "mse" and found.provenance.data == "csv:line.csv"
    assert set(found.surface.quantities) == {"loss", "loss_stderr"}


def test_a_folder_of_images(tmp_path, capsys):
    for name in ("ant", "bee"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for k in range(5):
            pixels = np.full((9, 9, 3), 20 * k, np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{k}.png")
    spec = f"imagefolder:{tmp_path / 'images'}@8"
    found = surface(tmp_path, "--model", "mnist_cnn", "--data", spec, "--json")
    told = capsys.readouterr()
    assert "normalised as none mean (0) std (1)" in told.err
    assert json.loads(told.out)
    assert found.provenance.samples == 8 and found.provenance.data == "imagefolder:images@8"
    assert found.surface.loss[1, 1] == pytest.approx(np.log(2), abs=0.3)


@pytest.mark.parametrize(
    "words, told",
    [
        (["--loss", "mse_softmax"], "use mse"),
        (["--num-classes", "3"], "real targets need 1, got 3"),
    ],
)
def test_a_regression_has_one_output_and_no_classes(tmp_path, capsys, words, told):
    (tmp_path / "line.csv").write_text("1,0.5\n2,1.5\n3,2.5\n")
    words = ["--model", "mlp", "--data", f"csv:{tmp_path / 'line.csv'}", *words]
    assert cli.main(["surface", *words, "-o", str(tmp_path / "a.ply")]) == UsageError.status
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, told",
    [
        (["--model", "resnet20", "--data", "iris"], "mlp takes any"),
        (["--model", "resnet21", "--data", "iris"], "no 'resnet21'"),
        (["--model", "mlp", "--data", "irises"], "imagefolder:DIR, iris"),
        (["--model", "mlp", "--data", "iris", "--num-classes", "2"], "at least 3, got 2"),
        (["--model", "mlp", "--data", "iris", "--mean", "1,2"], "1 or 4 numbers for 4 features"),
    ],
)
def test_what_does_not_fit_is_one_line(tmp_path, capsys, words, told):
    status = cli.main(["surface", *words, "--grid", "3x3", "-o", str(tmp_path / "a.ply")])
    error = capsys.readouterr().err
    assert status == UsageError.status and told in error and error.count("\n") == 1


def test_a_function_of_ones_own_is_still_found(tmp_path, monkeypatch):
    (tmp_path / "own_things.py").write_text(
        "from torch import nn\n"
        "from compute.data import load\n"
        "from compute.problem import Problem, batches_of, cross_entropy\n"
        "def net():\n    return nn.Linear(4, 3)\n"
        "def batches():\n    data = load('iris')\n"
        "    return batches_of(data.inputs, data.targets, 50)\n"
        "def problem():\n    return Problem(net(), cross_entropy, batches())\n"
    )
    monkeypatch.chdir(tmp_path)
    whole = surface(tmp_path, "--model", "own_things:problem")
    parts = surface(tmp_path, "--model", "own_things:net", "--data", "own_things:batches")
    named = surface(tmp_path, "--model", "own_things:net", "--data", "iris")
    assert (whole.surface.loss == parts.surface.loss).all()
    assert named.surface.loss == pytest.approx(parts.surface.loss)
