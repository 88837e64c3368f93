"""The reference trainer does what a plain loop in PyTorch does, and does it again."""

import copy
import math
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from compute import checkpoints
from compute.problem import cross_entropy, mse
from compute.training import Snapshots, index, trainer
from compute.training.augmentation import Shifts
from compute.training.recipe import OPTIMIZERS, Recipe
from compute.training.trainer import Trainer, clear, smoothed
from lossviz.errors import InputError, LossvizError, UsageError
from tests.compute.nets import small_convnet
from tests.compute.training.small import RECIPE, dropping_net, samples


def trained(folder, recipe=RECIPE, net=None, **options):
    torch.manual_seed(7)
    work = Trainer(net or dropping_net(), cross_entropy, samples(), recipe, folder, **options)
    work.run()
    return work


def same(first, second):
    first, second = Snapshots(first), Snapshots(second)
    assert first.steps.tolist() == second.steps.tolist()
    assert first.losses.tolist() == second.losses.tolist()
    assert first.details == second.details
    for i in range(len(first)):
        for a, b in ((first.parameters(i), second.parameters(i)),
                     (first.buffers(i), second.buffers(i))):  # fmt: skip
            assert a.keys() == b.keys()
            assert all(torch.equal(a[name], b[name]) for name in a)


def plain_optimizer(name, parameters):
    """As PyTorch's own documentation writes them."""
    return {
        "sgd": lambda: torch.optim.SGD(parameters, lr=0.05, weight_decay=5e-4),
        "momentum": lambda: torch.optim.SGD(parameters, 0.05, momentum=0.9, weight_decay=5e-4),
        "nesterov": lambda: torch.optim.SGD(
            parameters, 0.05, momentum=0.9, weight_decay=5e-4, nesterov=True
        ),
        "adam": lambda: torch.optim.Adam(parameters, lr=0.05, weight_decay=5e-4),
        "adamw": lambda: torch.optim.AdamW(parameters, lr=0.05, weight_decay=5e-4),
    }[name]()


