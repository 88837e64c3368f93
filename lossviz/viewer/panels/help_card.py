"""The help card: every key and gesture there is."""

from __future__ import annotations

from collections.abc import Sequence

from imgui_bundle import imgui

from lossviz.viewer import keys as key_names
from lossviz.viewer.commands import MOUSE, Binding
from lossviz.viewer.scrolling import Scrolls
from lossviz.viewer.state import ViewState

ONE_COLUMN, TWO_COLUMNS = 384.0, 520.0  # points that the card takes
HEAD = 5  # rows: its title, and what is between
DRAGS = 2  # rows that come before those of scrolling


def draw(
    state: ViewState, free: float, width: float, height: float, scale: float,
    bindings: Sequence[Binding], scrolls: Scrolls,
) -> None:  # fmt: skip
    """A card in the middle of the ``free`` width beside the sidebar; its cross closes it.

    Where even one column does not fit beside the sidebar, it covers some of that; so it does where
    one column is too high and two have room.
    """
    mouse = [*MOUSE[:DRAGS], *scrolls.rows(), *MOUSE[DRAGS:]]
    rows = len(mouse) + len(bindings) + HEAD
    high = rows * imgui.get_text_line_height_with_spacing() > height
    two = TWO_COLUMNS * scale <= (width if high else free)
    needed = (TWO_COLUMNS if two else ONE_COLUMN) * scale
    middle = (free if free >= needed else width) / 2
    imgui.set_next_window_pos(
        imgui.ImVec2(middle, height / 2), imgui.Cond_.always, imgui.ImVec2(0.5, 0.5)
    )
    flags = (
        imgui.WindowFlags_.no_resize | imgui.WindowFlags_.no_collapse
        | imgui.WindowFlags_.always_auto_resize | imgui.WindowFlags_.no_move
    )  # fmt: skip
    imgui.push_style_var(imgui.StyleVar_.window_padding, imgui.ImVec2(20 * scale, 14 * scale))
    imgui.push_style_var(imgui.StyleVar_.window_border_size, scale)
    imgui.push_style_var(imgui.StyleVar_.frame_padding, imgui.ImVec2(20 * scale, 9 * scale))
    _, opened = imgui.begin("Keys and mouse", True, flags)
    imgui.pop_style_var()
    keys = [(key_names.listed(b.keys), b.says) for b in bindings]
    half = (len(keys) + 1) // 2 if two else len(keys)
    _rows(mouse, scale)
    imgui.spacing()
    imgui.separator()
    imgui.spacing()
    _rows(keys[:half], scale)
    if keys[half:]:
        imgui.same_line(0.0, 28 * scale)
        _rows(keys[half:], scale)
    imgui.end()
    imgui.pop_style_var(2)
    state.panels.help = bool(opened)


def _rows(rows: Sequence[tuple[str, str]], scale: float) -> None:
    """What to press at the left, what it does at the right."""
    imgui.begin_group()
    width = max(imgui.calc_text_size(key).x for key, _ in rows) + 18 * scale
    for key, says in rows:
        imgui.text(key)
        imgui.same_line(width)
        imgui.text_disabled(says)
    imgui.end_group()
