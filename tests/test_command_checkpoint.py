"""``lossviz checkpoint``: the network that it writes has the loss that the surface has there."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from compute import checkpoints, data
from compute.interpolation import loss_at
from compute.models import build
from lossviz import read
from lossviz.cli import main
from lossviz.landscape import Surface

MODEL = "mlp:5:tanh"
OWN = """
import torch
from tests.compute.nets import small_convnet
generator = torch.Generator().manual_seed(0)
X = torch.randn(23, 2, 6, 6, generator=generator)
Y = torch.randint(0, 3, (23,), generator=generator)
def network(): return small_convnet(0)
def pair(): return X, Y
"""


def network(seed=0):
    torch.manual_seed(seed)
    return build(MODEL, inputs=(4,), num_classes=3)


@pytest.fixture
def surface(tmp_path, monkeypatch):
    """s.ply of net.pt, 5 x 4 points in float64."""
    monkeypatch.chdir(tmp_path)
    torch.save(network().state_dict(), "net.pt")
    words = [
        "surface",
        "--model",
        MODEL,
        "--checkpoint",
        "net.pt",
        "--data",
        "iris",
        "--samples",
        "30",
        "--grid",
        "5x4",
        "--precision",
        "float64",
        "--threads",
        "1",
        "-o",
        "s.ply",
    ]
    assert main(words) == 0
    return read("s.ply").surface


def write(file, alpha, beta, out, *words):
    return main(["checkpoint", file, "--at", f"{alpha!r},{beta!r}", "-o", out, *words])


def loss_of(net, inputs, targets):
    """The second route: a plain loop in float64."""
    net = net.double().eval()
    with torch.no_grad():
        losses = [functional.cross_entropy(net(x[None].double()), y[None])
                  for x, y in zip(inputs, targets, strict=True)]  # fmt: skip
    return float(torch.stack(losses).mean())


@pytest.mark.parametrize("out", ["at.pt", "at.pth", "at.safetensors"])
def test_the_written_network_has_the_loss_of_the_surface(surface, out, capsys):
    chosen = data.load("iris", samples="30")
    for i, j in [(0, 0), (2, 1), (4, 3)]:
        alpha, beta = float(surface.alphas[i]), float(surface.betas[j])
        assert write("s.ply", alpha, beta, out) == 0
        told = capsys.readouterr().out
        assert told.startswith(f"{out}: {MODEL} at α {alpha:g}, β {beta:g}, 43 numbers")
        assert f"loss there by s.ply: {surface.loss[i, j]:.6g} (computed), of 30 samples" in told
        net = network(7)
        net.load_state_dict(checkpoints.read(out))
        expected = loss_of(net, chosen.inputs, chosen.targets)
        assert surface.loss[i, j] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("folder", ["run", "run/snapshots"])
def test_weights_in_a_trainings_folder_are_found_by_their_digest(surface, folder, capsys):
    Path(folder).mkdir(parents=True)
    Path("net.pt").rename(f"{folder}/net.pt")
    Path("other").mkdir()
    torch.save(network(1).state_dict(), "other/net.pt")
    assert write("s.ply", 0.0, 0.0, "at.pt") == 0
    written, own = checkpoints.read("at.pt"), checkpoints.read(f"{folder}/net.pt")
    assert all(torch.equal(written[name], own[name]) for name in own)
    Path(f"{folder}/net.pt").unlink()
    assert write("s.ply", 0.0, 0.0, "at.pt") == 2
    assert "which is not here; expected --checkpoint" in capsys.readouterr().err


def test_it_is_a_checkpoint_like_any_other(surface, capsys):
    assert write("s.ply", 0.3, -0.2, "there.safetensors", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["loss_is"], told["samples"], told["alpha"]) == ("interpolated", 30, 0.3)
    words = [
        "surface",
        "--model",
        MODEL,
        "--checkpoint",
        "there.safetensors",
        "--data",
        "iris",
        "--samples",
        "30",
        "--grid",
        "3x3",
        "--threads",
        "1",
        "-o",
        "t.ply",
    ]
    assert main(words) == 0
    loss = read("t.ply").surface.loss[1, 1]
    assert told["loss"] == pytest.approx(loss, rel=0.05)  # five points a side are few


def test_batch_norms_statistics_move_along(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_bn.py").write_text(OWN)
    from tests.compute.nets import small_convnet

    ends = [small_convnet(seed) for seed in (0, 1)]
    for seed, net in enumerate(ends):
        torch.save(net.state_dict(), f"n{seed}.pt")
    words = ["surface", "--model", "own_bn:network", "--checkpoint", "n0.pt", "--data",
             "own_bn:pair", "--through", "n1.pt", "--grid", "5x3", "--range", "0:1,-1:1",
             "--precision", "float64", "--threads", "1", "-o", "p.ply"]  # fmt: skip
    assert main(words) == 0
    landscape = read("p.ply")
    assert landscape.provenance.batch_norm == "interpolated"
    import own_bn

    own = landscape.surface
    assert write("p.ply", 0.0, 0.0, "at.pt") == 2
    assert "model: p.ply says 'own_bn:network', which may run code" in capsys.readouterr().err
    given = ["--model", "own_bn:network", "--data", "own_bn:pair"]
    for i, j in [(0, 1), (2, 1), (4, 1), (3, 2)]:
        assert write("p.ply", float(own.alphas[i]), float(own.betas[j]), "at.pt", *given) == 0
        state = checkpoints.read("at.pt")
        net = small_convnet(5)
        net.load_state_dict(state)
        assert own.loss[i, j] == pytest.approx(loss_of(net, own_bn.X, own_bn.Y), rel=1e-6)
        if (i, j) == (2, 1):  # variances are interpolated in the log
            a, b = (end[1].running_var for end in ends)
            assert state["1.running_var"] == pytest.approx((a * b).sqrt(), rel=1e-5)
        if (i, j) == (4, 1):  # the other network
            for name, values in ends[1].state_dict().items():
                torch.testing.assert_close(state[name], values, atol=1e-5, rtol=1e-5)


def test_the_loss_between_points_is_that_of_a_smooth_surface():
    alphas, betas = np.linspace(-1, 1, 9), np.linspace(-2, 1, 8)
    x, y = np.meshgrid(alphas, betas, indexing="ij")
    cubic = 3 + x**3 - x * y**2 + y
    surface = Surface(alphas, betas, {"loss": cubic})
    assert loss_at(surface, alphas[2], betas[3]) == (cubic[2, 3], "computed")
    value, how = loss_at(surface, 0.31, -0.77)
    assert how == "interpolated"
    assert value == pytest.approx(3 + 0.31**3 - 0.31 * 0.77**2 - 0.77, rel=1e-9)
    holes = cubic.copy()
    holes[4, 4] = np.nan
    surface = Surface(alphas, betas, {"loss": holes})
    for place, how in (((alphas[4] + 0.01, betas[4]), "a hole"), ((9.0, 0.0), "beside the surface"),
                       ((0.0, -2.1), "beside the surface")):  # fmt: skip
        value, told = loss_at(surface, *place)
        assert math.isnan(value) and told == how
    assert loss_at(surface, -0.9, 0.9)[1] == "interpolated"


def test_what_cannot_be_written_is_told_in_a_line(surface, capsys, tmp_path):
    def refused(part, *words, status=2):
        assert main(["checkpoint", "s.ply", *words]) == status
        error = capsys.readouterr().err.strip().splitlines()
        assert part in error[-1], error

    refused("ends in .pt or .safetensors", "--at", "0,0", "-o", "x.ply")
    refused("ALPHA,BETA such as", "--at", "0", "-o", "x.pt")
    refused("ALPHA,BETA such as", "--at", "nan,0", "-o", "x.pt")
    refused("is the checkpoint that the surface is of", "--at", "0,0", "-o", "./net.pt")
    refused("no folder", "--at", "0,0", "-o", "no/x.pt", status=1)
    torch.save(network(1).state_dict(), "other.pt")
    refused("their SHA-256 differ", "--at", "0,0", "-o", "x.pt", "--checkpoint", "other.pt")
    shutil.rmtree("s.run")
    assert write("s.ply", -0.5, 2.5, "x.pt") == 0  # drawn again from the seed; beside the surface
    assert "not known: beside the surface" in capsys.readouterr().out
    assert not (tmp_path / "x.ply").exists()
