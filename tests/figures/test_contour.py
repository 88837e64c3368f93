"""Contour figures: the levels that were asked for, in text that is text, the same bytes again."""

import html
import math
import re
import sys

import numpy as np
import pytest

from lossviz import cli, ply
from lossviz.contours import levels
from lossviz.errors import UsageError
from lossviz.figures import bands
from lossviz.figures.contour import write
from lossviz.figures.style import Style
from lossviz.landscape import Landscape, Mark, Surface
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from tests.viewer.scenes import between, bumpy, dimpled, runs, with_loss


@pytest.fixture
def mpl():
    return pytest.importorskip("matplotlib", reason="matplotlib is missing: pip install '.[dev]'")


def bowl(n=41, **changes):
    """α² + β²: the contour of a level is a circle."""
    axis = np.linspace(-1, 1, n)
    loss = axis[:, None] ** 2 + axis**2
    return Landscape(surface=Surface(axis, axis, {"loss": loss}), name="bowl", **changes)


def svg(tmp_path, *landscapes, state=None, **style):
    path = tmp_path / "figure.svg"
    write(path, Scene(landscapes), state or ViewState(), Style(**style))
    return path.read_text(encoding="utf-8")


def texts(drawing):
    """What is written in an SVG as text."""
    return [html.unescape(one) for one in re.findall(r"<text[^>]*>([^<]*)</text>", drawing)]


def test_the_lines_are_circles_of_the_levels(mpl):
    from matplotlib.figure import Figure

    from lossviz.figures.panel import draw_panel

    axes = Figure().subplots()
    style = Style(levels=[0.25, 0.64], filled=False)
    panel = draw_panel(axes, Scene([bowl()]), ViewState(), style, 0, {})
    assert panel.lines.levels == pytest.approx([0.25, 0.64])
    for path, radius in zip(panel.lines.get_paths(), (0.5, 0.8), strict=True):
        assert np.hypot(*path.vertices.T) == pytest.approx(radius, abs=1e-3)
    assert axes.get_xlim() == (-1, 1) and axes.get_box_aspect() == 1


def test_levels_colours_and_numbers_belong_together():
    scene, state = Scene([bumpy(21)]), ViewState()
    found = bands.bands_of(scene, state, Style(), 0)
    span = scene.height_range(state, 0)
    assert span.log and len(found.colors) == len(found.values) + 1
    assert found.edges[1:-1] == pytest.approx(np.log10(found.values))
    assert 10 ** found.edges[[0, -1]] == pytest.approx([span.low, span.high])
    assert [float(text) for text in found.numbers] == pytest.approx(found.values, rel=1e-3)
    wide = bands.bands_of(scene, state, Style(levels=np.arange(0.1, 10, 0.5)), 0)
    assert wide.values == pytest.approx([0.1 + 0.5 * i for i in range(20)])
    with pytest.raises(UsageError, match="none of them is between the lowest loss"):
        bands.bands_of(scene, state, Style(levels=[1e9]), 0)


@pytest.mark.parametrize("low, span", [(1000, 1e-9), (2, 1e-3), (0, 1), (1e-200, 1e-205)])
def test_no_two_levels_are_written_alike(low, span):
    loss = low + span * bowl().surface.loss / 2
    found = bands.bands_of(Scene([with_loss(bowl(), loss)]), ViewState(), Style(), 0)
    assert len(found.values) > 2 and len(set(found.numbers)) == len(found.values)


def test_text_is_text_and_names_from_files_are_no_formulas(tmp_path, mpl):
    hostile = "$\\frac{"
    landscape = bowl(marks=[Mark(hostile, 0.3, 0.3)]).with_changes(name=f"{hostile} <&>")
    found = texts(svg(tmp_path, landscape, title=""))
    assert {"α", "β", "loss", hostile, f"{hostile} <&>"} <= set(found)
    shown = [f"{value:g}" for value in levels(0, 2)]
    assert sum(text in shown for text in found) > 3


def test_what_lies_on_the_surface_is_in_the_legend(tmp_path, mpl):
    found = texts(svg(tmp_path, dimpled(31).with_changes(
        trajectories=[*dimpled(5).trajectories, *runs(2)]), width_cm=14))  # fmt: skip
    wanted = {"steepest descent", "minima", "saddles", "maxima", "degenerate", "start", "end",
              "run 0", "run 1"}  # fmt: skip
    assert wanted <= set(found)
    state = ViewState()
    state.trajectories.played = 0.5
    found = texts(svg(tmp_path, bumpy(21).with_changes(trajectories=runs(2)), state=state))
    assert {"start", "step 1450"} <= set(found) and "end" not in found
    state.critical.shown = state.critical.lines = state.trajectories.shown = False
    assert not wanted & set(texts(svg(tmp_path, dimpled(31), state=state)))


