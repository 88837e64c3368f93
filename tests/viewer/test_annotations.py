"""What is written around the surfaces: where, and what it says."""

import numpy as np
import pytest

from lossviz import ply
from lossviz.landscape import Landscape, Surface
from lossviz.resources import folder
from lossviz.viewer.annotations import axes, axes_unclipped, label_box, title
from lossviz.viewer.camera import view, zoom
from lossviz.viewer.color_bar import color_bar
from lossviz.viewer.framing import framed
from lossviz.viewer.layout import Rect, layout
from lossviz.viewer.renderers.overlay import Label
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from lossviz.viewer.text import bitmap

from .scenes import bumpy, with_loss

CELL = Rect(100.0, 50.0, 700.0, 600.0)


def looking(azimuth=-60.0, elevation=38.0, *, orthographic=False):
    state = ViewState()
    state.camera.azimuth, state.camera.elevation = azimuth, elevation
    state.camera.orthographic = orthographic
    return state


def written(landscape, state, cell=CELL, scale=1.0):
    """The labels of the fitted picture."""
    scene = Scene([landscape])
    seen = view(framed(scene, state, cell, scale), cell.width, cell.height)
    return axes(scene, state, 0, seen, cell, scale)[1]


def texts(labels):
    return [label.text for label in labels]


@pytest.mark.parametrize(
    "azimuth, elevation", [(-60, 38), (-90, 0), (0, 0), (30, -20), (10, 60), (-90, 90), (200, 5)]
)
@pytest.mark.parametrize("size", [(346, 286), (700, 600), (1500, 250), (200, 900)])
def test_a_fitted_picture_has_room_for_all_it_says_and_wastes_none(azimuth, elevation, size):
    state, cell = looking(azimuth, elevation, orthographic=elevation == 90), Rect(0, 0, *size)
    scene = Scene([bumpy()])
    seen = view(framed(scene, state, cell, 1.0), *size)
    labels = axes_unclipped(scene, state, 0, seen, 1.0)[1]
    assert axes(scene, state, 0, seen, cell, 1.0)[1] == labels  # none was left out
    boxes = np.array([label_box(label, 1.0).sides for label in labels])
    low, high = scene.bounds(state)
    corners = seen.project(np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T)
    left_top = np.minimum(boxes[:, :2].min(axis=0), corners[:, :2].min(axis=0))
    right_bottom = np.maximum((boxes[:, :2] + boxes[:, 2:]).max(axis=0), corners[:, :2].max(axis=0))
    assert ((right_bottom - left_top) / size).max() > 0.9


def test_labels_stay_in_their_cell_and_whole_when_zoomed_in():
    state, scene = looking(), Scene([bumpy()])
    state.camera = framed(scene, state, CELL, 1.0)
    before = texts(axes(scene, state, 0, view(state.camera, 700, 600), CELL, 1.0)[1])
    zoom(state.camera, 1.6)
    labels = axes(scene, state, 0, view(state.camera, 700, 600), CELL, 1.0)[1]
    assert 0 < len(labels) < len(before)
    for label in labels:
        box = label_box(label, 1.0)
        assert CELL.x <= box.x and box.x + box.width <= CELL.x + CELL.width
        assert CELL.y <= box.y and box.y + box.height <= CELL.y + CELL.height


def test_from_the_side_the_axis_that_is_seen_broadside_is_named():
    front, right = (texts(written(bumpy(), looking(azimuth, 0))) for azimuth in (-90, 0))
    assert "α" in front and "β" not in front and "β" in right and "α" not in right
    assert {"−1.0", "0", "1.0", "loss"} <= set(front) & set(right)
    assert {"α", "β"} <= set(texts(written(bumpy(), looking(-60, 0))))


def test_what_the_surface_hides_is_not_named():
    """From above in perspective the surface hides the floor; as a map it hides nothing."""
    assert texts(written(bumpy(), looking(-90, 90))) == []
    flat = texts(written(bumpy(), looking(-90, 90, orthographic=True)))
    assert {"α", "β"} <= set(flat) and flat.count("−1.0") == flat.count("1.0") == 2
    steep = texts(written(bumpy(), looking(-90, 50)))
    assert steep.count("1.0") == 1 and {"α", "β"} <= set(steep)  # beta's far end is hidden


