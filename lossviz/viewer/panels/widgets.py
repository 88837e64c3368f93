"""Rows of the sidebar: a name at the left, its control at the right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from lossviz.errors import printable
from lossviz.viewer.text import one_line

NAME_SHARE = 0.40  # of the sidebar's width


def section(name: str, *, opened: bool) -> bool:
    """A header that folds, ``opened`` before this frame; True if what is under it is drawn."""
    imgui.spacing()
    bold = imgui.get_io().fonts.fonts[1]
    imgui.push_font(bold, 0.0)
    imgui.set_next_item_open(opened)
    shown = imgui.collapsing_header(name)
    imgui.pop_font()
    return bool(shown)


def _row(name: str) -> str:
    """Write the name, leave the cursor where the control goes; gives the control's hidden id."""
    imgui.align_text_to_frame_padding()
    imgui.text(name)
    imgui.same_line(imgui.get_window_width() * NAME_SHARE)
    imgui.set_next_item_width(-1)
    return f"##{name}"


def choice(name: str, value: str, choices: Sequence[str]) -> str:
    """One of a few strings."""
    names = list(choices) if value in choices else [value, *choices]
    return names[pick(name, names.index(value), [n.replace("_", " ") for n in names])]


def pick(name: str, value: int, names: Sequence[str]) -> int:
    """One of a few things, by its number."""
    changed, index = imgui.combo(_row(name), value, [one_line(one) for one in names])
    return int(index) if changed else value


def slider(
    name: str, value: float, low: float, high: float, shown: str = "%.2f", log: bool = False
) -> float:
    """A number between two others; Ctrl+click types it."""
    flags = imgui.SliderFlags_.always_clamp
    if log:
        flags |= imgui.SliderFlags_.logarithmic
    changed, new = imgui.slider_float(_row(name), value, low, high, shown, flags)
    return float(new) if changed else value


def whole(name: str, value: int, low: int, high: int) -> int:
    """A whole number between two others."""
    flags = imgui.SliderFlags_.always_clamp
    changed, new = imgui.slider_int(_row(name), value, low, high, "%d", flags)
    return int(new) if changed else value


def checks(*entries: tuple[str, bool]) -> list[bool]:
    """Check boxes, two in a row."""
    values = []
    # Without a border an empty box is hardly seen on the panel.
    imgui.push_style_var(imgui.StyleVar_.frame_border_size, imgui.get_style().font_scale_dpi)
    for index, (name, value) in enumerate(entries):
        if index % 2:
            imgui.same_line(imgui.get_window_width() * 0.5)
        values.append(bool(imgui.checkbox(name, value)[1]))
    imgui.pop_style_var()
    return values


def color_square(color: NDArray[np.uint8] | None) -> None:
    """A small square of ``color (3,)`` before what follows on the line; nothing if None."""
    if color is None:
        return
    side, line = 0.55 * imgui.get_text_line_height(), imgui.get_frame_height()
    at = imgui.get_cursor_screen_pos()
    red, green, blue = (color / 255).tolist()
    imgui.get_window_draw_list().add_rect_filled(
        imgui.ImVec2(at.x, at.y + (line - side) / 2),
        imgui.ImVec2(at.x + side, at.y + (line + side) / 2),
        imgui.color_convert_float4_to_u32(imgui.ImVec4(red, green, blue, 1.0)),
    )
    imgui.dummy(imgui.ImVec2(side, line))
    imgui.same_line()


# Corners of signs as in shaders/points.glsl, y down; a cross is its own.
_CORNERS = {
    "minimum": ((-1.0, -0.7), (1.0, -0.7), (0.0, 1.0)),
    "maximum": ((-1.0, 0.7), (1.0, 0.7), (0.0, -1.0)),
    "degenerate": ((-1.0, 0.0), (0.0, -1.0), (1.0, 0.0), (0.0, 1.0)),
}


def sign(kind: str, color: NDArray[np.uint8], *, hollow: bool = False) -> None:
    """A critical point's sign of ``color (3,)`` before what follows on the line."""
    line = imgui.get_text_line_height()
    at, half, draw = imgui.get_cursor_screen_pos(), 0.33 * line, imgui.get_window_draw_list()
    red, green, blue = (color / 255).tolist()
    ink = imgui.color_convert_float4_to_u32(imgui.ImVec4(red, green, blue, 1.0))

    def place(x: float, y: float) -> imgui.ImVec2:
        return imgui.ImVec2(at.x + line / 2 + x * half, at.y + line / 2 + y * half)

    if kind == "saddle":
        for slope in (-0.8, 0.8):
            draw.add_line(place(-0.8, -slope), place(0.8, slope), ink, 0.22 * line)
    elif hollow:
        a, b, c = (place(*corner) for corner in _CORNERS[kind])
        draw.add_triangle(a, b, c, ink, 0.12 * line)
    else:
        draw.add_convex_poly_filled([place(*corner) for corner in _CORNERS[kind]], ink)
    imgui.dummy(imgui.ImVec2(line, line))
    imgui.same_line()


def strip(colors: NDArray[np.uint8], parts: int = 64) -> None:
    """A colour map ``(256, 3)`` under its name, low values at the left."""
    start = imgui.get_window_width() * NAME_SHARE
    imgui.set_cursor_pos_x(start)
    corner, line = imgui.get_cursor_screen_pos(), imgui.get_text_line_height()
    width, height = imgui.get_content_region_avail().x, 0.6 * line
    rows, draw = (
        colors[np.linspace(0, 255, parts).astype(int)].tolist(),
        imgui.get_window_draw_list(),
    )
    for index, (red, green, blue) in enumerate(rows):
        left, right = (corner.x + round(width * (index + i) / parts) for i in (0, 1))
        color = imgui.color_convert_float4_to_u32(
            imgui.ImVec4(red / 255, green / 255, blue / 255, 1.0)
        )
        draw.add_rect_filled(
            imgui.ImVec2(left, corner.y), imgui.ImVec2(right, corner.y + height), color
        )
    imgui.dummy(imgui.ImVec2(width, height))


def pair(name: str, first: float, second: float) -> tuple[float, float]:
    """Two numbers, typed."""
    changed, (a, b) = imgui.input_float2(_row(name), [first, second], "%.4g")
    return (float(a), float(b)) if changed else (first, second)


def fact(name: str, value: str) -> None:
    """Something known, not editable; long texts wrap."""
    imgui.text_disabled(name)
    imgui.same_line(imgui.get_window_width() * NAME_SHARE)
    wrapped(printable(value))


def wrapped(text: str) -> None:
    """A text in as many lines as it needs."""
    imgui.push_text_wrap_pos(0.0)
    imgui.text_unformatted(text)
    imgui.pop_text_wrap_pos()
