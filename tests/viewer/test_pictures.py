"""What is drawn, against pictures that somebody has looked at; and facts that pixels must show."""

import json

import numpy as np
import pytest
from PIL import Image

from lossviz import ply
from lossviz.errors import InputError, UsageError
from lossviz.landscape import BASIN, Curve, Landscape, Mark, Provenance, Surface
from lossviz.resources import folder
from lossviz.viewer.annotations import shortened
from lossviz.viewer.between import Between
from lossviz.viewer.layout import TEXT
from lossviz.viewer.picture import views
from lossviz.viewer.scene import Scene
from lossviz.viewer.screenshot import POINTS, file_stem, natural_scale, save, take
from lossviz.viewer.state import Cut, ViewState
from lossviz.viewer.text import bitmap
from lossviz.viewer.views import load_view

from .scenes import between, bumpy, dimpled, fan, runs, with_loss

SIZE = {"width": 480, "height": 360, "scale": 0.5}


def holed(landscape=None):
    landscape = landscape or bumpy()
    loss = landscape.surface.loss.copy()
    loss[10:16, 22:30] = np.nan
    loss[30, 8] = np.inf
    return with_loss(landscape, loss)


def with_paths(landscape, count=1, **changes):
    return landscape.with_changes(trajectories=runs(count), **changes)


def with_basins(landscape):
    """The landscape with the labels that ``lossviz critical --basins`` writes."""
    from compute.basins import basins

    own = landscape.surface
    labels = basins(own).by_value().as_quantity()
    own = Surface(own.alphas, own.betas, {**own.quantities, BASIN: labels})
    return landscape.with_changes(surface=own)


def no_shortcuts():
    return ply.read(folder("assets") / "landscapes" / "resnet56_noshort.ply")


MARKS = [Mark("first.pt", 0, 0), Mark("another one", 0.1, 0.05), Mark("hidden", 0.9, 0.95)]
LINE = Curve("between", [-0.2, 0, 1], {"loss": [1, 1, 1]}, [[-0.2, 0.1], [0, 0], [1, -0.5]])
KEPT = (Cut("mine", "angle", 30.0, -0.2), Cut("high", "level", 0.0, 20.0))
PLACES = ((0, -0.5, -0.25), (0, 0.6, 0.4), (0, 0.0, 0.9))

