"""Basins against the flow of the function itself from every vertex."""

import numpy as np
import pytest

from compute.basins import Basin, Basins, basins
from compute.critical import critical_points
from compute.descent import Flow, minima
from compute.field import field
from compute.separatrices import separatrices
from lossviz import ply
from lossviz.landscape import Surface
from lossviz.resources import folder
from tests.compute.fields import (
    WINDOWS,
    camel,
    gradient,
    himmelblau,
    peaks,
    rastrigin,
    surface,
    truth,
)


def analytic(function, own):
    """``(n, m)``: the number of the minimum that each vertex flows to, −1 if it leaves."""
    left, right, low, high = WINDOWS[function]
    places, kinds = truth(function)
    minima = places[kinds == "minimum"]
    points = np.stack(np.meshgrid(own.alphas, own.betas, indexing="ij"), axis=-1).reshape(-1, 2)
    label, active = np.full(len(points), -1), np.arange(len(points))
    step = 0.1 * (own.alphas[1] - own.alphas[0])

    def velocity(own_points):
        slope = gradient(function, own_points)
        return -slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-30)

    for count in range(4000):
        here = points[active]
        points[active] = here = here + step * velocity(here + step / 2 * velocity(here))
        if count % 10:
            continue
        away = np.linalg.norm(here[:, None] - minima, axis=2)
        done = away.min(axis=1) < 3 * step
        label[active[done]] = away.argmin(axis=1)[done]
        inside = ((here >= [left, low]) & (here <= [right, high])).all(axis=1)
        still = np.abs(gradient(function, here)).max(axis=1) < 1e-12  # begins on a saddle
        active = active[~done & inside & ~still]
        if not active.size:
            return label.reshape(own.shape), minima
    raise AssertionError("the flow has not arrived")


@pytest.mark.parametrize("preview, bound", [(False, 0.999), (True, 0.96)])
@pytest.mark.parametrize("function", [himmelblau, camel, peaks])
def test_basins_are_those_of_the_flow(function, preview, bound):
    own = surface(function, 101)
    found = basins(own, preview=preview)
    label, minima = analytic(function, own)
    centres = np.array([(basin.alpha, basin.beta) for basin in found.basins])
    nearest = np.linalg.norm(centres[:, None] - minima, axis=2).argmin(axis=1)
    stays = label >= 0
    assert (nearest[found.labels] == label)[stays].mean() >= bound


def test_shares_are_areas_and_add_up():
    own = surface(himmelblau, 101)
    found = basins(own)
    assert len(found.basins) == 4 and not any(basin.border for basin in found.basins)
    assert sum(basin.share for basin in found.basins) == pytest.approx(1)
    assert all(basin.value == pytest.approx(0, abs=1e-5) for basin in found.basins)
    shares = [basin.share for basin in found.basins]
    assert shares == sorted(shares, reverse=True)
    assert shares == pytest.approx(np.bincount(found.labels.ravel()) / 101**2, abs=0.02)


def test_uneven_axes_count_by_area():
    x = np.r_[np.linspace(-1, -0.5, 60, endpoint=False), np.linspace(-0.5, 1, 20)]
    y = np.linspace(-1, 1, 30)
    found = basins(Surface(x, y, {"loss": np.add.outer((x**2 - 0.25) ** 2, y**2)}))
    assert [basin.share for basin in found.basins] == pytest.approx([0.5, 0.5], abs=0.02)


def test_small_minima_belong_to_the_basin_they_merge_into():
    own = surface(himmelblau, 101)
    noise = np.random.default_rng(0).normal(scale=1.0, size=own.shape)
    noisy = Surface(own.alphas, own.betas, {"loss": own.loss + noise})
    found = basins(noisy)
    assert sum(basin.share > 0.01 for basin in found.basins) == 4
    assert len(basins(noisy, threshold=0.0).basins) > 4 * len(found.basins)
    assert len(basins(noisy, threshold=1e9).basins) == 1


