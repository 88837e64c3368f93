"""Where the strong isolines could have their numbers: on flat stretches, whatever the view."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lossviz.viewer.heights import Heights
from lossviz.viewer.items import Item
from lossviz.viewer.levels import isoline_values, level_numbers, strong_levels
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

CELLS = 160  # about as many a side at most are searched for lines
STEP = 0.02  # scene units between points of a line, the surface is 2 wide
REACH = 3  # steps of a line to both sides of a number that must be straight
EVERY = 3  # steps between places that are tried
SHORTEST = 0.16  # scene units of a line that has a number
RIM = 0.07  # scene units: numbers nearer to the rim would be taken for an axis' own
FEW = 5  # numbered levels where not two are strong
MOST_TRIED = 60  # places of a line
MOST_LINES = 60  # the longest ones
MOST_POINTS = 2000  # along trajectories
BENT = 0.12  # the most that the chord may be shorter than the line there
LONG = 2.4  # scene units of a line for each further number


@dataclass(frozen=True, eq=False)
class Anchors:
    """Places for numbers, those of the longest line first, of each line the best first.

    ``uphill`` leads to where the next isoline runs, ``before`` and ``after`` are on the line.
    """

    texts: Sequence[str]  # of the levels
    level: Indices  # (k,) into texts
    line: Indices  # (k,) number of the line
    allowed: Indices  # (lines,) how many numbers a line may have
    points: Floats  # (k, 3) on the surface
    before: Floats  # (k, 3)
    after: Floats  # (k, 3)
    uphill: Floats  # (k, 3)
    paths: Floats  # (p, 3) along trajectories, which numbers should not cover
    mesh: Heights  # the surface, coarse
    flat: bool = False  # on a plane

    def on_floor(self, z: float) -> Anchors:
        """The same on a plane."""
        points, before, after, paths = (
            np.column_stack([part[:, :2], np.full(len(part), z)])
            for part in (self.points, self.before, self.after, self.paths)
        )
        return replace(self, points=points, before=before, after=after, paths=paths,
                       uphill=self.uphill * (1.0, 1.0, 0.0), flat=True)  # fmt: skip


def anchors(scene: Scene, state: ViewState, index: int) -> Anchors:
    """Where numbers of landscape ``index`` may stand; made once for heights and levels."""
    item, own, lines = scene.items[index], state.surface, state.isolines
    span, top = scene.height_range(state, index), scene.top(state)
    key = own.height, own.smooth, span, top, lines.spacing, lines.count
    found: Anchors = item.remembered("anchors", key, lambda: _made(scene, state, index))
    return found


def _made(scene: Scene, state: ViewState, index: int) -> Anchors:
    import contourpy  # here: importing the viewer needs levels only

    item, span = scene.items[index], scene.height_range(state, index)
    sides = [axis.size for axis in item.axes(state.surface.smooth)]
    mesh = Heights(scene, state, index, -(-max(sides) // CELLS))
    values = isoline_values(scene, state, index)
    heights = span.unit(values) * mesh.top
    strong = _numbered(strong_levels(values, state.isolines.spacing, span))
    texts = level_numbers(values, span)
    generator = contourpy.contour_generator(mesh.xs, mesh.ys, np.ma.masked_invalid(mesh.heights))
    parts = [(k, part) for k in strong.tolist() for part in generator.lines(float(heights[k]))]
    parts.sort(key=lambda line: -len(line[1]))  # of thousands of rings only these are measured
    found = [(k, fine) for k, part in parts[: 3 * MOST_LINES]
             if len(fine := _resampled(part)) * STEP > SHORTEST]  # fmt: skip
    found = sorted(found, key=lambda line: -len(line[1]))[:MOST_LINES]
    gaps = np.diff(heights, prepend=0.0, append=mesh.top)
    places = [_on_line(line, mesh, float(heights[k]), float(gaps[k : k + 2].min()))
             for k, line in found]  # fmt: skip
    counts = [len(part) for part in places]
    all_ = np.concatenate(places) if places else np.zeros((0, 4, 3))
    return Anchors(
        texts, np.repeat([k for k, _ in found], counts).astype(np.intp),
        np.repeat(np.arange(len(found)), counts),
        np.array([1 + int(len(line) * STEP / LONG) for _, line in found], np.intp),
        all_[:, 0], all_[:, 1], all_[:, 2], all_[:, 3], _paths(item, mesh), mesh,
    )  # fmt: skip


def _numbered(strong: Floats) -> Indices:
    """Which levels have numbers: the strong ones, or a few where there are not two of these."""
    found = np.flatnonzero(strong)
    if len(found) > 1 or not len(strong):
        return found
    every = -(-len(strong) // FEW)
    first = int(found[0]) % every if len(found) else every // 2
    return np.arange(first, len(strong), every)


def _resampled(line: Floats, most: float = math.inf) -> Floats:
    """``(k, 2)`` points about ``STEP`` apart along a line, or about ``most``; a ring ends where it
    begins."""
    along = np.append(0.0, np.cumsum(np.hypot(*np.diff(line, axis=0).T)))
    places = np.linspace(0.0, along[-1], max(round(min(along[-1] / STEP, most)), 1) + 1)
    return np.column_stack([np.interp(places, along, side) for side in line.T])


def _on_line(line: Floats, mesh: Heights, z: float, gap: float) -> Floats:
    """``(k, 4, 3)`` point, before, after and uphill of the places of one line, the best first."""
    closed = np.hypot(*(line[0] - line[-1])) < 1e-9
    line = line[:-1] if closed else line
    tried = np.arange(0 if closed else REACH, len(line) - (0 if closed else REACH), EVERY)
    here, before, after = (line[(tried + k) % len(line)] for k in (0, -REACH, REACH))
    chord = after - before
    length = np.maximum(np.hypot(*chord.T), 1e-9)
    normal = np.column_stack([-chord[:, 1], chord[:, 0]]) / length[:, None]
    low, high = (mesh.at(here + side * STEP / 2 * normal) for side in (-1, 1))
    slope = (high - low) / STEP
    away = gap / np.maximum(np.abs(slope), gap / 0.5)  # at most half a unit where it is flat
    bent = 1 - length / (2 * REACH * STEP)
    first, last = np.array([mesh.xs[[0, -1]], mesh.ys[[0, -1]]]).T
    inside = ((here > first + RIM) & (here < last - RIM)).all(axis=1)
    usable = np.flatnonzero(np.isfinite(slope) & (bent < BENT) & inside)
    # Wide gaps first: there the surface is flat, and a number covers no other line.
    order = usable[np.argsort(3 * bent[usable] - away[usable], kind="stable")][:MOST_TRIED]
    uphill = np.column_stack(
        [normal * away[:, None] * np.sign(slope)[:, None], np.abs(slope * away)]
    )
    flat = [np.column_stack([part, np.full(len(part), z)]) for part in (here, before, after)]
    return np.stack([*flat, uphill], axis=1)[order]


def _paths(item: Item, mesh: Heights) -> Floats:
    """``(p, 3)`` points along the trajectories on the surface, at most about ``MOST_POINTS``."""
    x, y = item.extent
    parts = []
    for run in item.landscape.trajectories:
        with np.errstate(over="ignore"):
            points = item.place(run.points[np.isfinite(run.points).all(axis=1)])
        if len(points):  # what is beside the surface counts as at its rim, where no number is
            parts.append(_resampled(np.clip(points, [-x, -y], [x, y]), MOST_POINTS))
    found = np.concatenate([np.zeros((0, 2)), *parts])
    found = found[:: -(-len(found) // MOST_POINTS) or 1]
    points = np.column_stack([found, mesh.at(found)])
    return points[np.isfinite(points).all(axis=1)]
