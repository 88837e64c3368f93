"""Trajectories and curves over one surface: their lines, and where they start and end."""

from __future__ import annotations

import moderngl
import numpy as np
from numpy.typing import NDArray

from lossviz.landscape import LOSS
from lossviz.viewer.camera import View
from lossviz.viewer.colormaps import shadeable, to_linear
from lossviz.viewer.inks import inks, line_count, ramp
from lossviz.viewer.paths import INK, MISSING, Laid, coloring, key, lay
from lossviz.viewer.polylines import Lines
from lossviz.viewer.renderers.points import BALL, DISC, FULL, HOLLOW, PointRenderer
from lossviz.viewer.renderers.strips import ABOVE, Eye, StripRenderer, Style
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from lossviz.viewer.textures import Textures
from lossviz.viewer.themes import THEMES

CASING = 1.3  # points on each side of a line
LIGHT = (0.9, 0.9, 0.9)  # its colour on any ground: the lines are darker (lossviz/viewer/inks.py)
BEHIND, DASH = 0.4, 0.035  # what the surface hides: opacity, and length of a dash and gap
ON_FLOOR = 0.55  # opacity
DROPS = 0.6  # points: width of the lines from a true loss to the surface


class PathRenderer:
    """Draws what runs over landscape ``index`` of a scene; call after the surface is drawn."""

    def __init__(
        self, ctx: moderngl.Context, textures: Textures, strips: StripRenderer,
        points: PointRenderer,
    ) -> None:  # fmt: skip
        self.ctx, self.textures, self.strips, self.points = ctx, textures, strips, points
        self._laid: dict[object, Laid] = {}

    def draw(
        self, scene: Scene, state: ViewState, index: int, view: View, target: moderngl.Framebuffer,
        *, camera: NDArray[np.float64], viewport: tuple[int, int], scale: float, moving: bool,
        clip: tuple[float, ...],
    ) -> None:  # fmt: skip
        """Draw into the bound ``target``, blending; ``scale`` is in its pixels a point."""
        found = self._lines(scene, state, index, moving)
        if found.is_empty:
            return
        own, theme = state.trajectories, THEMES[state.picture.theme]
        casing, width = LIGHT, own.width * scale
        # A wide line would sink into a slope: its middle alone lies on the surface.
        lift = ABOVE + 0.8 * own.width * scale * view.per_pixel
        eye = Eye.of(view, camera, viewport, lift, clip)
        wide = width + 2 * CASING * scale
        target.depth_mask = False
        try:
            if own.floor and state.isolines.floor:
                z = scene.floor(state) + 1e-3
                flat = Style(0.6 * width, ON_FLOOR, floor_z=z)
                self._strip(scene, state, index, "surface", found, eye, flat, moving)
            for part, thick in (("surface", 1.0), ("true", 0.6)):
                self.ctx.depth_func = ">"
                for hidden in (
                    Style(wide * thick, 0.5 * BEHIND, cover=casing, dash=DASH),
                    Style(width * thick, BEHIND, dash=DASH),
                ):
                    self._strip(scene, state, index, part, found, eye, hidden, moving)
                self.ctx.depth_func = "<="
                if part == "true":
                    thin = Style(DROPS * scale, 0.5, cover=theme.linear("ink"))
                    self._strip(scene, state, index, "drops", found, eye, thin, moving)
                for style in (
                    Style(wide - width * (1 - thick), 0.9, cover=casing),
                    Style(width * thick),
                ):
                    self._strip(scene, state, index, part, found, eye, style, moving)
            signs = self._signs(scene, state, index, found)
            for depth, opacity in ((">", BEHIND), ("<=", 1.0)):
                self.ctx.depth_func = depth
                for rows, rim in signs:
                    self.points.draw(rows, eye, scale, casing, rim, opacity)
        finally:
            self.ctx.depth_func = "<"
            target.depth_mask = True

    def _lines(self, scene: Scene, state: ViewState, index: int, moving: bool) -> Laid:
        own = index, state.trajectories.shown, key(scene, state, index, moving)
        if own not in self._laid:
            if len(self._laid) >= 2 * len(scene.items) + 2:
                self._laid.clear()
            self._laid[own] = lay(scene, state, index, moving)
        return self._laid[own]

    def _strip(
        self, scene: Scene, state: ViewState, index: int, part: str, found: Laid, eye: Eye,
        style: Style, moving: bool,
    ) -> None:  # fmt: skip
        def make() -> Lines:
            lines: Lines = getattr(found, part)
            return lines

        item = scene.items[index]
        count = line_count(item.landscape)
        self.strips.draw(
            (found.number, part), make, eye, style,
            self.textures.colors(("ramp", *_ramp_name(scene, state, index)),
                                 lambda: ramp_colors(scene, state, index)),
            self.textures.colors(("inks", count), lambda: inks(max(count, 1))),
        )  # fmt: skip

    def _signs(
        self, scene: Scene, state: ViewState, index: int, found: Laid
    ) -> list[tuple[NDArray[np.float64], float]]:
        """Rows for the points' renderer and their rims in points: a ring at the start, a disc at
        the end, or a ball at the present step; dots between."""
        width = state.trajectories.width
        end = (width + 1.8, DISC) if state.trajectories.played >= 1 else (width + 3.8, BALL)
        parts = (
            (found.dots, 0.5 * width + 1.0, DISC, FULL, 0.0),
            (found.starts, width + 2.2, DISC, HOLLOW, 1.2), (found.ends, *end, FULL, 1.2),
        )  # fmt: skip
        signs = []
        for lines, radius, shape, hollow, rim in parts:
            colors = sign_colors(scene, state, index, lines.values)
            rest = np.broadcast_to([1.0, radius, shape, hollow], (len(colors), 4))
            signs.append((np.column_stack([lines.points, colors, rest]), rim))
        return signs


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
    colors = np.where(values[:, None] == MISSING, 128, colors)
    number = np.clip(values - INK, 0, len(few) - 1).astype(int)
    return to_linear(np.where(values[:, None] >= INK, few[number], colors) / 255)