CASES = {
    "default": (lambda s: None, lambda: [bumpy()]),
    "surface_alone": (
        lambda s: _set(s, "isolines", surface=False, floor=False)
        or _set(s, "axes", axes=False, color_bar=False, title=False),
        lambda: [bumpy()],
    ),
    "linear_height": (lambda s: _set(s, "surface", height_scale="linear"), lambda: [bumpy()]),
    "capped": (lambda s: _set(s, "surface", cap=3.0), lambda: [bumpy()]),
    "holes": (lambda s: None, lambda: [holed()]),
    "wire_dark": (
        lambda s: _set(s, "surface", wire=True, colormap="viridis")
        or _set(s, "picture", theme="dark"),
        lambda: [bumpy(17)],
    ),
    "colored_by_accuracy": (
        lambda s: _set(s, "surface", color="accuracy", colormap="batlow"), lambda: [bumpy()],
    ),
    "above_orthographic": (
        lambda s: _set(s, "camera", elevation=90.0, azimuth=-90.0, orthographic=True),
        lambda: [bumpy(41, 21, span=0.5)],
    ),
    "path": (lambda s: None, lambda: [with_paths(bumpy())]),
    "path_dark_straight": (
        lambda s: _set(s, "picture", theme="dark") or _set(s, "trajectories", color="off_plane")
        or _set(s, "surface", smooth=False, colormap="batlow"),
        lambda: [with_paths(bumpy(21))],
    ),
    "paths_by_run": (
        lambda s: _set(s, "trajectories", true_loss=True) or _set(s, "camera", elevation=20.0),
        lambda: [with_paths(bumpy(), 3, marks=MARKS, curves=[LINE])],
    ),
    "paths_by_loss_paper_capped": (
        lambda s: _set(s, "picture", theme="paper") or _set(s, "surface", cap=1.0)
        or _set(s, "trajectories", color="loss"),
        lambda: [with_paths(bumpy(), 2), bumpy(seed=1)],
    ),
    "paths_through_a_hole": (lambda s: None, lambda: [with_paths(holed(), 4)]),
    "paths_played": (
        lambda s: _set(s, "trajectories", played=0.45),
        lambda: [with_paths(bumpy(), 3, curves=[LINE])],
    ),
    "path_played_dark_own_losses": (
        lambda s: _set(s, "trajectories", played=0.6, true_loss=True, width=4.0)
        or _set(s, "picture", theme="dark"),
        lambda: [with_paths(bumpy())],
    ),
    "critical": (lambda s: None, lambda: [dimpled()]),
    "critical_dark_low": (
        lambda s: _set(s, "picture", theme="dark") or _set(s, "camera", elevation=18.0)
        or _set(s, "surface", colormap="viridis", smooth=False)
        or _set(s, "critical", persistence=0.05),
        lambda: [dimpled().with_changes(trajectories=[*dimpled().trajectories, *runs(1)])],
    ),
    "critical_paper_pair": (
        lambda s: _set(s, "picture", theme="paper") or _set(s, "surface", cap=1.6)
        or _set(s, "critical", border=True, lines=False),
        lambda: [dimpled(), bumpy()],
    ),
    "basins": (lambda s: _set(s, "critical", basins=True), lambda: [with_basins(dimpled())]),
    "basins_dark_from_above": (
        lambda s: _set(s, "picture", theme="dark") or _set(s, "surface", colormap="viridis")
        or _set(s, "critical", basins=True) or _set(s, "isolines", floor=False)
        or _set(s, "camera", elevation=90.0, azimuth=-90.0, orthographic=True),
        lambda: [with_basins(no_shortcuts())],
    ),
    "basins_around_holes": (
        lambda s: _set(s, "critical", basins=True), lambda: [with_basins(holed(dimpled()))],
    ),
    "slice_pinned": (
        lambda s: _set(s, "slice", shown=True, offset=0.2, marker=(0.3, 0.2), pinned=KEPT),
        lambda: [with_paths(bumpy(), 2)],
    ),
    "slice_clip_dark": (
        lambda s: _set(s, "slice", shown=True, along="angle", angle=20.0, mode="clip")
        or _set(s, "picture", theme="dark"),
        lambda: [with_paths(holed(), 2, marks=MARKS)],
    ),
    "slice_clip_pinned": (
        lambda s: _set(s, "slice", shown=True, offset=0.2, mode="clip", pinned=KEPT),
        lambda: [bumpy()],
    ),
    "slice_level_paper_pair": (
        lambda s: _set(s, "slice", shown=True, along="level", mode="clip", level=20.0)
        or _set(s, "picture", theme="paper") or _set(s, "surface", colormap="viridis"),
        lambda: [bumpy(), bumpy(seed=2)],
    ),
    "slice_linear_capped_straight": (
        lambda s: _set(s, "slice", shown=True, along="beta", offset=-0.3, marker=(-0.3, -0.5))
        or _set(s, "surface", height_scale="linear", cap=60.0, smooth=False),
        lambda: [bumpy(17)],
    ),
    "labels": (lambda s: _set(s, "labels", places=PLACES), lambda: [bumpy()]),
    "labels_dark_pair": (
        lambda s: _set(s, "labels", places=((1, 0.3, -0.5), *PLACES))
        or _set(s, "picture", theme="dark"),
        lambda: [dimpled(), holed()],
    ),
    "curve_between": (lambda s: None, lambda: [between()]),
    "curves_dark": (lambda s: _set(s, "picture", theme="dark"), lambda: [fan()]),
    "curves_paper_beside_a_surface": (
        lambda s: _set(s, "picture", theme="paper") or _set(s, "surface", shared_scale=False),
        lambda: [between(test=False).with_changes(curves=[*between(test=False).curves,
                 *between("third.pt", test=False, height=0.7).curves]), bumpy()],
    ),
    "pair_shared": (
        lambda s: None,
        lambda: [bumpy(), with_loss(bumpy(seed=2), bumpy(seed=2).surface.loss * 30)],
    ),
    "pair_own_scales": (
        lambda s: _set(s, "surface", shared_scale=False),
        lambda: [bumpy(), with_loss(bumpy(seed=2), bumpy(seed=2).surface.loss * 30)],
    ),
}  # fmt: skip


def _set(state, part, **values):
    for name, value in values.items():
        setattr(getattr(state, part), name, value)


@pytest.mark.parametrize("name", CASES)
def test_picture(name, picture, image_match):
    change, landscapes = CASES[name]
    state = ViewState()
    change(state)
    image_match(name, take(picture, Scene(landscapes()), state, **SIZE))


def test_same_input_same_pixels(picture):
    first = take(picture, Scene([bumpy()]), ViewState(), **SIZE)
    assert (take(picture, Scene([bumpy()]), ViewState(), **SIZE) == first).all()


