"""Critical points as signs, and lines of steepest descent, over one surface."""

from __future__ import annotations

import moderngl
import numpy as np
from numpy.typing import NDArray

from lossviz.viewer.camera import View
from lossviz.viewer.colormaps import to_linear
from lossviz.viewer.critical import COLORS, KINDS, columns, outstanding, standing
from lossviz.viewer.descents import Descents, lay_descents
from lossviz.viewer.inks import inks
from lossviz.viewer.polylines import Lines
from lossviz.viewer.renderers.paths import BEHIND, DASH, LIGHT
from lossviz.viewer.renderers.points import (
    CROSS,
    DIAMOND,
    DISC,
    DOWN,
    FULL,
    HOLLOW,
    UP,
    PointRenderer,
)
from lossviz.viewer.renderers.strips import ABOVE, Eye, StripRenderer, Style
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from lossviz.viewer.textures import Textures

SHAPES = {"minimum": DOWN, "saddle": CROSS, "maximum": UP, "degenerate": DIAMOND}
RIM, CASING = 1.3, 0.9  # points around a sign, on each side of a line
APART, DOT = 3.0, 0.3  # radii between two whole signs, of those that are dots
FAINT = 0.3  # opacity of signs that the surface hides
INK = (0.012, 0.012, 0.016)  # of the lines, linear
LIFT = 2.0  # radii: a sign may not sink into the slope that it stands on


class CriticalRenderer:
    """Draws what belongs to the slice's critical points; call after the surface is drawn."""

    def __init__(
        self, ctx: moderngl.Context, textures: Textures, strips: StripRenderer,
        points: PointRenderer,
    ) -> None:  # fmt: skip
        self.ctx, self.textures, self.strips, self.points = ctx, textures, strips, points

    def draw_lines(
        self, scene: Scene, state: ViewState, index: int, view: View, target: moderngl.Framebuffer,
        *, camera: NDArray[np.float64], viewport: tuple[int, int], scale: float, moving: bool,
        clip: tuple[float, ...],
    ) -> None:  # fmt: skip
        """Draw into the bound ``target``, blending; ``scale`` is in its pixels a point."""
        found = lay_descents(scene, state, index, moving)
        if found.is_empty:
            return
        width = state.critical.width
        lift = ABOVE + width * scale * view.per_pixel
        eye = Eye.of(view, camera, viewport, lift, clip)
        signs = np.concatenate([
            _rows(found.starts, width + 2.0, HOLLOW), _rows(found.ends, width + 1.4, FULL)
        ])  # fmt: skip
        target.depth_mask = False
        try:
            for part, thick in (("file", 1.0), ("dropped", 1.5)):
                self._lines(found, part, eye, width * thick, scale)
            for depth, opacity in ((">", BEHIND), ("<=", 1.0)):
                self.ctx.depth_func = depth
                self.points.draw(signs, eye, scale, LIGHT, CASING, opacity)
        finally:
            self.ctx.depth_func = "<"
            target.depth_mask = True

    def _lines(self, found: Descents, part: str, eye: Eye, width: float, scale: float) -> None:
        def make() -> Lines:
            lines: Lines = getattr(found, part)
            return lines

        inside, around = width * scale, (width + 2 * CASING) * scale
        nothing = self.textures.colors("no ramp", lambda: inks(1))
        for depth, style in (
            (">", Style(inside, BEHIND, cover=INK, dash=DASH)),
            ("<=", Style(around, 0.75, cover=LIGHT)),
            ("<=", Style(inside, cover=INK)),
        ):
            self.ctx.depth_func = depth
            self.strips.draw(("descents", found.number, part), make, eye, style, nothing, nothing)

    def draw_points(
        self, scene: Scene, state: ViewState, index: int, view: View, target: moderngl.Framebuffer,
        *, camera: NDArray[np.float64], viewport: tuple[int, int], scale: float, moving: bool,
        clip: tuple[float, ...],
    ) -> None:  # fmt: skip
        """Draw into the bound ``target``, blending: four calls however many there are."""
        found = standing(scene, state, index, moving)
        if not len(found.numbers):
            return
        own = columns(scene.items[index])
        kinds = own.kinds[found.numbers]
        shapes = np.array([SHAPES[kind] for kind in KINDS])[kinds]
        whole = outstanding(
            scene, state, index, APART * state.critical.size * scale * view.per_pixel
        )
        whole = np.isin(found.numbers, standing(scene, state, index).numbers[whole])
        shapes = np.where(whole, shapes, DISC)
        size = np.where(whole, state.critical.size, DOT * state.critical.size)
        rows = np.column_stack([
            found.places, to_linear(COLORS / 255)[kinds], np.ones(len(kinds)), size, shapes,
            np.where(own.border[found.numbers], HOLLOW, FULL),
        ])  # fmt: skip
        lift = LIFT * state.critical.size * scale * view.per_pixel
        eye = Eye.of(view, camera, viewport, lift, clip)
        target.depth_mask = False
        try:
            for depth, opacity in ((">", FAINT), ("<=", 1.0)):
                self.ctx.depth_func = depth
                self.points.draw(rows[~whole], eye, scale, LIGHT, DOT * RIM, opacity)
                self.points.draw(rows[whole], eye, scale, LIGHT, RIM, opacity)
        finally:
            self.ctx.depth_func = "<"
            target.depth_mask = True


def _rows(places: NDArray[np.float64], radius: float, hollow: float) -> NDArray[np.float64]:
    rest = np.broadcast_to([*INK, 1.0, radius, DISC, hollow], (len(places), 7))
    return np.column_stack([places, rest])
