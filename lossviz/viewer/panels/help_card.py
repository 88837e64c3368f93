"""The help card: every key and gesture there is."""

from __future__ import annotations

from collections.abc import Sequence

from imgui_bundle import imgui

from lossviz.viewer import keys as key_names
from lossviz.viewer.commands import MOUSE, Binding
from lossviz.viewer.scrolling import Scrolls
from lossviz.viewer.state import ViewState

DRAGS = 2  # rows that come before those of scrolling
APART, INDENT, PAD = 28.0, 18.0, 20.0  # points: between columns, keys and words, at the sides
HEAD = 4.5  # rows: its title, and what is between

Rows = Sequence[tuple[str, str]]


def draw(
    state: ViewState, free: float, width: float, height: float, scale: float,
    bindings: Sequence[Binding], scrolls: Scrolls,
) -> None:  # fmt: skip
    """A card in the middle of the ``free`` width beside the sidebar; its cross closes it.

    What does not fit there covers some of the sidebar; what does not fit at all is scrolled.
    """
    mouse = [*MOUSE[:DRAGS], *scrolls.rows(), *MOUSE[DRAGS:]]
    columns, needed = _arranged(mouse, bindings, free, width, height, scale)
    middle = (free if free >= needed else width) / 2
    imgui.set_next_window_pos(
        imgui.ImVec2(middle, height / 2), imgui.Cond_.always, imgui.ImVec2(0.5, 0.5)
    )
    imgui.set_next_window_size_constraints(imgui.ImVec2(0, 0), imgui.ImVec2(width, height))
    flags = (
        imgui.WindowFlags_.no_resize | imgui.WindowFlags_.no_collapse
        | imgui.WindowFlags_.always_auto_resize | imgui.WindowFlags_.no_move
    )  # fmt: skip
    imgui.push_style_var(imgui.StyleVar_.window_padding, imgui.ImVec2(PAD * scale, 14 * scale))
    imgui.push_style_var(imgui.StyleVar_.window_border_size, scale)
    imgui.push_style_var(imgui.StyleVar_.frame_padding, imgui.ImVec2(PAD * scale, 9 * scale))
    _, opened = imgui.begin("Keys and mouse", True, flags)
    imgui.pop_style_var()
    for number, column in enumerate(columns):
        if number:
            imgui.same_line(0.0, APART * scale)
        imgui.begin_group()
        for place, rows in enumerate(column):
            if place:
                imgui.dummy(imgui.ImVec2(0.0, 8 * scale))
            _rows(rows, scale)
        imgui.end_group()
    imgui.end()
    imgui.pop_style_var(2)
    state.panels.help = bool(opened)


def _arranged(
    mouse: Rows, bindings: Sequence[Binding], free: float, width: float, height: float, scale: float
) -> tuple[list[list[Rows]], float]:
    """Columns of blocks of rows, as few as fit, and how wide they are together.

    Else those that cover the sidebar; else the lowest that are not too wide.
    """
    keys = [(key_names.listed(b.keys), b.says) for b in bindings]
    part = max((len(keys) + 1 - len(mouse)) // 2, 0)  # of the keys goes under the mouse
    thirds = (len(keys) + 1) // 2
    choices: list[list[list[Rows]]] = [
        [[mouse, keys]], [[mouse, keys[:part]], [keys[part:]]],
        [[mouse], [keys[:thirds]], [keys[thirds:]]],
    ]  # fmt: skip
    line = imgui.get_text_line_height_with_spacing()
    sizes = [
        (
            sum(max(_width(rows, scale) for rows in column) for column in choice)
            + (len(choice) - 1) * APART * scale + 2 * PAD * scale,
            (max(sum(map(len, column)) for column in choice) + HEAD) * line,
        )
        for choice in choices
    ]  # fmt: skip
    for room in (free, width):
        for choice, (across, down) in zip(choices, sizes, strict=True):
            if across <= room and down <= height:
                return choice, across
    narrow = [k for k, (across, _) in enumerate(sizes) if across <= width] or [0]
    lowest = min(narrow, key=lambda k: sizes[k][1])
    return choices[lowest], sizes[lowest][0] + imgui.get_style().scrollbar_size


def _first(rows: Rows, scale: float) -> float:
    """How wide the keys of some rows are."""
    return max((imgui.calc_text_size(key).x for key, _ in rows), default=0.0) + INDENT * scale


def _width(rows: Rows, scale: float) -> float:
    words = max((imgui.calc_text_size(says).x for _, says in rows), default=0.0)
    return _first(rows, scale) + words


def _rows(rows: Rows, scale: float) -> None:
    """What to press at the left, what it does at the right."""
    width = _first(rows, scale)
    for key, says in rows:
        imgui.text(key)
        imgui.same_line(width)
        imgui.text_disabled(says)
