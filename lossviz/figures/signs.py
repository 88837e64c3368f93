"""What lies on the contour lines: paths, critical points and marks."""

from __future__ import annotations

from typing import Any

from lossviz.figures.style import Style
from lossviz.viewer.critical import COLORS, KINDS, PLURALS, columns, persistent
from lossviz.viewer.descents import from_file
from lossviz.viewer.items import Item
from lossviz.viewer.paths import MOST_DOTS, drawn_paths, end_told, ink
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from lossviz.viewer.text import one_line

MARKERS = {"minimum": "v", "saddle": "X", "maximum": "^", "degenerate": "D"}
MOST_MARKS, MOST_NAMES = 200, 12

OVER = 3.0  # z-order of what lies on the lines


def draw_lines(
    axes: Any, scene: Scene, state: ViewState, index: int, entries: dict[str, Any]
) -> None:
    """Paths with a light casing, a ring at the start, a disc at the end or where they are at the
    present step; descent lines thin."""
    from matplotlib.patheffects import Normal, Stroke

    item = scene.items[index]
    casing = [Stroke(linewidth=2.6, foreground="white", alpha=0.9), Normal()]
    if state.critical.lines:
        for run in from_file(item):
            axes.plot(*run.points.T, color="black", linewidth=0.5, zorder=OVER)
            entries.setdefault("steepest descent", in_ink("", linestyle="-", linewidth=0.5))
    paths = drawn_paths(scene, state, index)
    if any(not path.is_curve for path in paths):
        for name, look in (
            ("start", {"markerfacecolor": "none"}),
            (end_told(scene, state), {}),
        ):
            entries.setdefault(name, in_ink("o", **look))
    for path in paths:
        color = ink(item, path) / 255
        points = path.points[path.known]
        (line,) = axes.plot(*path.points.T, color=color, linewidth=1.2, zorder=OVER + 1,
                            path_effects=casing, solid_capstyle="round")  # fmt: skip
        if len(entries) < MOST_NAMES:
            entries.setdefault(one_line(path.name), line)
        if path.is_curve or not len(points):
            continue
        if len(points) <= MOST_DOTS:
            axes.plot(*points[1:-1].T, ".", color=color, markersize=2.4, zorder=OVER + 1)
        ends: tuple[tuple[int, Any], ...] = ((0, "white"), (-1, color))
        for end, face in ends if path.known[-1] or state.trajectories.played >= 1 else ends[:1]:
            axes.plot(*points[end], "o", color=color, markerfacecolor=face, markersize=3.6,
                      markeredgewidth=0.9, zorder=OVER + 2)  # fmt: skip


def in_ink(marker: str, **look: Any) -> Any:
    """A sign or a piece of line for the legend, in the ink of the theme."""
    from matplotlib import rcParams
    from matplotlib.lines import Line2D

    usual = {"linestyle": "none", "markersize": 3.6, "markeredgewidth": 0.9}
    return Line2D([], [], color=rcParams["text.color"], marker=marker, **{**usual, **look})


def draw_points(
    axes: Any, item: Item, state: ViewState, style: Style, entries: dict[str, Any]
) -> None:
    """Critical points by their kinds, and marks with their names."""
    if state.critical.shown and item.landscape.critical_points:
        own = columns(item)
        kept = persistent(item, state) & (state.critical.border | ~own.border)
        for number_, kind in enumerate(KINDS):
            places = own.places[kept & (own.kinds == number_)]
            if len(places):
                (signs,) = axes.plot(
                    *places.T, MARKERS[kind], linestyle="none", color=COLORS[number_] / 255,
                    markeredgecolor="white", markersize=4.5, markeredgewidth=0.5, zorder=OVER + 3,
                )  # fmt: skip
                entries.setdefault(PLURALS[number_], signs)
    if not state.marks.shown:
        return
    ground = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.8}
    middle = float(item.surface.alphas[[0, -1]].mean())
    for mark in item.landscape.marks[:MOST_MARKS]:
        axes.plot(mark.alpha, mark.beta, "s", color="black", markeredgecolor="white",
                  markersize=4, markeredgewidth=0.6, zorder=OVER + 3)  # fmt: skip
        if state.marks.names:
            left = mark.alpha > middle
            axes.annotate(
                one_line(mark.name)[:40], (mark.alpha, mark.beta), color="black", bbox=ground,
                xytext=(-5 if left else 5, 3), textcoords="offset points", zorder=OVER + 4,
                ha="right" if left else "left", fontsize=0.85 * style.text_size,
                annotation_clip=True,
            )  # fmt: skip
