"""What a landscape is: one surface or a few curves, paths and points on it, and where it came from.

Every type is a frozen dataclass that checks its shapes when it is made, so that what is wrong is
told where it went wrong. Arrays are float64 and read-only. A new scalar map is a new entry of
``quantities``, never a new class.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from importlib import import_module  # what draws is loaded when asked for, never before
from typing import Any, Final, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lossviz.critical_points import CriticalPoint as CriticalPoint  # noqa: PLC0414 (its users
from lossviz.critical_points import CriticalPoints as CriticalPoints  # noqa: PLC0414 look here)

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

LOSS: Final = "loss"
BASIN: Final = "basin"  # of a surface: labels 0, 1, … of basins of attraction, NaN where none is
SPECTRAL_DENSITY: Final = "spectral_density"  # of a curve whose alphas are eigenvalues
LARGEST_NUMBER: Final = 2**63  # in a provenance: what other programs' integers hold

TrajectoryKind = Literal["optimiser", "descent"]


def _floats(values: ArrayLike, name: str, shape: tuple[int, ...] | None = None) -> Floats:
    """``values`` as a read-only float64 array of ``shape`` (any shape if None)."""
    array = np.array(values, dtype=np.float64)
    if shape is not None and array.shape != shape:
        raise ValueError(f"{name}: expected shape {shape}, got {array.shape}")
    array.flags.writeable = False
    return array


def _axis(values: ArrayLike, name: str) -> Floats:
    """A grid axis: one-dimensional, not empty, finite, strictly increasing."""
    axis = _floats(values, name)
    if axis.ndim != 1 or axis.size == 0:
        raise ValueError(f"{name}: expected a non-empty vector, got shape {axis.shape}")
    if not np.isfinite(axis).all() or (axis[1:] <= axis[:-1]).any():
        raise ValueError(f"{name}: expected finite, strictly increasing coordinates")
    return axis


def _quantities(
    values: Mapping[str, ArrayLike], shape: tuple[int, ...], owner: str
) -> dict[str, Floats]:
    if LOSS not in values:
        raise ValueError(f"{owner}: expected a quantity named 'loss', got {sorted(values)}")
    return {name: _floats(array, f"quantity {name!r}", shape) for name, array in values.items()}


@dataclass(frozen=True, eq=False)
class Surface:
    """Scalar quantities on a grid of the plane theta* + alpha delta + beta eta.

    Attributes
    ----------
    alphas, betas
        ``(n,)`` and ``(m,)``, strictly increasing, in units of the two directions.
    quantities
        Name to ``(n, m)``; entry ``[i, j]`` belongs to ``(alphas[i], betas[j])``. ``loss`` is
        always there. NaN and Inf are results and stay.
    evaluated
        ``(n, m)``: True where a value was computed. What was not evaluated is NaN.

    Raises
    ------
    ValueError
        If a shape does not fit, an axis does not increase or ``loss`` is missing.
    """

    alphas: Floats
    betas: Floats
    quantities: Mapping[str, Floats]
    evaluated: Mask = None  # type: ignore[assignment]  # None: everything was evaluated

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "alphas", _axis(self.alphas, "alphas"))
        set_(self, "betas", _axis(self.betas, "betas"))
        set_(self, "quantities", _quantities(self.quantities, self.shape, "surface"))
        mask = (
            np.ones(self.shape, bool) if self.evaluated is None else np.array(self.evaluated, bool)
        )
        if mask.shape != self.shape:
            raise ValueError(f"evaluated: expected shape {self.shape}, got {mask.shape}")
        mask.flags.writeable = False
        set_(self, "evaluated", mask)

    @property
    def shape(self) -> tuple[int, int]:
        """``(n, m)``: the numbers of alphas and of betas."""
        return self.alphas.size, self.betas.size

    @property
    def loss(self) -> Floats:
        """``(n, m)``, the loss."""
        return self.quantities[LOSS]

    @property
    def cell(self) -> Floats:
        """``(2,)``: the mean spacings of alpha and beta; 1 of a single row."""
        # Divided first: the ends of an axis can be further apart than any number.
        spacings = [
            axis[-1] / (axis.size - 1) - axis[0] / (axis.size - 1) if axis.size > 1 else 1.0
            for axis in (self.alphas, self.betas)
        ]
        return np.array(spacings)

    @property
    def center(self) -> tuple[int, int]:
        """Indices of the grid point nearest to (0, 0)."""
        return int(np.abs(self.alphas).argmin()), int(np.abs(self.betas).argmin())


@dataclass(frozen=True, eq=False)
class Curve:
    """Scalar quantities along a line theta* + alpha delta.

    Attributes
    ----------
    alphas
        ``(k,)``, strictly increasing; between two checkpoints 0 is the first and 1 the second.
    quantities
        Name to ``(k,)``; ``loss`` is always there.
    points
        ``(k, 2)`` where the line runs over the landscape's surface, if it lies in its plane.
    """

    name: str
    alphas: Floats
    quantities: Mapping[str, Floats]
    points: Floats | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "alphas", _axis(self.alphas, "alphas"))
        found = _quantities(self.quantities, self.alphas.shape, f"curve {self.name!r}")
        object.__setattr__(self, "quantities", found)
        if self.points is not None:
            points = _floats(self.points, "points", (self.alphas.size, 2))
            object.__setattr__(self, "points", points)

    def placed(self, start: ArrayLike, end: ArrayLike) -> Curve:
        """The same, over a surface: ``start`` and ``end`` are where alpha is 0 and 1, ``(2,)``."""
        alphas = self.alphas[:, None]
        return replace(self, points=(1 - alphas) * np.asarray(start) + alphas * np.asarray(end))

    def barrier(self, quantity: str = LOSS) -> tuple[float, float]:
        """The highest loss above the straight line between the ends, and its alpha.

        max over alpha in [0, 1] of L(alpha) − (1 − alpha) L(0) − alpha L(1), Entezari et al. 2022,
        arXiv:2110.06296, definition 2.1. Never below 0; NaN if the curve has no point at 0 or 1 or
        a value between them is no number.
        """
        values = self.quantities[quantity]
        inside = (self.alphas >= 0) & (self.alphas <= 1)
        alphas, values = self.alphas[inside], values[inside]
        if alphas.size < 2 or alphas[0] != 0 or alphas[-1] != 1 or np.isnan(values).any():
            return math.nan, math.nan
        with np.errstate(invalid="ignore", over="ignore"):
            above = values - (1 - alphas) * values[0] - alphas * values[-1]
        if np.isnan(above).any():  # an end is infinite
            return math.nan, math.nan
        above[[0, -1]] = 0.0
        at = int(above.argmax())
        return float(above[at]), float(alphas[at])


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A path over the plane, one row a step.

    Attributes
    ----------
    points
        ``(k, 2)`` coordinates alpha, beta.
    losses
        ``(k,)`` the true loss at each step's own weights (not the surface's).
    off_plane
        ``(k,)`` distance from the plane relative to the distance from the centre; 0 on the plane.
    steps
        ``(k,)`` epoch, iteration or arc length.
    """

    name: str
    kind: TrajectoryKind
    points: Floats
    losses: Floats
    off_plane: Floats = None  # type: ignore[assignment]  # None: all on the plane
    steps: Floats = None  # type: ignore[assignment]  # None: 0, 1, 2, …

    def __post_init__(self) -> None:
        if self.kind not in get_args(TrajectoryKind):
            raise ValueError(f"kind: expected one of {get_args(TrajectoryKind)}, got {self.kind!r}")
        count = len(self.points)
        shape = (count,)
        off_plane = np.zeros(count) if self.off_plane is None else self.off_plane
        steps = np.arange(count) if self.steps is None else self.steps
        object.__setattr__(self, "points", _floats(self.points, "points", (count, 2)))
        object.__setattr__(self, "losses", _floats(self.losses, "losses", shape))
        object.__setattr__(self, "off_plane", _floats(off_plane, "off_plane", shape))
        object.__setattr__(self, "steps", _floats(steps, "steps", shape))


