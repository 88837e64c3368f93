"""Curves as a figure: axes, lines and bands where their numbers are, whatever the numbers are."""

import numpy as np
import pytest

from lossviz.landscape import LOSS, Curve, Landscape, Mark
from lossviz.viewer import legend
from lossviz.viewer.figure import ACCURACY, figure, traces, unit_of
from lossviz.viewer.layout import Rect
from lossviz.viewer.picking import pick
from lossviz.viewer.picture import Picture
from lossviz.viewer.scene import Scene
from lossviz.viewer.screenshot import take
from lossviz.viewer.state import ViewState

from .scenes import between, bumpy, fan

CELL = Rect(10, 20, 600, 400)


def made(landscape, state=None):
    return figure(Scene([landscape]), state or ViewState(), 0, CELL, 1.0)


def curve(losses, **more):
    return Landscape(curves=[Curve("line", np.arange(len(losses)), {"loss": losses, **more})])


def test_points_stand_where_the_axes_say():
    found = made(between())
    area, trace = found.area, found.traces[0]
    assert CELL.x < area.x and area.x + area.width < CELL.x + CELL.width
    assert CELL.y < area.y and area.y + area.height < CELL.y + CELL.height
    points = found.line(trace, 0.0).points
    # The second route: back from pixels through two ticks of each axis.
    for side, ticks, expected in (
        (0, found.x.ticks, trace.curve.alphas), (1, found.y[LOSS].ticks, trace.values),
    ):  # fmt: skip
        axis = (found.x, found.y[LOSS])[side]
        first, last = ticks[0].value, ticks[-1].value
        at = [unit_of(axis.span, value) for value in (first, last)]
        if side == 0:
            pixels = [area.x + share * area.width for share in at]
        else:
            pixels = [area.y + (1 - share) * area.height for share in at]
        back = first + (points[:, side] - pixels[0]) / (pixels[1] - pixels[0]) * (last - first)
        assert back == pytest.approx(expected, abs=1e-9)
    inside = points[:, :2]
    assert (inside >= (area.x - 1e-9, area.y - 1e-9)).all()
    assert (inside <= (area.x + area.width + 1e-9, area.y + area.height + 1e-9)).all()


def test_losses_are_logarithmic_where_they_span_decades():
    assert not made(between()).y[LOSS].span.log
    steep = made(fan())
    assert steep.y[LOSS].span.log and steep.y[LOSS].span.low > 0
    state = ViewState()
    state.curves.scale = "linear"
    linear = made(fan(), state).y[LOSS].span
    mean = fan().curves[-1].quantities
    assert not linear.log and linear.low < (mean["loss"] - mean["loss_spread"]).min()
    state.curves.spread = False
    assert made(fan(), state).y[LOSS].span.low > -1


def test_accuracy_has_an_axis_of_its_own_unless_it_is_off():
    state = ViewState()
    found = made(between(), state)
    assert found.y[ACCURACY].span.low == 0 and found.y[ACCURACY].span.high == 1
    kinds = [(trace.quantity, trace.dashed) for trace in found.traces]
    assert kinds == [("loss", False), ("test_loss", True), ("accuracy", False),
                     ("test_accuracy", True)]  # fmt: skip
    state.curves.accuracy = False
    wider = made(between(), state)
    assert ACCURACY not in wider.y and wider.area.width > found.area.width


def test_a_band_reaches_one_spread_up_and_down():
    state = ViewState()
    state.curves.scale = "linear"
    found = made(fan(), state)
    trace = next(trace for trace in found.traces if trace.spread is not None)
    x, upper, lower = found.band(trace)
    line = found.line(trace, 0.0).points
    assert x == pytest.approx(line[:, 0])
    assert (upper + lower) / 2 == pytest.approx(line[:, 1])
    assert all(found.band(other) is None for other in found.traces if other is not trace)


def test_what_is_no_number_is_a_gap():
    found = made(curve([1.0, 2, np.nan, 3, np.inf, 2, 1]))
    assert found.line(found.traces[0], 0.0).first.sum() == 3
    state = ViewState()
    state.curves.scale = "log"
    found = made(curve([1.0, 2, 0, 3, -1, 2, 1]), state)
    assert found.y[LOSS].span.log and found.line(found.traces[0], 0.0).first.sum() == 3


