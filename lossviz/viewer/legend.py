"""What the lines are: names beside a piece of each line, at the foot of a landscape."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lossviz.landscape import LOSS, Curve
from lossviz.viewer import basins
from lossviz.viewer.annotations import shortened
from lossviz.viewer.arrangement import follow, groups, placed
from lossviz.viewer.colormaps import linear_rgb, table, to_linear
from lossviz.viewer.critical import BORDER, COLORS, KINDS, PLURALS, counts, is_dense, least_told
from lossviz.viewer.descents import dropped, from_file
from lossviz.viewer.figure import along_lines, goes_between, traces
from lossviz.viewer.items import Item
from lossviz.viewer.laying import every, true_loss_shown
from lossviz.viewer.layout import TEXT, Layout, Rect, layout
from lossviz.viewer.paths import (
    Path,
    color_span,
    coloring,
    drawn_until,
    end_told,
    ink,
    mesh_inks,
    shown_paths,
    shown_span,
    step_told,
)
from lossviz.viewer.renderers.critical import SHAPES
from lossviz.viewer.renderers.overlay import Box, Label
from lossviz.viewer.renderers.paths import ramp_colors
from lossviz.viewer.renderers.points import FULL, HOLLOW, UP, Sign
from lossviz.viewer.scene import Scene
from lossviz.viewer.sections import ink_number, inks_of
from lossviz.viewer.slicing import cuts
from lossviz.viewer.state import ViewState
from lossviz.viewer.text import bitmap, one_line
from lossviz.viewer.themes import THEMES
from lossviz.viewer.ticks import number

ROW = 16.0  # points: the height of one row
SWATCH, RAMP = 20.0, 54.0  # points: the length of a line's piece, of a ramp
GAP, APART = 5.0, 16.0  # points: beside a piece, between entries
SIGN = 4.0  # points: radius of a sign
WHOLE = ((0.0, 1.0),)  # shares of a piece that are drawn
DASHES = ((0.0, 0.25), (0.375, 0.625), (0.75, 1.0))
LONGEST = 190.0  # points of a name
MOST_ROWS = 3
MOST = 100  # names: more do not fit anyway


@dataclass(frozen=True, eq=False)
class Entry:
    """Text, a piece of line, text: any of them may be missing.

    ``colors (k, 3)`` uint8 along the piece; ``pattern`` are the shares of it that are drawn.
    """

    after: str = ""
    before: str = ""
    colors: NDArray[np.uint8] | None = None
    thickness: float = 2.4  # points
    pattern: tuple[tuple[float, float], ...] = WHOLE
    names: int = 1  # it stands for so many
    sign: tuple[float, float] | None = None  # a shape, hollow or not, in the place of the piece
    room: str = ""  # it takes at least as much as this text, so that nothing moves in a film

    @property
    def length(self) -> float:
        """Of the piece, in points."""
        if self.colors is None:
            return 0.0
        if self.sign is not None:
            return 2.4 * SIGN
        return SWATCH if len(self.colors) == 1 else RAMP


def entries(scene: Scene, state: ViewState, index: int) -> list[Entry]:
    """What is to be told of landscape ``index``."""
    if not state.axes.legend:
        return []
    item = scene.items[index]
    if item.is_figure:
        return _figure_entries(item, state)
    paths = shown_paths(item, state)
    runs = [path for path in paths if not path.is_curve]
    by_run = coloring(item, state) == "run"
    found = _ramp(scene, state, index, runs) if runs and not by_run else []
    if runs:
        found.append(_ends(scene, state))
    if runs and (part := every(item, state)) > 1:
        found.append(Entry(f"1 of {part:,} steps drawn"))
    if runs and true_loss_shown(state):
        ink_ = np.array([THEMES[state.picture.theme].ink]) * 255
        found.append(Entry("on drop lines: each step's own loss", colors=ink_.astype(np.uint8),
                           thickness=1.0))  # fmt: skip
    named = [path for path in paths if path.is_curve or by_run]
    found += _first(
        [Entry(one_line(path.name), colors=ink(item, path)[None]) for path in named[:MOST]],
        len(named),
    )
    return [*found, *_slices(scene, state, index), *_critical(scene, state, index)]


def _ends(scene: Scene, state: ViewState) -> Entry:
    """The signs of paths' ends, with the present step while they are played."""
    span, said = shown_span(scene, state), f"○ start   ● {end_told(scene, state)}"
    if span is None or drawn_until(scene, state) is None:
        return Entry(said)
    widest = max((step_told(span, end) for end in span), key=len)
    zeros = "".join("0" if letter.isdecimal() else letter for letter in widest)
    return Entry(said, room=f"○ start   ● step {zeros}")


