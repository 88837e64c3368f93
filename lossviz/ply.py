"""The one room that knows PLY: landscapes to files and back ("lossviz PLY 1").

The doubles in the file are the exact numbers. ``x y z``, normals, colours and ``quality`` are a
courtesy to mesh programs: finite always, z is log10 of the loss where losses are positive and
span more than two decades, scaled to half the width. ``valid`` is 1 at a finite loss, 2 where the
evaluation gave NaN or Inf, 0 where nothing was evaluated.

Binary files are read here, straight into numpy; plyfile reads ASCII ones.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from lossviz.errors import InputError
from lossviz.landscape import Landscape
from lossviz.ply_header import LARGEST, Element, Header, printable, reason, scan, shown
from lossviz.ply_read import Reader, metadata
from lossviz.ply_write import VERSION, Table, display_height, write

__all__ = ["display_height", "read", "write"]

FACES = {"vertex_indices", "vertex_index"}
MOST_UNEVEN = 400_000  # lists that are read one by one: a second
MOST_IN_TEXT = 1_000_000  # lists in a text file: seconds, and half a kilobyte each
TRIANGLES = np.dtype([("indices", "<i8", (3,))])


def read(path: str | Path) -> Landscape:
    """Read a landscape, or any triangle mesh: heights are its z.

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
    except OSError as error:
        raise InputError(f"{place}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise InputError(f"{place}: damaged: {reason(error)}") from None
    if not _is_ours(header, place):
        from lossviz.ply_mesh import mesh_to_landscape

        return mesh_to_landscape(tables, path.stem, place)
    return Reader(place, metadata(header, place), tables).landscape()


def _is_ours(header: Header, place: str) -> bool:
    """Whether lossviz wrote the file; a version that is too new is told."""
    words = re.compile(r"lossviz (\d{1,9})(\.\d+)?")
    version = next(filter(None, map(words.fullmatch, header.comments)), None)
    if version and int(version[1]) != VERSION:
        raise InputError(
            f"{place}: written by a newer lossviz (file version {version[0][8:20]}, this one reads "
            f"{VERSION}); update lossviz"
        )
    return version is not None


def _read_tables(
    file: IO[bytes], header: Header, path: Path, place: str, total: int
) -> dict[str, Table]:
    """Every element as a structured array; faces as a column ``indices (k, 3)``."""
    if not header.order:
        return _through_plyfile(header, path, place)
    tables, left = {}, total - header.size
    for item in header.elements:
        if item.has_lists:
            table, size = _lists(file, item, header.order, left, place)
        else:
            dtype = np.dtype([(p.name, header.order + p.type) for p in item.properties])
            size = item.count * dtype.itemsize
            table = _rows(file, dtype, item, left, place)
        left -= size
        tables[item.name] = table
    if left:
        raise InputError(f"{place}: {left:,} bytes after the end; the file is damaged")
    return tables


def _rows(file: IO[bytes], dtype: np.dtype[Any], item: Element, left: int, place: str) -> Table:
    """``item.count`` rows, which must be among the ``left`` bytes."""
    rows: Table = np.zeros(0, dtype)
    if item.count * dtype.itemsize <= left:
        rows = np.fromfile(file, dtype, item.count)
    if len(rows) < item.count:
        raise InputError(f"{place}: element {shown(item.name)}: the file is truncated")
    return rows


def _lists(file: IO[bytes], item: Element, order: str, left: int, place: str) -> tuple[Table, int]:
    """Rows with lists, as triangles, and their size in bytes.

    Lists are nearly always of one length: then the first row tells the layout of all rows, and
    numpy checks that the guess was right. Else the rows are walked one by one.
    """
    if not item.count:
        return np.zeros(0, TRIANGLES), 0
    start = file.tell()
    lengths, _ = _walk(file.read(min(left, LARGEST)), 0, item, order, place)
    file.seek(start)
    rows = _even_lists(file, item, order, left, lengths)
    if rows is None:
        file.seek(start)
        return _uneven_lists(file.read(left), item, order, place)
    column = _face_column(item)
    if not column:
        return np.zeros(0, TRIANGLES), rows.nbytes
    corners = rows[column]
    if corners.shape[1] != 3:
        return _triangles([corners]), rows.nbytes
    table: Table = rows[[column]]  # a view: copying is what would take time
    table.dtype.names = ("indices",)
    return table, rows.nbytes


def _even_lists(
    file: IO[bytes], item: Element, order: str, left: int, lengths: list[int]
) -> Table | None:
    """All rows, if the lists of each have these lengths."""
    fields: list[tuple[Any, ...]] = []
    for p, length in zip(item.properties, lengths, strict=True):
        if p.length_type:
            fields.append((f"length of {p.name}", order + p.length_type))
        fields.append((p.name, order + p.type, (length,) if p.length_type else ()))
    dtype = np.dtype(fields)
    if item.count * dtype.itemsize > left:
        return None
    rows: Table = np.fromfile(file, dtype, item.count)
    for p, length in zip(item.properties, lengths, strict=True):
        if p.length_type and not (rows[f"length of {p.name}"] == length).all():
            return None
    return rows if len(rows) == item.count else None


def _walk(data: bytes, at: int, item: Element, order: str, place: str) -> tuple[list[int], int]:
    """The lengths of one row's lists (1 for a scalar), and where the next row begins."""
    lengths, endian = [], "little" if order == "<" else "big"
    for p in item.properties:
        length = 1
        if p.length_type:
            size = int(p.length_type[1])
            length = int.from_bytes(data[at : at + size], endian, signed=p.length_type[0] == "i")  # type: ignore[arg-type]
            at += size
        at += length * int(p.type[1])
        if length < 0 or at > len(data):
            raise InputError(
                f"{place}: element {shown(item.name)}: a list of {length:,} values does not fit "
                "into the file; it is truncated or damaged"
            )
        lengths.append(length)
    return lengths, at


def _uneven_lists(data: bytes, item: Element, order: str, place: str) -> tuple[Table, int]:
    """As ``_lists``, for faces of different sizes."""
    column, at = _face_column(item), 0
    if item.count * len(item.properties) > MOST_UNEVEN:
        raise InputError(
            f"{place}: element {shown(item.name)}: expected faces of one size, or at most "
            f"{MOST_UNEVEN:,} of different ones, got {item.count:,}"
        )
    starts: dict[int, list[int]] = {}
    own = next((p for p in item.properties if p.name == column), None)
    for _ in range(item.count):
        lengths, end = _walk(data, at, item, order, place)
        for p, length in zip(item.properties, lengths, strict=True):
            at += int(p.length_type[1]) if p.length_type else 0
            if p is own and length >= 3:
                starts.setdefault(length, []).append(at)
            at += length * int(p.type[1])
        at = end
    if own is None:
        return np.zeros(0, TRIANGLES), at
    raw, width = np.frombuffer(data, np.uint8), int(own.type[1])
    polygons = []
    for length, places in starts.items():
        where = np.array(places)[:, None] + np.arange(length * width)
        polygons.append(raw[where].view(order + own.type).reshape(len(places), length))
    return _triangles(polygons), at


def _face_column(item: Element) -> str:
    """The name of the list of a face's corners; empty if there is none."""
    return next(
        (
            p.name
            for p in item.properties
            if item.name == "face" and p.name in FACES and p.length_type and p.type[0] != "f"
        ),
        "",
    )


def _triangles(polygons: Iterable[NDArray[Any]]) -> Table:
    """Polygons, each array ``(k, corners)``, as fans of triangles."""
    fans = [
        np.stack(np.broadcast_arrays(own[:, :1], own[:, 1:-1], own[:, 2:]), axis=2).reshape(-1, 3)
        for own in polygons
        if own.shape[1] >= 3
    ]
    table: Table = np.zeros(sum(map(len, fans)), TRIANGLES)
    if fans:
        table["indices"] = np.concatenate(fans)
    return table


def _through_plyfile(header: Header, path: Path, place: str) -> dict[str, Table]:
    """ASCII files."""
    import plyfile  # here: the viewer's files do not need it, and its import is slow

    lists = sum(item.count * len(item.properties) for item in header.elements if item.has_lists)
    if lists > MOST_IN_TEXT:
        raise InputError(
            f"{place}: expected at most {MOST_IN_TEXT:,} faces in a text file, got {lists:,}; "
            "save it as a binary file"
        )
    known = {
        item.name: {p.name: 3 for p in item.properties if p.length_type}
        for item in header.elements
        if item.name == "face" and _face_column(item)
    }
    try:
        try:
            data = plyfile.PlyData.read(str(path), known_list_len=known, mmap=False)
        except Exception:  # faces that are no triangles
            data = plyfile.PlyData.read(str(path), mmap=False)
    except Exception as error:
        raise InputError(f"{place}: damaged: {reason(error)}") from None
    tables = {}
    for item, element in zip(header.elements, data, strict=True):
        tables[item.name] = element.data
        if item.has_lists:
            column = _face_column(item)
            tables[item.name] = _triangles(_same_sizes(element.data[column]) if column else [])
    return tables


def _same_sizes(faces: NDArray[Any]) -> list[NDArray[Any]]:
    """plyfile's faces ``(k, corners)``, or arrays of their own, put together by size."""
    if faces.ndim == 2:
        return [faces]
    found: dict[int, list[NDArray[Any]]] = {}
    for face in faces:
        found.setdefault(len(face), []).append(face)
    return [np.stack(same) for same in found.values()]
