"""A colour picture off the screen that takes whatever size it is asked for."""

from __future__ import annotations

import moderngl
import numpy as np
from numpy.typing import NDArray


class Canvas:
    """A framebuffer with one texture; made anew when the size changes."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self.ctx = ctx
        self._made: tuple[moderngl.Framebuffer, moderngl.Texture] | None = None

    @property
    def framebuffer(self) -> moderngl.Framebuffer:
        """What to draw to; ``fit`` comes first."""
        assert self._made is not None
        return self._made[0]

    def fit(self, size: tuple[int, int]) -> bool:
        """Have this size; True if the canvas is new and empty. Another framebuffer is bound."""
        if self._made is not None and self._made[1].size == size:
            return False
        self.release()
        texture = self.ctx.texture(size, 4)
        self._made = self.ctx.framebuffer([texture]), texture
        return True

    def pixels(self) -> NDArray[np.uint8]:
        """What was drawn, ``(h, w, 4)`` uint8, top row first, opaque."""
        width, height = self.framebuffer.size
        data = self.framebuffer.read(components=4, alignment=1)
        rgba = np.frombuffer(data, np.uint8).reshape(height, width, 4)[::-1].copy()
        rgba[..., 3] = 255
        return rgba

    def release(self) -> None:
        """Release the GL objects. The canvas must not be bound."""
        for part in self._made or ():
            part.release()
        self._made = None
