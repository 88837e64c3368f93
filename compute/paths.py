"""Paths of training runs over the surface of their principal plane, with each snapshot's loss."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from compute import checkpoints
from compute.devices import choose_devices
from compute.evaluation import Evaluator
from compute.plane import Plane, span_around
from compute.problem import Problem
from compute.surface import Span, landscape
from compute.training import Snapshots
from compute.trajectory import Floats, Principal, Runs, open_runs, principal_plane
from compute.weights import private
from lossviz.errors import UsageError
from lossviz.files import distinct
from lossviz.landscape import Landscape, Trajectory

if TYPE_CHECKING:
    from compute.run import Run

MODES = ("interpolated", "stored", "recomputed")
Source = str | Path | Snapshots


def trajectory_landscape(
    problem: Problem, runs: Source | Sequence[Source] | Mapping[str, Source], *, center: str = "",
    ignore: str = "none", points: int | tuple[int, int] | None = None,
    span: Span | tuple[Span, Span] | None = None, device: str = "cpu", precision: str = "float32",
    batch_norm: str = "interpolated", name: str = "", progress: bool | None = False,
) -> Landscape:  # fmt: skip
    """Training runs on the loss surface of their principal plane (Li et al. 2018, section 7).

    The weights are the runs'; of ``problem.model`` only the architecture counts. Each path has the
    loss of every snapshot itself, on the same samples as the surface, and its distance from the
    plane; explained variance, and that of a random walk, are in the provenance.

    Parameters
    ----------
    runs
        Folders that a ``Recorder`` wrote, or ``Snapshots``; a mapping gives them names.
    center
        What snapshots are measured from: "final" weights (of the first run; so for one), "initial"
        ones (so for several) or "mean".
    ignore
        "biasbn": tensors of one dimension have no part in the plane.
    span
        None: around all paths.
    batch_norm
        "interpolated", every snapshot with its own statistics; "stored", those of the centre; or
        "recomputed" from the samples at every point.

    Raises
    ------
    UsageError, InputError
        If a choice is unknown, a folder is no run, or the runs do not fit the model or each other.
    """
    if batch_norm not in MODES:
        raise UsageError(f"batch_norm: expected one of {', '.join(MODES)}, got {batch_norm!r:.60}")
    opened, center = open_runs(*named(runs), center=center, ignore=ignore)
    problem = at_reference(problem, opened)
    found = principal_plane(opened, center=center, statistics=batch_norm == "interpolated")
    a, b, c, d = span_around([(0.0, 0.0), *found.coordinates.tolist()])
    surface = landscape(
        problem, found.plane, points=points, span=span or ((a, b), (c, d)), device=device,
        precision=precision, progress=progress, name=name,
        batch_norm="recomputed" if batch_norm == "recomputed" else "stored",
    )  # fmt: skip
    (device, *_), dtype = choose_devices(device, precision)
    like = Evaluator(
        problem, found.plane, device=device, dtype=dtype, tf32=precision == "tf32",
        choices={"engine": "plain"}, batch_norm=batch_norm,
    )  # fmt: skip
    losses = path_losses(problem, opened, like, batch_norm=batch_norm)
    known = replace(
        surface.provenance, explained_variance=found.explained, explained_by_chance=found.by_chance
    )
    return surface.with_changes(trajectories=paths(opened, found, losses), provenance=known)


def named(
    runs: Source | Sequence[Source] | Mapping[str, Source],
) -> tuple[list[Snapshots], list[str]]:
    """The runs, opened, and their names: the folders' if they are not given.

    Raises
    ------
    UsageError, InputError
        If there are none, or one is no run.
    """
    if isinstance(runs, str | Path | Snapshots):
        runs = [runs]
    if not isinstance(runs, Iterable):
        raise UsageError(f"runs: expected folders of snapshots, got {runs!r:.60}")
    given = list(runs.values() if isinstance(runs, Mapping) else runs)
    if not given:
        raise UsageError("runs: expected folders of snapshots, got none")
    opened = [one if isinstance(one, Snapshots) else Snapshots(one, at_least=2) for one in given]
    names = list(runs) if isinstance(runs, Mapping) else distinct([str(o.folder) for o in opened])
    return opened, names


def at_reference(problem: Problem, runs: Runs) -> Problem:
    """The problem with the weights of the snapshot at the centre, and all else of its state.

    Raises
    ------
    InputError
        If the runs are of another model.
    """
    run, i = runs.where[runs.reference]
    path, model = runs.runs[run].path(i), private(problem.model)
    checkpoints.load_into(model, checkpoints.read(path), str(path))
    return replace(problem, model=model)


def path_losses(
    problem: Problem, runs: Runs, like: Evaluator, *, batch_norm: str, run: Run | None = None,
    progress: Callable[[int], None] = lambda rows: None,
) -> Floats:  # fmt: skip
    """``(T,)`` the loss of each snapshot itself, on the samples and in the way of the surface.

    With interpolated statistics each snapshot has its own; with stored ones those of the centre,
    which ``problem.model`` must have. Rows that ``run`` has are not computed again.
    """
    choices = like.choices | {"engine": "plain", "compiled": False, "points_at_once": 1}
    known = run.points if run is not None else {}
    for row in range(len(runs)):
        if row in known:
            continue
        state = runs.state(row, statistics=batch_norm == "interpolated")
        began = time.perf_counter()
        own = Evaluator(
            problem, Plane(state, {}, {}), device=str(like.device), dtype=like.dtype,
            tf32=like.tf32, choices=choices, batch_norm=batch_norm,
        )  # fmt: skip
        values = own.at(0.0, 0.0)
        if run is not None:
            run.add(row, values, time.perf_counter() - began)
        else:
            known[row] = values
        progress(1)
    return np.array([known[row]["loss"] for row in range(len(runs))])


def paths(runs: Runs, found: Principal, losses: Floats) -> list[Trajectory]:
    """One trajectory for each run, in the plane's coordinates."""
    made, at = [], 0
    for snapshots, name in zip(runs.runs, runs.names, strict=True):
        own = slice(at, at + len(snapshots))
        made.append(
            Trajectory(
                name, "optimiser", found.coordinates[own], losses[own], found.off_plane[own],
                snapshots.steps,
            )
        )  # fmt: skip
        at = own.stop
    return made
