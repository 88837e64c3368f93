"""The system's own dialog for files and folders. It is another program: the window goes on."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any

from imgui_bundle import portable_file_dialogs as system

from lossviz.errors import LossvizError
from lossviz.folders import SUFFIX

# On Linux the dialog is one of these programs.
PROGRAMS = ("zenity", "matedialog", "qarma", "kdialog")


def check() -> None:
    """Refuse where the system has no such dialog.

    Raises
    ------
    LossvizError
        With what to do instead.
    """
    if sys.platform.startswith("linux") and not any(map(shutil.which, PROGRAMS)):
        raise LossvizError(
            f"There is no file dialog here (none of {', '.join(PROGRAMS)}): drop files or folders "
            "on the window, or name them after `lossviz view`."
        )


class Dialog:
    """An open dialog for files, or for a folder. ``poll`` now and then; ``close`` at the end.

    Raises
    ------
    LossvizError
        If the system has none.
    """

    def __init__(self, folder: bool = False) -> None:
        check()
        start = os.getcwd()
        self._open: Any
        if folder:
            self._open = system.select_folder("Open a folder of landscapes", start)
        else:
            kinds = ["Landscapes, pictures, views", f"*{SUFFIX} *.png *.json", "All files", "*"]
            self._open = system.open_file("Open landscapes", start, kinds, system.opt.multiselect)

    def poll(self) -> tuple[str, ...] | None:
        """What was chosen, nothing if it was left; None while it is open."""
        if not self._open.ready(0):
            return None
        found = self._open.result()
        return tuple(one for one in ([found] if isinstance(found, str) else found) if one)

    def close(self) -> None:
        """Close it, if it is open: the window does not wait for it."""
        if not self._open.ready(0):
            self._open.kill()
