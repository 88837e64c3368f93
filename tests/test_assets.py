"""The bundled files: colour maps, fonts, digits, landscapes."""

import numpy as np
import pytest

from lossviz.resources import folder
from lossviz.viewer import colormaps

ASSETS = folder("assets")
FONTS = sorted((ASSETS / "fonts").glob("*.otf"))
SHOWN = "αβγδεζηθκλμνξπρστφχψωΔΘΛΣΦΨΩ−×±·≤≥≈√∞∂∑‖⁰¹²³⁴⁵⁶⁷⁸⁹⁻₀₁₂₃…–°→←↑↓éüøß"


def lightness(name):
    """L* of each of the 256 colours (CIE 1976)."""
    y = colormaps.luminance(colormaps.table(name) / 255)
    return np.where(y > 0.008856, 116 * np.cbrt(y) - 16, 903.3 * y)


def test_colormaps_are_complete():
    expected = {
        "viridis", "cividis", "magma", "inferno", "turbo", "coolwarm", "RdBu", "Spectral",
        "batlow", "oslo", "terrain", "grey",
    }  # fmt: skip
    assert set(colormaps.names()) == expected
    for name in colormaps.names():
        assert colormaps.table(name).shape == (256, 3)
        assert colormaps.table(name).dtype == np.uint8


@pytest.mark.parametrize("name", ["viridis", "cividis", "magma", "inferno", "batlow", "oslo"])
def test_sequential_maps_grow_lighter(name):
    steps = np.diff(lightness(name))
    assert steps.min() > -0.6  # one step of rounding to eight bits
    assert lightness(name)[-1] - lightness(name)[0] > 60


@pytest.mark.parametrize("name", ["coolwarm", "RdBu", "Spectral"])
def test_diverging_maps_are_blue_when_low_and_lightest_in_the_middle(name):
    table = colormaps.table(name).astype(int)
    assert table[5, 2] > table[5, 0]
    assert table[-5, 0] > table[-5, 2]
    assert 100 < lightness(name).argmax() < 156


def test_known_colours():
    assert colormaps.table("viridis")[0].tolist() == [68, 1, 84]
    assert colormaps.table("viridis")[255].tolist() == [253, 231, 37]
    assert colormaps.table("grey")[128].tolist() == [128, 128, 128]


@pytest.mark.parametrize("path", FONTS, ids=lambda path: path.stem)
def test_fonts_load_in_pillow_and_have_figures_of_one_width(path):
    from PIL import ImageFont

    font = ImageFont.truetype(str(path), 40)
    missing = bytes(font.getmask("\U0010fffd"))
    for character in SHOWN:
        assert bytes(font.getmask(character)) != missing, f"{character} is not in {path.name}"
    widths = [font.getlength(figure) for figure in "0123456789"]
    assert max(widths) - min(widths) < 0.05  # pixels at a size of 40: rounding


@pytest.mark.parametrize("path", FONTS, ids=lambda path: path.stem)
def test_fonts_load_in_imgui(path):
    from imgui_bundle import imgui

    context = imgui.create_context()
    try:
        io = imgui.get_io()
        io.set_ini_filename("")
        io.backend_flags |= imgui.BackendFlags_.renderer_has_textures
        io.display_size = (400, 300)
        font = io.fonts.add_font_from_file_ttf(str(path), 16.0)
        imgui.new_frame()
        assert all(font.is_glyph_in_font(ord(character)) for character in SHOWN)
        assert imgui.calc_text_size("1111").x == imgui.calc_text_size("8888").x
        imgui.end_frame()
    finally:
        imgui.destroy_context(context)


def test_there_are_two_weights_and_their_licence():
    assert [path.name for path in FONTS] == ["Inter-Regular.otf", "Inter-SemiBold.otf"]
    assert "SIL OPEN FONT LICENSE" in (ASSETS / "fonts" / "OFL.txt").read_text(encoding="utf-8")


def test_digits():
    with np.load(ASSETS / "data" / "digits.npz", allow_pickle=False) as stored:
        images, labels = stored["images"], stored["labels"]
    assert (images.shape, images.dtype) == ((1797, 8, 8), np.uint8)
    assert (labels.shape, labels.dtype) == ((1797,), np.uint8)
    assert images.max() == 16
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


@pytest.mark.parametrize("name", ["resnet56", "resnet56_noshort"])
def test_bundled_landscapes(name):
    from lossviz import ply

    landscape = ply.read(ASSETS / "landscapes" / f"{name}.ply")
    surface = landscape.surface
    assert surface.quantities["loss"].shape == (129, 129)
    assert (surface.alphas[0], surface.alphas[-1]) == (-1, 1)
    assert np.isfinite(surface.quantities["loss"]).any()
    assert {"loss", "accuracy", "loss_stderr"} <= set(surface.quantities)
    assert landscape.provenance.model == name
    assert landscape.provenance.samples >= 256
    assert landscape.provenance.checkpoint_sha256
    centre = surface.quantities["loss"][64, 64]
    # The trained net lies at the bottom: on a sample few points of the slice have a lower loss, all
    # of them beside it, none by more than its standard error.
    loss, error = surface.loss, surface.quantities["loss_stderr"][64, 64]
    lower = np.nonzero(loss < centre)
    assert loss.min() > centre - error
    for axis, numbers in zip((surface.alphas, surface.betas), lower, strict=True):
        assert np.abs(axis[numbers]).max(initial=0) < 0.15


@pytest.mark.parametrize(
    "name, runs",
    [("resnet20_trajectory", ["resnet20"]), ("optimizers", ["sgd", "momentum", "adam"])],
)
def test_bundled_training_runs(name, runs):
    from lossviz import ply

    landscape = ply.read(ASSETS / "landscapes" / f"{name}.ply")
    surface, known = landscape.surface, landscape.provenance
    assert surface.shape == (51, 51) and np.isfinite(surface.loss).all()
    assert [path.name for path in landscape.trajectories] == runs
    assert known.explained_variance[0] + known.explained_variance[1] > 0.75
    for path in landscape.trajectories:
        assert len(path.points) >= 40 and path.losses[-1] < 0.1 * path.losses[0]
        for axis, values in zip((surface.alphas, surface.betas), path.points.T, strict=True):
            assert axis[0] < values.min() and values.max() < axis[-1]
    center = path.points[-1 if len(runs) == 1 else 0]
    assert center == pytest.approx([0, 0], abs=1e-6)
    # On the plane a snapshot has the surface's own loss.
    i, j = surface.center
    at = -1 if len(runs) == 1 else 0
    near = surface.loss[i - 1 : i + 2, j - 1 : j + 2]
    assert near.min() <= path.losses[at] <= near.max()


def test_nothing_in_assets_is_big():
    sizes = {p: p.stat().st_size for p in ASSETS.rglob("*") if p.is_file() and ".run" not in str(p)}
    assert max(sizes.values()) < 2_000_000
    assert sum(sizes.values()) < 6_000_000


def test_the_readme_shows_the_pictures_that_are_made_and_no_others():
    import re
    import runpy

    made = runpy.run_path(str(ASSETS / "make_pictures.py"))["PICTURES"]
    there = {path.stem for path in (ASSETS / "pictures").iterdir()}
    readme = (ASSETS.parent / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"\(assets/pictures/(\w+)\.png\)", readme)
    assert set(shown) == set(made) == there and len(shown) == len(made)
