"""Items: one landscape each, made ready to draw: on the fine grid, in scene units, with what
depends on it remembered."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossviz.errors import InputError
from lossviz.landscape import BASIN, LOSS, Landscape, Surface, Trajectory
from lossviz.viewer.occlusion import SIDE, ambient_occlusion
from lossviz.viewer.ranges import (
    LOG_RATIO,
    MOST_SHARE,
    Field,
    Range,
    share,
)
from lossviz.viewer.refine import bridge, factor, nearest, refine, spread
from lossviz.viewer.state import ViewState
from lossviz.viewer.text import one_line

Floats = NDArray[np.float64]

LABELS = (BASIN,)  # numbers that only tell apart: never interpolated, never on a logarithmic scale
_KEYS = count()


# For curves alone: whatever asks for its range or its heights finds none.
NO_SURFACE = Surface(
    np.zeros(1), np.zeros(1), {LOSS: np.full((1, 1), np.nan)}, np.zeros((1, 1), bool)
)

Occlusion = tuple[Hashable, NDArray[np.float32] | None]
Box = tuple[tuple[float, float], tuple[float, float]]  # lowest and highest alpha, and beta

FARTHEST = 1e100  # coordinate, so that products and ratios of coordinates stay finite
NARROWEST = 0.25  # the shorter side over the longer one, at least


class Item:
    """One landscape of a scene; ``revision`` counts how often it was replaced.

    ``is_difference`` is whether it came from no file but is one landscape minus another.
    """

    def __init__(
        self, landscape: Landscape, revision: int = 0, *, is_difference: bool = False
    ) -> None:
        self.landscape, self.is_difference = landscape, is_difference
        self.surface: Surface = landscape.surface or NO_SURFACE
        self._grid = self.surface.alphas, self.surface.betas
        for axis in self._grid:
            if np.abs(axis).max() > FARTHEST or (np.diff(axis) < 1 / FARTHEST).any():
                raise InputError(
                    f"{landscape.title}: expected coordinates below {FARTHEST:g} and further apart "
                    f"than {1 / FARTHEST:g} to draw, got {axis.min():g} to {axis.max():g}"
                )
        self.revision = revision
        self._fields: dict[tuple[str, bool], Field] = {}
        self._spans: dict[str, tuple[float, float, float] | None] = {}
        self._occlusion: tuple[Hashable, NDArray[np.float32]] | None = None
        # Lines of steepest descent by their start in alpha, beta; None: there is none from there.
        self.dropped: dict[tuple[float, float], Trajectory | None] = {}
        self.basins: dict[str, Any] = {}  # by quantity, where computed here; None: not possible
        self.memo: dict[str, tuple[Hashable, Any]] = {}  # what was made of it, and depends on a key
        self.key = next(_KEYS)  # id() would be given out again: textures are kept under this
        self._frame: Box | None = None

    @property
    def is_figure(self) -> bool:
        """Whether it has curves alone, which are drawn as a figure."""
        return self.landscape.surface is None

    @property
    def title(self) -> str:
        """What it is, in one line."""
        return one_line(self.landscape.title)

    @property
    def subtitle(self) -> str:
        """How far it is and how it was computed, in one line; what matters most comes first."""
        known = self.landscape.provenance
        n, m = self.surface.shape
        share = float(self.surface.evaluated.mean())
        parts = [f"preview in {known.precision}"] if known.is_preview else []
        if share == 0 and not self.is_figure:
            parts.append("waiting for the first points")
        elif 0 < share < 1:
            parts.append(f"{max(int(100 * share), 1)} % of {n}×{m}")
        if share and (odd := self._odd):
            parts.append(odd)
        if known.data:
            data = known.data.rpartition("/")[2].removeprefix("npz:").removesuffix(".npz")
            parts.append(f"{data} {known.split}".strip())
        if known.samples:
            parts.append(f"{known.samples:,} samples")
        if known.directions:
            kind = known.directions.rpartition("/")[2]
            seed = f" (seed {known.seed})" if known.seed is not None and kind == "random" else ""
            parts.append(f"{kind} directions{seed}" if kind == "random" else kind)
        if share == 1:
            parts.append(f"{n}×{m}")
        return one_line(" · ".join(map(one_line, parts)))

    @property
    def _odd(self) -> str:
        """What a picture of this loss could be misread for, or ""."""
        span = self.span(LOSS)
        if span is None:
            return "no finite loss"
        low, _, high = span
        if low == high:
            return f"the loss is {low:.6g} everywhere"
        if 1 in self.surface.shape:
            return "one line of points, drawn as a ribbon"
        return ""

    def parts(self, smooth: bool) -> int:
        """How finely each cell is cut."""
        return factor(self.surface.shape) if smooth else 1

    def axes(self, smooth: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """``(n',)`` and ``(m',)``: the fine grid's x and y in scene units."""
        parts = self.parts(smooth)
        sides = []
        own = zip(self._grid, self.drawn_axes, self.box, self.extent, strict=True)
        for axis, drawn, (low, high), extent in own:
            alone = axis.size == 1 and self._frame is None
            unit = np.array([-1, 1]) if alone else 2 * share(drawn, low, high) - 1
            fine = np.interp(np.arange((unit.size - 1) * parts + 1) / parts, range(unit.size), unit)
            sides.append((fine * extent).astype(np.float32))
        return sides[0], sides[1]

    @property
    def extent(self) -> tuple[float, float]:
        """Half the width along x and y in scene units: 1 for the longer side."""
        own = self._grid if self._frame is None else self._frame
        spans = np.array([np.ptp(axis) for axis in own])
        if not spans.max() > 0:
            return 1.0, 1.0
        x, y = np.maximum(spans / spans.max(), NARROWEST).tolist()
        return x, y

    @property
    def drawn_axes(self) -> tuple[Floats, Floats]:
        """``(n,)`` alphas and ``(m,)`` betas as drawn: one value alone is one unit wide."""
        alphas, betas = (
            axis if axis.size > 1 else axis[0] + np.array([-0.5, 0.5]) for axis in self._grid
        )
        return alphas, betas

    @property
    def own_box(self) -> Box:
        """The ends of alpha and of beta."""
        a, b = ((float(axis[0]), float(axis[-1])) for axis in self.drawn_axes)
        return a, b

    @property
    def box(self) -> Box:
        """The ends of the axes that it is drawn in: its own, or what it was ``put_in``."""
        return self._frame or self.own_box

    def put_in(self, frame: Box | None) -> None:
        """Draw it in axes that reach farther than its own; None: in its own."""
        if frame == self._frame:
            return
        self._frame, self.key, self._occlusion = frame, next(_KEYS), None
        self.memo.clear()

    @property
    def evenly_spaced(self) -> bool:
        """Whether the grid has one spacing along each axis."""
        steps = (np.diff(axis) for axis in self._grid)
        return all(not step.size or np.ptp(step) <= 1e-9 * step.max() for step in steps)

    def place(self, points: Floats) -> Floats:
        """``(k, 2)`` alpha, beta as ``(k, 2)`` scene x, y."""
        return np.asarray((points - self._middle[0]) / self._middle[1] * self.extent)

    def unplace(self, points: Floats) -> Floats:
        """``(k, 2)`` scene x, y as ``(k, 2)`` alpha, beta."""
        middle, half = self._middle
        return np.asarray(middle + points / self.extent * half)

    @property
    def _middle(self) -> tuple[Floats, Floats]:
        """``(2,)`` the middle, and half the width along alpha and beta."""
        low, high = np.transpose(self.box)
        return (low + high) / 2, np.where(high > low, (high - low) / 2, 0.5)

    def remembered(self, name: str, key: Hashable, make: Callable[[], Any]) -> Any:
        """What ``make`` gives, or gave the last time if the key was the same."""
        if name not in self.memo or self.memo[name][0] != key:
            self.memo[name] = key, make()
        return self.memo[name][1]

    def span(self, name: str) -> tuple[float, float, float] | None:
        """Lowest, lowest positive (NaN if none) and highest finite value; None without any."""
        if name not in self._spans:
            values = self.values(name)
            values = values[np.isfinite(values)]
            positive = values[values > 0]
            self._spans[name] = (
                (float(values.min()), float(positive.min()) if positive.size else np.nan,
                 float(values.max()))
                if values.size
                else None
            )  # fmt: skip
        return self._spans[name]

    def values(self, name: str) -> Floats:
        """``(n, m)`` values of a quantity; all NaN if this landscape does not have it."""
        found = self.surface.quantities.get(name)
        return np.full(self.surface.shape, np.nan) if found is None else found

    def field(self, name: str, smooth: bool) -> Field:
        """The quantity on the fine grid, made once."""
        key = name, smooth
        if key not in self._fields:
            self._fields[key] = self._make_field(name, self.parts(smooth))
        return self._fields[key]

    def bridged(self, name: str) -> Floats:
        """``(n, m)`` values, between coarser points where a computation has not come yet."""
        own, values = self.surface, self.values(name)
        low, _, high = self.span(name) or (0.0, 0.0, 0.0)
        with np.errstate(all="ignore"):
            if low > 0 and high / low > LOG_RATIO and not own.evaluated.all():
                return 10.0 ** bridge(np.log10(values), own.evaluated, own.alphas, own.betas)
        return bridge(values, own.evaluated, own.alphas, own.betas)

    def _make_field(self, name: str, parts: int) -> Field:
        labels = name in LABELS
        values = (self.values(name) if labels else self.bridged(name)).T  # (m, n), as textures are
        for axis in (0, 1):  # a single line of points becomes a ribbon
            if values.shape[axis] == 1:
                values = np.repeat(values, 2, axis=axis)
        low, positive, high = self.span(name) or (0.0, np.nan, 1.0)
        with np.errstate(all="ignore"):
            logs = np.log10(np.where(values > 0, values, positive))
            logs[~np.isfinite(values)] = np.nan
            if labels:
                fine = nearest(share(values, low, high), parts)
                fine_log = nearest(logs, parts)
            elif low > 0 and high / low > LOG_RATIO:
                fine_log = refine(logs, parts)
                fine = share(np.minimum(10.0**fine_log, np.finfo(float).max), low, high)
                fine = np.minimum(fine, MOST_SHARE)  # interpolation may overshoot by decades
            else:
                fine = refine(share(values, low, high), parts)
                # Interpolation may undershoot: no log of what is not positive.
                lowest = positive if positive > 0 else 1.0
                back = low * (1 - fine) + high * fine
                fine_log = np.log10(np.clip(back, lowest, np.finfo(float).max))
        valid = np.isfinite(fine)
        # Holes carry their neighbours' values, so that normals and lines at their rim are right.
        texels = np.empty((*fine.shape, 3), np.float32)  # filled in place: fields may be large
        for channel, part in enumerate((fine, fine_log)):
            texels[..., channel] = spread(np.where(valid, part, np.nan))
        texels[..., 2] = valid
        return Field(texels, low, high)

    def occlude(self, state: ViewState, heights: Range, top: float) -> bool:
        """Compute the ambient occlusion of the displayed heights; False if it is up to date."""
        key = self._occlusion_key(state, heights, top)
        if self._occlusion is not None and self._occlusion[0] == key:
            return False
        x, y, displayed = self.displayed(state, heights, top, SIDE)
        self._occlusion = key, ambient_occlusion(displayed, float(np.ptp(x)), float(np.ptp(y)))
        return True

    def displayed(
        self, state: ViewState, heights: Range, top: float, side: int
    ) -> tuple[Floats, Floats, Floats]:
        """``(k,)`` x, ``(l,)`` y and ``(l, k)`` z as displayed, at most ``side`` points a side."""
        own = state.surface
        texels = self.field(own.height, own.smooth)
        rows, columns = (np.unique(np.linspace(0, n - 1, min(n, side)).astype(int))
                         for n in texels.texels.shape[:2])  # fmt: skip
        x, y = self.axes(own.smooth)
        z = np.clip(texels.at(rows, columns).unit(heights), 0, 1) * top
        return x[columns].astype(float), y[rows].astype(float), z

    def occlusion(self, state: ViewState, heights: Range, top: float) -> Occlusion:
        """The occlusion that fits what is displayed, under a key of its own; None if not made."""
        key = self._occlusion_key(state, heights, top)
        if self._occlusion is None or self._occlusion[0] != key:
            return key, None
        return self._occlusion

    def _occlusion_key(self, state: ViewState, heights: Range, top: float) -> Hashable:
        own = state.surface
        return self.key, own.height, own.smooth, heights, top
