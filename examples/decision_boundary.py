"""What a small network has learned, twice: its decision boundary and its loss surface.

A perceptron learns to tell two spirals apart. Its input has two numbers, so that its output can be
drawn for all of them: a landscape over the inputs, with the cross-entropy of class 1 as its loss
(log 2 is the boundary) and the probability of class 1. Beside it the loss of all points over two
random directions in weight space, where the trained network is the centre.

Run it from the repository: .venv/bin/python examples/decision_boundary.py
"""

import numpy as np
import torch
from torch.nn import functional

import compute
import lossviz
from compute.data import load
from compute.models import build
from compute.problem import batches_of

torch.manual_seed(0)
spirals, unseen = load("spirals"), load("spirals", split="test")
model = build("mlp:64-64:tanh", inputs=(2,), num_classes=2)
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for _ in range(300):
    optimizer.zero_grad()
    functional.cross_entropy(model(spirals.inputs), spirals.targets).backward()
    optimizer.step()

# (a) Over the inputs: the first coordinate is alpha, the second is beta.
axis = np.linspace(-1.2, 1.2, 121)
points = torch.from_numpy(np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)).float()
with torch.no_grad():
    logits = model(points.reshape(-1, 2)).double()
loss = functional.softplus(logits[:, 0] - logits[:, 1]).numpy().reshape(121, 121)
boundary = lossviz.Surface(axis, axis, {"loss": loss, "probability": np.exp(-loss)})
lossviz.write(
    lossviz.Landscape(surface=boundary, name="two spirals: the decision boundary"),
    "decision_boundary.ply",
)

# (b) Over the weights.
problem = compute.Problem(
    model, compute.cross_entropy, batches_of(spirals.inputs, spirals.targets, 1000)
)
surface = compute.landscape(problem, points=41, name="two spirals: the loss surface")
lossviz.write(surface, "spirals_loss.ply")

right = (model(unseen.inputs).argmax(1) == unseen.targets).double().mean()
loss = surface.surface.loss
print(
    f"{right:.1%} of unseen points are told apart; the loss is {loss[surface.surface.center]:.4f}"
)
print("now: lossviz view decision_boundary.ply, and lossviz view spirals_loss.ply")
print(
    "or the boundary from above: lossviz render decision_boundary.ply -o boundary.png "
    "--height probability --color probability --scale-of linear "
    "--elevation 89 --azimuth -90 --orthographic --no-floor"
)
