"""From every saddle down to both sides: which basins it parts, and how high the barrier is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from compute.critical import critical_points
from compute.descent import Flow, as_trajectory, minima
from compute.field import field
from lossviz.landscape import LOSS, CriticalPoint, CriticalPoints, Surface, Trajectory

AWAY = 0.1  # cells from the saddle, where the descent begins


@dataclass(frozen=True, eq=False)
class Separatrix:
    """The two lines of steepest descent that begin in a saddle.

    ``minima`` are those they end in, None where a line leaves the window (or ends at a hole);
    ``barriers`` the loss at the saddle minus that of each minimum, NaN without one.
    """

    saddle: CriticalPoint
    lines: tuple[Trajectory, Trajectory]
    minima: tuple[CriticalPoint | None, CriticalPoint | None]

    @property
    def barriers(self) -> tuple[float, float]:
        """The heights of the saddle above the two minima, in units of the loss."""
        first, second = (
            math.nan if end is None else self.saddle.value - end.value for end in self.minima
        )
        return first, second


def separatrices(
    surface: Surface, *, quantity: str = LOSS, threshold: float | None = None,
    found: CriticalPoints | None = None,
) -> tuple[Separatrix, ...]:  # fmt: skip
    """The separatrices of all saddles of at least this persistence (the default one if None).

    Raises
    ------
    KeyError
        If the surface has no such quantity.
    """
    own = field(surface, quantity)
    found = critical_points(surface, quantity=quantity) if found is None else found
    saddles = [p for p in found.shown(threshold=threshold) if p.kind == "saddle"]
    if own is None or not saddles:
        return ()
    flow = Flow(own, minima(own, found))
    ends = [p for p in found.points if p.kind == "minimum" and not p.border]
    parted = []
    for number, saddle in enumerate(saddles):
        at = own.to_cells(np.array([[saddle.alpha, saddle.beta]]))
        # Down the slice's own curvature: the eigenvector in (alpha, beta), not in cells.
        scale = np.sqrt(own.metric)
        _, vectors = np.linalg.eigh(flow.spline.hessian(at)[0] * scale[:, None] * scale)
        away = vectors[:, 0] * scale
        away *= AWAY / np.abs(away).max()
        lines, reached = [], []
        for sign in (1, -1):
            start = np.clip(at[0] + sign * away, flow.spline.low, flow.spline.high)
            line = np.concatenate([at, flow.line(start)])
            end = flow.reached(line[-1])
            lines.append(as_trajectory(flow, line, f"separatrix {number + 1}"))
            reached.append(None if end is None else ends[end])
        parted.append(Separatrix(saddle, (lines[0], lines[1]), (reached[0], reached[1])))
    return tuple(parted)
