"""Residual networks at CIFAR size, plain or wide, with and without shortcuts (He et al. 2016,
section 4.2; Zagoruyko and Komodakis 2016; Li et al. 2018, section 5).

``wrn56_k`` is Li et al.'s WRN-56-k: ResNet-56 with k times as many filters in every layer.
Parameter names are those of the nets that they published, so that their files load strictly.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (16, 32, 64)
DEPTHS = (20, 32, 44, 56, 110)
WIDER = (1, 2, 4, 8)


def _conv(inputs: int, outputs: int, stride: int, kernel: int = 3) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions; the shortcut is the identity, or 1x1 + batch norm at a new shape."""

    def __init__(self, inputs: int, outputs: int, stride: int, shortcut: bool) -> None:
        super().__init__()
        self.conv1, self.bn1 = _conv(inputs, outputs, stride), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = _conv(outputs, outputs, 1), nn.BatchNorm2d(outputs)
        self.shortcut: nn.Sequential | None = None
        if shortcut:
            same = stride == 1 and inputs == outputs
            parts = () if same else (_conv(inputs, outputs, stride, 1), nn.BatchNorm2d(outputs))
            self.shortcut = nn.Sequential(*parts)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H/stride, W/stride)."""
        out = functional.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.shortcut is not None:
            out = out + self.shortcut(x)
        return functional.relu(out)


class ResNet(nn.Module):
    """6n + 2 layers: three stages of n blocks with 16k, 32k and 64k channels."""

    def __init__(
        self, depth: int, k: int = 1, *, shortcut: bool, inputs: tuple[int, ...] = (3, 32, 32),
        num_classes: int = 10,
    ) -> None:  # fmt: skip
        super().__init__()
        blocks, rest = divmod(depth - 2, 6)
        if rest:
            raise ValueError(f"depth: expected 6n + 2, got {depth}")
        widths = [k * width for width in WIDTHS]
        self.conv1, self.bn1 = _conv(inputs[0], widths[0], 1), nn.BatchNorm2d(widths[0])
        before = widths[0]
        for stage, width in enumerate(widths, start=1):
            parts = []
            for index in range(blocks):
                stride = 2 if stage > 1 and index == 0 else 1
                parts.append(BasicBlock(before, width, stride, shortcut))
                before = width
            self.add_module(f"layer{stage}", nn.Sequential(*parts))
        self.linear = nn.Linear(widths[-1], num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) to logits (B, num_classes)."""
        x = functional.relu(self.bn1(self.conv1(x)))
        for name in ("layer1", "layer2", "layer3"):
            x = self.get_submodule(name)(x)
        x = functional.avg_pool2d(x, x.shape[-2:])
        return self.linear(torch.flatten(x, 1))  # type: ignore[no-any-return]


_SHORTCUTS = {"": True, "_noshort": False}
MODELS = {
    f"resnet{depth}{suffix}": partial(ResNet, depth, shortcut=shortcut)
    for depth in DEPTHS
    for suffix, shortcut in _SHORTCUTS.items()
} | {
    f"wrn56_{k}{suffix}": partial(ResNet, 56, k, shortcut=shortcut)
    for k in WIDER
    for suffix, shortcut in _SHORTCUTS.items()
}