def test_holes_belong_to_none():
    own = surface(himmelblau, 41)
    loss = own.loss.copy()
    loss[5:9, 7:12] = np.nan
    for preview in (True, False):
        found = basins(Surface(own.alphas, own.betas, {"loss": loss}), preview=preview)
        assert ((found.labels == -1) == np.isnan(loss)).all()
        assert sum(basin.share for basin in found.basins) == pytest.approx(1)


def test_a_slope_falls_to_the_border():
    found = basins(
        Surface(np.arange(9), np.arange(7), {"loss": np.add.outer(np.arange(9.0), np.arange(7.0))})
    )
    (basin,) = found.basins
    assert basin.border and (basin.alpha, basin.beta) == (0, 0) and abs(basin.value) < 1e-12


@pytest.mark.parametrize("loss", [np.full((4, 4), np.nan), np.ones((1, 5))])
def test_without_a_field_there_are_none(loss):
    found = basins(Surface(*map(np.arange, loss.shape), {"loss": loss}))
    assert found.basins == () and (found.labels == -1).all()


def published(name):
    return ply.read(folder("assets") / "landscapes" / f"{name}.ply").surface


@pytest.mark.parametrize("name", ["resnet56", "resnet56_noshort"])
def test_basins_of_a_network_are_those_of_the_exact_descent(name):
    """Its valleys are narrower than a cell: lines by adaptive steps on the spline itself."""
    own = published(name)
    found = critical_points(own)
    labels, grid = basins(own, found=found).labels, field(own)
    flow = Flow(grid, minima(grid, found))
    ends = [p for p in found.points if p.kind == "minimum" and not p.border]
    same = []
    for i, j in np.random.default_rng(0).integers(0, own.shape, (150, 2)):
        end = flow.reached(flow.line(np.array([grid.x[i], grid.y[j]]))[-1])
        if end is not None:
            same.append(labels[i, j] == labels[nearest(own, ends[end].alpha, ends[end].beta)])
    assert len(same) > 100 and np.mean(same) >= 0.99


def nearest(own, alpha, beta):
    return int(np.abs(own.alphas - alpha).argmin()), int(np.abs(own.betas - beta).argmin())


SURFACES = {function.__name__: lambda f=function: surface(f, 101)
            for function in (himmelblau, camel, peaks, rastrigin)}  # fmt: skip
SURFACES |= {name: lambda n=name: published(n) for name in ("resnet56", "resnet56_noshort")}


@pytest.mark.parametrize("name", SURFACES)
def test_separatrices_stay_in_a_basin_and_begin_on_a_border(name):
    """Each way down lies in the basin where it ends; if both do not end in the same, the saddle
    lies between the two."""
    own = SURFACES[name]()
    found = critical_points(own)
    labels = basins(own, found=found).labels
    cell = np.ptp(own.alphas) / (own.alphas.size - 1), np.ptp(own.betas) / (own.betas.size - 1)
    between = 0
    for one in separatrices(own, found=found):
        ends = set()
        for line in one.lines:
            along = np.array([labels[nearest(own, *point)] for point in line.points])
            away = np.abs((line.points - line.points[0]) / cell).max(axis=1) > 1
            assert (along == along[-1])[away].all()
            ends.add(along[-1])
        i, j = nearest(own, one.saddle.alpha, one.saddle.beta)
        if len(ends) == 2:
            assert ends <= set(labels[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2].ravel())
            between += 1
    assert between >= 3


def test_labels_in_the_order_of_the_lowest_points():
    made = [Basin(0, 0, value, 0.5, False) for value in (3.0, 1.0, 1.0, 2.0)]
    found = Basins(np.array([[0, 1, 2], [3, -1, 0]]), made).by_value()
    assert [basin.value for basin in found.basins] == [1, 1, 2, 3]
    assert found.basins[0] is made[1]
    assert found.labels.tolist() == [[3, 0, 1], [2, -1, 3]]
    expected = [[3, 0, 1], [2, np.nan, 3]]
    np.testing.assert_array_equal(found.as_quantity(), expected)
    assert np.isnan(Basins(np.full((2, 2), -1), ()).by_value().as_quantity()).all()
