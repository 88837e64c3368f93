"""How large a picture is on paper: centimetres, pixels an inch, and numbers in points."""

from __future__ import annotations

from dataclasses import dataclass

from lossviz.viewer.state import LARGEST_PICTURE, SMALLEST_PICTURE, PictureState

INCH = 2.54  # centimetres
POINTS = 72.0  # an inch
DPI, TEXT_SIZE = 300.0, 8.0  # as journals ask for


@dataclass(frozen=True)
class Printed:
    """A picture as it is printed."""

    width: float  # centimetres
    height: float
    dpi: float = DPI
    text: float = TEXT_SIZE  # points, of numbers; all else is in proportion


def printed(own: PictureState) -> Printed | None:
    """How large the picture is in print; None if its size is in pixels alone."""
    if not own.dpi:
        return None
    wide, high = (side / own.dpi * INCH for side in (own.width, own.height))
    return Printed(wide, high, own.dpi, own.scale / scale_of(own.dpi, 1.0) or TEXT_SIZE)


def scale_of(dpi: float, text: float) -> float:
    """Pixels a point of the picture where numbers are printed in ``text`` points."""
    from lossviz.viewer.layout import TEXT  # with numpy, which arguments are parsed without

    return dpi / POINTS * text / TEXT


def set_printed(own: PictureState, wanted: Printed) -> None:
    """Have this size in print, as far as a picture has so many pixels."""
    own.dpi = wanted.dpi
    own.scale = scale_of(wanted.dpi, wanted.text)
    own.width, own.height = (
        min(max(round(side / INCH * wanted.dpi), SMALLEST_PICTURE), LARGEST_PICTURE)
        for side in (wanted.width, wanted.height)
    )
