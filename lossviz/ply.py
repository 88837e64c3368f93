"""The one room that knows PLY: landscapes to files and back ("lossviz PLY 1").

The doubles in the file are the exact numbers. ``x y z``, normals, colours and ``quality`` are a
courtesy to mesh programs: finite always, z is log10 of the loss where losses are positive and
span more than two decades, scaled to half the width. ``valid`` is 1 at a finite loss, 2 where the
evaluation gave NaN or Inf, 0 where nothing was evaluated.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from lossviz.errors import InputError
from lossviz.landscape import (
    Contour,
    CriticalPoint,
    Curve,
    Landscape,
    Provenance,
    Surface,
    Trajectory,
)
from lossviz.ply_header import LARGEST, Header, printable, scan, shown
from lossviz.ply_write import KINDS, VERSION, Table, display_height, properties, write

__all__ = ["display_height", "read", "write"]


def read(path: str | Path) -> Landscape:
    """Read a landscape, or any mesh whose vertices form a lattice in x and y.

    Nothing in the file is believed before it is checked against the file's size.

    Raises
    ------
    InputError
        One line: the file, the place, what was expected and what came.
    """
    path, place = Path(path), printable(str(path))
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
            raise InputError(f"{place}: expected a PLY file, got {kind}")
        with open(path, "rb") as file:
            header = scan(file.read(LARGEST), status.st_size, place)
            file.seek(header.size)
            tables = _read_tables(file, header, path, place, status.st_size)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError):
            raise InputError(f"{place}: cannot be read: {error.strerror}") from None
        raise InputError(f"{place}: damaged: {shown(error)}") from None
    version = next(
        (c for c in header.comments if re.fullmatch(r"lossviz \d{1,9}(\.\d+)?", c)), None
    )
    if version is None:
        from lossviz.ply_mesh import mesh_to_landscape

        return mesh_to_landscape(tables, path.stem, place)
    if not re.fullmatch(rf"lossviz {VERSION}(\.\d+)?", version):
        raise InputError(
            f"{place}: written by a newer lossviz (file version {version[8:]}, this one reads "
            f"{VERSION}); update lossviz"
        )
    return _Reader(place, _read_metadata(header, place), tables).landscape()


def _read_tables(
    file: IO[bytes], header: Header, path: Path, place: str, total: int
) -> dict[str, Table]:
    """Every element as a structured array; faces as a column ``indices (k, 3)``."""
    simple = header.order == "<" and all(
        not item.has_lists
        or [(p.name, p.type, p.length_type) for p in item.properties]
        == [("vertex_indices", "i4", "u1")]
        for item in header.elements
    )
    if not simple:
        return _through_plyfile(header, path, place)
    tables, left = {}, total - header.size
    for item in header.elements:
        if item.has_lists:
            dtype = np.dtype([("length", "u1"), ("indices", "<i4", (3,))])
        else:
            dtype = np.dtype([(p.name, f"<{p.type}") for p in item.properties])
        left -= item.count * dtype.itemsize
        if left < 0:
            raise InputError(f"{place}: element {shown(item.name)}: the file is truncated")
        table = np.fromfile(file, dtype, item.count)
        if len(table) < item.count:
            raise InputError(f"{place}: element {shown(item.name)}: the file is truncated")
        if item.has_lists and not (table["length"] == 3).all():
            return _through_plyfile(header, path, place)
        tables[item.name] = table
    if left:
        raise InputError(f"{place}: {left:,} bytes after the end; the file is damaged")
    return tables


def _through_plyfile(header: Header, path: Path, place: str) -> dict[str, Table]:
    """ASCII, big-endian and meshes with other faces."""
    import plyfile  # here: the viewer's files do not need it, and its import is slow

    lists = {
        item.name: {p.name: 3 for p in item.properties if p.length_type}
        for item in header.elements
        if item.has_lists
    }
    names = {"vertex_indices", "vertex_index"}
    known = {k: v for k, v in lists.items() if k == "face" and len(v) == 1 and names & set(v)}
    try:
        try:
            data = plyfile.PlyData.read(str(path), known_list_len=known, mmap=False)
        except Exception:  # faces that are no triangles
            data = plyfile.PlyData.read(str(path), mmap=False)
    except Exception as error:
        raise InputError(f"{place}: damaged: {shown(error)}") from None
    tables = {}
    for element in data.elements:
        table = element.data
        if element.name == "face":
            column = next((n for n in table.dtype.names or () if n in names), None)
            if column is None:
                continue
            if any(len(face) != 3 for face in table[column]):
                raise InputError(f"{place}: expected triangles, got faces of other sizes")
            indices = np.array([list(face) for face in table[column]], np.int64).reshape(-1, 3)
            faces = np.zeros(len(table), np.dtype([("length", "u1"), ("indices", "<i8", (3,))]))
            faces["length"], faces["indices"] = 3, indices
            table = faces
        tables[element.name] = table
    return tables


def _read_metadata(header: Header, place: str) -> dict[str, Any]:
    pieces: dict[int, str] = {}
    for comment in header.comments:
        found = re.fullmatch(r"lossviz\.json (\d{1,6}) (.*)", comment)
        if found:
            pieces[int(found[1])] = found[2]
    text = "".join(pieces.get(index, "\0") for index in range(len(pieces)))
    try:
        data = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place}: metadata: expected JSON: {shown(error)}") from None
    if not isinstance(data, dict):
        raise InputError(f"{place}: metadata: expected an object, got {type(data).__name__}")
    return data


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is not JSON")


class _Reader:
    """Builds a landscape from checked tables and unchecked metadata."""

    def __init__(self, place: str, data: Mapping[str, Any], tables: Mapping[str, Table]) -> None:
        self.place, self.data, self.tables = place, data, tables

    def landscape(self) -> Landscape:
        try:
            return Landscape(
                surface=self._surface(),
                curves=self._curves(),
                trajectories=self._trajectories(),
                critical_points=self._points(),
                contours=self._contours(),
                provenance=Provenance.from_json(self._get(self.data, "provenance", dict, {})),
                name=self._get(self.data, "name", str, ""),
            )
        except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
            raise InputError(f"{self.place}: {shown(error)}") from None

    def _get(self, data: Mapping[str, Any], key: str, kind: type, default: Any = None) -> Any:
        value = data.get(key, default)
        if not isinstance(value, kind):
            raise InputError(
                f"{self.place}: metadata: {shown(key)}: expected {kind.__name__}, "
                f"got {type(value).__name__}"
            )
        return value

    def _column(self, table: str, name: str) -> NDArray[Any]:
        found = self.tables.get(table)
        if found is None or name not in (found.dtype.names or ()):
            raise InputError(f"{self.place}: element {table}: expected a property {shown(name)}")
        return np.asarray(found[name])

    def _surface(self) -> Surface | None:
        if "grid" not in self.data:
            return None
        grid = self._get(self.data, "grid", dict)
        alphas, betas = (
            np.array(self._get(grid, k, list), dtype=float) for k in ("alphas", "betas")
        )
        count = alphas.size * betas.size
        valid = self._column("vertex", "valid")
        if alphas.ndim != 1 or betas.ndim != 1 or not 0 < count <= valid.size:
            raise InputError(
                f"{self.place}: grid: {alphas.size}x{betas.size} points, but {valid.size} vertices"
            )
        for name in ("x", "y", "z"):
            if not np.isfinite(self._column("vertex", name)).all():
                raise InputError(f"{self.place}: vertex {name}: expected finite coordinates")

        def shaped(column: NDArray[Any]) -> NDArray[Any]:
            return column[:count].reshape(betas.size, alphas.size).T

        names = self._get(self.data, "quantities", dict)
        quantities = {name: shaped(self._column("vertex", str(key))) for name, key in names.items()}
        self._check_faces(len(valid))
        return Surface(alphas, betas, quantities, shaped(valid) > 0)

    def _check_faces(self, vertices: int) -> None:
        faces = self.tables.get("face")
        if faces is not None and len(faces):
            low, high = int(faces["indices"].min()), int(faces["indices"].max())
            if low < 0 or high >= vertices:
                raise InputError(
                    f"{self.place}: face: expected indices 0 to {vertices - 1}, got {low} to {high}"
                )

    def _groups(self, table: str, count: int) -> list[NDArray[np.bool_]]:
        """For each id below ``count``, which rows are its own."""
        if not count or table not in self.tables:
            return [np.zeros(0, bool)] * count
        ids = self._column(table, "id")
        if count > len(ids) or (ids.size and not 0 <= ids.min() <= ids.max() < count):
            raise InputError(f"{self.place}: element {table}: expected ids 0 to {count - 1}")
        return [ids == index for index in range(count)]

    def _trajectories(self) -> list[Trajectory]:
        described = self._get(self.data, "trajectories", list, [])
        rows = self._groups("trajectory", len(described))
        found = []
        for known, own in zip(described, rows, strict=True):
            names = ("alpha", "beta", "loss", "off_plane", "step")
            columns = [self._column("trajectory", name)[own] for name in names]
            found.append(Trajectory(
                str(known["name"]), known["kind"], np.stack(columns[:2], 1), *columns[2:]
            ))  # fmt: skip
        return found

    def _points(self) -> list[CriticalPoint]:
        if "critical_point" not in self.tables:
            return []
        names = ("alpha", "beta", "value", "lambda_min", "lambda_max", "kind", "persistence")
        columns = [self._column("critical_point", n).tolist() for n in (*names, "border")]
        return [
            CriticalPoint(a, b, value, low, high, KINDS[kind], persistence, bool(border))
            for a, b, value, low, high, kind, persistence, border in zip(*columns, strict=True)
        ]

    def _curves(self) -> list[Curve]:
        described = self._get(self.data, "curves", list, [])
        every = list(dict.fromkeys(str(n) for known in described for n in known["quantities"]))
        keys = properties(every)
        found = []
        for known, own in zip(described, self._groups("curve", len(described)), strict=True):
            quantities = {
                name: self._column("curve", f"q_{keys[name]}")[own] for name in known["quantities"]
            }
            alphas = self._column("curve", "alpha_")[own]
            found.append(Curve(str(known["name"]), alphas, quantities))
        return found

    def _contours(self) -> list[Contour]:
        if "contour" not in self.tables:
            return []
        names = ("id", "level", "alpha", "beta")
        ids, levels, alphas, betas = (self._column("contour", name) for name in names)
        starts = np.nonzero(np.diff(ids, prepend=ids[:1] - 1))[0]
        return [
            Contour(float(levels[part[0]]), np.stack([alphas[part], betas[part]], 1))
            for part in np.split(np.arange(len(ids)), starts[1:])
            if len(part)
        ]
