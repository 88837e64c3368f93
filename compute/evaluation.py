"""The loss at many weight settings of one plane: what is fastest among what is exact.

The engine is chosen by trying: each way to evaluate is first compared with the plain loop at the
centre and at a far corner, and the fast ways are timed. The choices are plain values, kept with a
run, so that it goes on with the same arithmetic after an interruption.
"""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

import torch
from torch import nn

from compute.devices import exact_products
from compute.directions import Direction, is_statistic
from compute.folding import BATCH_NORMS, fold, why_not
from compute.loop import Graphed, Loop, Recomputed, Widened, has_statistics
from compute.outcome import Outcome, check_by_sample, failed
from compute.plane import Plane
from compute.problem import Loss, Problem, strata_of
from compute.resident import cut, joined, resident
from compute.stacking import CONVOLUTIONS, Stack, stackable
from compute.trials import CORNERS, agree, attempt, close, outcomes, seconds_of
from compute.weights import Weights, channels_last, private
from lossviz.errors import LossvizError

# Relative. Whether the algebra of a way to evaluate is right shows in float64; what a compiler made
# of it is compared in its own precision, where another order of the same sums stays below this.
EXACT = 1e-9
ROUNDED = {torch.float64: 1e-9, torch.float32: 2e-4, torch.bfloat16: 0.1, torch.float16: 0.1}
TRIED = 128  # samples on which ways are timed
COMPARED = 32  # samples on which they are compared
BATCH_SIZES = {"cpu": (64, 32, 128), "cuda": (1024, 256, 4096), "mps": (256, 64, 1024)}
POINTS_AT_ONCE = (32, 8)
STACKED_BATCHES = (128, 512)
EXACTLY = torch.device("cpu"), torch.float64
STATISTICS_BATCH = 256
WORTH_COMPILING = 600.0  # seconds of work left; compiling takes up to half a minute


