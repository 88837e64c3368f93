"""Three minima on one surface: the plane through three trainings, and the lines between them.

Networks that differ by their seeds alone end in different minima, equally good, with a ridge on the
straight line between any two (Garipov et al. 2018, arXiv:1802.10026, section 3 and figure 1).

Run it from the repository: .venv/bin/python examples/three_minima.py [--epochs 60]
"""

import argparse
from dataclasses import replace
from itertools import combinations

import torch
from torch import nn

import compute
import lossviz
from compute.data import load

parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--points", type=int, default=41)
options = parser.parse_args()

digits, unseen = load("digits"), load("digits", split="test")
data, criterion = (digits.inputs, digits.targets), nn.CrossEntropyLoss()


def trained(seed):
    torch.manual_seed(seed)  # of the start and of the batches
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3)
    for _ in range(options.epochs):
        for chosen in torch.randperm(len(digits.targets)).split(64):
            optimizer.zero_grad()
            criterion(model(digits.inputs[chosen]), digits.targets[chosen]).backward()
            optimizer.step()
    right = (model(unseen.inputs).argmax(1) == unseen.targets).double().mean()
    print(f"seed {seed}: {right:.1%} of unseen digits are recognised")
    return model


networks = {f"seed {seed}": trained(seed) for seed in range(3)}

# The plane: the first is its centre, alpha and beta are distances between weights, all are marked.
first, *others = networks
plane = compute.plane_through(
    compute.state_of(networks[first]),
    {name: compute.state_of(networks[name]) for name in others}, name=first,
)  # fmt: skip
landscape = lossviz.surface(
    networks[first], criterion, data, directions=plane, points=options.points,
    name="three minima of a network on digits",
)  # fmt: skip
for mark in landscape.marks:
    print(f"{mark.name}: at ({mark.alpha:.2f}, {mark.beta:.2f}), loss {mark.value:.4f}")

# The lines between each two, computed with both ends exact, and placed over the surface.
places = {mark.name: (mark.alpha, mark.beta) for mark in landscape.marks}
curves, notes = [], []
for start, end in combinations(networks, 2):
    line = lossviz.line(
        networks[start], criterion, data, to={end: networks[end]}, span=(0, 1), points=41
    )  # fmt: skip
    curve = line.curves[0].placed(places[start], places[end])
    curves.append(replace(curve, name=f"{start} to {end}"))
    notes += [f"from {start} {note}" for note in line.provenance.notes]
print(*notes, sep="\n")

known = replace(landscape.provenance, notes=[*landscape.provenance.notes, *notes])
lossviz.write(landscape.with_changes(curves=curves, provenance=known), "three_minima.ply")
print("now: lossviz view three_minima.ply")
print("or a picture: lossviz render three_minima.ply -o three_minima.png --elevation 70")
