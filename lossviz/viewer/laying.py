"""Paths put on the displayed surface: lines in the scene, and what of them is reached when."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np
from numpy.typing import NDArray

from lossviz.landscape import LOSS
from lossviz.viewer.camera import View
from lossviz.viewer.heights import Heights, displayed_mesh, mesh_key
from lossviz.viewer.items import Item
from lossviz.viewer.paths import (
    MOST_DOTS,
    Path,
    color_span,
    coloring,
    colors,
    drawn_until,
    shown_paths,
    shown_span,
)
from lossviz.viewer.polylines import (
    Lines,
    Seen,
    clip,
    fits,
    laid,
    line,
    sparse,
    thin,
    together,
    unrepeated,
    with_heights,
)
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

BUDGET, MOVING_BUDGET = 150_000, 30_000  # points of all lines over one surface, about
MOST_LENGTH = 2000.0  # scene units of all lines: more covers everything several times
COARSEST = 0.1  # scene units: thinning goes no farther
ROUGH = np.array([0.01, 0.01])  # scene units: what is finer does not count as length
MOST_DROPS = 60  # lines from a path's true losses down to the surface
NOT_PLAYED = -1.0  # when a curve is reached


@dataclass(frozen=True, eq=False)
class Laid:
    """Lines ``(k, 3)`` in the scene, and the places that have a sign."""

    surface: Lines  # at the displayed height
    true: Lines  # at each step's own loss
    drops: Lines  # from there to the surface
    starts: Lines  # one point each; values are colours
    dots: Lines
    steps: Floats  # for each point of the surface's lines: which of all steps, see ``Steps``
    true_steps: Floats
    whole: bool  # nothing is thinned: the same from wherever it is seen
    number: int = field(default_factory=count().__next__)  # id() would be given out again

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(len(part.points) for part in (self.surface, self.true, self.starts))


@dataclass(frozen=True, eq=False)
class Steps:
    """The steps of all shown paths of a landscape, one after the other."""

    paths: list[Path]
    points: Floats  # (k, 2) scene x, y
    colors: Floats  # (k,)
    times: Floats  # (k,) shares of what is played

    @property
    def ends(self) -> NDArray[np.int64]:
        """``(paths,)``: the number of the step after each path's last one."""
        return np.cumsum([len(path.points) for path in self.paths], dtype=np.int64)

    @property
    def lines(self) -> Lines:
        """One polyline a path; values are numbers of steps."""
        first = np.zeros(len(self.points), bool)
        starts = np.append(0, self.ends[:-1])
        first[starts[starts < len(first)]] = True
        return Lines(self.points, np.arange(len(self.points), dtype=float), first)

    def dressed(self, lines: Lines) -> Lines:
        """Lines whose values are numbers of steps, with colours and times instead."""
        return replace(lines, values=_between(self.colors, lines.values),
                       times=_between(self.times, lines.values))  # fmt: skip


def _between(values: Floats, at: Floats) -> Floats:
    """``values (k,)`` at the fractional places ``at``."""
    if not len(values):
        return np.zeros(len(at))
    low = at.astype(np.int64)
    share = at - low
    return values[low] * (1 - share) + values[np.minimum(low + 1, len(values) - 1)] * share


def steps(scene: Scene, state: ViewState, index: int) -> Steps:
    """Everything that is shown over a landscape."""
    item, span = scene.items[index], shown_span(scene, state)
    paths = shown_paths(item, state)
    quantity, shades = coloring(item, state), color_span(scene, state, index)
    with np.errstate(all="ignore"):
        parts = [(item.place(path.points), colors(path, quantity, shades), _times(path, span))
                 for path in paths]  # fmt: skip
    points, tints, times = zip(*parts, strict=True) if parts else ((), (), ())
    return Steps(paths, np.concatenate([np.zeros((0, 2)), *points]),
                 np.concatenate([np.zeros(0), *tints]),
                 np.concatenate([np.zeros(0), *times]))  # fmt: skip


def _times(path: Path, span: tuple[float, float] | None) -> Floats:
    if path.is_curve or span is None:
        return np.full(len(path.points), NOT_PLAYED)
    low, width = span[0] / 2, span[1] / 2 - span[0] / 2
    return (path.times / 2 - low) / width if width > 0 else np.zeros(len(path.points))


