"""Landscapes that the viewer's tests draw."""

import numpy as np

from lossviz.landscape import CriticalPoint, Curve, Landscape, Provenance, Surface, Trajectory


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


def between(name="other.pt", *, test=True, height=2.0, **changes):
    """The losses from one network to another, with a barrier between them."""
    alphas = np.linspace(-0.5, 1.5, 81)
    loss = 0.02 + height * np.exp(-(((alphas - 0.5) / 0.2) ** 2)) + 0.6 * (alphas - 0.5) ** 4
    loss = loss + 0.01 * alphas
    quantities = {"loss": loss, "accuracy": np.exp(-loss)}
    if test:
        quantities |= {"test_loss": 1.2 * loss + 0.1, "test_accuracy": np.exp(-1.2 * loss - 0.1)}
    known = Provenance(model="mlp", data="digits", split="train", samples=512,
                       checkpoint="runs/first.pt", directions=f"to {name}", **changes)  # fmt: skip
    return Landscape(curves=[Curve(name, alphas, quantities)], provenance=known, name="mlp")


def fan(count=4):
    """Curves along random directions, steep ones, with their mean and its spread."""
    alphas = np.linspace(-1, 1, 51)
    random = np.random.default_rng(3)
    losses = [0.01 * np.exp(random.uniform(4, 8) * alphas**2 + 0.5 * random.normal() * alphas)
              for _ in range(count)]  # fmt: skip
    curves = [Curve(f"random, seed {i}", alphas, {"loss": loss, "accuracy": 1 / (1 + loss)})
              for i, loss in enumerate(losses)]  # fmt: skip
    mean = {"loss": np.mean(losses, axis=0), "loss_spread": np.std(losses, axis=0, ddof=1)}
    known = Provenance(model="resnet20", data="cifar10", split="train", samples=512,
                       directions="random")  # fmt: skip
    curves.append(Curve(f"mean of {count}", alphas, mean))
    return Landscape(curves=curves, provenance=known, name="resnet20")


def _slope(x):
    return 1.2 * x - 2.7 * np.sin(9 * x + 0.7)


def dimpled(n=61, **changes):
    """f(α) + f(β) with f(x) = 0.6 x² + 0.3 cos(9 x + 0.7) + 0.5: every critical point and every
    separatrix is known, as the variables part. Persistences are made up; so is a degenerate one."""
    fine = np.linspace(-1, 1, 20001)
    at = np.flatnonzero(np.diff(np.sign(_slope(fine))) != 0)
    roots = fine[at] - _slope(fine[at]) * 1e-4 / (_slope(fine[at + 1]) - _slope(fine[at]))

    def height(x):
        return 0.6 * x**2 + 0.3 * np.cos(9 * x + 0.7) + 0.5

    def bend(x):
        return 1.2 - 24.3 * np.cos(9 * x + 0.7)

    points, lines = [], []
    for i, a in enumerate(roots):
        for j, b in enumerate(roots):
            low, high = sorted((float(bend(a)), float(bend(b))))
            kind = "minimum" if low > 0 else "maximum" if high < 0 else "saddle"
            strength = 10.0 ** (-(i + j) / 4)
            points.append(CriticalPoint(a, b, float(height(a) + height(b)), low, high, kind,
                                        strength))  # fmt: skip
            for step in (-1, 1) if kind == "saddle" else ():
                k, m = (i + step, j) if bend(a) < 0 else (i, j + step)
                if min(k, m) >= 0 and max(k, m) < len(roots):
                    way = np.linspace([a, b], [roots[k], roots[m]], 20)
                    losses = height(way[:, 0]) + height(way[:, 1])
                    lines.append(Trajectory(f"separatrix {len(lines)}", "descent", way, losses))
    points.append(CriticalPoint(1.0, -1.0, 2.4, -9.0, 3.0, "maximum", 0.0, True))
    points.append(CriticalPoint(0.4, 0.45, 1.1, 0.0, 3.0, "degenerate", 0.02))
    axis = np.linspace(-1, 1, n)
    loss = height(axis)[:, None] + height(axis)
    return Landscape(surface=Surface(axis, axis, {"loss": loss}), critical_points=points,
                     trajectories=lines, name="dimpled", **changes)  # fmt: skip


def with_loss(landscape, loss):
    """The same landscape with other losses."""
    old = landscape.surface
    quantities = {**old.quantities, "loss": loss}
    return landscape.with_changes(surface=Surface(old.alphas, old.betas, quantities))
