"""Plane: theta* + alpha delta + beta eta."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from compute import directions
from compute.directions import Direction


@dataclass(frozen=True, eq=False)
class Plane:
    """The centre theta* and two directions, on the CPU, by parameter name.

    ``kind`` is "random" or the name of the file they came from; with ``seed``, ``normalize`` and
    ``ignore`` it tells how to make them again.
    """

    theta: Direction
    delta: Direction
    eta: Direction
    kind: str = "random"
    seed: int | None = None
    normalize: str = ""
    ignore: str = ""

    @property
    def sha256(self) -> str:
        """A hash of both directions."""
        return directions.sha256(self.delta, self.eta)


def random_plane(
    model: nn.Module, *, seed: int = 0, normalize: str = "filter", ignore: str = "biasbn"
) -> Plane:
    """The plane through a model along two random directions (Li et al. 2018, section 4)."""
    theta = directions.center_of(model)
    delta, eta = (
        directions.random_direction(theta, seed=seed, axis=axis, normalize=normalize, ignore=ignore)
        for axis in ("alpha", "beta")
    )
    return Plane(theta, delta, eta, "random", seed, normalize, ignore)