@pytest.mark.parametrize("schedule", ["constant", "cosine", "step"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_same_to_the_bit_as_a_plain_loop(name, schedule, tmp_path):
    recipe = replace(RECIPE, epochs=4, optimizer=name, schedule=schedule)
    inputs, targets = samples()
    net = nn.Sequential(nn.Flatten(), nn.Linear(72, 9), nn.BatchNorm1d(9), nn.Linear(9, 3))
    plain = copy.deepcopy(net).train()
    optimizer = plain_optimizer(name, plain.parameters())
    schedulers = {
        "constant": lambda: None,
        "cosine": lambda: torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda batch: 0.5 * (1 + math.cos(math.pi * batch / 20))
        ),
        "step": lambda: torch.optim.lr_scheduler.MultiStepLR(optimizer, [10, 15]),
    }
    scheduler = schedulers[schedule]()
    rates = []
    for epoch in range(4):
        for chosen in recipe.order(epoch, 70):
            optimizer.zero_grad()
            functional.cross_entropy(plain(inputs[chosen]), targets[chosen]).backward()
            rates.append(optimizer.param_groups[0]["lr"])
            assert recipe.rate_at((len(rates) - 1) / 5) == pytest.approx(rates[-1], rel=1e-12)
            optimizer.param_groups[0]["lr"] = recipe.rate_at((len(rates) - 1) / 5)
            optimizer.step()
            if scheduler is not None:
                optimizer.param_groups[0]["lr"] = rates[-1]
                scheduler.step()
    work = Trainer(net, cross_entropy, (inputs, targets), recipe, tmp_path / "run")
    work.run()
    for ours, theirs in zip(net.state_dict().values(), plain.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)


def test_the_same_seed_is_the_same_run(tmp_path):
    recipe = replace(RECIPE, augment=True)
    trained(tmp_path / "a", recipe)
    trained(tmp_path / "b", recipe)
    same(tmp_path / "a", tmp_path / "b")
    trained(tmp_path / "c", replace(recipe, seed=5))
    with pytest.raises(AssertionError):
        same(tmp_path / "a", tmp_path / "c")


def save_always(monkeypatch):
    """The state after each batch."""
    monkeypatch.setattr(trainer, "SAVE_EVERY", -1.0)
    monkeypatch.setattr(trainer, "SHARE", math.inf)


class Stopped(Exception):  # noqa: N818
    """As a kill, but from within."""


@pytest.mark.parametrize("optimizer", ["nesterov", "adam"])
@pytest.mark.parametrize("stop", [1, 4, 5, 6, 9, 14, 15])
def test_a_stopped_training_ends_as_an_uninterrupted_one(stop, optimizer, tmp_path, monkeypatch):
    recipe = replace(RECIPE, optimizer=optimizer, augment=True, snapshots_every=0.4)
    trained(tmp_path / "whole", recipe)
    save_always(monkeypatch)
    torch.manual_seed(7)
    work = Trainer(dropping_net(), cross_entropy, samples(), recipe, tmp_path / "run")

    def told(values):
        if work.done == stop:
            raise Stopped

    with pytest.raises(Stopped):
        work.run(told)
    torch.manual_seed(1234)  # another process
    again = Trainer(dropping_net(), cross_entropy, samples(), recipe, tmp_path / "run")
    assert again.done == stop
    again.run()
    same(tmp_path / "whole", tmp_path / "run")
    final = [checkpoints.read(tmp_path / name / trainer.FINAL) for name in ("whole", "run")]
    assert all(torch.equal(final[0][name], final[1][name]) for name in final[0])
    assert not (tmp_path / "run" / trainer.STATE).exists()


KILLED = """
import sys, torch
from dataclasses import replace
from compute.problem import cross_entropy
from compute.training import trainer
from tests.compute.training.small import RECIPE, dropping_net, samples
trainer.SAVE_EVERY, trainer.SHARE = -1.0, float('inf')
torch.manual_seed(7)
recipe = replace(RECIPE, epochs=20, snapshots_every=0.4)
work = trainer.Trainer(dropping_net(), cross_entropy, samples(), recipe, sys.argv[1])
print("ready", flush=True)
work.run()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kill -9 is POSIX")
def test_killed_at_random_moments_the_result_is_the_same(tmp_path):
    chance, recipe = random.Random(3), replace(RECIPE, epochs=20, snapshots_every=0.4)
    for _ in range(2):
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path / "run")], stdout=subprocess.PIPE,
            env=os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())},
        )  # fmt: skip
        assert child.stdout.readline() == b"ready\n"
        time.sleep(chance.uniform(0.02, 0.4))
        child.kill()
        child.wait()
        child.stdout.close()
    trained(tmp_path / "run", recipe)
    trained(tmp_path / "whole", recipe)
    same(tmp_path / "whole", tmp_path / "run")


def test_what_is_recorded(tmp_path):
    unseen = samples(30, seed=9)
    work = trained(tmp_path / "run", replace(RECIPE, snapshots_every=0.5), test=unseen)
    snapshots = Snapshots(tmp_path / "run")
    assert snapshots.steps.tolist() == [0, 0.4, 1, 1.6, 2, 2.4, 3]  # 5 batches an epoch
    epochs = [at for at, values in snapshots.notes if "loss" in values]
    assert epochs == [0, 1, 2, 3]
    inputs, targets = samples()
    for i, at in enumerate(snapshots.steps):
        net = dropping_net()
        checkpoints.load_into(net, checkpoints.read(snapshots.path(i)), "run")
        net.double().eval()
        with torch.no_grad():
            loss = functional.cross_entropy(net(inputs.double()), targets)
            assert snapshots.losses[i] == pytest.approx(float(loss), rel=1e-5)
            if at == int(at) and at > 0:
                loss = functional.cross_entropy(net(unseen[0].double()), unseen[1])
                assert snapshots.details[i]["test_loss"] == pytest.approx(float(loss), rel=1e-5)
    assert snapshots.about["weight_decay"] == 5e-4
    final = checkpoints.read(tmp_path / "run" / trainer.FINAL)
    assert all(torch.equal(final[name], v) for name, v in snapshots.parameters(-1).items())
    assert all(torch.equal(final[name], v) for name, v in work.model.state_dict().items())


def test_evaluation_leaves_the_modes(tmp_path):
    net = dropping_net()
    work = Trainer(net, cross_entropy, samples(), RECIPE, tmp_path / "run")
    net.train()
    net[1].eval()
    before = [module.training for module in net.modules()]
    generator = torch.get_rng_state()
    state = copy.deepcopy(net.state_dict())
    work.evaluate(work._seen)
    assert [module.training for module in net.modules()] == before
    assert torch.equal(torch.get_rng_state(), generator)
    assert all(torch.equal(net.state_dict()[name], state[name]) for name in state)
    work.recorder.close()


def test_a_finished_training_is_there_and_other_settings_are_refused(tmp_path):
    first = trained(tmp_path / "run")
    index = (tmp_path / "run" / "index.jsonl").read_bytes()
    again = trained(tmp_path / "run", net=dropping_net())
    assert (tmp_path / "run" / "index.jsonl").read_bytes() == index
    assert all(map(torch.equal, again.model.parameters(), first.model.parameters()))
    with pytest.raises(UsageError, match=r"other settings \(lr 0\.05 → 0\.1\)"):
        trained(tmp_path / "run", replace(RECIPE, lr=0.1))
    (tmp_path / "run" / "mine.txt").write_text("kept")
    clear(tmp_path / "run")
    assert (tmp_path / "run" / "mine.txt").read_text() == "kept"
    assert not list((tmp_path / "run" / "snapshots").iterdir())
    trained(tmp_path / "run", replace(RECIPE, lr=0.1))


@pytest.mark.parametrize("content", [b"", b"PK\3\4 damaged", b"no state at all"])
def test_a_damaged_state_ends_in_one_line(content, tmp_path, monkeypatch):
    save_always(monkeypatch)
    work = Trainer(dropping_net(), cross_entropy, samples(), RECIPE, tmp_path / "run")
    with pytest.raises(Stopped):
        work.run(lambda values: (_ for _ in ()).throw(Stopped))
    (tmp_path / "run" / trainer.STATE).write_bytes(content)
    with pytest.raises(InputError, match=r"state\.pt: expected the state of a training"):
        Trainer(dropping_net(), cross_entropy, samples(), RECIPE, tmp_path / "run")


def test_a_training_that_diverges_stops_and_keeps_what_was_finite(tmp_path):
    with pytest.raises(LossvizError, match=r"the loss is (nan|inf) in epoch .*: lower the learn"):
        trained(tmp_path / "run", replace(RECIPE, lr=1e30, epochs=9), net=small_convnet())
    snapshots = Snapshots(tmp_path / "run")
    snapshots.parameters(0)
    assert not (tmp_path / "run" / trainer.FINAL).exists()


def test_a_last_step_that_diverges_is_not_recorded(tmp_path):
    with pytest.raises(LossvizError, match=r"the loss is (nan|inf) in epoch 1.00: lower the learn"):
        trained(tmp_path / "run", replace(RECIPE, lr=1e30, epochs=1, batch_size=10**6))
    assert len(Snapshots(tmp_path / "run")) == 1
    assert not (tmp_path / "run" / trainer.FINAL).exists()


def test_a_folder_without_its_index_is_told(tmp_path):
    trained(tmp_path / "run")
    (tmp_path / "run" / index.NAME).unlink()
    with pytest.raises(InputError, match=r"final\.safetensors: expected index\.jsonl beside it"):
        trained(tmp_path / "run")


def test_regression(tmp_path):
    inputs, targets = torch.randn(40, 3), torch.randn(40)
    net = nn.Linear(3, 1)
    Trainer(
        net, mse, (inputs, targets), replace(RECIPE, epochs=100, weight_decay=0), tmp_path
    ).run()
    matrix = torch.cat([inputs, torch.ones(40, 1)], dim=1).double().numpy()
    [residual] = np.linalg.lstsq(matrix, targets.double().numpy(), rcond=None)[1]
    assert Snapshots(tmp_path).losses[-1] == pytest.approx(residual / 40, rel=2e-3)
    assert "accuracy" not in Snapshots(tmp_path).details[-1]


@pytest.mark.parametrize("epsilon", [0.05, 0.1, 0.9])
def test_label_smoothing_is_torchs_and_the_formula(epsilon):
    logits, targets = torch.randn(9, 5, dtype=torch.float64), torch.randint(0, 5, (9,))
    ours = smoothed(epsilon)(lambda inputs: inputs, (logits, targets))["loss"]
    theirs = nn.CrossEntropyLoss(label_smoothing=epsilon)(logits, targets)
    assert float(ours.mean()) == pytest.approx(float(theirs), rel=1e-14)
    wanted = (1 - epsilon) * functional.one_hot(targets, 5).double() + epsilon / 5
    by_hand = -(wanted * logits.log_softmax(1)).sum(1)
    torch.testing.assert_close(ours, by_hand, rtol=1e-13, atol=0)


def test_label_smoothing_is_trained_with_but_not_recorded(tmp_path):
    trained(tmp_path / "a", net=small_convnet())
    trained(tmp_path / "b", replace(RECIPE, label_smoothing=0.3), net=small_convnet())
    first, second = Snapshots(tmp_path / "a"), Snapshots(tmp_path / "b")
    assert first.losses[0] == second.losses[0]
    assert first.losses[-1] != second.losses[-1]
    with pytest.raises(UsageError, match="label-smoothing: expected the loss cross_entropy"):
        Trainer(small_convnet(), mse, samples(), replace(RECIPE, label_smoothing=0.1), tmp_path)


def test_augmentation_is_a_crop_of_the_padded_image_and_a_flip():
    images = torch.randn(50, 3, 7, 5)
    shifts = Shifts.drawn(200, RECIPE.generator("augment", 0))
    chosen = torch.randperm(200)[:50]
    found = shifts.apply(images, chosen)
    assert found.shape == images.shape
    for image, one, k in zip(images.numpy(), found.numpy(), chosen.tolist(), strict=True):
        padded = np.zeros((3, 15, 13), np.float32)
        padded[:, 4:11, 4:9] = image
        top, left = shifts.corners[k].tolist()
        crop = padded[:, top : top + 7, left : left + 5]
        assert np.array_equal(one, crop[:, :, ::-1] if shifts.flipped[k] else crop)


def test_augmentation_is_seeded_and_uniform():
    first = Shifts.drawn(30_000, RECIPE.generator("augment", 3))
    again = Shifts.drawn(30_000, RECIPE.generator("augment", 3))
    assert torch.equal(first.corners, again.corners) and torch.equal(first.flipped, again.flipped)
    other = Shifts.drawn(30_000, RECIPE.generator("augment", 4))
    assert not torch.equal(first.corners, other.corners)
    counts = torch.bincount(first.corners[:, 0] * 9 + first.corners[:, 1], minlength=81)
    assert (counts - 30_000 / 81).abs().max() < 6 * (30_000 / 81) ** 0.5
    assert abs(int(first.flipped.sum()) - 15_000) < 6 * 30_000**0.5 / 2


def test_augmentation_needs_images(tmp_path):
    table = torch.randn(8, 3), torch.randint(0, 2, (8,))
    with pytest.raises(UsageError, match=r"augment: expected images \(C, H, W\)"):
        Trainer(
            nn.Linear(3, 2), cross_entropy, table, replace(RECIPE, augment=True), tmp_path / "run"
        )
    assert not (tmp_path / "run").exists()


@given(st.integers(1, 300), st.integers(1, 70), st.integers(0, 5))
def test_every_sample_once_an_epoch(count, size, epoch):
    order = replace(RECIPE, batch_size=size).order(epoch, count)
    assert torch.cat(order).sort().values.tolist() == list(range(count))
    assert all(len(batch) <= size + 1 for batch in order)
    assert size == 1 or count == 1 or all(len(batch) > 1 for batch in order)


@given(st.floats(0.001, 9), st.integers(1, 40), st.integers(1, 8))
def test_snapshots_are_due_at_the_nearest_batches(every, per_epoch, epochs):
    work = Trainer.__new__(Trainer)
    work.recipe = replace(RECIPE, epochs=epochs, snapshots_every=every)
    work.per_epoch, work.total = per_epoch, epochs * per_epoch
    due = []
    for done in range(1, work.total + 1):
        work.done = done
        due += [done] if work._is_due() else []
    gap = max(1.0, every * per_epoch)
    wanted = {round(k * gap) for k in range(1, 400)}
    assert set(due) == {done for done in wanted if done <= work.total} | {work.total}


@pytest.mark.parametrize("change", [
    {"optimizer": "lion"}, {"schedule": "linear"}, {"epochs": 0}, {"lr": 0.0}, {"lr": math.nan},
    {"lr": math.inf}, {"momentum": 1.0}, {"optimizer": "sgd", "momentum": 0.5},
    {"weight_decay": -1.0}, {"label_smoothing": 1.0}, {"snapshots_every": 0.0},
    {"milestones": (3.0,)}, {"schedule": "step", "milestones": (0.0,)}, {"batch_size": 0},
])  # fmt: skip
def test_recipes_that_make_no_sense(change):
    with pytest.raises(UsageError, match="expected"):
        Recipe(**asdict(RECIPE) | change)


def test_milestones_of_he_et_al():
    recipe = Recipe(epochs=164, lr=0.1, schedule="step")
    rates = [recipe.rate_at(epoch) for epoch in (0, 81.99, 82, 122.99, 123, 163.9)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.001])
    own = replace(recipe, milestones=(1, 2))
    assert own.rate_at(0.99) == 0.1 and own.rate_at(2) == pytest.approx(1e-3)