def every(item: Item, state: ViewState) -> int:
    """Only every so many-th step is drawn: 1 but for paths that would cover everything."""

    def make() -> int:
        paths = shown_paths(item, state)
        with np.errstate(all="ignore"):
            all_ = [line(item.place(path.points)) for path in paths]
        x, y = item.extent
        lines = together(all_).without_gaps()
        lines = replace(lines, points=np.clip(lines.points, [-x, -y], [x, y]))
        if lines.length > MOST_LENGTH:
            lines = unrepeated(thin(lines, ROUGH), ROUGH)
        return max(1, math.ceil(lines.length / MOST_LENGTH))

    found: int = item.remembered("every step", (item.key, _shown(state)), make)
    return found


def _shown(state: ViewState) -> Hashable:
    return state.trajectories.shown, state.trajectories.hidden


def seen(item: Item, top: float, view: View) -> Seen:
    """What of a landscape's plane is seen, a little more than that, and how large a pixel is there;
    both in powers of two, so that a small movement changes nothing."""
    x, y = item.extent
    pixel = 2.0 ** math.floor(math.log2(view.per_pixel))
    corners = [(a, b) for a in (0.0, view.width) for b in (0.0, view.height)]
    rays = [view.ray(*corner) for corner in corners]
    found = []
    for origin, way in rays:
        with np.errstate(all="ignore"):
            away = np.sort((np.array([0.0, top]) - origin[2]) / way[2])
        # Up or down as all the others, and not from the surface away: else it is seen to its end.
        if not (np.isfinite(away).all() and away[1] > 0 and way[2] * rays[0][1][2] > 0):
            return Seen((-x, -y), (x, y), pixel)
        found += [origin[:2] + max(far, 0.0) * way[:2] for far in away]
    low, high = np.min(found, axis=0), np.max(found, axis=0)
    step = 2.0 ** math.ceil(math.log2(max((high - low).max(), 1e-9)) - 1)
    low, high = np.floor(low / step) * step, np.ceil(high / step) * step
    a, b = np.clip([low, high], [-x, -y], [x, y]).tolist()
    return Seen(tuple(a), tuple(b), pixel)


def laid_paths(
    scene: Scene, state: ViewState, index: int, view: View | None, *, moving: bool = False
) -> Laid:
    """The paths of a landscape as they are drawn in a view, laid once."""
    item = scene.items[index]
    known: dict[Hashable, Laid] = item.remembered(
        f"paths, moving {moving}", key(scene, state, index), dict
    )
    if None in known:  # whole, or laid while moving
        return known[None]
    place = None if view is None or moving else seen(item, scene.top(state), view)
    if place not in known:
        known.clear()
        found = lay(scene, state, index, moving, place)
        known[None if found.whole or moving else place] = found
        return found
    return known[place]


def key(scene: Scene, state: ViewState, index: int) -> Hashable:
    """What ``lay`` depends on beside the view."""
    item = scene.items[index]
    return (mesh_key(scene, state, index), scene.floor(state), coloring(item, state),
            color_span(scene, state, index), _shown(state), true_loss_shown(state),
            shown_span(scene, state))  # fmt: skip


def lay(
    scene: Scene, state: ViewState, index: int, moving: bool = False, place: Seen | None = None
) -> Laid:
    """Put every shown path of a landscape on its displayed surface."""
    own, mesh = steps(scene, state, index), displayed_mesh(scene, state, index, moving=moving)
    budget = MOVING_BUDGET if moving else BUDGET
    part = every(scene.items[index], state)
    lines = sparse(own.lines, part)
    flat = laid(lines, mesh.xs, mesh.ys, budget, place)
    found = with_heights(flat, mesh.at(flat.points))
    true = drops = together([], 3)
    if true_loss_shown(state):
        heights = _true_heights(scene, state, index, own, mesh)
        low, high = _box(scene, state, index, mesh)
        true = _true(lines, heights, low, high, budget, place)
        drops = clip(_drops(own, heights, mesh), low, high)
    starts, dots = (_standing(own, some, mesh) for some in _signs(own))
    return Laid(
        own.dressed(found), own.dressed(true), own.dressed(drops), starts, dots, found.values,
        true.values, whole=part == 1 and fits(lines, mesh.xs, mesh.ys, budget),
    )  # fmt: skip


