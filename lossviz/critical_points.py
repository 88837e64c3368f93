"""Critical points of a surface, and what shows that they are all."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, get_args, overload

PointKind = Literal["minimum", "saddle", "maximum", "degenerate"]


@dataclass(frozen=True)
class CriticalPoint:
    """A zero of the slice's gradient, typed by the slice's 2x2 Hessian.

    ``lambda_min`` and ``lambda_max`` are the eigenvalues of that Hessian in units of loss per
    (alpha, beta) squared; ``persistence`` is in units of loss (or, in a log field, of log loss);
    ``border`` marks an extremum of the window, which is not one of the loss.

    ``moved`` and ``gradient_norm`` are None for a zero of the interpolant. For a zero of the
    network's own gradient on the slice they are how far it lay from the interpolant's, in the
    plane's units, and the slice's gradient left there, in loss per unit. ``confidence`` is the
    share of bootstrap resamples of the data in which a point of the kind is found within a cell,
    ``position_error`` the standard deviation of where; None where the losses of single samples are
    not known.
    """

    alpha: float
    beta: float
    value: float
    lambda_min: float
    lambda_max: float
    kind: PointKind
    persistence: float = 0.0
    border: bool = False
    moved: float | None = None
    gradient_norm: float | None = None
    confidence: float | None = None
    position_error: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(PointKind):
            raise ValueError(f"kind: expected one of {get_args(PointKind)}, got {self.kind!r}")


@dataclass(frozen=True)
class FlatRegion:
    """A connected region without slope: its middle, its loss, and its share of the vertices."""

    alpha: float
    beta: float
    value: float
    share: float


@dataclass(frozen=True)
class CriticalPoints(Sequence[CriticalPoint]):
    """The critical points of a surface, most persistent first, and what shows that they are all.

    A sequence of points. Those that ``compute.critical_points`` did not find come without checks:
    ``winding`` is None.

    Attributes
    ----------
    points
        With ``border`` extrema of the window among them.
    quantity
        Of which they are the points.
    log
        Whether the logarithm was worked on; ``persistence``, ``noise`` and ``threshold`` are then
        in units of log loss: exp(persistence) is the factor between saddle and extremum.
    noise
        Standard deviation of the noise, estimated from fourth differences.
    threshold
        Persistence from which points are shown: max(0.1 % of the range, 10 noise) unless given.
    winding, index_sum
        Turns of the gradient along the border, and the indices inside added up: equal if no zero
        was missed. ``winding`` is None where the gradient vanishes along the border.
    link_sum
        ∑ of 1 − χ(lower link) over the grid's vertices: 1.
    missing
        Alpha and beta of places near which points may be missing.
    flat
        Flat regions, in which no points are sought.
    """

    points: Sequence[CriticalPoint] = ()
    log: bool = False
    noise: float = 0.0
    threshold: float = 0.0
    winding: int | None = None
    index_sum: int = 0
    link_sum: int = 1
    missing: Sequence[tuple[float, float]] = ()
    flat: Sequence[FlatRegion] = ()
    quantity: str = "loss"

    def __post_init__(self) -> None:
        for name in ("points", "missing", "flat"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def __len__(self) -> int:
        return len(self.points)

    @overload
    def __getitem__(self, index: int) -> CriticalPoint: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[CriticalPoint]: ...
    def __getitem__(self, index: int | slice) -> CriticalPoint | Sequence[CriticalPoint]:
        return self.points[index]

    def __iter__(self) -> Iterator[CriticalPoint]:
        return iter(self.points)

    @property
    def complete(self) -> bool:
        """Whether both checks passed."""
        return self.winding is not None and not self.missing and self.link_sum == 1

    def shown(self, *, threshold: float | None = None, border: bool = False) -> list[CriticalPoint]:
        """The points of at least this persistence; those of the border only if asked for."""
        least = self.threshold if threshold is None else threshold
        return [p for p in self.points if p.persistence >= least and (border or not p.border)]

    def checks(self) -> list[str]:
        """The checks in words, a line each."""
        if self.winding is None:
            index = f"indices: sum {self.index_sum:+d}; no slope along the border to compare with"
        else:
            told = "no point is missing"
            if self.winding != self.index_sum:
                told = "they differ in holes or flat regions alone"
            if self.missing:
                near = ", ".join(f"({a:.4g}, {b:.4g})" for a, b in self.missing[:5])
                more = f" and {len(self.missing) - 5} more" if len(self.missing) > 5 else ""
                points = "1 point" if len(self.missing) == 1 else f"{len(self.missing)} points"
                told = f"{points} may be missing near {near}{more}"
            index = f"indices: sum {self.index_sum:+d}, winding {self.winding:+d}: {told}"
        passed = "passed" if self.link_sum == 1 else "FAILED"
        return [index, f"lower links: sum {self.link_sum:+d}: {passed}"]

    def to_json(self) -> dict[str, Any]:
        """Everything but the points, as plain JSON values."""
        told = {name: getattr(self, name) for name in _TYPES}
        return told | {
            "missing": [list(place) for place in self.missing],
            "flat": [asdict(region) for region in self.flat],
        }

    @classmethod
    def from_json(cls, points: Sequence[CriticalPoint], values: Mapping[str, Any]) -> Self:
        """The points with what ``to_json`` gave; unknown keys are left out.

        Raises
        ------
        ValueError
            If a value is of another type, or a number is not finite.
        """
        known = {name: value for name, value in values.items() if name in _TYPES}
        for name, value in known.items():
            kinds = _TYPES[name]
            if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
                names = " or ".join(kind.__name__ for kind in kinds)
                raise ValueError(f"{name}: expected {names}, got {type(value).__name__}")
            if isinstance(value, int | float):
                _finite(name, value)
        known["missing"] = tuple(_row("missing", place, 2) for place in known.get("missing", ()))
        known["flat"] = tuple(
            FlatRegion(*_row("flat", list(one.values()) if isinstance(one, dict) else one, 4))
            for one in known.get("flat", ())
        )
        return cls(points, **known)


_TYPES: dict[str, tuple[type, ...]] = {
    "quantity": (str,), "log": (bool,), "noise": (int, float), "threshold": (int, float),
    "winding": (int, type(None)), "index_sum": (int,), "link_sum": (int,), "missing": (list,),
    "flat": (list,),
}  # fmt: skip


def _finite(name: str, value: Any) -> float:
    # An integer may be larger than any float.
    if type(value) not in (int, float, bool) or not abs(value) <= sys.float_info.max:
        raise ValueError(f"{name}: expected a finite number, got {value!r:.40}")
    return float(value)


def _row(name: str, values: Any, count: int) -> tuple[Any, ...]:
    if not isinstance(values, list) or len(values) != count:
        raise ValueError(f"{name}: expected {count} numbers, got {values!r:.40}")
    return tuple(_finite(name, value) for value in values)
