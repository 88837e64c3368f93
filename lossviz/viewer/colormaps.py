"""Colour maps: tables of 256 sRGB colours in ``assets/colormaps.npz``."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from lossviz.errors import InputError
from lossviz.resources import folder


@cache
def _tables() -> dict[str, NDArray[np.uint8]]:
    with np.load(folder("assets") / "colormaps.npz", allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def names() -> list[str]:
    """The names of all colour maps, in the order in which they are offered."""
    return list(_tables())


def table(name: str, reverse: bool = False) -> NDArray[np.uint8]:
    """``(256, 3)`` uint8 sRGB colours, low values first.

    Raises
    ------
    InputError
        If there is no colour map of that name.
    """
    if name not in _tables():
        raise InputError(f"colour map: expected one of {', '.join(names())}, got {name!r:.60}")
    colors = _tables()[name]
    return colors[::-1] if reverse else colors


def to_linear(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB values in [0, 1] as linear light (IEC 61966-2-1)."""
    srgb = np.asarray(srgb, dtype=float)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def luminance(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Relative luminance ``(…)`` in [0, 1] of sRGB colours ``(…, 3)`` in [0, 1]."""
    return to_linear(srgb) @ np.array([0.2126, 0.7152, 0.0722])
