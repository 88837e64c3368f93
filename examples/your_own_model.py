"""Your own model in Python: train a small network on the bundled digits, look at its landscape.

Run it from the repository: .venv/bin/python examples/your_own_model.py
"""

import torch
from torch import nn

import compute
import lossviz
from compute.data import load
from compute.problem import batches_of

torch.manual_seed(0)
digits = load("digits")
model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
for _ in range(200):
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(digits.inputs), digits.targets).backward()
    optimizer.step()

problem = compute.Problem(
    model, compute.cross_entropy, batches_of(digits.inputs, digits.targets, 500)
)
landscape = compute.landscape(problem, points=25, name="a small network on digits")
lossviz.write(landscape, "your_own_model.ply")

center = landscape.surface.loss[landscape.surface.center]
print(f"loss {center:.4f} at the centre, up to {landscape.surface.loss.max():.2f} around it")
print("now: lossviz view your_own_model.ply")
