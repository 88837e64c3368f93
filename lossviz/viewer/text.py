"""Strings as grey bitmaps, drawn by Pillow at the very size at which they are shown."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lossviz.errors import printable
from lossviz.resources import folder

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

LONGEST = 200  # letters of a line: more fit into no picture


def one_line(text: str) -> str:
    """A text from a file as it can be drawn: on one line, printable, not endless."""
    text = printable(" ".join(text[: 4 * LONGEST].split()))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


@lru_cache(maxsize=16)
def _font(pixels: int, bold: bool) -> FreeTypeFont:
    from PIL import ImageFont  # here: the window's first frame should not wait for Pillow's import

    path = folder("assets") / "fonts" / f"Inter-{'SemiBold' if bold else 'Regular'}.otf"
    return ImageFont.truetype(str(path), pixels)


@lru_cache(maxsize=512)
def bitmap(
    text: str, pixels: int, bold: bool = False, turned: bool = False, stroke: int = 0
) -> NDArray[np.uint8]:  # fmt: skip
    """``(h, w)`` uint8 coverage of one line of text at a size of ``pixels``.

    The height is the font's ascent plus descent whatever the letters, so that lines align;
    ``turned`` reads from bottom to top; ``stroke`` is by how many pixels letters are wider all
    around, and the bitmap is too.
    """
    from PIL import Image, ImageDraw

    font = _font(max(pixels, 4), bold)
    ascent, descent = font.getmetrics()
    width = max(1, int(np.ceil(font.getlength(text))) + 2)
    image = Image.new("L", (width + 2 * stroke, ascent + descent + 2 * stroke))
    place = 1 + stroke, stroke
    ImageDraw.Draw(image).text(place, text, fill=255, font=font, stroke_width=stroke)
    array = np.asarray(image)
    return np.ascontiguousarray(np.rot90(array) if turned else array)
