"""Where ``shaders/`` and ``assets/`` are: beside the package in a clone, inside it in a wheel."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lossviz.errors import LossvizError


@cache
def folder(name: str) -> Path:
    """The folder ``name`` ("shaders" or "assets").

    Raises
    ------
    LossvizError
        If it is in neither place, which means that the installation is damaged.
    """
    package = Path(__file__).resolve().parent
    for candidate in (package / name, package.parent / name):
        if candidate.is_dir():
            return candidate
    raise LossvizError(f"{name}/: expected beside or inside {package}; install lossviz again")
