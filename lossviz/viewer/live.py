"""Computations whose landscapes are shown: how far they are, and whether they are alive."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lossviz import underway
from lossviz.underway import SILENT, Status
from lossviz.viewer.feed import EVERY, Stamp, stamp

SLOWEST = 30.0  # seconds without a beat where the system cannot tell who is alive


@dataclass(frozen=True)
class Underway:
    """What there is to tell of one computation."""

    folder: Path
    name: str
    status: Status
    dead: bool = False  # it has not ended by its own account, and is not there any more
    stopping: bool = False

    @property
    def running(self) -> bool:
        """Whether it can be watched and stopped."""
        return self.status.running and not self.dead

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1."""
        return self.status.done / max(self.status.total, 1)

    def lines(self) -> list[str]:
        """How far it is, how fast, and until when; or how it ended."""
        own = self.status
        points = f"{own.done:,} of {own.total:,} points"
        if self.dead:
            return [f"{self.name}: the computation died after {points}; all are kept."]
        if own.state == "interrupted":
            return [f"{self.name}: stopped after {points}; all are kept."]
        if own.state == "failed":
            return [f"{self.name}: ended after {points}: {own.said}"]
        if self.stopping or own.state == "stopping":
            return [f"{self.name}: {points}", "stopping after what is under way …"]
        if own.what != "points":
            return [f"{self.name}: {points}", f"now its {own.what}"]
        return [f"{self.name}: {points}", _pace(own)]


def _pace(own: Status) -> str:
    if not own.rate:
        return "waiting for the first points" if not own.done else "the rate is not known yet"
    rate = f"{own.rate:,.1f} a second" if own.rate >= 0.5 else f"{1 / own.rate:,.1f} s a point"
    return f"{rate}, {clock(own.left)} left"


def clock(seconds: float) -> str:
    """Minutes and seconds, or hours, minutes and seconds."""
    minutes, rest = divmod(round(min(seconds, 3.6e8)), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02}"
    return f"{minutes // 60:,}:{minutes % 60:02}:{rest:02}"


class Live:
    """``poll`` now and then; ``shown`` is what there is to tell of the landscapes at ``paths``."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._runs = {path.with_suffix(".run"): path.stem for path in paths}
        self._stamps: dict[Path, Stamp] = {}
        self._beats: dict[Path, float] = {}  # when the file of each changed last
        self._known: dict[Path, Status] = {}
        self._asked: set[Path] = set()
        self._hidden: set[Path] = set()
        self._watched: set[Path] = set()  # seen running in this window
        self.shown: tuple[Underway, ...] = ()
        self._looked = -1e9

    def poll(self, now: float | None = None) -> tuple[bool, list[str]]:
        """Look, at most twice a second: whether what is shown changed, and what has been done."""
        now = time.monotonic() if now is None else now
        if now - self._looked < EVERY:
            return False, []
        self._looked = now
        before, done = self.shown, []
        for folder, name in self._runs.items():
            if self._read(folder, now) and folder in self._watched:
                own = self._known[folder]
                self._watched.discard(folder)
                if own.state == "done":
                    done.append(f"{name}: {own.done:,} points are there.")
        found = (self._told(folder, name, now) for folder, name in self._runs.items())
        self.shown = tuple(one for one in found if one is not None)
        self._watched |= {one.folder for one in self.shown if one.running}
        return self.shown != before, done

    def _read(self, folder: Path, now: float) -> bool:
        """Read what changed; whether the computation has ended."""
        found = stamp(folder / underway.NAME)
        if found == self._stamps.get(folder):
            return False
        # One that is found as it was left long ago has been silent since.
        age = 0.0 if found is None or folder in self._stamps else time.time() - found[0] / 1e9
        self._stamps[folder], self._beats[folder] = found, now - max(age, 0.0)
        status = underway.read(folder)
        if status is None:
            self._known.pop(folder, None)
            return False
        if status.running:  # again, perhaps
            self._hidden.discard(folder)
        else:
            self._asked.discard(folder)
        self._known[folder] = status
        return not status.running

    def _told(self, folder: Path, name: str, now: float) -> Underway | None:
        status = self._known.get(folder)
        if status is None or status.state == "done" or folder in self._hidden:
            return None
        dead = status.running and self._is_dead(folder, now - self._beats[folder])
        return Underway(folder, name, status, dead, folder in self._asked)

    def _is_dead(self, folder: Path, silent: float) -> bool:
        if silent < SILENT:
            return False
        held = underway.is_held(folder)
        return silent > SLOWEST if held is None else not held

    def stop(self, folder: Path) -> None:
        """Ask a computation to end as by Ctrl-C.

        Raises
        ------
        LossvizError
            If its folder cannot be written.
        """
        underway.ask_to_stop(folder)
        self._asked.add(folder)
        self._looked = -1e9

    def hide(self, folder: Path) -> None:
        """Tell no more of one that has ended."""
        self._hidden.add(folder)
        self._looked = -1e9
