"""Contour figures for papers, by matplotlib: labelled levels, and what lies on the surface.

The lines are those of the surface that the window draws: between the computed points it is the same
cubic interpolation, on the same scale, in the same colours.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossviz import __version__, contour_labels
from lossviz.contours import step_1_2_5
from lossviz.errors import LossvizError, UsageError
from lossviz.files import replace
from lossviz.viewer.colormaps import luminance, table
from lossviz.viewer.critical import COLORS, KINDS, PLURALS, columns, persistent
from lossviz.viewer.descents import from_file
from lossviz.viewer.inks import BRIGHTEST
from lossviz.viewer.levels import isoline_values
from lossviz.viewer.paths import MOST_DOTS, ink, shown_paths
from lossviz.viewer.scene import Item, Range, Scene
from lossviz.viewer.state import ViewState
from lossviz.viewer.text import one_line
from lossviz.viewer.themes import THEMES
from lossviz.viewer.ticks import linear_ticks, number

Floats = NDArray[np.float64]

KINDS_OF_FILE = (".pdf", ".svg", ".png")
INCH, POINTS = 2.54, 72.0
MARKERS = {"minimum": "v", "saddle": "X", "maximum": "^", "degenerate": "D"}
HOLE = "0.88"  # grey of what has no value
MOST_MARKS, MOST_NAMES = 200, 12
LABEL = 0.75  # size of the lines' numbers over that of the text
APART = 34.0  # points between the numbers of an axis
OVER = 3.0  # z-order of what lies on the lines


@dataclass(frozen=True)
class Style:
    """How a contour figure looks; sizes are in print.

    ``levels`` are values of the quantity; None: as the view's isolines. ``title`` None: none; empty:
    from the provenance.
    """

    width_cm: float = 8.5
    height_cm: float = 7.0
    dpi: float = 300.0
    text_size: float = 8.0  # points
    filled: bool = True
    levels: Sequence[float] | None = None
    title: str | None = None


def matplotlib() -> Any:
    """The library.

    Raises
    ------
    LossvizError
        If it is not there, with how to install it.
    """
    try:
        import matplotlib as found
    except ImportError:
        raise LossvizError(
            "contour figures need matplotlib: pip install 'lossviz[figures]'"
        ) from None
    return found


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
    library = matplotlib()
    kind = path.suffix.lower()[1:]
    with library.rc_context(_settings(state, style)):
        figure = _figure(scene, state, style)
        file = io.BytesIO()
        figure.savefig(file, format=kind, dpi=style.dpi, metadata=_metadata(kind, scene, state))
    replace(path, lambda out: out.write(file.getvalue()), str(path))


def _settings(state: ViewState, style: Style) -> Mapping[str, Any]:
    """matplotlib's own, whatever a user's matplotlibrc says: text stays text in every format."""
    theme, size = THEMES[state.picture.theme], style.text_size
    return {
        "font.family": ["DejaVu Sans"], "font.size": size, "text.usetex": False,
        "pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "lossviz",
        "axes.unicode_minus": True, "text.parse_math": False, "axes.titlesize": 1.1 * size, "axes.labelsize": 1.1 * size,
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
    figure = Figure(figsize=size, dpi=POINTS, layout="constrained")  # pixels are points for now
    figure.get_layout_engine().set(w_pad=0.04, h_pad=0.04, wspace=0.04)
    cells = figure.subplots(1, len(scene.items), squeeze=False)[0]
    entries: dict[str, Any] = {}
    panels = [_panel(axes, scene, state, style, index, entries) for index, axes in enumerate(cells)]
    if style.filled:
        for panel in panels[-1:] if state.surface.shared_scale else panels:
            _bar(panel, state)
    if entries and state.axes.legend:
        figure.legend(
            list(entries.values()), list(entries), loc="outside lower center",
            ncols=min(len(entries), max(2, int(style.width_cm / 1.9))), handlelength=1.6,
            columnspacing=1.2, handletextpad=0.5, borderpad=0.1,
        )  # fmt: skip
    for _ in range(2):  # numbers need room, and how many there are depends on what is left
        figure.draw_without_rendering()
        for panel in panels:
            _ticks(panel)
    figure.draw_without_rendering()
    for panel in panels:
        _labels(panel, style)
    figure.set_dpi(style.dpi)
    return figure


@dataclass(frozen=True, eq=False)
class _Bands:
    """The levels that a panel draws, on its scale, and the colours between them."""

    span: Range
    edges: Floats  # (k + 2,) on the scale: the range's ends around the levels
    values: Floats  # (k,) of the quantity
    colors: Floats  # (k + 1, 3)


def _bands(scene: Scene, state: ViewState, style: Style, index: int) -> _Bands:
    span = scene.height_range(state, index)
    if style.levels is None:
        values = isoline_values(scene, state, index)
    else:
        values = np.unique(np.asarray(style.levels, float))
        values = values[(values > span.low) & (values < span.high)]
        if not values.size:
            raise UsageError(
                f"levels: none of them is between the lowest {state.surface.height}, "
                f"{span.low:.6g}, and the highest, {span.high:.6g}"
            )
    low, high = span.scaled
    edges = np.concatenate([[low], span.on_scale(values), [high]])
    own = _color_range(scene, state, index, values if style.levels is not None else None)
    middles = (edges[:-1] + edges[1:]) / 2
    units = (own.unit(10.0**middles if span.log else middles)).clip(0, 1)
    table_ = table(state.surface.colormap, state.surface.reverse) / 255
    return _Bands(span, edges, values, table_[np.rint(units * 255).astype(int)])


def _color_range(scene: Scene, state: ViewState, index: int, values: Floats | None) -> Range:
    """What the colours span: what was asked for, else from the first to the last level that was
    asked for, else as in the window."""
    heights, own = scene.height_range(state, index), state.surface
    if values is not None and values.size > 1 and own.color_range is None:
        return Range(float(values[0]), float(values[-1]), heights.log)
    return scene.color_range(state, index) if own.color == own.height else heights


@dataclass(frozen=True, eq=False)
class _Panel:
    """One surface in its axes."""

    axes: Any
    item: Item
    bands: _Bands
    lines: Any  # the contour set; None: there is nothing to draw


def _panel(
    axes: Any, scene: Scene, state: ViewState, style: Style, index: int, entries: dict[str, Any]
) -> _Panel:
    """One surface with everything on it; what its signs mean goes to ``entries``."""
    item, bands = scene.items[index], _bands(scene, state, style, index)
    own, parts = item.surface, item.parts(state.surface.smooth)
    found = item.field(state.surface.height, state.surface.smooth)
    z = found.texels[..., 1].astype(float) if bands.span.log else _values(found)
    z = np.ma.masked_array(np.clip(z, bands.edges[0], bands.edges[-1]), found.texels[..., 2] < 0.5)
    axes.set_facecolor(HOLE)
    with np.errstate(all="ignore"):
        lines = _contours(axes, _fine(own.alphas, parts), _fine(own.betas, parts), z, bands, style)
        _lines_on(axes, item, state, entries)
        _points_on(axes, item, state, style, entries)
    axes.set(xlim=_side(own.alphas), ylim=_side(own.betas))
    for name, axis in ((_name("α", item, 0), axes.xaxis), (_name("β", item, 1), axes.yaxis)):
        axis.set_label_text(name, rotation=90 if axis is axes.yaxis and len(name) > 1 else 0)
    x, y = item.extent
    axes.set_box_aspect(y / x)
    if style.title is not None:
        axes.set_title(one_line(style.title) or item.title)
    return _Panel(axes, item, bands, lines)


def _ticks(panel: _Panel) -> None:
    """The numbers that the window's axes have: as many as there is room for, alike on both."""
    box = panel.axes.get_window_extent()
    sides = [_side(axis) for axis in (panel.item.surface.alphas, panel.item.surface.betas)]
    counts = [max(2, int(room / APART)) for room in (box.width, box.height)]
    finest = min(
        step_1_2_5(high - low, n) for (low, high), n in zip(sides, counts, strict=True)
    )
    for set_ticks, (low, high), count in zip(
        (panel.axes.set_xticks, panel.axes.set_yticks), sides, counts, strict=True
    ):
        found = linear_ticks(low, high, count, finest)
        set_ticks([tick.value for tick in found], [tick.label for tick in found])


