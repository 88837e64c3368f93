"""The sidebar, drawn off-screen and used with a pointer."""

import numpy as np
import pytest

from lossviz.critical_points import CriticalPoint, CriticalPoints
from lossviz.landscape import Curve, Landscape, Mark, Provenance, Surface
from lossviz.viewer import commands
from lossviz.viewer.critical import counts, told
from lossviz.viewer.picture import unbind
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import Cut, ViewState

from .scenes import between, bumpy, dimpled, fan, runs

WIDTH, HEIGHT = 700, 700


@pytest.fixture
def gui(ctx):
    from lossviz.viewer.gui import Gui

    made = Gui(ctx, 1.0)
    texture = ctx.texture((WIDTH, HEIGHT), 4)
    made.target = ctx.framebuffer([texture])
    yield made
    unbind(ctx)
    made.release()
    made.target.release()
    texture.release()


def frames(gui, state, scene, count=3, message="", pointed=()):
    from lossviz.viewer.panels import sidebar

    asked = []
    for _ in range(count):
        gui.target.use()
        gui.target.clear(1.0, 1.0, 1.0, 1.0)
        gui.begin(WIDTH, HEIGHT, 1.0, 0.05, state.picture.theme)
        asked += sidebar.draw(state, scene, WIDTH, HEIGHT, 1.0, message, pointed)
        gui.end(gui.target)
    return asked


def pixels(gui):
    data = gui.target.read(components=4, alignment=1)
    return np.frombuffer(data, np.uint8).reshape(HEIGHT, WIDTH, 4)[::-1]


def click(gui, state, scene, x, y):
    asked = []
    for down in (None, True, False):
        gui.pointer(x, y)
        if down is not None:
            gui.button(0, down)
        asked += frames(gui, state, scene, 2)
    return asked


def test_any_name_is_shown(gui):
    from lossviz.viewer.panels import information

    name = "two\nlines\x00 \x1b[31m \ud800"
    axis, values = np.arange(2.0), np.arange(4.0).reshape(2, 2)
    surface = Surface(axis, axis, {"loss": values, name: values})
    known = Provenance(checkpoint=name, data=name, loss=name, notes=[name])
    scene, state = Scene([Landscape(surface=surface, name=name, provenance=known)]), ViewState()
    state.surface.height = name
    frames(gui, state, scene, message="a message")
    gui.begin(WIDTH, HEIGHT, 1.0, 0.05, "light")
    information.draw(state, scene)  # folded in the sidebar
    gui.end(gui.target)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_sidebar_looks_as_blessed(gui, theme, image_match):
    state = ViewState()
    state.picture.theme = theme
    frames(gui, state, Scene([bumpy(), bumpy(seed=1)]), message="Saved bumpy.png")
    image_match(f"sidebar_{theme}", pixels(gui))


def test_help_card_looks_as_blessed(gui, image_match):
    state = ViewState()
    state.panels.help = state.panels.visible = True
    frames(gui, state, Scene([bumpy()]))
    image_match("help", pixels(gui))


def test_a_click_on_a_check_box_changes_the_view(gui):
    state, scene = ViewState(), Scene([bumpy()])
    frames(gui, state, scene)
    before = state.surface.wire
    assert before is False
    # The check box "Grid" stands right of the middle of the sidebar, under the sliders.
    for y in range(300, 420, 6):
        click(gui, state, scene, 700 - 320 + 172, y)
        if state.surface.wire:
            break
    assert state.surface.wire


def test_each_path_has_its_check_box(gui):
    state, scene = ViewState(), Scene([bumpy().with_changes(trajectories=runs(3))])
    frames(gui, state, scene)
    for y in range(500, 660, 8):
        click(gui, state, scene, WIDTH - 320 + 40, y)
        if state.trajectories.hidden:
            break
    assert state.trajectories.hidden == ("run 0",)
    before = state.to_json()
    frames(gui, state, scene, 5)
    assert state.to_json() == before


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_curves_have_a_plot(gui, theme, image_match):
    state = ViewState()
    state.picture.theme = theme
    frames(gui, state, Scene([fan() if theme == "dark" else between()]))
    image_match(f"sidebar_curves_{theme}", pixels(gui))


def test_a_curve_is_hidden_with_its_check_box(gui):
    state, scene = ViewState(), Scene([fan()])
    frames(gui, state, scene)
    for y in range(340, 480, 8):
        click(gui, state, scene, WIDTH - 320 + 40, y)
        if state.trajectories.hidden:
            break
    assert state.trajectories.hidden == ("random, seed 0",)
    before = state.to_json()
    frames(gui, state, scene, 5)
    assert state.to_json() == before


