"""Landscapes to PLY files; ``lossviz/ply.py`` says what is in them."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from lossviz.critical_points import CriticalPoint, CriticalPoints, PointKind
from lossviz.errors import InputError, LossvizError
from lossviz.files import replace
from lossviz.landscape import Curve, Landscape, Surface
from lossviz.ply_header import LARGEST, printable, reason, scan

Table = NDArray[np.void]

VERSION = 1
PIECE = 400  # characters of JSON a comment line: longer lines break other programs
KINDS: tuple[PointKind, ...] = ("minimum", "saddle", "maximum", "degenerate")
POINT_EXTRAS = ("moved", "gradient_norm", "confidence", "position_error")  # may be unknown
COURTESY = ("x", "y", "z", "nx", "ny", "nz", "red", "green", "blue", "quality", "valid")
# Viridis at nine places (van der Walt and Smith 2015, CC0).
VIRIDIS = np.array([
    (68, 1, 84), (71, 44, 122), (59, 81, 139), (44, 113, 142), (33, 144, 141), (39, 173, 129),
    (92, 200, 99), (170, 220, 50), (253, 231, 37),
], dtype=float)  # fmt: skip
FAR = 1e30  # courtesy coordinates end here, where single precision still holds their spans
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def write(
    landscape: Landscape, path: str | Path, *, plain: bool = False, ascii: bool = False,
    edges: bool = False,
) -> None:  # fmt: skip
    """Write a landscape atomically: the file is the old one or the whole new one.

    Parameters
    ----------
    plain
        Only ``vertex`` and ``face`` with single-precision properties, for programs that read
        nothing else; it does not come back as a landscape with its provenance.
    ascii
        Text instead of little-endian binary.
    edges
        Also an ``edge`` element along the trajectories, whose points are added as vertices, so
        that mesh programs show the paths.

    Raises
    ------
    LossvizError
        If the file cannot be written, or could not be read again.
    """
    place = printable(str(path))
    if plain and landscape.surface is None:
        raise LossvizError(f"{place}: plain: expected a surface, got curves only")
    tables = _tables(landscape, plain=plain, edges=edges)
    try:
        comments = [] if plain else _comments(_metadata(landscape))
    except (TypeError, ValueError) as error:
        raise LossvizError(f"{place}: provenance: cannot be JSON: {reason(error)}") from None
    header = _header(tables, comments, ascii)
    try:
        scan(header[:LARGEST], sys.maxsize, place)
    except InputError as error:  # nothing is written that cannot be read
        raise LossvizError(f"{error} (shorten the notes or leave out quantities)") from None
    replace(Path(os.path.realpath(path)), lambda file: _write(file, header, tables, ascii), place)


def _header(tables: Mapping[str, Table], comments: Sequence[str], ascii: bool) -> bytes:
    kind = "ascii" if ascii else "binary_little_endian"
    lines = ["ply", f"format {kind} 1.0", *(f"comment {text}" for text in comments)]
    for name, table in tables.items():
        lines.append(f"element {name} {len(table)}")
        lines += _property_lines(name, table.dtype)
    return "\n".join([*lines, "end_header", ""]).encode("ascii")


def _write(file: IO[bytes], header: bytes, tables: Mapping[str, Table], ascii: bool) -> None:
    file.write(header)
    for table in tables.values():
        if not ascii:
            file.write(table.data if len(table) else b"")
            continue
        for row in table.tolist():
            words = [w for value in row for w in np.ravel(value).tolist()]
            file.write((" ".join(map(_word, words)) + "\n").encode("ascii"))


def _word(value: float | int) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def _property_lines(element: str, dtype: np.dtype[Any]) -> list[str]:
    if element == "face":
        return ["property list uchar int vertex_indices"]
    words = {"f4": "float", "f8": "double", "u1": "uchar", "i4": "int"}
    return [f"property {words[dtype[name].str[1:]]} {name}" for name in dtype.names or ()]


def _metadata(landscape: Landscape) -> dict[str, Any]:
    surface = landscape.surface
    data: dict[str, Any] = {
        "name": landscape.name,
        "provenance": landscape.provenance.to_json(),
        "trajectories": [{"name": t.name, "kind": t.kind} for t in landscape.trajectories],
        "curves": [
            {"name": c.name, "quantities": list(c.quantities), "on_plane": c.points is not None}
            for c in landscape.curves
        ],
        "marks": [{"name": mark.name} for mark in landscape.marks],
    }
    if landscape.critical_points != CriticalPoints(landscape.critical_points):
        data["critical"] = landscape.critical_points.to_json()
    if surface is not None:
        data["grid"] = {"alphas": surface.alphas.tolist(), "betas": surface.betas.tolist()}
        data["quantities"] = properties(list(surface.quantities))
    return data


def properties(names: Sequence[str]) -> dict[str, str]:
    """Quantity to property: its own name where PLY allows it and nothing else has it."""
    taken, all_names = set(COURTESY), set(names)
    found = {}
    for index, name in enumerate(names):
        key = name if _PLAIN_NAME.fullmatch(name) and name not in taken else f"quantity_{index}"
        while key in taken or (key != name and key in all_names):
            key += "_"
        taken.add(key)
        found[name] = key
    return found


def _comments(metadata: Mapping[str, Any]) -> list[str]:
    text = json.dumps(metadata, allow_nan=False, separators=(",", ":"))
    pieces, at = [], 0
    while at < len(text):
        piece = text[at : at + PIECE + 1]
        cut = PIECE  # not beside a space: other programs may trim the lines
        while cut > 1 and " " in piece[cut - 1 : cut + 1]:
            cut -= 1
        pieces.append(piece[: cut if cut > 1 else PIECE])
        at += len(pieces[-1])
    numbered = [f"lossviz.json {index} {piece}" for index, piece in enumerate(pieces)]
    return [f"lossviz {VERSION}", *numbered]


def _tables(landscape: Landscape, *, plain: bool, edges: bool) -> dict[str, Table]:
    tables: dict[str, Table] = {}
    surface = landscape.surface
    if surface is not None:
        tables["vertex"], tables["face"] = _vertices(surface, plain), _faces(surface)
    if plain:
        return tables
    if surface is not None and edges and landscape.trajectories:
        tables["vertex"], tables["edge"] = _with_edges(landscape, surface, tables["vertex"])
    tables["trajectory"] = _rows(
        [("id", "i4"), *((n, "f8") for n in ("alpha", "beta", "loss", "off_plane", "step"))],
        [
            (np.full(len(t.steps), index), *t.points.T, t.losses, t.off_plane, t.steps)
            for index, t in enumerate(landscape.trajectories)
        ],
    )
    tables["mark"] = _rows(
        [(name, "f8") for name in ("alpha", "beta", "value")],
        [([mark.alpha], [mark.beta], [mark.value]) for mark in landscape.marks],
    )
    tables["critical_point"] = _point_rows(landscape.critical_points)
    tables["curve"] = _curve_rows(landscape.curves)
    tables["contour"] = _rows(
        [("id", "i4"), ("level", "f8"), ("alpha", "f8"), ("beta", "f8")],
        [
            (np.full(len(c.points), index), np.full(len(c.points), c.level), *c.points.T)
            for index, c in enumerate(landscape.contours)
        ],
    )
    keep = {"vertex", "face"}
    return {name: table for name, table in tables.items() if len(table) or name in keep}


def _point_rows(points: Sequence[CriticalPoint]) -> Table:
    """What no point knows has no column; NaN: this one does not know it."""
    names = ("alpha", "beta", "value", "lambda_min", "lambda_max", "persistence", *POINT_EXTRAS)
    known = [n for n in names if any(getattr(p, n) is not None for p in points)]
    table = np.zeros(len(points), [*((n, "<f8") for n in known), ("kind", "u1"), ("border", "u1")])
    for name in known:  # None becomes NaN
        table[name] = np.array([getattr(p, name) for p in points], dtype=float)
    table["kind"] = [KINDS.index(p.kind) for p in points]
    table["border"] = [p.border for p in points]
    return table


def _rows(columns: Sequence[tuple[str, str]], parts: Sequence[Sequence[Any]]) -> Table:
    """A structured array of the parts one below the other."""
    dtype = np.dtype([(name, f"<{kind}" if kind != "u1" else "u1") for name, kind in columns])
    table = np.zeros(sum(len(part[0]) for part in parts), dtype)
    at = 0
    for part in parts:
        for (name, _), values in zip(columns, part, strict=True):
            table[name][at : at + len(part[0])] = values
        at += len(part[0])
    return table


def _curve_rows(curves: Sequence[Curve]) -> Table:
    names = list(dict.fromkeys(name for curve in curves for name in curve.quantities))
    keys = properties(names)
    columns = [("id", "i4"), *((name, "f8") for name in ("alpha_", "plane_alpha", "plane_beta"))]
    columns += [(f"q_{keys[name]}", "f8") for name in names]
    return _rows(columns, [
        (
            np.full(curve.alphas.size, index), curve.alphas,
            *(np.full((2, curve.alphas.size), np.nan) if curve.points is None else curve.points.T),
            *(curve.quantities.get(n, np.full(curve.alphas.size, np.nan)) for n in names),
        )
        for index, curve in enumerate(curves)
    ])  # fmt: skip


def display_height(surface: Surface) -> NDArray[np.float64]:
    """``(n, m)`` the courtesy z: finite everywhere, half as tall as the surface is wide."""
    loss = surface.loss
    known = np.isfinite(loss)
    if not known.any():
        return np.zeros(loss.shape)
    low, high = loss[known].min(), loss[known].max()
    with np.errstate(all="ignore"):
        steep = low > 0 and high / low > 100
        values = (
            np.log10(np.where(loss > 0, loss, 1.0))
            if steep
            else loss / max(abs(low), abs(high), 1e-300)
        )
    values = np.where(known, values, values[known].max())
    span = np.ptp(values)
    width = max(np.ptp(_near(axis)) for axis in (surface.alphas, surface.betas)) or 1.0
    height: NDArray[np.float64] = (values - values.min()) / (span or 1.0) * 0.5 * width
    return height


def _near(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coordinates that are finite in single precision."""
    return np.clip(np.nan_to_num(values), -FAR, FAR)


