"""Files that are replaced as a whole, so that others find the old one or the new; and names."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from lossviz.errors import LossvizError, printable

# What taking values out of somebody's JSON raises where it is damaged or hostile.
DAMAGED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)


def replace(path: Path, fill: Callable[[IO[bytes]], object], place: str) -> None:
    """Fill a temporary file beside ``path``, bring it to the disk and put it in its place.

    Raises
    ------
    LossvizError
        If it cannot be written; ``place`` is what the user calls it.
    """
    import secrets  # with hashlib: what only reads does not wait for it

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


def distinct(paths: Sequence[str]) -> list[str]:
    """Names for files: without folders, unless two are the same."""
    names = [Path(path).name for path in paths]
    if len(set(names)) == len(names):
        return names
    longer = ["/".join(Path(path).parts[-2:]) for path in paths]
    return longer if len(set(longer)) == len(longer) else [f"{n} {k}" for k, n in enumerate(names)]