def _slices(scene: Scene, state: ViewState, index: int) -> Iterator[Entry]:
    """The present slice and those that are kept, by name."""
    colors = inks_of(scene, state)
    for which, cut in enumerate(cuts(scene, state, index)):
        color = colors[ink_number(scene, index, which)]
        yield Entry(one_line(cut.name) or f"slice {which}", colors=color[None])


def _critical(scene: Scene, state: ViewState, index: int) -> Iterator[Entry]:
    """How many critical points of every kind, from which persistence on; what thin lines are."""
    item, theme = scene.items[index], THEMES[state.picture.theme]
    ink_ = (np.array([theme.ink]) * 255).astype(np.uint8)
    if state.critical.shown and item.landscape.critical_points:
        kinds = [row for row in counts(item, state) if row[0] != BORDER or state.critical.border]
        for name, shown, all_ in kinds:
            if name == BORDER:
                yield Entry(f"{shown:,} {name}", colors=COLORS[2][None], sign=(UP, HOLLOW))
                continue
            kind = PLURALS.index(name)
            said = KINDS[kind] if all_ == 1 else name
            counted = f"{shown:,} {said}" if shown == all_ else f"{shown:,} of {all_:,} {said}"
            yield Entry(counted, colors=COLORS[kind][None], sign=(SHAPES[KINDS[kind]], FULL))
        if kinds:
            yield Entry(least_told(item, state))
        if is_dense(scene, state, index):
            yield Entry("dots: less persistent than a sign nearby")
    if state.critical.lines and (from_file(item) or dropped(item, state, index)):
        yield Entry("steepest descent on the slice", colors=ink_, thickness=1.4)
    if (regions := basins.shown(item, state)) is not None:
        colors = basins.PALETTE[: max(regions.count - 1, 1)]
        named = f"{regions.count:,} basin{'s' * (regions.count > 1)} of attraction"
        yield Entry(named + " (preview)" * regions.preview, colors=colors)


def _figure_entries(item: Item, state: ViewState) -> list[Entry]:
    """The quantities of one curve; the names of several, and what dashes mean."""
    found = traces(item, state)
    if len(along_lines(item)) == 1:
        return [
            Entry(_with_barrier(item, t.curve, t.quantity.replace("_", " ")), colors=t.ink[None],
                  pattern=DASHES if t.dashed else WHOLE)
            for t in found
        ]  # fmt: skip
    ink_ = (np.array([THEMES[state.picture.theme].ink]) * 255).astype(np.uint8)
    test = Entry("test", colors=ink_, pattern=DASHES)
    result = [Entry("train", colors=ink_), test] if any(t.dashed for t in found) else []
    if state.curves.spread and any(t.spread is not None for t in found):
        result.append(Entry("± one standard deviation", colors=_pale(state), thickness=8.0))
    named = {t.curve.name: t for t in found if t.quantity == LOSS}
    some = list(named.items())[:MOST]
    return result + _first(
        [Entry(_with_barrier(item, t.curve, one_line(name)), colors=t.ink[None])
         for name, t in some], len(named),
    )  # fmt: skip


def _first(some: list[Entry], count: int) -> list[Entry]:
    """The first of ``count`` names; the last of them stands for those that are left out."""
    rest = count - len(some)
    return [*some[:-1], replace(some[-1], names=1 + rest)] if rest else some


def _pale(state: ViewState) -> NDArray[np.uint8]:
    """``(1, 3)`` uint8: a light tone of the ink."""
    theme = THEMES[state.picture.theme]
    mixed = 0.3 * np.array([theme.ink]) + 0.7 * np.array([theme.background])
    return (255 * mixed).astype(np.uint8)


def _with_barrier(item: Item, curve: Curve, name: str) -> str:
    """The name, and beside a loss between two networks how high its barrier is."""
    barrier = curve.barrier()[0] if goes_between(item) and "accuracy" not in name else math.nan
    if "test loss" in name:
        barrier = curve.barrier("test_loss")[0] if goes_between(item) else math.nan
    return name if math.isnan(barrier) else f"{name}, barrier {number(barrier)}"


_QUANTITIES = {"step": "step", "loss": "loss", "off_plane": "off the plane, ‖Δθ‖"}


def _ramp(scene: Scene, state: ViewState, index: int, runs: Sequence[Path]) -> list[Entry]:
    span = color_span(scene, state, index)
    quantity = _QUANTITIES[coloring(scene.items[index], state)]
    low, high = (number(value) for value in (span.low, span.high))
    name = one_line(runs[0].name) if len(runs) == 1 else f"{len(runs)} runs"
    before = f"{name}:  {quantity} {low}" + (" (log)" if span.log else "")
    return [Entry(high, before, ramp_colors(scene, state, index))]


