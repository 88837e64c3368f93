"""Plane: theta* + alpha delta + beta eta."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from compute import directions
from compute.directions import Direction, combined, difference, inner
from lossviz.errors import InputError

MARGIN = 0.2  # of the larger side, around what an automatic range has to show


@dataclass(frozen=True, eq=False)
class Plane:
    """The centre theta* and two directions, on the CPU, by parameter name.

    ``kind`` says what they are or names the file they came from; with ``seed``, ``normalize`` and
    ``ignore`` it tells how to make them again. ``marks`` are other networks that it passes through,
    as (name, alpha, beta). If the directions move batch norm's statistics, theta has them too.
    """

    theta: Direction
    delta: Direction
    eta: Direction
    kind: str = "random"
    seed: int | None = None
    normalize: str = ""
    ignore: str = ""
    marks: tuple[tuple[str, float, float], ...] = ()

    @property
    def sha256(self) -> str:
        """A hash of both directions."""
        return directions.sha256(self.delta, self.eta)

    @property
    def angle(self) -> float:
        """The angle between the directions in degrees; NaN if one is zero."""
        cosine = directions.cosine(self.delta, self.eta)
        return math.degrees(math.acos(min(1.0, max(-1.0, cosine)))) if cosine == cosine else cosine

    @property
    def moves_statistics(self) -> bool:
        """Whether batch norm's statistics move along."""
        return any(map(directions.is_statistic, (*self.delta, *self.eta)))

    def project(self, move: Mapping[str, Tensor]) -> tuple[float, float, float]:
        """Where theta* + ``move`` lies: alpha, beta, and its distance from the plane.

        Directions need not be orthonormal: the two normal equations are solved. The distance is in
        units of the parameters.

        Raises
        ------
        InputError
            If the directions are parallel.
        """
        a, b, c, determinant = self._products()
        p, q = inner(self.delta, move), inner(self.eta, move)
        alpha, beta = (c * p - b * q) / determinant, (a * q - b * p) / determinant
        rest = combined([(1.0, _doubled(move)), (-alpha, _doubled(self.delta)),
                         (-beta, _doubled(self.eta))])  # fmt: skip
        return alpha, beta, inner(rest, rest) ** 0.5

    def check(self) -> None:
        """Refuse two directions between which there is no surface.

        Raises
        ------
        InputError
            If they are parallel, or one is zero.
        """
        self._products()

    def _products(self) -> tuple[float, float, float, float]:
        """⟨δ, δ⟩, ⟨δ, η⟩, ⟨η, η⟩ and their determinant."""
        a, b, c = (inner(*pair) for pair in (
            (self.delta, self.delta), (self.delta, self.eta), (self.eta, self.eta),
        ))  # fmt: skip
        determinant = a * c - b * b
        if not determinant > 1e-12 * a * c:
            found = "parallel ones" if a * c > 0 else "one that moves nothing"
            raise InputError(
                f"plane: expected two directions, got {found}; along a single one lossviz line "
                "draws a curve, and random ones may need normalize none"
            )
        return a, b, c, determinant


def _doubled(direction: Mapping[str, Tensor]) -> Direction:
    return {name: values.double() for name, values in direction.items()}


def random_plane(
    model: nn.Module, *, seed: int = 0, normalize: str = "filter", ignore: str = "biasbn"
) -> Plane:
    """The plane through a model along two random directions (Li et al. 2018, section 4).

    Raises
    ------
    InputError
        If nothing would move along them.
    """
    theta = directions.center_of(model)
    delta, eta = (
        directions.random_direction(theta, seed=seed, axis=axis, normalize=normalize, ignore=ignore)
        for axis in ("alpha", "beta")
    )
    if not inner(delta, delta) > 0:
        raise InputError(_nothing_moves(theta, ignore))
    return Plane(theta, delta, eta, "random", seed, normalize, ignore)


def _nothing_moves(theta: Direction, ignore: str) -> str:
    """Why random directions are zero."""
    if not theta:
        return "directions: the model has no parameters to move"
    if ignore == "biasbn" and all(values.ndim <= 1 for values in theta.values()):
        return ("directions: all parameters are vectors, and as biases they do not move; "
                "give ignore none and normalize none")  # fmt: skip
    return "directions: scaled to weights that are 0 they move nothing; give normalize none"


