"""Straight lines in the scene, of constant width on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import moderngl
import numpy as np

from lossviz.viewer.programs import program, set_uniforms

Color = tuple[float, float, float, float]


@dataclass(frozen=True)
class Line:
    """From ``start (3,)`` to ``end (3,)`` in scene units; ``width`` in points."""

    start: tuple[float, float, float]
    end: tuple[float, float, float]
    color: Color
    width: float = 1.0


class LineRenderer:
    """Draws lines that are given anew each time; there are never many."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self.ctx = ctx
        self.program = program(ctx, "lines")
        self.buffer = ctx.buffer(reserve=64 * 44, dynamic=True)
        self.quads = self._quads()

    def _quads(self) -> moderngl.VertexArray:
        layout = "3f4 3f4 4f4 1f4 /i"
        names = ("start", "end", "color", "width")
        return self.ctx.vertex_array(self.program, [(self.buffer, layout, *names)])

    def draw(
        self, lines: Sequence[Line], camera: np.ndarray, viewport: tuple[int, int], scale: float
    ) -> None:
        """Draw with ``camera (4, 4)`` into a viewport of framebuffer pixels."""
        if not lines:
            return
        rows = np.array(
            [(*line.start, *line.end, *line.color, line.width * scale) for line in lines],
            np.float32,
        )
        if rows.nbytes > self.buffer.size:
            self.quads.release()
            self.buffer.orphan(2 * rows.nbytes)
            self.quads = self._quads()
        self.buffer.write(rows.tobytes())
        set_uniforms(
            self.program,
            camera=np.ascontiguousarray(camera.T, np.float32),
            viewport=viewport,
            towards=2e-4,
        )
        self.quads.render(moderngl.TRIANGLES, vertices=6, instances=len(lines))

    def release(self) -> None:
        """Release what this renderer made."""
        for owned in (self.quads, self.buffer, self.program):
            owned.release()
