"""Colour maps: tables of 256 sRGB colours in ``assets/colormaps.npz``."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from lossviz.errors import InputError
from lossviz.resources import folder

LEAST_DIP = 3.0  # of L*, in 70 % of the light: about three just noticeable differences


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


@cache
def _shadeable(name: str) -> NDArray[np.uint8]:
    colors = table(name)
    seen = np.flatnonzero(dip(colors) >= LEAST_DIP)
    if len(seen) == len(colors):
        return colors
    places = np.linspace(seen[0], seen[-1], len(colors))
    parts = [np.interp(places, np.arange(len(colors)), part) for part in colors.T]
    return np.rint(np.stack(parts, axis=1)).astype(np.uint8)


def shadeable(name: str, reverse: bool = False) -> NDArray[np.uint8]:
    """``(256, 3)`` uint8 sRGB: a map as surfaces have it, without an end too dark to be shaded.

    Black stays black in any light, so nothing that lies in a map's black end has a shape. Such maps
    (magma, inferno, oslo, grey) begin where they are light enough; surface, floor, colour bar and
    contour figures have the same colours.

    Raises
    ------
    InputError
        If there is no colour map of that name.
    """
    colors = _shadeable(name)
    return colors[::-1] if reverse else colors


def dip(colors: NDArray[np.uint8], shade: float = 0.7) -> NDArray[np.float64]:
    """``(k,)``: L* (CIE 1976) that sRGB colours ``(k, 3)`` lose in ``shade`` of the light."""
    light = luminance(colors / 255)
    return lightness(light) - lightness(shade * light)


def lightness(luminance: NDArray[np.float64]) -> NDArray[np.float64]:
    """L* (CIE 1976) from 0 to 100 of a relative luminance."""
    return np.where(luminance > 216 / 24389, 116 * np.cbrt(luminance) - 16, 24389 / 27 * luminance)


def to_linear(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB values in [0, 1] as linear light (IEC 61966-2-1)."""
    srgb = np.asarray(srgb, dtype=float)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def linear_rgb(srgb: NDArray[np.float64]) -> tuple[float, float, float]:
    """One sRGB colour ``(3,)`` in [0, 1] in linear light."""
    red, green, blue = to_linear(srgb).tolist()
    return red, green, blue


def luminance(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Relative luminance ``(…)`` in [0, 1] of sRGB colours ``(…, 3)`` in [0, 1]."""
    return to_linear(srgb) @ np.array([0.2126, 0.7152, 0.0722])
