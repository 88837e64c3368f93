"""The network, the data and the plane that a landscape file came from."""

from __future__ import annotations

import argparse
import glob
import json
from pathlib import Path
from typing import TYPE_CHECKING

from lossviz.errors import LossvizError, UsageError
from lossviz.files import DAMAGED

if TYPE_CHECKING:
    from compute.data import Data
    from compute.directions import Direction
    from compute.plane import Plane
    from compute.problem import Problem
    from lossviz.landscape import Provenance


def fill(args: argparse.Namespace, known: Provenance, path: Path) -> None:
    """What is not given, as the file's provenance tells it: ``args`` gets the same network.

    Raises
    ------
    UsageError
        If the provenance does not tell, or tells of functions, or the checkpoint is another one.
    """
    take(args, "model", known.model, path)
    take(args, "data", known.data, path)
    if args.data:  # a Problem, which needs none, brings its own loss
        take(args, "loss", known.loss, path)
    for key in ("split", "seed"):
        if getattr(args, key) is None:
            setattr(args, key, getattr(known, key))
    args.seed = args.seed or 0
    args.loss, args.split = args.loss or "cross_entropy", args.split or "train"
    if not args.model:
        raise UsageError(f"model: {path} does not say of what it is; expected --model NAME")
    if args.checkpoint is None and known.checkpoint:
        args.checkpoint = str(_found(known, path))
    if known.checkpoint_sha256:
        from compute import checkpoints

        if args.checkpoint is None:
            raise UsageError(f"checkpoint: {path} does not say of which; expected --checkpoint")
        if checkpoints.sha256(args.checkpoint) != known.checkpoint_sha256:
            raise UsageError(
                f"checkpoint: {args.checkpoint} is not the {known.checkpoint} that {path} is of; "
                "their SHA-256 differ"
            )


def take(args: argparse.Namespace, key: str, told: object, place: str | Path) -> None:
    """The model, the data or the loss that ``place`` tells of, if that is not given.

    Raises
    ------
    UsageError
        If it is a function: a file of somebody else's shall not run code.
    """
    from compute import data, models
    from compute.problem import LOSSES

    if getattr(args, key) is not None or not isinstance(told, str) or not told:
        return
    is_name = {"model": models.is_name, "data": data.is_name, "loss": LOSSES.__contains__}[key]
    if not is_name(told):
        raise UsageError(
            f"{key}: {place} says {told!r:.80}, which may run code; "
            f"where that is what you want, give it as --{key}"
        )
    setattr(args, key, told)


def _found(known: Provenance, path: Path) -> Path:
    """The checkpoint: here, beside the landscape, or in a training's folder beside that."""
    from compute import checkpoints

    name = known.checkpoint
    for place in (Path(name), path.parent / name):
        if place.is_file():
            return place
    for folder in ("*", "*/snapshots") if Path(name).name == name else ():
        for place in sorted(path.parent.glob(f"{folder}/{glob.escape(name)}")):
            # Many trainings have a file of this name.
            if place.is_file() and checkpoints.sha256(str(place)) == known.checkpoint_sha256:
                return place
    raise UsageError(f"checkpoint: {path} is of {name}, which is not here; expected --checkpoint")


def check_data(data: Data | None, known: Provenance, path: Path) -> None:
    """Refuse data that are scaled otherwise than the file's.

    Raises
    ------
    UsageError
        With both normalisations.
    """
    if data is not None and known.normalization and data.normalization != known.normalization:
        raise UsageError(
            f"data: {path} is of data normalised as {known.normalization}, these are as "
            f"{data.normalization}; expected the same --data, --mean and --std"
        )


def plane_of(
    problem: Problem, known: Provenance, path: Path, directions: str | None = None
) -> Plane:
    """The plane of the file's surface: from ``directions`` or NAME.run/, else drawn again.

    Raises
    ------
    UsageError
        If it cannot be had, or is another one.
    """
    from compute import direction_files
    from compute.directions import parameters_of, state_of
    from compute.plane import Plane, random_plane

    if "recomputed" in known.batch_norm:
        raise UsageError(
            f"{path}: its batch norm was recomputed at every point, so that the loss is no fixed "
            "function of the weights; expected a surface with stored or interpolated statistics"
        )
    theta = state_of(problem.model)
    found = None
    if directions:
        found = Plane(theta, *direction_files.read(directions, theta))
        if not found.moves_statistics:
            found = Plane(parameters_of(theta), found.delta, found.eta)
    else:
        found = kept_plane(path.with_suffix(".run"), theta)
    if found is None and known.directions == "random" and known.seed is not None:
        found = random_plane(
            problem.model, seed=known.seed, normalize=known.direction_normalize or "filter",
            ignore=known.direction_ignore or "biasbn",
        )  # fmt: skip
    if found is None:
        raise UsageError(
            f"{path}: its directions ({known.directions or 'unknown'}) are not in "
            f"{path.with_suffix('.run')}; expected --directions FILE"
        )
    if known.direction_sha256 and found.sha256 != known.direction_sha256:
        raise UsageError(f"directions: they are not those of {path}; their SHA-256 differ")
    return found


def kept_plane(folder: Path, theta: Direction) -> Plane | None:
    """The plane that the run in ``folder`` has, if its centre is ``theta``."""
    from compute import direction_files, directions
    from compute.plane import Plane

    try:
        text = (folder / "manifest.json").read_text(encoding="utf-8")
        theta_sha256 = json.loads(text)["settings"]["theta_sha256"]
        own = next(
            part
            for part in (theta, directions.parameters_of(theta))
            if directions.sha256(part) == theta_sha256
        )
        delta, eta = direction_files.read(folder / "directions.safetensors", own)
        return Plane(own, delta, eta)
    except (OSError, *DAMAGED, StopIteration, LossvizError):
        return None
