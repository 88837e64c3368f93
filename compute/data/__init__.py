"""Data by name: images as one normalised tensor, the same samples in the same order every time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lossviz.errors import InputError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

SPLITS = ("train", "test")
NAMES = ("cifar10", "fashion_mnist", "digits")

# Mean and standard deviation over the training images, scaled to [0, 1].
NORMALIZATIONS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "cifar10": (  # as Li et al. 2018's code uses
        (125.3 / 255, 123.0 / 255, 113.9 / 255), (63.0 / 255, 62.1 / 255, 66.7 / 255),
    ),
    "fashion_mnist": ((0.2860,), (0.3530,)),
    "digits": ((0.3053,), (0.3761,)),
    "none": ((0.0,), (1.0,)),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Images:
    """As stored: ``images (N, H, W, C)`` uint8 of which ``white`` is 1, ``labels (N,)``."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    normalization: str  # a key of NORMALIZATIONS
    white: int = 255


@dataclass(frozen=True, eq=False)
class Data:
    """A chosen, normalised part of a data set.

    ``inputs (N, C, H, W)`` float32, ``targets (N,)`` int64; the rest goes into the provenance.
    """

    inputs: Tensor
    targets: Tensor
    name: str
    split: str
    selection: str
    normalization: str
    available: int = 0  # samples in the split that were there to choose from

    @property
    def num_classes(self) -> int:
        """One more than the largest label."""
        return int(self.targets.max()) + 1

    @property
    def strata(self) -> Tensor | None:
        """The class of each sample, if equally many of each were drawn."""
        return self.targets if self.selection.startswith("balanced") else None

    def sha256(self) -> str:
        """A hash of the numbers themselves: the same for the same samples in the same order."""
        digest = hashlib.sha256(self.inputs.contiguous().numpy().tobytes())
        digest.update(self.targets.contiguous().numpy().tobytes())
        return digest.hexdigest()


def load(
    spec: str, *, split: str = "train", samples: str = "all", seed: int = 0,
    root: Path | None = None, mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Data:  # fmt: skip
    """Load ``spec`` ("npz:FILE" or one of NAMES), choose samples and normalise.

    Parameters
    ----------
    samples
        "all", "512" (a seeded choice with equally many of each class, as far as there are),
        "most:512" (the same, or all if there are fewer), or "first:512" (file order).
    root
        The folder that holds, or will hold, a downloaded data set.
    mean, std
        Instead of the published ones, one number or one a channel, for pixels in [0, 1].

    Raises
    ------
    UsageError, InputError
        If the name, the choice or the file is not usable.
    """
    import torch

    raw = _raw(spec, split, root)
    if len(raw.images) == 0:
        raise InputError(f"{spec}: expected images in the {split} split, got none")
    chosen, selection = choose(raw.labels, samples, seed)
    images = np.ascontiguousarray(raw.images[chosen].transpose(0, 3, 1, 2))
    inputs = torch.from_numpy(images).float() / raw.white
    shift, scale, told = _normalization(raw, mean, std, images.shape[1])
    inputs = (inputs - torch.tensor(shift).view(1, -1, 1, 1)) / torch.tensor(scale).view(
        1, -1, 1, 1
    )
    targets = torch.from_numpy(raw.labels[chosen].astype(np.int64))
    return Data(
        inputs.contiguous(), targets, spec, split, selection, told, len(raw.labels)
    )  # fmt: skip


def _raw(spec: str, split: str, root: Path | None) -> Images:
    if split not in SPLITS:
        raise UsageError(f"split: expected train or test, got {split!r}")
    if spec.startswith("npz:"):
        from compute.data.npz import load_npz

        return load_npz(spec.removeprefix("npz:"), split)
    if spec not in NAMES:
        raise UsageError(f"data: expected npz:FILE, {', '.join(NAMES)}, got {spec!r:.80}")
    home = import_module("compute.data.digits" if spec == "digits" else "compute.data.vision")
    return home.load(spec, split, root)  # type: ignore[no-any-return]


def choose(labels: NDArray[np.int64], samples: str, seed: int) -> tuple[NDArray[np.int64], str]:
    """Which samples, as indices ``(k,)``, and how that is told in the provenance.

    Raises
    ------
    UsageError
        If the choice cannot be read or asks for more samples than there are.
    """
    if samples == "all":
        return np.arange(len(labels)), "all"
    kind, _, text = samples.rpartition(":")
    if kind not in ("", "first", "most") or not text.isdecimal() or not int(text[:12]) > 0:
        raise UsageError(f"samples: expected all, a number or first:NUMBER, got {samples!r:.60}")
    count = min(int(text[:12]), len(labels)) if kind == "most" else int(text[:12])
    if count > len(labels):
        raise UsageError(f"samples: expected at most {len(labels):,}, got {count:,}")
    if kind == "first":
        return np.arange(count), f"first:{count}"
    return _balanced(labels, count, seed), f"balanced:{count} seed {seed}"


def _balanced(labels: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Equally many of each class, drawn without replacement; in file order."""
    random = np.random.default_rng(seed)
    # One of each class in turn, until enough are drawn; small classes run out and drop out.
    rounds = [random.permutation(np.nonzero(labels == label)[0]) for label in np.unique(labels)]
    rank = np.concatenate([np.arange(len(members)) for members in rounds])
    tie = random.random(rank.size)  # which classes give one more, if the number does not divide
    members = np.concatenate(rounds)
    return np.sort(members[np.lexsort((tie, rank))][:count])


def _normalization(
    raw: Images, mean: Sequence[float] | None, std: Sequence[float] | None, channels: int
) -> tuple[tuple[float, ...], tuple[float, ...], str]:
    published = NORMALIZATIONS[raw.normalization]
    shift = tuple(mean) if mean is not None else published[0]
    scale = tuple(std) if std is not None else published[1]
    for name, values in (("mean", shift), ("std", scale)):
        if len(values) not in (1, channels):
            raise UsageError(
                f"{name}: expected 1 or {channels} numbers for {channels} channels, "
                f"got {len(values)}"
            )
    if not np.isfinite(shift).all() or not all(1e-6 <= one < np.inf for one in scale):
        raise UsageError(f"mean, std: expected finite numbers, std ≥ 1e-6; got {shift}, {scale}")
    own = mean is not None or std is not None
    numbers = f"mean {_numbers(shift)} std {_numbers(scale)}"
    return shift, scale, f"{'given' if own else raw.normalization} {numbers}"


def _numbers(values: Sequence[float]) -> str:
    return "(" + ", ".join(f"{value:.4g}" for value in values) + ")"
