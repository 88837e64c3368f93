"""Basins in the picture: labels, tints, where they come from, and that labels are never mixed."""

import json
import time
from threading import Event

import numpy as np
import pytest

from lossviz.errors import InputError
from lossviz.landscape import BASIN, Landscape, Surface
from lossviz.viewer import basins, beside, legend
from lossviz.viewer.picture import Picture
from lossviz.viewer.scene import Scene
from lossviz.viewer.screenshot import take
from lossviz.viewer.state import ViewState

from .scenes import between, dimpled


def labelled(labels, loss=None):
    """A landscape whose file has these labels."""
    labels = np.asarray(labels, float)
    n, m = labels.shape
    loss = np.ones((n, m)) if loss is None else loss
    surface = Surface(np.linspace(0, 1, n), np.linspace(0, 1, m), {"loss": loss, BASIN: labels})
    return Landscape(surface=surface)


def shown():
    state = ViewState()
    state.critical.basins = True
    return state


def test_labels_of_a_file_come_before_a_preview():
    item, state = Scene([labelled([[7, 3, np.nan], [3, -2.5, np.inf]])]).items[0], shown()
    found = basins.shown(item, state)
    assert found.labels.tolist() == [[2, 1, -1], [1, 0, -1]]
    assert found.count == 3 and not found.preview
    assert beside.missing(Scene([item.landscape]), state) == []
    assert basins.shown(item, ViewState()) is None
    nothing = Scene([labelled(np.full((2, 2), np.nan))]).items[0]
    assert basins.shown(nothing, state) is None


@pytest.mark.parametrize("seed", range(3))
def test_neighbours_have_different_tints(seed):
    random = np.random.default_rng(seed)
    places, axis = random.uniform(0, 1, (40, 2)), np.linspace(0, 1, 80)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    cells = np.linalg.norm(grid[:, :, None] - places, axis=3).argmin(axis=2).astype(float)
    found = basins.labelled(cells)
    tints = basins.tints(found)
    assert tints.shape == (40, 3) and len(np.unique(tints[1:], axis=0)) == len(basins.PALETTE)
    for one, other in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        a, b = found.labels[one], found.labels[other]
        beside_ = (a != b) & (a > 0) & (b > 0)
        assert beside_.any() and (tints[a[beside_]] != tints[b[beside_]]).any(axis=1).all()


def test_tens_of_thousands_of_labels_are_tinted_in_a_moment():
    found = basins.labelled(np.arange(90_000.0).reshape(300, 300))
    start = time.process_time()
    assert basins.tints(found).shape == (90_000, 3)
    assert time.process_time() - start < 2


def test_a_preview_is_computed_beside_the_window_and_once():
    scene, state, woken = Scene([dimpled(41), between()]), shown(), []
    made = beside.Beside(lambda: woken.append(1))
    assert made.poll(scene, ViewState()) == (False, "") and made._thread is None
    assert basins.shown(scene.items[0], state) is None
    end = time.monotonic() + 30
    while beside.missing(scene, state):
        assert time.monotonic() < end
        assert made.poll(scene, state)[1] == ""
        time.sleep(0.01)
    assert len(woken) == 1 and made.poll(scene, state) == (False, "")
    found = basins.shown(scene.items[0], state)
    assert found.preview and found.count > 4
    names = [entry.after for entry in legend.entries(scene, state, 0)]
    assert f"{found.count} basins of attraction (preview)" in names
    assert basins.shown(scene.items[1], state) is None  # curves have none
    scene.replace(0, dimpled(21))  # its file was written anew
    assert basins.shown(scene.items[0], state) is None and beside.missing(scene, state)


def test_what_was_not_wanted_at_its_turn_is_computed_when_it_is_asked_for_again(monkeypatch):
    scene, state, going, go = Scene([dimpled(21), dimpled(11)]), shown(), Event(), Event()
    first, second = scene.items

    def preview(item, usual=basins.preview):
        going.set()
        assert go.wait(30)
        return usual(item)

    monkeypatch.setattr(basins, "preview", preview)
    made = beside.Beside()
    made.poll(scene, state)
    assert going.wait(30)
    scene.items = [first]  # as a difference whose adding is undone
    made.poll(scene, state)
    go.set()
    end = time.monotonic() + 30
    while made._asked:
        assert time.monotonic() < end
        made.poll(scene, state)
        time.sleep(0.01)
    assert basins.shown(first, state) and not second.basins
    scene.items = [first, second]
    while beside.missing(scene, state):
        assert time.monotonic() < end
        assert made.poll(scene, state)[1] == ""
        time.sleep(0.01)
    assert basins.shown(second, state)


