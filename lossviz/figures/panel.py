"""One surface in a contour figure: its lines, its axes and the numbers on both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossviz.contours import step_1_2_5
from lossviz.figures import labels
from lossviz.figures.bands import Bands, bands_of
from lossviz.figures.signs import draw_lines, draw_points
from lossviz.figures.style import POINTS, Style
from lossviz.viewer.inks import darkening
from lossviz.viewer.items import Item
from lossviz.viewer.scene import Scene
from lossviz.viewer.slicing import mesh_axes
from lossviz.viewer.state import ViewState
from lossviz.viewer.text import one_line
from lossviz.viewer.ticks import linear_ticks

Floats = NDArray[np.float64]

LABEL = 0.75  # size of the lines' numbers over that of the text
APART = 34.0  # points between the numbers of an axis
HOLE = "0.88"  # grey of what has no value


@dataclass(frozen=True, eq=False)
class Panel:
    """One surface in its axes."""

    axes: Any
    item: Item
    bands: Bands
    lines: Any  # the contour set; None: there is nothing to draw


def draw_panel(
    axes: Any, scene: Scene, state: ViewState, style: Style, index: int, entries: dict[str, Any]
) -> Panel:
    """One surface with everything on it; what its signs mean goes to ``entries``."""
    item, bands = scene.items[index], bands_of(scene, state, style, index)
    found = item.field(state.surface.height, state.surface.smooth)
    z = found.texels[..., 1].astype(float) if bands.span.log else _values(found)
    z = np.ma.masked_array(np.clip(z, bands.edges[0], bands.edges[-1]), found.texels[..., 2] < 0.5)
    axes.set_facecolor(HOLE)
    lines = _contours(axes, *mesh_axes(item, state.surface.smooth), z, bands, style)
    draw_lines(axes, scene, state, index, entries)
    draw_points(axes, item, state, style, entries)
    axes.set(xlim=item.own_box[0], ylim=item.own_box[1])
    for name, axis in ((_name("α", item, 0), axes.xaxis), (_name("β", item, 1), axes.yaxis)):
        axis.set_label_text(name, rotation=90 if axis is axes.yaxis and len(name) > 1 else 0)
    x, y = item.extent
    axes.set_box_aspect(y / x)
    if style.title is not None:
        axes.set_title(one_line(style.title) or item.title)
    return Panel(axes, item, bands, lines)


def _values(found: Any) -> Floats:
    share = found.texels[..., 0].astype(float)
    return np.asarray(found.low * (1 - share) + found.high * share)


def _name(axis: str, item: Item, number_: int) -> str:
    """An axis' name; of a principal one also how much of the run's variance is along it."""
    known = item.landscape.provenance
    if known.directions.startswith("pca") and len(known.explained_variance) > number_:
        return f"{axis}  ({known.explained_variance[number_]:.1%} of the variance)"
    return axis


def _contours(axes: Any, xs: Floats, ys: Floats, z: Any, bands: Bands, style: Style) -> Any:
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
        inks = bands.line_colors * darkening(bands.line_colors)
        look = {"colors": inks, "linewidths": 0.8}
    if not bands.values.size:
        return None
    return axes.contour(
        xs, ys, z, levels=bands.span.on_scale(bands.values), linestyles="solid", **look
    )


def set_ticks(panel: Panel, style: Style) -> None:
    """The numbers that the window's axes have: as many as there is room for, alike on both."""
    box = panel.axes.get_window_extent()
    sides = panel.item.own_box
    counts = [max(2, int(room * POINTS / style.dpi / APART)) for room in (box.width, box.height)]
    finest = min(step_1_2_5(high - low, n) for (low, high), n in zip(sides, counts, strict=True))
    for write, (low, high), count in zip(
        (panel.axes.set_xticks, panel.axes.set_yticks), sides, counts, strict=True
    ):
        found = linear_ticks(low, high, count, finest)
        write([tick.value for tick in found], [tick.label for tick in found])


def write_labels(panel: Panel, style: Style) -> None:
    """Numbers on the lines, where they cover nothing."""
    if panel.lines is None:
        return
    axes, bands = panel.axes, panel.bands
    box, point = axes.get_window_extent(), POINTS / style.dpi

    def points(line: Floats) -> Floats:
        return np.asarray((axes.transData.transform(line) - (box.x0, box.y0)) * point)

    size = LABEL * style.text_size
    places = labels.Places(box.width * point, box.height * point)
    for line in axes.lines:  # paths, critical points and marks
        around = points(np.column_stack(line.get_data()))
        if line.get_linestyle() == "None":
            around = (around[:, None] + 3 * labels.RING).reshape(-1, 2)
        places.draw(around)
    for text in axes.texts:
        room = text.get_window_extent().translated(-box.x0, -box.y0).bounds
        x, y, wide, high = (side * point for side in room)
        for row in np.arange(y, y + high):
            places.draw(np.array([[x, row], [x + wide, row]]))
    lines = [
        (text, points(line))
        for text, path in zip(bands.line_numbers, panel.lines.get_paths(), strict=True)
        for line in path.to_polygons(closed_only=False)
    ]  # fmt: skip
    found = labels.place(places, lines, size)
    if not found:
        return
    where = axes.transData.inverted().transform(np.array(found) / point + (box.x0, box.y0))
    written = dict(zip(panel.lines.levels, bands.line_numbers, strict=True))
    panel.lines.clabel(manual=where.tolist(), fmt=written, inline=True, inline_spacing=1,
                       fontsize=size)  # fmt: skip
    for label in panel.lines.labelTexts:
        label.set_alpha(1)
