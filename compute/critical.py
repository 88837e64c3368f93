"""The critical points of a sampled surface: every one of them, typed, ranked and checked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compute.border import border_extrema
from compute.field import Field, field, untrusted
from compute.gradient_index import balance, index_at, link_sum
from compute.gradient_zeros import SAME, distinct, zeros
from compute.persistence import persistence
from compute.spline import Spline
from lossviz.critical_points import CriticalPoint, CriticalPoints, FlatRegion
from lossviz.landscape import LOSS, Surface

Floats = NDArray[np.float64]
Strings = NDArray[np.str_]

DEGENERATE = 1e-3  # the smaller curvature against the largest around
LINE = 1e-6  # so degenerate are the zeros along a valley's floor: reported once
PERSISTENT = 1e-3  # of the range
SIGMAS = 10.0
NEAR = 2.0  # cells from a vertex to its point


def critical_points(
    surface: Surface, *, quantity: str = LOSS, threshold: float | None = None,
    log: bool | None = None,
) -> CriticalPoints:  # fmt: skip
    """All critical points of a quantity on a surface, of any grid.

    The zeros of the bicubic spline's gradient (``compute.gradient_zeros``), their kind by the
    slice's Hessian, their persistence on the grid (``compute.persistence``). Where the quantity is
    positive and spans more than two decades, its logarithm is worked on; ``log`` says otherwise.
    Points within two cells of a hole or a flat region are left out. A grid of one row, a constant
    and a surface without a finite value have none.

    Raises
    ------
    KeyError
        If the surface has no such quantity.
    """
    own = field(surface, quantity, log=log)
    if own is None or not own.span or min(own.shape) < 2:
        return CriticalPoints(
            quantity=quantity, threshold=threshold or 0.0, flat=_flat_regions(own)
        )
    spline = Spline(own.x, own.y, own.values)
    places, open_ = zeros(spline)
    kinds, ratios = _kinds(spline, places)
    places, kinds, ratios = _lines_once(spline, places, kinds, ratios)
    indices = _indices(spline, places, kinds)
    winding, total, wrong = balance(spline, places, indices)

    edge, minima = border_extrema(spline, own.x, own.y, own.values)
    border = np.r_[np.zeros(len(places), bool), np.ones(len(edge), bool)]
    places = np.concatenate([places, edge])
    kinds = np.r_[kinds, np.where(minima, "minimum", "maximum")]
    kept = _trusted(own, places)
    places, kinds, border = places[kept], kinds[kept], border[kept]
    ranked = _persistence(own, places, kinds)
    noise = own.noise * own.span
    return CriticalPoints(
        points=_points(own, spline, places, kinds, ranked * own.span, border),
        log=own.log, noise=noise,
        threshold=max(PERSISTENT * own.span, SIGMAS * noise) if threshold is None else threshold,
        winding=winding, index_sum=total, link_sum=link_sum(own.values),
        missing=_missing(own, spline, open_, wrong), flat=_flat_regions(own), quantity=quantity,
    )  # fmt: skip


def _trusted(own: Field, places: Floats) -> NDArray[np.bool_]:
    """``(k,)``: whether points are far from holes and flat regions."""
    trusted: NDArray[np.bool_] = ~untrusted(own)[own.vertices(places)]
    return trusted


def _kinds(spline: Spline, places: Floats) -> tuple[Strings, Floats]:
    """The kind of each zero, and its smaller curvature against the largest within a cell."""
    eigenvalues = np.linalg.eigvalsh(spline.hessian(places))  # (k, 2)
    around = np.array([(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)])
    near = np.clip(places[:, None] + around, spline.low, spline.high).reshape(-1, 2)
    largest = np.abs(np.linalg.eigvalsh(spline.hessian(near))).reshape(-1, 18).max(axis=1)
    ratios = np.abs(eigenvalues).min(axis=1) / np.maximum(largest, np.finfo(float).tiny)
    negative = (eigenvalues < 0).sum(axis=1)
    kinds = np.array(["minimum", "saddle", "maximum"])[negative].astype("<U10")
    kinds[ratios < DEGENERATE] = "degenerate"
    return kinds, ratios


def _lines_once(
    spline: Spline, places: Floats, kinds: Strings, ratios: Floats
) -> tuple[Floats, Strings, Floats]:
    """The zeros along one line of zeros as the one with the smallest gradient."""
    from scipy.spatial import KDTree

    line = ratios < LINE
    if line.sum() < 2:
        return places, kinds, ratios
    _, chosen = KDTree(places).query(distinct(spline, places[line], 1.0))
    kept = ~line
    kept[chosen] = True
    return places[kept], kinds[kept], ratios[kept]


def _indices(spline: Spline, places: Floats, kinds: Strings) -> Floats:
    """``(k,)``: by the sign of the determinant, of degenerate points by a small circle."""
    from scipy.spatial import KDTree

    indices = np.sign(np.linalg.det(spline.hessian(places)))
    unclear = np.flatnonzero(kinds == "degenerate")
    if unclear.size and len(places) > 1:
        apart = KDTree(places).query(places[unclear], k=2)[0][:, 1] / 2
    else:
        apart = np.full(unclear.size, np.inf)
    for k, room in zip(unclear, apart, strict=True):
        found = index_at(spline, places[k], min(2 * SAME, room))
        indices[k] = indices[k] if found is None else found
    return indices


def _persistence(own: Field, places: Floats, kinds: Strings) -> Floats:
    """``(k,)``, in units of the field: each vertex of a pair gives its persistence to the nearest
    point of its kind that has none yet, the strongest first."""
    down, up = persistence(own.values)
    ranked = np.zeros(len(places))
    for kind, vertices, strength in (
        ("minimum", down.extrema, down.persistence),
        ("maximum", up.extrema, up.persistence),
        ("saddle", np.r_[down.saddles, up.saddles], np.r_[down.persistence, up.persistence]),
    ):
        there = vertices >= 0
        order = np.argsort(-strength[there], kind="stable")
        at = np.stack(np.unravel_index(vertices[there][order], own.shape), axis=1)
        vertices_at = np.stack([own.x[at[:, 0]], own.y[at[:, 1]]], axis=1)
        for like in (kind, "degenerate"):
            free = np.flatnonzero((kinds == like) & (ranked == 0))
            left = _give(ranked, free, places, vertices_at, strength[there][order])
            vertices_at, order = vertices_at[left], order[left]
    return ranked


def _give(
    ranked: Floats, free: NDArray[np.intp], places: Floats, vertices: Floats, strength: Floats
) -> NDArray[np.intp]:
    """Write ``strength`` into ``ranked`` at the nearest of the ``free`` points; returns which
    vertices found none."""
    from scipy.spatial import KDTree

    if not free.size or not len(vertices):
        return np.arange(len(vertices))
    count = min(8, free.size)
    _, near = KDTree(places[free]).query(vertices, k=count, distance_upper_bound=NEAR)
    near, left = near.reshape(-1, count), []
    for k, candidates in enumerate(near.tolist()):
        chosen = next((free[c] for c in candidates if c < free.size and not ranked[free[c]]), None)
        if chosen is None:
            left.append(k)
        else:
            ranked[chosen] = strength[k]
    return np.array(left, np.intp)


def _points(
    own: Field, spline: Spline, places: Floats, kinds: Strings, ranked: Floats,
    border: NDArray[np.bool_],
) -> tuple[CriticalPoint, ...]:  # fmt: skip
    """The points with their values and curvatures in units of the loss."""
    at, values = own.to_plane(places), own.to_loss(spline(places))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        hessian = own.span * spline.hessian(places)
        if own.log:  # of exp(u): exp(u) (H + ∇u ∇uᵀ)
            slope = own.span * spline.gradient(places)
            hessian = values[:, None, None] * (hessian + slope[:, :, None] * slope[:, None])
        hessian = hessian / own.cell[:, None] / own.cell
    bends = np.full((len(places), 2), np.nan)
    finite = np.isfinite(hessian).all(axis=(1, 2))
    bends[finite] = np.linalg.eigvalsh(hessian[finite])
    order = np.lexsort((at[:, 1], at[:, 0], -ranked))
    return tuple(
        CriticalPoint(
            float(at[k, 0]), float(at[k, 1]), float(values[k]), float(bends[k, 0]),
            float(bends[k, 1]), str(kinds[k]), float(ranked[k]), bool(border[k]),  # type: ignore[arg-type]
        )
        for k in order
    )  # fmt: skip


def _missing(
    own: Field, spline: Spline, open_: Floats, wrong: Floats
) -> tuple[tuple[float, float], ...]:
    """Where points may be missing, in alpha and beta; flat regions and holes are told apart."""
    places = distinct(spline, np.concatenate([wrong, open_]), 1.0)
    found = own.to_plane(places[_trusted(own, places)])
    return tuple((float(a), float(b)) for a, b in found)


def _flat_regions(own: Field | None) -> tuple[FlatRegion, ...]:
    """Each connected flat region once, the largest first."""
    from scipy import ndimage

    if own is None or not own.flat.any():
        return ()
    labels, count = ndimage.label(own.flat, np.ones((3, 3)))
    numbers = np.arange(1, count + 1)
    middles = np.array(ndimage.center_of_mass(own.flat, labels, numbers)).round().astype(int)
    values = own.to_loss(np.array(ndimage.median(own.values, labels, numbers)))
    shares = np.bincount(labels.ravel())[1:] / labels.size
    found = [
        FlatRegion(float(own.alphas[i]), float(own.betas[j]), float(value), float(share))
        for (i, j), value, share in zip(middles, values, shares, strict=True)
    ]
    return tuple(sorted(found, key=lambda region: -region.share))