@pytest.mark.parametrize("losses", [[1.0], [np.nan, np.nan], [1.7e308, -1.7e308], [0.0, 5e-324]])
@pytest.mark.parametrize("scale", ["auto", "linear", "log"])
def test_odd_curves_have_a_plot_too(gui, losses, scale):
    state = ViewState()
    state.curves.scale = scale
    values = {"loss": losses, "test_loss": losses, "accuracy": losses, "loss_spread": losses}
    odd = Landscape(curves=[Curve("odd", np.arange(len(losses)), values)])
    assert frames(gui, state, Scene([odd, bumpy()])) == []


def with_density(density, eigenvalues=None):
    if eigenvalues is None:
        eigenvalues = np.linspace(-0.5, 4, len(density))
    values = {"loss": np.full(len(density), np.nan), "spectral_density": density}
    return bumpy().with_changes(curves=[Curve("spectral density", eigenvalues, values)])


def test_a_spectral_density_has_a_plot_of_its_own(gui, image_match):
    at = np.linspace(-0.5, 4, 1001)
    density = sum(w * np.exp(-(((at - m) / 0.05) ** 2)) for w, m in [(8, 0), (1e-2, 2), (1e-3, 3)])
    state = ViewState()
    frames(gui, state, Scene([bumpy()]))
    without = pixels(gui).copy()
    before = state.to_json()
    assert frames(gui, state, Scene([with_density(density)])) == []
    assert (pixels(gui) != without).any() and state.to_json() == before
    image_match("sidebar_density", pixels(gui))


@pytest.mark.parametrize("density", [[1.0], [np.nan, np.nan], [0.0, 0, 0], [5e-324, 1.7e308],
                                     [1.0, np.inf, 2.0], [-1.0, 1.0, 2.0]])  # fmt: skip
@pytest.mark.parametrize("far", [1.0, 1e-300, 1e307])
def test_odd_densities_have_a_plot_too(gui, density, far):
    odd = with_density(density, far * np.arange(len(density)))
    assert frames(gui, ViewState(), Scene([odd, bumpy()])) == []


def test_paths_and_marks_have_no_section_where_there_are_none(gui, image_match):
    many = bumpy().with_changes(trajectories=runs(12), marks=[Mark("a", 0, 0)])
    state = ViewState()
    frames(gui, state, Scene([bumpy()]))
    without = pixels(gui).copy()
    frames(gui, state, Scene([many]))
    assert (pixels(gui) != without).any()
    image_match("sidebar_paths", pixels(gui))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_critical_points_have_a_section_and_a_tip(gui, theme, image_match):
    scene, state = Scene([dimpled()]), ViewState()
    state.picture.theme, state.critical.persistence = theme, 0.05
    state.critical.starts = ((0, 0.5, 0.5),)
    point = max(scene.items[0].landscape.critical_points, key=lambda p: p.persistence)
    gui.pointer(60, 300)
    frames(gui, state, scene, pointed=told(scene.items[0], point))
    image_match(f"sidebar_critical_{theme}", pixels(gui))


def test_the_persistence_slider_hides_points_and_the_button_takes_it_back(gui):
    scene, state = Scene([dimpled()]), ViewState()
    before = counts(scene.items[0], state)
    frames(gui, state, scene, 5)
    assert state == ViewState()  # drawing alone changes nothing
    for y in range(440, 620, 6):
        click(gui, state, scene, WIDTH - 320 + 260, y)
        if state.critical.persistence is not None:
            break
    least = state.critical.persistence
    assert least > 0.05
    assert counts(scene.items[0], state) != before
    for y in range(470, 640, 6):
        click(gui, state, scene, WIDTH - 320 + 30, y)
        if state.critical.persistence != least:
            break
    assert state.critical.persistence is None


@pytest.mark.parametrize("strength", [5e-324, 1e-300, 1.0, 1e308, 1.79e308])
@pytest.mark.parametrize("other", [5e-324, 1.79e308])
def test_any_persistence_has_a_slider(gui, strength, other):
    points = [CriticalPoint(0.1 * k, 0.0, 1.0, 1.0, 1.0, "minimum", strength) for k in range(2)]
    points += [CriticalPoint(-0.1, 0.0, 1.0, 1.0, 1.0, "saddle", other)]
    item = dimpled().with_changes(critical_points=CriticalPoints(points, threshold=strength))
    state = ViewState()
    scene = Scene([item])
    for least in (None, 0.0, strength, other):
        state.critical.persistence = least
        frames(gui, state, scene)
        assert state.critical.persistence == least


