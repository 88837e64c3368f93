"""Which samples of a data set: all, the first, or a seeded choice of balanced classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lossviz.errors import UsageError

Labels = NDArray[np.int64] | NDArray[np.float64]


def choose(
    labels: Labels, samples: str, seed: int, *, at_most: bool = False
) -> tuple[NDArray[np.int64], str]:
    """Which samples, as indices ``(k,)``, and how that is told in the provenance.

    Real-valued labels have no classes: a number then is a seeded choice among all. ``at_most``
    takes all samples where there are fewer than asked for.

    Raises
    ------
    UsageError
        If the choice cannot be read or asks for more samples than there are.
    """
    if samples == "all":
        return np.arange(len(labels)), "all"
    kind, _, text = samples.rpartition(":")
    if kind not in ("", "first") or not text.isdecimal() or not int(text[:12]) > 0:
        raise UsageError(f"samples: expected all, a number or first:NUMBER, got {samples!r:.60}")
    count = int(text[:12])
    if at_most and count >= len(labels):
        return np.arange(len(labels)), "all"
    if count > len(labels):
        raise UsageError(f"samples: expected at most {len(labels):,}, got {count:,}")
    if kind == "first":
        return np.arange(count), f"first:{count}"
    if labels.dtype.kind == "f":
        random = np.random.default_rng(seed)
        chosen = random.choice(len(labels), count, replace=False)
        return np.sort(chosen), f"random:{count} seed {seed}"
    return _balanced(labels, count, seed), f"balanced:{count} seed {seed}"


def _balanced(labels: Labels, count: int, seed: int) -> NDArray[np.int64]:
    """Equally many of each class, drawn without replacement; in file order."""
    random = np.random.default_rng(seed)
    # One of each class in turn, until enough are drawn; small classes run out and drop out.
    rounds = [random.permutation(np.nonzero(labels == label)[0]) for label in np.unique(labels)]
    rank = np.concatenate([np.arange(len(members)) for members in rounds])
    tie = random.random(rank.size)  # which classes give one more, if the number does not divide
    members = np.concatenate(rounds)
    return np.sort(members[np.lexsort((tie, rank))][:count])
