"""Slices: where a plane cuts a surface, and the profile there. Numbers only; see sections.py."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossviz.viewer.between import Between, displayed
from lossviz.viewer.items import Item
from lossviz.viewer.polylines import Lines, line, together
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import Cut, ViewState
from lossviz.viewer.ticks import number

Floats = NDArray[np.float64]

FINE = 400  # about as many steps of a profile as a drawn surface has cells
NEAR = 1e-12  # of a profile's length: places that are one
HALVINGS = 40  # of a cell's edge, to where it has the level
STRAIGHT = 1e-15  # a cosine that is none: rounding alone


@dataclass(frozen=True, eq=False)
class Profile:
    """Values along an upright cut.

    ``places (k,)``: alpha or beta, or the distance in the plane from the point nearest to (0, 0);
    ``points (k, 2)`` alpha, beta; ``values (k,)``, NaN where the surface has a hole.
    """

    cut: Cut
    places: Floats
    points: Floats
    values: Floats


def present(scene: Scene, state: ViewState, index: int) -> Cut:
    """The slice of a view, as numbers."""
    own = state.slice
    if own.along != "level":
        cut = Cut("", own.along, own.angle)
        offset = middle(scene.items[index], cut) if own.offset is None else own.offset
        return Cut(titled(own.along, own.angle, offset), own.along, own.angle, offset)
    span = scene.height_range(state, index)
    low, high = span.scaled
    half = low / 2 + high / 2
    level = (10.0**half if span.log else half) if own.level is None else own.level
    return Cut(titled("level", 0.0, level, state.surface.height), "level", own.angle, level)


def titled(along: str, angle: float, at: float, quantity: str = "loss") -> str:
    """What a slice is called that nobody gave a name."""
    shown = number(float(f"{at:.4g}"))
    names = {"alpha": f"β = {shown}", "beta": f"α = {shown}",
             "level": f"{quantity.replace('_', ' ')} = {shown}"}  # fmt: skip
    return names.get(along, f"{number(angle)}° at {shown}")


def direction(cut: Cut) -> tuple[float, float]:
    """The unit vector along an upright cut, in alpha and beta."""
    turned = {"alpha": 0.0, "beta": 90.0}.get(cut.along, cut.angle)
    angle = math.radians(turned % 360)
    x, y = math.cos(angle), math.sin(angle)
    if abs(x) < STRAIGHT or abs(y) < STRAIGHT:
        return float(round(x)), float(round(y))
    return x, y


def normal(cut: Cut) -> tuple[float, float]:
    """The unit vector along which an upright cut moves as ``at`` grows."""
    x, y = direction(cut)
    return (1.0, 0.0) if cut.along == "beta" else (-y, x)


def across(cut: Cut, alpha: float, beta: float) -> float:
    """``at`` of the parallel cut through a point."""
    x, y = normal(cut)
    return x * alpha + y * beta


def middle(item: Item, cut: Cut) -> float:
    """``at`` of the parallel cut through the middle of the surface."""
    return across(cut, *(low / 2 + high / 2 for low, high in item.own_box))


def offsets(item: Item, cut: Cut) -> tuple[float, float]:
    """Between which ``at`` an upright cut meets the surface."""
    found = [across(cut, a, b) for a in item.own_box[0] for b in item.own_box[1]]
    return min(found), max(found)


def reach(item: Item, cut: Cut) -> tuple[float, float] | None:
    """The first and the last place of an upright cut; None if it passes the surface by."""
    low, high = -math.inf, math.inf
    for side, (start, end) in enumerate(item.own_box):
        step, foot = direction(cut)[side], cut.at * normal(cut)[side]
        if step == 0:
            if not start <= foot <= end:
                return None
            continue
        near, far = sorted(((start - foot) / step, (end - foot) / step))
        low, high = max(low, near), min(high, far)
    return (low, high) if low < high else None


def points_at(item: Item, cut: Cut, places: Floats) -> Floats:
    """``(k, 2)`` alpha, beta at ``places (k,)`` of an upright cut, within the surface."""
    foot = cut.at * np.array(normal(cut))
    points = foot + np.asarray(places, float)[:, None] * np.array(direction(cut))
    low, high = np.transpose(item.own_box)
    return np.clip(points, low, high)  # an end may be rounded


def stations(item: Item, cut: Cut, between: int = 1) -> Floats:
    """``(k,)`` places where an upright cut meets lines of the grid, and its ends, each step cut
    into ``between`` parts; none if it passes the surface by."""
    ends = reach(item, cut)
    if ends is None:
        return np.zeros(0)
    found = [np.array(ends)]
    for side, axis in enumerate((item.surface.alphas, item.surface.betas)):
        step = direction(cut)[side]
        if step != 0 and axis.size > 1:
            found.append((axis - cut.at * normal(cut)[side]) / step)
    places = np.unique(np.concatenate(found))
    places = places[(places >= ends[0]) & (places <= ends[1])]
    apart = np.diff(places, prepend=-np.inf) > NEAR * (ends[1] - ends[0])
    places = places[apart]
    shares = np.arange(between) / between
    steps = np.diff(places)[:, None] * shares + places[:-1, None]
    return np.append(steps.ravel(), places[-1])


def profile(item: Item, cut: Cut, quantity: Between, places: Floats | None = None) -> Profile:
    """A quantity along an upright cut: at ``places (k,)``, or fine enough to be drawn."""
    if places is None:
        steps = max(len(stations(item, cut)) - 1, 1)
        places = stations(item, cut, max(1, FINE // steps))
    points = points_at(item, cut, places)
    return Profile(cut, places, points, quantity.at(points))


def shown_quantity(scene: Scene, state: ViewState, index: int) -> Between:
    """The height's quantity of landscape ``index`` as it is drawn."""
    log = scene.height_range(state, index).log
    return displayed(scene.items[index], state.surface.height, state, log=log)


