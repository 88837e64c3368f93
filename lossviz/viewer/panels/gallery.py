"""Small pictures of landscapes over the whole window, to choose from."""

from __future__ import annotations

from collections.abc import Callable

from imgui_bundle import imgui

from lossviz.viewer.commands import (
    AskFiles,
    AskFolder,
    Command,
    OpenChosen,
    OpenFiles,
    ShowGallery,
)
from lossviz.viewer.gallery import HEIGHT, WIDTH, Gallery, Tile
from lossviz.viewer.panels.widgets import wrapped
from lossviz.viewer.thumbnails import Thumbnail

GAP, FRAME = 18.0, 2.0  # points: between tiles, of the frame around one
_COVER = (
    imgui.WindowFlags_.no_title_bar | imgui.WindowFlags_.no_resize | imgui.WindowFlags_.no_move
    | imgui.WindowFlags_.no_collapse | imgui.WindowFlags_.no_saved_settings
    | imgui.WindowFlags_.no_bring_to_front_on_focus
)  # fmt: skip


def draw(
    gallery: Gallery, picture: Callable[[Thumbnail], int], width: float, height: float,
    scale: float, behind: str,
) -> list[Command]:  # fmt: skip
    """The gallery in a window of ``width`` x ``height``; tiles say in ``gallery.seen`` that they
    are. ``picture`` gives a texture; ``behind`` is what can be gone back to, "" if nothing."""
    imgui.set_next_window_pos(imgui.ImVec2(0, 0))
    imgui.set_next_window_size(imgui.ImVec2(width, height))
    imgui.push_style_var(imgui.StyleVar_.window_rounding, 0.0)
    imgui.begin("##gallery", None, _COVER)
    imgui.pop_style_var()
    asked = _head(gallery, behind)
    imgui.spacing()
    imgui.begin_child("##tiles")
    if gallery.tiles:
        asked += _tiles(gallery, picture, scale)
    else:
        gallery.seen = []
        wrapped(gallery.problem or f"No landscapes (.ply) in {gallery.title}.")
        imgui.text_disabled("Drop files or folders here, or open others.")
    imgui.end_child()
    imgui.end()
    return asked


def _head(gallery: Gallery, behind: str) -> list[Command]:
    """What it is a gallery of, and buttons."""
    asked: list[Command] = []
    imgui.push_font(imgui.get_io().fonts.fonts[1], 0.0)
    imgui.align_text_to_frame_padding()
    imgui.text(gallery.title)
    imgui.pop_font()
    imgui.same_line()
    count, more = len(gallery.tiles), f" and {gallery.more:,} more" if gallery.more else ""
    imgui.text_disabled(f"{count:,} landscape{'' if count == 1 else 's'}{more}")
    if behind and imgui.button(f"Back to {behind}"):
        asked.append(ShowGallery())
    if behind:
        imgui.same_line()
    if imgui.button("Open files …"):
        asked.append(AskFiles())
    imgui.same_line()
    if imgui.button("Open a folder …"):
        asked.append(AskFolder())
    imgui.same_line()
    if chosen := len(gallery.chosen):
        if imgui.button("Open it" if chosen == 1 else f"Compare {chosen}"):
            asked.append(OpenChosen())
    else:
        imgui.text_disabled("A click opens one; Ctrl+click chooses several to compare.")
    return asked


def _tiles(gallery: Gallery, picture: Callable[[Thumbnail], int], scale: float) -> list[Command]:
    asked: list[Command] = []
    line = imgui.get_text_line_height_with_spacing()
    down, room = (HEIGHT + GAP) * scale + 2 * line, imgui.get_content_region_avail().x + GAP * scale
    columns = max(int(room / ((WIDTH + GAP) * scale)), 1)
    across = max(room / columns, (WIDTH + GAP) * scale)
    gallery.seen = []
    for index, tile in enumerate(gallery.tiles):
        row, column = divmod(index, columns)
        imgui.set_cursor_pos(imgui.ImVec2(column * across, row * down))
        size = imgui.ImVec2(WIDTH * scale, HEIGHT * scale + 2 * line)
        clicked = imgui.invisible_button(f"##{index}", size)
        if not imgui.is_item_visible():
            continue
        gallery.seen.append(tile)
        _tile(tile, picture, scale, chosen=tile.path in gallery.chosen)
        if clicked and imgui.get_io().key_ctrl:
            gallery.choose(tile.path)
        elif clicked:
            asked.append(OpenFiles((str(tile.path),)))
    return asked


def _tile(
    tile: Tile, picture: Callable[[Thumbnail], int], scale: float, *, chosen: bool
) -> None:  # fmt: skip
    """In the place of the last item: the picture, and what it is of."""
    corner, draw = imgui.get_item_rect_min(), imgui.get_window_draw_list()
    end = imgui.ImVec2(corner.x + WIDTH * scale, corner.y + HEIGHT * scale)
    hovered = imgui.is_item_hovered()
    draw.add_rect_filled(corner, end, imgui.get_color_u32(imgui.Col_.frame_bg))
    if tile.made is not None:
        draw.add_image(imgui.ImTextureRef(picture(tile.made)), corner, end)
    elif tile.problem:
        _inside(tile.problem, corner, end, scale)
    if chosen or hovered:
        color = imgui.get_color_u32(imgui.Col_.check_mark, 1.0 if chosen else 0.5)
        draw.add_rect(corner, end, color, 0.0, FRAME * scale)
    title = tile.made.title if tile.made is not None else tile.path.stem
    size = tile.made.size if tile.made is not None else "cannot be shown" if tile.problem else "…"
    stem = tile.path.stem
    second = f"{stem} · {size}" if title != stem else size
    line = imgui.get_text_line_height_with_spacing()
    for number, (text, color) in enumerate(
        ((title, imgui.Col_.text), (second, imgui.Col_.text_disabled))
    ):
        at = imgui.ImVec2(corner.x, end.y + 4 * scale + number * line)
        draw.add_text(at, imgui.get_color_u32(color), _shortened(text, WIDTH * scale))
    if hovered:
        imgui.set_tooltip(f"{tile.path.name}\n{tile.problem}".strip())


def _inside(text: str, corner: imgui.ImVec2, end: imgui.ImVec2, scale: float) -> None:
    """What is wrong, wrapped in the place of a picture."""
    pad = 8 * scale
    draw, font = imgui.get_window_draw_list(), imgui.get_font()
    imgui.push_clip_rect(corner, end, True)
    draw.add_text(
        font, imgui.get_font_size(), imgui.ImVec2(corner.x + pad, corner.y + pad),
        imgui.get_color_u32(imgui.Col_.text_disabled), text, end.x - corner.x - 2 * pad,
    )  # fmt: skip
    imgui.pop_clip_rect()


def _shortened(text: str, width: float) -> str:
    """What of a text has room."""
    while text and imgui.calc_text_size(text).x > width:
        keep = min(int(len(text) * width / imgui.calc_text_size(text).x), len(text) - 1)
        text = text[: max(keep - 1, 0)].rstrip(" …·") + ("…" if keep > 1 else "")
        if keep <= 1:
            break
    return text
