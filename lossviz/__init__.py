"""lossviz: see the loss landscape of a neural network."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lossviz.api import line, surface, trajectory
    from lossviz.comparison import difference
    from lossviz.landscape import (
        Contour,
        CriticalPoint,
        CriticalPoints,
        Curve,
        Landscape,
        Mark,
        Provenance,
        Surface,
        Trajectory,
    )
    from lossviz.ply import read, write

__version__ = "0.1.0"

_HOMES = {
    "Contour": "lossviz.landscape",
    "CriticalPoint": "lossviz.landscape",
    "CriticalPoints": "lossviz.landscape",
    "Curve": "lossviz.landscape",
    "Landscape": "lossviz.landscape",
    "Mark": "lossviz.landscape",
    "Provenance": "lossviz.landscape",
    "Surface": "lossviz.landscape",
    "Trajectory": "lossviz.landscape",
    "difference": "lossviz.comparison",
    "line": "lossviz.api",
    "read": "lossviz.ply",
    "surface": "lossviz.api",
    "trajectory": "lossviz.api",
    "write": "lossviz.ply",
}
__all__ = [
    "Contour",
    "CriticalPoint",
    "CriticalPoints",
    "Curve",
    "Landscape",
    "Mark",
    "Provenance",
    "Surface",
    "Trajectory",
    "__version__",
    "difference",
    "line",
    "read",
    "surface",
    "trajectory",
    "write",
]


def __getattr__(name: str) -> Any:
    """Public names are loaded when they are first used, so that importing lossviz costs nothing."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'lossviz' has no attribute {name!r}")
