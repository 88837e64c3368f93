"""Files that were shown before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from imgui_bundle import imgui

from lossviz.errors import printable
from lossviz.viewer.commands import Command, ForgetFiles, OpenFiles
from lossviz.viewer.text import one_line

LONGEST = 40  # letters of a row


def draw(recent: Sequence[tuple[str, ...]]) -> list[Command]:
    """A row for the files of each window before, the latest first; asks to open them."""
    asked: list[Command] = []
    for number, name in enumerate(_names(recent)):
        files = recent[number]
        if imgui.selectable(f"{name}##{number}", False)[0]:
            asked.append(OpenFiles(files))
        if imgui.is_item_hovered():
            imgui.set_tooltip("\n".join(printable(file) for file in files[:10]))
    if imgui.small_button("Empty this list"):
        asked.append(ForgetFiles())
    return asked


def _names(recent: Sequence[tuple[str, ...]]) -> list[str]:
    """The files' names, with the folder before the first one where two rows were the same."""
    names = [", ".join(Path(file).stem for file in files) for files in recent]
    told = [name if names.count(name) == 1 else f"{Path(files[0]).parent.name}/{name}"
            for name, files in zip(names, recent, strict=True)]  # fmt: skip
    shown = [printable(one_line(name)) for name in told]
    return [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in shown]
