"""Contour figures for papers, by matplotlib: labelled levels, and what lies on the surface.

The lines are those of the surface that the window draws: between the computed points it is the same
cubic interpolation, on the same scale, in the same colours.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lossviz import __version__
from lossviz.errors import UsageError
from lossviz.figures.panel import Panel, draw_panel, set_ticks, write_labels
from lossviz.figures.style import INCH, POINTS, Style
from lossviz.files import replace
from lossviz.resources import extra
from lossviz.viewer.annotations import named
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from lossviz.viewer.text import one_line
from lossviz.viewer.themes import THEMES

KINDS_OF_FILE = (".pdf", ".svg", ".png")


def write(path: str | Path, scene: Scene, state: ViewState, style: Style) -> None:
    """Draw the surfaces of a scene beside each other into a PDF, an SVG or a PNG; atomic.

    The same scene, view and style give the same bytes.

    Raises
    ------
    UsageError
        If there is no surface, no level within its range, or the name ends in something else.
    LossvizError
        If matplotlib is missing or the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in KINDS_OF_FILE:
        raise UsageError(f"output: expected a name that ends in .pdf, .svg or .png, got {path}")
    if len(scene.surfaces) < len(scene.items):
        raise UsageError("contour: expected surfaces, got curves only")
    library = extra("matplotlib", "figures", "contour figures")
    kind = path.suffix.lower()[1:]
    if kind == "png":  # whole pixels, as in other pictures
        sides = [round(side / INCH * style.dpi) * INCH / style.dpi * (1 + 1e-12)
                 for side in (style.width_cm, style.height_cm)]  # fmt: skip
        style = dataclasses.replace(style, width_cm=sides[0], height_cm=sides[1])
    with library.rc_context(_settings(state, style)), np.errstate(all="ignore"):
        figure = _figure(scene, state, style)
        file = io.BytesIO()
        figure.savefig(file, format=kind, dpi=style.dpi, metadata=_metadata(kind, scene, state))
    replace(path, lambda out: out.write(file.getvalue()), str(path))


def _settings(state: ViewState, style: Style) -> Mapping[str, Any]:
    """matplotlib's own, whatever a user's matplotlibrc says: text stays text in every format."""
    theme, size = THEMES[state.picture.theme], style.text_size
    return {
        "font.family": ["DejaVu Sans"], "font.size": size, "text.usetex": False,
        "text.hinting": "none",
        "pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "lossviz",
        "axes.unicode_minus": True, "text.parse_math": False,
        "axes.titlesize": 1.1 * size, "axes.labelsize": 1.1 * size,
        "axes.linewidth": 0.6, "lines.linewidth": 0.8,
        "xtick.labelsize": 0.9 * size, "ytick.labelsize": 0.9 * size,
        "xtick.direction": "out", "ytick.direction": "out",
        "xtick.major.width": 0.6, "ytick.major.width": 0.6,
        "xtick.major.size": 2.5, "ytick.major.size": 2.5,
        "figure.facecolor": theme.background, "savefig.facecolor": theme.background,
        "savefig.transparent": bool(state.picture.transparent), "savefig.bbox": None,
        "text.color": theme.ink, "axes.labelcolor": theme.ink, "axes.edgecolor": theme.ink,
        "xtick.color": theme.ink, "ytick.color": theme.ink, "axes.titlecolor": theme.ink,
        "legend.frameon": False, "legend.fontsize": 0.9 * size, "hatch.linewidth": 0.4,
    }  # fmt: skip


def _metadata(kind: str, scene: Scene, state: ViewState) -> dict[str, Any]:
    """What the file tells of itself; no date, so that a command gives the same file twice."""
    title = " | ".join(item.title for item in scene.items)
    known = [{"title": item.title, **item.landscape.provenance.to_json()} for item in scene.items]
    told = json.dumps(known)
    made = f"lossviz {__version__}"
    if kind == "pdf":
        return {"Title": title, "Creator": made, "Subject": told, "CreationDate": None}
    if kind == "svg":
        return {"Title": title, "Creator": made, "Description": told, "Date": None}
    return {"Title": title, "Software": made, "lossviz_provenance": told}


def _figure(scene: Scene, state: ViewState, style: Style) -> Any:
    from matplotlib.figure import Figure

    size = style.width_cm / INCH, style.height_cm / INCH
    figure: Any = Figure(figsize=size, dpi=style.dpi, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.04, h_pad=0.04, wspace=0.04)
    cells = figure.subplots(1, len(scene.items), squeeze=False)[0]
    entries: dict[str, Any] = {}
    panels = [
        draw_panel(axes, scene, state, style, index, entries) for index, axes in enumerate(cells)
    ]
    bars = []
    if style.filled and any(item.span(state.surface.height) for item in scene.items):
        bars = [
            (panel, _bar(panel, state))
            for panel in (panels[-1:] if state.surface.shared_scale else panels)
        ]
    if entries and state.axes.legend:
        _legend(figure, entries)
    for _ in range(2):  # numbers need room, and how many there are depends on what is left
        figure.draw_without_rendering()
        for panel in panels:
            set_ticks(panel, style)
        for panel, bar in bars:
            _bar_ticks(panel, bar, style)
    figure.draw_without_rendering()
    for panel in panels:
        write_labels(panel, style)
    return figure


def _legend(figure: Any, entries: dict[str, Any]) -> None:
    """What the signs and lines are, under the panels, in as few rows as there is room for."""
    for columns_ in range(len(entries), 0, -1):
        found = figure.legend(
            list(entries.values()), list(entries), loc="outside lower center", ncols=columns_,
            handlelength=1.6, columnspacing=1.2, handletextpad=0.5, borderpad=0.1,
        )  # fmt: skip
        figure.draw_without_rendering()
        if columns_ == 1 or found.get_window_extent().width <= 0.97 * figure.bbox.width:
            return
        found.remove()


def _bar(panel: Panel, state: ViewState) -> Any:
    """The colour bar: the bands as high as they are on the scale, with the levels' numbers."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import BoundaryNorm, ListedColormap

    bands = panel.bands
    norm = BoundaryNorm(bands.edges, len(bands.colors))
    shown = ScalarMappable(norm, ListedColormap(bands.colors))
    place = panel.axes.inset_axes([1.035, 0, 0.045, 1])  # as high as the axes, whatever they are
    bar = panel.axes.figure.colorbar(shown, cax=place, spacing="proportional")
    bar.minorticks_off()
    bar.outline.set_linewidth(0.6)
    bar.set_label(named(one_line(state.surface.height.replace("_", " ")), bands.span))
    return bar


def _bar_ticks(panel: Panel, bar: Any, style: Style) -> None:
    """Numbers at as many levels as there is room for."""
    bands = panel.bands
    room = bar.ax.get_window_extent().height * POINTS / style.dpi / (1.25 * style.text_size)
    ticks, apart = bands.edges[1:-1], np.ptp(bands.edges) / max(room, 1)
    kept: list[int] = []
    for index, tick in enumerate(ticks):
        if not kept or tick - ticks[kept[-1]] > apart:
            kept.append(index)
    bar.set_ticks(ticks[kept], labels=[bands.numbers[index] for index in kept])
