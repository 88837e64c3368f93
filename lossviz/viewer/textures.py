"""Textures that several renderers share: fields, axes, colour tables, ambient occlusion."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from lossviz.errors import InputError
from lossviz.viewer.bands import Bands
from lossviz.viewer.basins import Regions, tints
from lossviz.viewer.colormaps import shadeable, to_linear
from lossviz.viewer.items import LABELS, Item
from lossviz.viewer.ranges import Field

LEAST = 1024  # texels a side that every OpenGL 3.3 has


class Textures:
    """GPU copies of a scene's arrays, made when first needed and kept while they are used."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self.ctx = ctx
        self._kept: dict[Hashable, moderngl.Texture] = {}
        self._used: set[Hashable] = set()

    def field(self, item: Item, name: str, smooth: bool) -> moderngl.Texture:
        """A quantity's texels, (m', n', 3) float32."""
        return self._get(
            ("field", item.key, name, smooth),
            lambda: item.field(name, smooth).texels,
            exact=name in LABELS,
        )

    def check(self, items: Sequence[Item]) -> None:
        """Refuse what OpenGL would draw as something else; of what is refined no side is so long.

        Raises
        ------
        InputError
            If a surface has more points along a side than textures can have.
        """
        for item in items:
            n, m = item.surface.shape
            if max(n, m) <= LEAST:  # to ask takes a part of the start
                continue
            if max(n, m) > (most := self.ctx.info["GL_MAX_TEXTURE_SIZE"]):
                raise InputError(
                    f"{item.title}: expected at most {most} points a side, which is what this "
                    f"OpenGL can draw, got {n}x{m}"
                )

    def basins(self, item: Item, found: Regions) -> moderngl.Texture:
        """Label and tint of every grid point, (m, n, 4) float32."""

        def make() -> NDArray[np.float32]:
            colors = np.append(to_linear(tints(found) / 255), [[0.0, 0.0, 0.0]], axis=0)
            return np.dstack([found.labels.T, colors[found.labels.T]]).astype(np.float32)

        return self._get(("basins", item.key, found.preview), make, exact=True)

    def axis(self, item: Item, side: int, smooth: bool) -> moderngl.Texture:
        """The scene coordinates along x (side 0) or y (side 1), one row."""
        key = ("axis", item.key, side, smooth)
        return self._get(key, lambda: item.axes(smooth)[side].reshape(1, -1, 1))

    def color_table(self, name: str, reverse: bool) -> moderngl.Texture:
        """256 colours in linear light."""
        return self._get(
            ("table", name, reverse),
            lambda: to_linear(shadeable(name, reverse)[None] / 255).astype(np.float32),
        )

    def bands(self, key: Hashable, found: Bands, field: Field) -> moderngl.Texture:
        """Bands as ``Bands.texels`` gives them."""
        return self._get(("bands", key), lambda: found.texels(field), exact=True)

    def colors(self, key: Hashable, make: Callable[[], NDArray[np.uint8]]) -> moderngl.Texture:
        """sRGB colours ``(k, 3)`` that ``make`` gives, one row in linear light."""
        return self._get(("colors", key), lambda: to_linear(make()[None] / 255))

    def occlusion(self, key: Hashable, values: NDArray[np.float32] | None) -> moderngl.Texture:
        """Ambient occlusion ``(m, n)``, 1 where open; a single open texel if None."""
        if values is None:
            return self._get("open", lambda: np.ones((1, 1, 1), np.float32))
        return self._get(("occlusion", key), lambda: values[..., None].astype(np.float32))

    def shadow(self, key: Hashable, values: NDArray[np.float32]) -> moderngl.Texture:
        """Light on the floor ``(k, k)``, evenly spaced."""
        return self._get(("shadow", key), lambda: values[..., None])

    def _get(self, key: Hashable, make: Any, exact: bool = False) -> moderngl.Texture:
        self._used.add(key)
        if key not in self._kept:
            array = np.ascontiguousarray(make(), dtype=np.float32)
            rows, columns, parts = array.shape
            texture = self.ctx.texture((columns, rows), parts, array, dtype="f4")
            between = moderngl.NEAREST if exact else moderngl.LINEAR
            texture.filter = between, between
            texture.repeat_x = texture.repeat_y = False
            self._kept[key] = texture
        return self._kept[key]

    def forget_unused(self) -> None:
        """Release what was not asked for since the last call."""
        for key in [key for key in self._kept if key not in self._used]:
            self._kept.pop(key).release()
        self._used.clear()

    def release(self) -> None:
        """Release everything."""
        for texture in self._kept.values():
            texture.release()
        self._kept.clear()
