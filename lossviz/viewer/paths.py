"""Paths over a surface made ready to draw: trajectories, and curves that lie in its plane."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count

import numpy as np
from numpy.typing import NDArray

from lossviz.landscape import LOSS, Landscape
from lossviz.viewer import ticks
from lossviz.viewer.heights import Heights, displayed_mesh, mesh_key
from lossviz.viewer.inks import inks, line_count
from lossviz.viewer.polylines import Lines, clip, laid, line, together, with_heights
from lossviz.viewer.ranges import Range
from lossviz.viewer.scene import Item, Scene
from lossviz.viewer.state import ViewState

Floats = NDArray[np.float64]

BUDGET, MOVING_BUDGET = 150_000, 30_000  # points of all lines over one surface, about
MOST_DOTS = 48  # steps of a path that are dots each
MOST_DROPS = 60  # lines from a path's true losses down to the surface
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

    @cached_property
    def times(self) -> Floats:
        """``(k,)``: its steps; counted instead if one is no number or they go back."""
        with np.errstate(all="ignore"):
            forward = np.isfinite(self.steps).all() and (np.diff(self.steps) > 0).all()
        return self.steps if forward else np.arange(len(self.steps), dtype=float)

    def values_at(self, now: float) -> tuple[float, float]:
        """Loss and distance off the plane at step ``now``, as ``played`` has them at its end."""
        loss, off_plane = (_upto(values, self.times, now)[-1] for values in
                           (self.losses, self.off_plane))  # fmt: skip
        return float(loss), float(off_plane)


def all_paths(item: Item) -> list[Path]:
    """Everything that runs over the surface of a landscape, less its lines of steepest descent."""
    found: list[Path] = item.remembered("paths", item.key, lambda: _paths(item.landscape))
    return found


def _paths(own: Landscape) -> list[Path]:
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


def runs(item: Item, state: ViewState) -> list[Path]:
    """The trajectories among what is shown that have any step."""
    return [path for path in shown_paths(item, state) if not path.is_curve and len(path.points)]


def shown_span(scene: Scene, state: ViewState) -> tuple[float, float] | None:
    """The first and the last step of all shown trajectories; None without any."""
    ends = [path.times[[0, -1]].tolist() for item in scene.items for path in runs(item, state)]
    if not ends:
        return None
    return min(first for first, _ in ends), max(last for _, last in ends)


def step_told(span: tuple[float, float], now: float) -> str:
    """A step as text, with the decimals that stepping through the span needs."""
    part = (span[1] / 2 - span[0] / 2) / 50
    if part < 1e-4 or max(-span[0], span[1]) >= 1e9:
        return ticks.number(now)
    return f"{now:.{max(0, -math.floor(math.log10(part)))}f}".replace("-", "−")


def step_now(scene: Scene, state: ViewState) -> float | None:
    """The step up to which trajectories are drawn, one for all landscapes; None without any."""
    span = shown_span(scene, state)
    if span is None:
        return None
    (low, high), share = span, state.trajectories.played
    return min(max(low * (1 - share) + high * share, low), high)


def played(paths: Sequence[Path], now: float) -> list[Path]:
    """Trajectories up to step ``now``: between two steps a point between them is the last, and one
    that begins later is its first point alone. Curves stay as they are.
    """
    return [path if path.is_curve or not len(path.points) else _until(path, now) for path in paths]


def _until(path: Path, now: float) -> Path:
    points, losses, steps, off_plane = (
        _upto(values, path.times, now)
        for values in (path.points, path.losses, path.steps, path.off_plane)
    )
    return replace(path, points=points, losses=losses, steps=steps, off_plane=off_plane)


def _upto(values: Floats, times: Floats, now: float) -> Floats:
    """``values (k, ...)`` at ``times (k,)`` up to ``now``; the first alone where that is
    earlier."""
    whole = max(int(np.searchsorted(times, now, "right")) - 1, 0)
    until = values[: whole + 1]
    if now <= times[whole] or whole + 1 == times.size:
        return until
    with np.errstate(all="ignore"):
        part = (now / 2 - times[whole] / 2) / (times[whole + 1] / 2 - times[whole] / 2)
        between = values[whole] * (1 - part) + values[whole + 1] * part
    return np.concatenate([until, [between]])


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
    ends: Lines  # where the path has a place at the present step
    dots: Lines
    number: int = field(default_factory=count().__next__)  # id() would be given out again

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        parts = (self.surface, self.true, self.starts)
        return not any(len(part.points) for part in parts)


def drawn_until(scene: Scene, state: ViewState) -> float | None:
    """The step at which trajectories end before their end; None where they are whole."""
    return step_now(scene, state) if state.trajectories.played < 1 else None


def drawn_paths(scene: Scene, state: ViewState, index: int) -> list[Path]:
    """What is shown, up to the present step."""
    paths, now = shown_paths(scene.items[index], state), drawn_until(scene, state)
    return paths if now is None else played(paths, now)


def end_told(scene: Scene, state: ViewState) -> str:
    """What stands where trajectories end: their end, or the present step."""
    span, now = shown_span(scene, state), drawn_until(scene, state)
    return "end" if span is None or now is None else f"step {step_told(span, now)}"


def key(scene: Scene, state: ViewState, index: int, moving: bool) -> Hashable:
    """What ``lay`` depends on."""
    item, paths = scene.items[index], state.trajectories
    surface, span = mesh_key(scene, state, index), color_span(scene, state, index)
    return (item.key, surface, scene.floor(state), coloring(item, state), span, paths.hidden,
            paths.true_loss, drawn_until(scene, state), moving)  # fmt: skip


def lay(scene: Scene, state: ViewState, index: int, moving: bool = False) -> Laid:
    """Put every shown path of a landscape on its displayed surface."""
    item = scene.items[index]
    mesh = displayed_mesh(scene, state, index, moving=moving)
    quantity, span = coloring(item, state), color_span(scene, state, index)
    plane: list[Lines] = []
    true: list[Lines] = []
    drops: list[Lines] = []
    starts: list[Lines] = []
    ends: list[Lines] = []
    dots: list[Lines] = []
    now = drawn_until(scene, state)
    for path in drawn_paths(scene, state, index):
        with np.errstate(all="ignore"):
            points, colors = item.place(path.points), _colors(path, quantity, span)
        plane.append(line(points, colors))
        known = np.flatnonzero(path.known)
        if known.size and not path.is_curve:
            starts.append(line(points[known[:1]], colors[known[0]]))
            # While it is played, what has no place now has no ball either.
            if now is None or path.known[-1]:
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
