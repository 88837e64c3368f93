"""A recorder keeps exactly the weights that were there, and touches nothing."""

import copy
import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from torch import nn

from compute import checkpoints
from compute.training import Recorder, Snapshots, index
from compute.training.recorder import snapshot_path
from lossviz.errors import InputError, LossvizError, UsageError
from tests.compute.nets import small_convnet


class Tied(nn.Module):
    """A tied decoder, an integer buffer, a buffer that is no part of the state, an RNN."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 4)
        self.rnn = nn.GRU(4, 4)
        self.decoder = nn.Linear(4, 11, bias=False)
        self.decoder.weight = self.embedding.weight
        self.register_buffer("positions", torch.arange(7))
        self.register_buffer("scratch", torch.ones(3), persistent=False)


def moved(net, step):
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.1 * step
    return net


@pytest.fixture
def recorded(tmp_path):
    """A network, its folder, and the state at each of four snapshots."""
    net = small_convnet()
    states = [copy.deepcopy(net.state_dict())]
    recorder = Recorder(net, tmp_path / "run")
    for step in (1, 2, 3):
        recorder.step(step, 1 / step, lr=0.1)
        moved(net, step)
        states.append(copy.deepcopy(net.state_dict()))
        recorder.step(step + 0.5, torch.tensor(1 / step), lr=0.1)
    recorder.close()
    return net, tmp_path / "run", states


def test_snapshots_are_the_weights_to_the_bit(recorded):
    net, folder, states = recorded
    snapshots = Snapshots(folder)
    assert len(snapshots) == 7 and snapshots.model == "Sequential"
    assert snapshots.steps.tolist() == [0, 1, 1.5, 2, 2.5, 3, 3.5]
    assert np.isnan(snapshots.losses[0])
    assert snapshots.losses[1:].tolist() == [1, 1, 0.5, 0.5, 1 / 3, float(torch.tensor(1 / 3))]
    assert snapshots.details[3] == {"lr": 0.1}
    assert snapshots.names == {name: tuple(p.shape) for name, p in net.named_parameters()}
    for i, state in enumerate([states[0], *states[:3], states[3]]):
        k = [0, 1, 3, 5, 6][i]
        found = snapshots.parameters(k) | snapshots.buffers(k)
        assert found.keys() == state.keys()
        assert all(torch.equal(found[name], state[name]) for name in state)


def test_every_snapshot_is_a_checkpoint(recorded):
    _, folder, states = recorded
    fresh = small_convnet(seed=5)
    checkpoints.load_into(fresh, checkpoints.read(Snapshots(folder).path(-1)), "run")
    assert all(torch.equal(fresh.state_dict()[name], states[-1][name]) for name in states[-1])


def test_blocks_are_parts_of_the_flat_parameter(recorded):
    _, folder, _ = recorded
    snapshots = Snapshots(folder)
    for name, values in snapshots.parameters(2).items():
        flat = values.flatten()
        size = flat.numel()
        parts = ((0, None), (3, 5), (1, size), (size - 1, size), (2, 2), (7, 3), (0, 10**9))
        for start, stop in parts:
            assert torch.equal(snapshots.block(2, name, start, stop), flat[start:stop])


def test_tied_weights_once_and_all_of_the_state(tmp_path):
    net = Tied()
    Recorder(net, tmp_path / "run").close()
    snapshots = Snapshots(tmp_path / "run")
    assert "embedding.weight" in snapshots.names and "decoder.weight" not in snapshots.names
    assert snapshots.buffers(0).keys() == {"positions"}
    fresh = Tied()
    checkpoints.load_into(fresh, checkpoints.read(snapshots.path(0)), "run")
    assert torch.equal(fresh.decoder.weight, net.embedding.weight)
    assert fresh.decoder.weight is fresh.embedding.weight


def test_wrapped_models_have_the_names_of_the_bare_one(tmp_path):
    class Wrapper(nn.Module):
        def __init__(self, module):
            super().__init__()
            self.module = module

    net = Tied()
    Recorder(Wrapper(net), tmp_path / "run").close()
    snapshots = Snapshots(tmp_path / "run")
    assert list(snapshots.names) == [name for name, _ in net.named_parameters()]
    checkpoints.load_into(Tied(), checkpoints.read(snapshots.path(0)), "run")


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_types_are_kept(dtype, tmp_path):
    net = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1)).to(dtype)
    Recorder(net, tmp_path / "run").close()
    found = Snapshots(tmp_path / "run").parameters(0)
    assert all(torch.equal(found[name], p) for name, p in net.named_parameters())


def test_numbers_of_no_and_one_dimension(tmp_path):
    net = nn.Module()
    net.scale, net.none = nn.Parameter(torch.tensor(2.5)), nn.Parameter(torch.zeros(0, 3))
    Recorder(net, tmp_path / "run").close()
    snapshots = Snapshots(tmp_path / "run")
    assert snapshots.block(0, "scale").tolist() == [2.5]
    assert snapshots.block(0, "none").tolist() == []
    assert snapshots.parameters(0)["none"].shape == (0, 3)


def test_nothing_of_the_training_is_touched(tmp_path):
    net = small_convnet().train()
    net[1].eval()
    net[0].weight.requires_grad_(False)
    net(torch.randn(4, 2, 6, 6)).sum().backward()
    before = copy.deepcopy(net.state_dict()), [copy.deepcopy(p.grad) for p in net.parameters()]
    objects = [id(p) for p in net.parameters()]
    modes = [module.training for module in net.modules()]
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    random.seed(3)
    states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    recorder = Recorder(net, tmp_path / "run", keep=2)
    for step in range(5):
        recorder.step(step, 0.5)
    recorder.close()
    assert torch.equal(torch.get_rng_state(), states[0])
    assert (np.random.get_state()[1] == states[1]).all()  # noqa: NPY002
    assert random.getstate() == states[2]
    assert [id(p) for p in net.parameters()] == objects
    assert [module.training for module in net.modules()] == modes
    assert not net[0].weight.requires_grad
    for grad, parameter in zip(before[1], net.parameters(), strict=True):
        assert (grad is None) == (parameter.grad is None)
        assert grad is None or torch.equal(grad, parameter.grad)
    assert all(torch.equal(net.state_dict()[name], before[0][name]) for name in before[0])


def test_every_third_call_and_the_last(tmp_path):
    net = nn.Linear(2, 1)
    with Recorder(net, tmp_path / "run", every=3) as recorder:
        kept = [recorder.step(step, step) for step in range(1, 9)]
        moved(net, 1)
    assert kept == [False, False, True, False, False, True, False, False]
    snapshots = Snapshots(tmp_path / "run")
    assert snapshots.steps.tolist() == [0, 3, 6, 8]
    assert torch.equal(snapshots.parameters(-1)["weight"], net.weight)


@pytest.mark.parametrize("keep", [2, 3, 4, 5, 16])
def test_at_most_so_many_evenly_spread(keep, tmp_path):
    net = nn.Linear(2, 1)
    with Recorder(net, tmp_path / "run", keep=keep) as recorder:
        for step in range(1, 101):
            recorder.step(step, step)
            assert len(list((tmp_path / "run" / "snapshots").iterdir())) <= keep
    snapshots = Snapshots(tmp_path / "run")
    assert keep / 2 <= len(snapshots) <= keep
    assert snapshots.steps[0] == 0 and snapshots.steps[-1] == 100
    if keep > 3:
        assert np.unique(np.diff(snapshots.steps[:-1])).size == 1
    for i in range(len(snapshots)):
        snapshots.parameters(i)


def test_a_folder_with_snapshots_is_refused_without_resume(recorded):
    net, folder, _ = recorded
    with pytest.raises(UsageError, match=r"holds 7 snapshots up to step 3\.5; give resume=True"):
        Recorder(net, folder)


def test_a_resumed_training_goes_on(recorded):
    net, folder, _ = recorded
    with Recorder(net, folder, resume=True) as recorder:
        recorder.step(4, 0.25)
    assert Snapshots(folder).steps.tolist() == [0, 1, 1.5, 2, 2.5, 3, 3.5, 4]


def test_a_resumed_training_records_again_what_comes_after(recorded):
    net, folder, _ = recorded
    with Recorder(net, folder, resume=True) as recorder:
        moved(net, 7)
        recorder.note(2.5, test_loss=3)
        recorder.step(2.5, 0.25)
    snapshots = Snapshots(folder)
    assert snapshots.steps.tolist() == [0, 1, 1.5, 2, 2.5]
    assert snapshots.notes == [(2.5, {"test_loss": 3})]
    assert torch.equal(snapshots.parameters(-1)["7.bias"], net[7].bias)
    assert len(list((folder / "snapshots").iterdir())) == 5


def test_another_model_is_refused(recorded):
    net, folder, _ = recorded
    with pytest.raises(UsageError, match=r"the model changed: 7\.weight was float32 \(3, 64\)"):
        Recorder(nn.Sequential(*net[:7], nn.Linear(8, 3)), folder, resume=True)
    with pytest.raises(UsageError, match=r"other settings \(lr None → 1\)"):
        Recorder(net, folder, resume=True, about={"lr": 1})


def test_shapes_that_change_midway_end_in_one_line(tmp_path):
    net = nn.Sequential(nn.Linear(3, 2))
    recorder = Recorder(net, tmp_path / "run")
    net[0] = nn.Linear(3, 4)
    with pytest.raises(UsageError, match=r"0\.weight was float32 \(2, 3\), now it is float32 \(4"):
        recorder.step(1)
    net[0] = nn.Linear(3, 2).double()
    with pytest.raises(UsageError, match="now it is float64"):
        recorder.step(1)
    assert len(Snapshots(tmp_path / "run")) == 1


def test_steps_do_not_decrease_and_are_finite(tmp_path):
    recorder = Recorder(nn.Linear(1, 1), tmp_path / "run")
    recorder.step(0)  # a loop that counts from 0
    recorder.step(2)
    with pytest.raises(UsageError, match="expected 2 or more after 2, got 1"):
        recorder.step(1)
    with pytest.raises(UsageError, match="finite"):
        recorder.step(float("nan"))
    with pytest.raises(UsageError, match="loss: expected one number"):
        recorder.step(3, torch.zeros(2))
    recorder.close()
    with pytest.raises(UsageError, match="closed"):
        recorder.step(3)


def test_details_are_json_and_what_is_not_finite_stays_readable(tmp_path):
    recorder = Recorder(nn.Linear(1, 1), tmp_path / "run")
    recorder.step(1, float("inf"), test=float("nan"), at=[np.float64(2), torch.tensor(3)], name="x")
    with pytest.raises(UsageError, match="thing: expected what JSON can hold: object"):
        recorder.step(2, thing=object())
    snapshots = Snapshots(tmp_path / "run")
    assert snapshots.losses[1] == np.inf
    assert snapshots.details[1] == {"test": "nan", "at": [2.0, 3], "name": "x"}
    for line in (tmp_path / "run" / index.NAME).read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)


def test_two_recorders_in_one_folder(tmp_path):
    recorder = Recorder(nn.Linear(1, 1), tmp_path / "run")
    with pytest.raises(LossvizError, match="another process"):
        Recorder(nn.Linear(1, 1), tmp_path / "run", resume=True)
    recorder.close()
    Recorder(nn.Linear(1, 1), tmp_path / "run", resume=True).close()


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "run").write_text("mine")
    with pytest.raises(LossvizError, match="run: cannot be written"):
        Recorder(nn.Linear(1, 1), tmp_path / "run")
    with pytest.raises(InputError, match="expected the folder of a training run, got a file"):
        Snapshots(tmp_path / "run")
    assert (tmp_path / "run").read_text() == "mine"


def test_a_write_that_fails_keeps_what_is_there(recorded, monkeypatch):
    net, folder, _ = recorded
    recorder = Recorder(net, folder, resume=True)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(LossvizError, match="No space left"):
            recorder.step(5)
        with pytest.raises(LossvizError, match="No space left"):
            recorder.note(5, x=1)
    assert not list((folder / "snapshots").glob(".*"))
    recorder.step(6)
    recorder.close()
    assert Snapshots(folder).steps.tolist() == [0, 1, 1.5, 2, 2.5, 3, 3.5, 6]


def test_wrong_options(tmp_path):
    for options in ({"every": 0}, {"keep": 1}):
        with pytest.raises(UsageError, match="expected every ≥ 1 and keep ≥ 2"):
            Recorder(nn.Linear(1, 1), tmp_path / "run", **options)
    with pytest.raises(UsageError, match="run one batch through it"):
        Recorder(nn.LazyLinear(3), tmp_path / "run")


KILLED = """
import sys, torch
from torch import nn
from compute.training import Recorder
net = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64))
with torch.no_grad():
    net[0].weight.fill_(0.0)
