"""The window: its events, its frames, and who owns what.

The loop sleeps until something happens. After an event it draws; while the camera moves it draws
coarsely, at rest in full. The picture is kept, so that a panel's frame costs no surface.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import glfw
import moderngl

from lossviz.errors import LossvizError, printable
from lossviz.viewer import commands as cmd
from lossviz.viewer import saving
from lossviz.viewer.beside import Beside
from lossviz.viewer.browsing import Browsing
from lossviz.viewer.canvas import Canvas
from lossviz.viewer.changes import change
from lossviz.viewer.events import listen
from lossviz.viewer.feed import Feed
from lossviz.viewer.framing import frame_all
from lossviz.viewer.incoming import read_news
from lossviz.viewer.interrupts import between_frames
from lossviz.viewer.layout import sidebar_room
from lossviz.viewer.legend import arranged
from lossviz.viewer.live import Live
from lossviz.viewer.memory import Memory
from lossviz.viewer.picture import Picture
from lossviz.viewer.playing import Clock
from lossviz.viewer.pointer import Pointer
from lossviz.viewer.report import write_report
from lossviz.viewer.scene import Scene
from lossviz.viewer.session import Session
from lossviz.viewer.state import ViewState
from lossviz.viewer.vision import preview
from lossviz.viewer.window import open_window, window_title

if TYPE_CHECKING:
    from lossviz.viewer.gui import Gui

WAIT = 0.5  # seconds that the loop sleeps at most: files are looked at as often
REST = 0.15  # seconds after the last movement until the full picture
SETTLE = 3  # frames after each event: panels may answer late
TOAST = 4.0  # seconds that a message stays


@dataclass(frozen=True)
class Options:
    """What ``lossviz view`` was asked for beside files and view."""

    size: tuple[int, int] = (1280, 760)
    in_points: bool = False  # so large on a monitor of usual density, larger on one of more
    exit_after_first_frame: bool = False
    report: Path | None = None  # after each frame: the view and a frame count as JSON, for tests
    check_gl: bool = False  # stop at the first GL error
    memory: Memory | None = None  # of earlier windows; None: neither that nor remembering this one
    offer: bool = False  # no files were given: recent ones come first
    gallery: Sequence[Path] = ()  # files and folders to choose from, in the place of a scene


class App:
    """A window over one scene. ``run`` returns when it is closed."""

    def __init__(
        self, scene: Scene, state: ViewState, paths: Sequence[Path], options: Options
    ) -> None:
        self.scene, self.state, self.options = scene, state, options
        self._owned = ExitStack()
        self.window = open_window(window_title(scene), options.size)
        self._owned.callback(self.window.destroy)
        self.handle: Any = self.window._window
        self.ctx: moderngl.Context = self.window.ctx
        self.picture = Picture(self.ctx)
        self._owned.callback(self.picture.release)
        self.feed = Feed(paths, wake=glfw.post_empty_event)
        self.live = Live(paths)
        self.gui: Gui | None = None
        self._still = Canvas(self.ctx)  # the picture as it was last drawn
        self._owned.callback(self._still.release)
        self._shown: object = None  # what the last picture shows
        self._kept = False  # whether it is in _still
        self._wanted = 0  # frames until the screenshot that was asked for; 0: none was
        self._save = saving.screenshot
        self.frames, self.due = 0, SETTLE
        self.moved = -1e9
        self.message, self.message_until = "", 0.0
        self.session = Session(paths or options.gallery, options.memory)
        self.clock = Clock()
        self.beside = Beside(wake=glfw.post_empty_event)
        self.pointer = Pointer(self)
        self.gestures = self.pointer.gestures()
        self.measure()
        self.browsing = Browsing(self, options.gallery)
        self._owned.callback(self.browsing.release)

    # ── sizes ────────────────────────────────────────────────────────────────────────────────

    def measure(self) -> None:
        """Sizes now: window units, framebuffer pixels, and how many of each make a point."""
        self.size = glfw.get_window_size(self.handle)
        self.pixels = glfw.get_framebuffer_size(self.handle)
        self.density = self.pixels[0] / max(self.size[0], 1)  # pixels a window unit
        content = glfw.get_window_content_scale(self.handle)[0]
        self.scale = max(content / self.density, 0.5)  # window units a point
        self.ctx.viewport = (0, 0, *self.pixels)
        self.screen = self.ctx.detect_framebuffer(0)
        self.gestures.scale = self.points
        if self.gui is not None:
            self.gui.rescale(self.scale)
        self.due = SETTLE

    @property
    def free(self) -> tuple[int, int]:
        """Pixels that the picture has, left of the sidebar."""
        # The width is known before ImGui is loaded, so that the first picture does not jump.
        sidebar = sidebar_room(self.state, self.size[0], self.scale) * self.density
        return max(round(self.pixels[0] - sidebar), 1), max(self.pixels[1], 1)

    @property
    def points(self) -> float:
        """Pixels a point."""
        return self.density * self.scale

    # ── the loop ─────────────────────────────────────────────────────────────────────────────

    def run(self) -> int:
        """Draw until the window is closed; returns the exit status."""
        with self._owned, between_frames() as interrupted:
            listen(self)
            self.session.start(self)
            self.moved = math.inf  # the first picture at once, however slowly: the full one follows
            self._draw_picture()
            self.moved = time.monotonic()
            self._present()
            if self.options.exit_after_first_frame:
                self.ctx.finish()
                return 0
            self._start_gui()
            self.due = SETTLE
            try:
                while not (glfw.window_should_close(self.handle) or interrupted()):
                    self._step()
            finally:
                self.session.leave(self)
        return 0

    def _step(self) -> None:
        now = time.monotonic()
        playing = self.clock.step(self.scene, self.state, now)
        waiting = min(WAIT, self.gestures.settle(now), playing)
        if self._moving(now):
            waiting = min(waiting, max(self.moved + REST - now, 0.0))
        if self.due:
            glfw.poll_events()
        else:
            glfw.wait_events_timeout(waiting)
        self._read_news()
        if self.message and time.monotonic() > self.message_until:
            self.message, self.due = "", SETTLE
        if self.due or self._picture_key() != self._shown:
            self.due = max(self.due - 1, 0)
            self._frame()
        if not self.due and not self.is_moving:
            self.session.note(self)

    def _moving(self, now: float) -> bool:
        return now - self.moved < REST

    @property
    def is_moving(self) -> bool:
        """Whether the camera moved a moment ago."""
        return self._moving(time.monotonic())

    @property
    def shown(self) -> object:
        """What the picture in the window shows; another value where that is another."""
        return self._shown

    def _frame(self) -> None:
        """One frame: the picture if it changed, the panels, then to the screen."""
        if 0 in self.pixels:
            return
        self.pointer.read_profile()
        self._draw_picture()
        asked = self._draw_gui()
        self._present()
        for command in asked:
            self.obey(command)
        if self._wanted:
            self._wanted -= 1
            if not self._wanted:
                self._save(self)
        if self.browsing.shown or self.is_moving:
            return
        if self.picture.improve(self.scene, self.state):
            self._shown, self.due = None, max(self.due, 1)

    def _picture_key(self) -> object:
        """Everything that the kept picture depends on."""
        state = replace(self.state, panels=None)  # type: ignore[arg-type]
        keys = tuple((item.key, len(item.dropped), len(item.basins)) for item in self.scene.items)
        return state.to_json(), keys, self.free, self.is_moving

    def _draw_picture(self) -> None:
        self._resolve_camera()
        if self.browsing.shown:
            self.screen.use()
            self.browsing.clear()
            self._shown, self._kept = self._picture_key(), False
        elif self.is_moving:  # the next picture is another one: none is kept
            self.screen.use()
            self.ctx.clear()
            self._draw_into(self.screen, moving=True)
            self.screen.viewport = (0, 0, *self.pixels)
            self._shown, self._kept = self._picture_key(), False
        else:
            self._show_still(self.screen)

    def _draw_into(self, target: moderngl.Framebuffer, *, moving: bool) -> None:
        width, height = self.free
        self.picture.draw(
            self.scene, self.state, target, width, height, scale=self.points, moving=moving,
            **preview(self.state),
        )  # fmt: skip

    def _show_still(self, target: moderngl.Framebuffer) -> None:
        """Show the kept picture, or a new one where that is of something else."""
        key = self._picture_key()
        self.screen.use()
        if self._still.fit(self.free) or key != self._shown or not self._kept:
            self._draw_into(self._still.framebuffer, moving=False)
            self._shown, self._kept = key, True
        target.use()
        self.ctx.clear()
        self.ctx.copy_framebuffer(target, self._still.framebuffer)

    def draw_window(self, target: moderngl.Framebuffer) -> None:
        """The kept picture and the panels, into a ``target`` of the window's size."""
        self._show_still(target)
        self._draw_gui(target)

    def redraw(self) -> None:
        """The kept picture is not to be relied on: something else was drawn."""
        self._shown = None

    def _resolve_camera(self) -> None:
        found = arranged(self.scene, self.state, *self.free, self.points)
        frame_all(self.scene, self.state, found.viewports, self.points)

    def note(self) -> None:
        """The view is as a gesture left it."""
        self._resolve_camera()  # a view that is to fit has no distance yet
        self.session.history.note(self.state)

    def _start_gui(self) -> None:
        """Dear ImGui is loaded after the first picture."""
        from lossviz.viewer.gui import Gui

        self.gui = Gui(self.ctx, self.scale)
        self._owned.callback(self.gui.release)
        self._drawn = time.monotonic()
        self.message_until = self._drawn + TOAST  # until now nobody could read it

    def _draw_gui(self, target: moderngl.Framebuffer | None = None) -> list[cmd.Command]:
        """Draw the panels over the screen or another ``target``; what they ask for."""
        if self.gui is None:
            return []
        from lossviz.viewer.panels import sidebar

        now = time.monotonic()
        width, height = self.size
        self.gui.begin(width, height, self.density, now - self._drawn, self.state.picture.theme)
        self._drawn = now
        message, told = self.message if target is None else "", self.pointer.pointed()
        asked = sidebar.draw(
            self.state, self.scene, width, height, self.scale, message, told.on,
            bindings=self.session.bindings, recent=self.session.recent, offer=self.options.offer,
            reading=told.read, underway=self.live.shown, scrolls=self.session.scrolls,
            cover=self.browsing.cover,
        )  # fmt: skip
        self.gui.end(target or self.screen)
        return asked

    def _present(self) -> None:
        self.frames += 1
        if self.options.report is not None:
            write_report(self, self.options.report, self.pointer.pointed())
        glfw.swap_buffers(self.handle)
        if self.options.check_gl and (error := self.ctx.error) != "GL_NO_ERROR":
            raise LossvizError(f"OpenGL: {error} in frame {self.frames}")

    def tell(self, message: str) -> None:
        """Show a line for a few seconds."""
        self.message, self.message_until = printable(message), time.monotonic() + TOAST
        self.due = SETTLE

    def _read_news(self) -> None:
        came, problem = self.beside.poll(self.scene, self.state)
        if came:
            self.due = SETTLE
        changed, done = self.live.poll()
        if changed:
            self.due = max(self.due, 2)  # mostly numbers, to which no panel answers
        for line in (problem, *done):
            if line:
                self.tell(line)
        self.browsing.poll()
        read_news(self)

    # ── commands ─────────────────────────────────────────────────────────────────────────────

    def obey(self, command: cmd.Command) -> None:
        """Do what a key or a panel asked for."""
        self.note()
        self.due = SETTLE
        if self.browsing.obey(command):
            return
        if change(command, self.scene, self.state):
            return
        state = self.state
        match command:
            case cmd.Screenshot(each):
                self._save = saving.screenshot_each if each else saving.screenshot
                # Large pictures take seconds: the message is on the screen before they begin.
                self._wanted = SETTLE
                self.tell(f"Saving {saving.free_name(self.scene)} …")
            case cmd.SaveProfile():
                saving.save_profiles(self)
            case cmd.CopyView():
                saving.copy_view(self)
            case cmd.CopyPlace(place):
                saving.copy_place(self, place)
            case cmd.PasteView():
                saving.paste_view(self)
            case cmd.ResetView():
                self.state = replace(ViewState(), panels=state.panels)
            case cmd.Leave():
                if self.gui is not None and self.gui.close_list():
                    return
                if state.panels.help:
                    state.panels.help = False
                else:
                    self.obey(cmd.Close())
            case cmd.Close():
                glfw.set_window_should_close(self.handle, True)
            case _:
                self.session.obey(self, command)

    # ── what the events need ─────────────────────────────────────────────────────────────────

    def soon(self) -> None:
        """Draw a few frames: something happened, and panels may answer late."""
        self.due = SETTLE

    def camera_moved(self, moved: bool) -> None:
        """Draw coarsely for a while, if the camera moved."""
        if moved and self.scene.surfaces:
            self.moved = time.monotonic()

    def over_panels(self) -> bool:
        """The pointer is over the sidebar or a card, or one of them holds it."""
        beside = self.gestures.at[0] >= self.free[0]
        return self.browsing.shown or beside or (self.gui is not None and self.gui.wants_mouse)


def show(
    scene: Scene, state: ViewState, paths: Sequence[Path], options: Options | None = None
) -> int:
    """Open a window on a scene whose landscapes came from ``paths``, until it is closed.

    Raises
    ------
    NoWindowError
        If no window can be opened.
    """
    return App(scene, state, paths, options or Options()).run()
