"""Critical points of a landscape: which of them are shown, and where they stand in the scene."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from lossviz.critical_points import CriticalPoint, PointKind
from lossviz.viewer.heights import displayed_mesh, mesh_key
from lossviz.viewer.items import Item
from lossviz.viewer.ranges import LOG_RATIO
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from lossviz.viewer.text import one_line
from lossviz.viewer.ticks import number

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]

KINDS: tuple[PointKind, ...] = get_args(PointKind)
PLURALS = ("minima", "saddles", "maxima", "degenerate")
BORDER = "on the border"
# Told apart by every kind of eye, and from the colour maps by their casing; sRGB.
COLORS = np.array(
    [[0x1E, 0x8A, 0xE6], [0x1B, 0x8A, 0x5A], [0xD0, 0x4E, 0x00], [0x6A, 0x4C, 0x93]], np.uint8
)
PERSISTENT = 1e-3  # of the range
MANY = 400  # points: of more only the outstanding ones have whole signs
LOG_UNIT = " (log loss)"


@dataclass(frozen=True, eq=False)
class Points:
    """Critical points as columns, in the order of the landscape."""

    places: Floats  # (k, 2) alpha, beta
    kinds: Indices  # (k,) into KINDS
    persistence: Floats  # (k,)
    border: Mask  # (k,)
    confidence: Floats  # (k,); NaN where it is not known


def columns(item: Item) -> Points:
    """The critical points of a landscape, read once."""

    def make() -> Points:
        own = item.landscape.critical_points
        return Points(
            np.array([(p.alpha, p.beta) for p in own], float).reshape(-1, 2),
            np.array([KINDS.index(p.kind) for p in own], np.intp),
            np.array([p.persistence for p in own], float),
            np.array([p.border for p in own], bool),
            np.array([math.nan if p.confidence is None else p.confidence for p in own], float),
        )

    return item.remembered("critical points", (), make)


def sought(item: Item) -> bool:
    """Whether the points come with what found them: their checks and their threshold."""
    own = item.landscape.critical_points
    return own.threshold > 0 or own.winding is not None


def in_log(item: Item) -> bool:
    """Whether persistence is a difference of logarithms, as where losses span two decades."""
    own = item.landscape.critical_points
    if sought(item):
        return own.log
    low, _, high = item.span(own.quantity) or (0.0, 0.0, 0.0)
    return low > 0 and math.log(high) - math.log(low) > math.log(LOG_RATIO)


def usual_threshold(item: Item) -> float:
    """The persistence of what stands out: the one that the points came with, or 0.1 % of the range
    where that is not known."""
    own = item.landscape.critical_points
    if sought(item):
        return own.threshold
    low, _, high = item.span(own.quantity) or (0.0, 0.0, 0.0)
    if in_log(item):
        low, high = math.log(low), math.log(high)
    return PERSISTENT * (high / 2 - low / 2) * 2


def threshold(item: Item, state: ViewState) -> float:
    """The least persistence that is shown."""
    asked = state.critical.persistence
    return usual_threshold(item) if asked is None else asked


def persistent(item: Item, state: ViewState) -> Mask:
    """``(k,)``: which points have a place on the surface, persist and are sure. At 0 all do.

    What lies on the border does too: there the window ends, and with it what persistence tells.
    """
    own, least = columns(item), threshold(item, state)
    sides = item.surface.alphas, item.surface.betas
    low, high = np.array([(axis[0], axis[-1]) for axis in sides]).T
    with np.errstate(invalid="ignore"):
        inside = ((own.places >= low) & (own.places <= high)).all(axis=1)
        sure = ~(own.confidence < state.critical.confidence)
        return inside & sure & ((own.persistence >= least) | (least == 0) | own.border)


def counts(item: Item, state: ViewState) -> list[tuple[str, int, int]]:
    """Name, shown, all of every kind that there is; what is on the border last."""
    own, kept = columns(item), persistent(item, state)
    found = [
        (name, int((kept & ~own.border & (own.kinds == kind)).sum()),
         int((~own.border & (own.kinds == kind)).sum()))
        for kind, name in enumerate(PLURALS)
    ]  # fmt: skip
    shown = int((kept & own.border).sum()) if state.critical.border else 0
    found.append((BORDER, shown, int(own.border.sum())))
    return [row for row in found if row[2]]


@dataclass(frozen=True, eq=False)
class Standing:
    """Points that are shown, the most persistent last: they are drawn over the others."""

    numbers: Indices  # (k,) among the landscape's points
    places: Floats  # (k, 3) in the scene


def standing(scene: Scene, state: ViewState, index: int, moving: bool = False) -> Standing:
    """Where the shown points of a landscape stand on its displayed surface."""
    item, own = scene.items[index], state.critical
    if not own.shown or not item.landscape.critical_points:
        return Standing(np.zeros(0, np.intp), np.zeros((0, 3)))

    def make() -> Standing:
        points = columns(item)
        kept = persistent(item, state) & (own.border | ~points.border)
        numbers = np.flatnonzero(kept)
        strength = points.persistence[numbers]
        numbers = numbers[np.argsort(np.nan_to_num(strength, nan=-1.0), kind="stable")]
        mesh = displayed_mesh(scene, state, index, moving=moving)
        places = item.place(points.places[numbers])
        found = np.column_stack([places, mesh.at(places)])
        known = np.isfinite(found).all(axis=1)
        return Standing(numbers[known], found[known])

    key = mesh_key(scene, state, index), own.border, own.persistence, own.confidence
    found: Standing = item.remembered(f"standing, moving {moving}", key, make)
    return found


def is_dense(scene: Scene, state: ViewState, index: int) -> bool:
    """Whether there are so many points that not every one has a whole sign."""
    return len(standing(scene, state, index).numbers) > MANY


def outstanding(scene: Scene, state: ViewState, index: int, apart: float) -> Mask:
    """``(k,)`` of the standing points: which have a whole sign.

    All if they are few. Else the most persistent ones, each at least about ``apart`` scene units
    from the others: measured in the plane, so that turning the camera changes nothing.
    """
    found = standing(scene, state, index)
    if not is_dense(scene, state, index):
        return np.ones(len(found.numbers), bool)
    apart = 2.0 ** (math.ceil(4 * math.log2(max(apart, 1e-6))) / 4)

    def make() -> Mask:
        kept, cells = np.zeros(len(found.numbers), bool), (found.places[:, :2] // apart).astype(int)
        taken: set[tuple[int, int]] = set()
        for which in range(len(cells) - 1, -1, -1):  # the most persistent is the last one
            x, y = cells[which].tolist()
            if (x, y) not in taken:
                kept[which] = True
                taken.update((x + i, y + j) for i in (-1, 0, 1) for j in (-1, 0, 1))
        return kept

    own = state.critical
    key = mesh_key(scene, state, index), own.border, own.persistence, own.confidence, apart
    kept: Mask = scene.items[index].remembered("outstanding points", key, make)
    return kept


def least_told(item: Item, state: ViewState) -> str:
    """The thresholds in words."""
    sure = f", confidence ≥ {state.critical.confidence:.2g}" * (state.critical.confidence > 0)
    return (
        f"persistence ≥ {number(float(f'{threshold(item, state):.3g}'))}"
        + LOG_UNIT * in_log(item)
        + sure
    )


def told(item: Item, point: CriticalPoint) -> list[tuple[str, str]]:
    """Everything about a point, in names and values."""
    where = " of the window, at its border" if point.border else ""
    rows = [
        ("", point.kind + where),
        ("α, β", f"{number(point.alpha)}, {number(point.beta)}"),
        (one_line(item.landscape.critical_points.quantity), number(point.value)),
        ("eigenvalues", f"{number(point.lambda_min)}, {number(point.lambda_max)}"),
        ("persistence", number(point.persistence) + LOG_UNIT * in_log(item)),
    ]
    more = {"moved": point.moved, "gradient": point.gradient_norm, "confidence": point.confidence,
            "position ±": point.position_error}  # fmt: skip
    return rows + [(name, number(value)) for name, value in more.items() if value is not None]
