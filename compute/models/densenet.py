"""DenseNet-121 at CIFAR size (Huang et al. 2017; Li et al. 2018, figure 1).

Four dense blocks of 6, 12, 24 and 16 bottlenecks with growth rate 32, halved in channels and size
between them; the first convolution is 3x3 and nothing is pooled before the blocks, so that 32x32
images end at 4x4. Parameter names are those of the code that Li et al. published.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

BLOCKS = (6, 12, 24, 16)
GROWTH = 32


class Bottleneck(nn.Module):
    """1x1 to 4 GROWTH channels, 3x3 to GROWTH; what is new comes before what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, 4 * GROWTH, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(4 * GROWTH)
        self.conv2 = nn.Conv2d(4 * GROWTH, GROWTH, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, GROWTH + channels, H, W)."""
        new = self.conv1(functional.relu(self.bn1(x)))
        new = self.conv2(functional.relu(self.bn2(new)))
        return torch.cat((new, x), dim=1)


class Transition(nn.Module):
    """Half the channels, half the size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels)
        self.conv = nn.Conv2d(channels, channels // 2, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, channels/2, H/2, W/2)."""
        return functional.avg_pool2d(self.conv(functional.relu(self.bn(x))), 2)


class DenseNet(nn.Module):
    """Dense blocks ``dense1 …`` with a transition ``trans1 …`` between each two."""

    def __init__(
        self, blocks: tuple[int, ...] = BLOCKS, *, inputs: tuple[int, ...] = (3, 32, 32),
        num_classes: int = 10,
    ) -> None:  # fmt: skip
        super().__init__()
        channels = 2 * GROWTH
        self.conv1 = nn.Conv2d(inputs[0], channels, 3, padding=1, bias=False)
        self.stages: list[str] = []
        for number, count in enumerate(blocks, start=1):
            ends = [channels + GROWTH * k for k in range(count + 1)]
            dense = nn.Sequential(*(Bottleneck(before) for before, _ in pairwise(ends)))
            self._stage(f"dense{number}", dense)
            channels = ends[-1]
            if number < len(blocks):
                self._stage(f"trans{number}", Transition(channels))
                channels //= 2
        self.bn = nn.BatchNorm2d(channels)
        self.linear = nn.Linear(channels, num_classes)

    def _stage(self, name: str, module: nn.Module) -> None:
        self.add_module(name, module)
        self.stages.append(name)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, num_classes)."""
        x = self.conv1(x)
        for name in self.stages:
            x = self.get_submodule(name)(x)
        x = functional.relu(self.bn(x))
        x = functional.avg_pool2d(x, x.shape[-2:])
        return self.linear(torch.flatten(x, 1))  # type: ignore[no-any-return]


MODELS = {"densenet121": DenseNet}
