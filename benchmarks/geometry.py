"""Times of critical points, basins and descent lines on grids of growing size.

Run it in lossviz's own environment: .venv/bin/python benchmarks/geometry.py
"""

from __future__ import annotations

import statistics
import time

import numpy as np

from compute import critical_points
from compute.basins import basins
from compute.descent import steepest_descent
from lossviz.landscape import Surface

AIM = {201: 1.0, 401: 3.0}  # seconds, for critical points
REPEATS = 5


def himmelblau(x, y):
    return (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2


def rastrigin(x, y):
    return 20 + x * x + y * y - 10 * np.cos(2 * np.pi * x) - 10 * np.cos(2 * np.pi * y)


FIELDS = {"Himmelblau": (himmelblau, 5.0), "Rastrigin": (rastrigin, 2.3), "noise": (None, 1.0)}


def surface(name: str, n: int) -> Surface:
    """The field on n x n points."""
    function, reach = FIELDS[name]
    x = np.linspace(-reach, reach, n)
    if function is None:
        return Surface(x, x, {"loss": np.random.default_rng(0).normal(size=(n, n))})
    return Surface(x, x, {"loss": function(x[:, None], x)})


def median(task, repeats: int = REPEATS) -> float:
    """CPU seconds of one of several calls, after one to warm up."""
    task()
    times = []
    for _ in range(repeats):
        began = time.process_time()
        task()
        times.append(time.process_time() - began)
    return statistics.median(times)


def main() -> None:
    print(f"{'field':12} {'grid':>6} {'points':>8} {'critical':>10} {'basins':>9} {'preview':>9} "
          f"{'a descent':>10}")  # fmt: skip
    for name in FIELDS:
        for n in (51, 101, 201, 401):
            own = surface(name, n)
            repeats = 1 if name == "noise" and n > 101 else REPEATS
            found = critical_points(own)
            seconds = median(lambda: critical_points(own), repeats)  # noqa: B023 (called at once)
            flow = median(lambda: basins(own, found=found), repeats)  # noqa: B023
            preview = median(lambda: basins(own, found=found, preview=True), repeats)  # noqa: B023
            start = own.alphas[n // 3], own.betas[n // 7]
            line = median(lambda: steepest_descent(own, start, found=found))  # noqa: B023
            aim = f"  (aim {AIM[n]:g} s)" if n in AIM and name != "noise" else ""
            print(f"{name:12} {n:>5}² {len(found):>8} {seconds:>8.3f} s {flow:>7.3f} s "
                  f"{preview:>7.3f} s {line:>8.3f} s{aim}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
