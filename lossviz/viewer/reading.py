"""Views from plain values, each checked: what somebody wrote, or an older version did."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from lossviz.errors import InputError
from lossviz.viewer.state import (
    _BOUNDS,
    _CHOICES,
    _OPTIONAL,
    _PICTURE_BOUNDS,
    _RANGES,
    LONGEST_NAME,
    MOST_HIDDEN,
    MOST_LANDSCAPES,
    MOST_PINNED,
    MOST_STARTS,
    SLICES,
    CameraState,
    Cut,
    Pair,
    PictureState,
    Start,
)


def fill(part: Any, values: Mapping[str, Any], place: str) -> None:
    """Set the fields of ``part`` of a state from ``values``, each checked against its present
    value's type, its choices and its bounds; ``place`` is what messages call it.

    Raises
    ------
    InputError
        If a value has the wrong type or range.
    """
    for item in fields(part):
        if item.name not in values:
            continue
        where, value, old = f"{place}.{item.name}", values[item.name], getattr(part, item.name)
        if is_dataclass(old):
            if not isinstance(value, dict):
                raise InputError(f"{where}: expected an object, got {type(value).__name__}")
            fill(old, value, where)
        else:
            setattr(part, item.name, _checked(part, item.name, value, old, where))


def _checked(part: Any, name: str, value: Any, old: Any, where: str) -> Any:
    """``value`` in the type of the field, within its choices or bounds."""
    if name in _OPTIONAL and value is None:
        return None
    if name in ("starts", "places"):
        return _starts(value, where)
    if name == "pinned":
        return _cuts(value, where)
    if name == "cameras":
        return tuple(_camera(one, f"{where}[{k}]") for k, one in enumerate(_few(value, where)))
    if name == "differences":
        return tuple(_pair(one, f"{where}[{k}]") for k, one in enumerate(_few(value, where)))
    if name in ("hidden", "turned"):
        return _names(value, where)
    if name in ("target", "marker", *_RANGES):
        length = 3 if name == "target" else 2
        if not isinstance(value, list | tuple) or len(value) != length:
            raise InputError(f"{where}: expected {length} numbers, got {value!r:.60}")
        numbers = tuple(_number(part, name, item, where) for item in value)
        if name in _RANGES and not numbers[0] < numbers[1]:
            raise InputError(f"{where}: expected the lower end first, got {value!r:.60}")
        return numbers
    if isinstance(old, bool | str):
        if type(value) is not type(old):
            expected = type(old).__name__
            raise InputError(f"{where}: expected {expected}, got {type(value).__name__}")
        choices = _CHOICES.get((type(part), name))
        if choices is not None and value not in choices:
            raise InputError(f"{where}: expected one of {choices}, got {value!r:.60}")
        return value
    number = _number(part, name, value, where)
    return int(number) if isinstance(old, int) else number


def _names(value: Any, where: str) -> tuple[str, ...]:
    known = isinstance(value, list | tuple) and len(value) <= MOST_HIDDEN
    if not known or not all(isinstance(one, str) for one in value):
        raise InputError(f"{where}: expected a list of names, got {value!r:.60}")
    return tuple(value)


def _starts(value: Any, where: str) -> tuple[Start, ...]:
    """A list of a landscape's number, alpha and beta."""
    known = isinstance(value, list | tuple) and len(value) <= MOST_STARTS
    if not known or not all(isinstance(one, list | tuple) and len(one) == 3 for one in value):
        raise InputError(
            f"{where}: expected up to {MOST_STARTS} [landscape, alpha, beta], got {value!r:.60}"
        )
    found = [[_number(None, "starts", number, where) for number in one] for one in value]
    if not all(index >= 0 and index.is_integer() for index, _, _ in found):
        raise InputError(f"{where}: expected the numbers of landscapes, got {value!r:.60}")
    return tuple((int(index), alpha, beta) for index, alpha, beta in found)


def _cuts(value: Any, where: str) -> tuple[Cut, ...]:
    """A list of slices, each an object with some of the fields of a Cut."""
    if not isinstance(value, list | tuple) or len(value) > MOST_PINNED:
        raise InputError(f"{where}: expected up to {MOST_PINNED} slices, got {value!r:.60}")
    return tuple(_cut(one, f"{where}[{number}]") for number, one in enumerate(value))


def _cut(value: Any, where: str) -> Cut:
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected an object, got {type(value).__name__}")
    name, along = value.get("name", ""), value.get("along", "alpha")
    if not isinstance(name, str) or len(name) > LONGEST_NAME:
        raise InputError(f"{where}.name: expected at most {LONGEST_NAME} letters, got {name!r:.60}")
    if along not in SLICES:
        raise InputError(f"{where}.along: expected one of {SLICES}, got {along!r:.60}")
    numbers = {
        key: _number(None, key, value[key], f"{where}.{key}")
        for key in ("angle", "at")
        if key in value
    }
    return Cut(name, along, **numbers)


def _few(value: Any, where: str) -> Sequence[Any]:
    """Something of landscapes each."""
    if not isinstance(value, list | tuple) or len(value) > MOST_LANDSCAPES:
        raise InputError(f"{where}: expected a list of up to {MOST_LANDSCAPES}, got {value!r:.60}")
    return value


def _camera(value: Any, where: str) -> CameraState:
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected an object, got {type(value).__name__}")
    found = CameraState()
    fill(found, value, where)
    return found


def _pair(value: Any, where: str) -> Pair:
    known = isinstance(value, list | tuple) and len(value) == 2
    if not known or not all(type(one) is int and 0 <= one <= 1_000_000 for one in value):
        raise InputError(f"{where}: expected the numbers of two landscapes, got {value!r:.60}")
    return value[0], value[1]


def _number(part: Any, name: str, value: Any, where: str) -> float:
    if isinstance(value, int) and abs(value) > 1 << 53:
        value = math.inf
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{where}: expected a finite number, got {value!r:.60}")
    own = _PICTURE_BOUNDS if isinstance(part, PictureState) else {}
    low, high = {**_BOUNDS, **own}.get(name, (-math.inf, math.inf))
    if not low <= value <= high:
        raise InputError(f"{where}: expected {low:g} to {high:g}, got {value:g}")
    return float(value)
