"""Critical points: which are shown, and lines of steepest descent."""

from __future__ import annotations

import math
import sys

import numpy as np
from imgui_bundle import imgui

from lossviz.landscape import LOSS
from lossviz.viewer.basins import regions
from lossviz.viewer.commands import Command
from lossviz.viewer.critical import (
    BORDER,
    COLORS,
    KINDS,
    LOG_UNIT,
    PLURALS,
    columns,
    counts,
    in_log,
    threshold,
)
from lossviz.viewer.descents import from_file
from lossviz.viewer.items import Item
from lossviz.viewer.panels.widgets import checks, sign, slider
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from lossviz.viewer.ticks import number


def is_needed(scene: Scene) -> bool:
    """Whether there is a surface: balls can be dropped on each, and each has basins."""
    return bool(scene.surfaces)


def draw(state: ViewState, scene: Scene) -> list[Command]:
    """Edit ``state.critical``; asks for nothing."""
    own = state.critical
    items = [item for item in scene.surfaces if item.landscape.critical_points]
    if items:
        own.shown, own.border = checks(("Points", own.shown), ("On the border", own.border))
        _persistence(state, items)
        if any(np.isfinite(columns(item).confidence).any() for item in items):
            own.confidence = slider("Confidence", own.confidence, 0.0, 1.0, "≥ %.2f")
        own.size = slider("Size", own.size, 2.0, 12.0, "%.1f pt")
        for item in items:
            if len(scene.items) > 1:
                imgui.text_disabled(item.title)
            _counts(item, state)
    if own.starts or any(from_file(item) for item in scene.surfaces):
        (own.lines,) = checks(("Lines of descent", own.lines))
        own.width = slider("Line width", own.width, 0.3, 6.0, "%.1f pt")
    (own.basins,) = checks(("Basins of attraction", own.basins))
    if own.basins:
        for item in scene.surfaces:
            _basins(item)
    balls = len(own.starts)
    said = f"Remove {balls} ball{'s' * (balls > 1)}"
    if balls and imgui.button(said, imgui.ImVec2(-1, 0)):
        own.starts = ()
    if not balls:
        imgui.text_disabled("Shift + double click drops a ball.")
    return []


def _basins(item: Item) -> None:
    """How many there are, and how well they are known."""
    if (found := regions(item)) is not None:
        imgui.text_disabled(f"{found.count:,} basins" + ", a preview" * found.preview)
    elif LOSS not in item.basins:
        imgui.text_disabled("The basins are being computed …")


def _persistence(state: ViewState, items: list[Item]) -> None:
    """The least that is shown, on a logarithmic scale; at its lower end all are."""
    own = state.critical
    values = np.concatenate([columns(item).persistence for item in items])
    values = values[np.isfinite(values) & (values > 0)]
    if not values.size:
        return
    # In logarithms throughout: a file's numbers may be too far apart to be divided.
    low, high = math.log(values.min()) - math.log(2), math.log(values.max()) + 0.01
    least = threshold(items[0], state)
    place = (math.log(least) - low) / (high - low) if least > 0 else 0.0
    place = min(max(place, 0.0), 1.0)
    unit = LOG_UNIT if in_log(items[0]) else ""
    moved = slider("Persistence", place, 0.0, 1.0, f"{_shown(least)}{unit}")
    if moved != place:
        level = min(low + moved * (high - low), math.log(sys.float_info.max))
        own.persistence = 0.0 if moved <= 0 else math.exp(level)
    if own.persistence is not None and imgui.button("What stands out", imgui.ImVec2(-1, 0)):
        own.persistence = None


def _shown(least: float) -> str:
    return f"≥ {number(float(f'{least:.3g}'))}" if least else "all"


def _counts(item: Item, state: ViewState) -> None:
    """Shown and all, a line a kind."""
    for name, shown, all_ in counts(item, state):
        kind = KINDS.index("maximum") if name == BORDER else PLURALS.index(name)
        sign(KINDS[kind], COLORS[kind], hollow=name == BORDER)
        imgui.text(name)
        imgui.same_line(imgui.get_window_width() * 0.5)
        imgui.text_disabled(f"{shown if state.critical.shown else 0:,} of {all_:,} shown")
