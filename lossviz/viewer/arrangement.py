"""Several landscapes in one picture: differences of two, who shares a viewport, whose camera it is.

Side by side every landscape has a viewport of its own. In an overlay all surfaces of files share
one, in a swipe two of them do; figures, and in an overlay differences, have their own beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lossviz.comparison import difference, same_grid
from lossviz.errors import UsageError
from lossviz.landscape import Landscape, Surface
from lossviz.viewer.camera import View
from lossviz.viewer.items import Box, Item
from lossviz.viewer.layout import Layout, Rect, crop
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import MOST_LANDSCAPES, CameraState, CompareState, Pair, ViewState

Group = tuple[int, ...]  # numbers of landscapes


def follow(scene: Scene, state: ViewState) -> None:
    """Hold in a scene the differences that a view asks for, and put what it overlays in one frame.

    Differences that are not possible are left out: see ``check``.
    """
    files = scene.files
    scene.differences = {k: v for k, v in scene.differences.items() if {*k} <= {*files}}
    pairs = [pair for pair in state.compare.differences if max(pair) < len(files)]
    found = [_difference(scene, files[one], files[other]) for one, other in pairs]
    scene.items[len(files) :] = [item for item in found if item is not None]
    overlaid = [item for item in files if not item.is_figure]
    boxes = [item.own_box for item in overlaid]
    together = state.compare.arrangement == "overlay" and len(set(boxes)) > 1
    for item in overlaid:
        item.put_in(_around(np.array(boxes)) if together else None)


def _difference(scene: Scene, first: Item, second: Item) -> Item | None:
    """The first landscape's surface with how the second one differs upon it, made once."""
    key = first, second
    if key not in scene.differences:
        try:
            found = difference(first.landscape, second.landscape)
        except UsageError:
            return scene.differences.setdefault(key, None)
        own = found.surface
        assert own is not None
        quantities = {**first.surface.quantities, **own.quantities}
        surface = Surface(own.alphas, own.betas, quantities, own.evaluated)
        scene.differences[key] = Item(found.with_changes(surface=surface), is_difference=True)
    return scene.differences[key]


def _around(boxes: NDArray[np.float64]) -> Box:
    """The smallest box around others ``(k, 2, 2)``."""
    (a, c), (b, d) = boxes[..., 0].min(axis=0).tolist(), boxes[..., 1].max(axis=0).tolist()
    return (a, b), (c, d)


def check(landscapes: Sequence[Landscape], state: ViewState) -> None:
    """Refuse a view whose differences these landscapes do not have.

    Raises
    ------
    UsageError
        If there are not so many landscapes, one has no surface, or their grids differ.
    """
    for one, other in state.compare.differences:
        if max(one, other) >= len(landscapes):
            last = len(landscapes) - 1
            raise UsageError(f"differences: expected landscapes 0 to {last}, got {one} and {other}")
        same_grid(landscapes[one], landscapes[other])


def add_difference(scene: Scene, state: ViewState) -> None:
    """Show the first of the compared landscapes minus the second as one more.

    Raises
    ------
    UsageError
        If there are not two surfaces, or their grids differ.
    """
    own, files = state.compare, scene.files
    asked = compared(state, [k for k, item in enumerate(files) if not item.is_figure])
    if asked is None:
        raise UsageError("difference: expected two surfaces, got one")
    same_grid(files[asked[0]].landscape, files[asked[1]].landscape)
    if asked not in own.differences:
        own.differences = (*own.differences, asked)[-MOST_LANDSCAPES:]


def drop_impossible(scene: Scene, state: ViewState) -> str:
    """Show no differences that these landscapes do not have; why not, or nothing."""
    landscapes, kept, why = [item.landscape for item in scene.files], [], ""
    for pair in state.compare.differences:
        try:
            check(landscapes, ViewState(compare=CompareState(differences=(pair,))))
            kept.append(pair)
        except UsageError as error:
            why = str(error)
    state.compare.differences = tuple(kept)
    return why


# ── who shares a viewport ────────────────────────────────────────────────────────────────────────


def compared(state: ViewState, among: Sequence[int]) -> Pair | None:
    """The first and the second landscape ``among`` some numbers: those that were chosen, else the
    first ones there are; None where there are not two."""
    if len(among) < 2:
        return None
    first, second = state.compare.first, state.compare.second
    first = first if first in among else next(k for k in among if k != second)
    second = second if second in among and second != first else next(k for k in among if k != first)
    return first, second


