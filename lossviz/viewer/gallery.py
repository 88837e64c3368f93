"""A gallery: the landscapes of folders as small pictures, read beside the window, drawn in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from lossviz import ply
from lossviz.errors import InputError, LossvizError, printable
from lossviz.folders import landscapes
from lossviz.viewer import thumbnails
from lossviz.viewer.feed import Stamp, stamp
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from lossviz.viewer.thumbnails import Thumbnail

MOST = 500  # tiles
LARGEST = 256 << 20  # bytes of a file of which a small picture is made
WIDTH, HEIGHT = 240, 160  # points of a picture
AGAIN = 1.0  # seconds between two looks at the folders
SMOOTHED = 200 * 200  # points: what is finer needs nothing in between at this size


@dataclass(eq=False)
class Tile:
    """One file: its picture, or in a line why there is none; neither while it is not read."""

    path: Path
    stamp: Stamp = None
    made: Thumbnail | None = None
    problem: str = ""

    @property
    def waits(self) -> bool:
        """Whether nothing is known of it."""
        return self.made is None and not self.problem


@dataclass(frozen=True, eq=False)
class Ready:
    """A landscape that was read, to be drawn: everything but the GL part is done."""

    tile: Tile
    stamp: Stamp
    scene: Scene
    state: ViewState
    pixels: tuple[int, int]
    name: str  # that its picture is kept under
    title: str
    size: str


@dataclass
class Gallery:
    """The landscapes of ``sources``, files and folders; ``wake`` is called from the thread."""

    sources: Sequence[Path]
    wake: Callable[[], None] = lambda: None
    theme: str = "light"
    pixels: tuple[int, int] = (WIDTH, HEIGHT)  # of a picture
    tiles: list[Tile] = field(default_factory=list)
    more: int = 0  # files that are left out
    problem: str = ""
    chosen: list[Path] = field(default_factory=list)
    seen: list[Tile] = field(default_factory=list)  # in the window now
    _stamps: tuple[Stamp, ...] | None = None
    _looked: float = -1e9
    _asked: set[tuple[Path, Stamp, str, tuple[int, int]]] = field(default_factory=set)
    _jobs: SimpleQueue[tuple[Tile, Stamp, str, tuple[int, int]]] = field(
        default_factory=SimpleQueue
    )
    _ready: SimpleQueue[tuple[Tile, Stamp, Ready | Thumbnail | str]] = field(
        default_factory=SimpleQueue
    )
    _thread: Thread | None = None

    @property
    def title(self) -> str:
        """What it is a gallery of."""
        names = [source.absolute().name or str(source) for source in self.sources]
        return printable(", ".join(names[:3]) + (" …" if len(names) > 3 else ""))

    def look(self, now: float | None = None) -> bool:
        """See what is in the folders, now and then; whether anything came, went or changed."""
        now = time.monotonic() if now is None else now
        if now - self._looked < AGAIN:
            return False
        self._looked = now
        known = {tile.path: tile for tile in self.tiles}
        paths, self.problem = self._paths()
        self.more, paths = max(len(paths) - MOST, 0), paths[:MOST]
        stamps = tuple(stamp(path) for path in paths)
        if stamps == self._stamps and paths == [tile.path for tile in self.tiles]:
            return False
        self._stamps = stamps
        self.tiles = [known.get(path) or Tile(path) for path in paths]
        for tile, found in zip(self.tiles, stamps, strict=True):
            if found != tile.stamp:
                tile.stamp, tile.problem = found, ""
        self.chosen = [path for path in self.chosen if path in paths]
        return True

    def _paths(self) -> tuple[list[Path], str]:
        found: list[Path] = []
        problem = ""
        for source in self.sources:
            try:
                found += landscapes(source) if source.is_dir() else [source]
            except InputError as error:
                problem = str(error)
        return list(dict.fromkeys(found)), problem

    def choose(self, path: Path) -> None:
        """Choose one to compare, or take it back."""
        others = [one for one in self.chosen if one != path]
        self.chosen = others if len(others) < len(self.chosen) else [*others, path]

    # ── the thread reads, the window draws ───────────────────────────────────────────────────

    def ask(self) -> None:
        """Have the next tile read of those that are seen and not known as they are now."""
        for tile in self.seen:
            wanted = tile.path, tile.stamp, self.theme, self.pixels
            if wanted not in self._asked and not tile.problem:
                if len(self._asked) > 20 * MOST:
                    self._asked.clear()
                self._asked.add(wanted)
                self._jobs.put((tile, *wanted[1:]))
                if self._thread is None:
                    self._thread = Thread(target=self._work, daemon=True)
                    self._thread.start()

    def forget(self, most: int) -> None:
        """Keep at most so many pictures of tiles that are not seen."""
        made = [tile for tile in self.tiles if tile.made is not None and tile not in self.seen]
        for tile in made[most:]:
            tile.made = None
            self._asked.discard((tile.path, tile.stamp, self.theme, self.pixels))

    def take(self) -> Ready | None:
        """What is to be drawn next; sets what needs no drawing. One call a frame."""
        while not self._ready.empty():
            tile, as_it_was, found = self._ready.get()
            if as_it_was != tile.stamp:
                continue  # it has been rewritten since
            if isinstance(found, Ready):
                return found
            if isinstance(found, Thumbnail):
                tile.made = found
            else:
                tile.problem, tile.made = found, None
        return None

    @property
    def waits(self) -> bool:
        """Whether there is something to take."""
        return not self._ready.empty()

    def _work(self) -> None:
        while True:
            tile, found, theme, pixels = self._jobs.get()
            if tile in self.seen:
                self._ready.put((tile, found, self._read(tile, found, theme, pixels)))
                self.wake()
            else:  # scrolled away meanwhile: read when it is seen again
                self._asked.discard((tile.path, found, theme, pixels))

    def _read(
        self, tile: Tile, found: Stamp, theme: str, pixels: tuple[int, int]
    ) -> Ready | Thumbnail | str:
        name = thumbnails.key(tile.path, found, theme, pixels)
        try:
            if (kept := thumbnails.load(name, pixels)) is not None:
                return kept
            if found is not None and found[1] > LARGEST:
                return f"{found[1] / 2**20:,.0f} MB: too large for a small picture"
            landscape = ply.read(tile.path)
            scene, state = Scene([landscape]), thumbnails.view(theme)
            state.surface.smooth = scene.items[0].surface.loss.size <= SMOOTHED
            for index, item in enumerate(scene.items):  # what a picture would wait for
                if not item.is_figure:
                    item.field("loss", state.surface.smooth)
                    item.occlude(state, scene.height_range(state, index), scene.top(state))
            title, size = thumbnails.title_of(landscape), thumbnails.size_of(landscape)
            return Ready(tile, found, scene, state, pixels, name, title, size)
        except LossvizError as error:
            return printable(str(error).removeprefix(f"{tile.path}: "))
        except Exception as error:  # a thread must not die in silence
            return printable(f"{type(error).__name__}: {error}")
