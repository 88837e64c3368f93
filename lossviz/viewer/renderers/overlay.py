"""Text and rectangles over the picture, in pixels of the whole picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import moderngl
import numpy as np

from lossviz.viewer.layout import Rect
from lossviz.viewer.programs import program, set_uniforms
from lossviz.viewer.text import bitmap

Color = tuple[float, float, float, float]
PLAIN, TEXT, BAR, UP, DOWN = 0.0, 1.0, 2.0, 3.0, 4.0
ATLAS = 1024


@dataclass(frozen=True)
class Label:
    """A line of text whose anchor is at (x, y); ``anchor`` is the share of its size left and above.

    (0, 0) hangs it right and below of the point, (0.5, 0.5) centres it. ``size`` is in points, and
    so is ``stroke``, by which letters are wider all around.
    """

    text: str
    x: float
    y: float
    size: float
    color: Color
    anchor: tuple[float, float] = (0.5, 0.5)
    bold: bool = False
    turned: bool = False
    stroke: float = 0.0


@dataclass(frozen=True)
class Box:
    """A rectangle of one colour, or the colour bar."""

    rect: Rect
    color: Color
    bar: bool = False


@dataclass(frozen=True)
class Arrow:
    """A triangle that fills its rectangle; ``edge`` is how wide its ink is, in pixels."""

    rect: Rect
    fill: tuple[float, float, float]
    ink: tuple[float, float, float]
    edge: float
    up: bool


Part = Label | Box | Arrow


class OverlayRenderer:
    """Draws labels, boxes and arrows; keeps an atlas of the strings drawn last."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self.ctx = ctx
        self.program = program(ctx, "overlay")
        self.buffer = ctx.buffer(reserve=256 * 52, dynamic=True)
        self.quads = self._quads()
        self.atlas = self._new_atlas(ATLAS)
        self._places: dict[tuple[str, int, bool, bool, int], tuple[int, int, int, int]] = {}
        self._pen = [0, 0, 0]  # x, y, height of the present shelf

    def _quads(self) -> moderngl.VertexArray:
        layout, names = "4f4 4f4 4f4 1f4 /i", ("place", "source", "color", "mode")
        return self.ctx.vertex_array(self.program, [(self.buffer, layout, *names)])

    def _new_atlas(self, side: int) -> moderngl.Texture:
        texture = self.ctx.texture((side, side), 1, bytes(side * side), alignment=1)
        texture.filter = moderngl.LINEAR, moderngl.LINEAR
        texture.repeat_x = texture.repeat_y = False
        return texture

    def draw(
        self, parts: Sequence[Part], window: Rect, scale: float,
        color_table: moderngl.Texture, density: int = 1,
    ) -> None:  # fmt: skip
        """Draw ``parts`` in order; ``window`` is the part of the picture that the target shows.

        ``scale`` is in pixels of the picture a point, ``density`` in framebuffer pixels a pixel.
        """
        if not parts:
            return
        labels = [part for part in parts if isinstance(part, Label)]
        if not all(self._place(label, scale * density) for label in labels):
            self._start_over(labels, scale * density)
        rows = np.array([self._row(part, scale, density) for part in parts], np.float32)
        if rows.nbytes > self.buffer.size:
            self.quads.release()
            self.buffer.orphan(2 * rows.nbytes)
            self.quads = self._quads()
        self.buffer.write(rows.tobytes())
        self.atlas.use(0)
        color_table.use(1)
        rect = tuple(density * side for side in window.sides)
        set_uniforms(self.program, window=rect, atlas=0, color_table=1)
        self.quads.render(moderngl.TRIANGLE_STRIP, vertices=4, instances=len(rows))

    def _row(self, part: Part, scale: float, density: int) -> tuple[float, ...]:
        if isinstance(part, Box):
            place = tuple(density * side for side in part.rect.sides)
            return (*place, 0.0, 0.0, 0.0, 0.0, *part.color, BAR if part.bar else PLAIN)
        if isinstance(part, Arrow):
            place = tuple(density * side for side in part.rect.sides)
            return (*place, *part.ink, density * part.edge, *part.fill, 1.0,
                    UP if part.up else DOWN)  # fmt: skip
        x, y, width, height = self._places.get(self._key(part, scale * density), (0, 0, 0, 0))
        side = self.atlas.width
        # Whole pixels: a bitmap between pixels would be blurred.
        left = round(part.x * density - part.anchor[0] * width)
        top = round(part.y * density - part.anchor[1] * height)
        source = x / side, y / side, width / side, height / side
        return (left, top, width, height, *source, *part.color, TEXT)

    @staticmethod
    def _key(label: Label, scale: float) -> tuple[str, int, bool, bool, int]:
        stroke = round(label.stroke * scale)
        return label.text, round(label.size * scale), label.bold, label.turned, stroke

    def _place(self, label: Label, scale: float) -> bool:
        """Put a string into the atlas if it is not there; False if there is no room."""
        key = self._key(label, scale)
        if key in self._places:
            return True
        pixels = bitmap(*key)
        height, width = pixels.shape
        side = self.atlas.width
        if self._pen[0] + width + 1 > side:
            self._pen = [0, self._pen[1] + self._pen[2] + 1, 0]
        if self._pen[1] + height + 1 > side or width > side:
            return False
        x, y, shelf = self._pen
        self.atlas.write(pixels.tobytes(), (x, y, width, height), alignment=1)
        self._places[key] = x, y, width, height
        self._pen = [x + width + 1, y, max(shelf, height)]
        return True

    def _start_over(self, labels: Sequence[Label], scale: float) -> None:
        """Empty the atlas for the strings of this frame, larger if they need it."""
        side = self.atlas.width
        while True:
            self.atlas.release()
            self.atlas = self._new_atlas(side)
            self._places.clear()
            self._pen = [0, 0, 0]
            placed = [self._place(label, scale) for label in labels]
            if all(placed) or side >= 8192:
                return
            side *= 2

    def release(self) -> None:
        """Release what this renderer made."""
        for owned in (self.quads, self.buffer, self.atlas, self.program):
            owned.release()
