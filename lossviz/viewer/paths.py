"""Paths over a surface made ready to draw: trajectories, and curves that lie in its plane."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np
from numpy.typing import NDArray

from lossviz.landscape import LOSS
from lossviz.viewer.heights import Heights, moving_stride
from lossviz.viewer.inks import inks, line_count
from lossviz.viewer.polylines import Lines, clip, laid, line, together, with_heights
from lossviz.viewer.scene import Item, Range, Scene
from lossviz.viewer.state import ViewState

Floats = NDArray[np.float64]

BUDGET, MOVING_BUDGET = 150_000, 30_000  # points of all lines over one surface, about
MOST_DOTS = 48  # steps of a path that are dots each
MOST_DROPS = 60  # lines from a path's true losses down to the surface
_COLUMNS = ("points", "losses", "steps", "off_plane")
MISSING, INK = -1.0, 2.0  # colour values: no number; from here on the paths' own inks


@dataclass(frozen=True, eq=False)
class Path:
    """A trajectory, or a curve over the surface."""

    name: str
    points: Floats  # (k, 2) alpha, beta
    losses: Floats  # (k,)
    steps: Floats  # (k,)
    off_plane: Floats  # (k,)
    is_curve: bool
    number: int  # among all of the landscape, the curves first: chooses its ink

    @property
    def known(self) -> NDArray[np.bool_]:
        """``(k,)``: where it has a place."""
        return np.asarray(np.isfinite(self.points).all(axis=1))


def all_paths(item: Item) -> list[Path]:
    """Everything that runs over the surface of a landscape, less its lines of steepest descent."""
    own = item.landscape
    found = []
    for number, curve in enumerate(own.curves):
        if curve.points is not None:
            still = np.zeros(curve.alphas.size)
            found.append(Path(curve.name, curve.points, curve.quantities[LOSS], curve.alphas, still,
                              True, number))  # fmt: skip
    runs = [run for run in own.trajectories if run.kind != "descent"]
    for number, run in enumerate(runs, len(own.curves)):
        found.append(
            Path(run.name, run.points, run.losses, run.steps, run.off_plane, False, number)
        )
    return found


def shown_paths(item: Item, state: ViewState) -> list[Path]:
    """Those that the view does not hide."""
    if not state.trajectories.shown:
        return []
    hidden = set(state.trajectories.hidden)
    return [path for path in all_paths(item) if path.name not in hidden]


def played(paths: Sequence[Path], share: float) -> list[Path]:
    """Trajectories up to a share of their steps, all from the same first to the same last one;
    between two steps a point between them is the last. Curves stay as they are.

    Steps that are no numbers or go back are counted instead.
    """
    if share >= 1:
        return list(paths)
    times = {id(path): _times(path) for path in paths if not path.is_curve and len(path.points)}
    if not times:
        return list(paths)
    low = min(float(time[0]) for time in times.values())
    high = max(float(time[-1]) for time in times.values())
    now = low + share * (high - low)
    return [
        _until(path, times[id(path)], now) if id(path) in times else path for path in paths
    ]  # fmt: skip


def _times(path: Path) -> Floats:
    with np.errstate(invalid="ignore"):
        forward = np.isfinite(path.steps).all() and (np.diff(path.steps) > 0).all()
    return path.steps if forward else np.arange(len(path.steps), dtype=float)


def _until(path: Path, times: Floats, now: float) -> Path:
    """The path to ``now``; its first point alone where that is earlier."""
    at = float(np.interp(now, times, np.arange(times.size)))
    whole = int(at)
    if at == whole:
        cut = {name: getattr(path, name)[: whole + 1] for name in _COLUMNS}
    else:
        with np.errstate(all="ignore"):
            cut = {
                name: np.concatenate([
                    values[: whole + 1],
                    [values[whole] + (at - whole) * (values[whole + 1] - values[whole])],
                ])
                for name in _COLUMNS
                for values in [getattr(path, name)]
            }  # fmt: skip
    return replace(path, **cut)


def ink(item: Item, path: Path) -> NDArray[np.uint8]:
    """``(3,)`` uint8 sRGB: the path's own colour."""
    return inks(line_count(item.landscape))[path.number]


def coloring(item: Item, state: ViewState) -> str:
    """What the trajectories' colours show: one of PATH_COLORS without "auto"."""
    asked = state.trajectories.color
    if asked != "auto":
        return asked
    runs = [path for path in all_paths(item) if not path.is_curve]
    return "run" if len(runs) > 1 else "step"


def color_span(scene: Scene, state: ViewState, index: int) -> Range:
    """What the paths' colours span: the surface's own range where both show the loss."""
    item = scene.items[index]
    quantity = coloring(item, state)
    if quantity == "loss" and state.surface.color == LOSS:
        return scene.color_range(state, index)
    runs = [path for path in shown_paths(item, state) if not path.is_curve]
    per_run = {"loss": "losses", "step": "steps", "off_plane": "off_plane"}.get(quantity)
    values = np.concatenate([getattr(path, per_run) for path in runs if per_run] or [np.zeros(0)])
    values = values[np.isfinite(values)]
    if not values.size:
        return Range(0.0, 1.0, False)
    low, high = float(values.min()), float(values.max())
    if quantity == "off_plane":
        low = 0.0
    log = quantity == "loss" and low > 0 and high / 100 > low
    return Range(low, high if high > low else low + 1.0, log)