def arranged(scene: Scene, state: ViewState, width: float, height: float, scale: float) -> Layout:
    """The layout of a picture, with room for the legends at the foot of every landscape.

    The scene holds the differences that the view asks for from here on.
    """
    follow(scene, state)
    found, bars = groups(scene, state), len(scene.scales(state))

    def plan(foot: float) -> Layout:
        plain = layout(len(found), width, height, scale, state, foot=foot, bars=bars)
        return placed(scene, state, found, plain)

    first = plan(0.0)
    most = max(
        len(rows(told(scene, state, group), place.width, scale))
        for group, place in zip(first.groups, first.legends, strict=True)
    )
    return plan((most * ROW + 6.0) * scale) if most else first


def told(scene: Scene, state: ViewState, group: Sequence[int]) -> list[Entry]:
    """What is to be told of landscapes in one frame: which is which, then of each."""
    names: list[Entry] = []
    if len(group) > 1 and state.axes.legend:
        own = state.surface
        solid, *meshes = (one_line(scene.items[index].title) for index in group)
        inks = mesh_inks(scene, state, group)
        names = [Entry(solid, colors=table(own.colormap, own.reverse))]
        names += [Entry(name, colors=ink_[None]) for name, ink_ in zip(meshes, inks, strict=True)]
    all_ = [entry for index in group for entry in entries(scene, state, index)]
    said = [entry.after if entry.colors is None else None for entry in all_]
    # What several say in the same words alone is said once.
    return names + [entry for k, entry in enumerate(all_)
                    if said[k] is None or said[k] not in said[:k]]  # fmt: skip


def rows(found: Sequence[Entry], width: float, scale: float) -> list[list[Entry]]:
    """Entries in as many rows as they need, MOST_ROWS at most; then says how many are left out."""
    result: list[list[Entry]] = []
    room = 0.0
    for done, entry in enumerate(found):
        left = sum(other.names for other in found[done - 1 :])
        wide = _width(entry, scale) + APART * scale
        if not result or wide > room:
            if len(result) == MOST_ROWS:
                result[-1][-1:] = [Entry(f"… and {left} more")]
                break
            result.append([])
            room = 0.96 * width + APART * scale
        result[-1].append(entry)
        room -= wide
    return result


def legend(
    found: Sequence[Entry], place: Rect, state: ViewState, scale: float
) -> Iterator[Label | Box | Sign]:
    """Draw entries in rows, each row centred in ``place``."""
    for index, row in enumerate(rows(found, place.width, scale)):
        wide = sum(_width(entry, scale) + APART * scale for entry in row) - APART * scale
        x = place.x + max(place.width - wide, 0.0) / 2
        y = place.y + (index + 0.5) * ROW * scale
        for entry in row:
            yield from _draw(entry, x, y, state, scale)
            x += _width(entry, scale) + APART * scale


def _width(entry: Entry, scale: float) -> float:
    texts = [_text(text, scale) for text in (entry.before, entry.after) if text]
    wide = sum(bitmap(text, round(TEXT * scale)).shape[1] for text in texts)
    parts = len(texts) + (entry.colors is not None)
    if entry.room:
        wide = max(wide, bitmap(_text(entry.room, scale), round(TEXT * scale)).shape[1])
    return wide + (entry.length + GAP * max(parts - 1, 0)) * scale


def _text(text: str, scale: float) -> str:
    return shortened(text, LONGEST * scale, TEXT * scale, bold=False, tail=True)


def _draw(
    entry: Entry, x: float, y: float, state: ViewState, scale: float
) -> Iterator[Label | Box | Sign]:
    color = (*THEMES[state.picture.theme].linear("ink"), 1.0)
    for text in (entry.before, None, entry.after):
        if text is None and entry.colors is not None:
            if entry.sign is not None:
                middle = x + entry.length * scale / 2
                yield Sign(middle, y, linear_rgb(entry.colors[0] / 255), SIGN, *entry.sign)
                x += (entry.length + GAP) * scale
                continue
            high = (entry.thickness if len(entry.colors) == 1 else 7.0) * scale
            yield from _piece(entry, Rect(x, y - high / 2, entry.length * scale, high))
            x += (entry.length + GAP) * scale
        elif text:
            short = _text(text, scale)
            yield Label(short, x, y, TEXT, color, (0.0, 0.5))
            x += bitmap(short, round(TEXT * scale)).shape[1] + GAP * scale


def _piece(entry: Entry, place: Rect) -> Iterator[Box]:
    assert entry.colors is not None
    some = entry.colors[:: max(1, len(entry.colors) // 64)]
    for i, (red, green, blue) in enumerate(to_linear(some / 255).tolist()):
        for start, end in entry.pattern:
            left, right = (place.x + place.width * (i + s) / len(some) for s in (start, end))
            yield Box(Rect(left, place.y, right - left, place.height), (red, green, blue, 1.0))
