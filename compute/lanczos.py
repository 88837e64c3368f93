"""The ends of a symmetric operator's spectrum by the Lanczos iteration.

With full re-orthogonalisation, twice (Golub and Van Loan, Matrix Computations, section 10.3): the
Krylov basis stays orthonormal to rounding, so that no eigenvalue appears twice and residuals are
what they say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from lossviz.errors import InputError

MOST_BYTES = 4 << 30  # of the Krylov basis


@dataclass(frozen=True, eq=False)
class Eigenpairs:
    """Eigenvalues in ascending order, ``vectors (k, P)`` of length 1, ``residuals (k,)``.

    A residual is ‖Hv − λv‖: within it of each value there is a true eigenvalue.
    """

    values: list[float]
    vectors: Tensor
    residuals: list[float]
    products: int  # operator applications


def lanczos(
    product: Callable[[Tensor], Tensor], start: Tensor, *, lowest: int = 1, highest: int = 1,
    steps: int = 100, tolerance: float = 1e-3,
    progress: Callable[[int, float], None] = lambda step, residual: None,
) -> Eigenpairs:  # fmt: skip
    """The ``lowest`` and ``highest`` eigenpairs of a symmetric operator.

    Parameters
    ----------
    product
        ``(P,) -> (P,)``, v to Hv.
    start
        ``(P,)``, not zero; random, so that it is orthogonal to no eigenvector.
    tolerance
        Stop when every wanted residual is below it times the largest |λ|, two steps in a row.
    progress
        Told each step's number and the largest wanted residual, relative.

    Raises
    ------
    InputError
        If a product is not finite.
    """
    size, wanted = start.numel(), lowest + highest
    steps = min(steps, size, max(wanted + 2, MOST_BYTES // (size * start.element_size())))
    basis = torch.empty(steps, size, dtype=start.dtype, device=start.device)
    diagonal: list[float] = []
    beside: list[float] = []
    vector, good = start / start.norm(), 0
    for step in range(steps):
        basis[step] = vector
        image = product(vector)
        if not bool(torch.isfinite(image).all()):
            raise InputError("Hessian: a product with it is not finite at these weights")
        diagonal.append(float(vector.double() @ image.double()))
        known = basis[: step + 1]
        for _ in range(2):
            image = image - known.T @ (known @ image)
        rest = float(image.norm())
        values, weights = _tridiagonal(diagonal, beside)
        scale = max(values.abs().max().item(), 1e-300)
        chosen = [*range(min(lowest, step + 1)), *range(max(step + 1 - highest, 0), step + 1)]
        residuals = [abs(rest * float(weights[-1, k])) for k in chosen]
        worst = max(residuals) / scale
        progress(step + 1, worst)
        good = good + 1 if step + 1 >= wanted and worst <= tolerance else 0
        if good == 2 or rest <= 1e-7 * scale:
            break
        beside.append(rest)
        vector = image / rest
    # What the loop's short cut says, from one product each with the vectors themselves.
    chosen = sorted(set(chosen))
    vectors = weights[:, chosen].T.to(basis) @ basis[: len(diagonal)]
    vectors = vectors / vectors.norm(dim=1, keepdim=True)
    return _measured(product, vectors, len(diagonal))


def _tridiagonal(diagonal: list[float], beside: list[float]) -> tuple[Tensor, Tensor]:
    side = torch.tensor(beside[: len(diagonal) - 1], dtype=torch.float64)
    matrix = torch.diag(torch.tensor(diagonal, dtype=torch.float64))
    matrix = matrix + torch.diag(side, 1) + torch.diag(side, -1)
    values, vectors = torch.linalg.eigh(matrix)
    return values, vectors


def _measured(
    product: Callable[[Tensor], Tensor], vectors: Tensor, products: int
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
