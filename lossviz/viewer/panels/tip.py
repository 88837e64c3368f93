"""What is under the pointer, told beside it."""

from __future__ import annotations

from collections.abc import Sequence

from imgui_bundle import imgui


def draw(rows: Sequence[tuple[str, str]]) -> None:
    """Names at the left, values at the right; a row without a name is a heading."""
    imgui.begin_tooltip()
    names = [imgui.calc_text_size(name).x for name, _ in rows]
    width = max(names) + 2.5 * imgui.get_style().item_spacing.x
    for name, value in rows:
        if name:
            imgui.text_disabled(name)
            imgui.same_line(width)
        imgui.text_unformatted(value)
    imgui.end_tooltip()
