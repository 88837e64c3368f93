"""Where ``shaders/`` and ``assets/`` are: beside the package in a clone, inside it in a wheel; and
libraries that are not always there."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

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


def extra(module: str, name: str, what: str, *, instead: str = "") -> Any:
    """The library ``module``, which comes with ``lossviz[name]`` and which ``what`` needs.

    Raises
    ------
    LossvizError
        If it is not there, with how to install it; ``instead`` tells what does without.
    """
    try:
        return import_module(module)
    except ImportError:
        library = module.replace("_", "-")
        raise LossvizError(
            f"{what} need {library}: pip install 'lossviz[{name}]'{instead}"
        ) from None