def _colors(path: Path, quantity: str, span: Range) -> Floats:
    """``(k,)``: a share of the ramp, MISSING, or INK and the path's number."""
    if path.is_curve or quantity == "run":
        return np.full(len(path.points), INK + path.number)
    values = {"step": path.steps, "loss": path.losses, "off_plane": path.off_plane}[quantity]
    with np.errstate(all="ignore"):
        return np.where(np.isfinite(values), np.clip(span.unit(values), 0, 1), MISSING)


@dataclass(frozen=True, eq=False)
class Laid:
    """Lines ``(k, 3)`` in the scene, and the places that have a sign."""

    surface: Lines  # at the displayed height
    true: Lines  # at each step's own loss
    drops: Lines  # from there to the surface
    starts: Lines  # one point each; values are colours
    ends: Lines
    dots: Lines
    number: int = field(default_factory=count().__next__)  # id() would be given out again

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        parts = (self.surface, self.true, self.starts)
        return not any(len(part.points) for part in parts)


def key(scene: Scene, state: ViewState, index: int, moving: bool) -> Hashable:
    """What ``lay`` depends on."""
    item, own, paths = scene.items[index], state.surface, state.trajectories
    heights = own.height, own.smooth, scene.height_range(state, index), scene.top(state)
    span = color_span(scene, state, index)
    return (item.key, heights, scene.floor(state), coloring(item, state), span, paths.hidden,
            paths.true_loss, paths.played, moving)  # fmt: skip


def lay(scene: Scene, state: ViewState, index: int, moving: bool = False) -> Laid:
    """Put every shown path of a landscape on its displayed surface."""
    item = scene.items[index]
    mesh = Heights(scene, state, index)
    if moving:
        mesh = Heights(scene, state, index, moving_stride(mesh.xs.size, mesh.ys.size))
    quantity, span = coloring(item, state), color_span(scene, state, index)
    plane: list[Lines] = []
    true: list[Lines] = []
    drops: list[Lines] = []
    starts: list[Lines] = []
    ends: list[Lines] = []
    dots: list[Lines] = []
    for path in played(shown_paths(item, state), state.trajectories.played):
        with np.errstate(all="ignore"):
            points, colors = item.place(path.points), _colors(path, quantity, span)
        plane.append(line(points, colors))
        known = np.flatnonzero(path.known)
        if known.size and not path.is_curve:
            starts.append(line(points[known[:1]], colors[known[0]]))
            ends.append(line(points[known[-1:]], colors[known[-1]]))
            if len(points) <= MOST_DOTS:
                dots += [line(points[i : i + 1], colors[i]) for i in known[1:-1]]
        if true_loss_shown(state) and not path.is_curve:
            own, down = _true(scene, state, index, path, points, colors, mesh)
            true.append(own)
            drops.append(down)
    found = laid(together(plane), mesh.xs, mesh.ys, MOVING_BUDGET if moving else BUDGET)

    def standing(lines: Lines) -> Lines:
        return with_heights(lines, mesh.at(lines.points))

    return Laid(
        standing(found), together(true, 3), together(drops, 3), standing(together(starts)),
        standing(together(ends)), standing(together(dots)),
    )  # fmt: skip


def true_loss_shown(state: ViewState) -> bool:
    """Only where heights are losses: then a step's own loss has a height too."""
    return state.trajectories.true_loss and state.surface.height == LOSS


def _true(
    scene: Scene, state: ViewState, index: int, path: Path, points: Floats, colors: Floats,
    mesh: Heights,
) -> tuple[Lines, Lines]:  # fmt: skip
    """The path at its own losses, and lines from there to the surface, all within the axes."""
    x, y = scene.items[index].extent
    low = np.array([-x, -y, scene.floor(state)])
    high = np.array([x, y, mesh.top])
    span = scene.height_range(state, index)
    with np.errstate(all="ignore"):
        no_height = ~np.isfinite(path.losses) | (span.log & ~(path.losses > 0))
        z = np.where(no_height, np.nan, span.unit(path.losses) * mesh.top)
    own = line(np.column_stack([points, z]), colors)
    some = np.unique(np.linspace(0, len(points) - 1, min(len(points), MOST_DROPS)).astype(int))
    ends = [np.column_stack([points[some], height]) for height in (z[some], mesh.at(points[some]))]
    pairs = np.stack(ends, axis=1).reshape(-1, 3)
    first = np.arange(len(pairs)) % 2 == 0
    down = Lines(pairs, np.repeat(colors[some], 2), first)
    return clip(own, low, high), clip(down, low, high)
