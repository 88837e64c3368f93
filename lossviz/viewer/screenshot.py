"""Pictures in files: any size by tiles, supersampled, with the view and the provenance inside."""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from lossviz import __version__
from lossviz.errors import LossvizError, UsageError
from lossviz.viewer.layout import Rect
from lossviz.viewer.picture import Picture, unbind
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import LARGEST_PICTURE, SMALLEST_PICTURE, ViewState

TILE = 1024  # pixels; bounds the memory whatever the picture's size
POINTS = 720.0  # a picture this many points high has text of its natural size


def natural_scale(width: int, height: int) -> float:
    """Pixels a point at which text and lines keep their proportion to the picture.

    In a small one, 300 pixels high, say, the text is larger than that: it can still be read.
    """
    side = min(height, width * 0.75)
    return max(side / POINTS, min(0.6, side / 500), 0.35)


def check_size(width: int, height: int) -> None:
    """Refuse pictures of impossible sizes.

    Raises
    ------
    UsageError
        If a side has not 16 to 8192 pixels.
    """
    if not all(SMALLEST_PICTURE <= side <= LARGEST_PICTURE for side in (width, height)):
        raise UsageError(
            f"size: expected {SMALLEST_PICTURE} to {LARGEST_PICTURE} pixels a side, "
            f"got {width}x{height}"
        )


def take(
    picture: Picture, scene: Scene, state: ViewState, *, width: int, height: int,
    scale: float = 0.0, supersample: int = 2, transparent: bool = False, vision: str = "full",
) -> NDArray[np.uint8]:  # fmt: skip
    """Draw a picture off-screen: ``(height, width, 4)`` uint8 sRGB, alpha not premultiplied.

    ``vision`` is how it is seen, of VISIONS; the view's own is a preview that pictures do not have.
    The picture's context must be the current one. (Entering it here would leave none current.)

    Raises
    ------
    UsageError
        If the size is not 16 to 8192 pixels, or supersample not 1 to 4.
    """
    check_size(width, height)
    if not 1 <= supersample <= 4:
        raise UsageError(f"supersample: expected 1 to 4, got {supersample}")
    picture.improve(scene, state)
    scale = scale or natural_scale(width, height)
    result = np.empty((height, width, 4), np.uint8)
    side = TILE if supersample <= 2 else TILE // 2
    for y in range(0, height, side):
        for x in range(0, width, side):
            tile = Rect(x, y, min(side, width - x), min(side, height - y))
            result[y : y + int(tile.height), x : x + int(tile.width)] = _tile(
                picture, scene, state, width, height, tile, scale, supersample, transparent,
                vision,
            )  # fmt: skip
    return result


def _tile(
    picture: Picture, scene: Scene, state: ViewState, width: int, height: int, tile: Rect,
    scale: float, supersample: int, transparent: bool, vision: str,
) -> NDArray[np.uint8]:  # fmt: skip
    size = int(tile.width), int(tile.height)
    texture = picture.ctx.texture(size, 4)
    target = picture.ctx.framebuffer([texture])
    try:
        picture.draw(
            scene, state, target, width, height, scale=scale, tile=tile, samples=supersample,
            transparent=transparent, vision=vision,
        )  # fmt: skip
        pixels = np.frombuffer(target.read(components=4, alignment=1), np.uint8)
    finally:
        unbind(picture.ctx)
        target.release()
        texture.release()
    return pixels.reshape(size[1], size[0], 4)[::-1]


def save(path: str | Path, rgba: NDArray[np.uint8], scene: Scene, state: ViewState) -> None:
    """Write a PNG whose text chunks hold the view and every landscape's provenance; atomic.

    ``lossviz render --view-state PICTURE.png`` and the window read the view back.

    Raises
    ------
    LossvizError
        If the file cannot be written.
    """
    path, temporary = Path(path), None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".png", delete=False) as file:
            temporary = Path(file.name)
            file.write(encode(rgba, scene, state))
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise LossvizError(f"{path}: cannot write the picture: {error.strerror}") from None


def encode(rgba: NDArray[np.uint8], scene: Scene, state: ViewState) -> bytes:
    """The PNG that ``save`` writes."""
    from PIL import Image, PngImagePlugin

    known = [{"title": item.title, **item.landscape.provenance.to_json()} for item in scene.items]
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Software", f"lossviz {__version__}")
    texts.add_text("Title", " | ".join(item.title for item in scene.items))
    texts.add_text("lossviz_view", state.to_json())
    texts.add_text("lossviz_provenance", json.dumps(known))
    opaque = bool((rgba[..., 3] == 255).all())
    image = Image.fromarray(np.ascontiguousarray(rgba[..., :3] if opaque else rgba))
    file = io.BytesIO()
    dpi = {"dpi": (state.picture.dpi,) * 2} if state.picture.dpi else {}
    image.save(file, format="PNG", pnginfo=texts, optimize=False, **dpi)
    return file.getvalue()


def check_output(path: str | Path) -> None:
    """Refuse what ``save`` could not write, before anything is drawn.

    Raises
    ------
    UsageError, LossvizError
        If it is no name of a PNG, a folder, or in a folder that cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise UsageError(f"output: expected a name that ends in .png, got {str(path)!r}")
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        why = "is a folder" if path.is_dir() else "its folder is missing or cannot be written"
        raise LossvizError(f"{path}: cannot write the picture: {why}")


def file_stem(names: Iterable[str], between: str = "_") -> str:
    """The name of a file with these things in it, short enough for any file system."""
    stem = between.join(names).replace("/", "_")
    return os.fsencode(stem)[:100].decode(errors="ignore")


def create_context() -> moderngl.Context:
    """An off-screen OpenGL 3.3 context: EGL on Linux, the platform's own elsewhere.

    Raises
    ------
    LossvizError
        If there is no OpenGL 3.3, with what to install.
    """
    import sys

    options: dict[str, Any] = {"backend": "egl"} if sys.platform.startswith("linux") else {}
    try:
        return moderngl.create_context(standalone=True, require=330, **options)
    except Exception as error:
        raise LossvizError(
            f"OpenGL 3.3 off-screen: not available ({error}); on Debian and Ubuntu: "
            "apt-get install libegl1 libgl1 libgl1-mesa-dri"
        ) from None
