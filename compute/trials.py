"""Ways to evaluate, tried: whether they agree with the plain loop, and how long they take."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from compute.loop import Loop
from compute.outcome import Outcome, mean

CORNERS = ((0.0, 0.0), (0.7, -0.7))
ENOUGH = 0.1  # seconds that a timing takes at least


def agree(plain: Loop, other: Any, tolerance: float) -> bool:
    """Whether another way gives what the plain loop gives, at the centre and at a far corner."""
    for corner in CORNERS:
        found = attempt(partial(outcomes, other, [corner]))
        if found is None or not close(plain.at(*corner), found[0], tolerance):
            return False
    return True


def attempt(build: Callable[[], Any]) -> Any:
    """What ``build`` gives, or None if that way is not open to this model or device."""
    try:
        with warnings.catch_warnings():
            # Where vmap has no rule for an operation it loops over the points, and is slow.
            warnings.filterwarnings("error", message=".*batching rule")
            return build()
    except Exception:  # whatever a user's model or a compiler raises: then it is the plain loop
        return None


def outcomes(engine: Any, points: Sequence[tuple[float, float]]) -> list[Outcome]:
    """The outcome at each point, whichever way it is."""
    if isinstance(engine, Loop):
        return [engine.at(*point) for point in points]
    found: list[Outcome] = engine.many(points)
    return found


def seconds_of(engine: Any, device: torch.device, points: int = 1) -> float:
    """The time for ``points`` points, the best of some after one to warm up."""
    where = [(0.1 + 0.01 * k, -0.1) for k in range(points)]
    times: list[float] = []
    while len(times) < 2 or (sum(times) < ENOUGH and len(times) < 8):
        began = time.perf_counter()
        outcomes(engine, where)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - began)
    return min(times[1:])


def close(a: Outcome, b: Outcome, tolerance: float, *, each: bool = False) -> bool:
    """Whether the mean loss (or ``each`` loss) agrees; so do NaN with NaN and Inf with Inf."""
    one, other = (found.values["loss"] for found in (a, b))
    if a.values.keys() != b.values.keys() or a.by_sample != b.by_sample or one.shape != other.shape:
        return False
    if not each:
        one, other = np.array([mean(one)]), np.array([mean(other)])
    finite = np.isfinite(one)
    if (finite != np.isfinite(other)).any() or (np.isnan(one) != np.isnan(other)).any():
        return False
    one, other = one[finite], other[finite]
    size = np.abs(one).max(initial=0.0)
    return bool((np.abs(one - other) <= tolerance * max(size, 1e-3)).all())
