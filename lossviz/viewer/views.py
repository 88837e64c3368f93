"""Views from where they are kept: a JSON file, a picture that lossviz saved, text of either."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from lossviz.errors import InputError
from lossviz.viewer.state import ViewState

KINDS = (".json", ".png")
_PNG = b"\x89PNG\r\n\x1a\n"


def load_view(path: str | Path) -> ViewState:
    """A view from a JSON file or out of a picture that lossviz saved.

    Raises
    ------
    InputError
        If there is no view in the file.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: expected a view as JSON or in a PNG, got no such file")
    try:
        with open(path, "rb") as file:
            start = file.read(8)
            text = "" if start == _PNG else (start + file.read(1 << 20)).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: expected a view as JSON or in a PNG: {error}") from None
    try:
        return ViewState.from_json(text or _inside(path))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _inside(path: str | Path) -> str:
    """The view that a PNG carries, as text."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return str(image.info.get("lossviz_view", ""))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"expected a PNG by lossviz: {error}") from None


def view_of_text(text: str) -> ViewState:
    """A view from what was copied: its JSON, or the place of a file that holds one.

    Raises
    ------
    InputError
        If it is neither.
    """
    line = text.strip()
    # File managers copy a path, or a URI.
    path = unquote(urlsplit(line).path) if line.startswith("file://") else line
    if "\n" not in path and len(path) < 4096 and path.lower().endswith(KINDS):
        return load_view(path)
    return ViewState.from_json(text)
