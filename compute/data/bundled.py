"""Two small data sets that lossviz carries, so that everything can be tried without a download.

``digits``: the UCI 8x8 handwritten digits (Alpaydin and Kaynak 1998), 1,797 images. ``iris``: four
lengths of 150 flowers of three species (Fisher 1936, table I; Anderson 1935).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from compute.data.stored import Images, Table, split_table
from lossviz.resources import folder

TRAIN = 1437  # digits: the first four fifths in file order are for training, the rest for testing


def load(name: str, split: str, root: Path | None) -> Images | Table:
    """One split of ``name``; ``root`` is for downloads and not needed here."""
    with np.load(folder("assets") / "data" / f"{name}.npz", allow_pickle=False) as stored:
        arrays = {key: stored[key] for key in stored.files}
    labels = arrays["labels"].astype(np.int64)
    if name == "iris":  # 40 and 10 of each species
        return split_table(arrays["rows"].astype(np.float64), labels, split, classes=3)
    part = slice(None, TRAIN) if split == "train" else slice(TRAIN, None)
    return Images(arrays["images"][part, ..., None], labels[part], "digits", white=16)
