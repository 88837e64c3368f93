"""Directions in parameter space: random ones, their normalisation, and files of them.

A direction is a dictionary of parameter names to tensors of the parameters' shapes; a parameter
that is not in it does not move.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lossviz.errors import InputError, UsageError

Direction = dict[str, Tensor]

NORMALIZATIONS = ("filter", "layer", "weight", "model", "none")
IGNORE = ("biasbn", "none")
EPSILON = 1e-10


def center_of(model: nn.Module) -> Direction:
    """theta*: a copy of every floating-point parameter, tied ones once, on the CPU."""
    return {
        name: parameter.detach().to("cpu", copy=True)
        for name, parameter in model.named_parameters()
        if parameter.is_floating_point()
    }


def random_direction(
    theta: Mapping[str, Tensor], *, seed: int, axis: str, normalize: str = "filter",
    ignore: str = "biasbn",
) -> Direction:  # fmt: skip
    """A Gaussian direction, normalised against ``theta``.

    Each tensor is drawn on the CPU by a generator keyed by (seed, axis, parameter name): the same
    on every device, and independent of the order of parameters and of the other axis.

    Raises
    ------
    UsageError
        If ``normalize`` or ``ignore`` is unknown.
    """
    drawn = {}
    for name, values in theta.items():
        key = hashlib.sha256(f"{seed}/{axis}/{name}".encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(key[:8], "little"))
        drawn[name] = torch.randn(values.shape, generator=generator, dtype=torch.float32)
    return normalized(drawn, theta, normalize=normalize, ignore=ignore)


def normalized(
    direction: Mapping[str, Tensor], theta: Mapping[str, Tensor], *, normalize: str = "filter",
    ignore: str = "biasbn",
) -> Direction:  # fmt: skip
    """Scale a direction to ``theta`` (Li et al. 2018, section 4).

    filter: d_ij ← d_ij ‖θ_ij‖ / (‖d_ij‖ + 1e-10), ij a slice along the first dimension (a filter
    of a convolution, a neuron of a linear layer). layer: one factor a tensor. weight: d ← d θ.
    model: one factor for all. Tensors of one dimension (biases, batch norm) are left out with
    ``ignore="biasbn"``, as in the published figures, and otherwise move along θ itself.
    """
    if normalize not in NORMALIZATIONS:
        raise UsageError(f"normalize: expected one of {NORMALIZATIONS}, got {normalize!r}")
    if ignore not in IGNORE:
        raise UsageError(f"ignore: expected one of {IGNORE}, got {ignore!r}")
    kept = {
        name: values.to(theta[name].dtype)
        for name, values in direction.items()
        if values.ndim > 1 or ignore == "none"
    }
    if normalize == "model":
        factor = _norm(theta[name] for name in kept) / (_norm(kept.values()) + EPSILON)
        return {name: values * factor for name, values in kept.items()}
    return {name: _scaled(values, theta[name], normalize) for name, values in kept.items()}


def _scaled(values: Tensor, theta: Tensor, normalize: str) -> Tensor:
    if normalize == "none":
        return values
    if values.ndim <= 1:
        return theta.clone()
    if normalize == "weight":
        return values * theta
    if normalize == "layer":
        return values * (theta.norm() / (values.norm() + EPSILON))
    shape = (-1,) + (1,) * (values.ndim - 1)
    own, target = (t.flatten(1).norm(dim=1).view(shape) for t in (values, theta))
    return values * (target / (own + EPSILON))


def _norm(tensors: Iterable[Tensor]) -> Tensor:
    return torch.stack([tensor.norm() for tensor in tensors]).norm()


def inner(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> float:
    """⟨a, b⟩ in float64; a tensor that one of them lacks counts as 0."""
    shared = [name for name in a if name in b]
    return float(sum((a[name].double() * b[name].double()).sum() for name in shared))


def cosine(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> float:
    """The cosine of the angle between two directions; NaN if one is zero."""
    size = (inner(a, a) * inner(b, b)) ** 0.5
    return inner(a, b) / size if size > 0 else float("nan")


def sha256(*directions: Mapping[str, Tensor]) -> str:
    """A hash of names, shapes and numbers, in the order of the names."""
    digest = hashlib.sha256()
    for direction in directions:
        for name in sorted(direction):
            values = direction[name].contiguous().cpu()
            digest.update(f"{name}{tuple(values.shape)}{values.dtype}".encode())
            digest.update(values.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def read(path: str | Path, theta: Mapping[str, Tensor]) -> tuple[Direction, Direction]:
    """Two directions from a file: ``.safetensors`` of ours, or the reference's ``.h5``.

    In the reference's files the groups ``xdirection`` and ``ydirection`` hold the datasets
    0, 1, … in the order of the model's parameters.

    Raises
    ------
    InputError
        If the file cannot be read or does not fit the parameters.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: expected a file of directions, got no such file")
    if path.suffix == ".safetensors":
        return _read_safetensors(path, theta)
    if path.suffix in (".h5", ".hdf5"):
        return _read_h5(path, theta)
    raise InputError(f"{path}: expected directions in a .safetensors or .h5 file")


def save(path: str | Path, delta: Direction, eta: Direction) -> None:
    """Write both directions as safetensors, named ``delta/NAME`` and ``eta/NAME``."""
    from safetensors.torch import save_file

    both = {"delta": delta, "eta": eta}
    save_file({
        f"{axis}/{name}": values.contiguous()
        for axis, direction in both.items()
        for name, values in direction.items()
    }, path)  # fmt: skip


def _read_safetensors(path: Path, theta: Mapping[str, Tensor]) -> tuple[Direction, Direction]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        stored = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path}: expected safetensors: {' '.join(str(error).split())}") from None
    found: list[Direction] = []
    for axis in ("delta", "eta"):
        own = {k.partition("/")[2]: v for k, v in stored.items() if k.startswith(f"{axis}/")}
        for name, values in own.items():
            _check(path, f"{axis}/{name}", values, theta.get(name))
        found.append({name: values.to(theta[name].dtype) for name, values in own.items()})
    if not found[0] or not found[1]:
        raise InputError(f"{path}: expected tensors named delta/NAME and eta/NAME")
    return found[0], found[1]


def _read_h5(path: Path, theta: Mapping[str, Tensor]) -> tuple[Direction, Direction]:
    try:
        import h5py
    except ImportError:
        raise InputError(f"{path}: reading .h5 needs h5py: pip install 'lossviz[h5]'") from None
    found = []
    try:
        with h5py.File(path, "r") as file:
            for group in ("xdirection", "ydirection"):
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
