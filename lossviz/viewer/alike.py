"""One view for several landscapes that are drawn one by one."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from lossviz.landscape import Landscape
from lossviz.viewer.framing import framed
from lossviz.viewer.legend import arranged
from lossviz.viewer.scene import Scene
from lossviz.viewer.screenshot import natural_scale
from lossviz.viewer.state import CompareState, Start, ViewState


def alike(landscapes: Sequence[Landscape], state: ViewState) -> ViewState:
    """The view with one camera and one scale for all, written out: any one of them alone is drawn
    as beside the others."""
    state, own = copy.deepcopy(state), state.picture
    state.compare = CompareState()
    scene = Scene(landscapes)
    if not scene.surfaces:
        return state
    surface = state.surface
    surface.shared_scale = True
    ranges = {
        "height": scene.height_range(_without_cap(state), 0), "color": scene.color_range(state, 0)
    }  # fmt: skip
    for name, span in ranges.items():
        setattr(surface, f"{name}_range", (span.low, span.high))
        setattr(surface, f"{name}_scale", "log" if span.log else "linear")
    scale = own.scale or natural_scale(own.width, own.height)
    cameras = []
    for landscape in landscapes:
        alone = Scene([landscape])
        if alone.surfaces:
            cell = arranged(alone, state, own.width, own.height, scale).cells[0]
            cameras.append(framed(alone, state, cell, scale))
    state.camera = max(cameras, key=lambda camera: camera.distance)
    return state


def of_one(state: ViewState, number: int) -> ViewState:
    """The view for landscape ``number`` alone, which is number 0 then: of the labels and the balls
    it has its own."""
    state = copy.deepcopy(state)
    state.labels.places = _own(state.labels.places, number)
    state.critical.starts = _own(state.critical.starts, number)
    return state


def _own(places: Sequence[Start], number: int) -> tuple[Start, ...]:
    return tuple((0, alpha, beta) for index, alpha, beta in places if index == number)


def _without_cap(state: ViewState) -> ViewState:
    found = copy.deepcopy(state)
    found.surface.cap = None
    return found
