"""The callbacks, called in the documented order by stand-ins, and by the libraries where installed.

The order and the signatures are those of lightning.pytorch.callbacks.Callback and of
transformers.TrainerCallback.
"""

import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional

from compute.data.vision import torchvision
from compute.training import Snapshots, callbacks
from lossviz.errors import UsageError


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))

    def training_step(self, inputs, labels):
        return functional.cross_entropy(self.model(inputs), labels)


def batches():
    generator = torch.Generator().manual_seed(1)
    return [
        (torch.randn(6, 3, generator=generator), torch.randint(0, 2, (6,), generator=generator))
        for _ in range(4)
    ]


@pytest.fixture
def stand_ins(monkeypatch):
    """Modules with the two base classes, as if installed."""

    class Callback:
        pass

    class TrainerCallback:
        pass

    for name, content in {
        "lightning": {}, "lightning.pytorch": {}, "lightning.pytorch.callbacks": {
            "Callback": Callback}, "transformers": {"TrainerCallback": TrainerCallback},
    }.items():  # fmt: skip
        module = ModuleType(name)
        module.__dict__.update(content, __path__=[])
        monkeypatch.setitem(sys.modules, name, module)
    forget()
    yield
    forget()


def forget():
    callbacks._lightning_recorder.cache_clear()
    callbacks._hugging_face_recorder.cache_clear()


class Fitting:
    """Calls a callback as Lightning's Trainer does, two epochs; accumulates gradients."""

    is_global_zero = True

    def __init__(self, callback, accumulate=1):
        self.callback, self.accumulate_grad_batches = callback, accumulate
        self.current_epoch = self.global_step = 0
        self.callback_metrics, self.losses, self.weights = {}, [], []

    def fit(self, net, stop_at=None):
        optimizer = torch.optim.SGD(net.parameters(), 0.1)
        call = self.callback
        call.on_train_start(self, net)
        try:
            for self.current_epoch in range(self.current_epoch, 2):  # noqa: B020
                for index, batch in enumerate(batches()):
                    if self.global_step == stop_at:
                        raise RuntimeError("stopped")
                    loss = net.training_step(*batch) / self.accumulate_grad_batches
                    loss.backward()
                    if (index + 1) % self.accumulate_grad_batches == 0:
                        optimizer.step()
                        optimizer.zero_grad()
                        self.global_step += 1
                    self.losses.append(float(loss.detach()) * self.accumulate_grad_batches)
                    outputs = {"loss": loss.detach(), "extra": 1}
                    call.on_train_batch_end(self, net, outputs, batch, index)
                    self.weights.append(net.model[0].weight.detach().clone())
                self.callback_metrics = {"val_loss": torch.tensor(0.5)}
                call.on_train_epoch_end(self, net)
        except RuntimeError as error:
            call.on_exception(self, net, error)
            return
        call.on_train_end(self, net)


def test_lightning_by_epoch(stand_ins, tmp_path):
    net = Net()
    first = net.model[0].weight.detach().clone()
    fitting = Fitting(callbacks.LightningRecorder(tmp_path / "run", attribute="model"))
    fitting.fit(net)
    snapshots = Snapshots(tmp_path / "run")
    assert snapshots.steps.tolist() == [0, 1, 2]
    losses = torch.tensor(fitting.losses).reshape(2, 4).mean(dim=1)
    assert snapshots.losses[1:] == pytest.approx(losses.tolist(), rel=1e-6)
    assert snapshots.details[2] == {"metrics": {"val_loss": 0.5}}
    for i, weight in enumerate((first, fitting.weights[3], fitting.weights[7])):
        assert torch.equal(snapshots.parameters(i)["0.weight"], weight)


def test_lightning_by_step_of_the_optimiser(stand_ins, tmp_path):
    net = Net()
    fitting = Fitting(callbacks.LightningRecorder(tmp_path / "run", per="step"), accumulate=2)
    fitting.fit(net)
    snapshots = Snapshots(tmp_path / "run")
    assert snapshots.steps.tolist() == [0, 1, 2, 3, 4]
    losses = torch.tensor(fitting.losses).reshape(4, 2).mean(dim=1)
    assert snapshots.losses[1:] == pytest.approx(losses.tolist(), rel=1e-6)
    assert torch.equal(snapshots.parameters(2)["model.0.weight"], fitting.weights[3])


def test_lightning_goes_on_after_an_exception(stand_ins, tmp_path):
    net = Net()
    recorder = callbacks.LightningRecorder(tmp_path / "run", per="step")
    fitting = Fitting(recorder)
    fitting.fit(net, stop_at=6)
    assert Snapshots(tmp_path / "run").steps.tolist() == [0, 1, 2, 3, 4, 5, 6]
    fitting.current_epoch, fitting.global_step = 1, 4  # Lightning's checkpoint of the first epoch
    fitting.fit(net)
    assert Snapshots(tmp_path / "run").steps.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8]
    with pytest.raises(UsageError, match="give resume=True"):
        Fitting(recorder).fit(net)


def test_other_processes_record_nothing(stand_ins, tmp_path):
    fitting = Fitting(callbacks.LightningRecorder(tmp_path / "run"))
    fitting.is_global_zero = False
    fitting.fit(Net())
    assert not (tmp_path / "run").exists()


