"""The Hessian at one place: its trace, its spectral density, and the part that a plane shows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compute.directions import Direction
from compute.hessian import Hessian
from compute.lanczos import quadrature
from lossviz.errors import InputError
from lossviz.landscape import LOSS, SPECTRAL_DENSITY, Curve

Floats = NDArray[np.float64]

POINTS = 1001  # of the density's curve
WIDTH = 0.01  # of the spectrum's range: the standard deviation of the Gaussian kernel


@dataclass(frozen=True)
class Estimate:
    """The mean of ``count`` random draws, and its standard error; NaN of a single one."""

    value: float
    stderr: float
    count: int


def estimate(draws: Floats) -> Estimate:
    """Of ``(k,)`` independent draws."""
    with np.errstate(invalid="ignore", over="ignore"):
        error = float(draws.std(ddof=1) / math.sqrt(draws.size)) if draws.size > 1 else math.nan
        return Estimate(float(draws.mean()), error, draws.size)


def trace(
    hessian: Hessian, *, probes: int = 30, seed: int = 0,
    progress: Callable[[int], None] = lambda products: None,
) -> Estimate:  # fmt: skip
    """The Hessian's trace, the mean of vᵀHv over ``probes`` vectors v of ±1.

    Hutchinson 1990, Communications in Statistics 19, equation 1: unbiased, and with the least
    variance among vectors of independent entries, 2 Σ_{i≠j} H_ij².
    """
    draws = np.empty(probes)
    generator = torch.Generator().manual_seed(seed)
    for k in range(probes):
        vector = _signs(hessian, generator)
        draws[k] = float(vector.double() @ hessian.product(vector).double())
        progress(1)
    return estimate(draws)


def _signs(hessian: Hessian, generator: torch.Generator) -> Tensor:
    """A vector ``(P,)`` of ±1 (Rademacher), drawn on the CPU: the same on every device."""
    drawn = torch.randint(0, 2, (hessian.size,), generator=generator, dtype=torch.int8)
    return drawn.to(hessian.center) * 2 - 1


@dataclass(frozen=True, eq=False)
class SliceHessian:
    """The second derivatives of f(α, β) = L(θ* + αδ + βη): ``matrix`` = DᵀHD, D = (δ, η).

    ``gram`` = DᵀD. Both ``(2, 2)``.
    """

    matrix: Floats
    gram: Floats

    @property
    def eigenvalues(self) -> tuple[float, float]:
        """Of the matrix, ascending: loss per squared unit of (α, β)."""
        low, high = np.linalg.eigvalsh(self.matrix)
        return float(low), float(high)

    @property
    def curvatures(self) -> tuple[float, float]:
        """The extremes of uᵀHu over unit vectors u of the plane: loss per squared length of θ.

        They lie between the Hessian's λmin and λmax (Cauchy's interlacing theorem, Golub and Van
        Loan, theorem 8.1.7). NaN if the directions are parallel.
        """
        from scipy.linalg import eigh

        (a, b), (_, c) = self.gram
        if not np.isfinite(self.matrix).all() or not a * c - b * b > 1e-12 * a * c:
            return math.nan, math.nan
        low, high = eigh(self.matrix, self.gram, eigvals_only=True)
        return float(low), float(high)


def slice_hessian(hessian: Hessian, delta: Direction, eta: Direction) -> SliceHessian:
    """DᵀHD from two products, never from the drawn surface.

    Raises
    ------
    InputError
        If a direction moves what the Hessian leaves out.
    """
    for name, values in (*delta.items(), *eta.items()):
        if name not in hessian.parameters and bool((values != 0).any()):
            raise InputError(
                f"slice: the directions move {name}, and the Hessian does not have it; "
                'expected Hessian(…, ignore="none")'
            )
    columns = torch.stack([hessian.flat(delta), hessian.flat(eta)])  # (2, P)
    images = torch.stack([hessian.product(column) for column in columns]).double()
    columns = columns.double()
    matrix, gram = ((columns @ part.T).cpu().numpy() for part in (images, columns))
    return SliceHessian((matrix + matrix.T) / 2, gram)


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The eigenvalues' distribution as Gauss quadratures, one a probe.

    ``nodes`` and ``weights`` are lists of ``(m,)``; the weights of each sum up to 1.
    """

    size: int  # how many eigenvalues there are
    nodes: list[Floats]
    weights: list[Floats]

    def moment(self, power: int) -> Estimate:
        """The mean of λ^power over all eigenvalues; its 1st times ``size`` is the trace."""
        sums = [float(w @ n**power) for n, w in zip(self.nodes, self.weights, strict=True)]
        return estimate(np.array(sums))

    def density(self, at: Floats, width: float) -> Floats:
        """``at (k,)``: the mean over probes of Σ w g(λ − θ), g Gaussian of deviation ``width``."""
        total = np.zeros_like(at)
        for nodes, weights in zip(self.nodes, self.weights, strict=True):
            apart = (at[:, None] - nodes) / width
            total += np.exp(-0.5 * apart**2) @ weights
        return total / (len(self.nodes) * width * math.sqrt(2 * math.pi))

    def curve(self, name: str = "spectral density") -> Curve:
        """The density over the eigenvalues' range: ``alphas`` are eigenvalues, not steps.

        Its integral is 1. A curve's ``loss`` is always there: NaN, for an eigenvalue has none. The
        Gaussian's standard deviation is a hundredth of the range, which goes on for five of it on
        both sides.
        """
        nodes = np.concatenate(self.nodes)
        reach = float(np.ptp(nodes)) or abs(float(nodes[0])) or 1.0
        width = WIDTH * reach
        at = np.linspace(nodes.min() - 5 * width, nodes.max() + 5 * width, POINTS)
        density = self.density(at, width)
        return Curve(name, at, {LOSS: np.full(POINTS, np.nan), SPECTRAL_DENSITY: density})


def spectrum(
    hessian: Hessian, *, probes: int = 5, steps: int = 40, seed: int = 0,
    progress: Callable[[int], None] = lambda products: None,
) -> Spectrum:  # fmt: skip
    """The spectral density by stochastic Lanczos quadrature, ``probes`` vectors of ±1.

    Lin, Saad and Yang 2016, SIAM Review 58, section 3.2.1; for neural networks Ghorbani,
    Krishnan and Xiao 2019, arXiv:1901.10159, section 2.
    """
    generator = torch.Generator().manual_seed(seed)
    nodes, weights = [], []
    for _ in range(probes):
        found = quadrature(hessian.product, _signs(hessian, generator), steps=steps,
                           progress=lambda step: progress(1))  # fmt: skip
        nodes.append(found[0])
        weights.append(found[1])
    return Spectrum(hessian.size, nodes, weights)
