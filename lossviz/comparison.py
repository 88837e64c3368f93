"""How two landscapes on the same grid differ."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lossviz.errors import UsageError
from lossviz.landscape import LOSS, Floats, Landscape, Surface

DIFFERENCE, RATIO = "_difference", "_log_ratio"  # end the names of what this makes
STDERR = "loss_stderr"


def difference(first: Landscape, second: Landscape) -> Landscape:
    """The first landscape's loss with ``loss_difference``, first minus second, upon it.

    And so of every quantity that both have. ``loss_log_ratio`` is log10 of first over second, NaN
    where one is not positive: it tells more where losses span decades. ``loss_difference_stderr``
    is that of independent samples, the root of the sum of squares: for losses of the same samples,
    which vary together, it is too large rather than too small.

    Raises
    ------
    UsageError
        If one has no surface, or the grids differ.
    """
    a, b = same_grid(first, second)
    quantities = {LOSS: a.loss}
    both = [name for name in a.quantities if name in b.quantities and not name.endswith("_stderr")]
    for name in both:
        with np.errstate(invalid="ignore", over="ignore"):  # inf − inf is no number
            quantities[name + DIFFERENCE] = a.quantities[name] - b.quantities[name]
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.log10(a.loss) - np.log10(b.loss)
    quantities[LOSS + RATIO] = np.where((a.loss > 0) & (b.loss > 0), ratio, np.nan)
    if STDERR in a.quantities and STDERR in b.quantities:
        with np.errstate(over="ignore"):
            quantities[f"{LOSS}{DIFFERENCE}_stderr"] = np.hypot(
                a.quantities[STDERR], b.quantities[STDERR]
            )
    told = f"difference: {first.title} minus {second.title}"
    return Landscape(
        surface=Surface(a.alphas, a.betas, quantities, a.evaluated & b.evaluated),
        provenance=replace(first.provenance, notes=(*first.provenance.notes, told)),
        name=f"{first.title} − {second.title}",
    )


def same_grid(first: Landscape, second: Landscape) -> tuple[Surface, Surface]:
    """The surfaces of two landscapes of which there is a difference.

    Raises
    ------
    UsageError
        If one has no surface, or the grids differ.
    """
    a, b = _surface(first, "first"), _surface(second, "second")
    if not (np.array_equal(a.alphas, b.alphas) and np.array_equal(a.betas, b.betas)):
        raise UsageError(
            f"difference: expected two surfaces on the same grid, got {_grid(a)} and {_grid(b)}; "
            "compute one of them again with the other's --grid and --range"
        )
    return a, b


def _surface(landscape: Landscape, which: str) -> Surface:
    if landscape.surface is None:
        raise UsageError(f"difference: expected surfaces, the {which} landscape has curves only")
    return landscape.surface


def _grid(surface: Surface) -> str:
    n, m = surface.shape

    def side(axis: Floats) -> str:
        return f"{axis[0]:g}:{axis[-1]:g}"

    return f"{n}x{m} on {side(surface.alphas)}, {side(surface.betas)}"
