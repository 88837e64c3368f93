"""What the commands that compute have in common at their beginning and end."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

from lossviz.errors import UsageError


def check_output(path: Path) -> None:
    """Refuse a name that nothing could be written to, before anything is computed.

    Raises
    ------
    UsageError
        If it does not end in .ply or its folder is not there.
    """
    if path.suffix.lower() != ".ply":
        raise UsageError(f"output: expected a name that ends in .ply, got {str(path)!r}")
    if not path.resolve().parent.is_dir():
        raise UsageError(f"output: expected an existing folder, got {path.parent}")


def open_window(path: Path) -> None:
    """The window in a process of its own; it follows what is written to the file."""
    subprocess.Popen([sys.executable, "-m", "lossviz", "view", str(path)])


def counted(count: int, kind: str) -> str:
    """So many critical points of a kind: 1 minimum, 2 minima."""
    plural = {"minimum": "minima", "maximum": "maxima", "saddle": "saddles"}
    return f"{count:,} {kind if count == 1 else plural.get(kind, kind)}"


def finite(value: Any) -> Any:
    """What JSON can hold: null where a number is not finite."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def clock(seconds: float) -> str:
    """A duration as people read it."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
