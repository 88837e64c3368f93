"""The help card: every key and gesture there is."""

from __future__ import annotations

from imgui_bundle import imgui

from lossviz.viewer.commands import BINDINGS, MOUSE
from lossviz.viewer.state import ViewState


def draw(state: ViewState, width: float, height: float, scale: float) -> None:
    """A card in the middle of ``width`` x ``height``; its cross closes it."""
    imgui.set_next_window_pos(
        imgui.ImVec2(width / 2, height / 2), imgui.Cond_.always, imgui.ImVec2(0.5, 0.5)
    )
    flags = (
        imgui.WindowFlags_.no_resize | imgui.WindowFlags_.no_collapse
        | imgui.WindowFlags_.always_auto_resize | imgui.WindowFlags_.no_move
    )  # fmt: skip
    _, opened = imgui.begin("Keys and mouse", True, flags)
    if imgui.begin_table("keys", 2):
        rows = [(" or ".join(map(_spoken, b.keys)), b.says) for b in BINDINGS]
        for name, says in (*MOUSE, *rows):
            imgui.table_next_column()
            imgui.text(name)
            imgui.table_next_column()
            imgui.text_disabled(says)
        imgui.end_table()
    imgui.end()
    state.panels.help = bool(opened)


def _spoken(key: str) -> str:
    return {"ESCAPE": "Esc", "HOME": "Home", "TAB": "Tab"}.get(key, key)
