"""A physics-informed network: solve u″ = −π² sin(πx), u(±1) = 0, look at the loss it was left with.

The loss differentiates the network twice by its input (Raissi, Perdikaris, Karniadakis 2019,
Journal of Computational Physics 378). The exact solution is u = sin(πx).

Run it from the repository: .venv/bin/python examples/pinn.py [--steps 5000]
"""

import argparse
import math

import torch
from torch import nn

import lossviz

parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("--steps", type=int, default=1000)
parser.add_argument("--points", type=int, default=25)
options = parser.parse_args()


def loss_of(model, batch):
    """The mean squared residual of the equation inside, and of the values at the ends."""
    inside, ends = batch
    x = inside.requires_grad_()
    u = model(x)
    (slope,) = torch.autograd.grad(u.sum(), x, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), x, create_graph=True)
    equation = (bend + math.pi**2 * torch.sin(math.pi * x)).square().mean()
    boundary = model(ends).square().mean()
    return {"loss": equation + 100 * boundary, "equation": equation, "boundary": boundary}


torch.manual_seed(0)
model = nn.Sequential(nn.Linear(1, 20), nn.Tanh(), nn.Linear(20, 20), nn.Tanh(), nn.Linear(20, 1))
batch = torch.linspace(-1, 1, 64)[:, None], torch.tensor([[-1.0], [1.0]])

optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for _ in range(options.steps):
    optimizer.zero_grad()
    loss_of(model, batch)["loss"].backward()
    optimizer.step()

x = torch.linspace(-1, 1, 501)[:, None]
with torch.no_grad():
    error = (model(x) - torch.sin(math.pi * x)).abs().max().item()
print(f"largest error against sin(πx): {error:.1e}")

# Nothing has to be switched on: that the loss differentiates is noticed. Its terms are quantities
# of the surface, too: lossviz view pinn.ply --color boundary
landscape = lossviz.surface(
    model,
    loss_of,
    batch,
    points=options.points,
    span=(-0.1, 0.1),
    name="a physics-informed network",
)
lossviz.write(landscape, "pinn.ply")
center = landscape.surface.loss[landscape.surface.center]
print(f"loss {center:.1e} at the centre, up to {landscape.surface.loss.max():.1e} around it")
print("now: lossviz view pinn.ply")
