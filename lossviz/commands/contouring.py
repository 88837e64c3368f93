"""``lossviz render --contour``: its options, and what they make of a view."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from lossviz.commands.sizes import DPI, INCH, TEXT_SIZE, finite
from lossviz.errors import UsageError

if TYPE_CHECKING:
    from lossviz.landscape import Landscape
    from lossviz.viewer.state import ViewState

MOST_LEVELS = 200
COUNT = 12  # about so many levels without being told
COLUMN = (8.5, 7.0)  # centimetres


def levels(text: str) -> list[float] | int:
    """LOW:HIGH:STEP as in the paper's code, LEVEL,LEVEL,…, or about how many."""
    import numpy as np

    try:
        if ":" in text:
            low, high, step = (finite(part) for part in text.split(":"))
            count = (high - low) / step
            if not (step > 0 and 0 < count <= MOST_LEVELS):
                raise ValueError
            import numpy as np

            return np.arange(low, high, step).tolist()
        if text.isdecimal() and 0 < int(text) <= MOST_LEVELS:
            return int(text)
        found = [finite(part) for part in text.split(",")]
        if len(found) > MOST_LEVELS or ("," not in text and "." not in text):
            raise ValueError
        return found
    except (ValueError, ZeroDivisionError, argparse.ArgumentTypeError):
        raise argparse.ArgumentTypeError(
            f"expected LOW:HIGH:STEP such as 0.1:10:0.5, levels with commas, or about how many, at "
            f"most {MOST_LEVELS}, got {text!r:.60}"
        ) from None


def add_contour_arguments(parser: argparse.ArgumentParser) -> None:
    """What only contour figures have."""
    add = parser.add_argument_group("contour figures").add_argument
    add("--contour", action="store_true",
        help="labelled contour lines, by matplotlib, into .pdf, .svg or .png")  # fmt: skip
    add("--levels", type=levels, metavar="LEVELS",
        help=f"LOW:HIGH:STEP without HIGH, LEVEL,LEVEL,… or about how many ({COUNT})")  # fmt: skip
    add("--lines", action="store_true", help="lines alone, in the map's colours")
    add("--title", nargs="?", const="", metavar="TEXT", help="above it; the landscape's own")


def check(args: argparse.Namespace) -> None:
    """Refuse options that only contour figures have where there is none, and the reverse.

    Raises
    ------
    UsageError
        With the option.
    """
    for name in ("levels", "lines", "title"):
        if not args.contour and getattr(args, name) not in (None, False):
            raise UsageError(f"{name}: is for contour figures; expected --contour with it")
    for name in ("scale", "supersample"):
        if args.contour and getattr(args, name) is not None:
            raise UsageError(f"{name}: is for pictures; contour figures take --text-size, --dpi")
    if args.contour and args.vision is not None:
        raise UsageError("vision: is for pictures; expected no --contour with it")


def draw(
    landscapes: Sequence[Landscape], output: str | Path, args: argparse.Namespace, state: ViewState
) -> None:
    """Write the contour figure that the options describe.

    Raises
    ------
    UsageError, LossvizError
        If it cannot be drawn as asked.
    """
    from lossviz.viewer.scene import Scene

    # By name: nothing that draws pictures loads matplotlib.
    figure = import_module("lossviz.figures.contour")
    state.isolines.count = COUNT if args.view_state is None else state.isolines.count
    if isinstance(args.levels, int):
        state.isolines.count = args.levels
    width, height = args.size_cm or (COLUMN[0] * len(landscapes), COLUMN[1])
    dpi = args.dpi or DPI
    if args.size:
        width, height = (side / dpi * INCH for side in args.size)
    style = figure.Style(
        width, height, dpi, args.text_size or TEXT_SIZE, filled=not args.lines,
        levels=args.levels if isinstance(args.levels, list) else None, title=args.title,
    )  # fmt: skip
    figure.write(output, Scene(landscapes), state, style)
