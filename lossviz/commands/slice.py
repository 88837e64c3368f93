"""``lossviz slice``: the profile along a cut through a surface, or its isolines at a level."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lossviz.commands.sizes import finite
from lossviz.errors import InputError, LossvizError, UsageError, nearest, printable

if TYPE_CHECKING:
    from lossviz.viewer.items import Item
    from lossviz.viewer.state import Cut

MOST = 10_000_000  # rows


def along(text: str) -> str | float:
    """alpha, beta or degrees."""
    if text in ("alpha", "beta"):
        return text
    try:
        return finite(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(
            f"expected alpha, beta or degrees from alpha to beta, got {text!r}"
        ) from None


def count(text: str) -> int:
    """How many places, two at least."""
    if not (text.isascii() and text.isdigit() and len(text) < 9 and 2 <= int(text) <= MOST):
        raise argparse.ArgumentTypeError(f"expected 2 to {MOST:,}, got {text!r}")
    return int(text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``lossviz slice``."""
    parser.add_argument("file", metavar="FILE", help="a landscape (.ply)")
    parser.add_argument("--along", type=along, metavar="alpha|beta|DEGREES",
                        help="the direction of an upright cut (alpha)")  # fmt: skip
    parser.add_argument("--offset", type=finite, metavar="X",
                        help="beta along alpha, alpha along beta, else the distance from "
                        "(0, 0) to the left (through the middle)")  # fmt: skip
    parser.add_argument("--count", type=count, metavar="N",
                        help="places, evenly spaced (where the computed grid is met)")  # fmt: skip
    parser.add_argument("--level", type=finite, metavar="VALUE",
                        help="a level cut instead: the isolines of a value")  # fmt: skip
    parser.add_argument("--quantity", metavar="NAME", help="whose isolines (loss)")
    parser.add_argument("--straight", action="store_true",
                        help="straight between the computed points, not cubic")  # fmt: skip
    parser.add_argument("-o", "--output", metavar="CSV", help="a file (the standard output)")


def run(args: argparse.Namespace) -> int:
    """Read, cut, write."""
    _check(args)
    from lossviz import files, ply
    from lossviz.viewer.items import Item

    landscape = ply.read(args.file)
    if landscape.surface is None:
        raise InputError(f"{args.file}: expected a surface to cut, got curves only")
    text = table(Item(landscape), args)
    if args.output is None:
        sys.stdout.write(text)
        return 0
    place = printable(args.output)
    files.replace(Path(args.output), lambda file: file.write(text.encode()), place)
    print(place)
    return 0


def _check(args: argparse.Namespace) -> None:
    """Refuse options that contradict one another, before a file is read."""
    upright = {"along": args.along, "offset": args.offset, "count": args.count}
    if args.level is not None:
        for name, value in upright.items():
            if value is not None:
                raise UsageError(f"{name}, level: expected one of them; a level cut has no {name}")
    elif args.quantity is not None:
        raise UsageError(
            "quantity: expected it with --level; an upright cut has a column of every quantity"
        )
    if args.output is not None and Path(args.output).is_dir():
        raise LossvizError(f"{printable(args.output)}: cannot be written: it is a folder")


def table(item: Item, args: argparse.Namespace) -> str:
    """The CSV of a landscape.

    Raises
    ------
    UsageError
        If the cut passes the surface by, or there is no such quantity or isoline.
    """
    from lossviz.landscape import LOSS
    from lossviz.viewer.profiles import level_csv, upright_csv

    if args.level is not None:
        name = args.quantity or LOSS
        known = item.surface.quantities
        if name not in known:
            raise UsageError(
                f"quantity: expected one of {nearest(name, known)}, got {printable(name)!r:.60}"
            )
        _needs_two(item, "alpha", "beta")
        text = level_csv(item, args.level, name, smooth=not args.straight)
        if text.count("\n") < 2:
            low, _, high = item.span(name) or (math.nan,) * 3
            raise UsageError(
                f"level: expected a {name} that the surface has, between {low:g} and {high:g}, "
                f"got {args.level:g}"
            )
        return text
    return upright_csv(item, _cut(item, args), args.count, smooth=not args.straight)


def _cut(item: Item, args: argparse.Namespace) -> Cut:
    """The upright cut that the options describe, if it meets the surface."""
    from lossviz.viewer.slicing import middle, offsets, reach
    from lossviz.viewer.state import Cut

    asked = args.along or "alpha"
    _needs_two(item, *([asked] if isinstance(asked, str) else ["alpha", "beta"]))
    cut = Cut("", asked) if isinstance(asked, str) else Cut("", "angle", asked)
    offset = middle(item, cut) if args.offset is None else args.offset
    cut = Cut("", cut.along, cut.angle, offset)
    if reach(item, cut) is None:
        low, high = offsets(item, cut)
        raise UsageError(f"offset: expected {low:g} to {high:g}, got {offset:g}")
    return cut


def _needs_two(item: Item, *names: str) -> None:
    """Refuse to cut along a direction in which there is one point alone."""
    for name, size in zip(("alpha", "beta"), item.surface.shape, strict=True):
        if name in names and size < 2:
            other = "beta" if name == "alpha" else "alpha"
            raise UsageError(f"along: expected two {name}s at least, got one; "
                             f"try --along {other}")  # fmt: skip
