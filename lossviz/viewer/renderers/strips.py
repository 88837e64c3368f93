"""Polylines of constant width on the screen, kept on the GPU while they are drawn."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

import moderngl
import numpy as np
from numpy.typing import NDArray

from lossviz.viewer.camera import View
from lossviz.viewer.polylines import Lines, Mask
from lossviz.viewer.programs import program, set_uniforms

Rgb = tuple[float, float, float]

SHARP = 0.7  # cosine: lines that turn more have their corners cut instead of drawn out
ABOVE = 0.004  # scene units by which lines lie over the surface, at least
FLOATS = 6  # of a vertex: place, colour, length along the line, width or not


@dataclass(frozen=True)
class Style:
    """How lines look. ``width`` in framebuffer pixels; ``cover`` is one colour for all."""

    width: float
    opacity: float = 1.0
    cover: Rgb | None = None
    missing: Rgb = (0.5, 0.5, 0.5)
    dash: float = 0.0  # length of a dash and its gap, in units of the lines; 0: none
    floor_z: float | None = None  # drawn flat, there


@dataclass(frozen=True, eq=False)
class Eye:
    """From where lines are seen: ``camera (4, 4)`` to a ``viewport`` of framebuffer pixels."""

    camera: NDArray[np.float64]
    viewport: tuple[int, int]
    position: tuple[float, ...] = (0.0, 0.0, 0.0)
    forward: tuple[float, ...] = (0.0, 0.0, 0.0)
    orthographic: bool = True
    lift: float = 0.0  # units towards the eye, for the depth alone
    clip: tuple[float, ...] = (0.0, 0.0, 0.0, 1.0)  # a plane: what lies below it is not drawn

    @classmethod
    def of(
        cls, view: View, camera: NDArray[np.float64], viewport: tuple[int, int], lift: float,
        clip: tuple[float, ...] = (0.0, 0.0, 0.0, 1.0),
    ) -> Eye:  # fmt: skip
        """Where a view is seen from; ``camera`` is its matrix cropped to the tile."""
        return cls(
            camera, viewport, tuple(view.eye), tuple(view.forward), view.orthographic, lift, clip
        )

    def uniforms(self) -> dict[str, object]:
        """As the shaders name them."""
        return {
            "camera": np.ascontiguousarray(self.camera.T, np.float32), "viewport": self.viewport,
            "eye": self.position, "forward": self.forward, "lift": self.lift,
            "orthographic": int(self.orthographic), "clip": self.clip,
        }  # fmt: skip


class StripRenderer:
    """Draws ``Lines (k, 3)``; what was not drawn in a picture is forgotten after it."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self.ctx = ctx
        self.program = program(ctx, "strips")
        self._kept: dict[Hashable, tuple[moderngl.Buffer, moderngl.VertexArray, int]] = {}
        self._used: set[Hashable] = set()

    def draw(
        self, key: Hashable, make: Callable[[], Lines], eye: Eye, style: Style,
        ramp: moderngl.Texture, inks: moderngl.Texture,
    ) -> None:  # fmt: skip
        """Draw lines that ``make`` gives, or that are kept under ``key`` from an earlier time.

        Colours of 0 to 1 are looked up in ``ramp``, those of 2, 3, … in ``inks``.
        """
        self._used.add(key)
        if key not in self._kept:
            self._kept[key] = self._upload(make())
        _, strip, count = self._kept[key]
        if not count:
            return
        ramp.use(0)
        inks.use(1)
        set_uniforms(
            self.program, **eye.uniforms(), ramp=0, inks=1, width=style.width,
            opacity=style.opacity, cover=(*(style.cover or (0.0, 0.0, 0.0)),
            float(style.cover is not None)), missing=style.missing, dash=style.dash,
            flatten=int(style.floor_z is not None), floor_z=style.floor_z or 0.0,
        )  # fmt: skip
        strip.render(moderngl.TRIANGLE_STRIP, vertices=count)

    def _upload(self, lines: Lines) -> tuple[moderngl.Buffer, moderngl.VertexArray, int]:
        """One buffer, read at three places: the point, the one before and the one after."""
        rows = vertices(lines)
        count = len(rows)
        size = 4 * FLOATS
        pad = np.zeros((2, FLOATS), np.float32)
        buffer = self.ctx.buffer(np.concatenate([pad, rows, pad]).tobytes())
        strip = self.ctx.vertex_array(self.program, [])
        offsets = {"before": 0, "place": 2 * size, "after": 4 * size, "kind": 2 * size + 12}
        for name, offset in offsets.items():
            attribute = self.program[name].location  # type: ignore[union-attr]
            strip.bind(attribute, "f", buffer, "3f", offset, size, 0)
        return buffer, strip, count

    def forget_unused(self) -> None:
        """Release what was not drawn since the last call."""
        for key in [key for key in self._kept if key not in self._used]:
            self._drop(key)
        self._used.clear()

    def _drop(self, key: Hashable) -> None:
        buffer, strip, _ = self._kept.pop(key)
        strip.release()
        buffer.release()

    def release(self) -> None:
        """Release what this renderer made."""
        for key in list(self._kept):
            self._drop(key)
        self.program.release()


def vertices(lines: Lines) -> NDArray[np.float32]:
    """``(2k', FLOATS)``: two equal rows a point; points of no width part the lines, and corners are
    there twice."""
    points, first, last = lines.points, lines.first, lines.last
    if not len(points):
        return np.zeros((0, FLOATS), np.float32)
    step = np.linalg.norm(np.diff(points, axis=0, prepend=points[:1]), axis=1)
    step[first] = 0
    along = np.cumsum(step)
    along -= np.maximum.accumulate(np.where(first, along, 0))
    rows = np.column_stack([points, lines.values, along, np.ones(len(points))]).astype(np.float32)
    copies = 1 + first + last + _corners(points, first, last)
    rows = np.repeat(rows, copies, axis=0)
    end = np.cumsum(copies)
    rows[(end - copies)[first], -1] = 0
    rows[end[last] - 1, -1] = 0
    return np.repeat(rows, 2, axis=0)


def _corners(points: NDArray[np.float64], first: Mask, last: Mask) -> Mask:
    """``(k,)``: True where a line turns sharply."""
    found = np.zeros(len(points), bool)
    if len(points) < 3:
        return found
    steps = np.diff(points, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    cosine = (steps[1:] * steps[:-1]).sum(axis=1)
    found[1:-1] = (cosine < SHARP * lengths[1:] * lengths[:-1]) & ~first[1:-1] & ~last[1:-1]
    return found
