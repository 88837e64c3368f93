"""Steepest descent on the slice: where the loss falls fastest from a point of the plane.

These lines are a property of the drawn surface. No optimiser goes along them: it moves in all
dimensions, not in two.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compute.critical import critical_points
from compute.field import Field, field
from compute.spline import Spline
from lossviz.errors import UsageError
from lossviz.landscape import LOSS, CriticalPoints, Surface, Trajectory

Floats = NDArray[np.float64]

TOLERANCE = 1e-4  # cells, of one step
LONGEST = 0.5  # cells: a step
MOST = 4000  # steps of a line
ARRIVED = 0.05  # cells from a minimum
LEVEL = 1e-13  # a slope, of the field's range a cell, from which no direction is told


class Flow:
    """dx/ds = −∇f / |∇f| on the spline through a field, s the arc length in cells.

    The gradient is that in (alpha, beta).
    """

    def __init__(self, own: Field, targets: Floats) -> None:
        self.field, self.metric = own, own.metric
        self.targets = targets  # (k, 2) minima in cells
        self.spline = Spline(own.x, own.y, own.values)

    def velocity(self, point: Floats) -> Floats:
        """``(2,)``; zero where there is no slope."""
        slope = self.spline.gradient(point[None])[0] * self.metric
        length = float(np.hypot(*slope))
        return -slope / length if length > LEVEL else np.zeros(2)

    def line(self, start: Floats) -> Floats:
        """The line from ``start (2,)`` in cells; ``(k, 2)``, its end on a minimum, on the border,
        at a hole, or where the slope vanishes."""
        return np.array(list(self._steps(np.asarray(start, float))))

    def _steps(self, start: Floats) -> Iterator[Floats]:
        from scipy.integrate import RK45

        yield start
        solver = RK45(
            lambda _, point: self.velocity(point), 0.0, start, np.inf,
            max_step=LONGEST, first_step=LONGEST / 10, rtol=TOLERANCE, atol=TOLERANCE,
        )  # fmt: skip
        height = self._height(start)
        for _ in range(MOST):
            if not self.velocity(solver.y).any() or solver.step() or solver.status != "running":
                return
            before, after = solver.y_old, solver.y
            inside = np.clip(after, self.spline.low, self.spline.high)
            if (inside != after).any():
                yield before + (after - before) * self._fraction(before, after)
                return
            if self.field.holes[self.field.vertices(after[None])].any():
                return
            arrived, lower = self.reached(after), self._height(after)
            if lower >= height:  # across the floor: a unit speed knows no slowing down
                arrived = self.reached(before, LONGEST)
            if arrived is not None:
                yield self.targets[arrived]
            if arrived is not None or lower >= height:
                return
            height = lower
            yield after.copy()

    def _height(self, point: Floats) -> float:
        return float(self.spline(point[None])[0])

    def _fraction(self, before: Floats, after: Floats) -> float:
        """How far from ``before`` to ``after`` the border is."""
        wall = np.where(after > before, self.spline.high, self.spline.low)
        moved = after - before
        beyond = (after > self.spline.high) | (after < self.spline.low)
        return float(((wall - before)[beyond] / moved[beyond]).min())

    def reached(self, point: Floats, within: float = ARRIVED) -> int | None:
        """Which minimum a point lies at, or None."""
        if not len(self.targets):
            return None
        distance = np.abs(self.targets - point).max(axis=1)
        nearest = int(distance.argmin())
        return nearest if distance[nearest] <= within else None


def steepest_descent(
    surface: Surface,
    start: ArrayLike,
    *,
    quantity: str = LOSS,
    found: CriticalPoints | None = None,
) -> Trajectory:
    """The line of steepest descent on the slice from ``start (2,)``, an alpha and a beta.

    It ends on a minimum of the slice, on the border, at a hole or where nothing falls any more; its
    losses are those of the surface (on the bicubic spline), its steps the arc length. ``found``
    spares looking for the critical points again.

    Raises
    ------
    KeyError
        If the surface has no such quantity.
    UsageError
        If the start lies outside the grid or on a hole, or the grid has a single row.
    """
    own = field(surface, quantity)
    if own is None or min(own.shape) < 2:
        raise UsageError("descent: expected a surface with values on at least 2 x 2 points")
    place = np.asarray(start, float).reshape(1, 2)
    _check(own, place)
    found = critical_points(surface, quantity=quantity) if found is None else found
    flow = Flow(own, minima(own, found))
    return as_trajectory(flow, flow.line(own.to_cells(place)[0]), "steepest descent")


def minima(own: Field, found: CriticalPoints) -> Floats:
    """The minima in the window's inside, ``(k, 2)`` in cells."""
    places = [(p.alpha, p.beta) for p in found.points if p.kind == "minimum" and not p.border]
    return own.to_cells(np.array(places).reshape(-1, 2))


def as_trajectory(flow: Flow, line: Floats, name: str) -> Trajectory:
    """A line in cells as a path on the surface."""
    points = flow.field.to_plane(line)
    lengths = np.hypot(*np.diff(points, axis=0).T)
    steps = np.r_[0.0, np.cumsum(lengths)]
    return Trajectory(name, "descent", points, flow.field.to_loss(flow.spline(line)), steps=steps)


def _check(own: Field, place: Floats) -> None:
    low = np.array([own.alphas[0], own.betas[0]])
    high = np.array([own.alphas[-1], own.betas[-1]])
    told = f"({place[0, 0]:g}, {place[0, 1]:g})"
    if not ((place >= low) & (place <= high)).all():
        raise UsageError(
            f"descent: expected a start within alpha {low[0]:g} to {high[0]:g}, beta "
            f"{low[1]:g} to {high[1]:g}, got {told}"
        )
    if own.holes[own.vertices(own.to_cells(place))].any():
        raise UsageError(f"descent: expected a start with a value, the surface has none at {told}")
