"""Folders of landscapes: one stands for the landscapes in it, wherever files are named."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from lossviz.errors import InputError, printable

SUFFIX = ".ply"
LOOKED_AT = 100_000  # entries of a folder


def landscapes(folder: Path) -> list[Path]:
    """The landscapes in a folder itself, by name: ``run2`` before ``run10``.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            found = [
                Path(entry.path)
                for entry in islice(entries, LOOKED_AT)
                if entry.name.lower().endswith(SUFFIX)
                and not entry.name.startswith(".")
                and entry.is_file()
            ]
    except OSError as error:
        raise InputError(f"{printable(str(folder))}: cannot be read: {error.strerror}") from None
    return sorted(found, key=_by_name)


def _by_name(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Digits count as numbers: as long ones as file names can hold."""
    parts = re.split(r"(\d+)", path.name.casefold())
    numbered = [
        (len(part.lstrip("0")), part.lstrip("0")) if index % 2 else (0, part)
        for index, part in enumerate(parts)
    ]
    return numbered, path.name


def expanded(paths: Sequence[str | Path]) -> list[Path]:
    """``paths`` with the landscapes of folders in the folders' place.

    Raises
    ------
    InputError
        If a folder cannot be read or has none.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        inside = landscapes(path) if path.is_dir() else [path]
        if not inside:
            raise InputError(f"{printable(str(path))}: expected landscapes ({SUFFIX}) in the "
                             "folder, got none")  # fmt: skip
        found += inside
    return found
