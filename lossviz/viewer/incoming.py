"""Landscapes that come while the window is open: files that were rewritten, files to open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import glfw

from lossviz.errors import LossvizError
from lossviz.viewer import commands as cmd
from lossviz.viewer.canvas import Canvas
from lossviz.viewer.feed import Feed
from lossviz.viewer.scene import Scene
from lossviz.viewer.window import window_title

if TYPE_CHECKING:
    from lossviz.viewer.app import App


def read_news(app: App) -> None:
    """Show the files that were rewritten since the last call; keep what cannot be shown."""
    for news in app.feed.poll():
        if news.landscape is None:
            app.tell(news.problem)
            continue
        old = app.scene.items[news.index].landscape
        try:
            app.scene.replace(news.index, news.landscape)
            _try_drawing(app)
        except LossvizError as error:
            app.tell(str(error))
        except Exception as error:  # what cannot be drawn does not close the window
            app.scene.replace(news.index, old)
            app.tell(f"The new file cannot be drawn ({error}); showing the one before.")
        _show_known(app)
        app.soon()


def open_files(app: App, paths: Sequence[str]) -> None:
    """Show other files instead; on any problem keep what is shown."""
    from lossviz import ply

    try:
        scene = Scene([ply.read(path) for path in paths])
    except LossvizError as error:
        app.tell(str(error))
        return
    before, app.scene = app.scene, scene
    try:
        _try_drawing(app)
    except Exception as error:
        app.scene = before
        app.tell(f"The files cannot be drawn ({error}); showing the ones before.")
        return
    app.feed = Feed([Path(path) for path in paths], wake=glfw.post_empty_event)
    glfw.set_window_title(app.handle, window_title(scene))
    _show_known(app)
    app.obey(cmd.Fit())


def _try_drawing(app: App) -> None:
    canvas = Canvas(app.ctx)
    try:
        canvas.fit((64, 64))
        app.picture.draw(app.scene, app.state, canvas.framebuffer, 64, 64, scale=1.0)
    finally:
        app.screen.use()
        canvas.release()


def _show_known(app: App) -> None:
    """Show the loss in the place of a quantity that not every landscape has (any more)."""
    known = app.scene.quantities()
    for name in ("height", "color"):
        if (missing := getattr(app.state.surface, name)) not in known:
            setattr(app.state.surface, name, "loss")
            app.tell(f"No {missing.replace('_', ' ')} in every file; showing the loss.")
