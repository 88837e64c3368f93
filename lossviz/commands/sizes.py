"""How large a picture is: in pixels, or in centimetres as it is printed."""

from __future__ import annotations

import argparse
import math
import re
from typing import TYPE_CHECKING

from lossviz.errors import UsageError
from lossviz.viewer.printing import DPI, INCH, TEXT_SIZE, scale_of

if TYPE_CHECKING:
    from lossviz.viewer.state import PictureState

WIDTH, HEIGHT = 1600, 900  # pixels


def size(text: str) -> tuple[int, int]:
    """WxH in pixels."""
    match = re.fullmatch(r"(\d{1,5})[x×](\d{1,5})", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT such as 1920x1080, got {text!r}")
    return int(match[1]), int(match[2])


def size_cm(text: str) -> tuple[float, float]:
    """WxH in centimetres, each above 0 and at most 200."""
    match = re.fullmatch(r"(\d{1,3}(?:\.\d{1,6})?)[x×](\d{1,3}(?:\.\d{1,6})?)", text)
    found = (float(match[1]), float(match[2])) if match else (0.0, 0.0)
    if not all(0 < side <= 200 for side in found):
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT such as 8.5x7, got {text!r:.60}")
    return found


def finite(text: str) -> float:
    """A finite number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"expected a finite number, got {text!r}")
    return value


def _within(text: str, low: float, high: float) -> float:
    value = finite(text)
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"expected {low:g} to {high:g}, got {text!r}")
    return value


def scale(text: str) -> float:
    """Pixels a point, above 0 and at most 20."""
    value = finite(text)
    if not 0 < value <= 20:
        raise argparse.ArgumentTypeError(f"expected a number above 0, at most 20, got {text!r}")
    return value


def dpi(text: str) -> float:
    """Pixels an inch."""
    return _within(text, 20, 2400)


def text_size(text: str) -> float:
    """Points."""
    return _within(text, 3, 40)


def add_size_arguments(parser: argparse.ArgumentParser) -> None:
    """Pixels or centimetres, and how large text and lines are in them."""
    add = parser.add_argument_group("the size").add_argument
    add("--size", type=size, metavar="WxH",
        help=f"pixels, up to 8192 (the saved view's, else {WIDTH}x{HEIGHT})")  # fmt: skip
    add("--scale", type=scale, metavar="N", help="pixels a point (in proportion to the size)")
    add("--size-cm", type=size_cm, metavar="WxH", help="instead, as printed: 8.5x7 is a column")
    add("--dpi", type=dpi, metavar="N", help=f"pixels an inch as printed ({DPI:g})")
    add("--text-size", type=text_size, metavar="PT",
        help=f"of printed numbers, all else in proportion ({TEXT_SIZE:g})")  # fmt: skip


def take_size(args: argparse.Namespace, picture: PictureState) -> None:
    """What the options say of the size; what they do not say stays, as a saved view has it.

    Raises
    ------
    UsageError
        If the options contradict each other.
    """
    if args.size and args.size_cm:
        raise UsageError("size, size-cm: expected one of them")
    printed = bool(args.size_cm or args.dpi)
    if args.text_size and not printed:
        raise UsageError("text-size: points are of print; expected --size-cm or --dpi with it")
    if printed:
        picture.dpi = args.dpi or picture.dpi or DPI
        picture.scale = scale_of(picture.dpi, args.text_size or TEXT_SIZE)
    if args.size_cm:
        wide, high = (round(side / INCH * picture.dpi) for side in args.size_cm)
        picture.width, picture.height = wide, high
    elif args.size or args.view_state is None:
        picture.width, picture.height = args.size or (WIDTH, HEIGHT)
    if args.scale is not None:
        picture.scale = args.scale
