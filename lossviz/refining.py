"""A surface's critical points: found on its samples, moved onto those of the network's own loss."""

from __future__ import annotations

import json
import math
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from lossviz import files
from lossviz.critical_points import PointKind
from lossviz.errors import LossvizError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from compute.plane import Plane
    from compute.problem import Problem
    from lossviz.landscape import CriticalPoint, CriticalPoints, Landscape, Surface

NEAR = 2.0  # cells
HOW = ("refined", "sampled", "none")
NAME = "refined.json"  # in a run's folder: what was refined before
MOVED = (
    "alpha", "beta", "value", "lambda_min", "lambda_max", "kind", "moved", "gradient_norm"
)  # fmt: skip


@dataclass
class Refinement:
    """How far it came: of ``asked`` points ``tried`` were tried, and ``moved`` had a zero near."""

    asked: int = 0
    tried: int = 0
    moved: int = 0
    before: int = 0  # confirmed already
    why_not: str = ""

    def lines(self) -> list[str]:
        """What to tell of it."""
        tried, moved = self.tried + self.before, self.moved + self.before
        if self.why_not and not moved:
            return [f"critical points are the interpolant's: {self.why_not}"]
        if self.why_not:
            told = (
                f"{moved} of {self.asked + self.before} critical points confirmed by the network's"
            )
            return [f"{told} gradient, the others are the interpolant's: {self.why_not}"]
        if not self.asked and not self.before:
            return []
        told = f"{moved} of {tried} critical points confirmed by the network's gradient"
        if left := self.asked - self.tried:
            told += f"; {left} not tried yet (lossviz critical --refine)"
        return [told]


class Kept:
    """Refined points by the place they were found at; in ``folder``, if it is there."""

    def __init__(self, folder: Path | None, problem: Problem, plane: Plane, dtype: Any) -> None:
        from compute import directions
        from compute.problem import batches_sha256

        self._path = folder / NAME if folder is not None and folder.is_dir() else None
        self._of = [
            batches_sha256(problem.batches), directions.sha256(plane.theta), plane.sha256,
            str(dtype),
        ]  # fmt: skip
        self._points: dict[str, Any] = {}
        try:
            found = json.loads(self._path.read_text(encoding="utf-8")) if self._path else {}
            if found.get("of") == self._of:
                for known in found["points"].values():
                    _check(known)
                self._points = dict(found["points"])
        except (OSError, *files.DAMAGED):
            pass  # nothing yet, or damaged: it is computed again

    def __contains__(self, point: CriticalPoint) -> bool:
        return _key(point) in self._points

    def __getitem__(self, point: CriticalPoint) -> CriticalPoint | None:
        known = self._points[_key(point)]
        return replace(point, **known) if known else None

    def add(self, point: CriticalPoint, moved: CriticalPoint | None) -> None:
        """Keep what became of one."""
        self._points[_key(point)] = moved and {name: getattr(moved, name) for name in MOVED}
        text = json.dumps({"of": self._of, "points": self._points})
        if self._path is not None:
            files.replace(self._path, lambda file: file.write(text.encode()), str(self._path))


def _check(known: Any) -> None:
    """Raise ValueError if this is not what ``Kept.add`` keeps of a point."""
    if known is None:
        return
    if set(known) != set(MOVED) or known["kind"] not in get_args(PointKind):
        raise ValueError("refined: expected a point")
    if not all(type(known[name]) is float for name in MOVED if name != "kind"):
        raise ValueError("refined: expected numbers")


def _key(point: CriticalPoint) -> str:
    return f"{point.kind} {point.alpha!r} {point.beta!r}"


def with_critical_points(
    landscape: Landscape, how: str, problem: Problem, plane: Plane, *, batch_norm: str = "",
    confidence: Callable[[Landscape], Landscape] = lambda landscape: landscape,
    write: Callable[[Landscape], None] = lambda landscape: None, **options: Any,
) -> tuple[Landscape, Refinement | None]:  # fmt: skip
    """The landscape with its critical points: ``how`` is "refined", "sampled" or "none".

    A preview gets none, for half precision invents minima; with batch norm recomputed the loss is
    no fixed function of the weights: the points stay the samples'. ``confidence`` adds theirs,
    ``options`` are ``refine``'s.
    """
    from compute.critical import critical_points

    if how == "none" or landscape.provenance.is_preview or landscape.surface is None:
        return landscape, None
    landscape = landscape.with_changes(critical_points=critical_points(landscape.surface))
    landscape = confidence(landscape)
    if how != "refined" or batch_norm == "recomputed":
        return landscape, None
    write(landscape)  # to be seen in the meantime
    return refine(landscape, problem, plane, write=write, **options)


