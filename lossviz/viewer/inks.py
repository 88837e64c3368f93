"""Colours for lines: one each for a few, or along a map for many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lossviz.landscape import Landscape
from lossviz.viewer.colormaps import luminance, table
from lossviz.viewer.state import ViewState

# Of middle lightness, so that they are read on white and on the dark theme's ground alike.
_FEW = np.array([
    [0x1F, 0x77, 0xD0], [0xD1, 0x49, 0x5B], [0x2A, 0x94, 0x5A], [0x94, 0x67, 0xBD],
    [0xC6, 0x74, 0x1A], [0x17, 0x89, 0x9B], [0xB5, 0x48, 0x9F], [0x80, 0x7C, 0x20],
    [0x9A, 0x5B, 0x48], [0x6B, 0x7A, 0x8F],
], np.uint8)  # fmt: skip
UNKNOWN = np.full(3, 128, np.uint8)  # of values that are no numbers
BRIGHTEST = 0.42  # luminance of a path: more is not seen beside its casing


def line_count(landscape: Landscape) -> int:
    """How many inks the lines of a landscape need: its curves, then its optimisers' paths."""
    runs = sum(run.kind != "descent" for run in landscape.trajectories)
    return len(landscape.curves) + runs


def inks(count: int) -> NDArray[np.uint8]:
    """``(count, 3)`` uint8 sRGB: out of a list for ten, else along a map of many hues."""
    if count <= len(_FEW):
        return _FEW[:count]
    colors = table("turbo")[np.linspace(20, 235, count).astype(int)].astype(float)
    return (colors * darkening(colors / 255)).astype(np.uint8)


def darkening(colors: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(k, 1)``: what sRGB colours ``(k, 3)`` in [0, 1] are multiplied by to be dark enough for
    thin lines on white."""
    bright = luminance(colors)[:, None]
    return np.minimum(1.0, (0.8 * BRIGHTEST / np.maximum(bright, 1e-3)) ** (1 / 2.2))


def veil_inks(
    state: ViewState, count: int, taken: Sequence[NDArray[np.uint8]] = ()
) -> NDArray[np.uint8]:
    """``(count, 3)`` uint8 sRGB for surfaces that are drawn as meshes over a coloured one: those
    first that are least like any of its colours, and those ``taken`` by lines there last."""
    ground = table(state.surface.colormap).astype(float)
    away = np.linalg.norm(_FEW[:, None] - ground, axis=2).min(axis=1)
    away[[any((ink == own).all() for own in taken) for ink in _FEW]] -= 1e3
    order = np.argsort(-away, kind="stable")
    return _FEW[order[np.arange(count) % len(order)]]


def ramp(name: str) -> NDArray[np.uint8]:
    """``(256, 3)`` uint8: a colour map without its lightest end, for lines with a light casing."""
    colors = table(name)
    dark = np.flatnonzero(luminance(colors / 255) <= BRIGHTEST)
    if not dark.size:
        return colors
    # The longest run of colours that are dark enough.
    runs = np.split(dark, np.flatnonzero(np.diff(dark) > 1) + 1)
    longest = max(runs, key=len)
    return colors[np.linspace(longest[0], longest[-1], 256).round().astype(int)]
