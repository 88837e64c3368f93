"""What is told of a place on the surface, and of a step of a path: names and values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lossviz.landscape import LOSS
from lossviz.viewer.between import displayed
from lossviz.viewer.critical import KINDS, columns, persistent
from lossviz.viewer.items import LABELS, Item
from lossviz.viewer.paths import Path, shown_paths
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from lossviz.viewer.text import one_line
from lossviz.viewer.ticks import number

if TYPE_CHECKING:
    from lossviz.viewer.picking_paths import PathHit

Rows = list[tuple[str, str]]
NUDGE = 1e-4  # of the width: how far beside a place the slope is measured
MOST_PATHS = 3  # of which it is told that a place is one of their steps


def value(scene: Scene, state: ViewState, index: int, name: str, place: np.ndarray) -> np.ndarray:
    """``(k,)`` a quantity as it is drawn at ``place (k, 2)``; at computed points what is stored"""
    log = scene.height_range(state, index).log and name == state.surface.height
    return displayed(scene.items[index], name, state, log=log).at(place)


def values(scene: Scene, state: ViewState, index: int, alpha: float, beta: float) -> Rows:
    """Every quantity of landscape ``index`` there."""
    at = np.array([[alpha, beta]])
    return [
        (one_line(name.replace("_", " ")), number(float(value(scene, state, index, name, at)[0])))
        for name in scene.items[index].surface.quantities
    ]


def read(scene: Scene, state: ViewState, index: int, alpha: float, beta: float) -> Rows:
    """Everything about a place: where it is, every quantity, the slope, what is near."""
    rows = [("α, β", f"{number(alpha)}, {number(beta)}")]
    rows += values(scene, state, index, alpha, beta)
    if (slope := gradient(scene, state, index, alpha, beta)) is not None:
        rows.append(("slope ∂α, ∂β", ", ".join(map(number, slope))))
        rows.append(("steepness", number(math.hypot(*slope))))
    return rows + _nearest(scene.items[index], state, alpha, beta)


def gradient(
    scene: Scene, state: ViewState, index: int, alpha: float, beta: float
) -> tuple[float, float] | None:
    """The derivatives of the height's quantity along alpha and beta, by differences as wide as one
    part in five thousand of the surface; None for labels, beside the surface and in holes."""
    name = state.surface.height
    if name in LABELS:
        return None
    found = []
    for side, (low, high) in enumerate(scene.items[index].own_box):
        ends = np.array([[alpha, beta]] * 2)
        if not low <= ends[0, side] <= high:
            return None
        ends[:, side] = np.clip(ends[0, side] + np.array([-1, 1]) * NUDGE * (high - low), low, high)
        below, above = value(scene, state, index, name, ends).tolist()
        found.append((above - below) / float(np.ptp(ends[:, side])))
    return (found[0], found[1]) if all(map(math.isfinite, found)) else None


def _nearest(item: Item, state: ViewState, alpha: float, beta: float) -> Rows:
    """The nearest of the critical points that persist, and how far it is."""
    if not item.landscape.critical_points:
        return []
    own = columns(item)
    some = np.flatnonzero(persistent(item, state) & (state.critical.border | ~own.border))
    if not some.size:
        return []
    with np.errstate(all="ignore"):
        away = np.hypot(*(own.places[some] - (alpha, beta)).T)
    best = int(away.argmin())
    kind = KINDS[int(own.kinds[some[best]])]
    x, y = map(number, own.places[some[best]].tolist())
    return [(f"nearest {kind}", f"{number(float(away[best]))} away, at {x}, {y}")]


def told(scene: Scene, state: ViewState, hit: PathHit) -> Rows:
    """Everything about a step of a path."""
    path, alpha, beta = hit.path, *hit.place
    at = np.array([hit.place])
    rows = [("", one_line(path.name)), *_of_step(path, hit.step)]
    rows.insert(2, ("α, β", f"{number(alpha)}, {number(beta)}"))
    here = float(value(scene, state, hit.index, LOSS, at)[0])
    return [*rows, ("loss on the surface", number(here))]


def _of_step(path: Path, step: int) -> Rows:
    if path.is_curve:
        return [("along", number(float(path.steps[step]))),
                ("loss", number(float(path.losses[step])))]  # fmt: skip
    return [("step", number(float(path.steps[step]))),
            ("own loss", number(float(path.losses[step]))),
            ("off the plane", number(float(path.off_plane[step])))]  # fmt: skip


def steps_at(item: Item, state: ViewState, alpha: float, beta: float) -> Rows:
    """The steps of paths that a place is, exactly."""

    def make() -> Rows:
        rows: Rows = []
        for path in shown_paths(item, state):
            same = np.flatnonzero((path.points == (alpha, beta)).all(axis=1))
            if same.size and len(rows) < 2 * MOST_PATHS and not path.is_curve:
                step, loss, off = (text for _, text in _of_step(path, int(same[0])))
                # Two rows: one would be shortened to the width of a label.
                rows.append((one_line(path.name), f"step {step}, off {off}"))
                rows.append(("own loss", loss))
        return rows

    key = state.trajectories.shown, state.trajectories.hidden
    return list(item.remembered(f"steps at {alpha!r}, {beta!r}", key, make))