@pytest.mark.parametrize("elevation", [-60, -20, -5, 5, 20])
def test_numbers_hang_below_the_floor_in_the_picture(elevation):
    scene, state = Scene([bumpy()]), looking(-60, elevation)
    seen = view(framed(scene, state, CELL, 1.0), 700, 600)
    labels = {label.text: label for label in axes_unclipped(scene, state, 0, seen, 1.0)[1]}
    center = seen.project(np.array([[0.0, 0.0, scene.floor(state)]]))[0]
    assert labels["α"].y > center[1] and labels["β"].y > center[1] - 5


def test_labels_do_not_lie_on_each_other():
    for azimuth in range(-180, 180, 15):
        for elevation in (-30, 0, 10, 40):
            boxes = [label_box(a, 1.0) for a in written(bumpy(), looking(azimuth, elevation))]
            for index, one in enumerate(boxes):
                for other in boxes[:index]:
                    x = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
                    y = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
                    assert min(x, y) < 3


def bar_texts(scene, state, height=300.0):
    parts = color_bar(scene, state, 0, Rect(0, 100, 12, height), 1.0)
    return [part.text for part in parts if isinstance(part, Label)]


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_axis_and_bar_say_the_same_numbers(scale):
    state = looking()
    state.surface.height_scale = state.surface.color_scale = scale
    landscape = with_loss(bumpy(), np.geomspace(0.15, 105, 41 * 41).reshape(41, 41))
    on_axis, on_bar = written(landscape, state), bar_texts(Scene([landscape]), state)
    on_axis = texts(on_axis)[: texts(on_axis).index("loss") + 1]
    assert on_axis[-len(on_bar) :] == on_bar and len(on_bar) > 4


def test_small_differences_of_large_numbers_are_written_short():
    state = looking()
    loss = 1000 + 1e-6 * np.linspace(0, 1, 41 * 41).reshape(41, 41)
    landscape = with_loss(bumpy(), loss)
    for found in (texts(written(landscape, state)), bar_texts(Scene([landscape]), state)):
        assert "loss − 1000" in found and "4·10⁻⁷" in found and max(map(len, found)) < 12


def test_without_a_value_there_are_the_floor_axes_alone():
    empty = Surface([0, 1], [0, 1], {"loss": np.full((2, 2), np.nan)}, np.zeros((2, 2), bool))
    landscape = Landscape(surface=empty)
    found = texts(written(landscape, looking()))
    assert {"α", "β"} <= set(found) and "loss" not in found
    assert bar_texts(Scene([landscape]), looking()) == []


def test_cells_leave_the_surfaces_as_much_room_as_there_is():
    four = layout(4, 1600, 900, 1.25, ViewState()).cells
    assert len({cell.x for cell in four}) == 2 and len({cell.y for cell in four}) == 2
    three = layout(3, 960, 760, 1.0, ViewState())
    first, second, last = three.cells
    assert first.y == second.y < last.y
    assert last.x - first.x == pytest.approx(second.x - last.x)  # in the middle of its row
    assert three.titles[2].x == last.x
    assert len({cell.y for cell in layout(2, 960, 760, 1.0, ViewState()).cells}) == 1
    assert len({cell.x for cell in layout(2, 500, 900, 1.0, ViewState()).cells}) == 1


def test_a_ribbon_has_one_number_across():
    loss = np.arange(1.0, 8.0)[None]
    row = Landscape(surface=Surface(np.array([0.25]), np.linspace(-1, 1, 7), {"loss": loss}))
    found = texts(written(row, looking()))
    assert "0.25" in found and "−0.25" not in found and "0.5" in found and "β" in found


@pytest.mark.parametrize("azimuth", [-90, -60, 30])
def test_from_straight_above_both_axes_have_their_numbers(azimuth):
    # The rim of its grid is rounded to the inside in single precision.
    landscape = ply.read(folder("assets") / "landscapes" / "resnet20_trajectory.ply")
    found = texts(written(landscape, looking(azimuth, 90, orthographic=True)))
    assert {"α", "β"} <= {*found} and "20" in found


@pytest.mark.parametrize("scale", [0.35, 0.48, 0.53, 1.0, 1.3])
@pytest.mark.parametrize("samples", [1, 2, 3, 4])
def test_titles_are_no_wider_than_their_room_however_they_are_drawn(scale, samples):
    scene, place = Scene([bumpy(name="a landscape with a name " * 4)]), Rect(0, 0, 250 * scale, 40)
    for label in title(scene, ViewState(), (0,), place, scale):
        wide = bitmap(label.text, round(label.size * scale * samples), label.bold).shape[1]
        assert wide <= place.width * samples
