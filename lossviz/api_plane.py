"""What ``directions`` and ``to`` may be in Python: planes, and lines to other networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lossviz.errors import UsageError
from lossviz.files import distinct
from lossviz.plane_choice import (
    BATCH_NORM,
    Chosen,
    as_it_moves,
    check_principal,
    direction_names,
    fixed_statistics,
    scaled,
)

if TYPE_CHECKING:
    from torch import nn

    from compute.plane import Plane
    from compute.problem import Problem


def plane_of(
    problem: Problem, directions: Any, *, seed: int = 0, normalize: str | None = None,
    ignore: str | None = None, batch_norm: str | None = None, device: str = "cpu", needed: int = 2,
) -> tuple[Problem, Chosen]:  # fmt: skip
    """The plane that ``directions`` says, and the problem with the network at its centre.

    A file may hold just ``needed`` directions.

    Raises
    ------
    UsageError, InputError
        If there is no such kind, or the directions do not fit the model.
    """
    from compute.plane import Plane, random_plane

    _check_mode(batch_norm)
    kind = directions if isinstance(directions, str) else ""
    if kind == "random":
        plane = random_plane(
            problem.model, seed=seed, normalize=normalize or "filter", ignore=ignore or "biasbn"
        )
        return problem, Chosen(plane, fixed_statistics(batch_norm, "random directions"))
    if kind.startswith("pca:"):
        check_principal(normalize)
        return _principal(problem, kind.removeprefix("pca:"), ignore, batch_norm)
    if kind.partition(":")[0] == "hessian":
        chosen = _hessian(problem, kind, ignore, seed, batch_norm, device)
    elif isinstance(directions, Plane):
        chosen = as_it_moves(directions, batch_norm)
    else:
        chosen = as_it_moves(_given(problem.model, directions, needed), batch_norm)
    return problem, scaled(chosen, normalize, ignore)


def _check_mode(batch_norm: str | None) -> str | None:
    if batch_norm is not None and batch_norm not in BATCH_NORM:
        known = ", ".join(BATCH_NORM)
        raise UsageError(f"batch_norm: expected one of {known}, got {batch_norm!r:.60}")
    return batch_norm


def _given(model: nn.Module, directions: Any, needed: int) -> Plane:
    """A plane of directions in a file or in memory."""
    from compute import direction_files
    from compute.directions import state_of
    from compute.plane import Plane

    theta = state_of(model)
    if isinstance(directions, str | Path):
        delta, eta = direction_files.read(directions, theta, needed=needed)
        return Plane(theta, delta, eta, kind=Path(directions).name)
    pair = list(directions) if isinstance(directions, tuple | list) else []
    if len(pair) != 2 or not all(isinstance(one, Mapping) for one in pair):
        raise UsageError(
            "directions: expected 'random', 'hessian', 'hessian:ends', 'pca:RUN', a file, a Plane "
            f"or a pair of mappings of names to tensors, got {type(directions).__name__}"
        )
    delta, eta = (direction_files.given(one, theta) for one in pair)
    return Plane(theta, delta, eta, kind="given")


def _hessian(
    problem: Problem, kind: str, ignore: str | None, seed: int, batch_norm: str | None, device: str
) -> Chosen:
    from compute.devices import choose_devices
    from compute.directions import center_of
    from compute.hessian import eigenvalues_told, hessian_plane

    mode = fixed_statistics(batch_norm, "Hessian directions")
    plane, pairs = hessian_plane(
        problem, center_of(problem.model), kind=kind.partition(":")[2] or "top",
        ignore=ignore or "biasbn", seed=seed, device=choose_devices(device)[0][0],
    )  # fmt: skip
    return Chosen(plane, mode, (eigenvalues_told(pairs),))


def _principal(
    problem: Problem, run: str, ignore: str | None, batch_norm: str | None
) -> tuple[Problem, Chosen]:
    from compute.paths import at_reference, named
    from compute.trajectory import open_runs, principal_plane

    mode = batch_norm or "interpolated"
    runs, center = open_runs(*named(run), center="final", ignore=ignore or "none")
    found = principal_plane(runs, center=center, statistics=mode == "interpolated")
    note = f"principal directions of {len(runs)} snapshots, centred on the final weights"
    return at_reference(problem, runs), Chosen(found.plane, mode, (note,), found, runs)


def lines_along(
    problem: Problem, directions: Any, count: int, *, seed: int = 0, **how: Any
) -> tuple[Problem, Chosen, dict[str, Plane]]:
    """``count`` random lines, or those of a plane's directions; see ``plane_of``."""
    if isinstance(directions, str) and directions == "random":
        seeds = range(seed, seed + count)
        found = [plane_of(problem, "random", seed=one, **how)[1] for one in seeds]
        names = [f"random, seed {one}" for one in seeds]
        return problem, found[0], dict(zip(names, (one.plane for one in found), strict=True))
    problem, chosen = plane_of(problem, directions, seed=seed, needed=1, **how)
    plane = replace(chosen.plane, marks=())
    sides = zip(direction_names(plane.kind), (plane.delta, plane.eta), strict=True)
    return problem, chosen, {
        name: replace(plane, delta=side) for name, side in sides if side
    }  # fmt: skip


def lines_to(
    problem: Problem, to: Any, batch_norm: str | None = None, *, trust_pickle: bool = False
) -> tuple[dict[str, Plane], str]:
    """A line from the model to each other network, by name; where statistics come from.

    Raises
    ------
    UsageError, InputError
        If there is none, or one does not fit the model.
    """
    from compute.directions import center_of, state_of
    from compute.plane import line_to

    mode = _check_mode(batch_norm) or "interpolated"
    state = state_of if mode == "interpolated" else center_of
    theta, lines = state(problem.model), {}
    for name, other in _named(to).items():
        network = _network(problem.model, other, name, trust_pickle)
        lines[name] = line_to(theta, state(network), name)
    return lines, mode


def _named(to: Any) -> dict[str, Any]:
    """Other networks by name: their own, their files', or their numbers."""
    from torch import Tensor

    if isinstance(to, Mapping) and not any(isinstance(one, Tensor) for one in to.values()):
        found = {str(name): one for name, one in to.items()}
    else:
        given = list(to) if isinstance(to, list | tuple) else [to]
        files = all(isinstance(one, str | Path) for one in given)
        numbers = [f"network {k}" for k in range(1, len(given) + 1)]
        found = dict(zip(distinct([*map(str, given)]) if files else numbers, given, strict=True))
    if not found:
        raise UsageError("to: expected another network, got none")
    return found


def _network(model: nn.Module, other: Any, name: str, trust_pickle: bool) -> nn.Module:
    """Another network: a module, a state dict or a checkpoint."""
    from torch import nn

    from compute import checkpoints
    from compute.own import unwrapped
    from compute.weights import private

    if isinstance(other, nn.Module):
        return unwrapped(other)
    if isinstance(other, str | Path):
        other = checkpoints.read(other, trust_pickle=trust_pickle)
    if not isinstance(other, Mapping):
        raise UsageError(
            f"to: {name}: expected a network, a state dict or a checkpoint's file, "
            f"got {type(other).__name__}"
        )
    own = private(model)
    checkpoints.load_into(own, checkpoints.without_prefixes(other), name)
    return own
