"""Images from an npz file: ``{split}_images`` uint8 NHWC, ``{split}_labels``, or without split."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from compute import npz_files
from compute.data.stored import Images
from lossviz.errors import InputError

MOST_CLASSES = 1_000_000
LARGEST = 8 << 30  # bytes unpacked


def load(path: str, split: str, root: Path | None) -> Images:
    """Read one split; ``root`` is for downloads and not needed here.

    Raises
    ------
    InputError
        If the file is missing, no npz, too large when unpacked, or its arrays do not fit.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: expected an npz file of images, got no such file")
    with npz_files.opened(path, "images", largest=LARGEST) as stored:
        images, labels = (
            _array(stored, f"{split}_{kind}", kind, path) for kind in ("images", "labels")
        )
    return _checked(images, labels, path)


def _array(stored: np.lib.npyio.NpzFile, name: str, short: str, path: str) -> np.ndarray:
    for key in (name, short):
        if key in stored.files:
            return np.asarray(stored[key])
    raise InputError(f"{path}: expected an array {name} or {short}, got {', '.join(stored.files)}")


def _checked(images: np.ndarray, labels: np.ndarray, path: str) -> Images:
    if images.ndim == 3:
        images = images[..., None]
    if images.dtype != np.uint8 or images.ndim != 4:
        raise InputError(
            f"{path}: expected images as uint8 of shape (N, H, W, C), "
            f"got {images.dtype} {images.shape}"
        )
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu":
        raise InputError(
            f"{path}: expected {len(images)} whole labels, got {labels.dtype} {labels.shape}"
        )
    if 0 in images.shape[1:]:
        raise InputError(f"{path}: expected images with pixels, got shape {images.shape}")
    if len(labels) and (int(labels.min()) < 0 or int(labels.max()) >= MOST_CLASSES):
        low, high = int(labels.min()), int(labels.max())
        raise InputError(f"{path}: expected labels from 0 to {MOST_CLASSES}, got {low} to {high}")
    # 32x32 colour images are taken for CIFAR-10's; the provenance and the report say so.
    kind = "cifar10" if images.shape[1:] == (32, 32, 3) else "none"
    return Images(images, labels.astype(np.int64), kind)
