"""Snapshots: what a Recorder kept of a training, read as far as it is asked for."""

from __future__ import annotations

import json
from math import prod
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compute.training import index
from compute.training.recorder import snapshot_path
from lossviz.errors import InputError

Floats = NDArray[np.float64]
Layout = dict[str, tuple[torch.dtype | None, int]]
TYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8,
    "U8": torch.uint8, "U16": torch.uint16, "U32": torch.uint32, "U64": torch.uint64,
    "BOOL": torch.bool, "C64": torch.complex64, "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
}  # fmt: skip


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
        self._layouts: dict[int, Layout] = {}

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

        Nothing else of the file is read.

        Raises
        ------
        InputError
            As ``parameters``; KeyError if there is no such parameter.
        """
        start, stop, _ = slice(start, stop).indices(prod(self.names[name]))
        return self._read(i, name, start, max(start, stop))

    def _read(
        self, i: int, name: str, start: int = 0, stop: int | None = None, *, finite: bool = True
    ) -> Tensor:
        dtype, shape = (self._history.parameters | self._history.buffers)[name]
        kind = getattr(torch, dtype, None)
        found, begin = self._layout(i)[name]
        if found is None or found != kind:
            raise InputError(f"{self.path(i)}: {name}: expected {dtype!r:.40}, got {found}")
        whole = stop is None
        count = prod(shape) if stop is None else stop - start
        tensor = torch.empty(count, dtype=kind)
        # Read, not mapped: what is mapped counts as memory, and changes or vanishes with the file.
        with open(self.path(i), "rb", buffering=0) as file:
            file.seek(begin + start * tensor.element_size())
            target = tensor.view(torch.uint8).numpy().data
            if file.readinto(target) != len(target):
                raise InputError(f"{self.path(i)}: {name}: the file was cut short")
        if finite and not bool(torch.isfinite(tensor).all()):
            step = self._history.entries[i].step
            raise InputError(
                f"{self.path(i)}: {name} is not finite at step {step:g}: the training diverged"
            )
        return tensor.reshape(shape) if whole else tensor

    def _layout(self, i: int) -> Layout:
        """Of each tensor its type and where in the file it begins."""
        number = self._history.entries[i].number
        if number not in self._layouts:
            self._layouts[number] = self._checked(i)
        return self._layouts[number]

    def _checked(self, i: int) -> Layout:
        """The file's layout, after it was compared with the index."""
        from safetensors import SafetensorError, safe_open

        path, entry = self.path(i), self._history.entries[i]
        if not path.is_file():
            raise InputError(f"{path}: is in the index, but not there")
        if path.stat().st_size != entry.size:
            raise InputError(f"{path}: expected {entry.size:,} bytes, got {path.stat().st_size:,}")
        try:
            with safe_open(path, framework="pt", device="cpu") as file:  # checks offsets and sizes
                found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            layout = _layout_of(path)
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
        return layout


def _layout_of(path: Path) -> Layout:
    """What the header says (safetensors 0.4, "Format"): eight bytes of length, then JSON."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    return {
        name: (TYPES.get(entry["dtype"]), 8 + length + entry["data_offsets"][0])
        for name, entry in header.items()
        if name != "__metadata__"
    }
