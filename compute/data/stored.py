"""Data as it is stored: images as bytes, tables as numbers; and how they are normalised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lossviz.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

Numbers = Sequence[float] | NDArray[np.float64]

# Mean and standard deviation over the training images, scaled to [0, 1].
NORMALIZATIONS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "cifar10": (  # as Li et al. 2018's code uses
        (125.3 / 255, 123.0 / 255, 113.9 / 255), (63.0 / 255, 62.1 / 255, 66.7 / 255),
    ),
    "cifar100": ((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
    "mnist": ((0.1307,), (0.3081,)),  # as PyTorch's own example uses
    "fashion_mnist": ((0.2860,), (0.3530,)),
    "digits": ((0.3053,), (0.3761,)),
    "none": ((0.0,), (1.0,)),
}  # fmt: skip


class Pixels(Protocol):
    """What gives images ``(k, H, W, C)`` uint8 for ``k`` indices: an array, or what reads files."""

    def __getitem__(self, chosen: Any, /) -> NDArray[np.uint8]: ...


@dataclass(frozen=True, eq=False)
class Images:
    """``images (N, H, W, C)`` uint8 of which ``white`` is 1, ``labels (N,)``, how many classes."""

    images: Pixels
    labels: NDArray[np.int64]
    normalization: str  # a key of NORMALIZATIONS
    white: int = 255
    classes: int = 10

    def normalized(
        self, chosen: NDArray[np.int64], mean: Numbers | None, std: Numbers | None
    ) -> tuple[Tensor, str]:
        """The chosen images ``(k, C, H, W)`` float32, and how that is told."""
        import torch

        pixels = np.ascontiguousarray(self.images[chosen].transpose(0, 3, 1, 2))
        published = NORMALIZATIONS[self.normalization]
        shift, scale = _usable(published, mean, std, pixels.shape[1], "channels")
        inputs = torch.from_numpy(pixels).float() / self.white
        shifts, scales = (torch.tensor(values).view(1, -1, 1, 1) for values in (shift, scale))
        own = mean is not None or std is not None
        told = _told("given" if own else self.normalization, shift, scale)
        return ((inputs - shifts) / scales).contiguous(), told


@dataclass(frozen=True, eq=False)
class Table:
    """``rows (N, features)`` float64; ``labels (N,)``, int64 for classes, float64 for real values.

    Rows are standardised by ``mean (features,)`` and ``std (features,)``, those of the training
    rows: a network sees the same numbers whichever rows are chosen later, and from which split.
    """

    rows: NDArray[np.float64]
    labels: NDArray[np.int64] | NDArray[np.float64]
    mean: Numbers = (0.0,)
    std: Numbers = (1.0,)
    normalization: str = "none"
    classes: int = 1  # one output for real values

    def normalized(
        self, chosen: NDArray[np.int64], mean: Numbers | None, std: Numbers | None
    ) -> tuple[Tensor, str]:
        """The chosen rows ``(k, features)`` float32, and how that is told."""
        import torch

        rows = self.rows[chosen]
        shift, scale = _usable((self.mean, self.std), mean, std, rows.shape[1], "features")
        own = mean is not None or std is not None
        told = _told("given" if own else self.normalization, shift, scale)
        return torch.from_numpy((rows - np.array(shift)) / np.array(scale)).float(), told


def split_table(
    rows: NDArray[np.float64], labels: NDArray[np.int64] | NDArray[np.float64], split: str,
    classes: int,
) -> Table:  # fmt: skip
    """One split of a whole table, standardised by its training rows."""
    train = rows[held_out(len(rows), "train")]
    mean, std = train.mean(axis=0), train.std(axis=0)
    constant = std <= 1e-12 * np.abs(train).max(axis=0, initial=1e-300)
    part = held_out(len(rows), split)
    std = np.where(constant, 1.0, std)
    return Table(rows[part], labels[part], mean, std, "training rows", classes)


def held_out(count: int, split: str) -> NDArray[np.int64]:
    """Where a data set has no split of its own: every fifth sample, in file order, is for testing.

    A file that is sorted by class keeps its classes in both splits.
    """
    every = np.arange(count)
    fifth = every % 5 == 4
    return every[fifth if split == "test" else ~fifth]


def _usable(
    published: tuple[Numbers, Numbers], mean: Numbers | None, std: Numbers | None, count: int,
    what: str,
) -> tuple[tuple[float, ...], tuple[float, ...]]:  # fmt: skip
    shift = tuple(map(float, published[0] if mean is None else mean))
    scale = tuple(map(float, published[1] if std is None else std))
    for name, values in (("mean", shift), ("std", scale)):
        if len(values) not in (1, count):
            raise UsageError(
                f"{name}: expected 1 or {count} numbers for {count} {what}, got {len(values)}"
            )
    given = tuple(() if values is None else tuple(values) for values in (mean, std))
    if not np.isfinite(given[0]).all() or not all(1e-6 <= one < np.inf for one in given[1]):
        raise UsageError(f"mean, std: expected finite numbers, std ≥ 1e-6; got {shift}, {scale}")
    return shift, scale


def _told(whose: str, shift: Sequence[float], scale: Sequence[float]) -> str:
    return f"{whose} mean {_numbers(shift)} std {_numbers(scale)}"


def _numbers(values: Sequence[float]) -> str:
    shown = [f"{value:.4g}" for value in values[:4]] + ["…"] * (len(values) > 4)
    return "(" + ", ".join(shown) + ")"
