"""Where the model runs, and how precisely."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from lossviz.errors import UsageError

PRECISIONS = ("float32", "float64", "tf32", "bfloat16")


def choose_devices(name: str, precision: str = "float32") -> tuple[list[str], torch.dtype]:
    """The devices that share the work ("auto" and "cuda": all GPUs), and the numbers' type.

    Raises
    ------
    UsageError
        If they are not there.
    """
    if precision not in PRECISIONS:
        raise UsageError(f"precision: expected one of {PRECISIONS}, got {precision!r:.60}")
    device = name
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
        if device == "cpu" and torch.backends.mps.is_available():
            device = "mps"
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        text = " ".join(str(error).split())[:100]
        raise UsageError(f"device: {name!r} cannot be used here: {text}") from None
    if precision == "tf32" and not device.startswith("cuda"):
        raise UsageError(f"precision: tf32 is for CUDA devices, this is {device}; use float32")
    dtype = torch.float32 if precision == "tf32" else getattr(torch, precision)
    count = torch.cuda.device_count() if device == "cuda" else 1
    return [f"cuda:{k}" for k in range(count)] if device == "cuda" else [device], dtype


@contextmanager
def exact_products(device: torch.device, *, tf32: bool = False) -> Iterator[None]:
    """Products in float32 as they are, unless TF32 is asked for; CUDA's default rounds them."""
    if device.type != "cuda":
        yield
        return
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before
