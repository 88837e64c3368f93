"""How a computation goes, on stderr: points, samples a second, share of the peak, time left."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Self

from tqdm import tqdm

from compute.adaptive import FIRST, Convergence
from compute.evaluation import Evaluator
from compute.peak import flops_per_sample, measured_peak
from compute.problem import sample_count
from compute.surface import grid_levels

if TYPE_CHECKING:
    from compute.run import Run
    from compute.surface import Grid


class Progress:
    """A bar that is silent where stderr is no terminal, and a line where something was decided.

    With ``adaptive`` the number of points is not known beforehand: the bar's end is then that of
    the next level.
    """

    def __init__(
        self, evaluator: Evaluator, run: Run, grid: Grid, name: str, adaptive: bool
    ) -> None:  # fmt: skip
        self.sizes = [columns.size * rows.size for columns, rows in grid_levels(grid)]
        self.sides = [max(columns.size, rows.size) for columns, rows in grid_levels(grid)]
        done = len(run.points)
        total = grid.count
        if adaptive:
            later = [s for s, side in zip(self.sizes, self.sides, strict=True) if side > FIRST]
            total = next((size for size in later if size > done), grid.count)
        self.bar: Any = tqdm(
            total=total, initial=done, unit="points", disable=None, smoothing=0.05, desc=name
        )
        if done:
            told = f"{done:,} of {grid.count:,} points are there already"
            tqdm.write(f"lossviz: {told}", file=sys.stderr)
        if run.damaged:
            told = f"{run.damaged:,} damaged records are computed again"
            tqdm.write(f"lossviz: {told}", file=sys.stderr)
        self.samples = sample_count(evaluator.problem.batches)
        self.flops, self.peak = 0.0, 0.0
        if not self.bar.disable and evaluator.convolves:
            self.flops = flops_per_sample(*evaluator.example())
            self.peak = measured_peak(str(evaluator.device), evaluator.dtype) if self.flops else 0.0
        self.began, self.new = time.monotonic(), 0
        self.told_rough = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def add(self, points: int) -> None:
        """So many points are new."""
        self.new += points
        rate = self.new * self.samples / max(time.monotonic() - self.began, 1e-9)
        if self.samples and not self.bar.disable:
            told = f"{rate:,.0f} samples/s"
            if self.peak:
                told += f", {rate * self.flops / self.peak:.0%} of the peak"
            self.bar.set_postfix_str(told, refresh=False)
        self.bar.update(points)

    def next_level(self, side: int, convergence: Convergence) -> None:
        """The grid of ``side`` points was not enough."""
        following = [k for k, other in enumerate(self.sides) if other > side]
        if not following:
            return
        self.bar.total = self.sizes[following[0]]
        error = f"the largest error between {side}x{side} points is about {convergence.error:.1%}"
        if len(convergence.largest) > 3 and not convergence.interpolates and not self.told_rough:
            self.told_rough = True
            tqdm.write(
                f"lossviz: {error} and hardly falls: this surface does not interpolate; "
                f"all {self.sides[-1]}x{self.sides[-1]} points are evaluated", file=sys.stderr
            )  # fmt: skip
        elif not self.told_rough:
            tqdm.write(f"lossviz: {error}: going on to {self.sides[following[0]]}", file=sys.stderr)
