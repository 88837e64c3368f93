"""The folder of the user's settings, and the JSON files in it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from lossviz.errors import LossvizError, printable
from lossviz.files import replace

LARGEST = 4 << 20  # bytes of one file


def folder() -> Path:
    """Where settings are: ``LOSSVIZ_CONFIG_DIR``, else where the system keeps them."""
    if own := os.environ.get("LOSSVIZ_CONFIG_DIR"):
        return Path(own)
    from platformdirs import user_config_path

    return user_config_path("lossviz", appauthor=False)


def read_text(name: str) -> str:
    """A whole file; empty if there is none.

    Raises
    ------
    LossvizError
        If it cannot be read, is no text, or is far too large.
    """
    path = folder() / name
    try:
        if not path.is_file():
            return ""
        with open(path, "rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise LossvizError(f"{name}: expected at most {LARGEST:,} bytes, got more")
        return content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise LossvizError(f"{name}: cannot be read: {error}") from None


def read_json(name: str) -> dict[str, Any]:
    """An object; empty if there is no such file.

    Raises
    ------
    LossvizError
        If it cannot be read or holds something else.
    """
    text = read_text(name)
    if not text:
        return {}
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LossvizError(f"{name}: expected JSON: {printable(str(error))}") from None
    if not isinstance(values, dict):
        raise LossvizError(f"{name}: expected an object, got {type(values).__name__}")
    return values


def write_json(name: str, values: dict[str, Any]) -> None:
    """Replace the file as a whole; makes the folder.

    Raises
    ------
    LossvizError
        If it cannot be written.
    """
    own = folder()
    try:
        own.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LossvizError(f"{own}: cannot be made: {error.strerror}") from None
    text = json.dumps(values, indent=1)
    replace(own / name, lambda file: file.write(text.encode()), str(own / name))
