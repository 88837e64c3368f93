"""The UCI 8x8 handwritten digits (Alpaydin and Kaynak 1998), 1,797 images, bundled."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from compute.data import Images
from lossviz.resources import folder

TRAIN = 1437  # the first four fifths in file order are for training, the rest for testing


def load(name: str, split: str, root: Path | None) -> Images:
    """One split; ``name`` and ``root`` are those of every loader and not needed here."""
    with np.load(folder("assets") / "data" / "digits.npz", allow_pickle=False) as stored:
        images, labels = stored["images"], stored["labels"].astype(np.int64)
    part = slice(None, TRAIN) if split == "train" else slice(TRAIN, None)
    return Images(images[part, ..., None], labels[part], "digits", white=16)
