"""Landscapes that come while the window is open: files that were rewritten, files to open."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import glfw

from lossviz.errors import LossvizError, UsageError
from lossviz.viewer import commands as cmd
from lossviz.viewer.arrangement import check, drop_impossible
from lossviz.viewer.canvas import Canvas
from lossviz.viewer.colormaps import names
from lossviz.viewer.feed import Feed
from lossviz.viewer.live import Live
from lossviz.viewer.memory import MOST_TOGETHER
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from lossviz.viewer.views import KINDS, load_view
from lossviz.viewer.window import window_title

if TYPE_CHECKING:
    from lossviz.viewer.app import App


def read_news(app: App) -> None:
    """Show the files that were rewritten since the last call; keep what cannot be shown."""
    for news in app.feed.poll():
        if news.landscape is None:
            app.tell(news.problem)
            continue
        before = app.scene.items[news.index]
        try:
            app.scene.replace(news.index, news.landscape)
            _try_drawing(app)
        except Exception as error:  # what cannot be drawn does not close the window
            app.scene.items[news.index] = before
            app.tell(f"The new file cannot be drawn ({error}); showing the one before.")
        _show_known(app)
        app.soon()


def open_files(app: App, paths: Sequence[str]) -> None:
    """Show other files instead, as they were seen last; on any problem keep what is shown.

    A folder, or very many files, are shown as a gallery; a picture, or a view as JSON, gives the
    view of what is shown.
    """
    from lossviz import ply

    if len(paths) > MOST_TOGETHER or any(os.path.isdir(path) for path in paths):
        app.browsing.open(paths)
        return
    if len(paths) == 1 and paths[0].lower().endswith(KINDS):
        _open_view(app, paths[0])
        return
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
    app.session.leave(app)
    app.feed = Feed([Path(path) for path in paths], wake=glfw.post_empty_event)
    app.live = Live(app.feed.paths)
    glfw.set_window_title(app.handle, window_title(scene))
    app.session.opened(paths)
    app.browsing.leave()
    app.state.compare = replace(
        app.state.compare, first=0, second=1, handled=0, cameras=(), differences=()
    )
    seen = app.session.seen(paths)
    if seen is None or not take_view(app, seen, "remembered"):
        _show_known(app)
        app.obey(cmd.Fit())


def take_view(app: App, view: ViewState, what: str) -> bool:
    """Show ``view``, if it fits these files: all of it but its panels. Playing stops, so that the
    present step is the view's."""
    if not fits(app, view, what):
        return False
    panels = replace(app.state.panels, playing=False)
    app.state = replace(copy.deepcopy(view), panels=panels)
    app.soon()
    return True


def fits(app: App, view: ViewState, what: str) -> bool:
    """Whether these files have what a view shows; tells that of ``what`` if not."""
    needed = {view.surface.height, view.surface.color}
    if missing := needed - set(app.scene.quantities()):
        shown = ", ".join(sorted(missing))
        app.tell(f"The view ({what}) needs quantities that these files do not have: {shown}.")
        return False
    try:
        check([item.landscape for item in app.scene.files], view)
    except UsageError as error:
        app.tell(f"The view ({what}) does not fit these files: {error}")
        return False
    for colormap in (view.surface.colormap, view.trajectories.colormap):
        if colormap not in names():
            app.tell(f"The view ({what}) needs an unknown colour map: {colormap:.60}.")
            return False
    return True


def _open_view(app: App, path: str) -> None:
    app.note()
    try:
        take_view(app, load_view(path), Path(path).name)
    except LossvizError as error:
        app.tell(str(error))


def _try_drawing(app: App) -> None:
    canvas = Canvas(app.ctx)
    try:
        canvas.fit((64, 64))
        app.picture.draw(app.scene, app.state, canvas.framebuffer, 64, 64, scale=1.0)
    finally:
        app.screen.use()
        canvas.release()


def _show_known(app: App) -> None:
    """Show the loss in the place of a quantity that not every landscape has (any more), and no
    difference of grids that are not the same (any more)."""
    if why := drop_impossible(app.scene, app.state):
        app.tell(why)
    known = app.scene.quantities()
    for name in ("height", "color"):
        if (missing := getattr(app.state.surface, name)) not in known:
            setattr(app.state.surface, name, "loss")
            app.tell(f"No {missing.replace('_', ' ')} in every file; showing the loss.")
