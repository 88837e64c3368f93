"""Small pictures of the landscapes in a folder."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from lossviz import ply
from lossviz.viewer import gallery as gallery_module
from lossviz.viewer import thumbnails
from lossviz.viewer.commands import AskFiles, AskFolder, OpenChosen, OpenFiles, ShowGallery
from lossviz.viewer.feed import stamp
from lossviz.viewer.gallery import Gallery, Ready, Tile
from lossviz.viewer.picture import Picture
from lossviz.viewer.screenshot import take
from lossviz.viewer.state import ViewState
from lossviz.viewer.thumbnails import Thumbnail

from .scenes import bumpy, dimpled, fan, runs
from .test_panels import HEIGHT, WIDTH, gui, pixels

__all__ = ["gui"]


@pytest.fixture
def folder(tmp_path):
    own = tmp_path / "several"
    own.mkdir()
    ply.write(bumpy(21, name="first"), own / "a.ply")
    ply.write(fan(), own / "b.ply")
    (own / "c.ply").write_bytes(b"ply\nend_header\n")
    (own / "notes.txt").touch()
    return own


def taken(found, seconds=20.0):
    """All that is to be drawn, once every tile that is seen was read."""
    drawn, end = [], time.monotonic() + seconds
    found.ask()
    while any(tile.waits and tile not in [one.tile for one in drawn] for tile in found.seen):
        if (ready := found.take()) is not None:
            drawn.append(ready)
        assert time.monotonic() < end
        time.sleep(0.01)
    return drawn


def small(seed=0, title="one"):
    pixels = np.random.default_rng(seed).integers(0, 255, (160, 240, 3), np.uint8)
    return Thumbnail(pixels, title, "21 × 21")


def test_what_is_seen_is_read_and_odd_files_say_why(folder):
    found = Gallery([folder])
    assert found.look() and found.title == "several"
    assert [tile.path.name for tile in found.tiles] == ["a.ply", "b.ply", "c.ply"]
    assert all(tile.waits for tile in found.tiles) and not found.look()
    found.seen = found.tiles[1:]
    drawn = taken(found)
    assert [(one.tile.path.name, one.title, one.size) for one in drawn] == [
        ("b.ply", "resnet20", "5 curves")
    ]
    assert found.tiles[0].waits  # nobody looked
    problem = found.tiles[2].problem
    assert problem and "\n" not in problem and str(folder) not in problem


def test_a_small_picture_is_kept_and_found_again(folder, ctx):
    found = Gallery([folder])
    found.look()
    found.seen = found.tiles[:1]
    (ready,) = taken(found)
    assert (ready.title, ready.size) == ("first", "21 × 21")
    picture = Picture(ctx)
    rgba = take(picture, ready.scene, ready.state, width=240, height=160, scale=1.0)
    picture.release()
    made = Thumbnail(np.ascontiguousarray(rgba[..., :3]), ready.title, ready.size)
    thumbnails.save(ready.name, made)
    again = Gallery([folder])
    again.look()
    again.seen = again.tiles[:1]
    assert taken(again) == []  # nothing is to be drawn
    kept = again.tiles[0].made
    assert (kept.pixels == made.pixels).all() and (kept.title, kept.size) == ("first", "21 × 21")
    # Rewritten, it is read anew; until then the picture before is shown.
    ply.write(bumpy(11, name="other"), folder / "a.ply")
    assert again.look(time.monotonic() + 5)
    assert again.tiles[0].made is kept
    again.ask()
    end = time.monotonic() + 20
    while (ready := again.take()) is None:
        assert time.monotonic() < end
    assert ready.title == "other"


def test_files_come_go_and_are_left_out(folder, monkeypatch):
    found, now = Gallery([folder]), time.monotonic()
    found.look(now)
    before = found.tiles[0]
    found.chosen = [folder / "a.ply", folder / "b.ply"]
    (folder / "b.ply").unlink()
    ply.write(bumpy(11), folder / "0.ply")
    assert not found.look(now + 0.1) and found.look(now + 2)
    assert [tile.path.name for tile in found.tiles] == ["0.ply", "a.ply", "c.ply"]
    assert found.tiles[1] is before and found.chosen == [folder / "a.ply"]
    monkeypatch.setattr(gallery_module, "MOST", 2)
    assert found.look(now + 4) and len(found.tiles) == 2 and found.more == 1
    found.sources = [folder / "gone"]
    assert found.look(now + 6)
    # A name that is no folder is a file that cannot be read.
    found.seen = found.tiles
    taken(found)
    assert "cannot be read" in found.tiles[0].problem or "no such" in found.tiles[0].problem


def test_huge_files_are_not_read_for_a_small_picture(folder, monkeypatch):
    monkeypatch.setattr(gallery_module, "LARGEST", 100)
    monkeypatch.setattr(gallery_module.ply, "read", lambda path: pytest.fail("it was read"))
    found = Gallery([folder])
    found.look()
    found.seen = found.tiles[:1]
    taken(found)
    assert found.tiles[0].problem.endswith("MB: too large for a small picture")


def test_whatever_reading_raises_is_told(folder, monkeypatch):
    def broken(path):
        raise RuntimeError("bad\x1bluck")

    monkeypatch.setattr(gallery_module.ply, "read", broken)
    found = Gallery([folder])
    found.look()
    found.seen = found.tiles[:1]
    taken(found)
    assert found.tiles[0].problem == "RuntimeError: bad?luck"


def test_pictures_that_are_not_seen_are_forgotten_and_read_again(folder):
    found = Gallery([folder])
    found.look()
    found.seen = found.tiles[:2]
    for ready in taken(found):
        ready.tile.made = small()
    found.seen = []
    found.forget(1)
    assert found.tiles[0].made is not None and found.tiles[1].made is None
    found.seen = [found.tiles[1]]
    (ready,) = taken(found)
    assert isinstance(ready, Ready) and ready.tile is found.tiles[1]


def test_choosing_goes_in_order_and_back():
    found, (a, b) = Gallery([]), (Path("a"), Path("b"))
    for path in (a, b, a, a):
        found.choose(path)
    assert found.chosen == [b, a]


def test_thumbnails_are_bounded_and_the_oldest_go(monkeypatch):
    monkeypatch.setattr(thumbnails, "MOST", 10)
    for index in range(12):
        thumbnails.save(f"{index}.png", small(index))
        os.utime(thumbnails.folder() / f"{index}.png", (index, index))
        if index == 8:
            assert thumbnails.load("0.png", (240, 160)).title == "one"  # looked at: it is young
    left = set(os.listdir(thumbnails.folder()))
    assert len(left) <= 10 and {"0.png", "11.png"} <= left and "1.png" not in left
    monkeypatch.setattr(thumbnails, "MOST_BYTES", 300_000)
    thumbnails.prune()
    assert sum(p.stat().st_size for p in thumbnails.folder().iterdir()) <= 240_000


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"x" * (3 << 20)])
def test_damaged_thumbnails_are_made_again(content):
    thumbnails.save("a.png", small())
    assert thumbnails.load("a.png", (480, 320)) is None  # of another size
    (thumbnails.folder() / "a.png").write_bytes(content)
    assert thumbnails.load("a.png", (240, 160)) is None
    assert thumbnails.load("nothing.png", (240, 160)) is None


def test_where_nothing_can_be_kept_nothing_fails(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LOSSVIZ_CACHE_DIR", str(tmp_path / "file"))
    thumbnails.save("a.png", small())
    assert thumbnails.load("a.png", (240, 160)) is None


def test_a_key_is_of_the_file_as_it_is_and_of_how_it_looks(folder):
    path = folder / "a.ply"
    usual = thumbnails.key(path, stamp(path), "light", (240, 160))
    others = {
        thumbnails.key(path, stamp(path), "dark", (240, 160)),
        thumbnails.key(path, stamp(path), "light", (480, 320)),
        thumbnails.key(folder / "b.ply", stamp(path), "light", (240, 160)),
        thumbnails.key(path, (1, 2, 3), "light", (240, 160)),
    }
    assert usual not in others and len(others) == 4
    assert usual == thumbnails.key(path, stamp(path), "light", (240, 160))


# ── the panel ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def shown(gui, ctx, tmp_path):
    """A gallery with pictures, and a function that draws it."""
    picture, textures = Picture(ctx), {}
    found = Gallery([tmp_path / "several"])
    landscapes = [
        bumpy(31, name="a title that is much too long for the room it has"), dimpled(31), fan(),
        bumpy(31, seed=2).with_changes(trajectories=runs(2)),
    ]  # fmt: skip
    for index, landscape in enumerate(landscapes):
        tile = Tile(tmp_path / f"run{index}.ply")
        state, scene = thumbnails.view("light"), gallery_module.Scene([landscape])
        rgba = take(picture, scene, state, width=240, height=160, scale=1.0)
        tile.made = Thumbnail(
            np.ascontiguousarray(rgba[..., :3]), thumbnails.title_of(landscape),
            thumbnails.size_of(landscape),
        )  # fmt: skip
        found.tiles.append(tile)
    picture.release()
    found.tiles.append(Tile(tmp_path / "broken.ply", problem="header: expected a version, got 9"))
    found.tiles.append(Tile(tmp_path / "unread.ply"))

    def texture(made):
        if made not in textures:
            textures[made] = gui.upload(made.pixels)
        return textures[made]

    def draw(count=3, *, behind="", ctrl=False, theme="light"):
        from lossviz.viewer.panels import gallery as panel
        from lossviz.viewer.panels import sidebar

        asked = []

        def cover(width, height, scale):
            return panel.draw(found, texture, width, height, scale, behind)

        for _ in range(count):
            gui.target.use()
            gui.target.clear(1.0, 1.0, 1.0, 1.0)
            gui.begin(WIDTH, HEIGHT, 1.0, 0.05, theme)
            asked += sidebar.draw(
                ViewState(), gallery_module.Scene([landscapes[0]]), WIDTH, HEIGHT, 1.0, cover=cover
            )
            gui.end(gui.target)
        return asked

    def click(x, y, modifiers=0, **named):
        asked = []
        for down in (None, True, False):
            gui.pointer(x, y)
            if down is not None:
                gui.button(0, down, modifiers)
            asked += draw(2, **named)
        return asked

    draw.click, draw.gallery = click, found
    return draw


def test_the_gallery_looks_as_blessed(shown, gui, image_match):
    shown.gallery.chosen = [shown.gallery.tiles[1].path]
    shown(behind="bumpy")
    image_match("gallery", pixels(gui))


def test_a_click_opens_and_with_ctrl_it_chooses(shown):
    import glfw

    found = shown.gallery
    shown()
    assert found.seen == found.tiles
    assert shown.click(100, 150) == [OpenFiles((str(found.tiles[0].path),))]
    assert shown.click(100, 150, glfw.MOD_CONTROL) == []
    assert shown.click(450, 150, glfw.MOD_CONTROL) == []
    assert found.chosen == [found.tiles[0].path, found.tiles[1].path]
    # In a row: open files, open a folder, compare.
    asked = [one for x in range(20, 420, 30) for one in shown.click(x, 52)]
    assert {type(one) for one in asked} == {AskFiles, AskFolder, OpenChosen}
    assert shown.click(30, 52, behind="bumpy") == [ShowGallery()]


def test_an_empty_folder_says_so(shown, gui):
    shown()
    full = pixels(gui).copy()
    shown.gallery.tiles.clear()
    shown()
    assert shown.gallery.seen == []
    # Two lines of text, where the pictures were.
    assert (pixels(gui)[130:] == pixels(gui)[140, 300]).all() and (full != pixels(gui)).any()


def test_only_what_is_in_the_window_is_seen(shown, tmp_path):
    shown.gallery.tiles += [Tile(tmp_path / f"more{index}.ply") for index in range(200)]
    shown()
    assert len(shown.gallery.seen) < 10
