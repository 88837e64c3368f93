"""What the next start finds again: the window's place, the panels, recent files and their views."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lossviz.errors import LossvizError
from lossviz.viewer.config import read_json, write_json
from lossviz.viewer.state import PanelState, ViewState

FILE = "session.json"
MOST = 12  # files, or sets of files, that are remembered
MOST_TOGETHER = 50  # files in one window
LONGEST_VIEW = 200_000  # characters: a longer one is not remembered
SMALLEST, LARGEST = 64, 8192  # of a window, in screen units
FARTHEST = 100_000  # of its place


@dataclass(frozen=True)
class Place:
    """Where a window was: its size and its upper left corner in screen units."""

    size: tuple[int, int]
    at: tuple[int, int] | None = None  # None: the system does not tell
    maximized: bool = False


@dataclass(frozen=True)
class Recent:
    """Files that were shown together, and the view of them as JSON; "" if there is none."""

    files: tuple[str, ...]
    view: str = ""

    def state(self) -> ViewState | None:
        """The view; None if there is none, or none that this version can read."""
        try:
            return ViewState.from_json(self.view) if self.view else None
        except LossvizError:
            return None


@dataclass(frozen=True)
class Memory:
    """Everything that is remembered, the latest files first."""

    place: Place | None = None
    panels: PanelState = field(default_factory=PanelState)
    recent: tuple[Recent, ...] = ()

    def of(self, files: Sequence[str | Path]) -> Recent | None:
        """What is known of these files together."""
        wanted = absolute(files)
        return next((one for one in self.recent if one.files == wanted), None)

    def with_view(self, files: Sequence[str | Path], state: ViewState) -> Memory:
        """The same with these files first, and how they were seen last."""
        text = state.to_json()
        now = Recent(absolute(files), text if len(text) <= LONGEST_VIEW else "")
        others = [one for one in self.recent if one.files != now.files]
        return replace(self, recent=(now, *others)[:MOST])


def absolute(files: Sequence[str | Path]) -> tuple[str, ...]:
    """The files' whole paths, as they are remembered."""
    return tuple(str(Path(file).absolute()) for file in files)


def load() -> Memory:
    """What was remembered; of nothing if there is no such file. Parts that are odd are left out.

    Raises
    ------
    LossvizError
        If the file cannot be read, or is none of lossviz's.
    """
    values = read_json(FILE)
    if values and values.get("lossviz_session") != 1:
        raise LossvizError(f'{FILE}: expected "lossviz_session": 1')
    entries = values.get("recent")
    found = [_recent(one) for one in entries[:MOST]] if isinstance(entries, list) else []
    return Memory(
        _place(values.get("window")), _panels(values.get("panels")),
        tuple(one for one in found if one is not None),
    )  # fmt: skip


def save(memory: Memory) -> None:
    """Write it down for the next start.

    Raises
    ------
    LossvizError
        If it cannot be written.
    """
    write_json(FILE, {
        "lossviz_session": 1,
        "window": None if memory.place is None else asdict(memory.place),
        "panels": asdict(memory.panels),
        "recent": [
            {"files": one.files, "view": json.loads(one.view) if one.view else None}
            for one in memory.recent
        ],
    })  # fmt: skip


def _place(value: Any) -> Place | None:
    if not isinstance(value, dict):
        return None
    size, at = _two(value.get("size")), _two(value.get("at"))
    if size is None or min(size) < SMALLEST or max(size) > LARGEST:
        return None
    if at is not None and max(map(abs, at)) > FARTHEST:
        at = None
    return Place(size, at, value.get("maximized") is True)


def _two(value: Any) -> tuple[int, int] | None:
    """Two whole numbers."""
    if isinstance(value, list) and len(value) == 2 and all(type(one) is int for one in value):
        return value[0], value[1]
    return None


def _panels(value: Any) -> PanelState:
    try:
        text = json.dumps({"lossviz_view": 1, "panels": value or {}})
        return ViewState.from_json(text).panels
    except LossvizError:
        return PanelState()


def _recent(value: Any) -> Recent | None:
    files = value.get("files") if isinstance(value, dict) else None
    if not isinstance(files, list) or not 0 < len(files) <= MOST_TOGETHER:
        return None
    if not all(isinstance(file, str) and file and "\x00" not in file for file in files):
        return None
    view = value.get("view")
    return Recent(tuple(files), json.dumps(view) if isinstance(view, dict) else "")
