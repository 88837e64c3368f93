"""compute: loss landscapes of PyTorch models. Importing it costs nothing; names load when used.

>>> problem = compute.Problem(model, compute.cross_entropy, batches)  # doctest: +SKIP
>>> landscape = compute.landscape(problem, points=25, seed=0)  # doctest: +SKIP
>>> lossviz.write(landscape, "mine.ply")  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compute.critical import critical_points
    from compute.curve import line_landscape
    from compute.directions import center_of, state_of
    from compute.evaluation import Evaluator
    from compute.paths import trajectory_landscape
    from compute.plane import Plane, line_to, plane_through, random_plane
    from compute.problem import Problem, cross_entropy, mse, mse_softmax
    from compute.surface import landscape
    from compute.training import Recorder, Snapshots
    from compute.trajectory import open_runs, principal_plane

_HOMES = {
    "Evaluator": "compute.evaluation",
    "Plane": "compute.plane",
    "Problem": "compute.problem",
    "Recorder": "compute.training",
    "Snapshots": "compute.training",
    "center_of": "compute.directions",
    "critical_points": "compute.critical",
    "cross_entropy": "compute.problem",
    "landscape": "compute.surface",
    "line_landscape": "compute.curve",
    "line_to": "compute.plane",
    "mse": "compute.problem",
    "mse_softmax": "compute.problem",
    "open_runs": "compute.trajectory",
    "plane_through": "compute.plane",
    "principal_plane": "compute.trajectory",
    "random_plane": "compute.plane",
    "state_of": "compute.directions",
    "trajectory_landscape": "compute.paths",
}
__all__ = [
    "Evaluator",
    "Plane",
    "Problem",
    "Recorder",
    "Snapshots",
    "center_of",
    "critical_points",
    "cross_entropy",
    "landscape",
    "line_landscape",
    "line_to",
    "mse",
    "mse_softmax",
    "open_runs",
    "plane_through",
    "principal_plane",
    "random_plane",
    "state_of",
    "trajectory_landscape",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'compute' has no attribute {name!r}")
