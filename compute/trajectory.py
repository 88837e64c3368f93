"""Training runs in a plane: the principal directions of their snapshots.

Rows are θ_i − θ_c, c the centre (Li et al. 2018, section 7, centre on the final weights; with
several runs the common start is a fairer one). The rows are never held at once: their Gram matrix
G = AAᵀ is summed over blocks of columns in float64, and a second pass forms the directions, so that
the memory is snapshots times block and not snapshots times parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compute.directions import Direction, difference, is_statistic
from compute.plane import Plane
from compute.training import Snapshots
from lossviz.errors import InputError, UsageError

Floats = NDArray[np.float64]

BLOCK = 1 << 23  # float64 numbers of the rows in memory at a time: 64 MiB
TOLD = 10  # components whose explained variance is told
CENTERS = ("final", "initial", "mean")
SAME = 1e-6  # relative to the first: a smaller second component is rounding of float32


@dataclass(frozen=True, eq=False)
class Runs:
    """Snapshots of one or several trainings of one architecture, one row each, in order.

    ``reference`` is the row at the centre. Raises InputError if the architectures differ.
    """

    runs: Sequence[Snapshots]
    names: tuple[str, ...]
    reference: int
    ignore: str = "none"

    def __post_init__(self) -> None:
        first = self.runs[0]
        for other, name in zip(self.runs[1:], self.names[1:], strict=True):
            for tensor in (*first.names, *other.names):
                if first.names.get(tensor) != other.names.get(tensor):
                    raise InputError(
                        f"{name}: {tensor}: expected {first.names.get(tensor, 'no such tensor')} "
                        f"as in {self.names[0]}, got {other.names.get(tensor, 'none')}"
                    )

    def __len__(self) -> int:
        return sum(map(len, self.runs))

    @property
    def where(self) -> list[tuple[int, int]]:
        """Of each row its run and its snapshot."""
        return [(r, i) for r, run in enumerate(self.runs) for i in range(len(run))]

    @property
    def moving(self) -> dict[str, tuple[int, ...]]:
        """The parameters that count, and their shapes."""
        return {
            name: shape
            for name, shape in self.runs[0].names.items()
            if len(shape) > 1 or self.ignore == "none"
        }

    def state(self, row: int, *, statistics: bool) -> Direction:
        """All parameters of a row, and batch norm's statistics if they are wanted."""
        run, i = self.where[row]
        found = self.runs[run].parameters(i)
        if statistics:
            found |= self.statistics(row)
        return found

    def statistics(self, row: int) -> Direction:
        """Batch norm's running means and variances of a row."""
        run, i = self.where[row]
        buffers = self.runs[run].buffers(i)
        return {k: v for k, v in buffers.items() if is_statistic(k) and v.is_floating_point()}

    def blocks(self) -> Iterator[tuple[str, int, Tensor]]:
        """Parameter, first entry and rows ``(T, b)`` in float64, centred on the reference."""
        size = max(1, BLOCK // len(self))
        for name, shape in self.moving.items():
            for start in range(0, prod(shape), size):
                stop = min(start + size, prod(shape))
                rows = torch.empty(len(self), stop - start, dtype=torch.float64)
                for row, (run, i) in zip(rows, self.where, strict=True):
                    row.copy_(self.runs[run].block(i, name, start, stop))
                rows -= rows[self.reference].clone()
                yield name, start, rows


@dataclass(frozen=True, eq=False)
class Principal:
    """What PCA finds: a plane, and where the snapshots lie.

    Attributes
    ----------
    plane
        The centre and the first two principal directions, orthonormal.
    coordinates
        ``(T, 2)`` alpha and beta of each row.
    off_plane
        ``(T,)`` distance from the plane over that from the centre; 0 at the centre.
    explained
        Shares of the variance by the first components, largest first.
    by_chance
        The same of random walks with as many and as long steps: what no trend looks like.
    center
        How the rows were centred: "final", "initial" or "mean".
    """

    plane: Plane
    coordinates: Floats
    off_plane: Floats
    explained: tuple[float, ...]
    by_chance: tuple[float, ...]
    center: str


def open_runs(
    snapshots: Sequence[Snapshots], names: Sequence[str], *, center: str = "", ignore: str = "none"
) -> tuple[Runs, str]:
    """Runs with their reference row, and the centring: final of one run, start of several.

    "mean" has the plane pass through the final weights like "final", but subtracts the rows' mean
    before the decomposition, as the reference implementation's PCA does.

    Raises
    ------
    UsageError
        If ``center`` is unknown.
    """
    center = center or ("final" if len(snapshots) == 1 else "initial")
    if center not in CENTERS:
        raise UsageError(f"center: expected one of {', '.join(CENTERS)}, got {center!r:.40}")
    reference = 0 if center == "initial" else len(snapshots[0]) - 1
    return Runs(snapshots, tuple(names), reference, ignore), center


def principal_plane(runs: Runs, *, center: str = "final", statistics: bool = False) -> Principal:
    """The plane of the first two principal directions (Li et al. 2018, section 7.2).

    ``statistics``: batch norm's statistics move along, by the same combinations of the snapshots.

    Raises
    ------
    InputError
        If there are fewer than three snapshots, they lie on a line, or one is not finite.
    """
    if len(runs) < 3:
        raise InputError(f"pca: expected at least 3 snapshots, got {len(runs)}")
    gram = gram_matrix(runs)
    mixing = np.eye(len(gram)) - (1 / len(gram) if center == "mean" else 0)
    values, vectors = _decomposed(mixing @ gram @ mixing)
    if not values[1] > SAME**2 * values[0]:
        what = "are all the same" if not values[0] > 0 else "lie on one line"
        raise InputError(f"pca: the snapshots {what}; expected two directions")
    weights = mixing @ vectors[:, :2] / np.sqrt(values[:2])  # directions are Aᵀ times these
    coordinates = gram @ weights
    start_or_end = -1 if runs.reference == 0 else 0  # the other end is where alpha, beta ≥ 0
    signs = np.where(coordinates[start_or_end] < 0, -1.0, 1.0)
    weights, coordinates = weights * signs, coordinates * signs
    off = np.sqrt(np.maximum(np.diag(gram) - (coordinates**2).sum(axis=1), 0))
    length = np.sqrt(np.diag(gram))
    off = np.divide(off, length, out=np.zeros_like(off), where=length > 0)
    total = values.sum()
    return Principal(
        _plane(runs, weights, statistics), coordinates, off,
        tuple((values / total)[:TOLD].tolist()), explained_by_chance(runs, gram, center), center,
    )  # fmt: skip


def gram_matrix(runs: Runs) -> Floats:
    """``(T, T)`` inner products of the rows, float64."""
    total = torch.zeros(len(runs), len(runs), dtype=torch.float64)
    for _, _, rows in runs.blocks():
        total += rows @ rows.T
    return total.numpy()


def _decomposed(gram: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues, largest first and none below 0, and eigenvectors as columns."""
    values, vectors = np.linalg.eigh((gram + gram.T) / 2)
    return np.maximum(values[::-1], 0), vectors[:, ::-1]


def _plane(runs: Runs, weights: Floats, statistics: bool) -> Plane:
    theta = runs.state(runs.reference, statistics=statistics)
    mixed = torch.from_numpy(weights.T.copy())
    found: list[Direction] = [{}, {}]
    for name, start, rows in runs.blocks():
        for direction, part in zip(found, mixed @ rows, strict=True):
            own = direction.setdefault(name, torch.zeros_like(theta[name]))
            own.view(-1)[start : start + len(part)] = part.to(own.dtype)
    if statistics:
        reference = runs.statistics(runs.reference)
        for row in range(len(runs)):
            move = difference(runs.statistics(row), reference)
            for direction, factor in zip(found, weights[row], strict=True):
                for name, values in move.items():
                    before = direction.get(name, torch.zeros_like(values))
                    direction[name] = before + factor * values
    kind = f"pca of {' and '.join(runs.names)}" if len(runs.names) < 4 else "pca"
    return Plane(theta, found[0], found[1], kind, None, "none", runs.ignore)


def explained_by_chance(runs: Runs, gram: Floats, center: str) -> tuple[float, ...]:
    """Explained variance of random walks of the same steps, in a space of many dimensions.

    Independent steps of lengths l_s have the expected Gram matrix B diag(l²) Bᵀ, B with a 1 where a
    row has made a step; even they look as if a few directions explained most (Antognini and
    Sohl-Dickstein 2018, arXiv:1806.08805).
    """
    run, i = np.array(runs.where).T
    made = ((run[:, None] == run) & (i[:, None] >= i) & (i > 0)).astype(np.float64)
    lengths = np.diag(gram)
    squares = np.zeros(len(gram))
    squares[1:] = np.maximum(lengths[1:] + lengths[:-1] - 2 * np.diag(gram, -1), 0)
    rows = made - made[runs.reference]
    if center == "mean":
        rows = rows - rows.mean(axis=0)
    values, _ = _decomposed(rows * squares @ rows.T)
    return tuple((values / (values.sum() or 1.0))[:TOLD].tolist())
