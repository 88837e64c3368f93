"""Slices over one surface: the plane, the lines where it and the pinned ones cut, the marker."""

from __future__ import annotations

from dataclasses import replace

import moderngl
import numpy as np
from numpy.typing import NDArray

from lossviz.viewer.camera import View
from lossviz.viewer.colormaps import linear_rgb
from lossviz.viewer.inks import inks
from lossviz.viewer.polylines import Lines, line
from lossviz.viewer.programs import program, set_uniforms
from lossviz.viewer.renderers.paths import BEHIND, DASH, HALO, LIGHT, ON_FLOOR
from lossviz.viewer.renderers.points import DISC, FULL, PointRenderer
from lossviz.viewer.renderers.strips import ABOVE, CLIP_DISTANCE, Eye, Rgb, StripRenderer, Style
from lossviz.viewer.scene import Scene
from lossviz.viewer.sections import Frame, frame, ink_number, inks_of, marker, sections
from lossviz.viewer.slicing import present
from lossviz.viewer.state import ViewState
from lossviz.viewer.textures import Textures
from lossviz.viewer.themes import THEMES
from lossviz.viewer.themes import Rgb as Srgb

WIDTH, OUTLINE = 2.4, 1.2  # points
HANDLE, MARKER = 5.5, 4.5  # points: radii
SHEET = 0.07  # opacity of the plane
FACE = 0.16  # of the ink in the colour of the face that a clipped surface shows


