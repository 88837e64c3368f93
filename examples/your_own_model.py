"""Your own model in Python: train a small network on the bundled digits, look at its landscape.

Run it from the repository: .venv/bin/python examples/your_own_model.py
In a notebook, end a cell with `landscape`: it shows itself. `landscape.show()` opens the window.
"""

import torch
from torch import nn

import lossviz
from compute.data import load

torch.manual_seed(0)
digits = load("digits")
model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
for _ in range(200):
    optimizer.zero_grad()
    criterion(model(digits.inputs), digits.targets).backward()
    optimizer.step()

# The data may be a DataLoader, a Dataset, a list of batches, or tensors like these. The model comes
# back as it was.
landscape = lossviz.surface(
    model, criterion, (digits.inputs, digits.targets), points=25, name="a small network on digits"
)
lossviz.write(landscape, "your_own_model.ply")

center = landscape.surface.loss[landscape.surface.center]
print(f"loss {center:.4f} at the centre, up to {landscape.surface.loss.max():.2f} around it")
print("now: lossviz view your_own_model.ply")