def true_loss_shown(state: ViewState) -> bool:
    """Only where heights are losses: then a step's own loss has a height too."""
    return state.trajectories.true_loss and state.surface.height == LOSS


def _signs(own: Steps) -> tuple[Indices, Indices]:
    """The steps where trajectories start, and those between of the short ones."""
    starts, dots = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for path, end in zip(own.paths, own.ends.tolist(), strict=True):
        if path.is_curve:
            continue
        known = np.flatnonzero(path.known) + end - len(path.points)
        starts.append(known[:1])
        if len(path.points) <= MOST_DOTS:
            dots.append(known[1:-1])
    return np.concatenate(starts), np.concatenate(dots)


def _standing(own: Steps, some: Indices, mesh: Heights) -> Lines:
    """Some steps as a line each, on the surface."""
    alone = Lines(own.points[some], some.astype(float), np.ones(some.size, bool))
    return own.dressed(with_heights(alone, mesh.at(alone.points)))


def ends(scene: Scene, state: ViewState, index: int, moving: bool = False) -> Lines:
    """Where the trajectories are at the present step, a line of one point each."""
    item, now = scene.items[index], drawn_until(scene, state)
    mesh = displayed_mesh(scene, state, index, moving=moving)
    paths = [path for path in shown_paths(item, state) if not path.is_curve]
    last = [path.last if now is None else path.at(now) for path in paths if len(path.points)]
    quantity, shades = coloring(item, state), color_span(scene, state, index)
    with np.errstate(all="ignore"):
        found = together([line(item.place(one.points), colors(one, quantity, shades))
                          for one in last])  # fmt: skip
    return with_heights(found, mesh.at(found.points))


def _box(scene: Scene, state: ViewState, index: int, mesh: Heights) -> tuple[Floats, Floats]:
    """What the axes enclose."""
    x, y = scene.items[index].extent
    return np.array([-x, -y, scene.floor(state)]), np.array([x, y, mesh.top])


def _true_heights(scene: Scene, state: ViewState, index: int, own: Steps, mesh: Heights) -> Floats:
    """``(k,)`` scene z of every step's own loss; NaN for curves and where it has no height."""
    span = scene.height_range(state, index)
    losses = [np.full(len(path.points), np.nan) if path.is_curve else path.losses
              for path in own.paths]  # fmt: skip
    values = np.concatenate([np.zeros(0), *losses])
    with np.errstate(all="ignore"):
        no_height = ~np.isfinite(values) | (span.log & ~(values > 0))
        return np.where(no_height, np.nan, span.unit(values) * mesh.top)


def _true(
    lines: Lines, heights: Floats, low: Floats, high: Floats, budget: int, place: Seen | None
) -> Lines:
    """Paths at their own losses, within the axes."""
    points = np.column_stack([lines.points, heights[lines.values.astype(np.int64)]])
    lines = found = replace(lines, points=points).without_gaps()
    quantum = np.full(3, ROUGH[0] if place is None else place.pixel)
    while len(found.points) > budget and quantum[0] < COARSEST:
        lines = thin(lines, quantum)
        found, quantum = unrepeated(lines, quantum), 2 * quantum
    return clip(found, low, high)


def _drops(own: Steps, heights: Floats, mesh: Heights) -> Lines:
    """Lines from some steps' own losses down to the surface."""
    some = [np.zeros(0, np.int64)]
    for path, end in zip(own.paths, own.ends.tolist(), strict=True):
        size = len(path.points)
        if not path.is_curve:
            few = np.unique(np.linspace(0, size - 1, min(size, MOST_DROPS)).astype(np.int64))
            some.append(few + end - size)
    which = np.concatenate(some)
    own_points = own.points[which]
    over = [np.column_stack([own_points, z]) for z in (heights[which], mesh.at(own_points))]
    pairs = np.stack(over, axis=1).reshape(-1, 3)
    return Lines(pairs, np.repeat(which, 2).astype(float), np.arange(len(pairs)) % 2 == 0)
