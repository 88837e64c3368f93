"""Lines of steepest descent on a surface: those of a file, and those asked for by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import NDArray

from lossviz.landscape import Trajectory
from lossviz.viewer.heights import displayed_mesh, mesh_key
from lossviz.viewer.items import Item
from lossviz.viewer.laying import BUDGET, MOVING_BUDGET
from lossviz.viewer.polylines import Lines, laid, line, together, with_heights
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

Floats = NDArray[np.float64]


def starts(state: ViewState, index: int) -> list[tuple[float, float]]:
    """Where lines over landscape ``index`` are to start that were asked for by hand."""
    return [(alpha, beta) for number, alpha, beta in state.critical.starts if number == index]


def dropped(item: Item, state: ViewState, index: int) -> list[Trajectory]:
    """Those of them that are known by now."""
    found = (item.dropped.get(start) for start in starts(state, index))
    return [run for run in found if run is not None]


def from_file(item: Item) -> list[Trajectory]:
    """The lines that the landscape came with."""
    return [run for run in item.landscape.trajectories if run.kind == "descent"]


@dataclass(frozen=True, eq=False)
class Descents:
    """Lines ``(k, 3)`` in the scene, and where those asked for by hand start and end."""

    file: Lines
    dropped: Lines
    starts: Floats  # (k, 3)
    ends: Floats  # (k, 3)
    number: int = field(default_factory=count().__next__)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not (len(self.file.points) or len(self.dropped.points) or len(self.starts))


def lay_descents(scene: Scene, state: ViewState, index: int, moving: bool = False) -> Descents:
    """Put the lines of landscape ``index`` on its displayed surface."""
    item = scene.items[index]
    own = from_file(item), dropped(item, state, index)
    if not (state.critical.lines and any(own)):
        nothing = together([], 3)
        return Descents(nothing, nothing, nothing.points, nothing.points)
    known = (start for start in starts(state, index) if start in item.dropped)
    key = mesh_key(scene, state, index), *known
    found: Descents = item.remembered(
        f"descents, moving {moving}", key, lambda: _lay(scene, state, index, moving, own)
    )
    return found


def _lay(
    scene: Scene, state: ViewState, index: int, moving: bool,
    runs: tuple[Sequence[Trajectory], Sequence[Trajectory]],
) -> Descents:  # fmt: skip
    item, mesh = scene.items[index], displayed_mesh(scene, state, index, moving=moving)

    def on_surface(some: Sequence[Trajectory]) -> Lines:
        with np.errstate(all="ignore"):
            lines = together([line(item.place(run.points)) for run in some])
        found = laid(lines, mesh.xs, mesh.ys, MOVING_BUDGET if moving else BUDGET)
        return with_heights(found, mesh.at(found.points))

    def ends(which: int) -> Floats:
        places = item.place(np.array([run.points[which] for run in runs[1]]).reshape(-1, 2))
        found = np.column_stack([places, mesh.at(places)])
        return found[np.isfinite(found).all(axis=1)]

    return Descents(on_surface(runs[0]), on_surface(runs[1]), ends(0), ends(-1))