recorder = Recorder(net, sys.argv[1], keep=int(sys.argv[2]), resume=True)
start = recorder.history.entries[-1].step
print("ready", flush=True)
step = int(start)
while True:
    step += 1
    with torch.no_grad():
        net[0].weight.fill_(float(step))
    recorder.step(step, step)
    recorder.note(step, step=step)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kill -9 is POSIX")
def test_killed_at_any_moment_nothing_finished_is_lost(tmp_path):
    """Again and again in the same folder, at random moments; the index and the weights agree."""
    chance, steps = random.Random(0), 0
    for keep in (1000, 1000, 8, 8):
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path / "run"), str(keep)],
            stdout=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert child.stdout.readline() == b"ready\n"
        time.sleep(chance.uniform(0.05, 0.3))
        child.kill()
        child.wait()
        child.stdout.close()
        snapshots = Snapshots(tmp_path / "run")
        assert snapshots.steps[-1] >= steps
        steps = snapshots.steps[-1]
        for i, step in enumerate(snapshots.steps):
            weight = snapshots.parameters(i)["0.weight"]
            assert (weight == step).all() and (i == 0 or snapshots.losses[i] == step)
    assert steps > 8


@pytest.mark.parametrize("cut", range(1, 200, 7))
def test_a_torn_last_record_is_ignored_and_overwritten(cut, recorded):
    net, folder, _ = recorded
    path = folder / index.NAME
    whole = path.read_bytes()
    last = len(whole) - whole[:-1].rindex(b"\n") - 1
    path.write_bytes(whole[: -min(cut, last)])
    assert Snapshots(folder).steps.tolist() == [0, 1, 1.5, 2, 2.5, 3]
    with Recorder(net, folder, resume=True) as recorder:
        assert not snapshot_path(folder, 6).exists()  # what the index does not have
        recorder.step(4)
    assert Snapshots(folder).steps.tolist() == [0, 1, 1.5, 2, 2.5, 3, 4]


def test_killed_before_the_first_record(tmp_path):
    (tmp_path / "run" / "snapshots").mkdir(parents=True)
    for beginning in (b"", b'{"lossviz_tr'):
        (tmp_path / "run" / index.NAME).write_bytes(beginning)
        with pytest.raises(InputError, match="got no record"):
            Snapshots(tmp_path / "run")
        Recorder(nn.Linear(1, 1), tmp_path / "run").close()
        assert len(Snapshots(tmp_path / "run")) == 1
