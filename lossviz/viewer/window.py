"""The GLFW window itself: opening it, its title, its keys' names."""

from __future__ import annotations

from typing import Any

import glfw

from lossviz.errors import LossvizError
from lossviz.viewer.scene import Scene


class NoWindowError(LossvizError):
    """There is no display, or none that can show OpenGL 3.3."""


def open_window(title: str, size: tuple[int, int]) -> Any:
    """A GLFW window of moderngl-window's, whose events we handle ourselves.

    Raises
    ------
    NoWindowError
        If there is no display or no OpenGL 3.3.
    """
    from moderngl_window.context.glfw import Window

    # What matters we say ourselves; an empty clipboard is no reason for a warning.
    glfw.ERROR_REPORTING = "ignore"
    if not glfw.init():
        raise NoWindowError("no display: expected a screen that GLFW can use")
    try:
        window = Window(
            title=title, size=size, gl_version=(3, 3), resizable=True, vsync=True,
            aspect_ratio=None, samples=0, fullscreen=False,
        )  # fmt: skip
    except Exception as error:
        raise NoWindowError(f"no window: {error}") from None
    window.exit_key = None
    return window


def window_title(scene: Scene) -> str:
    """What the window is called."""
    return f"{', '.join(item.title for item in scene.items)} — lossviz"


_NAMES = {
    getattr(glfw, name): name.removeprefix("KEY_")
    for name in dir(glfw)
    if name.startswith("KEY_") and not name.startswith("KEY_KP")
} | {getattr(glfw, f"KEY_KP_{digit}"): str(digit) for digit in range(10)}

_HELD = {f"{side}_{name}" for side in ("LEFT", "RIGHT")
         for name in ("SHIFT", "CONTROL", "ALT", "SUPER")}  # fmt: skip
KEY_NAMES = frozenset(_NAMES.values()) - _HELD - {"UNKNOWN"}


# Keys that write something, by which they go; digits are where they always are.
_WRITING = [key for key in range(glfw.KEY_APOSTROPHE, glfw.KEY_GRAVE_ACCENT + 1)
            if key in _NAMES and not glfw.KEY_0 <= key <= glfw.KEY_9]  # fmt: skip


def key_name(key: int) -> str:
    """The key's letter on the user's own keyboard, else GLFW's name of the key.

    Where a keyboard writes no Latin letters, they are where they are on the US keyboard.
    """
    written = _written(key) if key in _WRITING else ""
    if _is_letter(written):
        return written
    name = _NAMES.get(key, "")
    # Of two keys for one letter, as beside M on a French keyboard, that counts which writes it.
    is_elsewhere = _is_letter(name) and any(_written(other) == name for other in _WRITING)
    return written if is_elsewhere else name


def _written(key: int) -> str:
    return (glfw.get_key_name(key, 0) or "").upper()


def _is_letter(name: str) -> bool:
    return len(name) == 1 and "A" <= name <= "Z"
