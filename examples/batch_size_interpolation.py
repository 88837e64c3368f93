"""Small batches against large ones: the line between two solutions, and what it does not say.

Training with large batches is said to end in sharp minima, which generalise badly (Keskar et al.
2017, arXiv:1609.04836). The evidence is the loss on the line between the two solutions (Goodfellow
et al. 2015, arXiv:1412.6544). Li et al. 2018, arXiv:1712.09913, section 5, draw it without and with
weight decay, and the sharp one becomes the other one: what looks sharp has the smaller weights, for
which the same step is more. Here the norms become alike, and so do the two ends. Surfaces along
directions that are normalised by filter do not depend on the norm.

Run it from the repository: .venv/bin/python examples/batch_size_interpolation.py [--points 41]
"""

import argparse
from dataclasses import replace

import torch
from torch import nn

import lossviz
from compute.data import load

parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--points", type=int, default=81)
options = parser.parse_args()

SMALL, LARGE = 16, 512
digits, unseen = load("digits"), load("digits", split="test")
train_set, test_set = (digits.inputs, digits.targets), (unseen.inputs, unseen.targets)
criterion = nn.CrossEntropyLoss()


def trained(batch_size, weight_decay):
    """One start and one number of epochs for all; only the batches and the decay differ."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.05, momentum=0.9, weight_decay=weight_decay
    )  # fmt: skip
    for _ in range(options.epochs):
        for chosen in torch.randperm(len(digits.targets)).split(batch_size):
            optimizer.zero_grad()
            criterion(model(digits.inputs[chosen]), digits.targets[chosen]).backward()
            optimizer.step()
    return model


@torch.no_grad()
def tell(name, model):
    norm = nn.utils.parameters_to_vector(model.parameters()).norm()
    losses = [criterion(model(inputs), targets) for inputs, targets in (train_set, test_set)]
    print(f"  {name}: norm {norm:.2f}, loss {losses[0]:.4f}, on unseen digits {losses[1]:.4f}")


solutions, curves, notes = {}, [], []
for decay in (0.0, 0.01):
    print(f"weight decay {decay:g}")
    small, large = solutions[decay] = trained(SMALL, decay), trained(LARGE, decay)
    tell(f"batches of {SMALL}", small)
    tell(f"batches of {LARGE}", large)
    # 0 is the small batches' solution, 1 the large ones': both are among the points.
    found = lossviz.line(
        small, criterion, train_set, to={f"batches of {LARGE}, weight decay {decay:g}": large},
        test=test_set, points=options.points, span=(-0.5, 1.5), precision="float64",
    )  # fmt: skip
    curves += found.curves
    notes += found.provenance.notes
    curve = found.curves[0]
    highest = [curve.quantities["loss"][abs(curve.alphas - end) <= 0.5].max() for end in (0, 1)]
    print("  highest loss within 0.5 around them: " + " and ".join(f"{h:.3f}" for h in highest))

known = replace(found.provenance, notes=notes, directions=f"batches of {SMALL} to {LARGE}")
landscape = found.with_changes(
    curves=curves, provenance=known, name="from small batches (0) to large ones (1)"
)
lossviz.write(landscape, "batch_size_interpolation.ply")
print(*notes, "now: lossviz view batch_size_interpolation.ply", sep="\n")
