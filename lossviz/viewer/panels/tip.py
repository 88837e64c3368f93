"""What is under the pointer, told beside it."""

from __future__ import annotations

from collections.abc import Sequence

from imgui_bundle import imgui

MARGIN = 14.0  # points


def draw(rows: Sequence[tuple[str, str]]) -> None:
    """Names at the left, values at the right; a row without a name is a heading."""
    imgui.begin_tooltip()
    _rows(rows)
    imgui.end_tooltip()


def draw_reading(rows: Sequence[tuple[str, str]], scale: float) -> None:
    """The same in the upper left corner: it covers nothing of what is pointed at."""
    imgui.set_next_window_pos(imgui.ImVec2(MARGIN * scale, MARGIN * scale))
    flags = (
        imgui.WindowFlags_.no_decoration | imgui.WindowFlags_.always_auto_resize
        | imgui.WindowFlags_.no_inputs | imgui.WindowFlags_.no_saved_settings
        | imgui.WindowFlags_.no_focus_on_appearing | imgui.WindowFlags_.no_bring_to_front_on_focus
    )  # fmt: skip
    imgui.set_next_window_bg_alpha(0.85)
    imgui.begin("##reading", None, flags)
    _rows(rows)
    imgui.end()


def _rows(rows: Sequence[tuple[str, str]]) -> None:
    names = [imgui.calc_text_size(name).x for name, _ in rows]
    width = max(names) + 2.5 * imgui.get_style().item_spacing.x
    for name, value in rows:
        if name:
            imgui.text_disabled(name)
            imgui.same_line(width)
        imgui.text_unformatted(value)
