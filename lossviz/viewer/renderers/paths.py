"""Trajectories and curves over one surface: their lines, and where they start and end."""

from __future__ import annotations

from dataclasses import replace

import moderngl
import numpy as np
from numpy.typing import NDArray

from lossviz.landscape import LOSS
from lossviz.viewer.camera import View
from lossviz.viewer.colormaps import shadeable, to_linear
from lossviz.viewer.inks import UNKNOWN, inks, line_count, ramp
from lossviz.viewer.laying import Laid, ends, laid_paths
from lossviz.viewer.paths import INK, MISSING, coloring, runs
from lossviz.viewer.polylines import Lines
from lossviz.viewer.renderers.points import BALL, DISC, FULL, HOLLOW, PointRenderer
from lossviz.viewer.renderers.strips import (
    ABOVE,
    Eye,
    StripRenderer,
    Style,
    Tube,
    distance_to_target,
    lamp,
)
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from lossviz.viewer.textures import Textures
from lossviz.viewer.themes import THEMES

HALO, HALO_OPACITY = 1.3, 0.92  # points on each side of a tube
LIGHT = (0.9, 0.9, 0.9)  # its colour on any ground: the lines are darker (lossviz/viewer/inks.py)
BOUNDS = (0.7, 1.6)  # how much thinner and thicker a tube is far away and near
BEHIND, DASH = 0.4, 0.035  # what the surface hides: opacity, and length of a dash and gap
HIDDEN = 0.7  # of a tube's width, where the surface hides it
ON_FLOOR = 0.55  # opacity
DROPS = 0.6  # points: width of the lines from a true loss to the surface
MANY, THINNEST = 12, 0.35  # runs from which on they are thinner, and the least share of the width
PARTS = (("surface", 1.0), ("true", 0.6))  # share of the width


