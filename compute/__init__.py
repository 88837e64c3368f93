"""compute: loss landscapes of PyTorch models. Importing it costs nothing; names load when used.

>>> problem = compute.Problem(model, compute.cross_entropy, batches)  # doctest: +SKIP
>>> landscape = compute.landscape(problem, points=25, seed=0)  # doctest: +SKIP
>>> lossviz.write(landscape, "mine.ply")  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compute.critical import CriticalPoints, critical_points
    from compute.evaluation import Evaluator
    from compute.plane import Plane, random_plane
    from compute.problem import Problem, cross_entropy, mse, mse_softmax
    from compute.surface import landscape
    from compute.training import Recorder, Snapshots

_HOMES = {
    "CriticalPoints": "compute.critical",
    "Evaluator": "compute.evaluation",
    "Plane": "compute.plane",
    "Problem": "compute.problem",
    "Recorder": "compute.training",
    "Snapshots": "compute.training",
    "critical_points": "compute.critical",
    "cross_entropy": "compute.problem",
    "landscape": "compute.surface",
    "mse": "compute.problem",
    "mse_softmax": "compute.problem",
    "random_plane": "compute.plane",
}
__all__ = [
    "CriticalPoints",
    "Evaluator",
    "Plane",
    "Problem",
    "Recorder",
    "Snapshots",
    "critical_points",
    "cross_entropy",
    "landscape",
    "mse",
    "mse_softmax",
    "random_plane",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'compute' has no attribute {name!r}")
