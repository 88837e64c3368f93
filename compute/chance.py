"""Whoever calls us finds the random number generators as they were."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from lossviz.errors import UsageError


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed what data loaders draw from, and give every generator its state back at the end.

    The generators of torch (CPU, and CUDA where it is in use), numpy and Python. The last three
    are module-wide: another thread that draws meanwhile draws from ours.

    Raises
    ------
    UsageError
        If the seed is none that they all take.
    """
    if not 0 <= seed < 2**63:
        raise UsageError(f"seed: expected 0 to 2^63 - 1, got {seed}")
    own, legacy, python = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    try:
        # Not torch.manual_seed: that would also seed the GPUs, now or when they are first used.
        torch.default_generator.manual_seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        random.seed(seed)
        yield
    finally:
        torch.set_rng_state(own)
        np.random.set_state(legacy)  # noqa: NPY002
        random.setstate(python)
        if cuda:
            torch.cuda.set_rng_state_all(cuda)
