"""Polylines of constant width on the screen, kept on the GPU while they are drawn."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

import moderngl
import numpy as np
from numpy.typing import NDArray

from lossviz.viewer.camera import View
from lossviz.viewer.colormaps import linear_rgb
from lossviz.viewer.inks import UNKNOWN
from lossviz.viewer.polylines import Lines, Mask, coarse
from lossviz.viewer.programs import program, set_uniforms

Rgb = tuple[float, float, float]

MISSING_INK = linear_rgb(UNKNOWN / 255)
CLIP_DISTANCE = 0x3000  # GL_CLIP_DISTANCE0
SHARP = 0.7  # cosine: lines that turn more have their corners cut instead of drawn out
ABOVE = 0.004  # scene units by which lines lie over the surface, at least
FLOATS = 7  # of a vertex: place, colour, length along the line, width or not, when it is reached
TREMOR = 0.012  # scene units: movements that are not counted as a line's length
ALWAYS = -1.0  # when a line is reached that is not played


@dataclass(frozen=True)
class Style:
    """How lines look. ``width`` in framebuffer pixels; ``cover`` is one colour for all."""

    width: float
    opacity: float = 1.0
    cover: Rgb | None = None
    dash: float = 0.0  # length of a dash and its gap, in units of the lines; 0: none
    floor_z: float | None = None  # drawn flat, there
    until: float = 2.0  # what is reached later is not drawn

    def uniforms(self) -> dict[str, object]:
        """As the shaders name them."""
        return {
            "width": self.width, "opacity": self.opacity, "missing": MISSING_INK,
            "cover": (*(self.cover or (0.0, 0.0, 0.0)), float(self.cover is not None)),
            "dash": self.dash, "flatten": int(self.floor_z is not None),
            "floor_z": self.floor_z or 0.0, "until": self.until,
        }  # fmt: skip


@dataclass(frozen=True)
class Tube:
    """What makes tubes of lines; lengths in framebuffer pixels or scene units."""

    lamp: tuple[float, float, float]  # direction towards it
    light: float  # strength of the shading; 0: none
    halo: float  # pixels on each side
    casing: Rgb  # its colour
    halo_opacity: float
    bulge: float  # units by which a tube is nearer than its halo
    target_w: float  # of clip space, where a tube is as wide as its style says
    bounds: tuple[float, float]  # how much thinner and thicker it may be elsewhere


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


def distance_to_target(view: View) -> float:
    """The last coordinate in clip space at the camera's target: 1 without perspective."""
    return float(view.per_pixel * view.height * np.linalg.norm(view.matrix[1, :3]) / 2)


@dataclass(frozen=True, eq=False)
class _Strip:
    """Lines on the GPU, for either program."""

    buffer: moderngl.Buffer
    flat: moderngl.VertexArray
    round: moderngl.VertexArray
    count: int  # of vertices


def lamp(view: View) -> tuple[float, float, float]:
    """The direction to the lamp beside the eye that lights the surface too."""
    way = -view.forward + 0.45 * view.up - 0.55 * view.right
    x, y, z = (way / np.linalg.norm(way)).tolist()
    return x, y, z


class StripRenderer:
    """Draws ``Lines (k, 3)``; what was not drawn in a picture is forgotten after it."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self.ctx = ctx
        self.flat, self.round = program(ctx, "strips"), program(ctx, "tubes")
        self._kept: dict[Hashable, _Strip] = {}
        self._used: set[Hashable] = set()

    def draw(
        self, key: Hashable, make: Callable[[], Lines], eye: Eye, style: Style,
        ramp: moderngl.Texture, inks: moderngl.Texture, tube: Tube | None = None,
    ) -> None:  # fmt: skip
        """Draw lines that ``make`` gives, or that are kept under ``key`` from an earlier time.

        Colours of 0 to 1 are looked up in ``ramp``, those of 2, 3, … in ``inks``.
        """
        self._used.add(key)
        if key not in self._kept:
            self._kept[key] = self._upload(make())
        strip = self._kept[key]
        if not strip.count:
            return
        ramp.use(0)
        inks.use(1)
        program = self.flat if tube is None else self.round
        set_uniforms(program, **eye.uniforms(), **style.uniforms(), ramp=0, inks=1)
        if tube is not None:
            set_uniforms(program, **vars(tube))
        array = strip.flat if tube is None else strip.round
        array.render(moderngl.TRIANGLE_STRIP, vertices=strip.count)

    def _upload(self, lines: Lines) -> _Strip:
        """One buffer, read at three places: the point, the one before and the one after."""
        rows = vertices(lines)
        pad = np.zeros((2, FLOATS), np.float32)
        buffer = self.ctx.buffer(np.concatenate([pad, rows, pad]).tobytes())
        return _Strip(buffer, self._array(self.flat, buffer), self._array(self.round, buffer),
                      len(rows))  # fmt: skip

    def _array(self, program: moderngl.Program, buffer: moderngl.Buffer) -> moderngl.VertexArray:
        array, size = self.ctx.vertex_array(program, []), 4 * FLOATS
        for name, parts, offset in (
            ("before", 3, 0), ("place", 3, 2 * size), ("after", 3, 4 * size),
            ("kind", 4, 2 * size + 12),
        ):  # fmt: skip
            attribute = program[name].location  # type: ignore[union-attr]
            array.bind(attribute, "f", buffer, f"{parts}f", offset, size, 0)
        return array

    def forget_unused(self) -> None:
        """Release what was not drawn since the last call."""
        for key in [key for key in self._kept if key not in self._used]:
            self._drop(key)
        self._used.clear()

    def _drop(self, key: Hashable) -> None:
        strip = self._kept.pop(key)
        for owned in (strip.flat, strip.round, strip.buffer):
            owned.release()

    def release(self) -> None:
        """Release what this renderer made."""
        for key in list(self._kept):
            self._drop(key)
        self.flat.release()
        self.round.release()


def vertices(lines: Lines) -> NDArray[np.float32]:
    """``(2k', FLOATS)``: two equal rows a point; points of no width part the lines, and corners are
    there twice."""
    points, first, last = lines.points, lines.first, lines.last
    if not len(points):
        return np.zeros((0, FLOATS), np.float32)
    along = _along(lines)
    reached = np.full(len(points), ALWAYS) if lines.times is None else lines.times
    rows = np.empty((len(points), FLOATS), np.float32)
    rows[:, :3] = points
    rows[:, 3:] = np.stack([lines.values, along, np.ones(len(points)), reached], axis=1)
    copies = 1 + first + last + _corners(points, first, last)
    rows = np.repeat(rows, copies, axis=0)
    end = np.cumsum(copies)
    rows[(end - copies)[first], 5] = 0
    rows[end[last] - 1, 5] = 0
    return np.repeat(rows, 2, axis=0)


def _along(lines: Lines) -> NDArray[np.float64]:
    """``(k,)``: how far each point is from the beginning of its line, but for what is finer than a
    dash: of a line that trembles dashes would not be seen."""
    kept = coarse(lines, np.full(lines.points.shape[1], TREMOR))
    points, first = lines.points[kept], lines.first[kept]
    step = np.linalg.norm(np.diff(points, axis=0, prepend=points[:1]), axis=1)
    step[first] = 0
    along = np.cumsum(step)
    along -= np.maximum.accumulate(np.where(first, along, 0))
    return np.interp(np.arange(len(lines.points)), np.flatnonzero(kept), along)


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
