"""The picture: one function draws it for the window, for screenshots, for render and for tests.

The same scene, state and size give the same pixels. Everything is drawn in linear light into a
multisampled framebuffer of our own and encoded for the screen at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import astuple, replace
from typing import Any

import moderngl
import numpy as np

from lossviz.viewer.annotations import axes, title
from lossviz.viewer.arrangement import camera_of, follow, groups, in_cell
from lossviz.viewer.camera import View, view
from lossviz.viewer.color_bar import color_bar
from lossviz.viewer.colormaps import linear_rgb
from lossviz.viewer.framing import framed
from lossviz.viewer.isoline_labels import level_labels
from lossviz.viewer.labels import labels as cards
from lossviz.viewer.layout import TEXT, Layout, Rect, crop
from lossviz.viewer.legend import arranged, legend, told
from lossviz.viewer.paths import mesh_inks
from lossviz.viewer.pins import pins
from lossviz.viewer.programs import Variants, set_uniforms
from lossviz.viewer.renderers.critical import CriticalRenderer
from lossviz.viewer.renderers.figure import FigureRenderer, to_clip
from lossviz.viewer.renderers.lines import LineRenderer
from lossviz.viewer.renderers.overlay import Box, Label, OverlayRenderer, Part
from lossviz.viewer.renderers.paths import LIGHT, PathRenderer
from lossviz.viewer.renderers.points import PointRenderer, Sign
from lossviz.viewer.renderers.slice import SliceRenderer
from lossviz.viewer.renderers.strips import CLIP_DISTANCE, Eye, StripRenderer
from lossviz.viewer.renderers.surface import SurfaceRenderer
from lossviz.viewer.scene import Scene
from lossviz.viewer.sections import NOTHING_CLIPPED, clip_plane
from lossviz.viewer.shadow import cast
from lossviz.viewer.state import ViewState
from lossviz.viewer.swipe import divider
from lossviz.viewer.textures import Textures
from lossviz.viewer.themes import THEMES
from lossviz.viewer.vision import matrix

MULTISAMPLES = 4
NOTE = 10.0  # points from the corner
MOST_PIXELS = 1 << 24  # more are not multisampled: each costs 60 bytes, and is hardly seen


def views(
    scene: Scene, state: ViewState, width: float, height: float, scale: float
) -> tuple[Layout, list[View]]:
    """The layout of a picture and what the camera sees in each of its cells."""
    found = arranged(scene, state, width, height, scale)
    kept: dict[tuple[Any, ...], View] = {}  # most see the same: what fits is sought once
    seen = []
    for index, (port, cell) in enumerate(zip(found.viewports, found.cells, strict=True)):
        camera = camera_of(scene, state, index)
        key = astuple(camera), port.width, port.height
        if key not in kept:
            fitting = framed(scene, state, port, scale, camera)
            kept[key] = view(fitting, port.width, port.height)
        seen.append(in_cell(kept[key], port, cell))
    return found, seen


def unbind(ctx: moderngl.Context) -> None:
    """Bind the default framebuffer: releasing a bound one breaks the next one's creation."""
    ctx.detect_framebuffer(0).use()


