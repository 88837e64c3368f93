"""What the landscapes are: numbers and provenance."""

from __future__ import annotations

import math

import numpy as np
from imgui_bundle import imgui

from lossviz.viewer.commands import Command
from lossviz.viewer.critical import sought
from lossviz.viewer.figure import goes_between
from lossviz.viewer.items import Item
from lossviz.viewer.panels.widgets import fact
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from lossviz.viewer.text import one_line
from lossviz.viewer.ticks import number

MOST = 50  # curves, paths and marks each


def draw(state: ViewState, scene: Scene) -> list[Command]:
    """One block a landscape; edits nothing."""
    for index, item in enumerate(scene.items):
        imgui.push_id(index)
        if imgui.tree_node_ex(item.title, imgui.TreeNodeFlags_.default_open):
            if not item.is_figure:
                _values(item)
            _provenance(item)
            _lines(item)
            imgui.tree_pop()
        imgui.pop_id()
    return []


def _values(item: Item) -> None:
    """Lowest, highest and centre of every quantity."""
    flags = imgui.TableFlags_.sizing_stretch_prop
    if not imgui.begin_table("values", 4, flags):
        return
    for name in ("", "lowest", "highest", "centre"):
        imgui.table_next_column()
        imgui.text_disabled(name)
    for name, values in item.surface.quantities.items():
        span = item.span(name)
        low, high = (span[0], span[2]) if span else (float("nan"),) * 2
        imgui.table_next_column()
        imgui.text_disabled(one_line(name.replace("_", " ")))
        for value in (low, high, float(values[item.surface.center])):
            imgui.table_next_column()
            imgui.text(number(value))
    imgui.end_table()


def _provenance(item: Item) -> None:
    known = item.landscape.provenance
    if not item.is_figure:
        n, m = item.surface.shape
        fact("grid", f"{n} × {m}")
    seed = "" if known.seed is None else f", seed {known.seed}"
    facts = {
        "checkpoint": known.checkpoint,
        "data": f"{known.data} {known.split}".strip(),
        "samples": f"{known.samples:,} ({known.selection})" if known.samples else "",
        "loss": known.loss,
        "directions": f"{known.directions} {known.direction_normalize}{seed}".strip(", "),
        "batch norm": known.batch_norm,
        "precision": known.precision,
        "computed": known.date.replace("T", " ")[:16],
        "notes": "; ".join(known.notes),
    }
    for name, value in facts.items():
        if value:
            fact(name, value)


def _lines(item: Item) -> None:
    """Curves with their barriers, paths, marks."""
    own = item.landscape
    for curve in own.curves[:MOST]:
        barrier, at = curve.barrier() if goes_between(item) else (math.nan, math.nan)
        high = "" if math.isnan(barrier) else f", barrier {number(barrier)} at α = {number(at)}"
        fact("curve", f"{one_line(curve.name)}: {curve.alphas.size:,} points{high}")
    runs = [path for path in own.trajectories if path.kind != "descent"]
    for path in runs[:MOST]:
        x, y = (np.array([axis[0], axis[-1]]) for axis in (item.surface.alphas, item.surface.betas))
        low, high_ = np.array([x[0], y[0]]), np.array([x[1], y[1]])
        with np.errstate(invalid="ignore"):
            inside = ((path.points >= low) & (path.points <= high_)).all(axis=1)
        beside = len(path.points) - int(inside.sum())
        told = f", {beside:,} of them beside the surface" if beside else ""
        fact("path", f"{one_line(path.name)}: {len(path.points):,} steps{told}")
    for line in own.critical_points.checks() if sought(item) else ():
        fact("critical points", line)
    for mark in own.marks[:MOST]:
        at_ = f"({number(mark.alpha)}, {number(mark.beta)})"
        fact("mark", f"{one_line(mark.name)} at {at_}, loss {number(mark.value)}")