@dataclass(frozen=True)
class Mark:
    """A named place on the plane, such as another network that it passes through.

    ``value`` is the loss of that network itself; NaN if it is not known.
    """

    name: str
    alpha: float
    beta: float
    value: float = math.nan


@dataclass(frozen=True, eq=False)
class Contour:
    """One connected isoline: ``points (k, 2)`` in alpha, beta, at ``level`` of the loss."""

    level: float
    points: Floats

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", _floats(self.points, "points", (len(self.points), 2)))


@dataclass(frozen=True)
class Provenance:
    """Where a landscape came from: enough to compute it again and to read its numbers rightly.

    Unknown is the empty string, 0 or an empty mapping; nothing is guessed.
    """

    model: str = ""
    checkpoint: str = ""
    checkpoint_sha256: str = ""
    data: str = ""
    split: str = ""
    samples: int = 0
    selection: str = ""  # how the samples were chosen: "first:512", "balanced:512 seed 0", "all"
    normalization: str = ""  # of the data: "cifar10 mean (…) std (…)"
    loss: str = ""  # "cross_entropy", "mse_softmax", "mse", or module:function
    directions: str = ""  # "random", or the file they were read from
    direction_normalize: str = ""  # "filter", …
    direction_ignore: str = ""  # "biasbn": tensors of one dimension do not move
    direction_sha256: str = ""
    direction_angle: float = 0.0  # degrees between the two; 0: not known
    explained_variance: Sequence[float] = ()  # of the run by its first principal components
    explained_by_chance: Sequence[float] = ()  # the same of a random walk of as many steps
    seed: int | None = None
    batch_norm: str = ""  # "stored", …
    precision: str = ""
    device: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    date: str = ""  # ISO 8601, UTC
    duration: float = 0.0  # seconds of computation, all sittings together
    tolerance: float = 0.0  # the relative error that was asked for; 0: counts were fixed by hand
    error_data: float = 0.0  # median over the points of the loss' relative standard error
    error_interpolation: float = 0.0  # largest between the points, relative, as far as can be told
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("notes", "explained_variance", "explained_by_chance"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    @property
    def is_preview(self) -> bool:
        """Whether the numbers are too coarse for anything but a look."""
        return self.precision in ("bfloat16", "float16")

    def to_json(self) -> dict[str, Any]:
        """A dictionary of plain JSON values."""
        lists = {key: list(value) for key, value in asdict(self).items() if type(value) is tuple}
        return {**asdict(self), **lists, "versions": dict(self.versions)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of ``to_json``; keys that this version does not know are left out.

        Raises
        ------
        ValueError
            If a value has another type than its field, or a number is beyond 64 bits.
        """
        types: dict[str, tuple[type, ...]] = {
            "samples": (int,), "seed": (int, type(None)), "versions": (dict,),
            "duration": (int, float), "notes": (list, tuple), "tolerance": (int, float),
            "error_data": (int, float), "error_interpolation": (int, float),
            "direction_angle": (int, float), "explained_variance": (list, tuple),
            "explained_by_chance": (list, tuple),
        }  # fmt: skip
        known: dict[str, Any] = {}
        for item in fields(cls):
            if item.name not in values:
                continue
            value, expected = values[item.name], types.get(item.name, (str,))
            if not isinstance(value, expected) or isinstance(value, bool):
                names = " or ".join(kind.__name__ for kind in expected)
                raise ValueError(f"{item.name}: expected {names}, got {type(value).__name__}")
            if isinstance(value, int | float) and not abs(value) < LARGEST_NUMBER:
                raise ValueError(f"{item.name}: expected a number below 2^63, got a larger one")
            known[item.name] = value
        if "versions" in known:
            known["versions"] = {str(k): str(v) for k, v in known["versions"].items()}
        for name in ("explained_variance", "explained_by_chance"):
            shares = known.get(name, ())
            if not all(type(one) in (int, float) and 0 <= one <= 1 for one in shares):
                raise ValueError(f"{name}: expected numbers from 0 to 1")
        if "notes" in known:
            known["notes"] = tuple(str(note) for note in known["notes"])
        return cls(**known)


@dataclass(frozen=True, eq=False)
class Landscape:
    """What one file holds: a surface or curves, what lies on them, and the provenance."""

    surface: Surface | None = None
    curves: Sequence[Curve] = ()
    trajectories: Sequence[Trajectory] = ()
    marks: Sequence[Mark] = ()
    # Any sequence of points becomes one.
    critical_points: CriticalPoints = field(default_factory=CriticalPoints)
    contours: Sequence[Contour] = ()
    provenance: Provenance = field(default_factory=Provenance)
    name: str = ""

    def __post_init__(self) -> None:
        if self.surface is None and not self.curves:
            raise ValueError("landscape: expected a surface or at least one curve, got neither")
        for part in ("curves", "trajectories", "marks", "contours"):
            object.__setattr__(self, part, tuple(getattr(self, part)))
        if not isinstance(self.critical_points, CriticalPoints):
            found = CriticalPoints(tuple(self.critical_points))
            object.__setattr__(self, "critical_points", found)

    @property
    def title(self) -> str:
        """What to call it in a picture: its name, else the model, else 'landscape'."""
        return self.name or self.provenance.model or "landscape"

    def with_changes(self, **changes: Any) -> Landscape:
        """A copy with some fields replaced."""
        return replace(self, **changes)

    def show(self) -> None:
        """Open it in a window of its own, which stays when Python ends; returns at once."""
        import_module("lossviz.showing").show(self)

    def _repr_png_(self) -> bytes | None:
        """The picture for a notebook; None where none can be drawn, and then the text is shown."""
        return import_module("lossviz.showing").png(self)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        parts = [repr(self.title)]
        if self.surface is not None:
            n, m = self.surface.shape
            finite = self.surface.loss[np.isfinite(self.surface.loss)]
            span = f"{finite.min():.4g} to {finite.max():.4g}" if finite.size else "nowhere finite"
            parts += [f"{n}x{m} points", f"loss {span}"]
        for part, one in (
            ("curves", "curve"),
            ("trajectories", "trajectory"),
            ("marks", "mark"),
            ("critical_points", "critical point"),
        ):
            if found := getattr(self, part):
                many = part.replace("_", " ")
                parts.append(f"1 {one}" if len(found) == 1 else f"{len(found)} {many}")
        if self.provenance.samples:
            parts.append(f"{self.provenance.samples:,} samples")
        return f"Landscape({', '.join(parts)})"

    def __iter__(self) -> Iterator[str]:
        raise TypeError("a Landscape is not a sequence: use .surface, .curves, .trajectories …")
