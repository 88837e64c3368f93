"""Snapshots: what a Recorder kept of a training, read as far as it is asked for."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compute.training import index
from compute.training.recorder import snapshot_path
from lossviz.errors import InputError

Floats = NDArray[np.float64]
MOST_OPEN = 512  # files that stay mapped


class Snapshots:
    """The snapshots in the folder of a training run, in the order in which they were taken.

    Opening reads the index; tensors are read when asked for, on the CPU, in the type in which they
    were trained. Negative numbers count from the end.

    Attributes
    ----------
    steps
        ``(k,)`` the steps that the training told, epochs say; they do not decrease.
    losses
        ``(k,)`` the losses that it told, NaN where unknown.
    details
        ``k`` dictionaries of what else it told.
    names
        The floating-point parameters, tied ones once, and their shapes.
    notes
        Steps and details without weights.
    about, model
        What the training told about itself; the name of the model's class.

    Raises
    ------
    InputError
        If the folder is no training run, is damaged or has fewer than ``at_least`` snapshots.
    """

    def __init__(self, folder: str | Path, *, at_least: int = 1) -> None:
        self.folder = Path(folder)
        self._history = history = index.read(self.folder)
        if len(history.entries) < at_least:
            raise InputError(
                f"{folder}: expected at least {at_least} snapshots, got {len(history.entries)}"
            )
        self.steps: Floats = np.array([e.step for e in history.entries], dtype=np.float64)
        self.losses: Floats = np.array([e.loss for e in history.entries], dtype=np.float64)
        self.details = [entry.details for entry in history.entries]
        self.names = {name: shape for name, (_, shape) in history.parameters.items()}
        self.notes, self.about, self.model = history.notes, history.about, history.model
        self._open: dict[int, Any] = {}

    def __len__(self) -> int:
        return len(self._history.entries)

    def path(self, i: int) -> Path:
        """The file of snapshot ``i``; ``--checkpoint`` reads it."""
        return snapshot_path(self.folder, self._history.entries[i].number)

    def parameters(self, i: int) -> dict[str, Tensor]:
        """The floating-point parameters of snapshot ``i``, by name.

        Raises
        ------
        InputError
            If the file is not what the index says, or a parameter is not finite.
        """
        return {name: self._read(i, name) for name in self._history.parameters}

    def buffers(self, i: int) -> dict[str, Tensor]:
        """All else of the model's state: batch norm's statistics, counts; not checked for NaN."""
        return {name: self._read(i, name, finite=False) for name in self._history.buffers}

    def block(self, i: int, name: str, start: int = 0, stop: int | None = None) -> Tensor:
        """Entries ``start`` to ``stop`` of a parameter as if it were flat, ``(stop - start,)``.

        Only the rows (slices along the first dimension) that hold them are read.

        Raises
        ------
        InputError
            As ``parameters``; KeyError if there is no such parameter.
        """
        shape = self.names[name]
        start, stop, _ = slice(start, stop).indices(prod(shape))
        row = prod(shape[1:])
        if not shape or not row:
            return self._read(i, name).flatten()[start:stop]
        first = start // row
        rows = slice(first, max(first, -(-stop // row)))
        return self._read(i, name, rows).flatten()[start - first * row : stop - first * row]

    def _read(self, i: int, name: str, rows: slice | None = None, *, finite: bool = True) -> Tensor:
        file = self._file(i)
        stored: Tensor = file.get_tensor(name) if rows is None else file.get_slice(name)[rows]
        tensor = stored.clone()  # what is mapped from a file changes or vanishes with it
        dtype, _ = (self._history.parameters | self._history.buffers)[name]
        if str(tensor.dtype) != f"torch.{dtype}":
            raise InputError(f"{self.path(i)}: {name}: expected {dtype}, got {tensor.dtype}")
        if finite and not bool(torch.isfinite(tensor).all()):
            step = self._history.entries[i].step
            raise InputError(
                f"{self.path(i)}: {name} is not finite at step {step:g}: the training diverged"
            )
        return tensor

    def _file(self, i: int) -> Any:
        number = self._history.entries[i].number
        if number not in self._open:
            if len(self._open) >= MOST_OPEN:
                self._open.clear()
            self._open[number] = self._checked(i)
        return self._open[number]

    def _checked(self, i: int) -> Any:
        """The open file, after it was compared with the index."""
        from safetensors import SafetensorError, safe_open

        path, entry = self.path(i), self._history.entries[i]
        if not path.is_file():
            raise InputError(f"{path}: is in the index, but not there")
        if path.stat().st_size != entry.size:
            raise InputError(f"{path}: expected {entry.size:,} bytes, got {path.stat().st_size:,}")
        try:
            file = safe_open(path, framework="pt", device="cpu")
            found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError, ValueError) as error:
            text = " ".join(str(error).split())[:120]
            raise InputError(f"{path}: expected safetensors: {text}") from None
        expected = self._history.parameters | self._history.buffers
        for name in expected | found:
            shape = expected[name][1] if name in expected else None
            if found.get(name) != shape:
                raise InputError(
                    f"{path}: {name}: expected {shape or 'no such tensor'}, "
                    f"got {found.get(name, 'none')}"
                )
        return file