def test_tiles_join_without_a_seam(picture, monkeypatch):
    whole = take(picture, Scene([bumpy()]), ViewState(), **SIZE).astype(int)
    monkeypatch.setattr("lossviz.viewer.screenshot.TILE", 129)
    tiled = take(picture, Scene([bumpy()]), ViewState(), **SIZE).astype(int)
    different = np.abs(whole - tiled).max(axis=2) > 24
    assert different.mean() < 0.002


def test_transparent_pictures_have_soft_edges_and_the_same_colours(picture):
    opaque = take(picture, Scene([bumpy()]), ViewState(), **SIZE)
    clear = take(picture, Scene([bumpy()]), ViewState(), transparent=True, **SIZE)
    assert (opaque[..., 3] == 255).all()
    alpha = clear[..., 3]
    assert alpha.min() == 0 and alpha.max() == 255 and ((alpha > 0) & (alpha < 255)).any()
    solid = alpha == 255
    assert np.abs(opaque[solid].astype(int) - clear[solid]).max() <= 1


def test_text_and_lines_keep_their_proportion(picture):
    small = take(picture, Scene([bumpy()]), ViewState(), width=640, height=480)
    large = take(picture, Scene([bumpy()]), ViewState(), width=1280, height=960)
    shrunk = np.asarray(Image.fromarray(large).resize((640, 480), Image.Resampling.BOX), int)
    assert np.abs(shrunk - small).mean() < 4


def test_colour_of_a_flat_surface_is_the_colour_of_its_value(picture):
    """Unlit and seen from above, a constant is drawn in exactly its colour of the map."""
    from lossviz.viewer.colormaps import table

    flat = with_loss(bumpy(), np.full((41, 41), 0.5))
    state = ViewState()
    _set(state, "surface", light=0.0, color_range=(0.0, 1.0), color_scale="linear")
    _set(state, "isolines", surface=False, floor=False)
    _set(state, "camera", elevation=90.0)
    middle = take(picture, Scene([flat]), state, **SIZE)[200, 200, :3].astype(int)
    expected = table(state.surface.colormap)[127:129].astype(int)
    assert (np.abs(middle - expected).max(axis=1) <= 2).any()


def test_isolines_stand_where_the_level_is(picture):
    """On a ramp from 0 to 10 in alpha, lines at multiples of the step and nowhere else."""
    axis = np.linspace(0, 1, 41)
    ramp = Landscape(surface=Surface(axis, axis, {"loss": 10 * np.outer(axis, np.ones(41))}))
    state = ViewState()
    _set(state, "surface", light=0.0, colormap="grey", color_range=(-20.0, 10.0))
    _set(state, "isolines", floor=False, count=5, width=1.5)
    _set(state, "axes", axes=False, color_bar=False, title=False)
    _set(state, "camera", azimuth=-90.0, elevation=90.0, orthographic=True)
    row = take(picture, Scene([ramp]), state, **SIZE)[180, :, 0].astype(int)
    inside = np.nonzero(row < 255)[0]
    left, right = inside[0], inside[-1]
    dips = [
        x
        for x in range(left + 6, right - 4)
        if row[x] < row[x - 4] - 25 and row[x] <= row[x - 1 : x + 2].min()
    ]
    found = (np.array(dips) - left) / (right - left) * 10
    found = found[np.concatenate([[True], np.diff(found) > 0.2])]
    assert found == pytest.approx([2, 4, 6, 8], abs=0.08)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2), (3, 700)])
@pytest.mark.parametrize("value", [1.0, np.nan, 0.0])
def test_odd_surfaces_draw_without_an_error(picture, shape, value):
    surface = Surface(np.arange(shape[0]), np.arange(shape[1]), {"loss": np.full(shape, value)})
    scene = Scene([Landscape(surface=surface)])
    assert take(picture, scene, ViewState(), width=120, height=90).shape == (90, 120, 4)


@pytest.mark.parametrize("across", [False, True])
def test_surfaces_wider_than_a_texture_are_refused_in_one_line(picture, across):
    scene, state, size = Scene([bumpy()]), ViewState(), {"width": 120, "height": 90}
    before = take(picture, scene, state, **size)
    most = picture.ctx.info["GL_MAX_TEXTURE_SIZE"]
    for sides in ((most, 2), (most + 1, 2)):
        n, m = sides[::-1] if across else sides
        wide = Scene(
            [
                Landscape(
                    surface=Surface(np.arange(n), np.arange(m), {"loss": np.ones((n, m))}),
                    name="wide",
                )
            ]
        )
        if max(sides) == most:
            take(picture, wide, state, **size)
            continue
        with pytest.raises(InputError, match=f"^wide: expected at most {most} points.*{n}x{m}$"):
            take(picture, wide, state, **size)
    assert picture.ctx.error == "GL_NO_ERROR"
    assert (take(picture, scene, state, **size) == before).all()  # as if nothing had been


