"""Picking is the inverse of drawing: a surface point's pixel gives the point back."""

import numpy as np
import pytest

from lossviz.landscape import CriticalPoint, Trajectory
from lossviz.viewer.heights import displayed_mesh
from lossviz.viewer.picking import pick, pick_sign
from lossviz.viewer.picking_paths import pick_path
from lossviz.viewer.picture import views
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

from .scenes import bumpy, with_loss


@pytest.mark.parametrize("orthographic", [False, True])
@pytest.mark.parametrize("alpha, beta", [(0.0, 0.0), (0.5, 0.5), (-0.6, 0.75), (0.95, 0.95)])
def test_picked_point_is_the_projected_one(alpha, beta, orthographic):
    scene, state = Scene([bumpy()]), ViewState()
    state.camera.orthographic, state.camera.elevation = orthographic, 75.0
    surface = scene.items[0].surface
    i, j = np.abs(surface.alphas - alpha).argmin(), np.abs(surface.betas - beta).argmin()
    height = float(scene.height_range(state, 0).unit(surface.loss[i, j])) * scene.top(state)
    found, (seen,) = views(scene, state, 800, 600, 1.0)
    x, y, _ = seen.project(np.array([surface.alphas[i], surface.betas[j], height]))[0]
    hit = pick(scene, state, 800, 600, 1.0, x + found.cells[0].x, y + found.cells[0].y)
    assert hit.alpha == pytest.approx(surface.alphas[i], abs=5e-3)
    assert hit.beta == pytest.approx(surface.betas[j], abs=5e-3)


def test_nothing_beside_the_surface_or_in_a_hole():
    scene, state = Scene([bumpy()]), ViewState()
    assert pick(scene, state, 800, 600, 1.0, 3, 590) is None
    hole = Scene([with_loss(bumpy(), np.full((41, 41), np.nan))])
    assert pick(hole, state, 800, 600, 1.0, 400, 300) is None


@pytest.mark.parametrize("first", [0, 1])
def test_in_an_overlay_the_paths_and_signs_of_every_landscape_are_met(first):
    landscapes = []
    for index, beta in enumerate((-0.5, 0.5)):
        run = Trajectory("run", "optimiser", [[-0.8, beta], [0.8, beta]], [1, 1])
        point = CriticalPoint(0.0, 0.8 * beta, 1.0, 1.0, 1.0, "minimum", 9.0)
        level = with_loss(bumpy(9), np.full((9, 9), 1.0 + index))
        landscapes.append(level.with_changes(trajectories=[run], critical_points=[point]))
    scene, state = Scene(landscapes), ViewState()
    state.compare.arrangement, state.compare.first = "overlay", first
    state.camera.elevation = 70.0
    found, seen = views(scene, state, 800, 600, 1.0)
    assert found.cells[0] == found.cells[1]
    for index, beta in enumerate((-0.5, 0.5)):
        flat = scene.items[index].place(np.array([[0.3, beta], [0.0, 0.8 * beta]]))
        points = np.column_stack([flat, displayed_mesh(scene, state, index).at(flat)])
        cell = found.cells[index]
        path_at, sign_at = seen[index].project(points)[:, :2] + (cell.x, cell.y)
        assert pick_path(scene, state, 800, 600, 1.0, *path_at).index == index
        assert pick_sign(scene, state, 800, 600, 1.0, *sign_at).index == index