def isolines(quantity: Between, level: float, *, exact: bool = False) -> Lines:
    """Lines ``(k, 2)`` in alpha, beta where a quantity has a value, on the drawn mesh.

    With ``exact`` each point is moved along the edge of the mesh that it lies on to where the
    quantity has the level to the last digits.
    """
    import contourpy  # here: the first picture does not wait for it

    item = quantity.item
    alphas, betas = mesh_axes(item, quantity.kind == "cubic")
    values: Floats = item.remembered(
        f"mesh of {quantity.name}", (quantity.kind, quantity.log),
        lambda: quantity.scale(_on_mesh(quantity, alphas, betas)),
    )  # fmt: skip
    at = float(quantity.scale(np.array(level)))
    if not math.isfinite(at):
        return together([])
    masked = np.ma.masked_invalid(values.T)
    generator = contourpy.contour_generator(alphas, betas, masked)
    found = [part for part in generator.lines(at) if len(part) > 1]
    if exact:
        found = [_settled(part, alphas, betas, quantity, level) for part in found]
    return together([line(part, float(k)) for k, part in enumerate(found)])


def mesh_axes(item: Item, smooth: bool) -> tuple[Floats, Floats]:
    """``(n',)`` alphas and ``(m',)`` betas of the drawn mesh."""
    parts = item.parts(smooth)
    sides = []
    for own in item.drawn_axes:
        fine = np.arange((own.size - 1) * parts + 1) / parts
        sides.append(np.interp(fine, np.arange(own.size), own))
    return sides[0], sides[1]


def _on_mesh(quantity: Between, alphas: Floats, betas: Floats) -> Floats:
    """``(n', m')`` values at the vertices of the drawn mesh."""
    shape = alphas.size, betas.size
    if shape == quantity.exact.shape:
        return quantity.exact
    grid = np.stack(np.meshgrid(alphas, betas, indexing="ij"), axis=-1)
    return quantity.at(grid.reshape(-1, 2)).reshape(shape)


def _settled(
    points: Floats, alphas: Floats, betas: Floats, quantity: Between, level: float
) -> Floats:
    """Points on edges of a mesh, each halved to where the quantity crosses the level."""
    ends = []
    for side, axis in enumerate((alphas, betas)):
        cell = np.interp(points[:, side], axis, np.arange(axis.size))
        whole = np.abs(cell - np.rint(cell)) < 1e-9
        ends.append([axis[np.where(whole, np.rint(cell), round_(cell)).astype(int)]
                     for round_ in (np.floor, np.ceil)])  # fmt: skip
    low, high = (np.column_stack([ends[0][k], ends[1][k]]) for k in (0, 1))
    with np.errstate(invalid="ignore"):
        rising = quantity.at(low) <= level
        crossed = rising != (quantity.at(high) <= level)
        for _ in range(HALVINGS):
            middle = low + (high - low) / 2
            before = ((quantity.at(middle) <= level) == rising)[:, None]
            low, high = np.where(before, middle, low), np.where(before, high, middle)
    return np.where(crossed[:, None], low + (high - low) / 2, points)


def cuts(scene: Scene, state: ViewState, index: int) -> list[Cut]:
    """The present slice, then those that are pinned."""
    return [present(scene, state, index), *state.slice.pinned] if state.slice.shown else []


def nearest_place(cut: Cut, alpha: float, beta: float) -> float:
    """The place of an upright cut that is nearest to a point."""
    x, y = direction(cut)
    return x * alpha + y * beta
