"""Files that are replaced as a whole: whoever looks finds the old one or the new one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import IO

from lossviz.errors import LossvizError, printable


def replace(path: Path, fill: Callable[[IO[bytes]], object], place: str) -> None:
    """Fill a temporary file beside ``path``, bring it to the disk and put it in its place.

    Raises
    ------
    LossvizError
        If it cannot be written; ``place`` is what the user calls it.
    """
    if not path.parent.is_dir():
        raise LossvizError(f"{place}: cannot be written: no folder {printable(str(path.parent))}")
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "no regular file"
        raise LossvizError(f"{place}: cannot be written: it is {kind}")
    temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(4)}.tmp")
    try:
        try:
            with open(temporary, "xb") as file:  # "x": as the umask says, never another's file
                fill(file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise LossvizError(f"{place}: cannot be written: {error.strerror or error}") from None