def refine(
    landscape: Landscape, problem: Problem, plane: Plane, *, device: str, dtype: Any,
    folder: Path | None = None, seconds: float = float("inf"), progress: bool | None = None,
    write: Callable[[Landscape], None] = lambda landscape: None,
) -> tuple[Landscape, Refinement]:  # fmt: skip
    """The landscape with the points that are shown refined, the most persistent first.

    Those that are so already stay. For at most about ``seconds``. What ``folder`` has from before
    is not computed again; Ctrl-C ends it with what is there, which is given to ``write`` before.
    """
    found, told = landscape.critical_points, Refinement()
    shown = [k for k, p in enumerate(found) if not p.border and p.persistence >= found.threshold]
    asked = [k for k in shown if found[k].moved is None]
    told.asked, told.before, points = len(asked), len(shown) - len(asked), list(found)
    if not asked or landscape.surface is None:
        return landscape, told

    def with_points() -> Landscape:
        return landscape.with_changes(critical_points=replace(found, points=points))

    try:
        steps = _steps(
            [points[k] for k in asked], problem, plane, landscape.surface,
            Kept(folder, problem, plane, dtype), [p for p in found if p.moved is not None],
            device=device, dtype=dtype,
        )  # fmt: skip
        began = time.perf_counter()
        for k, moved in zip(asked, _with_bar(steps, len(asked), progress), strict=False):
            points[k], told.tried = moved or points[k], told.tried + 1
            told.moved += moved is not None
            if time.perf_counter() - began > seconds:
                break
    except KeyboardInterrupt:
        write(with_points())
        raise
    except LossvizError as error:
        told.why_not = str(error)
    except RuntimeError as error:  # what PyTorch cannot differentiate twice
        told.why_not = " ".join(str(error).split())[:120] or type(error).__name__
    return with_points(), told


def _steps(
    points: list[CriticalPoint], problem: Problem, plane: Plane, surface: Surface, kept: Kept,
    before: list[CriticalPoint], *, device: str, dtype: Any,
) -> Iterator[CriticalPoint | None]:  # fmt: skip
    """Each point refined, or None; from what is kept where it is there. None of them becomes one
    of those that were refined ``before``."""
    from compute.hessian import Hessian
    from compute.refine import Slice, refined

    todo = [point for point in points if point not in kept]
    steps: Iterator[CriticalPoint | None] = iter(())
    if todo:
        hessian = Hessian(problem, plane=plane, ignore="none", device=device, dtype=dtype)
        known = [moved for point in points if point in kept and (moved := kept[point])]
        steps = refined(todo, Slice(hessian, plane), surface.cell, before=[*before, *known])
    for point in points:
        if point not in kept:
            kept.add(point, next(steps))
        yield kept[point]


def _with_bar(steps: Iterator[Any], total: int, progress: bool | None) -> Iterator[Any]:
    from tqdm import tqdm

    bar = tqdm(steps, total=total, unit="points", desc="critical points", leave=False,
               disable=None if progress is None else not progress)  # fmt: skip
    with bar:
        yield from bar


def told_of(points: CriticalPoints, refinement: Refinement | None) -> list[str]:
    """What a report says of critical points; nothing where none were sought."""
    from lossviz.commands.critical import counts

    if points.winding is None and not points:
        return []
    unit = " of log loss" if points.log else ""
    lines = [f"{counts(points.shown())} of persistence {points.threshold:.3g}{unit} and more"]
    lines += [] if points.complete else points.checks()[:1]
    return lines + (refinement.lines() if refinement else [])


def as_known(found: CriticalPoints, before: CriticalPoints, surface: Surface) -> CriticalPoints:
    """``found`` on a surface, with what was known ``before`` of the same points of it.

    The same is what has the same kind and the same persistence, which refining leaves alone, at
    most 2 cells away.
    """
    if (found.quantity, found.log) != (before.quantity, before.log):
        return found
    cell, known = surface.cell.tolist(), defaultdict(list)

    def key(point: CriticalPoint, right: int = 0, up: int = 0) -> Hashable:
        column, row = point.alpha / cell[0] // NEAR + right, point.beta / cell[1] // NEAR + up
        return point.kind, point.persistence, column, row

    for point in before:
        if point.moved is not None or point.confidence is not None:
            known[key(point)].append(point)

    def same(point: CriticalPoint) -> CriticalPoint:
        def away(old: CriticalPoint) -> float:
            return max(abs(old.alpha - point.alpha) / cell[0], abs(old.beta - point.beta) / cell[1])

        squares = [key(point, right, up) for right in (-1, 0, 1) for up in (-1, 0, 1)]
        around = [(away(old), one) for one in squares for old in known.get(one, ())]
        distance, square = min(around, key=lambda pair: pair[0], default=(math.inf, None))
        if point.border or not distance <= NEAR:
            return point
        old = min(known[square], key=away)
        known[square].remove(old)  # it is no second one's
        return old

    return replace(found, points=[same(point) for point in found])
