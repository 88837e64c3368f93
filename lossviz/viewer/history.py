"""Views as they were, to go back to and forth again: one step a gesture."""

from __future__ import annotations

from collections import deque
from copy import deepcopy
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from lossviz.viewer.state import ViewState, is_passing

MOST = 200  # steps


@dataclass
class History:
    """The views before the present one, and those that were undone.

    What of a state is passing (see ``lossviz.viewer.state``) makes no step and is left as it is.
    """

    most: int = MOST
    _past: deque[ViewState] = field(init=False)
    _future: list[ViewState] = field(init=False, default_factory=list)
    _present: ViewState | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._past = deque(maxlen=self.most)

    def note(self, state: ViewState) -> None:
        """A gesture has ended with ``state``: a step, if it changed anything."""
        if self._present is not None:
            if _lasting(self._present) == _lasting(state):
                return
            self._past.append(self._present)
            self._future.clear()
        self._present = deepcopy(state)

    def undo(self, state: ViewState) -> ViewState | None:
        """The view one step before ``state``; None if there is none."""
        self.note(state)
        if not self._past or self._present is None:
            return None
        self._future.append(self._present)
        self._present = self._past.pop()
        return restored(self._present, state)

    def redo(self, state: ViewState) -> ViewState | None:
        """The view that was undone last; None if there is none, or something changed since."""
        self.note(state)
        if not self._future or self._present is None:
            return None
        self._past.append(self._present)
        self._present = self._future.pop()
        return restored(self._present, state)

    def forget(self) -> None:
        """Begin anew: other files are shown."""
        self._past.clear()
        self._future.clear()
        self._present = None


def restored(view: ViewState, present: ViewState) -> ViewState:
    """A copy of ``view`` with what is passing as it is in the ``present`` one."""
    copy = deepcopy(view)
    _carry(copy, present)
    return copy


def _lasting(part: Any) -> dict[str, Any]:
    """The fields of a part of a state, and of its parts, that make a step."""
    found = {item.name: getattr(part, item.name) for item in fields(part) if not is_passing(item)}
    return {name: _lasting(own) if is_dataclass(own) else own for name, own in found.items()}


def _carry(to: Any, source: Any) -> None:
    """Put what is passing in ``source`` into ``to``."""
    for item in fields(to):
        own = getattr(source, item.name)
        if is_passing(item):
            setattr(to, item.name, deepcopy(own))
        elif is_dataclass(own):
            _carry(getattr(to, item.name), own)