def test_the_ends_of_a_line_between_networks_have_names():
    assert made(between()).ends == [(0.0, "first"), (1.0, "other.pt")]
    assert made(fan()).ends == []
    marked = fan().with_changes(marks=[Mark("here", 0.25, 0.0), Mark("nowhere", np.nan, 0)])
    assert made(marked).ends == [(0.25, "here")]


def test_the_legend_names_quantities_or_curves_and_tells_barriers():
    def told(landscape, state=None):
        found = legend.entries(Scene([landscape]), state or ViewState(), 0)
        return [entry.after for entry in found]

    barrier = between().curves[0].barrier()[0]
    test = between().curves[0].barrier("test_loss")[0]
    assert told(between()) == [f"loss, barrier {barrier:.4g}", f"test loss, barrier {test:.4g}",
                               "accuracy", "test accuracy"]  # fmt: skip
    names = [curve.name for curve in fan().curves]
    assert told(fan()) == ["± one standard deviation", *names]
    state = ViewState()
    state.trajectories.hidden = (names[1],)
    state.curves.spread = False
    assert told(fan(), state) == [names[0], *names[2:]]
    assert len(traces(Scene([fan()]).items[0], state)) == 7  # three accuracies, four losses
    two = between().with_changes(curves=[*between().curves, *between("third").curves])
    assert told(two)[:2] == ["train", "test"] and "third" in told(two)[3]


def test_a_figure_beside_a_surface_leaves_its_ranges_alone():
    state = ViewState()
    alone, both = Scene([bumpy()]), Scene([between(), bumpy()])
    assert both.height_range(state, 1) == alone.height_range(state, 0)
    assert both.quantities() == alone.quantities() and len(both.surfaces) == 1
    assert Scene([between()]).quantities() == ["loss"]
    assert pick(both, state, 900, 400, 1.0, 200, 200) is None
    assert "points" not in both.items[0].subtitle and "512 samples" in both.items[0].subtitle


def test_a_density_over_eigenvalues_is_no_line_of_a_figure():
    eigenvalues = np.linspace(-2, 1700, 9)
    values = {"loss": np.full(9, np.nan), "spectral_density": np.ones(9)}
    density = Curve("spectral density", eigenvalues, values)
    for plain in (fan(), between()):
        both = plain.with_changes(curves=[*plain.curves, density])
        one, two = made(plain), made(both)
        assert one.x.span == two.x.span and one.y.keys() == two.y.keys()
        assert [t.curve.name for t in one.traces] == [t.curve.name for t in two.traces]
        assert one.ends == two.ends
        entries = [legend.entries(Scene([one]), ViewState(), 0) for one in (plain, both)]
        assert [e.after for e in entries[0]] == [e.after for e in entries[1]]
    assert made(Landscape(curves=[density])).traces == []


LARGEST, SMALLEST = 1.7e308, 5e-324
ODD = {
    "one point": [1.0], "nothing": [np.nan, np.nan], "constant": [2.0, 2, 2], "zeros": [0.0, 0],
    "huge": [-LARGEST, LARGEST, 0], "huge and positive": [LARGEST, 1e300], "tiny": [0, SMALLEST],
    "decades": [SMALLEST, 1, LARGEST], "infinite": [np.inf, -np.inf, 1],
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("scale", ["auto", "linear", "log"])
def test_odd_curves_draw_without_an_error(ctx, name, scale):
    state = ViewState()
    state.curves.scale = scale
    losses = ODD[name]
    odd = curve(losses, accuracy=losses, loss_spread=losses, test_loss=losses[::-1])
    picture = Picture(ctx)
    for width, height in ((200, 150), (40, 30)):
        rgba = take(picture, Scene([odd]), state, width=width, height=height)
        assert rgba.shape == (height, width, 4)
    picture.release()


def test_many_long_curves_draw(ctx):
    alphas = np.linspace(0, 1, 20_000)
    random = np.random.default_rng(0)
    curves = [Curve(f"{i}", alphas, {"loss": random.normal(size=20_000)}) for i in range(12)]
    picture = Picture(ctx)
    take(picture, Scene([Landscape(curves=curves)]), ViewState(), width=200, height=150)
    picture.release()


def test_the_legend_counts_every_curve_that_it_leaves_out():
    found = legend.rows(legend.entries(Scene([fan(150)]), ViewState(), 0), 600.0, 1.0)
    told = sum(len(row) for row in found) - 2  # less the band's entry and what is tested here
    assert found[-1][-1].after == f"… and {151 - told} more"