def test_a_picture_holds_its_view_and_provenance(picture, tmp_path):
    state, scene = ViewState(), Scene([bumpy()])
    state.camera.azimuth = 12.5
    save(tmp_path / "a.png", take(picture, scene, state, width=64, height=48), scene, state)
    assert load_view(str(tmp_path / "a.png")) == state
    with Image.open(tmp_path / "a.png") as image:
        assert json.loads(image.info["lossviz_provenance"])[0]["samples"] == 256


@pytest.mark.parametrize("size", [(15, 100), (100, 8193)])
def test_impossible_sizes_are_refused(picture, size):
    with pytest.raises(UsageError, match="16 to 8192"):
        take(picture, Scene([bumpy()]), ViewState(), width=size[0], height=size[1])


@pytest.mark.parametrize("along", ["alpha", "beta", "angle", "level"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2)])
@pytest.mark.parametrize("value", [1.0, np.nan, 0.0])
def test_odd_surfaces_are_sliced_and_labelled_without_an_error(picture, along, shape, value):
    surface = Surface(np.arange(shape[0]), np.arange(shape[1]), {"loss": np.full(shape, value)})
    state = ViewState()
    _set(state, "slice", shown=True, along=along, mode="clip", marker=(0.0, 0.0), pinned=KEPT)
    _set(state, "labels", places=((0, 0.0, 0.0), (7, 0.0, 0.0), (0, 1e300, 0.0)))
    scene = Scene([Landscape(surface=surface), between()])
    assert take(picture, scene, state, width=160, height=120).shape == (120, 160, 4)


def test_the_clipped_half_is_not_drawn_and_the_rest_stays(picture):
    """Only pixels of the near half change, and those of the surface behind it are seen."""
    state = ViewState()
    _set(state, "camera", azimuth=-90.0, elevation=90.0, orthographic=True)
    _set(state, "isolines", floor=False)
    _set(state, "axes", legend=False)  # which takes room
    whole = take(picture, Scene([bumpy()]), state, **SIZE).astype(int)
    _set(state, "slice", shown=True, along="level", mode="clip", level=1.0)
    cut = take(picture, Scene([bumpy()]), state, **SIZE).astype(int)
    scene = Scene([bumpy()])
    found, (seen,) = views(scene, state, 480, 360, 0.5)
    own, xs = scene.items[0].surface, np.linspace(-0.9, 0.9, 30)
    points = np.stack(np.meshgrid(xs, xs), axis=-1).reshape(-1, 2)
    loss = Between(scene.items[0], "loss").at(points)
    pixels = seen.project(np.column_stack([points, np.zeros(len(points))]))[:, :2]
    x, y = np.rint(pixels + (found.cells[0].x, found.cells[0].y)).astype(int).T
    gone = (cut[y, x, :3] == 255).all(axis=1)
    sure = np.abs(np.log(loss)) > 0.5
    assert (gone == (loss > 1.0))[sure].all() and own.loss.max() > 100
    same = np.abs(cut - whole).max(axis=2)[y, x] <= 2
    assert same[sure & (loss < 1)].mean() > 0.97  # but for the outline


def test_pinned_slices_are_not_drawn_where_the_surface_is_clipped(picture):
    scene, state = Scene([bumpy()]), ViewState()
    _set(state, "isolines", floor=False)
    _set(state, "axes", legend=False)
    near, far = Cut("near", "alpha", 0.0, -0.6), Cut("far", "alpha", 0.0, 0.6)

    def taken(mode, *pinned):
        _set(state, "slice", shown=True, offset=0.0, mode=mode, pinned=pinned)
        return take(picture, scene, state, **SIZE)

    assert (taken("clip", near) == taken("clip")).all()
    assert (taken("cut", near) != taken("cut")).any()
    assert (taken("clip", far) != taken("clip")).any()


LARGEST, SMALLEST = 1.7e308, 5e-324
EXTREME = {
    "denormal": np.array([[1, 2], [1, 3]]) * SMALLEST,
    "down to a denormal": np.array([[SMALLEST, 1], [1e300, 1e10]]),
    "largest": np.array([[-LARGEST, LARGEST], [SMALLEST, 0]]),
    "largest, positive": np.array([[1e-300, LARGEST], [1e300, 1e10]]),
    "constant": np.full((2, 2), 1e300),
    "constant, largest": np.full((2, 2), np.finfo(float).max),
}


