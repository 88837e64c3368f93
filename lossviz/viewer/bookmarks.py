"""Views that were kept under a number, for this window and all later ones."""

from __future__ import annotations

import json

from lossviz.errors import LossvizError
from lossviz.viewer.config import read_json, write_json
from lossviz.viewer.state import ViewState

FILE = "bookmarks.json"
SLOTS = range(1, 9)


def recall(slot: int) -> ViewState | None:
    """The view under a number; None if nothing was kept there.

    Raises
    ------
    LossvizError
        If what was kept cannot be read.
    """
    kept = read_json(FILE).get(str(slot))
    if kept is None:
        return None
    try:
        return ViewState.from_json(json.dumps(kept))
    except LossvizError as error:
        raise LossvizError(f"{FILE}: bookmark {slot}: {error}") from None


def keep(slot: int, state: ViewState) -> None:
    """Keep a view under a number, in the place of the one before; a damaged file begins anew.

    Raises
    ------
    LossvizError
        If it cannot be written.
    """
    try:
        kept = read_json(FILE)
    except LossvizError:
        kept = {}
    kept[str(slot)] = json.loads(state.to_json())
    write_json(FILE, {key: kept[key] for key in map(str, SLOTS) if key in kept})
