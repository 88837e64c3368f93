"""Functions of two variables whose critical points are known, and how: by Newton's method on the
function itself, with derivatives by complex steps. Nothing of that is in the code under test."""

from functools import lru_cache

import numpy as np

from lossviz.landscape import Surface

PI = np.pi
STEP = 1e-30  # of a complex step: no difference is taken, so nothing cancels


def himmelblau(x, y):
    return (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2


def rastrigin(x, y):
    return 20 + x * x + y * y - 10 * np.cos(2 * PI * x) - 10 * np.cos(2 * PI * y)


def camel(x, y):
    return (4 - 2.1 * x**2 + x**4 / 3) * x**2 + x * y + (4 * y**2 - 4) * y**2


def mueller_brown(x, y):
    rows = (
        (-200, -1, 0, -10, 1, 0),
        (-100, -1, 0, -10, 0, 0.5),
        (-170, -6.5, 11, -6.5, -0.5, 1.5),
        (15, 0.7, 0.6, 0.7, -1, 1),
    )
    return sum(
        height * np.exp(a * (x - p) ** 2 + b * (x - p) * (y - q) + c * (y - q) ** 2)
        for height, a, b, c, p, q in rows
    )


def peaks(x, y):
    return (
        3 * (1 - x) ** 2 * np.exp(-(x**2) - (y + 1) ** 2)
        - 10 * (x / 5 - x**3 - y**5) * np.exp(-(x**2) - y**2)
        - np.exp(-((x + 1) ** 2) - y**2) / 3
    )


def ackley(x, y):
    cone = -20 * np.exp(-0.2 * np.sqrt((x * x + y * y) / 2))
    return cone - np.exp((np.cos(2 * PI * x) + np.cos(2 * PI * y)) / 2) + 20 + np.e


def monkey_saddle(x, y):
    return x**3 - 3 * x * y * y


WINDOWS = {
    himmelblau: (-5, 5, -5, 5),
    rastrigin: (-2.3, 2.3, -2.3, 2.3),
    camel: (-2, 2, -1.2, 1.2),
    mueller_brown: (-1.5, 1.2, -0.3, 2),
    peaks: (-3, 3, -3, 3),
    ackley: (-2.3, 2.27, -2.3, 2.27),
    monkey_saddle: (-1, 1, -1, 1),
}


def surface(function, n, m=None, window=None):
    """``function`` on n x m points of its window."""
    left, right, low, high = WINDOWS[function] if window is None else window
    x, y = np.linspace(left, right, n), np.linspace(low, high, n if m is None else m)
    return Surface(x, y, {"loss": function(x[:, None], y)})


def gradient(function, points):
    """``(k, 2)`` exact to rounding, from f(x + ih) = f + ih f_x + O(h²)."""
    x, y = np.asarray(points, complex).T
    slopes = function(x + 1j * STEP, y), function(x, y + 1j * STEP)
    return np.stack([slope.imag for slope in slopes], axis=1) / STEP


def hessian(function, points, h=1e-5):
    """``(k, 2, 2)`` by central differences of the gradient."""
    columns = [
        (gradient(function, points + step) - gradient(function, points - step)) / (2 * h)
        for step in h * np.eye(2)
    ]
    return np.stack(columns, axis=2)


@lru_cache
def truth(function):
    """Critical points ``(k, 2)`` inside the window and their kinds, from 60 x 60 starts."""
    left, right, low, high = WINDOWS[function]
    starts = np.meshgrid(np.linspace(left, right, 60), np.linspace(low, high, 60))
    points = np.stack(starts, axis=-1).reshape(-1, 2) + 1e-7
    with np.errstate(all="ignore"):
        for _ in range(50):
            step = newton(gradient(function, points), hessian(function, points))
            points = points + step * np.minimum(1, 0.2 / np.linalg.norm(step, axis=1))[:, None]
        settled = (np.abs(gradient(function, points)) < 1e-9).all(axis=1)
        settled &= (np.abs(step) < 1e-7).all(axis=1)
    inside = (points > [left, low]).all(axis=1) & (points < [right, high]).all(axis=1)
    points = points[settled & inside]
    _, first = np.unique(points.round(5) + 0.0, axis=0, return_index=True)
    points = points[first]
    negative = (np.linalg.eigvalsh(hessian(function, points)) < 0).sum(axis=1)
    kinds = np.array(["minimum", "saddle", "maximum"])[negative]
    if function is ackley:  # a cone, where there is no gradient
        return np.vstack([points, [0, 0]]), np.append(kinds, "minimum")
    return points, kinds


def newton(slope, bend):
    """``(k, 2)``: −H⁻¹ ∇f by Cramer's rule."""
    (a, b), (c, d) = bend[:, 0].T, bend[:, 1].T
    p, q = slope.T
    return np.stack([b * q - d * p, c * p - a * q], axis=1) / (a * d - b * c)[:, None]
