"""A landscape from the tables and the metadata of a PLY file; ``lossviz/ply.py`` reads those."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lossviz.critical_points import CriticalPoint, CriticalPoints
from lossviz.errors import InputError
from lossviz.landscape import (
    Contour,
    Curve,
    Landscape,
    Mark,
    Provenance,
    Surface,
    Trajectory,
)
from lossviz.ply_header import Header, reason, shown
from lossviz.ply_write import KINDS, POINT_EXTRAS, Table, properties

T = TypeVar("T")
Values = NDArray[np.float64]


def metadata(header: Header, place: str) -> dict[str, Any]:
    """The JSON object in the header's numbered comments.

    Raises
    ------
    InputError
        If pieces are missing or double, or they are no JSON object.
    """
    pieces: dict[int, str] = {}
    for comment in header.comments:
        found = re.fullmatch(r"lossviz\.json (\d{1,6}) (.*)", comment)
        if found and int(found[1]) in pieces:
            raise InputError(f"{place}: metadata: piece {found[1]} is there twice")
        if found:
            pieces[int(found[1])] = found[2]
    missing = next((i for i in range(len(pieces)) if i not in pieces), None if pieces else 0)
    if missing is not None:
        raise InputError(
            f"{place}: metadata: expected 'comment lossviz.json {missing} …', got none"
        )
    try:
        text = "".join(pieces[index] for index in range(len(pieces)))
        data = json.loads(text, parse_constant=_refuse, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place}: metadata: expected JSON: {reason(error)}") from None
    if not isinstance(data, dict):
        raise InputError(f"{place}: metadata: expected an object, got {type(data).__name__}")
    return data


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is not JSON")


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"key {shown(key)} twice")
        found[key] = value
    return found


class Reader:
    """Builds a landscape from checked tables and unchecked metadata."""

    def __init__(self, place: str, data: Mapping[str, Any], tables: Mapping[str, Table]) -> None:
        self.place, self.data, self.tables = place, data, tables

    def landscape(self) -> Landscape:
        """All parts together.

        Raises
        ------
        InputError
            If metadata and tables do not fit each other.
        """
        try:
            return Landscape(
                surface=self._surface(),
                curves=self._curves(),
                trajectories=self._trajectories(),
                marks=self._marks(),
                critical_points=CriticalPoints.from_json(
                    self._points(), self._get(self.data, "critical", dict, {})
                ),
                contours=self._contours(),
                provenance=Provenance.from_json(self._get(self.data, "provenance", dict, {})),
                name=self._get(self.data, "name", str, ""),
            )
        except (ValueError, TypeError, IndexError, ArithmeticError) as error:
            raise InputError(f"{self.place}: {reason(error)}") from None

    def _get(self, data: Any, key: str, kind: type[T], default: T | None = None) -> T:
        """The value of a key, of the type that is expected."""
        value = data.get(key, default) if isinstance(data, dict) else None
        if not isinstance(value, kind):
            got = "nothing" if value is None else type(value).__name__
            raise InputError(
                f"{self.place}: metadata: {shown(key)}: expected {kind.__name__}, got {got}"
            )
        return value

    def _numbers(self, data: Any, key: str) -> Values:
        values = self._get(data, key, list)
        if not all(type(value) in (int, float) for value in values):
            raise InputError(f"{self.place}: metadata: {shown(key)}: expected numbers alone")
        return np.array(values, dtype=float)

    def _names(self, data: Any, key: str) -> list[str]:
        values = self._get(data, key, list)
        if not all(isinstance(value, str) for value in values):
            raise InputError(f"{self.place}: metadata: {shown(key)}: expected names alone")
        return values

    def _column(self, table: str, name: str, rows: Table | None = None) -> NDArray[Any]:
        found = self.tables.get(table) if rows is None else rows
        if found is None or name not in (found.dtype.names or ()):
            raise InputError(f"{self.place}: element {table}: expected a property {shown(name)}")
        return np.asarray(found[name])

    def _surface(self) -> Surface | None:
        if "grid" not in self.data:
            return None
        grid = self._get(self.data, "grid", dict)
        alphas, betas = self._numbers(grid, "alphas"), self._numbers(grid, "betas")
        count = alphas.size * betas.size
        valid = self._column("vertex", "valid")
        more = "edge" in self.tables  # then the paths' points are vertices too
        if not count or (valid.size < count if more else valid.size != count):
            raise InputError(
                f"{self.place}: grid: {alphas.size} x {betas.size} points, "
                f"but {valid.size:,} vertices"
            )
        for name in ("x", "y", "z"):
            if not np.isfinite(self._column("vertex", name)).all():
                raise InputError(f"{self.place}: vertex {name}: expected finite coordinates")

        def shaped(column: NDArray[Any]) -> NDArray[Any]:
            return column[:count].reshape(betas.size, alphas.size).T

        names = self._get(self.data, "quantities", dict)
        quantities = {name: shaped(self._column("vertex", str(key))) for name, key in names.items()}
        check_faces(self.tables, valid.size, self.place)
        return Surface(alphas, betas, quantities, shaped(valid) > 0)

    def _groups(self, table: str, count: int) -> list[Table]:
        """The rows of each id below ``count``; none where the element is not there."""
        rows = self.tables.get(table)
        if rows is None:
            return [np.zeros(0, np.dtype([]))] * count
        ids = self._column(table, "id")
        if ids.size and not 0 <= ids.min() <= ids.max() < count:
            raise InputError(f"{self.place}: element {table}: expected ids 0 to {count - 1}")
        order = np.argsort(ids, kind="stable")  # one sort: ids may be as many as rows
        starts = np.searchsorted(ids[order], np.arange(count + 1))
        rows = rows[order]
        return [rows[a:b] for a, b in pairwise(starts)]

    def _trajectories(self) -> list[Trajectory]:
        described = self._get(self.data, "trajectories", list, [])
        names = ("alpha", "beta", "loss", "off_plane", "step")
        found = []
        for known, own in zip(described, self._groups("trajectory", len(described)), strict=True):
            columns = [self._column("trajectory", n, own) if len(own) else own for n in names]
            values = [np.asarray(column, float) if len(own) else np.zeros(0) for column in columns]
            name, kind = self._get(known, "name", str), self._get(known, "kind", str)
            found.append(Trajectory(name, kind, np.stack(values[:2], 1), *values[2:]))  # type: ignore[arg-type]  # checked there
        return found

    def _points(self) -> list[CriticalPoint]:
        if "critical_point" not in self.tables:
            return []
        kinds = self._column("critical_point", "kind")
        if kinds.size and not 0 <= kinds.min() <= kinds.max() < len(KINDS):
            raise InputError(f"{self.place}: critical_point: expected kinds 0 to {len(KINDS) - 1}")
        names = ("alpha", "beta", "value", "lambda_min", "lambda_max", "kind", "persistence")
        columns = [self._column("critical_point", n).tolist() for n in (*names, "border")]
        there = self.tables["critical_point"].dtype.names or ()
        more = {
            name: [None if math.isnan(v) else v for v in self._column("critical_point", name)]
            for name in POINT_EXTRAS
            if name in there
        }
        return [
            CriticalPoint(
                a, b, value, low, high, KINDS[kind], persistence, bool(border),
                **{name: values[k] for name, values in more.items()},
            )
            for k, (a, b, value, low, high, kind, persistence, border) in enumerate(
                zip(*columns, strict=True)
            )
        ]  # fmt: skip

    def _curves(self) -> list[Curve]:
        described = self._get(self.data, "curves", list, [])
        names = [self._names(known, "quantities") for known in described]
        keys = properties(list(dict.fromkeys(name for own in names for name in own)))
        found = []
        groups = self._groups("curve", len(described))
        for known, own, rows in zip(described, names, groups, strict=True):
            quantities = {n: self._column("curve", f"q_{keys[n]}", rows) for n in own}
            alphas = self._column("curve", "alpha_", rows)
            points = None
            if self._get(known, "on_plane", bool, False):
                points = np.stack(
                    [self._column("curve", f"plane_{axis}", rows) for axis in ("alpha", "beta")], 1
                )
            found.append(Curve(self._get(known, "name", str), alphas, quantities, points))
        return found

    def _marks(self) -> list[Mark]:
        described = self._get(self.data, "marks", list, [])
        if not described:
            return []
        columns = [self._column("mark", name).tolist() for name in ("alpha", "beta", "value")]
        names = [self._get(known, "name", str) for known in described]
        return [Mark(*values) for values in zip(names, *columns, strict=True)]

    def _contours(self) -> list[Contour]:
        if "contour" not in self.tables:
            return []
        names = ("id", "level", "alpha", "beta")
        ids, levels, alphas, betas = (self._column("contour", name) for name in names)
        starts = [0, *(np.nonzero(ids[1:] != ids[:-1])[0] + 1).tolist(), len(ids)]
        return [
            Contour(float(levels[a]), np.stack([alphas[a:b], betas[a:b]], 1))
            for a, b in pairwise(starts)
            if b > a
        ]


def check_faces(tables: Mapping[str, Table], vertices: int, place: str) -> None:
    """Every face's corners must be vertices.

    Raises
    ------
    InputError
        If one is not.
    """
    faces = tables.get("face")
    if faces is not None and len(faces):
        low, high = int(faces["indices"].min()), int(faces["indices"].max())
        if low < 0 or high >= vertices:
            raise InputError(
                f"{place}: face: expected indices 0 to {vertices - 1}, got {low} to {high}"
            )
