"""What the machine can do at most, and what a network costs: for an honest share of the peak."""

from __future__ import annotations

import statistics
import time
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from compute.problem import Loss

SHAPES = ((16, 32), (32, 16), (64, 8))  # channels and pixels a side, of a CIFAR ResNet's stages
IMAGES = 64


def measured_peak(device: str = "cpu", dtype: torch.dtype = torch.float32) -> float:
    """FLOP a second of 3x3 convolutions in the shapes of a ResNet, channels-last: the harmonic
    mean over the stages, which cost the same; a few tenths of a second."""
    rates = []
    with torch.no_grad():
        for channels, side in SHAPES:
            x, w = (
                torch.randn(shape, device=device).to(dtype).to(memory_format=torch.channels_last)
                for shape in ((IMAGES, channels, side, side), (channels, channels, 3, 3))
            )
            times = []
            for _ in range(8):
                _synchronize(device)
                began = time.perf_counter()
                nn.functional.conv2d(x, w, padding=1)
                _synchronize(device)
                times.append(time.perf_counter() - began)
            flops = 2 * IMAGES * side**2 * channels**2 * 9
            rates.append(flops / min(times[2:]))
    return statistics.harmonic_mean(rates)


def flops_per_sample(model: nn.Module, loss: Loss, batch: Any) -> float:
    """FLOP of one sample (a multiplication and an addition are two), 0 if it cannot be told."""
    count = len(batch[0]) if isinstance(batch, tuple | list) and hasattr(batch[0], "__len__") else 0
    if not count:
        return 0.0
    try:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            loss(model, batch)
    except Exception:  # a model that cannot be counted is evaluated all the same
        return 0.0
    return float(counter.get_total_flops()) / count


def _synchronize(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
