"""Anybody's own data as a list of batches: drawn once, the same for every point."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset

from compute.data import choose
from compute.outcome import batch_lengths, told
from lossviz.errors import InputError, UsageError

DRAWN = 512  # samples of what is long or endless, if nobody says how many
BATCH = 64
FORMS = (
    "expected a DataLoader, a Dataset, a list of batches, or one batch (a tensor, a tuple of "
    "tensors such as (inputs, targets), a mapping)"
)


@dataclass(frozen=True, eq=False)
class Batches:
    """What was drawn.

    ``whole``: it was given as one batch, which may be cut where the loss allows it. ``selection``
    says how samples were chosen, for the provenance; ``strata (N,)`` holds their classes if
    equally many of each were; ``available`` is how many there were to choose from, 0 if unknown;
    ``grows``: asking for more samples may give more.
    """

    batches: list[Any]
    selection: str = "all"
    strata: Tensor | None = None
    available: int = 0
    whole: bool = False
    grows: bool = False


def draw(data: Any, samples: int | str | None = None, seed: int = 0) -> Batches:
    """The batches of whatever holds data.

    Parameters
    ----------
    data
        A DataLoader or another iterable of batches; a Dataset; a list of batches; or one batch: a
        tensor, a tuple of tensors, a mapping of tensors. Arrays count as tensors. What was drawn
        before comes back as it is.
    samples
        How many samples; "all"; None for everything that is given as tensors or as a list, and
        for 512 of a Dataset, a DataLoader or what can be iterated only once. Chosen by ``seed``
        where there are indices (equally many of each class, if a Dataset has integer ``targets``),
        else the first ones.

    Raises
    ------
    UsageError, InputError
        If ``samples`` is no such number, or the data no such thing or empty.
    """
    wanted = _count(samples)
    if isinstance(data, Batches):
        return data
    if isinstance(data, Tensor | np.ndarray | Mapping) or _is_batch(data):
        found = _of_batch(_tensors(data), wanted, seed)
    elif isinstance(data, Dataset) and not isinstance(data, IterableDataset):
        found = _of_dataset(data, DRAWN if samples is None else wanted, seed)
    elif isinstance(data, list | tuple):
        found = _first([_tensors(batch) for batch in data], wanted)
    elif isinstance(data, Iterable) and not isinstance(data, str | bytes):
        with _generators_kept(data):
            found = _first(map(_tensors, data), DRAWN if samples is None else wanted)
        if isinstance(data, Iterator):  # what comes next would be other samples
            found = replace(found, grows=False)
    else:
        raise InputError(f"data: {FORMS}; got {told(data)}")
    if not found.batches:
        raise InputError(f"data: expected at least one batch, got an empty {type(data).__name__}")
    return found


def _count(samples: int | str | None) -> int | None:
    if samples is None or samples == "all":
        return None
    if isinstance(samples, int) and not isinstance(samples, bool) and samples > 0:
        return samples
    raise UsageError(f"samples: expected a number from 1, or 'all', got {samples!r:.60}")


def _is_batch(data: Any) -> bool:
    """A tuple with a tensor in it is a batch; a list is a list of batches."""
    return isinstance(data, tuple) and any(isinstance(one, Tensor | np.ndarray) for one in data)


def _tensors(batch: Any) -> Any:
    """Arrays in a batch as tensors."""
    if isinstance(batch, np.ndarray):
        return torch.from_numpy(np.ascontiguousarray(batch))
    if type(batch) in (tuple, list):
        return type(batch)(_tensors(one) for one in batch)
    if type(batch) is dict:
        return {name: _tensors(one) for name, one in batch.items()}
    return batch


def _of_batch(batch: Any, wanted: int | None, seed: int) -> Batches:
    lengths = batch_lengths(batch)
    count = lengths.pop() if len(lengths) == 1 else 0
    if count == 0 and batch_lengths(batch) == {0}:
        raise InputError(f"data: expected samples, got {told(batch)}")
    if wanted is None or (count and wanted >= count):
        return Batches([batch], available=count, whole=True)
    if not count:
        raise UsageError(f"samples: cannot choose {wanted} of {told(batch)}: lengths differ")
    targets = batch[1] if isinstance(batch, tuple) and len(batch) > 1 else None
    chosen, selection, strata = _chosen(count, targets, wanted, seed)
    return Batches([_at(batch, chosen)], selection, strata, count, whole=True)


def _at(batch: Any, chosen: NDArray[np.int64]) -> Any:
    index = torch.from_numpy(chosen)
    return _each(batch, lambda values: values[index.to(values.device)])


def _each(batch: Any, take: Callable[[Tensor], Tensor]) -> Any:
    """``take`` applied to every tensor of a batch that has samples."""
    if isinstance(batch, Tensor):
        return take(batch) if batch.ndim else batch
    if isinstance(batch, Mapping):
        return {name: _each(one, take) for name, one in batch.items()}
    return tuple(_each(one, take) for one in batch) if isinstance(batch, tuple | list) else batch


def _of_dataset(data: Dataset[Any], wanted: int | None, seed: int) -> Batches:
    count = len(data)  # type: ignore[arg-type]  # a map-style Dataset has a length
    if wanted is None or wanted >= count:
        return Batches(list(DataLoader(data, BATCH)), available=count)
    targets = getattr(data, "targets", None)
    chosen, selection, strata = _chosen(count, targets, wanted, seed)
    batches = list(DataLoader(Subset(data, chosen.tolist()), BATCH))
    return Batches(batches, selection, strata, count, grows=True)


def _chosen(
    count: int, targets: Any, wanted: int, seed: int
) -> tuple[NDArray[np.int64], str, Tensor | None]:
    """Indices in order, how they were chosen, and their classes if equally many of each were."""
    labels = _labels(targets, count)
    if labels is None:
        drawn = np.random.default_rng(seed).choice(count, wanted, replace=False)
        return np.sort(drawn), f"random:{wanted} seed {seed}", None
    chosen, selection = choose(labels, str(wanted), seed)
    return chosen, selection, torch.from_numpy(labels[chosen])


def _labels(targets: Any, count: int) -> NDArray[np.int64] | None:
    """Class labels ``(count,)``, if that is what the targets are."""
    if isinstance(targets, Tensor):
        targets = targets.detach().cpu().numpy()
    if not isinstance(targets, np.ndarray | list) or len(targets) != count:
        return None
    labels = np.asarray(targets)
    return labels.astype(np.int64) if labels.ndim == 1 and labels.dtype.kind in "iu" else None


def _first(batches: Iterable[Any], wanted: int | None) -> Batches:
    """Batches until there are ``wanted`` samples; of the last one as many as are missing.

    A batch whose samples cannot be counted counts as one, so that this ends.
    """
    if wanted is None:
        return Batches(list(batches))
    found: list[Any] = []
    count = 0
    for batch in batches:
        lengths = batch_lengths(batch)
        size = lengths.pop() if len(lengths) == 1 else 1
        if size > wanted - count:
            batch = _at(batch, np.arange(wanted - count))
        found.append(batch)
        count += min(size, wanted - count)
        if count == wanted:
            return Batches(found, f"first:{wanted}", grows=True)
    return Batches(found)


@contextmanager
def _generators_kept(data: Any) -> Iterator[None]:
    """A DataLoader's own generators draw its order: give them their states back."""
    own = {
        id(one): one
        for holder in (data, getattr(data, "sampler", None))
        if isinstance(one := getattr(holder, "generator", None), torch.Generator)
    }
    states = [(one, one.get_state()) for one in own.values()]
    try:
        yield
    finally:
        for one, state in states:
            one.set_state(state)


def cut(batch: Any, size: int = BATCH) -> list[Any]:
    """One batch as several of ``size`` samples; as it is where its tensors' lengths differ."""
    lengths = batch_lengths(batch)
    if len(lengths) != 1:
        return [batch]
    starts = range(0, lengths.pop(), size)
    return [_each(batch, lambda values, k=k: values[k : k + size]) for k in starts]  # type: ignore[misc]


def head(batch: Any, size: int = BATCH) -> Any:
    """The first samples of a batch."""
    return cut(batch, size)[0]
