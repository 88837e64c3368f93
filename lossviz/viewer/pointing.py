"""What lies under the pointer, in words: a critical point, a step of a path, the surface."""

from __future__ import annotations

from dataclasses import dataclass, field

from lossviz.viewer import critical, readout
from lossviz.viewer.annotations import axes
from lossviz.viewer.labels import cards, near_label
from lossviz.viewer.picking import Hit, pick, pick_sign
from lossviz.viewer.picking_paths import pick_path
from lossviz.viewer.picture import views
from lossviz.viewer.readout import Rows
from lossviz.viewer.scene import Scene
from lossviz.viewer.sections import clip_plane
from lossviz.viewer.state import MOST_STARTS, Start, ViewState


@dataclass(frozen=True)
class Pointed:
    """Names and values: of what the pointer is on, and of the place on the surface there."""

    on: Rows = field(default_factory=list)
    read: Rows = field(default_factory=list)
    place: Start | None = None  # the landscape's number, alpha, beta


def at_pixel(
    scene: Scene, state: ViewState, width: int, height: int, scale: float, x: float, y: float
) -> Pointed:
    """What there is at pixel (x, y) of a picture of this size."""
    where = width, height, scale, x, y
    sign, path = pick_sign(scene, state, *where), None
    if sign is not None:
        on = critical.told(scene.items[sign.index], sign.critical)
        place = sign.index, sign.critical.alpha, sign.critical.beta
        return Pointed(on, _read(scene, state, place), place)
    path = pick_path(scene, state, *where)
    if path is not None:
        place = path.index, *path.place
        return Pointed(readout.told(scene, state, path), _read(scene, state, place), place)
    hit = pick(scene, state, *where)
    if hit is None:
        return Pointed()
    place = hit.index, hit.alpha, hit.beta
    return Pointed([], _read(scene, state, place), place)


def _read(scene: Scene, state: ViewState, place: Start) -> Rows:
    return readout.read(scene, state, *place) if state.panels.reading else []


def clicked_at(
    scene: Scene, state: ViewState, width: int, height: int, scale: float, x: float, y: float
) -> tuple[Start, ...] | None:
    """The labelled places after a click at pixel (x, y): without the one whose card or sign is
    there, else with what was clicked on; None where there is nothing."""
    where, places = (width, height, scale, x, y), state.labels.places
    near = card_at(scene, state, *where)
    hit = pick(scene, state, *where) if near is None else None
    if hit is not None:
        found, seen = views(scene, state, width, height, scale)
        cell, view = found.cells[hit.index], seen[hit.index]
        near = near_label(scene, state, hit.index, cell, view, x, y, scale)
    if near is not None:
        return places[:near] + places[near + 1 :]
    if hit is None:
        return None
    return (*places, meant(scene, state, *where[:3], hit, x, y))[-MOST_STARTS:]


def card_at(
    scene: Scene, state: ViewState, width: int, height: int, scale: float, x: float, y: float
) -> int | None:
    """The labelled place whose card is drawn at pixel (x, y), over all others."""
    if not (state.labels.shown and state.labels.places):
        return None
    found, seen = views(scene, state, width, height, scale)
    at = None
    for group in found.groups:
        first = group[0]
        cell, view = found.cells[first], seen[first]
        if scene.items[first].is_figure or not cell.width:
            continue
        taken = axes(scene, state, first, view, cell, scale)[1] if state.axes.axes else []
        clip = clip_plane(scene, state, first, view)
        for index in group:
            for card in cards(scene, state, index, view, cell, scale, taken, clip):
                at = card.place if card.box.contains(x, y) else at
    return at


def meant(
    scene: Scene, state: ViewState, width: int, height: int, scale: float, hit: Hit,
    x: float, y: float,
) -> Start:  # fmt: skip
    """The place that a click on the surface at pixel (x, y) is to label: a step of a path that is
    seen there, else what was hit."""
    path = pick_path(scene, state, width, height, scale, x, y)
    if path is None or path.path.is_curve:
        return hit.index, hit.alpha, hit.beta
    return path.index, *path.place
