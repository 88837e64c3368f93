"""What a window does to find landscapes: the gallery over the picture, the system's dialog."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import glfw
import numpy as np

from lossviz.errors import LossvizError, printable
from lossviz.landscape import Landscape, Surface
from lossviz.viewer import commands as cmd
from lossviz.viewer import thumbnails
from lossviz.viewer.gallery import HEIGHT, WIDTH, Gallery, Ready
from lossviz.viewer.scene import Scene
from lossviz.viewer.themes import THEMES
from lossviz.viewer.thumbnails import Thumbnail
from lossviz.viewer.window import window_title

if TYPE_CHECKING:
    from lossviz.viewer.app import App
    from lossviz.viewer.panels.dialog import Dialog

DENSEST = 2.0  # pixels a point of a small picture
MOST_TEXTURES = 150
# What may be asked for while the picture is hidden.
_ALWAYS = (cmd.OpenFiles, cmd.ForgetFiles, cmd.CopyText, cmd.Close, cmd.Leave)

Cover = Callable[[float, float, float], list[cmd.Command]]


def nothing(name: str) -> Scene:
    """A scene for a window that shows a gallery and has opened nothing yet."""
    ends = np.array([-1.0, 1.0])
    unknown = Surface(ends, ends, {"loss": np.full((2, 2), np.nan)}, np.zeros((2, 2), dtype=bool))
    return Scene([Landscape(surface=unknown, name=name)])


class Browsing:
    """The gallery of a window, and its file dialog while that is open."""

    def __init__(self, app: App, sources: Sequence[Path] = ()) -> None:
        self.app = app
        self.gallery: Gallery | None = None
        self.shown = False
        self.opened = not sources  # something can be gone back to
        self._dialog: Dialog | None = None
        self._textures: dict[Thumbnail, int] = {}
        if sources:
            self.open(sources)

    def open(self, sources: Sequence[str | Path]) -> None:
        """Show a gallery of files and folders."""
        self.gallery = Gallery([Path(source) for source in sources], glfw.post_empty_event)
        self._show(True)

    def leave(self) -> None:
        """Files were opened: they are shown."""
        self.opened = True
        self._show(False)

    def _show(self, shown: bool) -> None:
        app, self.shown = self.app, shown and self.gallery is not None
        if self.shown and self.gallery is not None:
            self.gallery._looked = -1e9
            self._look()
            glfw.set_window_title(app.handle, f"{self.gallery.title} — lossviz")
        else:
            glfw.set_window_title(app.handle, window_title(app.scene))
        app.redraw()
        app.soon()

    # ── commands ─────────────────────────────────────────────────────────────────────────────

    def obey(self, command: cmd.Command) -> bool:
        """Do what concerns the gallery and the dialog; False if others are to do it."""
        match command:
            case cmd.ShowGallery():
                self._toggle()
            case cmd.OpenChosen():
                if self.shown and self.gallery is not None and self.gallery.chosen:
                    chosen = tuple(map(str, self.gallery.chosen))
                    self.app.obey(cmd.OpenFiles(chosen))
            case cmd.AskFiles():
                self._ask(folder=False)
            case cmd.AskFolder():
                self._ask(folder=True)
            case cmd.Leave() if self.shown and self.opened and not self.app.state.panels.help:
                self._show(False)
            case cmd.Toggle("panels.help"):
                return False
            case _:
                return self.shown and not isinstance(command, _ALWAYS)  # the picture is hidden
        return True

    def _toggle(self) -> None:
        if self.shown:
            if self.opened:
                self._show(False)
        elif self.gallery is not None:
            self._show(True)
        elif self.app.session.files:
            self.open([Path(self.app.session.files[0]).parent])

    def _ask(self, *, folder: bool) -> None:
        from lossviz.viewer.panels.dialog import Dialog

        if self._dialog is not None:
            return  # it is open
        try:
            self._dialog = Dialog(folder)
        except LossvizError as error:
            self.app.tell(str(error))

    # ── frames ───────────────────────────────────────────────────────────────────────────────

    def poll(self) -> None:
        """Take what was chosen in the dialog; look at the folders; draw one small picture."""
        if self._dialog is not None and (chosen := self._dialog.poll()) is not None:
            self._dialog = None
            if chosen:
                self.app.obey(cmd.OpenFiles(chosen))
        if self.shown:
            self._look()

    def _look(self) -> None:
        app, gallery = self.app, self.gallery
        assert gallery is not None
        gallery.theme = app.state.picture.theme
        density = min(app.points, DENSEST)
        gallery.pixels = round(WIDTH * density), round(HEIGHT * density)
        waited = gallery.waits
        if (ready := gallery.take()) is not None:
            self._draw(ready)
        if gallery.look() or waited:
            app.soon()
        gallery.ask()

    def _draw(self, ready: Ready) -> None:
        from lossviz.viewer.screenshot import take

        app, (width, height) = self.app, ready.pixels
        try:
            rgba = take(app.picture, ready.scene, ready.state, width=width, height=height,
                        scale=width / WIDTH)  # fmt: skip
        except Exception as error:  # what cannot be drawn does not close the window
            ready.tile.problem = printable(f"cannot be drawn: {error}")
            return
        finally:
            app.screen.use()
            app.redraw()
        made = Thumbnail(np.ascontiguousarray(rgba[..., :3]), ready.title, ready.size)
        ready.tile.made = made
        thumbnails.save(ready.name, made)

    def clear(self) -> None:
        """The screen without the picture."""
        self.app.ctx.clear(*THEMES[self.app.state.picture.theme].background)

    @property
    def cover(self) -> Cover | None:
        """Draws the gallery's panel over a window; None while it is not shown."""
        return self._panel if self.shown and self.app.gui is not None else None

    def _panel(self, width: float, height: float, scale: float) -> list[cmd.Command]:
        from lossviz.viewer.panels import gallery as panel

        gallery = self.gallery
        assert gallery is not None
        behind = ", ".join(item.title for item in self.app.scene.items)[:40] if self.opened else ""
        asked = panel.draw(gallery, self._texture, width, height, scale, behind)
        self._forget()
        gallery.ask()
        return asked

    def _texture(self, made: Thumbnail) -> int:
        assert self.app.gui is not None
        if made not in self._textures:
            self._textures[made] = self.app.gui.upload(made.pixels)
        return self._textures[made]

    def _forget(self) -> None:
        """Release what has not been seen for longest, where there is much."""
        gui, gallery = self.app.gui, self.gallery
        assert gui is not None
        assert gallery is not None
        seen = {tile.made for tile in gallery.seen}
        for made in [made for made in self._textures if made not in seen]:
            if len(self._textures) <= MOST_TEXTURES:
                break
            gui.drop(self._textures.pop(made))
        gallery.forget(MOST_TEXTURES)

    def told(self) -> Any:
        """For tests: what the gallery shows; None if it is not shown."""
        if not self.shown or self.gallery is None:
            return None
        tiles = [
            [tile.path.name, tile.made and tile.made.title, tile.made and tile.made.size,
             tile.problem]
            for tile in self.gallery.tiles
        ]  # fmt: skip
        chosen = [path.name for path in self.gallery.chosen]
        return {"title": self.gallery.title, "tiles": tiles, "chosen": chosen}

    def release(self) -> None:
        """The window closes; textures are the GUI's."""
        if self._dialog is not None:
            self._dialog.close()
