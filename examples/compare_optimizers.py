"""Three optimisers from one start: their paths over the loss surface of one common plane.

SGD, momentum and Adam train the same network on the bundled digits, with the same batches in the
same order. The plane is that of the two principal components of all snapshots (Li et al. 2018,
arXiv:1712.09913, section 7), around the common start.

Run it from the repository: .venv/bin/python examples/compare_optimizers.py [--epochs 60]
"""

import argparse
import tempfile
from pathlib import Path

import torch
from torch import nn

import compute
import lossviz
from compute.data import load

parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--points", type=int, default=41)
options = parser.parse_args()

OPTIMIZERS = {
    "SGD": lambda parameters: torch.optim.SGD(parameters, lr=0.05),
    "momentum": lambda parameters: torch.optim.SGD(parameters, lr=0.05, momentum=0.9),
    "Adam": lambda parameters: torch.optim.Adam(parameters, lr=0.003),
}
digits, unseen = load("digits"), load("digits", split="test")
criterion = nn.CrossEntropyLoss()


def network():
    torch.manual_seed(0)  # one start for all
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


def train(name, folder):
    """An ordinary training loop; the two lines with ``recorder`` are all that lossviz needs."""
    model, batches = network(), torch.Generator().manual_seed(0)
    optimizer = OPTIMIZERS[name](model.parameters())
    recorder = compute.Recorder(model, folder)
    for epoch in range(options.epochs):
        for chosen in torch.randperm(len(digits.targets), generator=batches).split(64):
            optimizer.zero_grad()
            criterion(model(digits.inputs[chosen]), digits.targets[chosen]).backward()
            optimizer.step()
        recorder.step(epoch + 1)
    right = (model(unseen.inputs).argmax(1) == unseen.targets).double().mean()
    print(f"{name}: {right:.1%} of unseen digits are recognised")


# A folder of your own instead of this one keeps the snapshots.
with tempfile.TemporaryDirectory() as runs:
    folders = {name: Path(runs, name) for name in OPTIMIZERS}
    for name, folder in folders.items():
        train(name, folder)
    landscape = lossviz.trajectory(
        network(), criterion, (digits.inputs, digits.targets), runs=folders, points=options.points,
        name="three optimisers on digits",
    )  # fmt: skip
lossviz.write(landscape, "compare_optimizers.ply")

# Principal components explain much of any path, of a random walk too: judge by the difference.
known = landscape.provenance
explained, by_chance = (sum(shares[:2]) for shares in (known.explained_variance,
                                                       known.explained_by_chance))  # fmt: skip
print(f"the plane explains {explained:.1%} of the variance; of random walks: {by_chance:.1%}")
for path in landscape.trajectories:
    # Components are orthonormal: alpha and beta are distances between weights.
    moved = (path.points[-1] ** 2).sum() ** 0.5
    print(
        f"{path.name}: loss {path.losses[0]:.3f} to {path.losses[-1]:.4f}, ends {moved:.2f} from "
        f"the start in the plane; beside it by {path.off_plane.max():.0%} of its distance at most, "
        f"{path.off_plane[-1]:.0%} at the end"
    )
print("now: lossviz view compare_optimizers.ply")
print("or a picture: lossviz render compare_optimizers.ply -o compare_optimizers.png")
