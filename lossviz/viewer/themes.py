"""Background and ink of a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossviz.viewer.colormaps import linear_rgb

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Theme:
    """sRGB colours in [0, 1], and how wide the axes' lines are in points."""

    background: Rgb
    ink: Rgb
    soft: Rgb  # less important text and lines
    line: float

    def linear(self, name: str) -> Rgb:
        """One of the colours in linear light."""
        return linear_rgb(np.array(getattr(self, name)))


def _hex(text: str) -> Rgb:
    red, green, blue = (int(text[i : i + 2], 16) / 255 for i in (0, 2, 4))
    return red, green, blue


THEMES = {
    "light": Theme(_hex("ffffff"), _hex("22262e"), _hex("6a7280"), 0.9),
    "dark": Theme(_hex("14171c"), _hex("e6e9ef"), _hex("98a1b0"), 0.9),
    "paper": Theme(_hex("ffffff"), _hex("000000"), _hex("333333"), 0.6),
}