def _labels(panel: _Panel, style: Style) -> None:
    """Numbers on the lines, where they cover nothing."""
    if panel.lines is None:
        return
    axes, bands = panel.axes, panel.bands
    box = axes.get_window_extent()

    def points(line: Floats) -> Floats:
        return np.asarray(axes.transData.transform(line) - (box.x0, box.y0))

    size = LABEL * style.text_size
    told = [number(value) for value in bands.values]
    places = contour_labels.Places(box.width, box.height)
    for line in axes.lines:  # paths, critical points and marks
        around = points(np.column_stack(line.get_data()))
        if line.get_linestyle() == "None":
            around = (around[:, None] + 3 * contour_labels.RING).reshape(-1, 2)
        places.draw(around)
    lines = [
        (text, points(line)) for text, path in zip(told, panel.lines.get_paths(), strict=True)
        for line in path.to_polygons(closed_only=False)
    ]  # fmt: skip
    found = contour_labels.place(places, lines, size)
    where = axes.transData.inverted().transform(np.array(found).reshape(-1, 2) + (box.x0, box.y0))
    if not len(where):
        return
    written = dict(zip(panel.lines.levels, told, strict=True))
    panel.lines.clabel(manual=where.tolist(), fmt=written, inline=True, inline_spacing=1,
                       fontsize=size)  # fmt: skip
    for label in panel.lines.labelTexts:
        label.set_alpha(1)


def _side(axis: Floats) -> tuple[float, float]:
    low, high = float(axis[0]), float(axis[-1])
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _fine(axis: Floats, parts: int) -> Floats:
    """An axis cut into ``parts`` between its points, as the drawn surface is."""
    if axis.size == 1:
        return np.array(_side(axis))
    return np.interp(np.arange((axis.size - 1) * parts + 1) / parts, np.arange(axis.size), axis)


