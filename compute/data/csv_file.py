"""A table from a text file: numbers, and in the last column the label or the value to predict.

Words and whole numbers are classes, in alphabetical and in numerical order; numbers with a point
are real values, for regression. A first line that is not all numbers is a header.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from compute.data.stored import Table, split_table
from lossviz.errors import InputError

LARGEST = 1 << 30  # bytes
HUGE = 1e30  # squares of larger numbers do not fit float32
MOST_CLASSES = 1000
DIGITS = 20  # of a whole number that can be a class


def load(path: str, split: str, root: Path | None) -> Table:
    """Read one split, every fifth row being for testing; ``root`` is not needed here.

    Raises
    ------
    InputError
        If the file is missing or too large, or a row does not fit, with the row's line.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: expected a csv file, got no such file")
    if Path(path).stat().st_size > LARGEST:
        raise InputError(f"{path}: expected at most {LARGEST:,} bytes")
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows, last = _read(file, path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        text = " ".join(str(error).split())
        raise InputError(f"{path}: expected a csv file: {text}") from None
    if not last:
        raise InputError(f"{path}: expected rows of numbers, got none")
    labels, classes = _labels(last, path)
    return split_table(rows.reshape(len(last), -1), labels, split, classes)


def _read(file: TextIO, path: str) -> tuple[NDArray[np.float64], list[str]]:
    """All numbers but the last column's, one after the other, and the last column."""
    numbers, last = array("d"), []
    width = 0
    for line, row in _rows(file):
        if not width:
            width = len(row)
            if width < 2:
                raise InputError(
                    f"{path}, line {line}: expected two columns or more, separated by , ; or tabs"
                )
            if not all(map(_is_number, row[:-1])):
                continue  # a header
        if len(row) != width:
            raise InputError(f"{path}, line {line}: expected {width} columns, got {len(row)}")
        for column, text in enumerate(row[:-1], start=1):
            if not _is_number(text) or not abs(value := float(text)) <= HUGE:
                raise InputError(
                    f"{path}, line {line}, column {column}: expected a number, got {text!r:.40}"
                )
            numbers.append(value)
        if not row[-1]:
            raise InputError(f"{path}, line {line}: expected a label in the last column, got none")
        last.append(row[-1])
    return np.array(numbers), last


def _rows(file: TextIO) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not empty, with the number of its line."""
    start = file.readline(LARGEST)
    file.seek(0)
    delimiter = max(",;\t", key=start.count)
    reader = csv.reader(file, delimiter=delimiter, skipinitialspace=True)
    for row in reader:
        if cells := [cell.strip() for cell in row]:
            yield reader.line_num, cells


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text  # Python's own way to write a million


def _labels(
    last: list[str], path: str
) -> tuple[NDArray[np.int64] | NDArray[np.float64], int]:  # fmt: skip
    """Classes ``(N,)`` from 0 and how many; or real values ``(N,)``, and one output."""
    numeric = all(map(_is_number, last))
    whole = numeric and all(text.lstrip("+-").isdecimal() and len(text) <= DIGITS for text in last)
    if numeric and not whole:
        values = np.array([float(text) for text in last])
        if not (np.abs(values) <= HUGE).all():
            raise InputError(f"{path}: expected finite values in the last column")
        return values, 1
    names: list[Any] = [int(text) for text in last] if whole else last  # 1, 01 and +1 are one
    order = {name: k for k, name in enumerate(sorted(set(names)))}
    if len(order) > MOST_CLASSES:
        raise InputError(
            f"{path}: expected at most {MOST_CLASSES:,} classes in the last column, got "
            f"{len(order):,}; real values are written with a point (3.0) on one line at least"
        )
    return np.array([order[name] for name in names]), len(order)