def test_axes_of_principal_planes_tell_the_variance(tmp_path, mpl):
    from lossviz.landscape import Provenance

    known = Provenance(directions="pca of run", explained_variance=[0.75, 0.125])
    found = texts(svg(tmp_path, bowl(provenance=known), title="mine"))
    assert {"α  (75.0% of the variance)", "β  (12.5% of the variance)", "mine"} <= set(found)


def test_a_pdf_has_its_size_its_fonts_and_the_same_bytes_again(tmp_path, mpl):
    paths = [tmp_path / name for name in ("a.pdf", "b.pdf")]
    for path in paths:
        write(path, Scene([bumpy(21)]), ViewState(), Style(9.0, 6.0))
    data = paths[0].read_bytes()
    assert data == paths[1].read_bytes()
    box = [float(n) for n in re.search(rb"/MediaBox \[([^]]*)\]", data)[1].split()]
    assert box == pytest.approx([0, 0, 9 / 2.54 * 72, 6 / 2.54 * 72], abs=0.01)
    assert b"/FontFile2" in data and b"/Type3" not in data  # TrueType, inside
    assert b"bumpy" in data


@pytest.mark.parametrize("filled", [True, False])
@pytest.mark.parametrize(
    "name, landscape",
    [("nan", with_loss(bowl(9), np.full((9, 9), math.nan))), ("thin", bumpy(9, 1)),
     ("constant", with_loss(bowl(9), np.full((9, 9), 2.0))), ("odd", bumpy(9, 21, span=1e-3)),
     ("huge", with_loss(bowl(9), 10.0 ** (300 * bowl(9).surface.loss / 2)))],
)  # fmt: skip
def test_odd_surfaces_have_a_figure_too(name, landscape, filled, tmp_path, mpl):
    write(tmp_path / "a.png", Scene([landscape]), ViewState(), Style(filled=filled, dpi=50))
    assert (tmp_path / "a.png").stat().st_size > 500


def test_holes_are_grey_and_have_no_lines(tmp_path, mpl):
    from PIL import Image

    loss = bowl().surface.loss.copy()
    loss[10:31, 10:31] = math.nan
    write(tmp_path / "a.png", Scene([with_loss(bowl(), loss)]), ViewState(),
          Style(8, 8, dpi=100, filled=False))  # fmt: skip
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (315, 315)
        middle = image.convert("RGB").crop((130, 110, 200, 180))
    assert middle.getcolors() == [(70 * 70, (224, 224, 224))]


def test_the_command_writes_what_it_says(tmp_path, capsys, mpl):
    ply.write(bumpy(21), tmp_path / "a.ply")
    words = ["render", str(tmp_path / "a.ply"), "--contour", "--size-cm", "6x5", "-o"]
    for name, more in (("a.pdf", []), ("a.svg", ["--lines"]), ("a.png", ["--levels", "0.1:9:1"])):
        assert cli.main([*words, str(tmp_path / name), *more]) == 0
        assert capsys.readouterr().out == f"{tmp_path / name}\n"
    assert cli.main([*words, str(tmp_path / "out"), "--each"]) == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.pdf"]
    assert cli.main([*words, str(tmp_path / "a.jpg")]) == 2
    assert ".pdf, .svg or .png" in capsys.readouterr().err
    ply.write(between(), tmp_path / "curve.ply")
    assert cli.main(["render", str(tmp_path / "curve.ply"), "--contour", "-o",
                     str(tmp_path / "c.pdf")]) == 2  # fmt: skip
    assert "expected surfaces, got curves only" in capsys.readouterr().err


def test_without_matplotlib_one_line_says_how_to_install_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    ply.write(bumpy(11), tmp_path / "a.ply")
    words = ["render", str(tmp_path / "a.ply"), "--contour", "-o", str(tmp_path / "a.pdf")]
    assert cli.main(words) == 1
    told = capsys.readouterr().err
    assert told == "lossviz: contour figures need matplotlib: pip install 'lossviz[figures]'\n"
