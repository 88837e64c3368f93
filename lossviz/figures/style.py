"""How a contour figure looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

INCH, POINTS = 2.54, 72.0


@dataclass(frozen=True)
class Style:
    """How a contour figure looks; sizes are in print.

    ``levels`` are values of the quantity; None: as the view's isolines. ``title`` None: none;
    empty: the landscape's own.
    """

    width_cm: float = 8.5
    height_cm: float = 7.0
    dpi: float = 300.0
    text_size: float = 8.0  # points
    filled: bool = True
    levels: Sequence[float] | None = None
    title: str | None = None
