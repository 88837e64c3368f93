"""A small Vision Transformer, with and without residual connections (Dosovitskiy et al. 2021).

Width 192, twelve blocks and three heads are the "tiny" size of Touvron et al. 2021 (DeiT-Ti), here
on patches of 4x4, so that a 32x32 image is 64 tokens and the class token. Blocks normalise first.

``vit_tiny_noresidual`` is the same net with both residual connections of every block removed, the
counterpart of the paper's ResNets without shortcuts. It trains, but with small steps only: on the
bundled digits 100 steps of AdamW in batches of 64 end at 0.25 with a learning rate of 3e-5
(vit_tiny: 0.15), and with 3e-4 stay at chance, 2.32, where vit_tiny reaches 0.10. Attention alone
averages the tokens until they are alike (Dong et al. 2021, "Attention is not all you need").
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from lossviz.errors import UsageError


class Attention(nn.Module):
    """Softmax(Q Kᵀ / √d) V, written out: the fused kernels have no second derivatives."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) to (B, T, width)."""
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5  # (B, heads, T, T)
        mixed = (scores.softmax(dim=-1) @ v).transpose(1, 2)  # (B, T, heads, d)
        return self.proj(mixed.flatten(2))  # type: ignore[no-any-return]


class Block(nn.Module):
    """Attention, then two linear layers with GELU, each after a layer norm."""

    def __init__(self, width: int, heads: int, residual: bool) -> None:
        super().__init__()
        self.residual = residual
        self.norm1, self.attn = nn.LayerNorm(width, eps=1e-6), Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) to (B, T, width)."""
        mixed = self.attn(self.norm1(x))
        x = x + mixed if self.residual else mixed
        changed = self.mlp(self.norm2(x))
        return x + changed if self.residual else changed


class VisionTransformer(nn.Module):
    """Images whose sides are multiples of ``patch`` to ``num_classes`` logits."""

    def __init__(
        self, *, residual: bool = True, patch: int = 4, width: int = 192, depth: int = 12,
        heads: int = 3, inputs: tuple[int, ...] = (3, 32, 32), num_classes: int = 10,
    ) -> None:  # fmt: skip
        super().__init__()
        channels, height, breadth = inputs
        if height % patch or breadth % patch:
            raise UsageError(
                f"vit_tiny: expected images whose sides are multiples of {patch}, "
                f"got {height}x{breadth}"
            )
        tokens = (height // patch) * (breadth // patch) + 1
        self.patches = nn.Conv2d(channels, width, patch, stride=patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.empty(1, tokens, width).normal_(std=0.02))
        self.blocks = nn.Sequential(*(Block(width, heads, residual) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, num_classes)."""
        x = self.patches(x).flatten(2).transpose(1, 2)  # (B, T - 1, width)
        first = self.class_token.expand(x.shape[0], -1, -1)
        x = self.blocks(torch.cat((first, x), dim=1) + self.positions)
        return self.head(self.norm(x)[:, 0])  # type: ignore[no-any-return]


MODELS = {
    "vit_tiny": VisionTransformer,
    "vit_tiny_noresidual": partial(VisionTransformer, residual=False),
}
