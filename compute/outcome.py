"""What one point of a plane gives: values of samples, and their means and standard errors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossviz.errors import InputError

Floats = NDArray[np.float64]
Output = Tensor | Mapping[str, Tensor]
SHOWN = 4  # entries of a batch that an error lists


@dataclass(frozen=True, eq=False)
class Outcome:
    """Values by name, "loss" among them: of each sample ``(N,)``, or of each batch its mean.

    ``by_sample`` says which of the two the loss is.
    """

    values: dict[str, Floats]
    by_sample: bool

    def summarize(self, strata: NDArray[np.int64] | None = None) -> dict[str, float]:
        """Means over everything, and ``loss_stderr`` where the loss is given for each sample.

        Batch means weigh the same, however large the batches are. NaN and Inf are results.
        """
        result: dict[str, float] = {}
        for name, values in self.values.items():
            result[name] = mean(values)
            if name == "loss" and self.by_sample:
                result["loss_stderr"] = standard_error(values, strata)
        return result


def outcome_of(outputs: Iterable[Output]) -> Outcome:
    """What a loss gave batch by batch, put together in float64.

    Raises
    ------
    InputError
        If there is no loss.
    """
    parts: dict[str, list[Floats]] = {}
    by_sample = True
    for output in outputs:
        given = output if isinstance(output, Mapping) else {"loss": output}
        try:
            values = {str(name): _tensor(value) for name, value in given.items()}
        except (TypeError, ValueError, RuntimeError):
            values = {}
        if "loss" not in values or any(v.is_complex() or v.ndim > 1 for v in values.values()):
            raise InputError(
                "loss: expected a number, real values (B,), or a mapping of such with 'loss'; "
                f"got {told(output)}"
            )
        by_sample = by_sample and values["loss"].ndim > 0
        if parts and values.keys() != parts.keys():
            raise InputError(
                f"loss: expected {', '.join(parts)} of every batch, got {', '.join(values)}"
            )
        for name, value in values.items():
            part = value.detach().reshape(-1).cpu().double().numpy()
            parts.setdefault(name, []).append(part)
    return Outcome({name: np.concatenate(found) for name, found in parts.items()}, by_sample)


def _tensor(value: Any) -> Tensor:
    """A number of Python's keeps its precision."""
    return torch.as_tensor(value, dtype=torch.float64 if isinstance(value, float) else None)


def check_by_sample(outcome: Outcome, batch: Any) -> None:
    """Refuse a loss of another length than its batch, as far as that can be seen.

    Raises
    ------
    InputError
        With both lengths.
    """
    size, lengths = outcome.values["loss"].size, batch_lengths(batch)
    if outcome.by_sample and len(lengths) == 1 and size not in lengths:
        raise InputError(
            f"loss: expected a number or one value a sample ({lengths.pop()},), got ({size},); "
            "take the mean over what a sample consists of"
        )


def batch_lengths(batch: Any) -> set[int]:
    """The first dimensions of the tensors in a batch: one number if they are its samples."""
    if isinstance(batch, Tensor):
        return {len(batch)} if batch.ndim else set()
    values = batch.values() if isinstance(batch, Mapping) else batch
    if not isinstance(batch, Mapping | tuple | list):
        return set()
    return {len(value) for value in values if isinstance(value, Tensor) and value.ndim}


def failed(error: Exception, batch: Any) -> InputError:
    """What to tell when the model or the loss raised ``error`` on a batch."""
    text = " ".join(str(error).split())[:200]
    return InputError(f"loss: {type(error).__name__} on the first batch, {told(batch)}: {text}")


def told(value: Any) -> str:
    """What something is, in few words: types and shapes."""
    if isinstance(value, Tensor):
        return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
    if isinstance(value, Mapping):
        items = [f"{name}: {told(one)}" for name, one in islice(value.items(), SHOWN)]
        return "{" + ", ".join(items + ["…"] * (len(value) > SHOWN)) + "}"
    if isinstance(value, tuple | list):
        items = [told(one) for one in value[:SHOWN]] + ["…"] * (len(value) > SHOWN)
        return f"{type(value).__name__} of ({', '.join(items)})"
    return type(value).__name__


def mean(values: Floats) -> float:
    """The mean of ``(N,)``; infinities of both signs have none, and that is no mishap."""
    with np.errstate(invalid="ignore", over="ignore"):
        return float(values.mean())


def standard_error(values: Floats, strata: NDArray[np.int64] | None = None) -> float:
    """The standard error of the mean of ``values (N,)``; NaN of a single one.

    Without strata: s/√N, s² = Σ(v − v̄)²/(N − 1). With ``strata (N,)``, the class of each sample
    where equally many of each were drawn: √(Σ_c n_c s_c²)/N, s_c² the variance within class c
    (Cochran 1977, Sampling Techniques, section 5.4, without finite population correction). That
    classes differ from each other then is no error, because all of them are always there.
    """
    count = values.size
    scale = float(np.abs(values).max(initial=0.0))
    if count < 2 or not math.isfinite(scale):
        return math.nan
    if scale == 0:
        return 0.0
    values = values / scale  # no square overflows
    if strata is not None:
        sizes = np.bincount(strata)
        if sizes[sizes > 0].min() > 1:
            means = np.bincount(strata, values) / np.maximum(sizes, 1)
            squares = np.bincount(strata, (values - means[strata]) ** 2)
            within = (squares * sizes / np.maximum(sizes - 1, 1)).sum()
            return math.sqrt(within) / count * scale
    return float(values.std(ddof=1)) / math.sqrt(count) * scale
