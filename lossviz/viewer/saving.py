"""Pictures of the window into files, and views into the clipboard and back."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import glfw
import numpy as np
from numpy.typing import NDArray

from lossviz.errors import LossvizError
from lossviz.viewer.beside import finish
from lossviz.viewer.canvas import Canvas
from lossviz.viewer.incoming import take_view
from lossviz.viewer.profiles import profiles_csv
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import Start, ViewState
from lossviz.viewer.views import view_of_text

if TYPE_CHECKING:
    from lossviz.viewer.app import App


def screenshot(app: App) -> None:
    """As the picture section says, into the first free name in the present folder."""
    from lossviz.viewer.screenshot import save, take

    own, path = app.state.picture, free_name(app.scene)
    finish(app.scene, app.state)
    try:
        if own.panels:
            rgba = _window_pixels(app)
        else:
            rgba = take(
                app.picture, app.scene, app.state, width=own.width, height=own.height,
                scale=own.scale, supersample=own.supersample, transparent=own.transparent,
            )  # fmt: skip
        save(path, rgba, app.scene, app.state)
        app.tell(f"Saved {path.resolve()}")
    except LossvizError as error:
        app.tell(str(error))
    app.redraw()


def screenshot_each(app: App) -> None:
    """Every file's landscape alone, all on one scale and from one place."""
    from lossviz.viewer.alike import alike, of_one
    from lossviz.viewer.screenshot import save, take

    landscapes = [item.landscape for item in app.scene.files]
    state, paths = alike(landscapes, app.state), []
    own = state.picture
    try:
        for number, landscape in enumerate(landscapes):
            scene, view = Scene([landscape]), of_one(state, number)
            finish(scene, view)
            rgba = take(
                app.picture, scene, view, width=own.width, height=own.height,
                scale=own.scale, supersample=own.supersample, transparent=own.transparent,
            )  # fmt: skip
            paths.append(free_name(scene))
            save(paths[-1], rgba, scene, view)
        app.tell(f"Saved {len(paths)} pictures, the last one {paths[-1].resolve()}")
    except LossvizError as error:
        app.tell(str(error))
    app.redraw()


def free_name(scene: Scene, kind: str = "", suffix: str = ".png") -> Path:
    """What the next picture, or another kind of file, is called."""
    from lossviz.viewer.screenshot import file_stem

    stem, number = file_stem(item.title for item in scene.items), 1
    while os.path.exists(path := f"lossviz-{stem}{kind}-{number:03}{suffix}"):
        number += 1
    return Path(path)


def _window_pixels(app: App) -> NDArray[np.uint8]:
    """The window, drawn once more off the screen: the shown one cannot be read reliably."""
    canvas = Canvas(app.ctx)
    canvas.fit(app.pixels)
    app.draw_window(canvas.framebuffer)
    rgba = canvas.pixels()
    app.screen.use()
    canvas.release()
    return rgba


def save_profiles(app: App) -> None:
    """The profiles of all slices into the first free name in the present folder."""
    from lossviz.files import replace as write_whole

    path = free_name(app.scene, "-slice", ".csv")
    text = profiles_csv(app.scene, app.state)
    try:
        write_whole(path, lambda file: file.write(text.encode()), str(path))
        app.tell(f"Saved {path.resolve()}")
    except LossvizError as error:
        app.tell(str(error))


def copy_view(app: App) -> None:
    """The view as text into the clipboard."""
    glfw.set_clipboard_string(app.handle, app.state.to_json())
    app.tell("The view is in the clipboard.")


def paste_view(app: App) -> None:
    """The view from the clipboard, if there is one that fits these files."""
    text: Any = glfw.get_clipboard_string(app.handle) or b""
    try:
        view = view_of_text(bytes(text).decode(errors="replace"))
    except LossvizError as error:
        app.tell(f"The clipboard holds no view: {error}")
        return
    take_view(app, view, "in the clipboard")


def copy_place(app: App, place: int | None) -> None:
    """The command that writes the weights at a labelled place, or at the pointer, into the
    clipboard."""
    found = app.pointer.pointed().place if place is None else _labelled(app.state, place)
    if found is None or found[0] >= len(app.session.files):
        app.tell("Nothing to copy: point at the surface.")
        return
    text = checkpoint_command(app.session.files[found[0]], *found[1:])
    glfw.set_clipboard_string(app.handle, text)
    app.tell(f"Copied: {text}")


def _labelled(state: ViewState, place: int) -> Start | None:
    return state.labels.places[place] if place < len(state.labels.places) else None


def checkpoint_command(file: str, alpha: float, beta: float) -> str:
    """What to type to have the weights at a place of a landscape's plane in a file."""
    # With "=": a negative alpha is no option.
    return f"lossviz checkpoint {shlex.quote(file)} --at={alpha:.9g},{beta:.9g} -o net.pt"
