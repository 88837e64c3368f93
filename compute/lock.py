"""A folder that one process works in."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from lossviz.errors import LossvizError


def locked(folder: Path) -> IO[bytes]:
    """Hold ``folder/lock`` open with a lock that the system drops when the process dies; without
    one where the system, or this file system, has none.

    Raises
    ------
    LossvizError
        If somebody else holds it.
    """
    file = open(folder / "lock", "ab")
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise LossvizError(f"{folder}: another process is computing it; wait or stop it") from None
    except (ImportError, OSError):  # Windows; some network file systems
        pass
    return file