def plane_through(
    theta: Direction, others: Mapping[str, Direction], *, name: str = "", seed: int = 0,
    normalize: str = "filter",
) -> Plane:  # fmt: skip
    """The plane through a network and one or two others, with all of them marked.

    ``theta`` and ``others`` are what ``directions.state_of`` or ``center_of`` gives; statistics
    that are there move along, so that each network has its own at its place. Two others
    (Garipov et al. 2018, arXiv:1802.10026, section 3): delta and eta are orthonormal, from
    theta₁ − theta* and what of theta₂ − theta* is orthogonal to it, so that alpha and beta are
    distances between parameters. One other: delta = theta₁ − theta*, so that it lies at (1, 0), and
    eta is random, normalised, made orthogonal to delta and as long.

    Raises
    ------
    InputError
        If the networks do not fit each other, two are the same, or they lie on one line; or there
        is no random direction beside one other.
    """
    moves = {other: difference(state, theta) for other, state in others.items()}
    names, (first, *rest) = list(moves), list(moves.values())
    length = inner(first, first) ** 0.5
    if not length > 0:
        raise InputError(f"{names[0]}: its weights are those of the centre; expected another net")
    if not rest:
        drawn = directions.random_direction(
            directions.parameters_of(theta), seed=seed, axis="beta", normalize=normalize
        )
        eta = combined([(1.0, _doubled(drawn)), (-inner(drawn, first) / length**2, first)])
        eta = directions.parameters_of(eta)
        if not inner(eta, eta) > 1e-12 * inner(drawn, drawn):
            raise InputError(
                f"{names[0]}: these weights have no random direction beside the one to it; "
                "give a second network, or normalize none"
            )
        eta = combined([(length / inner(eta, eta) ** 0.5, eta)])
        marks = ((name, 0.0, 0.0), (names[0], 1.0, 0.0))
        plane = Plane(theta, first, eta, f"to {names[0]}, random", seed, normalize, "none", marks)
        return _rounded(plane)
    along = inner(rest[0], first) / length**2
    beside = combined([(1.0, rest[0]), (-along, first)])
    width = inner(beside, beside) ** 0.5
    if not width > 1e-6 * inner(rest[0], rest[0]) ** 0.5:
        raise InputError(
            f"{names[1]}: lies on one line with the centre and {names[0]}; expected a third place"
        )
    delta, eta = combined([(1 / length, first)]), combined([(1 / width, beside)])
    all_marks = ((name, 0.0, 0.0), (names[0], length, 0.0), (names[1], along * length, width))
    kind = f"to {names[0]} and {names[1]}"
    plane = Plane(theta, delta, eta, kind, None, "none", "none", all_marks)
    return _rounded(plane)


def _rounded(plane: Plane) -> Plane:
    """The directions in the parameters' own precision."""
    delta, eta = (
        {name: values.to(plane.theta[name].dtype) for name, values in direction.items()}
        for direction in (plane.delta, plane.eta)
    )
    return replace(plane, delta=delta, eta=eta)


def line_to(theta: Direction, other: Direction, name: str = "") -> Plane:
    """The line from a network (alpha = 0) to another (alpha = 1), Goodfellow et al. 2015,
    arXiv:1412.6544, section 3; as a plane whose second direction is zero.

    Raises
    ------
    InputError
        If the networks do not fit each other or are the same.
    """
    move = difference(other, theta)
    if not any(bool((values != 0).any()) for values in move.values()):
        raise InputError(f"{name}: its weights are those of the centre; expected another network")
    return _rounded(Plane(theta, move, {}, f"to {name}", marks=((name, 1.0, 0.0),)))


def span_around(points: Iterable[Sequence[float]]) -> tuple[float, float, float, float]:
    """A range that shows all points with a margin, alpha and beta on one scale.

    Returns alpha's low and high, then beta's.
    The smaller side is at least half of the larger one: a path of no width still gets a surface.
    """
    values = torch.tensor([[float(a), float(b)] for a, b in points], dtype=torch.float64)
    low, high = values.min(dim=0).values, values.max(dim=0).values
    size = float((high - low).max()) or 1.0
    sides = torch.clamp(high - low, min=0.5 * size) + 2 * MARGIN * size
    middle = (low + high) / 2
    a, c = (middle - sides / 2).tolist()
    b, d = (middle + sides / 2).tolist()
    return a, b, c, d
