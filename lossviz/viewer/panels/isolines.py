"""Isolines and the floor."""

from __future__ import annotations

from lossviz.viewer.commands import Command
from lossviz.viewer.panels.widgets import checks, choice, slider, whole
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import LABELLED, SCALES, ViewState


def draw(state: ViewState, scene: Scene) -> list[Command]:
    """Edit ``state.isolines``; asks for nothing."""
    own = state.isolines
    own.surface, own.floor = checks(("On the surface", own.surface), ("Floor", own.floor))
    own.spacing = choice("Spacing", own.spacing, SCALES)
    own.count = whole("Levels, about", own.count, 1, 60)
    own.labels = choice("Numbers", own.labels, LABELLED)
    own.width = slider("Width", own.width, 0.3, 4.0, "%.1f pt")
    own.opacity = slider("Opacity", own.opacity, 0.1, 1.0)
    return []
