"""``lossviz difference``: two landscapes on the same grid, one minus the other."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lossviz.commands.report import check_output
from lossviz.errors import printable

if TYPE_CHECKING:
    from lossviz.landscape import Floats


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``lossviz difference``."""
    parser.add_argument("first", metavar="A", help="a surface (.ply)")
    parser.add_argument("second", metavar="B", help="another on the same grid: A minus B is told")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="PLY")


def run(args: argparse.Namespace) -> int:
    """Read two files, write their difference, tell its range."""
    import numpy as np

    from lossviz import ply
    from lossviz.comparison import difference
    from lossviz.landscape import LOSS

    check_output(args.output)
    found = difference(ply.read(args.first), ply.read(args.second))
    ply.write(found, args.output)
    assert found.surface is not None
    own = found.surface.quantities[f"{LOSS}_difference"]
    finite = own[np.isfinite(own)]
    told = "nowhere finite"
    if finite.size:
        higher = float((finite > 0).mean())
        told = f"{finite.min():.5g} to {finite.max():.5g}; A is higher on {higher:.0%} of the grid"
    place = printable(str(args.output))
    color = "loss_log_ratio" if _steep(found.surface.loss) else "loss_difference"
    print(f"{place}: loss of A minus B {told}\n  lossviz view {place} --color {color}")
    return 0


def _steep(loss: Floats) -> bool:
    """Whether it is drawn on a logarithmic scale."""
    import numpy as np

    finite = loss[np.isfinite(loss)]
    return bool(finite.size and finite.min() > 0 and finite.max() / finite.min() > 100)