def test_the_preview_is_almost_what_the_command_writes():
    from compute.basins import basins as exact

    scene, state = Scene([dimpled(61)]), shown()
    beside.finish(scene, state)
    found = basins.shown(scene.items[0], state)
    own = dimpled(61).surface
    labels = exact(own, found=None).by_value().labels
    lowest = [tuple(np.argwhere(found.labels == k)[own.loss[found.labels == k].argmin()])
              for k in range(found.count)]  # fmt: skip
    there = np.array([labels[place] for place in lowest])
    assert (there[found.labels] == labels).mean() > 0.95


@pytest.mark.parametrize("scale", ["auto", "log"])
def test_labels_are_nearest_and_linear_as_colour_and_height(scale):
    labels = np.add.outer([1.0, 1.0, 5.0, 900.0], [0.0, 0.0, 0.0])
    scene, state = Scene([labelled(labels)]), ViewState()
    state.surface.color = state.surface.height = BASIN
    state.surface.color_scale = state.surface.height_scale = scale
    assert not scene.color_range(state, 0).log and not scene.height_range(state, 0).log
    for smooth in (True, False):
        field = scene.items[0].field(BASIN, smooth)
        assert len(np.unique(field.texels[..., 0])) == 3
        assert len(np.unique(field.texels[..., 1])) == 3


def test_borders_and_tints_stand_where_the_labels_change(ctx):
    """Two halves, unlit and from above: the first keeps its colour, the second has its tint, and
    half way between the grid's lines there is a light line."""
    labels = np.repeat(np.arange(8) > 4, 8).reshape(8, 8)
    scene, state = Scene([labelled(labels, np.full((8, 8), 0.5))]), shown()
    state.surface.light, state.surface.colormap = 0.0, "grey"
    state.surface.color_range, state.surface.color_scale = (0.0, 1.0), "linear"
    state.isolines.surface = state.isolines.floor = False
    state.axes.axes = state.axes.color_bar = state.axes.title = state.axes.legend = False
    state.camera.azimuth, state.camera.elevation, state.camera.orthographic = -90.0, 90.0, True
    picture = Picture(ctx)
    try:
        with_, without = (
            take(picture, scene, state, width=400, height=300)[150, :, :3].astype(int)
            for state.critical.basins in (True, False)
        )
    finally:
        picture.release()
    inside = np.flatnonzero((without < 250).any(axis=1))
    left, right = inside[0], inside[-1]
    at = left + round((right - left) * 4.5 / 7)
    assert abs(int(with_.sum(axis=1)[left + 3 : right - 3].argmax()) + left + 3 - at) <= 1
    assert (with_[left + 3 : at - 4] == without[left + 3 : at - 4]).all()
    second = with_[at + 4 : right - 3]
    toward = basins.PALETTE[0].astype(int) - without[at + 4 : right - 3]
    assert (second == second[0]).all() and (np.sign(second[0] - without[at + 4]) ==
                                            np.sign(toward[0])).all()  # fmt: skip


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2)])
@pytest.mark.parametrize("value", [np.nan, 0.0, -1e300, 5e-324])
def test_odd_labels_draw_without_an_error(ctx, shape, value):
    labels = np.arange(float(np.prod(shape))).reshape(shape)
    labels.flat[0] = value
    picture, scene = Picture(ctx), Scene([labelled(labels)])
    try:
        for color in ("loss", BASIN):
            state = shown()
            state.surface.color = state.surface.height = color
            pixels = take(picture, scene, state, width=120, height=90)
            assert pixels.shape == (90, 120, 4)
    finally:
        picture.release()


def test_the_view_keeps_it():
    state = shown()
    assert ViewState.from_json(state.to_json()) == state
    view = json.loads(state.to_json())
    view["critical"]["basins"] = 1
    with pytest.raises(InputError, match="basins"):
        ViewState.from_json(json.dumps(view))


def test_render_computes_them_at_once():
    from lossviz.commands.render import draw

    state = shown()
    state.picture.width, state.picture.height = 160, 120
    pixels, scene = draw([dimpled(41)], state)
    assert scene.items[0].basins["loss"].count > 1
    state.critical.basins = False
    assert (draw([dimpled(41)], state)[0] != pixels).any()
