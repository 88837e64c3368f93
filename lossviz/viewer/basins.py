"""Basins of attraction of a landscape: those of its file, or a preview that is computed beside the
window; and a tint for each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from lossviz.landscape import BASIN, LOSS
from lossviz.viewer.critical import sought
from lossviz.viewer.items import Item
from lossviz.viewer.jobs import Job
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

Indices = NDArray[np.intp]

# Okabe and Ito 2008, "Color Universal Design", without black; sRGB. Blue and vermilion, which are
# the ends of the usual colour maps, come last.
PALETTE = np.array([
    [0xF0, 0xE4, 0x42], [0x00, 0x9E, 0x73], [0xCC, 0x79, 0xA7], [0xE6, 0x9F, 0x00],
    [0x56, 0xB4, 0xE9], [0xD5, 0x5E, 0x00], [0x00, 0x72, 0xB2],
], np.uint8)  # fmt: skip
MOST_TINTED = 2000  # of more basins neighbours may have one tint


@dataclass(frozen=True, eq=False)
class Regions:
    """``labels (n, m)``: which basin each grid point is in, −1 for none, and how many there are."""

    labels: Indices
    count: int
    preview: bool

    def __post_init__(self) -> None:
        self.labels.flags.writeable = False


def regions(item: Item) -> Regions | None:
    """The basins of a landscape's loss: those in its file, else the preview if it is there."""
    if BASIN not in item.surface.quantities:
        return item.basins.get(LOSS)
    found: Regions = item.remembered(
        "basins of the file", (), lambda: labelled(item.surface.quantities[BASIN])
    )
    return found


def shown(item: Item, state: ViewState) -> Regions | None:
    """The basins that are drawn."""
    found = regions(item) if state.critical.basins and not item.is_figure else None
    return found if found is not None and found.count else None


def labelled(values: NDArray[np.float64], preview: bool = False) -> Regions:
    """Numbers ``(n, m)``, equal within a basin, as labels from 0 on; NaN and Inf are in none."""
    known = np.isfinite(values)
    kept, places = np.unique(values[known], return_inverse=True)
    labels = np.full(values.shape, -1, np.intp)
    labels[known] = places
    return Regions(labels, kept.size, preview)


def tints(found: Regions) -> NDArray[np.uint8]:
    """``(count, 3)`` sRGB: of neighbours two different ones, all of them about as often.

    The first basin, that of the lowest loss, is drawn without its tint: its colours stay those of
    its values.
    """
    if found.count > MOST_TINTED:
        return PALETTE[np.arange(found.count) % len(PALETTE)]
    beside: list[set[int]] = [set() for _ in range(found.count)]
    for one, other in _neighbours(found.labels):
        beside[one].add(other)
        beside[other].add(one)
    chosen, used = np.zeros(found.count, np.intp), np.zeros(len(PALETTE), np.intp)
    for label, near in list(enumerate(beside))[1:]:
        taken = np.zeros(len(PALETTE), np.intp)
        for other in near:
            if 0 < other < label:
                taken[chosen[other]] = 1
        chosen[label] = np.lexsort((used, taken))[0]
        used[chosen[label]] += 1
    return PALETTE[chosen]


def _neighbours(labels: Indices) -> list[tuple[int, int]]:
    """Pairs of labels, the lower one first, of grid points beside each other or on a diagonal."""
    pairs = [
        np.stack([one.ravel(), other.ravel()])
        for one, other in (
            (labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1]),
            (labels[1:, 1:], labels[:-1, :-1]), (labels[1:, :-1], labels[:-1, 1:]),
        )
    ]  # fmt: skip
    found = np.sort(np.concatenate(pairs, axis=1), axis=0)
    found = np.unique(found[:, (found[0] >= 0) & (found[0] != found[1])], axis=1)
    return [(one, other) for one, other in found.T.tolist()]


def preview(item: Item) -> Regions:
    """The basins of the loss by the steepest of the 8 neighbours: wrong next to some borders."""
    own = item.landscape.critical_points
    known = own if sought(item) and own.quantity == LOSS else None
    # By name: no import of compute may be in the viewer, which starts without it.
    found = import_module("compute.basins").basins(item.surface, preview=True, found=known)
    return labelled(found.by_value().as_quantity(), preview=True)


def missing(scene: Scene, state: ViewState) -> list[Job]:
    """Landscapes whose basins are to be shown and not known."""
    return [
        Job("basins", item, item.basins, LOSS, partial(preview, item))
        for item in (scene.surfaces if state.critical.basins else [])
        if BASIN not in item.surface.quantities and LOSS not in item.basins
    ]
