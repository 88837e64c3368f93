"""What a window keeps beside its view: undo, bookmarks, keys, recent files, the next start."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import glfw

from lossviz.errors import LossvizError, printable
from lossviz.viewer import bookmarks, keys, memory
from lossviz.viewer import commands as cmd
from lossviz.viewer.arrangement import add_difference
from lossviz.viewer.history import History
from lossviz.viewer.incoming import fits, open_files, take_view
from lossviz.viewer.scrolling import Fingers
from lossviz.viewer.state import ViewState

if TYPE_CHECKING:
    from lossviz.viewer.app import App

_BUTTONS = (glfw.MOUSE_BUTTON_LEFT, glfw.MOUSE_BUTTON_RIGHT, glfw.MOUSE_BUTTON_MIDDLE)


class Session:
    """``known`` is what was remembered; None: neither that nor the next start counts."""

    def __init__(self, files: Sequence[Path], known: memory.Memory | None) -> None:
        self.files = memory.absolute(files)
        self.known = known
        self.history = History()
        self.bindings, self.scrolls, self.problems = keys.load()
        self.fingers = Fingers()

    @property
    def recent(self) -> list[tuple[str, ...]]:
        """Files that were shown before, the latest first, without those that are shown now."""
        found = () if self.known is None else self.known.recent
        return [one.files for one in found if one.files != self.files]

    def start(self, app: App) -> None:
        """The window where it was; what is odd among the keys in a line each."""
        if self.known is not None and self.known.place is not None:
            put_window(app, self.known.place)
        if app.options.in_points and app.scale > 1:
            scale_window(app)
        for problem in self.problems:
            print(f"lossviz: {printable(problem)}", file=sys.stderr)
        if self.problems:
            more = len(self.problems) - 1
            app.tell(self.problems[0] + (f" (and {more} more)" if more else ""))

    def command(self, key: str, *, ctrl: bool, shift: bool) -> cmd.Command | None:
        """What a key press asks for."""
        return cmd.command_for(key, ctrl=ctrl, shift=shift, bindings=self.bindings)

    def note(self, app: App) -> None:
        """Where a gesture has ended, its change of the view becomes a step."""
        held = any(glfw.get_mouse_button(app.handle, button) for button in _BUTTONS)
        if not held and not (app.gui is not None and app.gui.wants_text):
            app.note()

    def obey(self, app: App, command: cmd.Command) -> None:
        """Do what concerns the session."""
        try:
            match command:
                case cmd.Undo():
                    self._go(app, self.history.undo(app.state), "Nothing to undo.")
                case cmd.Redo():
                    self._go(app, self.history.redo(app.state), "Nothing to redo.")
                case cmd.Recall(slot):
                    view = bookmarks.recall(slot)
                    if view is None:
                        app.tell(f"Bookmark {slot} is empty: {self._keeping(slot)} keeps a view.")
                    else:
                        take_view(app, view, f"bookmark {slot}")
                case cmd.Keep(slot):
                    bookmarks.keep(slot, app.state)
                    app.tell(f"The view is bookmark {slot}.")
                case cmd.AddDifference():
                    add_difference(app.scene, app.state)
                case cmd.OpenFiles(files):
                    open_files(app, files)
                case cmd.StopComputation(folder):
                    app.live.stop(folder)
                case cmd.HideComputation(folder):
                    app.live.hide(folder)
                case cmd.CopyText(text, says):
                    glfw.set_clipboard_string(app.handle, text)
                    app.tell(says)
                case cmd.ForgetFiles():
                    if self.known is not None:
                        self.known = replace(self.known, recent=())
                        memory.save(self.known)
        except LossvizError as error:
            app.tell(str(error))

    def _go(self, app: App, view: ViewState | None, nothing: str) -> None:
        if view is None:
            app.tell(nothing)
        elif fits(app, view, "step before"):
            app.state = view
            app.soon()
        else:
            self.history.forget()

    def _keeping(self, slot: int) -> str:
        found = next(one.keys for one in self.bindings if isinstance(one.command, cmd.Keep))
        return keys.spoken(found[slot - 1]) if slot <= len(found) else "no key"

    def leave(self, app: App) -> None:
        """Write down how the files are seen now, and the window and the panels."""
        if self.known is None:
            return
        try:
            try:
                known = memory.load()  # other windows may have closed meanwhile
            except LossvizError:
                known = memory.Memory()
            panels = replace(app.state.panels, help=False)
            known = replace(known, panels=panels, place=_window_place(app, known))
            self.known = known.with_view(self.files, app.state)
            memory.save(self.known)
        except LossvizError as error:
            print(f"lossviz: {printable(str(error))}", file=sys.stderr)

    def opened(self, files: Sequence[str | Path]) -> None:
        """Other files are shown from now on: there is no way back into views of those before."""
        self.files = memory.absolute(files)
        self.history.forget()

    def seen(self, files: Sequence[str | Path]) -> ViewState | None:
        """How files were seen last; None if that is not known."""
        found = None if self.known is None else self.known.of(files)
        return None if found is None else found.state()


def scale_window(app: App) -> None:
    """Give the window its size in points, as far as the monitor has room."""
    *_, across, down = glfw.get_monitor_workarea(glfw.get_primary_monitor())
    width, height = (round(side * app.scale) for side in glfw.get_window_size(app.handle))
    glfw.set_window_size(app.handle, min(width, across or width), min(height, down or height))


def put_window(app: App, place: memory.Place) -> None:
    """Put the window where it was, if a monitor still shows that, and not larger than that."""
    areas = [glfw.get_monitor_workarea(monitor) for monitor in glfw.get_monitors()]
    width, height = glfw.get_window_size(app.handle)
    for left, top, across, down in areas:
        if place.at is None or not across or not down:
            continue
        # The middle of the upper edge is where a window is taken hold of.
        x, y = place.at[0] + width // 2 - left, place.at[1] - top
        if 0 <= x < across and 0 <= y < down:
            if width > across or height > down:
                glfw.set_window_size(app.handle, min(width, across), min(height, down))
            glfw.set_window_pos(app.handle, *place.at)
            break
    if place.maximized:
        glfw.maximize_window(app.handle)


def _window_place(app: App, known: memory.Memory) -> memory.Place | None:
    """Where the window is; maximised, the size and place from before."""
    maximized = bool(glfw.get_window_attrib(app.handle, glfw.MAXIMIZED))
    if glfw.get_window_attrib(app.handle, glfw.ICONIFIED):
        return known.place
    if maximized and known.place is not None:
        return replace(known.place, maximized=True)
    (width, height), (x, y) = glfw.get_window_size(app.handle), glfw.get_window_pos(app.handle)
    return memory.Place((width, height), (x, y), maximized)
