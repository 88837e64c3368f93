"""MNIST's own file format, idx, plain or packed by gzip: four files directly in a folder.

Source: LeCun, Cortes and Burges, the MNIST database, "File formats": a magic number whose last byte
says how many dimensions follow, each as a big-endian 32-bit integer, then the bytes.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lossviz.errors import InputError

_SPLITS = {"train": "train", "test": "t10k"}
LARGEST = 1 << 30  # bytes unpacked: a small file can hold any number


def is_there(folder: Path, split: str) -> bool:
    """Whether the images of the split are in the folder."""
    return _found(folder, split, "images-idx3") is not None


def read(folder: Path, split: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images ``(N, H, W, 1)`` and labels ``(N,)`` of one split.

    Raises
    ------
    InputError
        If a file is missing or is not what its name says.
    """
    images, labels = (
        _array(folder, split, "images-idx3", 3),
        _array(folder, split, "labels-idx1", 1),
    )
    if len(images) != len(labels) or labels.max(initial=0) > 9:
        raise InputError(
            f"{folder}: expected {len(images):,} labels from 0 to 9 in the {split} split, "
            f"got {len(labels):,} up to {labels.max(initial=0)}"
        )
    return images[..., None], labels.astype(np.int64)


def _found(folder: Path, split: str, kind: str) -> Path | None:
    stem = f"{_SPLITS[split]}-{kind}-ubyte"
    return next((p for p in (folder / stem, folder / f"{stem}.gz") if p.is_file()), None)


def _array(folder: Path, split: str, kind: str, dimensions: int) -> NDArray[np.uint8]:
    path = _found(folder, split, kind)
    if path is None:
        raise InputError(f"{folder}: expected {_SPLITS[split]}-{kind}-ubyte beside the images")
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read: {' '.join(str(error).split())}") from None
    head = 4 + 4 * dimensions
    sizes = np.frombuffer(content[4:head], ">u4") if len(content) >= head else np.array([])
    shape = tuple(map(int, sizes))
    expected = head + int(np.prod(shape, dtype=object)) if shape else 0
    if content[:4] != bytes([0, 0, 8, dimensions]) or len(content) != expected:
        raise InputError(
            f"{path}: expected an idx file of bytes in {dimensions} dimensions, "
            f"got {content[:4].hex()} and {shape} in {len(content):,} bytes"
        )
    return np.frombuffer(content, np.uint8, offset=head).reshape(shape)
