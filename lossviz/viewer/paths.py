"""Paths over a surface made ready to draw: trajectories, and curves that lie in its plane."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lossviz.landscape import LOSS, Landscape
from lossviz.viewer import ticks
from lossviz.viewer.inks import inks, line_count, veil_inks
from lossviz.viewer.items import Item
from lossviz.viewer.ranges import Range
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

Floats = NDArray[np.float64]

MOST_DOTS = 48  # steps of a path that are dots each
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

    @cached_property
    def loss_ends(self) -> Floats:
        """The lowest and the highest loss that is a number; empty without any."""
        known = self.losses[np.isfinite(self.losses)]
        return np.array([known.min(), known.max()]) if known.size else known

    def at(self, now: float) -> Path:
        """Where it is at step ``now``, alone: at an end beyond it, else between two steps."""
        whole, part = self._reached(now)
        if not part:
            return self._each(lambda values: values[whole : whole + 1])
        with np.errstate(all="ignore"):
            return self._each(lambda v: v[whole : whole + 1] * (1 - part) + v[[whole + 1]] * part)

    def until(self, now: float) -> Path:
        """It up to step ``now``, and its first point where that is earlier."""
        whole, part = self._reached(now)
        done = self._each(lambda values: values[: whole + 1])
        if not part:
            return done
        last = self.at(now)
        return replace(
            done, points=np.concatenate([done.points, last.points]),
            losses=np.append(done.losses, last.losses), steps=np.append(done.steps, last.steps),
            off_plane=np.append(done.off_plane, last.off_plane),
        )  # fmt: skip

    @property
    def last(self) -> Path:
        """Its last step that has a place, alone; empty if none has."""
        known = np.flatnonzero(self.known)[-1:]
        return self._each(lambda values: values[known])

    def _reached(self, now: float) -> tuple[int, float]:
        """The number of its last step until ``now``, and what share of the next one is done."""
        whole = max(int(np.searchsorted(self.times, now, "right")) - 1, 0)
        if now <= self.times[whole] or whole + 1 == self.times.size:
            return whole, 0.0
        before, after = self.times[whole] / 2, self.times[whole + 1] / 2
        return whole, float((now / 2 - before) / (after - before))

    def _each(self, change: Callable[[Floats], Floats]) -> Path:
        return replace(self, points=change(self.points), losses=change(self.losses),
                       steps=change(self.steps), off_plane=change(self.off_plane))  # fmt: skip


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


def drawn_paths(scene: Scene, state: ViewState, index: int) -> list[Path]:
    """What is shown, up to the present step."""
    paths, now = shown_paths(scene.items[index], state), drawn_until(scene, state)
    return [
        path if now is None or path.is_curve or not len(path.points) else path.until(now)
        for path in paths
    ]


def ink(item: Item, path: Path) -> NDArray[np.uint8]:
    """``(3,)`` uint8 sRGB: the path's own colour."""
    own = item.remembered("inks", (), lambda: inks(line_count(item.landscape)))
    found: NDArray[np.uint8] = own[path.number]
    return found


def coloring(item: Item, state: ViewState) -> str:
    """What the trajectories' colours show: one of PATH_COLORS without "auto"."""
    asked = state.trajectories.color
    if asked != "auto":
        return asked
    runs = [path for path in all_paths(item) if not path.is_curve]
    return "run" if len(runs) > 1 else "step"


def mesh_inks(scene: Scene, state: ViewState, group: Sequence[int]) -> NDArray[np.uint8]:
    """``(k - 1, 3)`` uint8: for all but the first of k landscapes in one frame, which are drawn as
    meshes; sooner colours that no path there has."""
    taken = [ink(item, path) for item in (scene.items[index] for index in group)
             for path in shown_paths(item, state)
             if path.is_curve or coloring(item, state) == "run"]  # fmt: skip
    return veil_inks(state, len(group) - 1, taken)


def color_span(scene: Scene, state: ViewState, index: int) -> Range:
    """What the paths' colours span: the surface's own range where both show the loss."""
    item = scene.items[index]
    quantity = coloring(item, state)
    if quantity == "loss" and state.surface.color == LOSS:
        return scene.color_range(state, index)
    own = item.key, quantity, state.trajectories.shown, state.trajectories.hidden
    found: Range = item.remembered("span of paths", own, lambda: _span(item, state, quantity))
    return found


def _span(item: Item, state: ViewState, quantity: str) -> Range:
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


def colors(path: Path, quantity: str, span: Range) -> Floats:
    """``(k,)`` of a path: a share of the ramp, MISSING, or INK and the path's number."""
    if path.is_curve or quantity == "run":
        return np.full(len(path.points), INK + path.number)
    values = {"step": path.steps, "loss": path.losses, "off_plane": path.off_plane}[quantity]
    with np.errstate(all="ignore"):
        return np.where(np.isfinite(values), np.clip(span.unit(values), 0, 1), MISSING)


def drawn_until(scene: Scene, state: ViewState) -> float | None:
    """The step at which trajectories end before their end; None where they are whole."""
    return step_now(scene, state) if state.trajectories.played < 1 else None


def end_told(scene: Scene, state: ViewState) -> str:
    """What stands where trajectories end: their end, or the present step."""
    span, now = shown_span(scene, state), drawn_until(scene, state)
    return "end" if span is None or now is None else f"step {step_told(span, now)}"