@pytest.mark.parametrize("name", EXTREME)
@pytest.mark.parametrize("scale", ["auto", "linear", "log"])
def test_extreme_values_draw(picture, name, scale):
    landscape = with_values(EXTREME[name])
    other = with_values(np.array([[0.5, 2], [1, 3]]))
    state = ViewState()
    _set(state, "surface", height_scale=scale, color_scale=scale)
    for landscapes in ([landscape], [other, landscape]):
        take(picture, Scene(landscapes), state, width=160, height=120)
    for cap in (SMALLEST, 1.0, 1e300):
        _set(state, "surface", cap=cap, color_range=(-cap, cap))
        take(picture, Scene([landscape]), state, width=160, height=120)


def test_the_largest_numbers_have_the_shape_of_small_ones(picture):
    """Overflow on the way would blacken the surface."""
    state = ViewState()
    _set(state, "surface", height_scale="linear", color_scale="linear")
    _set(state, "isolines", surface=False, floor=False)
    _set(state, "axes", axes=False, color_bar=False, title=False)
    values = np.array([[-1.0, 1.0], [0.5, 0.0]])
    small, large = (
        take(picture, Scene([with_values(values * size)]), state, **SIZE) for size in (1, LARGEST)
    )
    assert np.abs(small.astype(int) - large).max() <= 2


@pytest.mark.parametrize("name", ["two\nlines\r\x00", "\x1b[31mred \u202e \ud800", "W" * 200_000])
def test_any_name_is_drawn_and_saved(picture, tmp_path, name):
    values = np.arange(4.0).reshape(2, 2)
    surface = Surface([0, 1], [0, 1], {"loss": values, name: values})
    known = Provenance(data=name, split=name, directions=name, notes=[name])
    scene = Scene([Landscape(surface=surface, name=name, provenance=known)])
    state = ViewState()
    _set(state, "surface", height=name, color=name)
    rgba = take(picture, scene, state, width=160, height=120)
    save(tmp_path / "a.png", rgba, scene, state)
    for text in (scene.items[0].title, scene.items[0].subtitle):
        assert text.isprintable() and 0 < len(text) <= 200


@pytest.mark.parametrize("letter", ["W", "é", "損", "😀", "\udcff", "/"])
def test_names_of_pictures_fit_into_a_file_system(tmp_path, letter):
    stem = file_stem([letter * 200, "other"])
    (tmp_path / f"lossviz-{stem}-001.png").touch()


def test_large_framebuffers_are_not_multisampled(picture):
    assert picture._canvas_of(640, 480, 4)._parts[0].samples > 1
    assert picture._canvas_of(8192, 2049, 4)._parts[0].samples == 0


def test_a_long_title_is_cut_before_it_is_drawn(monkeypatch):
    widths = []

    def measured(*what):
        widths.append(bitmap(*what).shape[1])
        return bitmap(*what)

    monkeypatch.setattr("lossviz.viewer.annotations.bitmap", measured)
    for letter in "Wne":
        text = shortened(letter * 200, 300.0, 80.0, bold=True)
        assert text.endswith("…") and bitmap(text, 80, True).shape[1] <= 300
    assert max(widths) < 4000
    assert shortened("Short", 300.0, 80.0, bold=True) == "Short"
    for text in ("W" * 20 + "i" * 80, "i" * 80 + "W" * 20):  # what is kept is wider than the rest
        for tail in (False, True):
            cut = shortened(text, 90.0, 12.0, bold=False, tail=tail)
            assert 60 < bitmap(cut, 12, False).shape[1] <= 90, cut


def test_long_names_that_differ_at_their_ends_differ_in_the_legend():
    names = [f"resnet56_sgd_lr_0.1_batch_128_weight_decay_5e-4_seed_{seed}" for seed in range(3)]
    cut = {shortened(name, 100.0, 11.0, bold=False, tail=True) for name in names}
    assert len(cut) == 3 and all(name.startswith("resnet") and "…" in name for name in cut)


@pytest.mark.parametrize("size", [(400, 300), (480, 360), (640, 300)])
def test_small_pictures_have_text_that_can_be_read(size):
    assert TEXT * natural_scale(*size) >= 6
    assert natural_scale(1200, 900) == 2 * natural_scale(600, 450) == 900 / POINTS


def with_values(values):
    return Landscape(surface=Surface([0, 1], [0, 1], {"loss": values}))
