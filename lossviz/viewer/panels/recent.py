"""Files that were shown before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from imgui_bundle import imgui

from lossviz.errors import printable
from lossviz.viewer.commands import Command, ForgetFiles, OpenFiles
from lossviz.viewer.text import one_line

LONGEST = 60  # letters of a row


def draw(recent: Sequence[tuple[str, ...]]) -> list[Command]:
    """A row for the files of each window before, the latest first; asks to open them."""
    asked: list[Command] = []
    for number, files in enumerate(recent):
        name = printable(one_line(", ".join(Path(file).stem for file in files)))
        name = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
        if imgui.selectable(f"{name}##{number}", False)[0]:
            asked.append(OpenFiles(files))
        if imgui.is_item_hovered():
            imgui.set_tooltip("\n".join(printable(file) for file in files[:10]))
    if imgui.small_button("Empty this list"):
        asked.append(ForgetFiles())
    return asked
