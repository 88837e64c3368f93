"""Make ``assets/data/iris.npz`` from the copy of Fisher's table that scikit-learn carries.

Run by hand, in an environment with scikit-learn. It is Fisher's table as printed, not the UCI file,
in which two flowers (35 and 38) have wrong lengths.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris

OUTPUT = Path(__file__).resolve().parent / "data" / "iris.npz"

if __name__ == "__main__":
    iris = load_iris()
    assert (iris.data == np.round(iris.data, 1)).all()
    np.savez_compressed(OUTPUT, rows=iris.data, labels=iris.target.astype(np.uint8))
    print(OUTPUT, OUTPUT.stat().st_size, "bytes,", iris.data.shape)
