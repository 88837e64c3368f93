"""Trainer: a small reference training, the same for the same seed, resumable to the bit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from compute.checkpoints import load_into, read
from compute.lock import locked
from compute.outcome import outcome_of
from compute.problem import Loss, Model, batches_of, cross_entropy
from compute.training import index
from compute.training.augmentation import Shifts
from compute.training.recipe import MOST_BATCHES, Recipe
from compute.training.recorder import FOLDER, Recorder
from compute.training.state import save_weights
from compute.weights import channels_last
from lossviz import files
from lossviz.errors import InputError, LossvizError, UsageError

STATE, FINAL = "state.pt", "final.safetensors"
SAVE_EVERY = 30.0  # seconds
SHARE = 0.05  # of the time, at most, goes into saving
EVALUATED = 1000  # training samples, the same ones each time
BATCH = 250  # of an evaluation

Samples = tuple[Tensor, Tensor]  # inputs (N, …), targets (N,)


class Trainer:
    """Trains ``model``, in place, on ``train`` after ``recipe``, recording into ``folder``.

    Where the folder has the same training, killed, it goes on: on the CPU with the same number of
    threads the result is that of an uninterrupted one, to the bit. Batches and augmentation follow
    from (seed, epoch) alone; what else needs chance (dropout) uses PyTorch's global generator,
    which is saved too. The losses in the folder are those in eval mode, of the same 1,000 training
    samples (or all, if fewer) each time; without label smoothing.

    Parameters
    ----------
    loss
        As that of a Problem; batches are (inputs, targets).
    test
        Evaluated after each epoch, where there is any.
    about
        Free JSON, kept with the recipe; a folder with other settings is refused.
    restart
        Delete the training in the folder, once it is certain that this one can begin.

    Raises
    ------
    UsageError
        If the folder has a training with other settings, or the recipe does not fit the data.
    InputError
        If the folder has parts of a training alone.
    """

    def __init__(
        self, model: nn.Module, loss: Loss, train: Samples, recipe: Recipe, folder: str | Path,
        *, test: Samples | None = None, device: str = "cpu",
        about: Mapping[str, Any] | None = None, restart: bool = False,
    ) -> None:  # fmt: skip
        _check(recipe, loss, train)
        self.model, self.loss, self.recipe = model.to(device), loss, recipe
        self.folder, self.device = Path(folder), device
        self._train_loss = smoothed(recipe.label_smoothing) if recipe.label_smoothing else loss
        channels_last(model)
        self.inputs, self.targets = (part.to(device) for part in train)
        some = torch.randperm(len(self.inputs), generator=recipe.generator("evaluated", 0))
        some = some[:EVALUATED].sort().values.to(device)
        self._seen = batches_of(self.inputs[some], self.targets[some], BATCH)
        self._unseen = test and batches_of(test[0].to(device), test[1].to(device), BATCH)
        self.optimizer = recipe.optimizer_of(model.parameters())
        self.per_epoch = len(recipe.order(0, len(self.inputs)))
        self.total, self.done = recipe.epochs * self.per_epoch, 0
        self.recorder = self._begin({**(about or {}), **asdict(recipe)}, restart)

    def _begin(self, about: Mapping[str, Any], restart: bool) -> Recorder:
        path = self.folder / STATE
        for strange in (path, self.folder / FINAL):
            if strange.exists() and not (self.folder / index.NAME).exists():
                raise InputError(
                    f"{strange}: expected {index.NAME} beside it, got none: without it the "
                    "training cannot go on; choose another folder"
                )
        seen = {} if path.exists() and not restart else self.evaluate(self._seen)
        if restart:
            clear(self.folder)
        recorder = Recorder(
            self.model, self.folder, resume=True, about=about, loss=seen.get("loss", math.nan)
        )
        try:
            if (self.folder / FINAL).exists():
                self.done = self.total
                load_into(self.model, read(self.folder / FINAL), str(self.folder / FINAL))
            elif path.exists():
                self._load(path)
                recorder.rewind(self.done / self.per_epoch)
            else:
                recorder.rewind(-1.0)
                recorder.note(0.0, **seen, **self._tested())
        except BaseException:
            recorder.close()
            raise
        return recorder

    def run(self, told: Callable[[dict[str, float]], None] = lambda values: None) -> None:
        """Train to the end; ``told`` gets, after each batch, the batch's loss as ``batch_loss``,
        and what was evaluated after it.

        Raises
        ------
        LossvizError
            If the loss is no number any more, or the disk is full. What is recorded stays.
        """
        self._saved, self._cost = time.monotonic(), 0.0
        self.model.train()
        with self.recorder:
            while self.done < self.total:
                epoch, first = divmod(self.done, self.per_epoch)
                order = self.recipe.order(epoch, len(self.inputs))
                shifts = self._shifts(epoch)
                for chosen in order[first:]:
                    loss = self._step(chosen, shifts)
                    values = self._record()
                    if self._worth_saving(bool(values)):
                        self._save()
                    told({"batch_loss": loss} | values)
            self._finish()

    def _worth_saving(self, recorded: bool) -> bool:
        """At the end, now and then, and with what was recorded, if it takes little of the time."""
        passed = time.monotonic() - self._saved
        often = passed > (0 if recorded else SAVE_EVERY) and passed > self._cost / SHARE
        return often or self.done == self.total

    def _shifts(self, epoch: int) -> Shifts | None:
        if not self.recipe.augment:
            return None
        return Shifts.drawn(len(self.inputs), self.recipe.generator("augment", epoch))

    def _step(self, chosen: Tensor, shifts: Shifts | None) -> float:
        """One batch: its samples ``chosen (B,)``; the loss before the step."""
        here = chosen.to(self.device)
        inputs = self.inputs[here]
        if shifts is not None:
            inputs = shifts.apply(inputs, chosen)
        rate = self.recipe.rate_at(self.done / self.per_epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        given = self._train_loss(self.model, (inputs, self.targets[here]))
        loss = (given["loss"] if isinstance(given, Mapping) else given).mean()
        loss.backward()
        value = float(loss.detach())
        self._check_finite(value, rate)
        self.optimizer.step()
        self.done += 1
        return value

    def _check_finite(self, loss: float, rate: float) -> None:
        if not math.isfinite(loss):
            raise LossvizError(
                f"the loss is {loss} in epoch {self.done / self.per_epoch:.2f}: "
                f"lower the learning rate ({rate:g}); what was recorded before is kept"
            )

    def _record(self) -> dict[str, float]:
        """After a batch: the snapshot and the evaluations that are due."""
        whole, due = self.done % self.per_epoch == 0, self._is_due()
        if not whole and not due:
            return {}
        values = self.evaluate(self._seen) | (self._tested() if whole else {})
        at = self.done / self.per_epoch
        rate = self.recipe.rate_at((self.done - 1) / self.per_epoch)
        self._check_finite(values["loss"], rate)
        if due:
            details = {name: value for name, value in values.items() if name != "loss"}
            self.recorder.step(at, values["loss"], lr=rate, **details)
        if whole:
            self.recorder.note(at, lr=rate, **values)
        return values

    def _tested(self) -> dict[str, float]:
        found = {} if self._unseen is None else self.evaluate(self._unseen)
        return {f"test_{name}": value for name, value in found.items()}

    def _is_due(self) -> bool:
        """Whether the last batch was the nearest one to a snapshot's time, or the very last."""
        every = max(self.recipe.snapshots_every * self.per_epoch, 1.0)
        nearest = round(round(self.done / every) * every)
        return self.done in (nearest, self.total)

    @torch.no_grad()
    def evaluate(self, batches: Sequence[Any]) -> dict[str, float]:
        """Means over the samples in eval mode: ``loss``, and ``accuracy`` where there is one."""
        modes = {module: module.training for module in self.model.modules()}
        self.model.eval()
        found = outcome_of(self.loss(self.model, batch) for batch in batches).summarize()
        for module, training in modes.items():
            module.training = training
        return {name: value for name, value in found.items() if name != "loss_stderr"}

    def _save(self) -> None:
        state = {
            "model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(),
            "done": self.done, "generator": torch.get_rng_state(),
            "generators": torch.cuda.get_rng_state_all() if "cuda" in self.device else [],
        }  # fmt: skip
        path, began = self.folder / STATE, time.monotonic()
        files.replace(path, lambda file: torch.save(state, file), str(path))
        self._saved = time.monotonic()
        self._cost = self._saved - began

    def _load(self, path: Path) -> None:
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.done = int(state["done"])
            torch.set_rng_state(state["generator"])
            if "cuda" in self.device and len(state["generators"]) == torch.cuda.device_count():
                torch.cuda.set_rng_state_all(state["generators"])
            if not 0 < self.done <= self.total:
                raise ValueError(f"{self.done} batches of {self.total}")
        except Exception as error:  # torch raises many kinds for damaged files
            text = " ".join(str(error).split())[:80]
            raise InputError(f"{path}: expected the state of a training: {text}") from None

    def _finish(self) -> None:
        """The weights under a name that is always the same; nothing is left to go on from."""
        if not (self.folder / FINAL).exists():
            save_weights(self.model, self.folder / FINAL)
        (self.folder / STATE).unlink(missing_ok=True)