def groups(scene: Scene, state: ViewState) -> list[Group]:
    """Which landscapes share a viewport, in the order of the viewports.

    The first of an overlay is the solid one; a swipe's are the left and the right one, and other
    surfaces of files are not shown.
    """
    how, items = state.compare.arrangement, list(enumerate(scene.items))
    surfaces = [k for k, item in items if not (item.is_figure or item.is_difference)]
    among = surfaces if how == "overlay" else [k for k, item in items if not item.is_figure]
    pair = compared(state, among)
    if how == "grid" or pair is None:
        return [(k,) for k, _ in items]
    together = (pair[0], *(k for k in surfaces if k != pair[0])) if how == "overlay" else pair
    beside = [k for k, _ in items if k not in together and k not in surfaces]
    return [together, *((k,) for k in beside)]


def placed(scene: Scene, state: ViewState, found: Sequence[Group], plan: Layout) -> Layout:
    """The places of a layout by landscape, out of one with a cell for each group."""
    count = len(scene.items)
    cells, viewports = [Rect(0, 0, 0, 0)] * count, [plan.cells[0]] * count
    for group, cell in zip(found, plan.cells, strict=True):
        for index in group:
            cells[index] = viewports[index] = cell
    titles, legends, told = list(plan.titles), list(plan.legends), list(found)
    divider = None
    if is_swipe(state, found):
        left, right = found[0]
        share = state.compare.divider
        cells[left], cells[right] = _halves(plan.cells[0], share)
        titles[:1], legends[:1] = _halves(titles[0], share), _halves(legends[0], 0.5)
        told[:1] = (left,), (right,)
        divider = cells[right].x
    known = scene.scales(state)
    bars = plan.bars if state.has_one_scale or len(found) == 1 else [plan.bars[k] for k in known]
    return Layout(
        tuple(cells), tuple(titles), tuple(legends), tuple(bars),
        tuple(told), tuple(known), tuple(viewports), divider,
    )  # fmt: skip


def is_swipe(state: ViewState, found: Sequence[Group]) -> bool:
    """Whether the first of some groups is seen at both sides of a divider."""
    return state.compare.arrangement == "swipe" and len(found[0]) == 2


def _halves(whole: Rect, share: float) -> tuple[Rect, Rect]:
    """What is left and right of a share of the width, which is whole pixels from the left."""
    width = round(whole.x + share * whole.width) - whole.x
    width = min(max(width, 0.0), whole.width)
    return (
        Rect(whole.x, whole.y, width, whole.height),
        Rect(whole.x + width, whole.y, whole.width - width, whole.height),
    )


def in_cell(seen: View, viewport: Rect, cell: Rect) -> View:
    """What is seen in a cell that is a part of the viewport which the camera fills."""
    if cell == viewport or not cell.width:
        return seen
    return replace(
        seen, matrix=crop(viewport, cell) @ seen.matrix, width=cell.width, height=cell.height
    )


# ── whose camera it is ───────────────────────────────────────────────────────────────────────────


def camera_of(scene: Scene, state: ViewState, index: int) -> CameraState:
    """The camera that landscape ``index`` is seen by: that of the first one in its viewport."""
    own = state.compare
    if own.linked:
        return state.camera
    leader = _leader(scene, state, index)
    if leader == own.handled or leader >= len(own.cameras):
        return state.camera
    return own.cameras[leader]


def _leader(scene: Scene, state: ViewState, index: int) -> int:
    """The first landscape in the viewport of another; of what no camera sees, in the first one that
    a camera looks into."""
    found = groups(scene, state)
    seen = [group for group in found if not scene.items[group[0]].is_figure] or found
    return next((group[0] for group in seen if index in group), seen[0][0])


def link(scene: Scene, state: ViewState) -> None:
    """One camera for all, that of the landscape handled last; or each its own from here on."""
    own = state.compare
    own.linked, own.cameras = not own.linked, ()
    complete(scene, state)


def complete(scene: Scene, state: ViewState) -> None:
    """Where cameras are not linked, give every landscape one; ``state.camera`` is one that sees
    something."""
    own, count = state.compare, len(scene.items)
    if own.linked:
        return
    missing = range(len(own.cameras), count)
    own.cameras = (*own.cameras, *(replace(state.camera) for _ in missing))[:count]
    if own.handled >= count:  # it is gone, and its camera with it
        own.handled = count - 1
        state.camera = replace(own.cameras[own.handled])
    _take(state, _leader(scene, state, own.handled))


def handle(scene: Scene, state: ViewState, index: int) -> None:
    """From now on ``state.camera`` is that of landscape ``index``."""
    complete(scene, state)
    _take(state, _leader(scene, state, index))


def _take(state: ViewState, index: int) -> None:
    """Exchange the camera that was handled for that of landscape ``index``."""
    own = state.compare
    if own.linked or index == own.handled:
        return
    cameras = list(own.cameras)
    cameras[own.handled] = replace(state.camera)
    state.camera, own.handled = replace(cameras[index]), index
    own.cameras = tuple(cameras)