def hugging_face(callback, net, log_every=None, epochs=2):
    """Calls a callback as transformers' Trainer does; logs at the end of epochs, or of steps."""
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    state = SimpleNamespace(is_world_process_zero=True, global_step=0, epoch=0)
    control, losses, weights = SimpleNamespace(), [], []

    def tell(event, **more):
        getattr(callback, event)(None, state, control, model=net, optimizer=optimizer, **more)

    tell("on_train_begin")
    for epoch in range(epochs):
        tell("on_epoch_begin")
        for index, batch in enumerate(batches()):
            tell("on_step_begin")
            loss = net.training_step(*batch)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            losses.append(float(loss.detach()))
            weights.append(net.model[0].weight.detach().clone())
            state.global_step += 1
            state.epoch = epoch + (index + 1) / 4
            tell("on_step_end")
            if log_every and state.global_step % log_every == 0:
                tell("on_log", logs={"loss": losses[-1], "learning_rate": 0.1})
        tell("on_epoch_end")
        if not log_every:
            tell("on_log", logs={"loss": sum(losses[-4:]) / 4, "learning_rate": 0.1})
        tell("on_log", logs={"eval_loss": 3.0})
    tell("on_log", logs={"train_loss": 1.0, "train_runtime": 0.1})
    tell("on_train_end")
    return losses, weights


def test_hugging_face_by_epoch(stand_ins, tmp_path):
    recorder = callbacks.HuggingFaceRecorder(tmp_path / "run")
    losses, weights = hugging_face(recorder, Net())
    snapshots = Snapshots(tmp_path / "run")
    assert snapshots.steps.tolist() == [0, 1, 2]
    assert snapshots.losses[1:].tolist() == [sum(losses[:4]) / 4, sum(losses[4:]) / 4]
    assert snapshots.details[1]["metrics"]["learning_rate"] == 0.1
    for i, weight in ((1, weights[3]), (2, weights[7])):
        assert torch.equal(snapshots.parameters(i)["model.0.weight"], weight)


def test_hugging_face_by_step(stand_ins, tmp_path):
    recorder = callbacks.HuggingFaceRecorder(tmp_path / "run", per="step", attribute="model")
    losses, weights = hugging_face(recorder, Net(), log_every=2)
    snapshots = Snapshots(tmp_path / "run")
    assert snapshots.steps.tolist() == list(range(9))
    told = [index for index, loss in enumerate(snapshots.losses) if loss == loss]
    assert told == [2, 4, 6, 8]
    assert snapshots.losses[told].tolist() == [losses[index - 1] for index in told]
    for i, weight in enumerate(weights, start=1):
        assert torch.equal(snapshots.parameters(i)["0.weight"], weight)


@pytest.mark.parametrize("name, extra", [("LightningRecorder", "lightning"),
                                         ("HuggingFaceRecorder", "hf")])  # fmt: skip
def test_without_the_library_one_line_says_what_to_install(name, extra, monkeypatch):
    for module in ("lightning", "pytorch_lightning", "transformers"):
        monkeypatch.setitem(sys.modules, module, None)
    forget()
    with pytest.raises(ImportError, match=rf"pip install 'lossviz\[{extra}\]'"):
        getattr(callbacks, name)
    forget()


def test_wrong_unit(stand_ins, tmp_path):
    with pytest.raises(UsageError, match="per: expected epoch or step, got 'batch'"):
        callbacks.LightningRecorder(tmp_path, per="batch")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("per", ["epoch", "step"])
def test_lightning_itself(per, tmp_path):
    """Skipped, with its reason, where lightning is not installed."""
    torchvision()  # both libraries import it, and it may need help
    lightning = pytest.importorskip("lightning.pytorch")
    forget()

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.model, self.seen = Net().model, []

        def training_step(self, batch, index):
            loss = functional.cross_entropy(self.model(batch[0]), batch[1])
            self.seen.append(float(loss.detach()))
            self.log("train_loss", loss)
            return loss

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    module = Module()
    trainer = lightning.Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, accumulate_grad_batches=2,
        callbacks=[callbacks.LightningRecorder(tmp_path / "run", per=per, attribute="model")],
    )  # fmt: skip
    trainer.fit(module, torch.utils.data.DataLoader(batches(), batch_size=None))
    snapshots = Snapshots(tmp_path / "run")
    count = 2 if per == "epoch" else 4
    assert snapshots.steps.tolist() == list(range(count + 1))
    losses = torch.tensor(module.seen).reshape(count, -1).mean(dim=1)
    assert snapshots.losses[1:] == pytest.approx(losses.tolist(), rel=1e-5)
    assert "train_loss" in snapshots.details[-1]["metrics"]
    assert torch.equal(snapshots.parameters(-1)["0.weight"], module.model[0].weight)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("per", ["epoch", "step"])
def test_transformers_itself(per, tmp_path):
    """Skipped, with its reason, where transformers is not installed."""
    torchvision()
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    forget()

    class Model(Net):
        def forward(self, x=None, labels=None):
            logits = self.model(x)
            return {"loss": functional.cross_entropy(logits, labels), "logits": logits}

    model = Model()
    rows = [{"x": x, "labels": y} for xs, ys in batches() for x, y in zip(xs, ys, strict=True)]
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path / "out"), num_train_epochs=2, per_device_train_batch_size=6,
        logging_strategy="epoch" if per == "epoch" else "steps", logging_steps=1,
        save_strategy="no", report_to=[], use_cpu=True, disable_tqdm=True,
    )  # fmt: skip
    recorder = callbacks.HuggingFaceRecorder(tmp_path / "run", per=per)
    transformers.Trainer(
        model=model, args=arguments, train_dataset=rows, callbacks=[recorder]
    ).train()
    snapshots = Snapshots(tmp_path / "run")
    assert snapshots.steps.tolist() == list(range(3 if per == "epoch" else 9))
    assert (snapshots.losses[1:] == snapshots.losses[1:]).all()
    assert torch.equal(snapshots.parameters(-1)["model.0.weight"], model.model[0].weight)