def _values(found: Any) -> Floats:
    share = found.texels[..., 0].astype(float)
    return np.asarray(found.low * (1 - share) + found.high * share)


def _name(axis: str, item: Item, number_: int) -> str:
    """An axis' name; of a principal one also how much of the run's variance is along it."""
    known = item.landscape.provenance
    if known.directions.startswith("pca") and len(known.explained_variance) > number_:
        return f"{axis}  ({known.explained_variance[number_]:.1%} of the variance)"
    return axis


def _contours(axes: Any, xs: Floats, ys: Floats, z: Any, bands: _Bands, style: Style) -> Any:
    """Bands of colour if asked for, and lines; the lines' set."""
    if z.mask.all():
        return None
    if style.filled:
        filled = axes.contourf(xs, ys, z, levels=bands.edges, colors=bands.colors)
        filled.set_edgecolor("face")  # else viewers show white seams between the bands
        filled.set_linewidth(0.3)
        look = {"colors": "black", "linewidths": 0.45, "alpha": 0.75}
    else:
        axes.contourf(xs, ys, z, levels=bands.edges[[0, -1]], colors=["white"])
        inks = _readable((bands.colors[1:] + bands.colors[:-1]) / 2)
        look = {"colors": inks, "linewidths": 0.8}
    if not bands.values.size:
        return None
    return axes.contour(xs, ys, z, levels=bands.edges[1:-1], linestyles="solid", **look)


def _readable(colors: Floats) -> Floats:
    """Colours dark enough for thin lines on white."""
    bright = luminance(colors)
    share = np.minimum(1, (0.8 * BRIGHTEST / np.maximum(bright, 1e-3)) ** (1 / 2.2))
    return np.asarray(colors * share[:, None])


def _bar(panel: _Panel, state: ViewState) -> None:
    """The colour bar: the bands as high as they are on the scale, with the levels' numbers."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import BoundaryNorm, ListedColormap

    bands = panel.bands
    norm = BoundaryNorm(bands.edges, len(bands.colors))
    shown = ScalarMappable(norm, ListedColormap(bands.colors))
    place = panel.axes.inset_axes([1.035, 0, 0.045, 1])  # as high as the axes, whatever they are
    bar = panel.axes.figure.colorbar(shown, cax=place, spacing="proportional")
    ticks, apart = bands.edges[1:-1], np.ptp(bands.edges) / 28
    kept: list[int] = []
    for index, tick in enumerate(ticks):
        if not kept or tick - ticks[kept[-1]] > apart:
            kept.append(index)
    bar.set_ticks(ticks[kept], labels=[number(value) for value in bands.values[kept]])
    bar.ax.minorticks_off()
    bar.outline.set_linewidth(0.6)
    bar.set_label(one_line(state.surface.height.replace("_", " ")))


def _lines_on(axes: Any, item: Item, state: ViewState, entries: dict[str, Any]) -> None:
    """Paths with a light casing, a ring at the start, a disc at the end; descent lines thin."""
    from matplotlib.patheffects import Normal, Stroke

    casing = [Stroke(linewidth=2.6, foreground="white", alpha=0.9), Normal()]
    if state.critical.lines:
        for run in from_file(item):
            (line,) = axes.plot(*run.points.T, color="black", linewidth=0.5, zorder=OVER)
            entries.setdefault("steepest descent", line)
    paths = shown_paths(item, state)
    if any(not path.is_curve for path in paths):
        for name, face in (("start", "white"), ("end", "black")):
            entries.setdefault(name, _sign(face))
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
        for end, face in ends:
            axes.plot(*points[end], "o", color=color, markerfacecolor=face, markersize=3.6,
                      markeredgewidth=0.9, zorder=OVER + 2)  # fmt: skip


def _sign(face: str) -> Any:
    """A ring or a disc for the legend."""
    from matplotlib.lines import Line2D

    return Line2D([], [], color="black", marker="o", markerfacecolor=face, linestyle="none",
                  markersize=3.6, markeredgewidth=0.9)  # fmt: skip


def _points_on(
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
    from matplotlib.patheffects import Normal, Stroke

    halo = [Stroke(linewidth=1.6, foreground="white", alpha=0.9), Normal()]
    for mark in item.landscape.marks[:MOST_MARKS]:
        axes.plot(mark.alpha, mark.beta, "s", color="black", markeredgecolor="white",
                  markersize=4, markeredgewidth=0.6, zorder=OVER + 3)  # fmt: skip
        if state.marks.names:
            left = mark.alpha > np.mean(axes.get_xlim() if not item.surface.alphas.size else
                                        item.surface.alphas[[0, -1]])  # fmt: skip
            axes.annotate(
                one_line(mark.name)[:40], (mark.alpha, mark.beta), color="black", zorder=OVER + 4,
                xytext=(-4 if left else 4, 3), textcoords="offset points", path_effects=halo,
                ha="right" if left else "left", fontsize=0.85 * style.text_size, parse_math=False,
                annotation_clip=True,
            )  # fmt: skip