def _vertices(surface: Surface, plain: bool) -> Table:
    quantities = {} if plain else properties(list(surface.quantities))
    columns = [(name, "<f4") for name in COURTESY[:6]]
    columns += [(name, "u1") for name in COURTESY[6:9]] + [("quality", "<f4"), ("valid", "u1")]
    columns += [(key, "<f8") for key in quantities.values()]
    n, m = surface.shape
    table = np.zeros(n * m, np.dtype(columns))

    def flat(values: NDArray[Any]) -> NDArray[Any]:
        return values.T.ravel()  # row-major, alpha fastest

    height = display_height(surface)
    alphas, betas = np.meshgrid(surface.alphas, surface.betas, indexing="ij")
    finite = np.isfinite(surface.loss)
    limit = float(np.finfo(np.float32).max)
    table["x"], table["y"], table["z"] = flat(_near(alphas)), flat(_near(betas)), flat(height)
    for name, part in zip(("nx", "ny", "nz"), _normals(surface, height), strict=True):
        table[name] = flat(part)
    unit = height / (height.max() or 1.0)
    for index, name in enumerate(("red", "green", "blue")):
        table[name] = np.rint(np.interp(flat(unit), np.linspace(0, 1, 9), VIRIDIS[:, index]))
    table["quality"] = np.clip(flat(np.where(finite, surface.loss, 0.0)), -limit, limit)
    table["valid"] = flat(np.where(~surface.evaluated, 0, np.where(finite, 1, 2)))
    for name, key in quantities.items():
        table[key] = flat(surface.quantities[name])
    return table


