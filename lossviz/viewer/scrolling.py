"""What scrolling does: the notches of a wheel, and two fingers on a touch pad.

GLFW tells both by one event. Notches are whole numbers; fingers come in fractions, in x and y,
where the system tells them at all (X11 turns them into notches). Wheels without notches come in
fractions too, so each user may choose. Two fingers turn, with Shift they move, with Ctrl they come
nearer: so it is in Blender and in SuperSplat; and Ctrl is what desktops send with a pinch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lossviz.errors import LossvizError, printable

SAYS = {
    "zoom": "nearer and farther, at the pointer", "turn": "turn", "move": "move",
}  # fmt: skip
WHEEL, FINGERS = "wheel", "two fingers"  # what is chosen for, on the help card and in the file
MOST = 3.0  # notches of one event that count: nothing jumps
TOGETHER = 0.3  # seconds: events that are nearer are of one gesture


@dataclass(frozen=True)
class Scrolls:
    """What each does: a name of ``SAYS``."""

    wheel: str = "zoom"
    fingers: str = "turn"

    def action(self, fingers: bool, *, ctrl: bool, shift: bool) -> str:
        """What an event does with keys held."""
        own = self.fingers if fingers else self.wheel
        return "zoom" if ctrl else "move" if shift else own

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Rows of the help card."""
        return (
            (WHEEL, SAYS[self.wheel]), (FINGERS, SAYS[self.fingers]),
            ("Shift, Ctrl + either", f"{SAYS['move']}; nearer and farther"),
        )  # fmt: skip


USUAL = Scrolls()


def chosen(values: Mapping[str, Any]) -> tuple[Scrolls, list[str]]:
    """From the file of keys; what cannot be used leaves the usual, with a line for each."""
    names, found, problems = {WHEEL: "wheel", FINGERS: "fingers"}, {}, []
    for words, value in values.items():
        if words.lower() in names:
            try:
                found[names[words.lower()]] = _action(words.lower(), value)
            except LossvizError as error:
                problems.append(str(error))
    return Scrolls(**found), problems


def _action(words: str, value: Any) -> str:
    if not isinstance(value, str) or value.lower() not in SAYS:
        raise LossvizError(
            f"{words}: expected one of {', '.join(SAYS)}, got {printable(repr(value)):.60}"
        )
    return value.lower()


@dataclass
class Fingers:
    """Tells two fingers from a wheel, for as long as a gesture lasts."""

    _until: float = field(default=-1e9)

    def are(self, x: float, y: float, now: float) -> bool:
        """Whether an event is of two fingers: a fraction, or soon after one."""
        if not (float(x).is_integer() and float(y).is_integer()) or now < self._until:
            self._until = now + TOGETHER
            return True
        return False
