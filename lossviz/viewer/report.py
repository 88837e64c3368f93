"""What tests read while they use the window: after each frame, the view and more as JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import glfw

if TYPE_CHECKING:
    from lossviz.viewer.app import App
    from lossviz.viewer.pointing import Pointed


def write_report(app: App, path: Path, pointed: Pointed) -> None:
    """Replace the file at ``path``; ``pointed`` is what is told of what is under the pointer."""
    told = {
        "frames": app.frames, "size": app.size, "view": json.loads(app.state.to_json()),
        "revisions": [item.revision for item in app.scene.items], "message": app.message,
        "pointed": pointed.on, "read": pointed.read,
        "dropped": [len(item.dropped) for item in app.scene.items],
        "basins": [len(item.basins) for item in app.scene.items],
        "at": glfw.get_window_pos(app.handle), "titles": [item.title for item in app.scene.items],
        "recent": app.session.recent,
        "gallery": app.browsing.told(),
        "underway": [[one.running, one.status.done, *one.lines()] for one in app.live.shown],
    }  # fmt: skip
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(told), encoding="utf-8")
    os.replace(temporary, path)
