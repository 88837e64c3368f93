"""A recipe: everything a training run follows from, besides the network and the data."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lossviz.errors import UsageError

OPTIMIZERS = ("sgd", "momentum", "nesterov", "adam", "adamw")
SCHEDULES = ("constant", "cosine", "step")
STEPS = (1 / 2, 3 / 4)  # of the training: 32k and 48k of 64k iterations (He et al. 2016, sec. 4.2)
MOST_BATCHES = 10**9


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. Times are in epochs.

    Attributes
    ----------
    optimizer
        One of OPTIMIZERS: stochastic gradient descent, the same with momentum, with Nesterov's
        momentum, Adam (Kingma and Ba 2015), AdamW (Loshchilov and Hutter 2019).
    lr
        The learning rate at the beginning; None is 0.1, for Adam and AdamW 0.001.
    momentum
        Of ``momentum`` and ``nesterov``; None is 0.9.
    weight_decay
        Of all parameters, biases and batch norm included, as Li et al. 2018 do: added to the
        gradient (an L2 penalty), by AdamW decoupled from it.
    schedule
        ``constant``; ``cosine``: lr (1 + cos πt/T)/2 at t of T batches (Loshchilov and Hutter
        2017, eq. 5, one period); ``step``: a tenth from each of ``milestones`` on, which without
        are half and three quarters of the training.
    augment
        Random crops of the images padded by 4 zeros, and flips (He et al. 2016, section 4.2).
    label_smoothing
        ε: of the targets, so much goes to all K classes in equal parts (Szegedy et al. 2016,
        section 7).
    snapshots_every
        Epochs between two snapshots; 0.5 is two an epoch.

    Raises
    ------
    UsageError
        If one of them makes no sense.
    """

    epochs: int = 10
    optimizer: str = "nesterov"
    lr: float | None = None
    momentum: float | None = None
    weight_decay: float = 5e-4
    schedule: str = "cosine"
    milestones: Sequence[float] = ()
    batch_size: int = 128
    seed: int = 0
    augment: bool = False
    label_smoothing: float = 0.0
    snapshots_every: float = 1.0

    def __post_init__(self) -> None:
        checks = {
            "optimizer": (self.optimizer in OPTIMIZERS, f"one of {', '.join(OPTIMIZERS)}"),
            "schedule": (self.schedule in SCHEDULES, f"one of {', '.join(SCHEDULES)}"),
            "epochs": (0 < self.epochs < MOST_BATCHES, "1 or more"),
            "batch_size": (self.batch_size > 0, "1 or more"),
            "lr": (0 < self.rate < math.inf, "above 0"),
            "momentum": (
                self.momentum is None
                or (0 <= self.momentum < 1 and self.optimizer in ("momentum", "nesterov")),
                "from 0 to below 1, with the optimizer momentum or nesterov",
            ),
            "weight_decay": (0 <= self.weight_decay < math.inf, "0 or more"),
            "label_smoothing": (0 <= self.label_smoothing < 1, "from 0 to below 1"),
            "snapshots_every": (0 < self.snapshots_every < math.inf, "above 0"),
            "milestones": (
                all(0 < m < math.inf for m in self.milestones)
                and (not self.milestones or self.schedule == "step"),
                "epochs above 0, with the schedule step",
            ),
        }
        for name, (fits, expected) in checks.items():
            if not fits:
                name, got = name.replace("_", "-"), getattr(self, name)
                raise UsageError(f"{name}: expected {expected}, got {got!r:.40}")

    @property
    def rate(self) -> float:
        """The learning rate at the beginning."""
        if self.lr is not None:
            return self.lr
        return 1e-3 if self.optimizer.startswith("adam") else 0.1

    def rate_at(self, epoch: float) -> float:
        """The learning rate of the batch that begins after ``epoch`` epochs."""
        if self.schedule == "cosine":
            return self.rate * (1 + math.cos(math.pi * epoch / self.epochs)) / 2
        if self.schedule == "step":
            milestones = self.milestones or [share * self.epochs for share in STEPS]
            return self.rate * 0.1 ** sum(epoch >= milestone for milestone in milestones)
        return self.rate

    def optimizer_of(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """The optimiser, PyTorch's own."""
        common: dict[str, Any] = {"lr": self.rate, "weight_decay": self.weight_decay}
        if self.optimizer == "adam":
            return torch.optim.Adam(parameters, **common)
        if self.optimizer == "adamw":
            return torch.optim.AdamW(parameters, **common)
        given = 0.9 if self.momentum is None else self.momentum
        momentum = 0.0 if self.optimizer == "sgd" else given
        nesterov = self.optimizer == "nesterov" and momentum > 0
        return torch.optim.SGD(parameters, momentum=momentum, nesterov=nesterov, **common)

    def order(self, epoch: int, samples: int) -> list[Tensor]:
        """Which samples are in which batch of ``epoch``; the same whenever it is asked.

        A single sample that is left over joins the batch before: batch norm has no statistics of
        one.
        """
        order = torch.randperm(samples, generator=self.generator("order", epoch))
        batches = list(order.split(self.batch_size))
        if len(batches) > 1 and len(batches[-1]) == 1:
            batches[-2:] = [torch.cat(batches[-2:])]
        return batches

    def generator(self, purpose: str, epoch: int) -> torch.Generator:
        """Chance on the CPU keyed by (seed, purpose, epoch): any epoch can be begun with."""
        key = hashlib.sha256(f"{self.seed}/{purpose}/{epoch}".encode()).digest()
        return torch.Generator().manual_seed(int.from_bytes(key[:8], "little"))