class SliceRenderer:
    """Draws the slices of landscape ``index`` of a scene; call after the surface is drawn."""

    def __init__(
        self, ctx: moderngl.Context, textures: Textures, strips: StripRenderer,
        points: PointRenderer,
    ) -> None:  # fmt: skip
        self.ctx, self.textures, self.strips, self.points = ctx, textures, strips, points
        self.program = program(ctx, "sheet")
        self.buffer = ctx.buffer(reserve=1 << 16, dynamic=True)
        self.sheet = ctx.vertex_array(self.program, [(self.buffer, "3f4", "place")])

    def draw_face(
        self, scene: Scene, state: ViewState, index: int, *, camera: NDArray[np.float64],
        moving: bool,
    ) -> None:  # fmt: skip
        """The face under the profile where the nearer half is clipped, opaque; before what blends.

        What the surface hides it is there to hide too: else one would look under the surface.
        """
        own = state.slice
        if not (own.shown and own.mode == "clip") or own.along == "level":
            return
        section = sections(scene, state, index, moving=moving)[0]
        theme = THEMES[state.picture.theme]
        mixed = FACE * np.array(theme.ink) + (1 - FACE) * np.array(theme.background)
        self._fill(curtain(section.lines), camera, linear_rgb(mixed), 1.0)

    def draw(
        self, scene: Scene, state: ViewState, index: int, view: View, target: moderngl.Framebuffer,
        *, camera: NDArray[np.float64], viewport: tuple[int, int], scale: float, moving: bool,
        clip: tuple[float, ...], plane: bool = True,
    ) -> None:  # fmt: skip
        """Draw into the bound ``target``, blending; ``scale`` is in its pixels a point. The
        ``plane`` is drawn once where several landscapes are in one frame. Pinned lines are cut by
        ``clip``; the present one lies in it."""
        if not state.slice.shown:
            return
        lift = ABOVE + 0.8 * WIDTH * scale * view.per_pixel
        eye = Eye.of(view, camera, viewport, lift)
        found = frame(scene, state, index, present(scene, state, index), view) if plane else None
        target.depth_mask = False
        try:
            if found is not None:
                self._plane(found, state, eye, camera, scale)
            self._lines(scene, state, index, eye, clip, scale, moving)
            self._signs(scene, state, index, found, eye, scale)
        finally:
            self.ctx.depth_func = "<"
            target.depth_mask = True

    def _plane(
        self, found: Frame, state: ViewState, eye: Eye, camera: NDArray[np.float64], scale: float
    ) -> None:
        """A faint sheet with an outline, dashed where the surface hides it."""
        ink = THEMES[state.picture.theme].linear("ink")
        if state.slice.mode == "cut":
            self._fill(found.corners[[0, 1, 3, 1, 2, 3]], camera, ink, SHEET)
        around = line(found.corners[[0, 1, 2, 3, 0]])
        key = "outline", found.corners.tobytes()
        for depth, dash, opacity in ((">", DASH, 0.35), ("<=", 0.0, 0.8)):
            self.ctx.depth_func = depth
            style = Style(OUTLINE * scale, opacity, cover=ink, dash=dash)
            self._strip(key, around, eye, style)

    def _lines(
        self, scene: Scene, state: ViewState, index: int, whole: Eye, clip: tuple[float, ...],
        scale: float, moving: bool,
    ) -> None:  # fmt: skip
        width, wide = WIDTH * scale, (WIDTH + 2 * HALO) * scale
        colors = linear_inks(scene, state)
        found = sections(scene, state, index, moving=moving)
        self.ctx.enable_direct(CLIP_DISTANCE)
        for which in reversed(range(len(found))):  # the present one over the others
            section, color = found[which], colors[ink_number(scene, index, which)]
            eye = replace(whole, clip=clip) if which else whole
            if state.isolines.floor:
                flat = Style(0.6 * width, ON_FLOOR, cover=color, floor_z=scene.floor(state) + 1e-3)
                self.ctx.depth_func = "<="
                self._strip(section.key, section.lines, eye, flat)
            for depth, style in (
                (">", Style(width, BEHIND, cover=color, dash=DASH)),
                ("<=", Style(wide, 0.9, cover=LIGHT)),
                ("<=", Style(width, cover=color)),
            ):
                self.ctx.depth_func = depth
                self._strip(section.key, section.lines, eye, style)
        self.ctx.disable_direct(CLIP_DISTANCE)

    def _signs(
        self, scene: Scene, state: ViewState, index: int, found: Frame | None, eye: Eye,
        scale: float,
    ) -> None:  # fmt: skip
        """The plane's handle, and the profile's marker."""
        colors = linear_inks(scene, state)
        places = [(None if found is None else found.handle, HANDLE),
                  (marker(scene, state, index), MARKER)]  # fmt: skip
        rows = [
            [*place, *colors[ink_number(scene, index, 0)], 1.0, radius, DISC, FULL]
            for place, radius in places
            if place is not None
        ]
        for depth, opacity in ((">", BEHIND), ("<=", 1.0)):
            self.ctx.depth_func = depth
            self.points.draw(np.array(rows), eye, scale, LIGHT, 1.5, opacity)

    def _strip(self, key: object, lines: Lines, eye: Eye, style: Style) -> None:
        nothing = self.textures.colors("no ramp", lambda: inks(1))
        self.strips.draw(("slice", key), lambda: lines, eye, style, nothing, nothing)

    def _fill(
        self, corners: NDArray[np.float64], camera: NDArray[np.float64], color: Rgb, opacity: float
    ) -> None:
        """Triangles ``(3 k, 3)``."""
        if not len(corners):
            return
        data = corners.astype(np.float32).tobytes()
        if len(data) > self.buffer.size:
            self.sheet.release()
            self.buffer.orphan(2 * len(data))
            self.sheet = self.ctx.vertex_array(self.program, [(self.buffer, "3f4", "place")])
        self.buffer.write(data)
        set_uniforms(
            self.program, camera=np.ascontiguousarray(camera.T, np.float32), color=color,
            opacity=opacity,
        )  # fmt: skip
        self.sheet.render(moderngl.TRIANGLES, vertices=len(corners))

    def release(self) -> None:
        """Release what this renderer made."""
        for owned in (self.sheet, self.buffer, self.program):
            owned.release()


def linear_inks(scene: Scene, state: ViewState) -> list[Srgb]:
    """A colour in linear light for every slice of every landscape."""
    return [linear_rgb(ink / 255) for ink in inks_of(scene, state)]


def curtain(lines: Lines) -> NDArray[np.float64]:
    """Triangles ``(6 s, 3)`` from each segment of lines ``(k, 3)`` down to z = 0."""
    start = lines.joined
    a, b = lines.points[start], lines.points[start + 1]
    down = np.array([1.0, 1.0, 0.0])
    return np.stack([a, b, a * down, b, b * down, a * down], axis=1).reshape(-1, 3)
