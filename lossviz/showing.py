"""A landscape shows itself: as a picture in a notebook, in a window of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lossviz.errors import LossvizError

if TYPE_CHECKING:
    from lossviz.landscape import Landscape

WIDTH, HEIGHT = 960, 640  # pixels in a notebook
_windows: list[subprocess.Popen[bytes]] = []  # held, so that none is left unfinished


def png(landscape: Landscape) -> bytes | None:
    """The picture that ``lossviz render`` draws, as a PNG; None if it cannot be drawn."""
    try:
        from lossviz.commands.render import draw
        from lossviz.viewer.screenshot import encode
        from lossviz.viewer.state import ViewState

        state = ViewState()
        state.picture.width, state.picture.height = WIDTH, HEIGHT
        rgba, scene = draw([landscape], state)
        return encode(rgba, scene, state)
    except (LossvizError, ImportError):  # no OpenGL here, or no surface in it
        return None


def show(landscape: Landscape) -> None:
    """Write the landscape to a temporary file and open a window on it, in another process.

    The file stays where the system keeps temporary files: the window may outlive this process.
    Without a display the picture goes beside it, and where that is gets printed.

    Raises
    ------
    LossvizError
        If the file cannot be written.
    """
    from lossviz import ply
    from lossviz.viewer.screenshot import file_stem

    try:
        folder = Path(tempfile.mkdtemp(prefix="lossviz-"))
        path = folder / f"{file_stem([landscape.title])}.ply"
        ply.write(landscape, path)
    except OSError as error:
        raise LossvizError(f"{tempfile.gettempdir()}: cannot be written: {error}") from None
    _windows[:] = [one for one in _windows if one.poll() is None]
    command = [sys.executable, "-m", "lossviz", "view", str(path), "--fresh", "--output-dir",
               str(folder)]  # fmt: skip
    # A session of its own: Ctrl-C in a terminal stops a computation there, not the window.
    _windows.append(subprocess.Popen(command, start_new_session=True))
