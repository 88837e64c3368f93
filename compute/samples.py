"""The loss of every sample at every point, kept compactly beside a run's results.

Half precision against each point's largest loss: a value keeps 11 bits, small ones an absolute
error below 6e-8 of the largest, and nothing overflows, however huge the losses are. What is
computed from them (a class' surface, a bootstrap) are means, and a mean keeps that precision.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from compute.log import Log
from compute.problem import Problem
from lossviz.errors import UsageError
from lossviz.landscape import Landscape, Surface

if TYPE_CHECKING:
    from compute.evaluation import Evaluator
    from compute.run import Run
    from compute.surface import Grid

Floats = NDArray[np.float64]

MAGIC = b"LVSAMPLE"
HEAD = struct.Struct("<Qd")  # point, largest finite |loss|
WHOLE = 1e-6  # from a number of samples
CAP = 512 * 2**20  # bytes


def record_size(samples: int) -> int:
    """Bytes of one point: its head, a half and a bit (right or wrong) for each sample."""
    return HEAD.size + 2 * samples + (samples + 7) // 8


def choose_kept(samples: int, points: int, cap: int = CAP) -> NDArray[np.int64]:
    """Which samples' losses to keep, evenly spread, so that ``points`` records stay below ``cap``.

    Everything if it fits; ``(0,)`` if not even two would.
    """
    fitting = int((cap / max(points, 1) - HEAD.size) * 8 / 17)
    if fitting < 2:
        return np.zeros(0, dtype=np.int64)
    count = min(samples, fitting)
    return np.unique(np.linspace(0, samples - 1, count).round().astype(np.int64))


def encode(losses: Floats) -> tuple[float, NDArray[np.float16]]:
    """``(N,)`` losses as a scale and halves; NaN and infinities stay."""
    finite = np.abs(losses[np.isfinite(losses)])
    scale = float(finite.max(initial=0.0)) or 1.0
    with np.errstate(under="ignore"):
        return scale, (losses / scale).astype(np.float16)


class SampleLog:
    """``samples.log`` of a run: per-sample losses ``(points, K)`` of the ``kept`` samples."""

    def __init__(self, path: Path, kept: int) -> None:
        self.kept = kept
        self._log = Log(path, MAGIC, record_size(kept))

    def add(self, index: int, values: Mapping[str, Floats]) -> None:
        """Keep one point: "loss" ``(K,)`` and, where there is one, "accuracy" ``(K,)``."""
        scale, halves = encode(values["loss"])
        right = values.get("accuracy", np.zeros(self.kept)) > 0.5
        bits = np.packbits(right, bitorder="little")
        self._log.append(HEAD.pack(index, scale) + halves.tobytes() + bits.tobytes())

    def read(self) -> dict[int, tuple[Floats, NDArray[np.bool_]]]:
        """Of each point its losses ``(K,)`` and whether each sample was classified rightly."""
        return {index: (losses, right) for index, losses, right in self.records()}

    def records(self) -> Iterator[tuple[int, Floats, NDArray[np.bool_]]]:
        """The same one after the other, for what needs no more than one at a time; of two records
        of one point the last counts."""
        for body in self._log:
            index, scale = HEAD.unpack_from(body)
            halves = np.frombuffer(body, "<f2", self.kept, HEAD.size)
            bits = np.frombuffer(body, np.uint8, offset=HEAD.size + 2 * self.kept)
            right = np.unpackbits(bits, count=self.kept, bitorder="little").astype(bool)
            yield index, halves.astype(np.float64) * scale, right

    def sync(self) -> None:
        """Write everything to the disk."""
        self._log.sync()

    def close(self) -> None:
        """Write everything to the disk and close."""
        self._log.close()


def per_class(landscape: Landscape, run: Run, grid: Grid, evaluator: Evaluator) -> Landscape:
    """The landscape with ``loss_class_K`` and ``accuracy_class_K``, from the kept samples alone.

    Without accuracies where those are not of samples, right or wrong: the log has no others.

    Raises
    ------
    UsageError
        If no samples were kept, or the batches have no integer class labels.
    """
    surface, labels = landscape.surface, _labels(evaluator.problem)
    assert surface is not None
    if run.samples is None or labels is None:
        raise UsageError("per-class: expected per-sample losses and integer labels, got neither")
    kept = run.samples.read()
    labels = labels[run.kept]
    columns = np.searchsorted(grid.alphas, surface.alphas)
    rows = np.searchsorted(grid.betas, surface.betas)
    quantities = dict(surface.quantities)
    names = ("loss", "accuracy") if _right_or_wrong(surface, evaluator) else ("loss",)
    for label in np.unique(labels):
        own = labels == label
        for number, name in enumerate(names):
            values = np.full(surface.shape, np.nan)
            for i, column in enumerate(columns):
                for j, row in enumerate(rows):
                    found = kept.get(int(row) * grid.alphas.size + int(column))
                    if found is not None:
                        values[i, j] = found[number][own].mean()
            quantities[f"{name}_class_{label}"] = values
    return landscape.with_changes(surface=replace(surface, quantities=quantities))


def _right_or_wrong(surface: Surface, evaluator: Evaluator) -> bool:
    """Whether the accuracy is one of samples, and each of them 0 or 1: N means add up to numbers
    of samples then, at every point."""
    at_center = evaluator.many([(0.0, 0.0)])[0].values
    if "accuracy" not in at_center or at_center["accuracy"].size != at_center["loss"].size:
        return False
    counts = surface.quantities["accuracy"][surface.evaluated] * at_center["loss"].size
    return bool((np.abs(counts - counts.round()) < WHOLE).all())


def _labels(problem: Problem) -> NDArray[np.int64] | None:
    """The integer labels ``(N,)`` that the batches' second entries are, if they are."""
    found = []
    for batch in problem.batches:
        labels = batch[1] if isinstance(batch, tuple | list) and len(batch) > 1 else None
        if not isinstance(labels, Tensor) or labels.ndim != 1 or labels.is_floating_point():
            return None
        found.append(labels.cpu().numpy())
    return np.concatenate(found).astype(np.int64)
