"""Files of directions: ``.safetensors`` and ``.npz`` by name, and the reference's ``.h5``.

By name means tensors ``delta/NAME`` and ``eta/NAME``. In the reference implementation's files the
groups ``xdirection`` and ``ydirection`` hold the datasets 0, 1, … in the order of the model's
parameters. For a line the first direction is enough.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from compute import npz_files
from compute.directions import Direction, is_statistic
from lossviz.errors import InputError, LossvizError, UsageError

AXES = ("delta", "eta")
GROUPS = ("xdirection", "ydirection")
SUFFIXES = (".safetensors", ".npz", ".h5", ".hdf5")
LARGEST = 64 << 30  # bytes unpacked


def read(
    path: str | Path, theta: Mapping[str, Tensor], *, needed: int = 2
) -> tuple[Direction, Direction]:
    """The two directions of a file; the second may be missing, and empty, if 1 is ``needed``.

    Raises
    ------
    InputError
        If the file cannot be read or does not fit the parameters.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: expected a file of directions, got no such file")
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: expected directions in one of {' '.join(SUFFIXES)}")
    if path.suffix in (".h5", ".hdf5"):
        return _read_h5(path, theta, needed)
    stored = _npz(path) if path.suffix == ".npz" else _safetensors(path)
    return _by_name(path, stored, theta, needed)


def given(direction: Mapping[str, Tensor], theta: Mapping[str, Tensor]) -> Direction:
    """A direction that is in memory already, in the parameters' precision, on the CPU.

    Raises
    ------
    InputError
        If a name, a shape or a number cannot be one of the parameters'.
    """
    for name, values in direction.items():
        if not isinstance(values, Tensor):
            raise InputError(f"directions: {name}: expected a tensor, got {type(values).__name__}")
        _check(Path("directions"), str(name), values, theta.get(name))
    return {
        name: values.detach().to("cpu", theta[name].dtype) for name, values in direction.items()
    }


