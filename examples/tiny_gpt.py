"""A language model: train a tiny GPT on the letters of a text, look at its loss landscape.

Run it from the repository: .venv/bin/python examples/tiny_gpt.py [TEXT] [--steps 1500]
The text is the licence of lossviz, or any other file of text.
"""

import argparse
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

import lossviz

parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("text", nargs="?", type=Path, default=Path(__file__).parents[1] / "LICENSE")
parser.add_argument("--steps", type=int, default=300)
parser.add_argument("--points", type=int, default=15)
options = parser.parse_args()

WIDTH, HEADS, LAYERS, CONTEXT, BATCH = 48, 4, 2, 32, 16


class Block(nn.Module):
    """Attention to what came before, then a small network for each place; both are added."""

    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(
            nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH)
        )

    def forward(self, x):  # (B, T, C)
        qkv = self.qkv(self.norm1(x)).unflatten(2, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(*qkv, is_causal=True)  # (B, heads, T, ·)
        x = x + self.out(mixed.transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    """Letters in, for each place the logits of the next letter out; one table for both."""

    def __init__(self, letters):
        super().__init__()
        self.letter, self.place = nn.Embedding(letters, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, letters, bias=False)
        for table in (self.letter, self.place):
            nn.init.normal_(table.weight, std=0.05)
        self.head.weight = self.letter.weight

    def forward(self, ids):  # (B, T) -> (B, T, letters)
        x = self.letter(ids) + self.place.weight[: ids.shape[1]]
        return self.head(self.norm(self.blocks(x)))


def loss_of(model, batch):
    """The cross-entropy of the next letter in nats, the mean over each sequence: (B,)."""
    ids, following = batch
    logits = model(ids).transpose(1, 2)  # (B, letters, T), as cross_entropy wants it
    return functional.cross_entropy(logits, following, reduction="none").mean(dim=1)


torch.manual_seed(0)
text = options.text.read_text(encoding="utf-8")
letters = sorted(set(text))
ids = torch.tensor([letters.index(letter) for letter in text])


def sequences(count):
    """Places in the text, drawn by chance: what stands there, and the same one letter later."""
    starts = torch.randint(len(ids) - CONTEXT - 1, (count, 1))
    places = starts + torch.arange(CONTEXT)
    return ids[places], ids[places + 1]


model = GPT(len(letters))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for step in range(options.steps):
    loss = loss_of(model, sequences(BATCH)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step in (0, options.steps - 1):
        print(f"step {step + 1}: {loss.item():.3f} nats a letter")

landscape = lossviz.surface(model, loss_of, sequences(64), points=options.points, name="a tiny GPT")
lossviz.write(landscape, "tiny_gpt.ply")
center = landscape.surface.loss[landscape.surface.center]
print(f"{center:.3f} at the centre, up to {landscape.surface.loss.max():.2f} around it")
print("now: lossviz view tiny_gpt.ply")
