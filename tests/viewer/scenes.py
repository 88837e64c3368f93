"""Landscapes that the viewer's tests draw."""

import numpy as np

from lossviz.landscape import Landscape, Provenance, Surface, Trajectory


def bumpy(n=41, m=None, *, steep=True, seed=0, name="bumpy", span=1.0):
    """A seeded landscape of ``n`` x ``m`` points; ``steep`` spans more than two decades."""
    m = m or n
    alphas, betas = np.linspace(-1, 1, n), np.linspace(-span, span, m)
    x, y = np.meshgrid(alphas, betas, indexing="ij")
    random = np.random.default_rng(seed)
    z = 3 * (x**2 + 1.3 * y**2)
    for _ in range(25):
        a, b, width = *random.uniform(-1, 1, 2), random.uniform(0.08, 0.3)
        bump = np.exp(-((x - a) ** 2 + (y - b) ** 2) / width**2)
        z += 0.8 * random.normal() * bump * (0.1 + x**2 + y**2)
    z = z - z.min()
    loss = 0.01 * np.exp(1.6 * z) if steep else z + 0.5
    known = Provenance(
        model=name,
        data="npz:images.npz",
        split="train",
        samples=256,
        directions="random",
        seed=seed,
    )
    return Landscape(
        surface=Surface(alphas, betas, {"loss": loss, "accuracy": 1 / (1 + loss)}),
        provenance=known, name=name,
    )  # fmt: skip


def runs(count=1, k=30, seed=0):
    """Noisy paths of ``k`` steps from around the border to the centre."""
    random = np.random.default_rng(seed)
    t = np.linspace(0, 1, k)
    found = []
    for i in range(count):
        angle = 2 * np.pi * i / count + 0.6
        points = 0.95 * (1 - t)[:, None] ** 1.5 * [np.cos(angle), np.sin(angle)]
        points += 0.07 * random.normal(size=(k, 2)) * (1 - t)[:, None]
        points += 0.4 * np.outer((1 - t) * t, [1, 1]) * np.sin(5 * t + i)[:, None]
        losses = 0.05 + 0.3 * np.exp(3 * (1 - t) ** 2)
        found.append(
            Trajectory(f"run {i}", "optimiser", points, losses, 0.8 * (1 - t), 100.0 * np.arange(k))
        )
    return found


def with_loss(landscape, loss):
    """The same landscape with other losses."""
    old = landscape.surface
    quantities = {**old.quantities, "loss": loss}
    return landscape.with_changes(surface=Surface(old.alphas, old.betas, quantities))
