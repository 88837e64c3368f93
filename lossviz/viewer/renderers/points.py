"""Signs of constant size on the screen: discs, triangles, crosses, diamonds, full or hollow."""

from __future__ import annotations

from dataclasses import dataclass

import moderngl
import numpy as np
from numpy.typing import NDArray

from lossviz.viewer.programs import program, set_uniforms
from lossviz.viewer.renderers.strips import Eye, Rgb

DISC, DOWN, UP, CROSS, DIAMOND, BALL = 0.0, 1.0, 2.0, 3.0, 4.0, 5.0  # as in shaders/points.glsl
FULL, HOLLOW = 0.0, 1.0
FLOATS = 10  # place, colour and opacity, radius in points, shape, hollow or not


@dataclass(frozen=True)
class Sign:
    """A sign at (x, y) in pixels of a picture; ``radius`` in points."""

    x: float
    y: float
    color: Rgb
    radius: float
    shape: float
    hollow: float

    @property
    def row(self) -> tuple[float, ...]:
        """``(FLOATS,)``."""
        return self.x, self.y, 0.0, *self.color, 1.0, self.radius, self.shape, self.hollow


class PointRenderer:
    """Draws signs that are given anew each time, all in one call."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self.ctx = ctx
        self.program = program(ctx, "points")
        self.buffer = ctx.buffer(reserve=64 * 4 * FLOATS, dynamic=True)
        self.quads = self._quads()

    def _quads(self) -> moderngl.VertexArray:
        layout, names = "3f4 4f4 3f4 /i", ("place", "color", "kind")
        return self.ctx.vertex_array(self.program, [(self.buffer, layout, *names)])

    def draw(
        self, rows: NDArray[np.float64], eye: Eye, pixel: float, casing: Rgb, rim: float,
        opacity: float,
    ) -> None:  # fmt: skip
        """Draw ``rows (k, FLOATS)``, ``pixel`` pixels a point, with a ``rim`` in points."""
        if not len(rows):
            return
        data = rows.astype(np.float32)
        if data.nbytes > self.buffer.size:
            self.quads.release()
            self.buffer.orphan(2 * data.nbytes)
            self.quads = self._quads()
        self.buffer.write(data.tobytes())
        set_uniforms(self.program, **eye.uniforms(), casing=casing, opacity=opacity)
        set_uniforms(self.program, pixel=pixel, rim=rim * pixel)
        self.quads.render(moderngl.TRIANGLE_STRIP, vertices=4, instances=len(rows))

    def release(self) -> None:
        """Release what this renderer made."""
        for owned in (self.quads, self.buffer, self.program):
            owned.release()