def smoothed(epsilon: float) -> Loss:
    """Cross-entropy against (1 − ε) of the label and ε/K of each of the K classes."""

    def loss(model: Model, batch: Samples) -> dict[str, Tensor]:
        inputs, targets = batch
        logits = model(inputs)
        return {
            "loss": functional.cross_entropy(
                logits, targets, reduction="none", label_smoothing=epsilon
            )
        }

    return loss


def clear(folder: Path) -> None:
    """Delete the training in ``folder``, and nothing else that is there.

    Raises
    ------
    LossvizError
        If another process works in it.
    """
    if not (folder / index.NAME).is_file():
        return
    with locked(folder):
        _delete(folder)


def _delete(folder: Path) -> None:
    for name in (index.NAME, STATE, FINAL):
        (folder / name).unlink(missing_ok=True)
    for path in (folder / FOLDER).glob("*.safetensors"):
        if path.stem.isdecimal():
            path.unlink()


def _check(recipe: Recipe, loss: Loss, train: Samples) -> None:
    inputs, _ = train
    if recipe.augment and inputs.ndim != 4:
        shape = tuple(inputs.shape[1:])
        raise UsageError(f"augment: expected images (C, H, W), got samples of shape {shape}")
    if recipe.label_smoothing and loss is not cross_entropy:
        raise UsageError("label-smoothing: expected the loss cross_entropy")
    if math.ceil(len(inputs) / recipe.batch_size) * recipe.epochs >= MOST_BATCHES:
        raise UsageError(f"epochs: expected fewer batches in all, got {recipe.epochs} epochs")
