"""A plane that was chosen, on the command line or in Python, and what follows from the choice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lossviz.errors import UsageError

if TYPE_CHECKING:
    from compute.plane import Plane
    from compute.trajectory import Principal, Runs

BATCH_NORM = ("stored", "interpolated", "recomputed")
Span = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Chosen:
    """A plane, where batch norm's statistics come from, and what to tell about it."""

    plane: Plane
    batch_norm: str
    notes: tuple[str, ...] = ()
    principal: Principal | None = None
    runs: Runs | None = None


def as_it_moves(plane: Plane, batch_norm: str | None) -> Chosen:
    """A plane that is given: batch norm's statistics move as it says, unless they shall not.

    Raises
    ------
    UsageError
        If they shall move, and it does not say how.
    """
    from compute.directions import parameters_of

    mode = batch_norm or ("interpolated" if plane.moves_statistics else "stored")
    if mode == "interpolated" and not plane.moves_statistics:
        raise UsageError(f"batch-norm: {plane.kind} does not move batch norm's statistics")
    if mode != "interpolated":
        theta, delta, eta = map(parameters_of, (plane.theta, plane.delta, plane.eta))
        plane = replace(plane, theta=theta, delta=delta, eta=eta)
    return Chosen(plane, mode)


def fixed_statistics(batch_norm: str | None, what: str) -> str:
    """Where batch norm's statistics come from on planes that lead to no other network.

    Raises
    ------
    UsageError
        If they shall be interpolated.
    """
    if batch_norm == "interpolated":
        raise UsageError(
            f"batch-norm: {what} lead to no other network to interpolate towards; "
            "expected stored or recomputed"
        )
    return batch_norm or "stored"


def check_principal(normalize: str | None) -> None:
    """Principal directions are as they are: scaled they would span another plane.

    Raises
    ------
    UsageError
        If they shall be normalised.
    """
    if normalize not in (None, "none"):
        raise UsageError(
            "normalize: principal directions that are scaled span another plane, which the "
            "paths do not lie near; leave it out"
        )


def scaled(chosen: Chosen, normalize: str | None, ignore: str | None) -> Chosen:
    """Directions that are not random, normalised only if that is asked.

    Raises
    ------
    UsageError
        If they move batch norm's statistics, which have no scale.
    """
    from compute.directions import normalized

    plane = chosen.plane
    if normalize in (None, "none") and ignore in (None, plane.ignore, "none"):
        return chosen
    if plane.moves_statistics:
        raise UsageError("normalize: directions that move batch norm's statistics cannot be scaled")
    normalize, ignore = normalize or "none", ignore or plane.ignore or "none"
    delta, eta = (
        normalized(direction, plane.theta, normalize=normalize, ignore=ignore)
        for direction in (plane.delta, plane.eta)
    )
    plane = replace(plane, delta=delta, eta=eta, normalize=normalize, ignore=ignore)
    return replace(chosen, plane=plane)


def default_range(chosen: Chosen) -> Span:
    """[−1, 1]², or around the paths of a training or all networks that the plane passes through."""
    from compute.plane import span_around

    plane = chosen.plane
    if chosen.principal is not None:
        return span_around([(0.0, 0.0), *chosen.principal.coordinates.tolist()])
    if len(plane.marks) < 2:
        return -1.0, 1.0, -1.0, 1.0
    return span_around([mark[1:] for mark in plane.marks])


def direction_names(kind: str) -> tuple[str, str]:
    """What a plane's two directions are called as lines."""
    if kind == "hessian":
        return "first Hessian eigenvector", "second Hessian eigenvector"
    if kind == "hessian:ends":
        return "eigenvector of λmax", "eigenvector of λmin"
    if kind.startswith("pca"):
        return "PC 1", "PC 2"
    return f"{kind} δ", f"{kind} η"