class Picture:
    """Draws scenes into framebuffers; owns the renderers and every GL object they use."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self.ctx = ctx
        self._owned = ExitStack()
        self.textures = Textures(ctx)
        self._owned.callback(self.textures.release)
        self.surface = self._own(SurfaceRenderer(ctx, self.textures))
        self.strips = self._own(StripRenderer(ctx))
        self.points = self._own(PointRenderer(ctx))
        self.paths = PathRenderer(ctx, self.textures, self.strips, self.points)
        self.critical = CriticalRenderer(ctx, self.textures, self.strips, self.points)
        self.slice = self._own(SliceRenderer(ctx, self.textures, self.strips, self.points))
        self.lines = self._own(LineRenderer(ctx))
        self.overlay = self._own(OverlayRenderer(ctx))
        self.figure = FigureRenderer(ctx, self.textures, self.overlay, self.strips, self.points)
        self._resolve = self._own(Variants(ctx, "resolve"))
        self._canvas: _Canvas | None = None

    def _own(self, part: Any) -> Any:
        self._owned.callback(part.release)
        return part

    def draw(
        self, scene: Scene, state: ViewState, target: moderngl.Framebuffer, width: int, height: int,
        *, scale: float, moving: bool = False, transparent: bool = False, samples: int = 1,
        tile: Rect | None = None, offset: tuple[int, int] = (0, 0), vision: str = "full",
        note: str = "",
    ) -> None:  # fmt: skip
        """Draw a picture of ``width`` x ``height`` pixels, or only its ``tile``.

        Parameters
        ----------
        target
            Where it goes: with its lower left corner at the pixel ``offset``.
        scale
            Pixels a point, for text and lines.
        moving
            Coarser mesh and no multisampling, for while the camera moves.
        samples
            Framebuffer pixels a pixel and side; they are averaged in linear light.
        vision
            Of VISIONS: how the whole is seen. The view's own is left to whoever shows it.
        note
            A line in the upper left corner.

        Raises
        ------
        InputError
            If a surface, shown or not, has more points a side than this OpenGL can draw.
        """
        self.textures.check(scene.items)
        tile = tile or Rect(0, 0, width, height)
        found, seen = views(scene, state, width, height, scale)
        theme = THEMES[state.picture.theme]
        canvas = self._canvas_of(round(tile.width) * samples, round(tile.height) * samples,
                                 1 if moving else MULTISAMPLES)  # fmt: skip
        canvas.drawn.use()
        canvas.drawn.clear(*_premultiplied(theme.linear("background"), transparent))
        overlay: list[Part] = []
        signs: list[Sign] = []
        for group in found.groups:
            cell = found.cells[group[0]]
            canvas.drawn.scissor = _scissor(cell, tile, samples)
            self._draw_cell(scene, state, group, cell, seen[group[0]], tile, scale, samples, moving,
                            canvas, overlay)  # fmt: skip
        canvas.drawn.scissor = None  # type: ignore[assignment]
        overlay += divider(state, found, scale)
        if state.axes.color_bar:
            for index, bar in zip(found.scales, found.bars, strict=True):
                overlay += color_bar(scene, state, index, bar, scale)
        for group, place, foot in zip(found.groups, found.titles, found.legends, strict=True):
            if state.axes.title:
                overlay += title(scene, state, group, place, scale)
            for part in legend(told(scene, state, group), foot, state, scale):
                (signs if isinstance(part, Sign) else overlay).append(part)  # type: ignore[arg-type]
        if note:
            x, y = found.cells[0].x + NOTE * scale, found.cells[0].y + NOTE * scale
            overlay.append(Label(note, x, y, TEXT, (*theme.linear("ink"), 1.0), (0.0, 0.0)))
        self.ctx.disable(moderngl.DEPTH_TEST)
        self._blend()
        colors = self.textures.color_table(state.surface.colormap, state.surface.reverse)
        self.overlay.draw(overlay, tile, scale, colors, density=samples)
        size = round(tile.width) * samples, round(tile.height) * samples
        rows = np.array([sign.row for sign in signs])
        self.points.draw(rows, Eye(to_clip(tile), size), scale * samples, LIGHT, 0.0, 1.0)
        self._finish(canvas, target, tile, samples, offset, vision)
        self.textures.forget_unused()
        self.strips.forget_unused()

    def _draw_cell(
        self, scene: Scene, state: ViewState, group: Sequence[int], cell: Rect, cell_view: View,
        tile: Rect, scale: float, samples: int, moving: bool, canvas: _Canvas,
        overlay: list[Part],
    ) -> None:  # fmt: skip
        """Opaque surface, floor, then lines, then other landscapes, then what is written."""
        if not cell.width:
            return
        index = group[0]
        if scene.items[index].is_figure:
            self._blend()
            overlay += self.figure.draw(
                scene, state, index, cell, tile, scale=scale, samples=samples
            )
            return
        background = THEMES[state.picture.theme].linear("background")
        camera = crop(cell, tile) @ cell_view.matrix
        clip = clip_plane(scene, state, index, cell_view)
        seen: dict[str, Any] = {"camera": camera, "scale": scale * samples, "moving": moving}
        # What is drawn counts the framebuffer's pixels.
        drawn_view = replace(
            cell_view, per_pixel=cell_view.per_pixel / samples, width=cell_view.width * samples,
            height=cell_view.height * samples,
        )  # fmt: skip
        self.ctx.enable_only(moderngl.DEPTH_TEST)
        self.slice.draw_face(scene, state, index, camera=camera, moving=moving)
        self._clip(clip != NOTHING_CLIPPED)
        for flat in (False, True) if state.isolines.floor else (False,):
            self.surface.draw(
                scene, state, index, cell_view, flat=flat, background=background, clip=clip, **seen
            )
        self._blend()
        viewport = round(tile.width) * samples, round(tile.height) * samples
        seen["viewport"] = viewport
        for draw in (self.critical.draw_lines, self.paths.draw, self.critical.draw_points):
            draw(scene, state, index, drawn_view, canvas.drawn, clip=clip, **seen)
        self._clip(False)
        self.slice.draw(scene, state, index, drawn_view, canvas.drawn, clip=clip, **seen)
        labels: list[Label] = []
        if state.axes.axes:
            lines, labels = axes(scene, state, index, cell_view, cell, scale)
            self.lines.draw(lines, camera, viewport, scale * samples)
        if len(group) > 1:
            self._draw_meshes(scene, state, group, drawn_view, canvas, clip, **seen)
        written: list[Label | Box] = list(labels)
        for each in group:
            for write in (pins, cards):
                written += write(scene, state, each, cell_view, cell, scale, labels, clip)
        overlay += level_labels(scene, state, index, cell_view, cell, scale, written, clip)
        overlay += written

    def _draw_meshes(
        self, scene: Scene, state: ViewState, group: Sequence[int], seen: View, canvas: _Canvas,
        clip: tuple[float, ...], *, viewport: tuple[int, int], **how: Any,
    ) -> None:  # fmt: skip
        """All but the first of a group, solid, which is seen through them, and their lines.

        First only their depth: then of all the meshes at a pixel the nearest part alone is blended,
        once, whatever their order.
        """
        colors, group = [linear_rgb(ink / 255) for ink in mesh_inks(scene, state, group)], group[1:]
        background = THEMES[state.picture.theme].linear("background")
        self._clip(clip != NOTHING_CLIPPED)
        try:
            for mask, depth in ((False, "<"), (True, "<=")):
                canvas.drawn.color_mask = (mask,) * 4
                canvas.drawn.use()  # only then the mask counts
                self.ctx.depth_func = depth
                for index, color in zip(group, colors, strict=True):
                    self.surface.draw(
                        scene, state, index, seen, flat=False, background=background, clip=clip,
                        veil=color, depth_alone=not mask, **how,
                    )  # fmt: skip
        finally:
            self.ctx.depth_func, canvas.drawn.color_mask = "<", (True,) * 4
        for index in group:
            for draw in (self.critical.draw_lines, self.paths.draw, self.critical.draw_points):
                draw(scene, state, index, seen, canvas.drawn, clip=clip, viewport=viewport, **how)
        self._clip(False)
        for index in group:
            self.slice.draw(scene, state, index, seen, canvas.drawn, viewport=viewport, clip=clip,
                            plane=False, **how)  # fmt: skip

    def _clip(self, on: bool) -> None:
        """Only while what has a clip distance is drawn; for the others it is undefined."""
        (self.ctx.enable_direct if on else self.ctx.disable_direct)(CLIP_DISTANCE)

    def _blend(self) -> None:
        self.ctx.enable(moderngl.BLEND)
        self.ctx.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA  # premultiplied

    def _finish(
        self, canvas: _Canvas, target: moderngl.Framebuffer, tile: Rect, samples: int,
        offset: tuple[int, int], vision: str,
    ) -> None:  # fmt: skip
        """Average, encode and put the canvas into the target."""
        if canvas.drawn is not canvas.flat:
            self.ctx.copy_framebuffer(canvas.flat, canvas.drawn)
        self.ctx.enable_only(moderngl.NOTHING)
        target.use()
        target.viewport = (*offset, round(tile.width), round(tile.height))
        canvas.texture.use(0)
        quad = self._resolve.of(AVERAGED=samples > 1, SEEN=vision != "full")
        set_uniforms(quad.program, picture=0, samples=samples, origin=offset,
                     seen=matrix(vision).T.astype(np.float32))  # fmt: skip
        quad.render(moderngl.TRIANGLE_STRIP, vertices=4)

    def improve(self, scene: Scene, state: ViewState) -> bool:
        """Compute what the first picture did not wait for; True if it should be drawn again."""
        follow(scene, state)
        top, found = scene.top(state), groups(scene, state)
        solid = [group[:1] if state.compare.arrangement == "overlay" else group for group in found]
        numbers = [index for group in solid for index in group if not scene.items[index].is_figure]
        changed = [cast(scene, state, index) for index in numbers]
        if state.surface.occlusion > 0:
            changed += [
                scene.items[index].occlude(state, scene.height_range(state, index), top)
                for index in numbers
            ]
        return any(changed)

    def _canvas_of(self, width: int, height: int, multisamples: int) -> _Canvas:
        multisamples = min(multisamples, self.ctx.max_samples)
        if width * height > MOST_PIXELS:
            multisamples = 1
        wanted = width, height, multisamples
        if self._canvas is None or self._canvas.wanted != wanted:
            if self._canvas is not None:
                unbind(self.ctx)
                self._canvas.release()
            self._canvas = _Canvas(self.ctx, *wanted)
        return self._canvas

    def release(self) -> None:
        """Release every GL object; the context stays usable."""
        unbind(self.ctx)
        if self._canvas is not None:
            self._canvas.release()
            self._canvas = None
        self._owned.close()


class _Canvas:
    """Where a picture is drawn before it is encoded: half floats, linear light."""

    def __init__(self, ctx: moderngl.Context, width: int, height: int, multisamples: int) -> None:
        self.wanted = width, height, multisamples
        size = width, height
        self.texture = ctx.texture(size, 4, dtype="f2")
        if multisamples > 1:
            self._parts: list[Any] = [
                ctx.renderbuffer(size, 4, samples=multisamples, dtype="f2"),
                ctx.depth_renderbuffer(size, samples=multisamples),
            ]
            self.flat = ctx.framebuffer([self.texture])
            self.drawn = ctx.framebuffer([self._parts[0]], self._parts[1])
        else:
            self._parts = [ctx.depth_renderbuffer(size)]
            self.flat = self.drawn = ctx.framebuffer([self.texture], self._parts[0])

    def release(self) -> None:
        self.drawn.release()
        if self.flat is not self.drawn:
            self.flat.release()
        for part in (*self._parts, self.texture):
            part.release()


def _premultiplied(
    color: tuple[float, float, float], transparent: bool
) -> tuple[float, float, float, float]:
    return (0.0, 0.0, 0.0, 0.0) if transparent else (*color, 1.0)


def _scissor(cell: Rect, tile: Rect, samples: int) -> tuple[int, int, int, int]:
    """The cell in framebuffer pixels of the tile, counted from the lower left."""
    left = round((max(cell.x, tile.x) - tile.x) * samples)
    right = round((min(cell.x + cell.width, tile.x + tile.width) - tile.x) * samples)
    top = round((max(cell.y, tile.y) - tile.y) * samples)
    bottom = round((min(cell.y + cell.height, tile.y + tile.height) - tile.y) * samples)
    height = round(tile.height * samples)
    return left, height - bottom, max(right - left, 0), max(bottom - top, 0)
