"""The network of PyTorch's own MNIST example: two convolutions, two linear layers, dropout.

Names and sizes are the example's, so that its ``mnist_cnn.pt`` loads. It gives logits where the
example gives their log-softmax: the cross-entropy of either is the same. Landscapes are evaluated
in eval mode, where dropout does nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from lossviz.errors import UsageError


class TwoConvolutions(nn.Module):
    """3x3 to 32 and to 64 channels, halved once, a hidden layer of 128; images of 6x6 or more."""

    def __init__(self, *, inputs: tuple[int, ...] = (1, 28, 28), num_classes: int = 10) -> None:
        super().__init__()
        channels, height, width = inputs
        self.conv1 = nn.Conv2d(channels, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.dropout1, self.dropout2 = nn.Dropout(0.25), nn.Dropout(0.5)
        if min(height, width) < 6:
            raise UsageError(f"mnist_cnn: expected images of 6x6 or more, got {height}x{width}")
        halves = [(side - 4) // 2 for side in (height, width)]
        self.fc1 = nn.Linear(64 * halves[0] * halves[1], 128)
        self.fc2 = nn.Linear(128, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, num_classes)."""
        x = functional.relu(self.conv2(functional.relu(self.conv1(x))))
        x = self.dropout1(functional.max_pool2d(x, 2))
        x = functional.relu(self.fc1(torch.flatten(x, 1)))
        return self.fc2(self.dropout2(x))  # type: ignore[no-any-return]


MODELS = {"mnist_cnn": TwoConvolutions}
