"""Two classes of points in the plane, within the unit disc: a network for them is seen whole.

``spirals``: two arms of one and a half turns, one the other turned by half a turn (after Lang and
Witbrock 1988). ``swiss_roll``: the section of the roll of Tenenbaum et al. 2000, one arm from
radius 1/3 to 1 in one and a half turns; the classes are the inner and the outer half of its turns.

1,000 points a split, half of each class, with Gaussian noise; always the same ones.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from compute.data.stored import Table

COUNT = 1000  # points a split
NOISE = 0.02
TURNS = 1.5
_SEEDS = {"train": 0, "test": 1}


def load(name: str, split: str, root: Path | None) -> Table:
    """One split of ``name``; ``root`` is for downloads and not needed here."""
    random = np.random.default_rng(_SEEDS[split])
    labels = np.arange(COUNT) % 2
    along = random.random(COUNT)  # from the inner end of an arm to the outer
    if name == "spirals":
        # The square root spreads the points evenly over the disc, not over the angle.
        radius, angle = np.sqrt(along), 2 * np.pi * TURNS * np.sqrt(along) + np.pi * labels
    else:
        along = (along + labels) / 2
        radius, angle = (1 + 2 * along) / 3, 2 * np.pi * TURNS * along
    points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return Table(points + NOISE * random.standard_normal((COUNT, 2)), labels, classes=2)
