"""The Hessian's eigenvalue density at the centre as a plot, to be read at the pointer."""

from __future__ import annotations

import numpy as np
from imgui_bundle import imgui, implot

from lossviz.landscape import SPECTRAL_DENSITY, Curve
from lossviz.viewer.commands import Command
from lossviz.viewer.items import Item
from lossviz.viewer.panels.plots import BARE, SMALL, scale
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState

HIGH = 150.0  # points
DECADES = 8.0  # below the highest density: what is further down is the kernel's tail
LEAST, MOST = 1e-280, 1e280  # what the plot can scale


def densities(item: Item) -> list[Curve]:
    """The curves of a landscape that are over eigenvalues."""
    return [curve for curve in item.landscape.curves if SPECTRAL_DENSITY in curve.quantities]


def is_needed(scene: Scene) -> bool:
    """Whether there is any."""
    return any(densities(item) for item in scene.items)


def draw(state: ViewState, scene: Scene) -> list[Command]:
    """A plot for each; edits nothing, asks for nothing."""
    imgui.push_font(None, SMALL)
    for index, item in enumerate(scene.items):
        for number, curve in enumerate(densities(item)):
            if len(scene.items) > 1:
                imgui.text_disabled(item.title)
            _plot(curve, f"##density {item.key} {index} {number}")
    imgui.pop_font()
    return []


def _plot(curve: Curve, name: str) -> None:
    """Logarithmic, or the few eigenvalues beside the bulk would not be seen."""
    values, density = np.array(curve.alphas), np.array(curve.quantities[SPECTRAL_DENSITY])
    drawn = np.isfinite(density) & (density > LEAST) & (density < MOST) & (abs(values) < MOST)
    values, density = values[drawn], density[drawn]
    size = imgui.ImVec2(-1, HIGH * scale())
    if values.size < 2 or not implot.begin_plot(name, size, BARE):
        return
    highest = float(density.max())
    implot.setup_axes("λ", "density", 0, 0)
    implot.setup_axes_limits(
        float(values[0]), float(values[-1]), highest * 10**-DECADES, highest * 3
    )
    implot.setup_axis_scale(implot.ImAxis_.y1, implot.Scale_.log10)
    implot.setup_mouse_text(implot.Location_.north)
    implot.plot_line("##density", values, density)
    implot.end_plot()
