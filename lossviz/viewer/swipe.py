"""The divider of a swipe: a line with a handle between two landscapes, dragged by the pointer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lossviz.viewer.layout import Layout, Rect
from lossviz.viewer.renderers.overlay import Box
from lossviz.viewer.state import ViewState
from lossviz.viewer.themes import THEMES

if TYPE_CHECKING:
    from lossviz.viewer.gestures import Drag

REACH = 6.0  # points beside the line from which it is still held
WIDTH, HEIGHT = 11.0, 28.0  # points: of the handle
LINE, HALO = 1.2, 1.3  # points: of the line, and of light at each of its sides
GRIP = 3.0  # points between the handle's two marks


def divider(state: ViewState, found: Layout, scale: float) -> Iterator[Box]:
    """The line and its handle in pixels of the picture, if there is one."""
    if found.divider is None:
        return
    theme, x, port = THEMES[state.picture.theme], found.divider, _viewport(found)
    ink, ground = (*theme.linear("ink"), 1.0), (*theme.linear("background"), 1.0)

    def upright(middle: float, width: float, height: float, color: tuple[float, ...]) -> Box:
        wide, high = max(width * scale, 1.0), height * scale
        top = port.y + (port.height - high) / 2
        return Box(Rect(middle - wide / 2, top, wide, high), color)  # type: ignore[arg-type]

    tall = port.height / scale
    yield upright(x, LINE + 2 * HALO, tall, ground)
    yield upright(x, LINE, tall, ink)
    high = min(HEIGHT, 0.5 * tall)
    yield upright(x, WIDTH + 2, high + 2, ink)
    yield upright(x, WIDTH, high, ground)
    for side in (-0.5, 0.5):
        yield upright(x + side * GRIP * scale, 1.0, 0.4 * high, ink)


def grab_divider(
    state: ViewState, found: Layout, scale: float, x: float, y: float
) -> Drag | None:  # fmt: skip
    """What moves the divider with the pointer, if it is at pixel (x, y)."""
    if found.divider is None or abs(x - found.divider) > REACH * scale:
        return None
    port, away = _viewport(found), x - found.divider
    if not port.y <= y < port.y + port.height:
        return None

    def drag(to_x: float, to_y: float) -> None:
        state.compare.divider = min(max((to_x - away - port.x) / port.width, 0.0), 1.0)

    return drag


def _viewport(found: Layout) -> Rect:
    """What the two landscapes share."""
    return found.viewports[found.groups[0][0]]
