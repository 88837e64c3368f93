"""The index of a training run: ``index.jsonl``, a record a line, only ever appended to.

Each record ends with the CRC-32 of what stands before it. The first says whose weights these are;
those that follow are ``snapshot``, ``note`` (numbers without weights), ``thinned`` (every second
snapshot so far is gone) and ``rewound`` (a resumed training records again from this step on).
"""

from __future__ import annotations

import json
import math
import os
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lossviz.errors import InputError

NAME = "index.jsonl"
VERSION = 1
LARGEST = 256 << 20  # bytes
MOST = 10**9  # snapshots
_LINE = re.compile(rb'(\{.*), "crc32": "([0-9a-f]{8})"\}', re.DOTALL)


@dataclass(frozen=True)
class Entry:
    """One snapshot: its number, the user's step, the loss (NaN if unknown), the file's size.

    ``call`` counts the calls of ``Recorder.step`` until then; ``details`` is free JSON.
    """

    number: int
    step: float
    loss: float
    call: int
    size: int
    details: dict[str, Any]

    def record(self) -> dict[str, Any]:
        """As it stands in the index."""
        return {
            "snapshot": self.number, "step": self.step, "loss": plain(self.loss),
            "call": self.call, "bytes": self.size, "details": self.details,
        }  # fmt: skip


@dataclass
class History:
    """What an index tells: the weights' names, shapes and types, and what was recorded of them.

    ``parameters`` are the floating-point ones, tied ones once; ``buffers`` all else of the state.
    """

    model: str
    about: dict[str, Any]
    parameters: dict[str, tuple[str, tuple[int, ...]]]
    buffers: dict[str, tuple[str, tuple[int, ...]]]
    entries: list[Entry] = field(default_factory=list)
    notes: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    thinned: int = 0
    end: int = 0  # bytes of the sound records

    def record(self) -> dict[str, Any]:
        """The first record of the index."""
        return {
            "lossviz_training": VERSION, "model": self.model, "about": self.about,
            "parameters": self.parameters, "buffers": self.buffers,
        }  # fmt: skip

    def take(self, record: Mapping[str, Any]) -> None:
        """Add one more record. Raises ValueError, KeyError or TypeError if it makes no sense."""
        if "snapshot" in record:
            entry = _entry(record)
            if self.entries and entry.number <= self.entries[-1].number:
                raise ValueError(f"snapshot {entry.number} again")
            self.entries.append(entry)
        elif "note" in record:
            self.notes.append((_number(record["note"]), _mapping(record["details"])))
        elif record.get("thinned") is True:
            self.thinned += 1
            self.entries = self.entries[::2]
        elif "rewound" in record:
            step = _number(record["rewound"])
            self.entries = self.entries[:1] + [e for e in self.entries[1:] if e.step < step]
            self.notes = [(at, details) for at, details in self.notes if at < step]
        else:
            raise ValueError("no record of this index")


def read(folder: Path) -> History:
    """The history in ``folder``; a torn last record is ignored.

    Raises
    ------
    InputError
        If there is none, or it is damaged.
    """
    path = folder / NAME
    if not path.is_file():
        found = "no such folder" if not folder.exists() else "one without index.jsonl"
        found = "a file" if folder.is_file() else found
        raise InputError(f"{folder}: expected the folder of a training run, got {found}")
    if path.stat().st_size > LARGEST:
        raise InputError(f"{path}: expected at most {LARGEST:,} bytes of index")
    lines = path.read_bytes().splitlines(keepends=True)
    history, end = None, 0
    for number, line in enumerate(lines, start=1):
        record = _checked(line)
        if record is None:
            if number == len(lines):
                break
            raise InputError(f"{path}: line {number} is damaged")
        try:
            if history is None:
                history = _history(record)
            else:
                history.take(record)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path}: line {number}: {error!r:.80}") from None
        end += len(line)
    if history is None:
        raise InputError(f"{path}: expected the index of a training run, got no record")
    history.end = end
    return history


def append(folder: Path, record: Mapping[str, Any], end: int) -> int:
    """Put a record at byte ``end``, in the place of a torn one, and bring it to the disk; its end.

    Where a write failed or was interrupted half-way, the next one begins at the same place.
    """
    body = json.dumps(record, allow_nan=False)[:-1].encode()
    path = folder / NAME
    with open(path, "r+b" if path.exists() else "xb") as file:
        file.truncate(end)
        file.seek(end)
        file.write(body + b', "crc32": "%08x"}\n' % zlib.crc32(body))
        file.flush()
        os.fsync(file.fileno())
        return file.tell()


def plain(value: Any) -> Any:
    """What JSON can hold: numbers that are not finite as words, tensors of one number as numbers.

    Raises
    ------
    TypeError
        If there is no such form.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, str):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise TypeError(f"{type(value).__name__} is neither a number nor text")


def _checked(line: bytes) -> dict[str, Any] | None:
    match = _LINE.fullmatch(line.removesuffix(b"\n")) if line.endswith(b"\n") else None
    if match is None or zlib.crc32(match[1]) != int(match[2], 16):
        return None
    try:
        record = json.loads(match[1] + b"}")
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _history(record: Mapping[str, Any]) -> History:
    if record["lossviz_training"] != VERSION:
        raise ValueError(f"version {record['lossviz_training']!r:.20}, expected {VERSION}")
    parameters, buffers = (
        {name: _tensor(told) for name, told in _mapping(record[kind]).items()}
        for kind in ("parameters", "buffers")
    )
    return History(str(record["model"]), _mapping(record["about"]), parameters, buffers)


def _tensor(told: Any) -> tuple[str, tuple[int, ...]]:
    dtype, shape = told
    if not all(type(size) is int and 0 <= size < 2**63 for size in shape):
        raise ValueError(f"shape {shape!r:.40}")
    return str(dtype), tuple(shape)


def _entry(record: Mapping[str, Any]) -> Entry:
    number, call, size = (record[key] for key in ("snapshot", "call", "bytes"))
    if not all(type(whole) is int and whole >= 0 for whole in (number, call, size)):
        raise ValueError("expected whole numbers")
    if number >= MOST:
        raise ValueError(f"snapshot {number}")
    loss = float(record["loss"])
    return Entry(
        number, _number(record["step"]), loss, call, size, _mapping(record["details"])
    )  # fmt: skip


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"expected a finite number, got {value!r:.40}")
    return float(value)


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"expected names and values, got {type(value).__name__}")
    return value
