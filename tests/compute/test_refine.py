"""Refined critical points against analytic ones and against losses evaluated around them."""

import numpy as np
import pytest
import torch
from torch import nn

from compute.evaluation import Evaluator
from compute.hessian import Hessian
from compute.plane import Plane, random_plane
from compute.problem import Problem
from compute.refine import Slice, refined
from lossviz.errors import InputError
from lossviz.landscape import CriticalPoint

from .fields import himmelblau
from .nets import small_problem
from .test_hessian import tiny

# Himmelblau's function: four minima, four saddles, a maximum (to 6 digits and by symmetry exact)
MINIMA = [(3.0, 2.0), (-2.805118, 3.131313), (-3.779310, -3.283186), (3.584428, -1.848127)]
SADDLES = [
    (0.086678, 2.884255), (-3.073026, -0.081353), (3.385154, 0.073852), (-0.127961, -1.953715)
]  # fmt: skip
MAXIMA = [(-0.270845, -0.923039)]


class Formula(nn.Module):
    """The two coordinates are the only weights."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(1, 2))


def sliced(loss):
    """The plane of a formula f(α, β), and its exact slice."""
    problem = Problem(Formula(), lambda model, batch: loss(*model.w[0]), [(torch.zeros(1),)])
    theta = {"w": torch.zeros(1, 2)}
    plane = Plane(theta, {"w": torch.tensor([[1.0, 0]])}, {"w": torch.tensor([[0, 1.0]])})
    return Slice(Hessian(problem, plane=plane, ignore="none", dtype=torch.float64), plane)


def point(a, b, kind, **more):
    return CriticalPoint(a, b, 0.0, 0.0, 0.0, kind, 0.5, **more)


def test_all_of_himmelblaus_points_are_reached_from_beside_them():
    shift, cell = np.array([0.07, -0.05]), (0.1, 0.1)
    truth = [(place, "minimum") for place in MINIMA]
    truth += [(place, "saddle") for place in SADDLES] + [(place, "maximum") for place in MAXIMA]
    starts = [point(*(np.array(p) + shift), kind) for p, kind in truth]
    found = list(refined(starts, sliced(himmelblau), cell))
    for (place, kind), one in zip(truth, found, strict=True):
        assert (one.alpha, one.beta) == pytest.approx(place, abs=1e-5), place
        assert one.kind == kind and one.persistence == 0.5
        assert one.moved == pytest.approx(np.hypot(*shift), abs=1e-5)
        assert one.gradient_norm < 1e-3 and one.value == pytest.approx(
            float(himmelblau(*place)), abs=1e-8
        )
        a, b = one.alpha, one.beta
        matrix = [[12 * a**2 + 4 * b - 42, 4 * a + 4 * b], [4 * a + 4 * b, 12 * b**2 + 4 * a - 26]]
        assert [one.lambda_min, one.lambda_max] == pytest.approx(
            np.linalg.eigvalsh(matrix), abs=1e-3
        )


@pytest.mark.parametrize(
    ("loss", "start", "why"),
    [
        (lambda a, b: a.abs() + b.abs() + 0.01 * a * a, (0.3, 0.2, "minimum"), "a kink"),
        (himmelblau, (3.0, 1.6, "minimum"), "four cells away"),
        (himmelblau, (3.02, 2.01, "saddle"), "another kind"),
        (lambda a, b: a + 2 * b, (0, 0, "minimum"), "no zero at all"),
        (lambda a, b: (a - 5).sqrt() + b * b, (0, 0, "minimum"), "not a number"),
        (lambda a, b: torch.exp(1000 + a * a + b * b), (0.5, 0, "minimum"), "not finite"),
    ],
)
def test_what_is_not_there_stays_unrefined(loss, start, why):
    assert list(refined([point(*start)], sliced(loss), (0.1, 0.1))) == [None], why


def test_the_border_stays_and_of_doubles_the_first_is_moved():
    starts = [
        point(3.0, 2.02, "minimum", border=True), point(3.05, 2, "minimum"), point(3, 2, "minimum")
    ]  # fmt: skip
    border, first, second = refined(starts, sliced(himmelblau), (0.1, 0.1))
    assert border is None and second is None
    assert (first.alpha, first.beta) == pytest.approx((3, 2), abs=1e-5)


def test_a_degenerate_point_is_told_as_what_the_network_has():
    quartic, cell = (lambda a, b: a**4 + b * b), (0.1, 0.1)
    (flat,) = refined([point(0.001, 0.03, "minimum")], sliced(quartic), cell)
    assert flat.kind == "degenerate" and abs(flat.beta) < 1e-6
    monkey = sliced(lambda a, b: a**3 - 3 * a * b * b)
    (three,) = refined([point(0.003, 0.001, "degenerate")], monkey, cell)
    assert three.kind == "degenerate" and np.hypot(three.alpha, three.beta) < 1e-3
    (bowl,) = refined([point(2.98, 2.03, "degenerate")], sliced(himmelblau), cell)
    assert bowl.kind == "minimum"


def test_it_is_a_point_of_the_networks_loss_by_evaluated_differences():
    """The second route: losses of the evaluation engine around the point, in float64."""
    problem = tiny()
    plane = random_plane(problem.model, seed=5, ignore="none")
    evaluator = Evaluator(problem, plane, dtype=torch.float64)
    part = Slice(Hessian(problem, plane=plane, ignore="none", dtype=torch.float64), plane)

    def loss(a, b):
        return evaluator.at(a, b)["loss"]

    from scipy.optimize import minimize

    lowest = minimize(lambda p: loss(*p), [0, 0], method="Nelder-Mead", options={"xatol": 1e-7})
    start = lowest.x + [0.06, 0.03]
    (found,) = refined([point(*start, "minimum")], part, (0.1, 0.1))
    assert (found.alpha, found.beta) == pytest.approx(tuple(lowest.x), abs=1e-4)
    assert found.value == pytest.approx(lowest.fun, abs=1e-10) and found.gradient_norm < 1e-4
    a, b, h = found.alpha, found.beta, 1e-4
    slope = [(loss(a + h, b) - loss(a - h, b)) / 2 / h, (loss(a, b + h) - loss(a, b - h)) / 2 / h]
    assert np.hypot(*slope) == pytest.approx(found.gradient_norm, abs=1e-7)
    axes = [loss(a + h, b) + loss(a - h, b), loss(a, b + h) + loss(a, b - h)]
    xx, yy = ((both - 2 * found.value) / h**2 for both in axes)
    xy = (loss(a + h, b + h) - loss(a + h, b - h) - loss(a - h, b + h) + loss(a - h, b - h)) / 4
    own = np.linalg.eigvalsh([[xx, xy / h**2], [xy / h**2, yy]])
    assert [found.lambda_min, found.lambda_max] == pytest.approx(own, rel=1e-4)


def test_planes_that_move_statistics_are_refused():
    problem = small_problem()
    plane = random_plane(problem.model)
    statistic = {"1.running_mean": torch.ones(5)}
    moving = Plane({**plane.theta, **statistic}, {**plane.delta, **statistic}, plane.eta)
    with pytest.raises(InputError, match="move batch norm's statistics"):
        Slice(Hessian(problem, plane=moving), moving)
