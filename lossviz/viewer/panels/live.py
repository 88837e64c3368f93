"""Computations under way: how far they are, a button that stops them, how to go on."""

from __future__ import annotations

from collections.abc import Sequence

from imgui_bundle import imgui

from lossviz.viewer.commands import Command, CopyText, HideComputation, StopComputation
from lossviz.viewer.live import Underway
from lossviz.viewer.panels.widgets import wrapped

MOST = 4
LONGEST = 400  # letters of a command; what is copied is the whole


def draw(shown: Sequence[Underway]) -> list[Command]:
    """A few lines for each of the first ``MOST``, in the current window."""
    asked: list[Command] = []
    for number, one in enumerate(shown[:MOST]):
        if number:
            imgui.separator()
        imgui.push_id(number)
        asked += _running(one) if one.running else _ended(one)
        imgui.pop_id()
        imgui.spacing()
    if len(shown) > MOST:
        imgui.text_disabled(f"and {len(shown) - MOST} more")
    return asked


def _running(one: Underway) -> list[Command]:
    first, second = one.lines()
    wrapped(first)
    stop = imgui.calc_text_size("Stop").x + 2 * imgui.get_style().frame_padding.x
    room = imgui.get_content_region_avail().x - stop - imgui.get_style().item_spacing.x
    imgui.progress_bar(one.share, imgui.ImVec2(max(room, 1.0), 0.0), f"{one.share:.0%}")
    imgui.same_line()
    waits = one.stopping or one.status.state == "stopping"
    imgui.begin_disabled(waits)
    pressed = imgui.button("Stop")
    imgui.end_disabled()
    imgui.text_disabled(second)
    return [StopComputation(one.folder)] if pressed else []


def _ended(one: Underway) -> list[Command]:
    asked: list[Command] = []
    wrapped(*one.lines())
    if one.status.command:
        imgui.text_disabled("To go on:")
        command = one.status.command
        wrapped(command if len(command) <= LONGEST else f"{command[:LONGEST]} …")
        if imgui.small_button("Copy the command"):
            asked.append(CopyText(one.status.command, "The command is in the clipboard."))
        imgui.same_line()
    if imgui.small_button("Hide this"):
        asked.append(HideComputation(one.folder))
    return asked
