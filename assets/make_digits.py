"""Make ``assets/data/digits.npz`` from the copy of the UCI digits that scikit-learn carries.

Run by hand, in an environment with scikit-learn.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

OUTPUT = Path(__file__).resolve().parent / "data" / "digits.npz"

if __name__ == "__main__":
    digits = load_digits()
    images = digits.images.astype(np.uint8)  # (1797, 8, 8), 0 white to 16 black
    assert (images == digits.images).all()
    np.savez_compressed(OUTPUT, images=images, labels=digits.target.astype(np.uint8))
    print(OUTPUT, OUTPUT.stat().st_size, "bytes,", images.shape)
