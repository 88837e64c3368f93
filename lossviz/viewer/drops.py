"""Balls that are dropped on a surface: lines of steepest descent, computed beside the window."""

from __future__ import annotations

from functools import partial
from importlib import import_module

from lossviz.landscape import Trajectory
from lossviz.viewer.descents import starts
from lossviz.viewer.items import Item
from lossviz.viewer.jobs import Job
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

Place = tuple[float, float]


def descend(item: Item, start: Place) -> Trajectory:
    """The line of steepest descent of the loss from ``start`` in alpha, beta.

    It ends on a minimum of the landscape's where it comes to one. Those of a landscape without any
    are not sought: that takes longest, and the line stops within a hundredth of a cell.

    Raises
    ------
    UsageError
        If the start lies beside the surface or in a hole.
    """
    # By name: no import of compute may be in the viewer, which starts without it.
    steepest_descent = import_module("compute.descent").steepest_descent
    known = item.landscape.critical_points
    line: Trajectory = steepest_descent(item.surface, start, found=known)
    return line


def missing(scene: Scene, state: ViewState) -> list[Job]:
    """Balls whose lines are not known."""
    return [
        Job("descent", item, item.dropped, start, partial(descend, item, start))
        for index, item in enumerate(scene.items)
        if not item.is_figure
        for start in starts(state, index)
        if start not in item.dropped
    ]
