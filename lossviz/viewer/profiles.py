"""Profiles as text: one row a point, every number with all its digits."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

import numpy as np

from lossviz.errors import printable
from lossviz.viewer.between import between
from lossviz.viewer.items import Item
from lossviz.viewer.polylines import Lines
from lossviz.viewer.scene import Scene
from lossviz.viewer.slicing import (
    cuts,
    isolines,
    points_at,
    profile,
    shown_quantity,
    stations,
)
from lossviz.viewer.state import Cut, ViewState

Row = list[str | float]


def upright_csv(item: Item, cut: Cut, count: int | None = None, *, smooth: bool = True) -> str:
    """``place,alpha,beta`` and every quantity along an upright cut.

    At ``count`` places evenly spaced, else where the cut meets a line of the computed grid.
    """
    places = stations(item, cut)
    if count is not None and places.size:
        places = np.linspace(places[0], places[-1], count)
    points = points_at(item, cut, places)
    names = list(item.surface.quantities)
    columns = [between(item, name, smooth=smooth).at(points) for name in names]
    rows = np.column_stack([places, points, *columns]).tolist()
    return _csv(["place", "alpha", "beta", *map(printable, names)], rows)


def level_csv(item: Item, level: float, quantity: str, *, smooth: bool = True) -> str:
    """``line,alpha,beta`` and the quantity on the isolines of a level, one after the other."""
    own = between(item, quantity, smooth=smooth)
    found = isolines(own, level, exact=True)
    return _csv(
        ["line", "alpha", "beta", printable(quantity)], _isoline_rows(found, own.at(found.points))
    )


def _isoline_rows(found: Lines, values: np.ndarray) -> list[Row]:
    return [
        [str(int(line)), alpha, beta, value]
        for line, (alpha, beta), value in zip(
            found.values.tolist(), found.points.tolist(), values.tolist(), strict=True
        )
    ]


def profiles_csv(scene: Scene, state: ViewState) -> str:
    """The height's quantity along every slice of a view, of every landscape.

    ``place`` is the number of the line on a slice that is level.
    """
    rows: list[Row] = []
    for index, item in enumerate(scene.items):
        for cut in [] if item.is_figure else cuts(scene, state, index):
            own = shown_quantity(scene, state, index)
            begin: Row = [printable(item.title), printable(cut.name)]
            if cut.along == "level":
                found = isolines(own, cut.at, exact=True)
                part = _isoline_rows(found, own.at(found.points))
            else:
                made = profile(item, cut, own)
                part = np.column_stack([made.places, made.points, made.values]).tolist()
            rows += [begin + row for row in part]
    name = printable(state.surface.height)
    return _csv(["landscape", "slice", "place", "alpha", "beta", name], rows)


def _csv(names: list[str], rows: Iterable[Row]) -> str:
    """Python writes the fewest digits that give the same float64 back."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue()
