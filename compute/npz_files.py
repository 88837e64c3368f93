"""Npz files of anybody's: damage of every kind is told in one line, and none fills the memory."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from lossviz.errors import InputError

# A locked archive is a RuntimeError of zipfile, and an unknown compression one of its kinds.
DAMAGED = (
    zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, MemoryError, RuntimeError,
)  # fmt: skip


@contextmanager
def opened(path: str | Path, what: str, *, largest: int) -> Iterator[np.lib.npyio.NpzFile]:
    """The arrays in ``path``, by name; ``what`` says in errors what they should be.

    Raises
    ------
    InputError
        If it is no npz file, is damaged or unpacks to more than ``largest`` bytes: a small file can
        claim any size.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            claimed = sum(entry.file_size for entry in archive.infolist())
        if claimed > largest:
            raise InputError(f"{path}: unpacks to {claimed:,} bytes, expected at most {largest:,}")
        with np.load(path, allow_pickle=False) as stored:
            yield stored
    except DAMAGED as error:
        text = " ".join(str(error).split())[:160]
        raise InputError(f"{path}: expected an npz file of {what}: {text}") from None