class PathRenderer:
    """Draws what runs over landscape ``index`` of a scene; call after the surface is drawn."""

    def __init__(
        self, ctx: moderngl.Context, textures: Textures, strips: StripRenderer,
        points: PointRenderer,
    ) -> None:  # fmt: skip
        self.ctx, self.textures, self.strips, self.points = ctx, textures, strips, points

    def draw(
        self, scene: Scene, state: ViewState, index: int, view: View, target: moderngl.Framebuffer,
        *, camera: NDArray[np.float64], viewport: tuple[int, int], scale: float, moving: bool,
        clip: tuple[float, ...],
    ) -> None:  # fmt: skip
        """Draw into the bound ``target``, blending; ``scale`` is in its pixels a point.

        What the surface hides comes first: the depth of tubes is written, so that they hide one
        another.
        """
        own, theme = state.trajectories, THEMES[state.picture.theme]
        found = laid_paths(scene, state, index, view, moving=moving)
        if found.is_empty:
            return
        share = thinner(scene, state, index)
        width = own.width * share * scale
        # A wide line would sink into a slope: its middle alone lies on the surface.
        eye = Eye.of(view, camera, viewport, ABOVE + 0.8 * width * view.per_pixel, clip)
        until = own.played if own.played < 1 else 2.0

        def strip(part: str, style: Style, tube: Tube | None = None) -> None:
            self._strip(scene, state, index, part, found, eye, replace(style, until=until), tube)

        def tube(thick: float) -> Tube:
            return Tube(
                lamp(view), float(own.tubes), HALO * share * scale, LIGHT, HALO_OPACITY,
                bulge=width * thick * view.per_pixel, target_w=distance_to_target(view),
                bounds=BOUNDS if own.tubes else (1.0, 1.0),
            )  # fmt: skip

        target.depth_mask = False
        try:
            if own.floor and state.isolines.floor:
                z = scene.floor(state) + 1e-3
                strip("surface", Style(0.6 * width, ON_FLOOR, floor_z=z))
            self.ctx.depth_func = ">"
            for part, thick in PARTS:
                faint = replace(tube(thick), halo_opacity=0.25)
                strip(part, Style(HIDDEN * width * thick, BEHIND, dash=DASH), faint)
            self.ctx.depth_func = "<="
            strip("drops", Style(DROPS * scale, 0.5, cover=theme.linear("ink")))
            target.depth_mask = True
            for part, thick in PARTS:
                strip(part, Style(width * thick), tube(thick))
            target.depth_mask = False
            signs = self._signs(scene, state, index, found, own.width * share, moving)
            near = replace(eye, lift=eye.lift + 2.0 * width * view.per_pixel)
            for depth, opacity in ((">", BEHIND), ("<=", 1.0)):
                self.ctx.depth_func = depth
                for rows, rim in signs:
                    self.points.draw(rows, near, scale, LIGHT, rim, opacity)
        finally:
            self.ctx.depth_func = "<"
            target.depth_mask = True

    def _strip(
        self, scene: Scene, state: ViewState, index: int, part: str, found: Laid, eye: Eye,
        style: Style, tube: Tube | None,
    ) -> None:  # fmt: skip
        def make() -> Lines:
            lines: Lines = getattr(found, part)
            return lines

        count = line_count(scene.items[index].landscape)
        self.strips.draw(
            (found.number, part), make, eye, style,
            self.textures.colors(("ramp", *_ramp_name(scene, state, index)),
                                 lambda: ramp_colors(scene, state, index)),
            self.textures.colors(("inks", count), lambda: inks(max(count, 1))), tube,
        )  # fmt: skip

    def _signs(
        self,
        scene: Scene,
        state: ViewState,
        index: int,
        found: Laid,
        width: float,
        moving: bool,
    ) -> list[tuple[NDArray[np.float64], float]]:
        """Rows for the points' renderer and their rims in points: a ring at the start, a disc at
        the end, or a ball at the present step; dots between."""
        own = state.trajectories
        dots = found.dots
        if own.played < 1 and dots.times is not None:
            dots = dots.take(dots.times <= own.played)
        disc = BALL if own.tubes else DISC
        end = (width + 1.4, disc) if own.played >= 1 else (width + 3.4, BALL)
        parts = (
            (dots, 0.5 * width + 0.8, disc, FULL, 0.0),
            (found.starts, width + 1.8, DISC, HOLLOW, 1.2),
            (ends(scene, state, index, moving), *end, FULL, 1.2),
        )  # fmt: skip
        signs = []
        for lines, radius, shape, hollow, rim in parts:
            colors = sign_colors(scene, state, index, lines.values)
            rest = np.broadcast_to([1.0, radius, shape, hollow], (len(colors), 4))
            signs.append((np.column_stack([lines.points, colors, rest]), rim))
        return signs


def thinner(scene: Scene, state: ViewState, index: int) -> float:
    """What share of the width paths have: where there are many they would cover one another."""
    count = len(runs(scene.items[index], state))
    return max(min((MANY / max(count, 1)) ** 0.5, 1.0), THINNEST)


def _ramp_name(scene: Scene, state: ViewState, index: int) -> tuple[str, bool, bool]:
    """The map of the colours, whether it is turned round, whether it is the surface's own."""
    own = state.surface
    if coloring(scene.items[index], state) == "loss" and own.color == LOSS:
        return own.colormap, own.reverse, True
    return state.trajectories.colormap, False, False


def ramp_colors(scene: Scene, state: ViewState, index: int) -> NDArray[np.uint8]:
    """``(256, 3)`` uint8: the colours of 0 to 1, low values first."""
    name, reverse, same = _ramp_name(scene, state, index)
    return shadeable(name, reverse) if same else ramp(name)


def sign_colors(
    scene: Scene, state: ViewState, index: int, values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """``(k, 3)`` linear colours of lines' values, as shaders/strips.glsl has them."""
    own = scene.items[index].landscape
    few = inks(max(line_count(own), 1))
    colors = ramp_colors(scene, state, index)[np.rint(np.clip(values, 0, 1) * 255).astype(int)]
    colors = np.where(values[:, None] == MISSING, UNKNOWN, colors)
    number = np.clip(values - INK, 0, len(few) - 1).astype(int)
    return to_linear(np.where(values[:, None] >= INK, few[number], colors) / 255)