def _normals(surface: Surface, height: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Unit normals of the courtesy surface, three arrays ``(n, m)``."""
    slopes = []
    for side, axis in enumerate((surface.alphas, surface.betas)):
        flat = axis.size < 2
        with np.errstate(all="ignore"):  # axes may be finer than their differences can be
            slope = np.zeros(height.shape) if flat else np.gradient(height, axis, axis=side)
        slopes.append(_near(slope))
    length = np.sqrt(1 + slopes[0] ** 2 + slopes[1] ** 2)
    return [-slopes[0] / length, -slopes[1] / length, 1 / length]


def _faces(surface: Surface) -> Table:
    """Two triangles a cell whose four corners have a finite loss."""
    n = surface.alphas.size
    table_type = np.dtype([("length", "u1"), ("indices", "<i4", (3,))])
    ok = (np.isfinite(surface.loss) & surface.evaluated).T
    whole = ok[:-1, :-1] & ok[:-1, 1:] & ok[1:, :-1] & ok[1:, 1:]
    j, i = np.nonzero(whole)
    corner = j * n + i
    triangles = np.stack([
        np.stack([corner, corner + 1, corner + n + 1], 1),
        np.stack([corner, corner + n + 1, corner + n], 1),
    ], 1).reshape(-1, 3)  # fmt: skip
    table = np.zeros(len(triangles), table_type)
    table["length"], table["indices"] = 3, triangles
    return table


def _with_edges(landscape: Landscape, surface: Surface, vertices: Table) -> tuple[Table, Table]:
    """The vertices with the trajectories' points added, and edges along them."""
    height = display_height(surface)
    edges, added, at = [], [], len(vertices)
    for path in landscape.trajectories:
        rows = np.zeros(len(path.points), vertices.dtype)
        inside = _near(path.points)
        i = np.abs(surface.alphas[None] - inside[:, :1]).argmin(1)
        j = np.abs(surface.betas[None] - inside[:, 1:]).argmin(1)
        rows["x"], rows["y"], rows["z"] = *inside.T, height[i, j]
        rows["nz"], rows["red"] = 1, 255
        added.append(rows)
        step = np.arange(at, at + len(rows) - 1)
        edges.append(np.stack([step, step + 1], 1))
        at += len(rows)
    table = np.zeros(sum(map(len, edges)), [("vertex1", "<i4"), ("vertex2", "<i4")])
    table["vertex1"], table["vertex2"] = np.concatenate(edges).T
    return np.concatenate([vertices, *added]), table
