"""What lies under the pointer, in words: a critical point, a step of a path, the surface."""

from __future__ import annotations

from dataclasses import dataclass, field

from lossviz.viewer import critical, readout
from lossviz.viewer.labels import clicked, near_label
from lossviz.viewer.picking import Hit, pick, pick_sign
from lossviz.viewer.picking_paths import pick_path
from lossviz.viewer.picture import views
from lossviz.viewer.readout import Rows
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import Start, ViewState


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


def label(scene: Scene, state: ViewState, width: int, height: int, scale: float, hit: Hit) -> None:
    """Label what was clicked on, or take the label away that is there."""
    found, seen = views(scene, state, width, height, scale)
    cell, view = found.cells[hit.index], seen[hit.index]
    x, y = (view.project(hit.point[None])[0, :2] + (cell.x, cell.y)).tolist()
    near = near_label(scene, state, hit.index, cell, view, x, y, scale)
    place = meant(scene, state, width, height, scale, hit, x, y)
    state.labels.places = clicked(state, place, near)
    state.labels.shown = True


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