class Evaluator:
    """Evaluates ``problem`` on ``plane``, on a private copy of the model in eval mode.

    Parameters
    ----------
    device, dtype
        Where and how precisely the model runs; sums over samples are always float64.
    batch_norm
        "recomputed": batch norm's statistics are those of these samples at every point, averaged
        over batches of about 256. Otherwise they are where the plane says.
    choices
        How to evaluate, as ``Evaluator.choices`` of an earlier one said; tried out if not given.
        ``{"engine": "plain"}`` is the plain loop over the problem's own batches.
    """

    def __init__(
        self, problem: Problem, plane: Plane, *, device: str = "cpu",
        dtype: torch.dtype = torch.float32, tf32: bool = False, batch_norm: str = "stored",
        choices: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.device, self.dtype, self.tf32 = torch.device(device), dtype, tf32
        self.problem, self.plane, self.batch_norm = problem, plane, batch_norm
        self.strata = strata_of(problem)
        self.choices: dict[str, Any] = {
            "engine": "plain", "batch_size": 0, "points_at_once": 1, "compiled": False,
            "channels_last": self.device.type != "mps",
        }  # fmt: skip
        self.gradients = False  # whether the loss differentiates, by its inputs or by the weights
        self.notes: list[str] = []  # what somebody who waits for the result would want to know
        self._settle_first_batch(dict(choices or {}))
        self._own = self._resident()
        self._joined = joined(self._own)
        self._engine = self._loop(self.choices, self._own)
        given = {key: value for key, value in (choices or {}).items() if key in self.choices}
        if batch_norm == "recomputed" and has_statistics(problem.model):
            given["engine"] = "recomputed"
        with exact_products(self.device, tf32=self.tf32):
            if "engine" in given:
                self._use(self.choices | given)
            else:
                self._choose(given)
        cut_anew = self.choices["batch_size"] or self.choices["engine"] == "recomputed"
        if cut_anew and self._joined is not None:
            self._own = []  # the same samples are there in one piece
        if tf32 and self.device.type == "cuda":
            self._tell_rounding()

    @property
    def folded(self) -> bool:
        """Whether batch norm is folded into the convolutions."""
        return self.choices["engine"] == "folded"

    @property
    def points_at_once(self) -> int:
        """How many points are best asked for together."""
        return int(self.choices["points_at_once"])

    def at(self, alpha: float, beta: float) -> dict[str, float]:
        """Every quantity at theta* + alpha delta + beta eta; NaN and Inf are results."""
        return self.many([(alpha, beta)])[0].summarize(self.strata)

    def many(self, points: Sequence[tuple[float, float]]) -> list[Outcome]:
        """The outcome at each point; "points_at_once" of ``choices`` are evaluated together."""
        size = self.points_at_once
        found: list[Outcome] = []
        with exact_products(self.device, tf32=self.tf32):
            for k in range(0, len(points), size):
                part = list(points[k : k + size])
                # Always equally many: a point's last bit does not depend on who came with it.
                padded = part + part[-1:] * (size - len(part))
                found += outcomes(self._engine, padded)[: len(part)]
        return found

    @property
    def convolves(self) -> bool:
        """Whether the time goes into convolutions, whose peak can be measured."""
        return any(isinstance(module, CONVOLUTIONS) for module in self.problem.model.modules())

    def example(self) -> tuple[nn.Module, Loss, Any]:
        """The model as it was given, the loss and a batch: to count what a sample costs."""
        model = private(self.problem.model).to(self.device, self.dtype)
        return model, self.problem.loss, (self._own or self._few(TRIED))[0]

    def compile_if_worth_it(self, seconds_left: float) -> bool:
        """torch.compile the loop if a compiler is there and there is enough work left to pay."""
        known = type(self._engine) is Loop
        if not known or seconds_left < WORTH_COMPILING or self.choices["compiled"]:
            return False
        if shutil.which("c++") is None and shutil.which("cl") is None:
            return False
        wanted = self.choices | {"compiled": True}
        few = self._few(self.choices["batch_size"] or TRIED)
        plain = self._loop(self.choices, few)
        compiled = self._compiled(wanted, few, plain)
        if compiled is None:
            return False
        if seconds_of(compiled, self.device) > 0.97 * seconds_of(plain, self.device):
            return False
        self._use(wanted)
        return bool(self.choices["compiled"])

    def _settle_first_batch(self, given: dict[str, Any]) -> None:
        """Channels-last, unless the model needs its activations contiguous (it calls view); and
        without autograd, unless the loss needs that.

        Raises
        ------
        InputError
            If the first batch has no loss in any of these ways, with what was raised.
        """
        last = self.choices["channels_last"] and bool(given.get("channels_last", True))
        for self.gradients in (False, True):
            for self.choices["channels_last"] in (True, False) if last else (False,):
                first = self._resident(1)
                try:
                    check_by_sample(self._loop(self.choices, first).at(0.0, 0.0), first[0])
                except RuntimeError as error:
                    failure: Exception = error
                except LossvizError:
                    raise
                except Exception as error:
                    raise failed(error, first[0]) from error
                else:
                    if self.gradients:
                        self.notes.append("the loss differentiates: evaluated with autograd")
                    return
        raise failed(failure, first[0]) from failure

    def _resident(self, count: int | None = None) -> list[Any]:
        last, some = self.choices["channels_last"], islice(self.problem.batches, count)
        return resident(some, self.device, self.dtype, channels_last=last)

    def _loop(
        self, choices: Mapping[str, Any], batches: list[Any], *,
        kind: type[Loop] = Loop, exact: bool = False,
    ) -> Any:  # fmt: skip
        """A loop as ``choices`` say; None if there is nothing to fold. ``exact``: in float64."""
        parts: Any = private(self.problem.model), *self._plane(exact=exact)
        if choices["engine"] == "folded":
            parts = fold(*parts)
            if parts is None:
                return None
        device, dtype = EXACTLY if exact else (self.device, self.dtype)
        model = parts[0].to(device, dtype)
        if self.choices["channels_last"]:
            channels_last(model)
        weights = Weights(model, *parts[1:])
        if dtype in (torch.bfloat16, torch.float16):
            model = Widened(model)
        if choices["compiled"] and not exact:
            model = torch.compile(model, dynamic=False)
        return kind(model, weights, self.problem.loss, batches, gradients=self.gradients)

    def _stack(self, batches: list[Any], *, exact: bool = False) -> Stack:
        device, dtype = EXACTLY if exact else (self.device, self.dtype)
        model = private(self.problem.model).to(device, dtype)
        return Stack(
            model, self.problem.loss, *self._plane(), batches, gradients=self.gradients
        )  # fmt: skip

    def _plane(self, *, exact: bool = False) -> tuple[Direction, Direction, Direction]:
        parts = self.plane.theta, self.plane.delta, self.plane.eta
        wide = exact or self.dtype == torch.float64  # else folding would round to the weights' type
        theta, delta, eta = (
            {name: value.double() if wide else value for name, value in part.items()}
            for part in parts
        )
        return theta, delta, eta

    def _batches(self, size: int) -> list[Any]:
        return cut(self._joined, size) if self._joined is not None and size else self._own

    def _even_batches(self) -> list[Any]:
        """Batches of nearly one size, so that each weighs the same in their statistics."""
        if self._joined is None:
            return self._own
        count = len(self._joined[0])
        return cut(self._joined, math.ceil(count / math.ceil(count / STATISTICS_BATCH)))

    def _few(self, size: int, count: int = TRIED) -> list[Any]:
        """The first samples only, in batches of ``size``."""
        if self._joined is None:
            return self._own[:1]
        return cut(tuple(value[: max(count, size)] for value in self._joined), size)

    def _right(self, build: Callable[..., Any]) -> bool:
        """Whether what ``build(batches, exact=True)`` gives equals the plain loop, in float64."""
        last = self.choices["channels_last"]
        few = resident(self._few(COMPARED, COMPARED), *EXACTLY, channels_last=last)
        made = attempt(lambda: build(few, exact=True))
        if made is None:
            return False
        plain = self._loop({"engine": "plain", "compiled": False}, few, exact=True)
        return agree(plain, made, EXACT)

    def _use(self, choices: dict[str, Any]) -> None:
        if choices["compiled"]:
            few, plain = self._few(choices["batch_size"] or TRIED), choices | {"compiled": False}
            if self._compiled(choices, few, self._loop(plain, few)) is None:
                choices = plain
        batches = self._batches(choices["batch_size"])
        if choices["engine"] == "stacked" and not self._may_stack():  # chosen for another plane
            choices = choices | {"engine": "plain", "points_at_once": 1}
        self.choices = choices
        if choices["engine"] == "stacked":
            self._engine = self._stack(batches)
            return
        if choices["engine"] == "recomputed":
            self._engine = self._loop(choices, self._even_batches(), kind=Recomputed)
            return
        loop = None
        if self.device.type == "cuda":
            loop = attempt(lambda: self._loop(choices, batches, kind=Graphed))
        self._engine = loop or self._loop(choices, batches)
        if self._engine is None:  # there is nothing to fold
            self._use(choices | {"engine": "plain"})

    def _choose(self, given: dict[str, Any]) -> None:
        wanted = self.choices | given
        sizes = BATCH_SIZES.get(self.device.type, (64,))
        if self._right(partial(self._loop, wanted | {"engine": "folded"})):
            wanted["engine"] = "folded"
        else:
            self._tell_why_not()
        rebatched = self._can_be_cut_anew()
        if not rebatched:
            wanted["batch_size"] = 0
        elif not wanted["batch_size"]:
            times = {}
            for size in sizes:
                loop = self._loop(wanted, self._few(size))
                count = sum(len(batch[0]) for batch in loop.batches)
                if (seconds := attempt(partial(seconds_of, loop, self.device))) is not None:
                    times[size] = seconds / count
            # The first is best for most networks: others have to be clearly faster.
            wanted["batch_size"] = min(
                times, key=lambda size: times[size] * (0.9 if size == sizes[0] else 1), default=0
            )
        if rebatched and self._may_stack():
            asked = (wanted["batch_size"],) if given.get("batch_size") else STACKED_BATCHES
            wanted = self._try_stacking(wanted, asked)
        self._use(wanted)

    def _tell_why_not(self) -> None:
        model = private(self.problem.model)
        if any(isinstance(module, BATCH_NORMS) for module in model.modules()):
            reason = why_not(model) or "it moves, is used twice, or has no convolution before it"
            self.notes.append(f"batch norm is evaluated as it is, not folded: {reason}")

    def _tell_rounding(self) -> None:
        plain = {"engine": "plain"}
        full = Evaluator(
            self.problem, self.plane, device=str(self.device), batch_norm=self.batch_norm,
            choices=plain,
        )  # fmt: skip
        found, exact = (evaluator.at(*CORNERS[1])["loss"] for evaluator in (self, full))
        change = abs(found - exact) / max(abs(exact), sys.float_info.min)
        self.notes.append(f"TF32 changes the loss at {CORNERS[1]} by {change:.1e}")

    def _may_stack(self) -> bool:
        moved = [*self.plane.delta, *self.plane.eta]
        fixed = not any(map(is_statistic, moved))
        return fixed and stackable(self.problem.model, len(moved))

    def _try_stacking(self, wanted: dict[str, Any], sizes: Sequence[int]) -> dict[str, Any]:
        if not self._right(self._stack):
            return wanted
        best, few = wanted, self._few(wanted["batch_size"])
        count = sum(len(batch[0]) for batch in few)
        least = seconds_of(self._loop(wanted, few), self.device) / count
        for size in sizes:
            stack = self._stack(self._few(size))
            for together in POINTS_AT_ONCE:
                samples = together * sum(len(batch[0]) for batch in stack.batches)
                seconds = seconds_of(stack, self.device, together) / samples
                # Clearly faster than what was tried before, so that the choice is mostly the same.
                if seconds < 0.85 * least:
                    best, least = wanted | {
                        "engine": "stacked", "batch_size": size, "points_at_once": together
                    }, seconds  # fmt: skip
        return best

    def _can_be_cut_anew(self) -> bool:
        """Whether a sample's values do not depend on the batch it is in."""
        own = self._own[:2]
        whole = joined(own) if self._joined is not None else None
        if whole is None:
            return False
        size = max(1, (len(whole[0]) + 2) // 3)
        loops = [self._loop(self.choices, batches) for batches in (own, cut(whole, size))]
        for corner in CORNERS:
            a, b = (loop.at(*corner) for loop in loops)
            if not (a.by_sample and b.by_sample and close(a, b, ROUNDED[self.dtype], each=True)):
                return False
        return True

    def _compiled(self, choices: Mapping[str, Any], few: list[Any], plain: Loop) -> Loop | None:
        """The compiled loop, if it compiles and gives what ``plain`` gives."""
        made: Loop | None = attempt(partial(self._loop, choices, few))
        return made if made is not None and agree(plain, made, ROUNDED[self.dtype]) else None
