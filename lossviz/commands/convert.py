"""``lossviz convert``: a landscape file in another form."""

from __future__ import annotations

import argparse
from pathlib import Path

from lossviz.errors import UsageError, printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``lossviz convert``."""
    parser.add_argument("input", metavar="IN", help="a landscape, or another mesh (.ply)")
    parser.add_argument("output", metavar="OUT", type=Path, help=".ply")
    parser.add_argument("--plain", action="store_true",
                        help="vertices and faces alone, without the losses")  # fmt: skip
    parser.add_argument("--ascii", action="store_true", help="text instead of binary")
    parser.add_argument(
        "--edges", action="store_true", help="trajectories as edges of the mesh too"
    )


def run(args: argparse.Namespace) -> int:
    """Read one file, write the other."""
    from lossviz import ply

    if args.output.suffix.lower() != ".ply":
        raise UsageError(f"output: expected a name that ends in .ply, got {str(args.output)!r}")
    if args.plain and args.edges:
        raise UsageError("plain, edges: expected one of them; a plain file has no edges")
    landscape = ply.read(args.input)
    if args.plain and landscape.surface is None:
        raise UsageError("plain: expected a surface, got curves only")
    ply.write(landscape, args.output, plain=args.plain, ascii=args.ascii, edges=args.edges)
    print(printable(str(args.output)))
    return 0
