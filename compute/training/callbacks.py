"""The Recorder as a callback of Lightning and of Hugging Face's Trainer.

>>> from compute.training.callbacks import LightningRecorder  # doctest: +SKIP
>>> Trainer(callbacks=[LightningRecorder("run/")]).fit(module)  # doctest: +SKIP

Both are made when asked for, because the classes that they extend are of libraries that lossviz
does not need. They record on the first process alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

from compute.training.recorder import Recorder
from lossviz.errors import UsageError

UNITS = ("epoch", "step")


def __getattr__(name: str) -> Any:
    """Make a callback's class when it is first used."""
    if name == "LightningRecorder":
        return _lightning_recorder()
    if name == "HuggingFaceRecorder":
        return _hugging_face_recorder()
    raise AttributeError(f"module 'compute.training.callbacks' has no attribute {name!r}")


def _base(extra: str, *homes: tuple[str, str]) -> Any:
    for module, name in homes:
        try:
            return getattr(import_module(module), name)
        except ModuleNotFoundError as error:
            if not module.startswith(str(error.name)):  # there, but broken
                raise
    raise ImportError(f"{homes[0][0]} is not installed: pip install 'lossviz[{extra}]'")


class _Recording:
    """What both callbacks share: where, how often, and the recorder while a training is on."""

    def __init__(
        self, folder: str | Path, *, per: str = "epoch", attribute: str = "", **options: Any
    ) -> None:
        super().__init__()
        if per not in UNITS:
            raise UsageError(f"per: expected {' or '.join(UNITS)}, got {per!r:.40}")
        self.folder, self.per, self.attribute, self.options = folder, per, attribute, options
        self.recorder: Recorder | None = None

    def begin(self, module: Any, at: float) -> None:
        """Record ``module``, or go on at step ``at`` if the training does."""
        model = attrgetter(self.attribute)(module) if self.attribute else module
        options = {"resume": at > 0} | self.options
        self.recorder = None  # one that an interrupted training left lets go
        self.recorder = Recorder(model, self.folder, **options)
        if options["resume"]:
            self.recorder.rewind(at)

    def end(self) -> None:
        """Nothing more is recorded."""
        if self.recorder is not None:
            self.recorder.close()
            self.recorder = None


@cache
def _lightning_recorder() -> type:
    base = _base("lightning", ("lightning.pytorch.callbacks", "Callback"),
                 ("pytorch_lightning.callbacks", "Callback"))  # fmt: skip

    class LightningRecorder(_Recording, base):  # type: ignore[valid-type, misc]
        """Records a LightningModule while it is fitted.

        Snapshots have the mean training loss since the last one, and as details the metrics that
        Lightning logged.

        Parameters
        ----------
        per
            "epoch": at the end of each epoch, steps are epochs; "step": after each of the
            optimiser's steps, which are counted.
        attribute
            Record this part of the module ("model", say), so that names are those of the bare
            network.
        options
            Those of the Recorder: ``every``, ``keep``, ``resume``, ``about``.
        """

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            self._sum, self._count, self._last = 0.0, 0, trainer.global_step
            if trainer.is_global_zero:
                at = trainer.current_epoch if self.per == "epoch" else trainer.global_step
                self.begin(pl_module, at)

        def on_train_batch_end(
            self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
        ) -> None:
            if self.recorder is None:
                return
            loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
            if loss is not None:
                # Lightning divides it by the batches that make one step of the optimiser.
                self._sum = self._sum + loss.detach() * trainer.accumulate_grad_batches
                self._count += 1
            if self.per == "step" and trainer.global_step > self._last:
                self._last = trainer.global_step
                self._keep(trainer, self._last)

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            if self.recorder is not None and self.per == "epoch":
                self._keep(trainer, trainer.current_epoch + 1)

        def _keep(self, trainer: Any, at: float) -> None:
            loss = self._sum / self._count if self._count else math.nan
            details = {name: float(value) for name, value in trainer.callback_metrics.items()}
            assert self.recorder is not None
            self.recorder.step(at, loss, metrics=details)
            self._sum, self._count = 0.0, 0

        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            self.end()

        def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
            self.end()

    return LightningRecorder


@cache
def _hugging_face_recorder() -> type:
    base = _base("hf", ("transformers", "TrainerCallback"))

    class HuggingFaceRecorder(_Recording, base):  # type: ignore[valid-type, misc]
        """Records the model of a transformers Trainer.

        The loss of a snapshot is what the Trainer logs at the same step (the mean since its last
        log), NaN where it logs nothing then; all that it logs is the details.

        Parameters
        ----------
        per
            "epoch": at the end of each epoch, steps are epochs; "step": after each of the
            optimiser's steps, which are counted.
        attribute
            Record this part of the model.
        options
            Those of the Recorder: ``every``, ``keep``, ``resume``, ``about``.
        """

        def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            self._waiting: float | None = None
            if state.is_world_process_zero:
                at = state.epoch if self.per == "epoch" else state.global_step
                self.begin(given["model"], at or 0)

        def on_step_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            if self.per == "step":
                self._waiting = state.global_step

        def on_epoch_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            if self.per == "epoch":
                self._waiting = state.epoch

        # What is logged of a step comes after its end and before the next begins.

        def on_log(
            self, args: Any, state: Any, control: Any, logs: Any = None, **given: Any
        ) -> None:
            if logs and "loss" in logs:
                self._keep(logs)

        def on_step_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            self._keep({})

        def on_epoch_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            self._keep({})

        def on_train_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            self._keep({})
            self.end()

        def _keep(self, logs: Mapping[str, Any]) -> None:
            if self.recorder is not None and self._waiting is not None:
                loss = float(logs.get("loss", math.nan))
                self.recorder.step(self._waiting, loss, metrics=dict(logs))
            self._waiting = None

    return HuggingFaceRecorder