def sliced(theme="light", **changes):
    state = ViewState()
    state.picture.theme, state.slice.shown = theme, True
    for name, value in changes.items():
        setattr(state.slice, name, value)
    return state


def only_slice(gui, state, scene, pointer=None, count=3):
    """The section alone: in the sidebar it may be below what is seen."""
    from lossviz.viewer.gui import imgui
    from lossviz.viewer.panels import slice as panel

    asked = []
    for _ in range(count):
        if pointer is not None:
            gui.pointer(*pointer)
        gui.target.use()
        gui.target.clear(1.0, 1.0, 1.0, 1.0)
        gui.begin(WIDTH, HEIGHT, 1.0, 0.05, state.picture.theme)
        imgui.set_next_window_pos(imgui.ImVec2(0, 0))
        imgui.set_next_window_size(imgui.ImVec2(320, HEIGHT))
        imgui.begin("##slice alone", None, imgui.WindowFlags_.no_decoration)
        asked += panel.draw(state, scene)
        imgui.end()
        gui.end(gui.target)
    return asked


KEPT = (Cut("mine", "angle", 30.0, -0.2), Cut("at 20", "level", 0.0, 20.0))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_slice_has_its_profile(gui, theme, image_match):
    if theme == "light":
        state = sliced(theme, offset=0.2, marker=(0.3, 0.2), pinned=KEPT)
    else:
        state = sliced(theme, along="level", level=2.0, marker=(0.3, 0.1), pinned=KEPT)
    before = state.to_json()
    assert only_slice(gui, state, Scene([bumpy(), bumpy(seed=1)]), pointer=(600, 600)) == []
    assert state.to_json() == before  # drawing changes nothing
    image_match(f"slice_section_{theme}", pixels(gui)[:, :320])


def test_the_pointer_in_the_plot_moves_the_marker_along_the_cut(gui):
    state, scene = sliced(offset=0.2), Scene([bumpy()])
    found = []
    for x in (150, 190, 230):
        only_slice(gui, state, scene, (x, 180))
        alpha, beta = state.slice.marker
        assert beta == 0.2 and -1 <= alpha <= 1
        found.append(alpha)
    assert found[1] - found[0] == pytest.approx(found[2] - found[1], rel=1e-6) and found[0] < 0
    only_slice(gui, state, scene, (160, 640))  # over the panel, beside the plot
    assert state.slice.marker is None
    state.slice.along = "level"
    only_slice(gui, state, scene, (180, 180))
    alpha, beta = state.slice.marker
    assert max(abs(alpha), abs(beta)) < 1


def press(gui, state, scene, x, y):
    asked = []
    for down in (None, True, False):
        if down is not None:
            gui.button(0, down)
        asked += only_slice(gui, state, scene, (x, y), 2)
    return asked


def test_slices_are_kept_saved_and_taken_away_by_buttons(gui):
    state, scene = sliced(offset=0.2), Scene([bumpy()])
    only_slice(gui, state, scene)
    asked = []
    for y in range(280, 360, 8):
        asked += press(gui, state, scene, 240, y)
        if asked:
            break
    assert asked == [commands.SaveProfile()]
    press(gui, state, scene, 80, y)
    assert state.slice.pinned == (Cut("β = 0.2", "alpha", 45.0, 0.2),)
    for x in range(290, 320, 6):
        press(gui, state, scene, x, y)
        if not state.slice.pinned:
            break
    assert state.slice.pinned == ()


def test_the_slider_moves_the_plane_and_the_list_turns_it(gui):
    state, scene = sliced(), Scene([bumpy()])
    only_slice(gui, state, scene)
    for y in range(72, 100, 6):
        press(gui, state, scene, 270, y)
        if state.slice.offset is not None:
            break
    assert 0.3 < state.slice.offset <= 1
    state.slice.along = "level"
    for y in range(72, 100, 6):
        press(gui, state, scene, 270, y)
        if state.slice.level is not None:
            break
    assert state.slice.level > 50  # on the logarithmic axis, above the middle


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2)])
@pytest.mark.parametrize("value", [1.0, 0.0, np.nan, 1.7e308, -1.7e308, 5e-324])
@pytest.mark.parametrize("along", ["alpha", "angle", "level"])
def test_odd_surfaces_have_a_profile_too(gui, shape, value, along):
    loss = np.full(shape, value)
    odd = Landscape(surface=Surface(np.arange(shape[0]), np.arange(shape[1]), {"loss": loss}))
    state = sliced(along=along, marker=(0.0, 0.0), pinned=KEPT)
    assert only_slice(gui, state, Scene([fan(), odd, bumpy(5)]), (600, 600)) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_open_list_hides_what_is_under_it(gui, theme):
    from lossviz.viewer.gui import imgui

    state = ViewState()
    state.picture.theme = theme
    frames(gui, state, Scene([bumpy()]))
    assert imgui.get_style().color_(imgui.Col_.popup_bg).w == 1.0


