"""The pointer of a window: what it meets in the picture, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lossviz.viewer.camera import View
from lossviz.viewer.gestures import Drag, Gestures
from lossviz.viewer.picking import Hit, SignHit, pick, pick_sign
from lossviz.viewer.picture import views
from lossviz.viewer.pointing import Pointed, at_pixel, card_at, clicked_at
from lossviz.viewer.sliding import grab, under_pointer
from lossviz.viewer.state import MOST_STARTS

if TYPE_CHECKING:
    from lossviz.viewer.app import App


class Pointer:
    """What a window's gestures need to know of its picture; pixels, y down."""

    def __init__(self, app: App) -> None:
        self.app = app
        self._was: tuple[tuple[float, float], bool] = (0.0, 0.0), False
        self._read: tuple[object, Pointed] = None, Pointed()  # the last time

    def gestures(self) -> Gestures:
        """Gestures over the window's picture."""
        return Gestures(
            self._pick, self._view_at, 1.0, sign_at=self._pick_sign, drop=self._drop,
            grab=self._grab, label=self._label,
        )  # fmt: skip

    def pointed(self) -> Pointed:
        """What there is to tell of what is under the pointer, found out once."""
        app = self.app
        if app.is_moving or app.gestures.held is not None or app.over_panels():
            return Pointed()  # while it moves nothing is seen as it will be
        where = *app.free, app.points, *app.gestures.at
        if self._read[0] != (app.shown, where):
            self._read = (app.shown, where), at_pixel(app.scene, app.state, *where)
        return self._read[1]

    def read_profile(self) -> None:
        """The crosshair stands where the pointer is beside the slice's line, once it moved."""
        app, over = self.app, self.app.over_panels()
        was, self._was = self._was, (app.gestures.at, over)
        if self._was == was or over or app.gestures.held is not None:
            return
        if app.state.slice.shown:
            app.state.slice.marker = under_pointer(
                app.scene, app.state, *app.free, app.points, *app.gestures.at
            )

    def _pick(self, x: float, y: float) -> Hit | None:
        app = self.app
        return pick(app.scene, app.state, *app.free, app.points, x, y)

    def _pick_sign(self, x: float, y: float) -> SignHit | None:
        app = self.app
        if card_at(app.scene, app.state, *app.free, app.points, x, y) is not None:
            return None  # it covers the sign
        return pick_sign(app.scene, app.state, *app.free, app.points, x, y)

    def _drop(self, hit: Hit) -> None:
        own = self.app.state.critical
        own.starts = (*own.starts, (hit.index, hit.alpha, hit.beta))[-MOST_STARTS:]
        own.lines = True

    def _grab(self, x: float, y: float) -> Drag | None:
        app = self.app
        return grab(app.scene, app.state, *app.free, app.points, x, y)

    def _label(self, x: float, y: float) -> Callable[[], None] | None:
        app = self.app
        places = clicked_at(app.scene, app.state, *app.free, app.points, x, y)

        def put() -> None:
            app.state.labels.places, app.state.labels.shown = places or (), True

        return None if places is None else put

    def _view_at(self, x: float, y: float) -> View | None:
        app = self.app
        found, seen = views(app.scene, app.state, *app.free, app.points)
        return next(
            (v for cell, v in zip(found.cells, seen, strict=True) if cell.contains(x, y)), None
        )
