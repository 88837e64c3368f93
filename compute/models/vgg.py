"""VGG-9 with batch norm at CIFAR size (Simonyan and Zisserman 2015; Li et al. 2018, figure 2).

Seven 3x3 convolutions, 64 64 M 128 128 M 256 256 256 M (M halves the image, rounding up), a hidden
linear layer of 256 with batch norm, and the classifier: the net, and the parameter names, of the
code that Li et al. published.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

PLAN = (64, 64, "M", 128, 128, "M", 256, 256, 256, "M")
HIDDEN = 256


class VGG9(nn.Module):
    """Images ``inputs`` (channels, height, width) of any size to ``num_classes`` logits."""

    def __init__(self, *, inputs: tuple[int, ...] = (3, 32, 32), num_classes: int = 10) -> None:
        super().__init__()
        channels, height, width = inputs
        layers: list[nn.Module] = []
        for step in PLAN:
            if isinstance(step, str):
                layers.append(nn.MaxPool2d(2, ceil_mode=True))
                height, width = -(-height // 2), -(-width // 2)
            else:
                layers += [nn.Conv2d(channels, step, 3, padding=1), nn.BatchNorm2d(step), nn.ReLU()]
                channels = step
        self.features = nn.Sequential(*layers)
        flat = channels * height * width
        self.fc = nn.Sequential(nn.Linear(flat, HIDDEN), nn.BatchNorm1d(HIDDEN), nn.ReLU())
        self.classifier = nn.Linear(HIDDEN, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, num_classes)."""
        x = torch.flatten(self.features(x), 1)
        return self.classifier(self.fc(x))  # type: ignore[no-any-return]


MODELS = {"vgg9": VGG9}
