"""Recorder: snapshots of the weights in anyone's training loop."""

from __future__ import annotations

import math
import weakref
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from torch import Tensor, nn

from compute.lock import locked
from compute.training import index
from compute.training.index import Entry, History
from compute.training.state import shapes, state_of, write_tensors
from lossviz.errors import InputError, LossvizError, UsageError

FOLDER = "snapshots"


def snapshot_path(folder: Path, number: int) -> Path:
    """The file of the snapshot with this number; a checkpoint like any other."""
    return folder / FOLDER / f"{number:06}.safetensors"


class Recorder:
    """Keeps snapshots of ``model`` in ``folder`` while it is trained.

    >>> recorder = Recorder(model, "run/")  # doctest: +SKIP
    >>> recorder.step(epoch, loss)  # doctest: +SKIP

    The weights at construction are the first snapshot, at step 0. A snapshot holds the parameters,
    tied ones once, and the buffers of the model's state; it replaces nothing before it is whole on
    the disk, so a kill at any moment loses at most the snapshot under way. Nothing of the model,
    its gradients and modes or of the random generators changes. On several processes, record on
    one, with whole (unsharded) parameters.

    Parameters
    ----------
    every
        Of the calls of ``step``, so many pass for one snapshot.
    keep
        At most so many snapshots, 2 or more: when there would be one more, every second one is
        deleted (the first never) and from then on half as many are taken.
    resume
        Go on in a folder that has snapshots already; without, that is refused. What the first call
        then records replaces what was recorded from that step on.
    loss
        Of the weights at construction, where it is known.
    about
        Free JSON about the training, kept in the index; a resumed training must tell the same.

    Raises
    ------
    UsageError
        If the folder has snapshots and ``resume`` is not set, or they are of another model.
    LossvizError
        If the folder cannot be written, or another process records in it.
    """

    def __init__(
        self, model: nn.Module, folder: str | Path, *, every: int = 1, keep: int | None = None,
        resume: bool = False, loss: float = math.nan, about: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        if every < 1 or (keep is not None and keep < 2):
            raise UsageError(f"expected every ≥ 1 and keep ≥ 2, got {every} and {keep}")
        self.model, self.folder, self.every, self.keep = model, Path(folder), every, keep
        parameters, buffers, _ = state_of(model)
        told = _plain(about or {})
        fresh = History(type(model).__name__, told, shapes(parameters), shapes(buffers))
        try:
            (self.folder / FOLDER).mkdir(parents=True, exist_ok=True)
            self._lock = locked(self.folder)
            weakref.finalize(self, self._lock.close)  # a training that ends lets others in
            try:
                self._open(fresh, resume, loss)
            except BaseException:
                self._lock.close()
                raise
        except OSError as error:
            raise LossvizError(f"{folder}: cannot be written: {error.strerror or error}") from None

    def _open(self, fresh: History, resume: bool, loss: float) -> None:
        self.history, self._calls, self._resumed = fresh, 0, False
        self._missed: tuple[float, float | Tensor, dict[str, Any]] | None = None
        try:
            old = index.read(self.folder)
        except InputError:
            path = self.folder / index.NAME
            if path.is_file() and path.stat().st_size and not _torn_first(path):
                raise
            path.unlink(missing_ok=True)
            fresh.end = index.append(self.folder, fresh.record(), 0)
        else:
            self._go_on(old, resume)
        if not self.history.entries:
            self._record(0.0, loss, {})

    def _go_on(self, old: History, resume: bool) -> None:
        if old.entries and not resume:
            raise UsageError(
                f"{self.folder}: holds {len(old.entries)} snapshots up to step "
                f"{old.entries[-1].step:g}; give resume=True to go on, or another folder"
            )
        _check_same(self.folder, old.parameters | old.buffers, self.history)
        other = [k for k in old.about | self.history.about if old.about.get(k, self)
                 != self.history.about.get(k, self)]  # fmt: skip
        if other:
            told = "; ".join(f"{k} {old.about.get(k)} → {self.history.about.get(k)}"[:90]
                             for k in other[:3])  # fmt: skip
            raise UsageError(
                f"{self.folder}: holds a training with other settings ({told}); "
                "choose another folder, or clear this one"
            )
        self.history, self._resumed = old, bool(old.entries)
        self._calls = old.entries[-1].call if old.entries else 0
        self._delete_strangers()

    def _delete_strangers(self) -> None:
        """What a kill left behind: temporary files and snapshots that the index does not have."""
        known = {snapshot_path(self.folder, entry.number) for entry in self.history.entries}
        for path in (self.folder / FOLDER).iterdir():
            ours = path.suffix == ".safetensors" and path.stem.isdecimal()
            if (ours and path not in known) or (path.suffix == ".tmp" and path.name[0] == "."):
                path.unlink()

    def step(self, at: float, /, loss: float | Tensor = math.nan, **details: Any) -> bool:
        """Tell that the training is at step ``at`` (an epoch, say) with this loss; whether kept.

        Steps do not decrease. ``details`` is free JSON: the learning rate, a test loss.

        Raises
        ------
        UsageError
            If the step is less than the last one, or the details are no JSON.
        LossvizError
            If the model's tensors are other than at the beginning, or the disk is full; what is
            there stays.
        """
        at = self._arrive(at)
        self._calls += 1
        due = self._calls % self._stride == 0
        if due and self.keep is not None and len(self.history.entries) >= self.keep:
            self._thin()
            due = self._calls % self._stride == 0
        if due:
            self._record(at, loss, details)
        else:
            loss = loss.detach() if isinstance(loss, Tensor) else loss
            self._missed = at, loss, details
        return due

    def note(self, at: float, /, **details: Any) -> None:
        """Keep ``details`` (free JSON) of step ``at`` without weights."""
        at = self._arrive(at)
        self._append({"note": at, "details": _plain(details)})

    def rewind(self, after: float) -> None:
        """Forget what was recorded after step ``after``, which is where the training goes on.

        The weights at construction stay. Without, the first call after a resume forgets what was
        recorded from its step on.
        """
        self._resumed = False
        entries, notes = self.history.entries[1:], self.history.notes
        later = [s for s in [e.step for e in entries] + [s for s, _ in notes] if s > after]
        if later:
            self._append({"rewound": min(later)})
            self._calls = self.history.entries[-1].call
            self._delete_strangers()

    def close(self) -> None:
        """Record the last step if it was passed over, and let others in."""
        if self._lock.closed:
            return
        try:
            if self._missed is not None:
                while self.keep is not None and len(self.history.entries) >= self.keep:
                    self._thin()
                self._record(*self._missed)
        finally:
            self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    @property
    def _stride(self) -> int:
        return self.every << self.history.thinned

    def _arrive(self, at: float) -> float:
        """``at`` as a number; the first time after a resume, forget what was recorded from it."""
        at = float(at)
        if not math.isfinite(at):
            raise UsageError(f"step: expected a finite number, got {at}")
        if self._lock.closed:
            raise UsageError(f"{self.folder}: the recorder is closed")
        if self._resumed:
            self.rewind(math.nextafter(at, -math.inf))
        last = max([e.step for e in self.history.entries[-1:]]
                   + [step for step, _ in self.history.notes[-1:]])  # fmt: skip
        if at < last:
            raise UsageError(
                f"step: expected {last:g} or more after {last:g}, got {at:g}; "
                "another training needs another folder"
            )
        return at

    def _thin(self) -> None:
        self._append({"thinned": True})
        self._delete_strangers()

    def _record(self, at: float, loss: float | Tensor, details: dict[str, Any]) -> None:
        parameters, buffers, aliases = state_of(self.model)
        found = History("", {}, shapes(parameters), shapes(buffers))
        _check_same(self.folder, self.history.parameters | self.history.buffers, found)
        details, loss = _plain(details), _one(loss)
        number = self.history.entries[-1].number + 1 if self.history.entries else 0
        path = snapshot_path(self.folder, number)
        size = write_tensors(path, parameters | buffers, aliases)
        entry = Entry(number, at, loss, self._calls, size, details)
        self._append(entry.record())
        self._missed = None

    def _append(self, record: dict[str, Any]) -> None:
        try:
            self.history.end = index.append(self.folder, record, self.history.end)
        except OSError as error:
            raise LossvizError(
                f"{self.folder}: cannot be written: {error.strerror or error}"
            ) from None
        self.history.take(record)


def _check_same(folder: Path, before: dict[str, tuple[str, tuple[int, ...]]], now: History) -> None:
    found = now.parameters | now.buffers
    for name in before | found:
        if before.get(name) != found.get(name):
            old, new = (_told(each.get(name)) for each in (before, found))
            raise UsageError(
                f"{folder}: the model changed: {name} was {old}, now it is {new}; "
                "record it in another folder"
            )


def _told(tensor: tuple[str, tuple[int, ...]] | None) -> str:
    return "absent" if tensor is None else f"{tensor[0]} {tensor[1]}"


def _plain(details: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, value in details.items():
        try:
            found[name] = index.plain(value)
        except (TypeError, ValueError, RuntimeError, RecursionError) as error:
            raise UsageError(f"{name}: expected what JSON can hold: {error}"[:160]) from None
    return found


def _one(loss: float | Tensor) -> float:
    try:
        return float(loss.detach() if isinstance(loss, Tensor) else loss)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UsageError(f"loss: expected one number: {' '.join(str(error).split())}") from None


def _torn_first(path: Path) -> bool:
    """Whether a kill came while the first record was written: one line without an end."""
    with open(path, "rb") as file:
        return b"\n" not in file.read(index.LARGEST)
