"""The Lanczos iteration: the ends of a symmetric operator's spectrum, and its Gauss quadrature.

With full re-orthogonalisation, twice (Golub and Van Loan, Matrix Computations, section 10.3): the
Krylov basis stays orthonormal to rounding, so that no eigenvalue appears twice and residuals are
what they say. From one start every eigenvalue is found once, however many eigenvectors it has:
where the space is invariant, another start finds the next of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossviz.errors import InputError

MOST_BYTES = 4 << 30  # of the Krylov basis
LEAST = 10  # products: before, a bulk of small eigenvalues passes for the lowest one
FEWEST = 12  # vectors that the basis holds in any case, or nothing would converge

Product = Callable[[Tensor], Tensor]


class NotFiniteError(InputError):
    """The operator gave NaN or infinity."""


@dataclass(frozen=True, eq=False)
class Eigenpairs:
    """Eigenvalues in ascending order, ``vectors (k, P)`` of length 1, ``residuals (k,)``.

    A residual is ‖Hv − λv‖: within it of each value there is a true eigenvalue.
    """

    values: list[float]
    vectors: Tensor
    residuals: list[float]
    products: int  # operator applications


@dataclass(eq=False)
class _Krylov:
    """The basis ``(steps, P)`` so far, and the tridiagonal matrix of the operator in it."""

    basis: Tensor
    diagonal: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)  # the last one leads out of the basis
    invariant: int = 0  # so many times it has been

    @property
    def vectors(self) -> Tensor:
        """``(step, P)``."""
        return self.basis[: len(self.diagonal)]

    def ritz(self) -> tuple[Tensor, Tensor]:
        """Ritz values ``(step,)``, ascending, and their vectors in the basis ``(step, step)``."""
        side = torch.tensor(self.beside[:-1], dtype=torch.float64)
        matrix = torch.diag(torch.tensor(self.diagonal, dtype=torch.float64))
        values, vectors = torch.linalg.eigh(matrix + torch.diag(side, 1) + torch.diag(side, -1))
        return values, vectors


def _iterate(
    product: Product, start: Tensor, steps: int, *, copies: int = 1, least: int = 1
) -> Iterator[_Krylov]:
    """The Krylov space after each step; it ends where the space is invariant.

    From ``copies`` starts, one after the other, and at least ``least`` steps as far as there are.
    """
    size = start.numel()
    steps = min(steps, size, max(FEWEST, MOST_BYTES // (size * start.element_size())))
    space = _Krylov(torch.empty(steps, size, dtype=start.dtype, device=start.device))
    vector = start / start.norm()
    for step in range(steps):
        space.basis[step] = vector
        image = product(vector)
        if not bool(torch.isfinite(image).all()):
            raise NotFiniteError("Hessian: a product with it is not finite at these weights")
        space.diagonal.append(float(vector.double() @ image.double()))
        known = space.vectors
        for _ in range(2):
            image = image - known.T @ (known @ image)
        space.beside.append(float(image.norm()))
        yield space
        # What is left beside the largest number so far is rounding.
        if space.beside[-1] > 1e-7 * max(map(abs, (*space.diagonal, *space.beside, 1e-300))):
            vector = image / space.beside[-1]
            continue
        space.invariant += 1
        if step + 1 == size or (space.invariant >= copies and step + 1 >= least):
            return
        space.beside[-1] = 0.0
        vector = _orthogonal(known, step)


def _orthogonal(known: Tensor, seed: int) -> Tensor:
    """A random vector ``(P,)`` of length 1, orthogonal to the rows of ``known``."""
    generator = torch.Generator().manual_seed(seed)
    # The second row: the first one may be what somebody's start was drawn as.
    vector = torch.randn(2, known.shape[1], generator=generator)[1].to(known)
    for _ in range(2):
        vector = vector - known.T @ (known @ vector)
        vector = vector / vector.norm()
    return vector


def lanczos(
    product: Product, start: Tensor, *, lowest: int = 1, highest: int = 1, steps: int = 100,
    least: int = LEAST, tolerance: float = 1e-3,
    progress: Callable[[int, float], None] = lambda step, residual: None,
) -> Eigenpairs:  # fmt: skip
    """The ``lowest`` and ``highest`` eigenpairs of a symmetric operator.

    Parameters
    ----------
    product
        ``(P,) -> (P,)``, v to Hv.
    start
        ``(P,)``, not zero; random, so that it is orthogonal to no eigenvector.
    steps, least
        The most and the fewest products before it stops; the most is also bound by the memory of
        the basis, 4 GiB.
    tolerance
        Stop when every wanted residual is below it times the largest |λ|, two steps in a row.
    progress
        Told each step's number and the largest wanted residual, relative.

    Raises
    ------
    NotFiniteError
        If a product is not finite.
    """
    wanted, good = lowest + highest, 0
    copies = max(lowest, highest)
    for space in _iterate(product, start, max(steps, wanted), copies=copies, least=wanted):
        step = len(space.diagonal)
        values, weights = space.ritz()
        scale = max(values.abs().max().item(), 1e-300)
        chosen = [*range(min(lowest, step)), *range(max(step - highest, 0), step)]
        residuals = [abs(space.beside[-1] * float(weights[-1, k])) for k in chosen]
        worst = max(residuals) / scale
        progress(step, worst)
        good = good + 1 if step >= wanted and worst <= tolerance else 0
        if good >= 2 and step >= least and not space.invariant:
            break
    # What the loop's short cut says, from one product each with the vectors themselves.
    vectors = weights[:, sorted(set(chosen))].T.to(space.basis) @ space.vectors
    vectors = vectors / vectors.norm(dim=1, keepdim=True)
    return _measured(product, vectors, step)


def quadrature(
    product: Product, start: Tensor, *, steps: int = 40,
    progress: Callable[[int], None] = lambda step: None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
    """Nodes and weights ``(m,)`` with Σ w f(θ) ≈ vᵀf(H)v / vᵀv; exact for polynomials below 2m.

    The eigenvalues of the tridiagonal matrix and the squares of its eigenvectors' first entries
    (Golub and Welsch 1969, Math. Comp. 23, section 3). m is ``steps``, or less where the Krylov
    space of ``start`` is smaller.

    Raises
    ------
    NotFiniteError
        If a product is not finite.
    """
    for space in _iterate(product, start, steps):
        progress(len(space.diagonal))
    values, vectors = space.ritz()
    return values.numpy(), vectors[0].square().numpy()


def _measured(
    product: Product, vectors: Tensor, products: int
) -> Eigenpairs:  # fmt: skip
    values, residuals = [], []
    for vector in vectors:
        image = product(vector).double()
        value = float(vector.double() @ image)
        values.append(value)
        residuals.append(float((image - value * vector.double()).norm()))
    order = sorted(range(len(values)), key=values.__getitem__)
    return Eigenpairs(
        [values[k] for k in order], vectors[order], [residuals[k] for k in order],
        products + len(values),
    )  # fmt: skip