def test_drawing_the_panels_changes_nothing_by_itself(gui):
    state, scene = ViewState(), Scene([bumpy(), bumpy(seed=1)])
    state.panels.help = True
    before = state.to_json()
    assert frames(gui, state, scene, 5) == []
    assert state.to_json() == before


def test_a_cap_and_a_range_stay_as_they_are(gui):
    state = ViewState()
    state.surface.cap, state.surface.color_range = 7.77, (0.1, 13.3)
    before = state.to_json()
    frames(gui, state, Scene([bumpy()]), 5)
    assert state.to_json() == before


def test_panels_follow_the_monitor(gui):
    state, scene = ViewState(), Scene([bumpy()])
    frames(gui, state, scene)
    before = pixels(gui).copy()
    gui.rescale(2.0)
    frames(gui, state, scene)
    assert (pixels(gui) != before).any()
    gui.rescale(1.0)
    frames(gui, state, scene)
    assert (pixels(gui) == before).all()


def test_every_key_has_one_meaning():
    keys = [key for binding in commands.BINDINGS for key in binding.keys]
    assert len(keys) == len(set(keys))
    assert commands.command_for("R", ctrl=False, shift=False) == commands.Fit()
    assert commands.command_for("C", ctrl=True, shift=False) == commands.CopyView()
    assert commands.command_for("C", ctrl=False, shift=True) == commands.NextColormap(-1)
    assert commands.command_for("X", ctrl=False, shift=False) is None
    for binding in commands.BINDINGS:
        if isinstance(binding.command, commands.Toggle):
            part, _, name = binding.command.place.partition(".")
            assert isinstance(getattr(getattr(ViewState(), part), name), bool)


def test_recent_files_are_offered_and_opened_with_a_click(gui, image_match):
    from lossviz.viewer.panels import sidebar

    state, scene = ViewState(), Scene([bumpy()])
    offer = True
    recent = [("/runs/resnet20.ply",), ("/runs/a\n.ply", "/runs/b.ply"), ("/" + "long" * 50,),
              ("/a/loss.ply",), ("/b/loss.ply",)]  # fmt: skip

    def draw(count=2):
        asked = []
        for _ in range(count):
            gui.target.use()
            gui.target.clear(1.0, 1.0, 1.0, 1.0)
            gui.begin(WIDTH, HEIGHT, 1.0, 0.05, "light")
            asked += sidebar.draw(state, scene, WIDTH, HEIGHT, 1.0, recent=recent, offer=offer)
            gui.end(gui.target)
        return asked

    def press(y):
        asked = []
        for down in (None, True, False):
            gui.pointer(WIDTH - 260, y)
            if down is not None:
                gui.button(0, down)
            asked += draw()
        return asked

    assert draw(5) == [] and state == ViewState()
    gui.pointer(-1, -1)
    draw()
    image_match("sidebar_recent", pixels(gui))
    assert press(54) == [commands.OpenFiles(recent[0])]
    assert press(74) == [commands.OpenFiles(recent[1])]
    assert press(154) == [commands.ForgetFiles()]
    assert press(28) == [] and state.panels.turned == ("Recent files",)  # a click on its header
    assert press(28) == [] and state.panels.turned == ()
    offer = False
    assert press(54) != [commands.OpenFiles(recent[0])]  # at the end, and folded


def test_the_card_shows_the_keys_as_they_are_now(gui):
    from lossviz.viewer.keys import rebound
    from lossviz.viewer.panels import sidebar

    state, scene = ViewState(), Scene([bumpy()])
    state.panels.help = True
    frames(gui, state, scene)
    before = pixels(gui).copy()
    own, problems = rebound({"isolines": "J", "this card": "K"})
    assert problems == []
    for _ in range(3):
        gui.begin(WIDTH, HEIGHT, 1.0, 0.05, "light")
        sidebar.draw(state, scene, WIDTH, HEIGHT, 1.0, bindings=own)
        gui.end(gui.target)
    assert (pixels(gui) != before).any()
