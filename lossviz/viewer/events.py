"""GLFW's events of the window: to the panels first, then to the camera or to a command."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import glfw

from lossviz.viewer.arrangement import handle
from lossviz.viewer.incoming import open_files
from lossviz.viewer.legend import arranged
from lossviz.viewer.window import key_name

if TYPE_CHECKING:
    from lossviz.viewer.app import App

# GLFW does not say with a scroll which keys are held.
_HELD = (
    (glfw.KEY_LEFT_CONTROL, glfw.KEY_RIGHT_CONTROL, glfw.KEY_LEFT_SUPER, glfw.KEY_RIGHT_SUPER),
    (glfw.KEY_LEFT_SHIFT, glfw.KEY_RIGHT_SHIFT),
)


def listen(app: App) -> None:
    """Hand every event of the app's window to it, from now on."""
    handle = app.handle
    glfw.set_cursor_pos_callback(handle, lambda _, x, y: _pointer(app, x, y))
    glfw.set_mouse_button_callback(handle, lambda _, *event: _button(app, *event))
    glfw.set_scroll_callback(handle, lambda _, x, y: _wheel(app, x, y))
    glfw.set_key_callback(handle, lambda _, *event: _key(app, *event))
    glfw.set_char_callback(handle, lambda _, code: _character(app, code))
    glfw.set_drop_callback(handle, lambda _, paths: open_files(app, list(paths)))  # type: ignore[arg-type,misc]
    glfw.set_window_refresh_callback(handle, lambda _: app.soon())
    glfw.set_framebuffer_size_callback(handle, lambda *_: app.measure())
    glfw.set_window_size_callback(handle, lambda *_: app.measure())
    glfw.set_window_content_scale_callback(handle, lambda *_: app.measure())


def _pointer(app: App, x: float, y: float) -> None:
    if app.gui is not None:
        app.gui.pointer(x, y)
    moved = app.gestures.move(app.state.camera, x * app.density, y * app.density)
    app.camera_moved(moved)
    app.soon()


def _button(app: App, button: int, action: int, modifiers: int) -> None:
    if app.gui is not None:
        app.gui.button(button, action == glfw.PRESS, modifiers)
    if action == glfw.RELEASE:
        app.camera_moved(app.gestures.release(app.state.camera))
    elif not app.over_panels():
        shift = bool(modifiers & glfw.MOD_SHIFT)
        _take_camera(app)
        moved = app.gestures.press(app.state.camera, button, shift, time.monotonic())
        app.camera_moved(moved)
    app.soon()


def _wheel(app: App, x: float, y: float) -> None:
    if app.gui is not None:
        app.gui.wheel(x, y)
    if not app.over_panels():
        _take_camera(app)
        ctrl, shift = (
            any(glfw.get_key(app.handle, key) == glfw.PRESS for key in keys) for keys in _HELD
        )
        fingers = app.session.fingers.are(x, y, time.monotonic())
        action = app.session.scrolls.action(fingers, ctrl=ctrl, shift=shift)
        app.camera_moved(app.gestures.scroll(app.state.camera, x, y, action))
    app.soon()


def _take_camera(app: App) -> None:
    """The camera is that of the landscape under the pointer, where each has its own."""
    if not app.state.compare.linked:
        found = arranged(app.scene, app.state, *app.free, app.points)
        for index, cell in enumerate(found.cells):
            if cell.contains(*app.gestures.at) and not app.scene.items[index].is_figure:
                handle(app.scene, app.state, index)
                return


def _key(app: App, key: int, code: int, action: int, modifiers: int) -> None:
    if app.gui is not None:
        app.gui.key(key, action != glfw.RELEASE, modifiers)
    app.soon()
    # A key that is held repeats; a switch that flickers helps nobody.
    if action != glfw.PRESS or (app.gui is not None and app.gui.wants_text):
        return
    ctrl = bool(modifiers & (glfw.MOD_CONTROL | glfw.MOD_SUPER))
    shift = bool(modifiers & glfw.MOD_SHIFT)
    command = app.session.command(key_name(key), ctrl=ctrl, shift=shift)
    if command is not None:
        app.obey(command)


def _character(app: App, code: int) -> None:
    if app.gui is not None:
        app.gui.character(code)
    app.soon()
