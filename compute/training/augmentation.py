"""Random crops and flips of images that are tensors already (He et al. 2016, section 4.2)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

PADDING = 4  # pixels a side, zeros after normalisation as in the paper


@dataclass(frozen=True, eq=False)
class Shifts:
    """Where each image is cropped, ``corners (N, 2)`` from 0 to 8, and whether it is ``flipped``
    ``(N,)`` from left to right.
    """

    corners: Tensor
    flipped: Tensor

    @classmethod
    def drawn(cls, count: int, generator: torch.Generator) -> Shifts:
        """All equally likely, drawn on the CPU: the same on every device."""
        corners = torch.randint(2 * PADDING + 1, (count, 2), generator=generator)
        return cls(corners, torch.randint(2, (count,), generator=generator) == 1)

    def apply(self, images: Tensor, chosen: Tensor) -> Tensor:
        """``images (B, C, H, W)``, those of the samples ``chosen (B,)``, cropped and flipped."""
        corners = self.corners[chosen].to(images.device)
        flipped = self.flipped[chosen].to(images.device)
        height, width = images.shape[2:]
        rows = corners[:, :1] + torch.arange(height, device=images.device)  # (B, H)
        columns = corners[:, 1:] + torch.arange(width, device=images.device)  # (B, W)
        columns = torch.where(flipped[:, None], columns.flip(1), columns)
        padded = functional.pad(images, (PADDING,) * 4)
        each = torch.arange(len(images), device=images.device)[:, None, None]
        cropped = padded[each, :, rows[:, :, None], columns[:, None, :]]  # (B, H, W, C)
        return cropped.permute(0, 3, 1, 2)