def check_writable(path: str | Path, theta: Mapping[str, Tensor]) -> None:
    """Refuse a name that ``save`` could not write to, before anything is computed.

    Raises
    ------
    UsageError
        If the suffix or the folder is wrong, or the suffix cannot hold what moves.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path}: expected a name that ends in one of {' '.join(SUFFIXES)}")
    if not path.resolve().parent.is_dir():
        raise UsageError(f"{path}: expected an existing folder, got {path.parent}")
    if path.suffix in (".h5", ".hdf5") and any(map(is_statistic, theta)):
        raise UsageError(f"{path}: .h5 has no place for batch-norm statistics; use .safetensors")


def save(path: str | Path, delta: Direction, eta: Direction, theta: Mapping[str, Tensor]) -> None:
    """Write both directions, atomically, in the form that the name says.

    Raises
    ------
    UsageError, LossvizError
        If the name or the folder is not usable.
    """
    from safetensors import SafetensorError

    check_writable(path, {**delta, **eta})
    path = Path(path)
    temporary = path.with_name(f".{path.stem[:40]}.{os.getpid()}{path.suffix}")
    named = {
        f"{axis}/{name}": values.clone(memory_format=torch.contiguous_format)
        for axis, direction in zip(AXES, (delta, eta), strict=True)
        for name, values in direction.items()
    }
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import save_file

            save_file(named, temporary)
        elif path.suffix == ".npz":
            np.savez(temporary, **{name: values.numpy() for name, values in named.items()})  # type: ignore[arg-type]  # names are free
        else:
            _save_h5(temporary, (delta, eta), theta)
        os.replace(temporary, path)
    except (OSError, SafetensorError) as error:
        text = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise LossvizError(f"{path}: cannot be written: {text}") from None
    finally:
        temporary.unlink(missing_ok=True)


def _by_name(
    path: Path, stored: Mapping[str, Tensor], theta: Mapping[str, Tensor], needed: int
) -> tuple[Direction, Direction]:
    found: list[Direction] = []
    for number, axis in enumerate(AXES):
        own = {k.partition("/")[2]: v for k, v in stored.items() if k.startswith(f"{axis}/")}
        if not own and number < needed:
            names = " and ".join(f"{axis}/NAME" for axis in AXES[:needed])
            raise InputError(f"{path}: expected tensors named {names}")
        for name, values in own.items():
            _check(path, f"{axis}/{name}", values, theta.get(name))
        found.append({name: values.to(theta[name].dtype) for name, values in own.items()})
    return found[0], found[1]


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path}: expected safetensors: {' '.join(str(error).split())}") from None


def _npz(path: Path) -> dict[str, Tensor]:
    with npz_files.opened(path, "directions", largest=LARGEST) as stored:
        arrays = {name: stored[name] for name in stored.files if name.startswith(AXES)}
    for name, values in arrays.items():
        if values.dtype.kind != "f":
            raise InputError(f"{path}: {name}: expected floats, got {values.dtype}")
    return {name: torch.from_numpy(values.astype(np.float64)) for name, values in arrays.items()}


def _save_h5(path: Path, both: tuple[Direction, Direction], theta: Mapping[str, Tensor]) -> None:
    with _h5py()(path, "w") as file:
        for group, direction in zip(GROUPS, both, strict=True):
            own = file.create_group(group)
            for index, (name, center) in enumerate(theta.items()):
                values = direction.get(name, torch.zeros_like(center))
                own.create_dataset(str(index), data=values.float().numpy())


def _h5py() -> Callable[..., Any]:
    try:
        import h5py
    except ImportError:
        raise UsageError(".h5 files need h5py: pip install 'lossviz[h5]'") from None
    return h5py.File  # type: ignore[no-any-return]


def _read_h5(path: Path, theta: Mapping[str, Tensor], needed: int) -> tuple[Direction, Direction]:
    theta = {name: values for name, values in theta.items() if not is_statistic(name)}
    found: list[Direction] = []
    try:
        with _h5py()(path, "r") as file:
            for number, group in enumerate(GROUPS):
                if group not in file and number >= needed:
                    found.append({})
                    continue
                if group not in file:
                    raise InputError(f"{path}: expected a group {group}, got {', '.join(file)}")
                found.append(_h5_direction(path, file[group], group, theta))
    except (OSError, KeyError, RuntimeError, TypeError, ValueError, MemoryError) as error:
        raise InputError(f"{path}: expected an HDF5 file: {' '.join(str(error).split())}") from None
    return found[0], found[1]


def _h5_direction(path: Path, group: Any, name: str, theta: Mapping[str, Tensor]) -> Direction:
    if len(group) != len(theta):
        raise InputError(f"{path}: {name}: expected {len(theta)} tensors, got {len(group)}")
    direction = {}
    for index, (parameter, values) in enumerate(theta.items()):
        if str(index) not in group:
            raise InputError(f"{path}: {name}: expected datasets 0 to {len(theta) - 1}")
        stored = _h5_tensor(group[str(index)], values)
        if stored is None:
            raise InputError(
                f"{path}: {name}/{index} ({parameter}): expected floats of shape "
                f"{tuple(values.shape)}, got {_h5_told(group[str(index)])}"
            )
        _check(path, f"{name}/{index} ({parameter})", stored, values)
        if bool((stored != 0).any()):
            direction[parameter] = stored.to(values.dtype)
    return direction


def _h5_tensor(dataset: Any, expected: Tensor) -> Tensor | None:
    """A dataset of floats as a tensor, if it has the shape; a vector may come as (k, 1)."""
    shape = getattr(dataset, "shape", None)
    if shape is None or getattr(dataset, "dtype", None) is None or dataset.dtype.kind != "f":
        return None
    fits = tuple(shape) == tuple(expected.shape)
    if not fits and not (expected.ndim <= 1 and sorted((1, *shape))[-1:] == [expected.numel()]
                         and math.prod(shape) == expected.numel()):  # fmt: skip
        return None
    numbers = np.asarray(dataset[()]).astype(np.float64)
    return torch.from_numpy(numbers).reshape(expected.shape)


def _h5_told(dataset: Any) -> str:
    shape = getattr(dataset, "shape", None)
    return "a group" if shape is None else f"{dataset.dtype} {tuple(shape)}"


def _check(path: Path, name: str, stored: Tensor, expected: Tensor | None) -> None:
    if expected is None:
        raise InputError(f"{path}: {name}: the model has no such parameter")
    if stored.shape != expected.shape:
        raise InputError(
            f"{path}: {name}: expected shape {tuple(expected.shape)}, got {tuple(stored.shape)}"
        )
    if not bool(torch.isfinite(stored).all()):
        raise InputError(f"{path}: {name}: expected finite numbers")
