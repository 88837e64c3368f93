"""Directions in parameter space: random ones, their normalisation, and their algebra.

A direction is a dictionary of parameter names to tensors of the parameters' shapes; a parameter
that is not in it does not move. It may also move the statistics of batch norm: ``running_mean``
linearly, ``running_var`` in the log, so that no variance becomes negative beyond the networks that
it goes between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from lossviz.errors import InputError, UsageError

Direction = dict[str, Tensor]

NORMALIZATIONS = ("filter", "layer", "weight", "model", "none")
IGNORE = ("biasbn", "none")
EPSILON = 1e-10
MEAN, VARIANCE = STATISTICS = ("running_mean", "running_var")
# A channel that has always been the same has variance 0, whose log is no number. Batch norm adds
# 1e-5 to it: what is added here is below the rounding of that.
LEAST_VARIANCE = 1e-12


def center_of(model: nn.Module) -> Direction:
    """theta*: a copy of every floating-point parameter, tied ones once, on the CPU."""
    return {
        name: parameter.detach().to("cpu", copy=True)
        for name, parameter in model.named_parameters()
        if parameter.is_floating_point()
    }


def is_statistic(name: str) -> bool:
    """Whether a name is that of batch norm's running mean or variance."""
    return name.rpartition(".")[2] in STATISTICS


def is_variance(name: str) -> bool:
    """Whether a name is that of a running variance, which moves in the log."""
    return name.rpartition(".")[2] == VARIANCE


def log_variance(values: Tensor) -> Tensor:
    """The log in which variances move; NaN of a negative one."""
    return torch.where(values < 0, torch.nan, values.clamp(min=LEAST_VARIANCE)).log()


def statistics(model: nn.Module) -> Direction:
    """Running means and variances by name: the model's own tensors."""
    return {
        name: values
        for name, values in model.named_buffers()
        if is_statistic(name) and values.is_floating_point()
    }


def parameters_of(direction: Mapping[str, Tensor]) -> Direction:
    """A direction without statistics: they have no part in lengths and angles."""
    return {name: values for name, values in direction.items() if not is_statistic(name)}


def state_of(model: nn.Module) -> Direction:
    """``center_of`` with the statistics of batch norm, copied too."""
    moved = {name: values.detach().to("cpu", copy=True) for name, values in
             statistics(model).items()}  # fmt: skip
    return center_of(model) | moved


def difference(end: Mapping[str, Tensor], start: Mapping[str, Tensor]) -> Direction:
    """The direction from ``start`` to ``end``, in float64; of variances that of their logs.

    Raises
    ------
    InputError
        If the two do not have the same tensors, or a number is not finite.
    """
    for name in (*start, *end):
        if name not in start or name not in end:
            where = "first" if name in end else "second"
            raise InputError(f"networks: the {where} one has no {name}; expected one architecture")
        if start[name].shape != end[name].shape:
            raise InputError(
                f"networks: {name}: {tuple(start[name].shape)} and {tuple(end[name].shape)}; "
                "expected one architecture"
            )
    moved = {}
    for name in start:
        a, b = (
            log_variance(part[name].double()) if is_variance(name) else part[name].double()
            for part in (start, end)
        )
        moved[name] = b - a
        if not bool(torch.isfinite(moved[name]).all()):
            raise InputError(f"networks: {name}: expected finite numbers, no negative variance")
    return moved


def combined(parts: Iterable[tuple[float, Mapping[str, Tensor]]]) -> Direction:
    """The sum of factor times direction; a tensor that one of them lacks counts as 0."""
    total: Direction = {}
    for factor, direction in parts:
        for name, values in direction.items():
            scaled = values * factor
            total[name] = total[name] + scaled if name in total else scaled
    return total


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
    if normalize == "model" and kept:
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
    """⟨a, b⟩ of the parameters in float64; a tensor that one of them lacks counts as 0."""
    shared = [name for name in a if name in b and not is_statistic(name)]
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
