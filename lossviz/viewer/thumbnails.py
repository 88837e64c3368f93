"""Small pictures of landscapes, kept where the system keeps what can be made again.

One is found again by its file's path, time and size, and by how it looks; so many of so many bytes
are kept, and those that were not looked at for longest go.
"""

from __future__ import annotations

import io
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lossviz import __version__
from lossviz.errors import LossvizError, printable
from lossviz.files import replace
from lossviz.landscape import Landscape
from lossviz.viewer.feed import Stamp
from lossviz.viewer.state import LabelState, MarkState, ViewState
from lossviz.viewer.text import one_line

MOST, MOST_BYTES = 1000, 64 << 20
LARGEST = 2 << 20  # bytes of one
KEPT = 0.8  # of the most, after some had to go


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """A picture ``(h, w, 3)`` uint8 of a landscape, its title and its size in words."""

    pixels: NDArray[np.uint8]
    title: str
    size: str


def view(theme: str) -> ViewState:
    """How landscapes look that small: nothing is written on them."""
    state = ViewState(marks=MarkState(names=False), labels=LabelState(shown=False))
    state.picture.theme = theme
    own = state.axes
    own.axes = own.color_bar = own.title = own.legend = False
    state.isolines.labels, state.isolines.count = "nowhere", 12
    state.trajectories.width, state.critical.size, state.critical.lines = 1.4, 2.6, False
    return state


def size_of(landscape: Landscape) -> str:
    """Points, or curves, in words."""
    if landscape.surface is None:
        count = len(landscape.curves)
        return f"{count:,} curve{'' if count == 1 else 's'}"
    n, m = landscape.surface.shape
    left = float(landscape.surface.evaluated.mean())
    return f"{n:,} × {m:,}" + (f", {left:.0%} evaluated" if left < 1 else "")


def title_of(landscape: Landscape) -> str:
    """What it is called, in one line."""
    return printable(one_line(landscape.title))[:200]


def folder() -> Path:
    """Where they are: ``LOSSVIZ_CACHE_DIR``, else where the system keeps such."""
    if own := os.environ.get("LOSSVIZ_CACHE_DIR"):
        return Path(own) / "thumbnails"
    from platformdirs import user_cache_path

    return user_cache_path("lossviz", appauthor=False) / "thumbnails"


def key(path: Path, stamp: Stamp, theme: str, size: tuple[int, int]) -> str:
    """The name of what is kept of a file as it is now."""
    text = json.dumps([__version__, str(path.absolute()), stamp, theme, size])
    import hashlib

    return hashlib.sha256(os.fsencode(text)).hexdigest()[:40] + ".png"


def load(name: str, size: tuple[int, int]) -> Thumbnail | None:
    """What is kept under a name; None if nothing is, or nothing sound."""
    from PIL import Image

    path = folder() / name
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST + 1)
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            if len(content) > LARGEST or image.size != size or image.mode != "RGB":
                return None
            told = json.loads(image.info["lossviz_thumbnail"])
            found = Thumbnail(np.array(image), str(told["title"])[:200], str(told["size"])[:80])
        with suppress(OSError):
            os.utime(path)  # it was looked at
        return found
    except (OSError, ValueError, KeyError, TypeError, SyntaxError, Image.DecompressionBombError):
        return None


def save(name: str, made: Thumbnail) -> None:
    """Keep one, and let the oldest go where there are too many; in silence where it cannot be."""
    from PIL import Image, PngImagePlugin

    texts = PngImagePlugin.PngInfo()
    texts.add_text("lossviz_thumbnail", json.dumps({"title": made.title, "size": made.size}))
    file = io.BytesIO()
    Image.fromarray(made.pixels).save(file, format="PNG", pnginfo=texts)
    with suppress(OSError, LossvizError):
        folder().mkdir(parents=True, exist_ok=True)
        replace(folder() / name, lambda to: to.write(file.getvalue()), name)
        prune()


def prune() -> None:
    """Let those go that were not looked at for longest, where there are too many."""
    with os.scandir(folder()) as entries:
        pictures = [entry for entry in entries if entry.name.endswith(".png") and entry.is_file()]
        found = [(one.stat().st_mtime, one.stat().st_size, one.path) for one in pictures]
    if len(found) <= MOST and sum(size for _, size, _ in found) <= MOST_BYTES:
        return
    count = total = 0
    for _, size, path in sorted(found, reverse=True):
        count, total = count + 1, total + size
        if count > KEPT * MOST or total > KEPT * MOST_BYTES:
            with suppress(OSError):
                os.unlink(path)
