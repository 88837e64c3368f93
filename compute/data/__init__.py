"""Data by name: inputs as one normalised tensor, the same samples in the same order every time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from compute.data.choice import choose as choose
from compute.data.stored import Images as Images
from compute.data.stored import Table as Table
from lossviz.errors import InputError, UsageError, nearest

if TYPE_CHECKING:
    from torch import Tensor

SPLITS = ("train", "test")

_HOMES = {
    "cifar10": "vision", "cifar100": "vision", "mnist": "vision", "fashion_mnist": "vision",
    "digits": "bundled", "iris": "bundled", "spirals": "synthetic", "swiss_roll": "synthetic",
}  # fmt: skip
_FILES = {"npz": "npz", "csv": "csv_file", "imagefolder": "image_folder"}
NAMES = tuple(_HOMES)


@dataclass(frozen=True, eq=False)
class Data:
    """A chosen, normalised part of a data set.

    ``inputs (N, C, H, W)`` for images or ``(N, features)`` for a table, float32; ``targets (N,)``,
    int64 for classes or float32 for real values; the rest goes into the provenance.
    """

    inputs: Tensor
    targets: Tensor
    name: str
    split: str
    selection: str
    normalization: str
    available: int = 0  # samples in the split that were there to choose from
    classes: int = 1  # of the whole data set

    @property
    def real(self) -> bool:
        """Whether the targets are real values, and the problem a regression."""
        return self.targets.is_floating_point()

    @property
    def num_classes(self) -> int:
        """One more than the largest label; 1 for real values."""
        return 1 if self.real else int(self.targets.max()) + 1

    @property
    def outputs(self) -> int:
        """How many outputs a network for the whole data set has."""
        return max(self.classes, self.num_classes)

    @property
    def strata(self) -> Tensor | None:
        """The class of each sample, if equally many of each were drawn."""
        return self.targets if self.selection.startswith("balanced") else None

    def sha256(self) -> str:
        """A hash of the numbers themselves: the same for the same samples in the same order."""
        digest = hashlib.sha256(self.inputs.contiguous().numpy().tobytes())
        digest.update(self.targets.contiguous().numpy().tobytes())
        return digest.hexdigest()


def is_name(spec: str) -> bool:
    """Whether ``spec`` is a name for ``load``, and not anybody's own module:function."""
    prefix, colon, _ = spec.partition(":")
    return not colon or prefix in _FILES


def load(
    spec: str, *, split: str = "train", samples: str = "all", seed: int = 0,
    root: Path | None = None, mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None, at_most: bool = False,
) -> Data:  # fmt: skip
    """Load ``spec`` (one of NAMES, npz:FILE, csv:FILE or imagefolder:DIR), choose and normalise.

    Parameters
    ----------
    samples
        "all", "512" (a seeded choice with equally many of each class, as far as there are), or
        "first:512" (file order).
    at_most
        Take all samples where there are fewer than that.
    root
        The folder that holds, or will hold, a downloaded data set.
    mean, std
        Instead of the published ones, one number or one a channel, for pixels in [0, 1]; or one a
        feature of a table.

    Raises
    ------
    UsageError, InputError
        If the name, the choice or the file is not usable.
    """
    import torch

    raw = _raw(spec, split, root)
    if len(raw.labels) == 0:
        raise InputError(f"{spec}: expected samples in the {split} split, got none")
    chosen, selection = choose(raw.labels, samples, seed, at_most=at_most)
    inputs, told = raw.normalized(chosen, mean, std)
    labels = torch.from_numpy(raw.labels[chosen])
    targets = labels.float() if labels.is_floating_point() else labels.long()
    return Data(
        inputs, targets, spec, split, selection, told, len(raw.labels), raw.classes
    )  # fmt: skip


def _raw(spec: str, split: str, root: Path | None) -> Images | Table:
    if split not in SPLITS:
        raise UsageError(f"split: expected train or test, got {split!r}")
    prefix, colon, rest = spec.partition(":")
    homes = _FILES if colon else _HOMES
    if prefix not in homes:
        known = nearest(prefix, _HOMES)
        raise UsageError(
            f"data: expected npz:FILE, csv:FILE, imagefolder:DIR, {known}, got {spec!r:.80}"
        )
    home = import_module(f"compute.data.{homes[prefix]}")
    return home.load(rest if colon else spec, split, root)  # type: ignore[no-any-return]
