"""Options that say along which plane, and the plane that they describe."""

from __future__ import annotations

import argparse
import copy
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lossviz.commands import options
from lossviz.errors import LossvizError, UsageError
from lossviz.files import DAMAGED, distinct
from lossviz.plane_choice import (
    BATCH_NORM,
    Chosen,
    as_it_moves,
    check_principal,
    fixed_statistics,
    scaled,
)

if TYPE_CHECKING:
    from compute.directions import Direction
    from compute.plane import Plane
    from compute.problem import Problem
    from compute.trajectory import Runs


def add_plane_arguments(parser: argparse.ArgumentParser) -> None:
    """Directions, their normalisation and the seed."""
    add = parser.add_argument_group("along which plane").add_argument
    add("--directions", metavar="WHICH",
        help="random; hessian (two leading eigenvectors) or hessian:ends (of the largest and the "
        "most negative eigenvalue); pca:RUN/ of training snapshots; or a .safetensors, .npz or .h5 "
        "file (random)")  # fmt: skip
    add("--through", nargs="+", metavar="FILE",
        help="one or two more checkpoints: the plane through these networks")  # fmt: skip
    add("--save-directions", type=Path, metavar="FILE", help="write both: .safetensors .npz .h5")
    add_direction_arguments(parser)


def add_direction_arguments(parser: argparse.ArgumentParser) -> None:
    """What planes and lines have in common."""
    add = parser.add_argument_group("directions").add_argument
    add("--normalize", choices=["filter", "layer", "weight", "model", "none"],
        help="scale directions to the weights; random ones by filter (as published), "
        "others as they are")  # fmt: skip
    add(
        "--ignore",
        choices=["biasbn", "none"],
        help="biasbn: biases and batch norm do not move (so for random and hessian, as published; "
        "else none)",
    )
    add(
        "--seed",
        type=options.seed,
        default=0,
        help="of random directions, chosen samples and untrained weights (0)",
    )
    add("--batch-norm", choices=BATCH_NORM,
        help="statistics of the centre (stored; so for random and hessian, as published), between "
        "those of the networks or snapshots on the plane (interpolated; so there), or of the "
        "samples at every point (recomputed)")  # fmt: skip


def choose_plane(
    args: argparse.Namespace, problem: Problem, folder: Path, device: str, *, needed: int = 2
) -> Chosen:
    """The plane that the options describe; ``folder`` is the run that may have it already.

    A file may hold just ``needed`` directions.

    Raises
    ------
    UsageError
        If the options contradict each other.
    """
    from compute import direction_files, directions
    from compute.plane import Plane, random_plane

    if args.through:
        chosen = _through(args, problem)
    elif (kind := args.directions or "random") == "random":
        ignore = args.ignore or "biasbn"
        plane = random_plane(
            problem.model, seed=args.seed, normalize=args.normalize or "filter", ignore=ignore
        )
        chosen = Chosen(plane, fixed_statistics(args.batch_norm, "random directions"))
    elif kind.partition(":")[0] == "hessian":
        chosen = _hessian(args, problem, kind.partition(":")[2] or "top", folder, device)
    elif kind.startswith("pca:"):
        chosen = _pca(args, problem, folder)
    else:
        theta = directions.state_of(problem.model)
        delta, eta = direction_files.read(kind, theta, needed=needed)
        plane = Plane(theta, delta, eta, kind=Path(kind).name)
        chosen = scaled(as_it_moves(plane, args.batch_norm), args.normalize, args.ignore)
    if args.save_directions:
        plane = chosen.plane
        direction_files.save(args.save_directions, plane.delta, plane.eta, plane.theta)
    return chosen


def check(args: argparse.Namespace) -> None:
    """Refuse what contradicts itself, before anything is computed; a run gives its own centre.

    Raises
    ------
    UsageError, InputError
        Of the first contradiction.
    """
    if (args.directions or "").startswith("pca:"):
        args.runs, args.center = [args.directions.removeprefix("pca:")], "final"
    if getattr(args, "runs", None):
        if args.checkpoint:
            raise UsageError("checkpoint: the centre is a snapshot of the run; leave it out")
        runs, _ = opened(args)
        run, snapshot = runs.where[runs.reference]
        args.checkpoint = str(runs.runs[run].path(snapshot))
        check_principal(args.normalize)
    if args.through and args.directions:
        raise UsageError("through: the networks give the directions; leave out --directions")
    if args.through and len(args.through) > 2:
        raise UsageError(f"through: expected one or two more checkpoints, got {len(args.through)}")
    if args.through and not args.checkpoint and ":" not in args.model:
        raise UsageError("through: expected --checkpoint too, the network at the centre")
    if args.through and args.ignore == "biasbn":
        raise UsageError("through: everything moves, or the plane would miss the networks; "
                         "leave out --ignore")  # fmt: skip
    if args.through and len(args.through) == 2 and args.normalize not in (None, "none"):
        raise UsageError("through: these directions are orthonormal; leave out --normalize")
    if args.save_directions:
        from compute import direction_files

        direction_files.check_writable(args.save_directions, {})


def other_network(problem: Problem, path: str, *, statistics: bool, trust: bool) -> Direction:
    """Another checkpoint of the same model, as ``directions.state_of`` gives it.

    Raises
    ------
    InputError
        If it does not fit the model, or has numbers that are none.
    """
    from compute import checkpoints, directions
    from compute.own import check_parameters

    model = copy.deepcopy(problem.model)
    checkpoints.load_into(model, checkpoints.read(path, trust_pickle=trust), path)
    check_parameters(model, path)
    return directions.state_of(model) if statistics else directions.center_of(model)


def names_of(center: str | None, others: list[str]) -> list[str]:
    """Names for the centre and the others, told apart by their folders where that is needed."""
    if not center or center in others:  # which is refused as what it is
        return [Path(center).name if center else "centre", *_apart(others)]
    return _apart([center, *others])


def _apart(files: list[str]) -> list[str]:
    """Names for weights: of the same file in several folders, as ``train`` writes it, theirs."""
    paths = [Path(file) for file in files]
    folders = [path.parent.name for path in paths]
    alike = len({path.name for path in paths}) == 1 < len(paths)
    return (
        folders if alike and all(folders) and len(set(folders)) == len(folders) else distinct(files)
    )


def own_network(problem: Problem, *, statistics: bool) -> Direction:
    """The centre, as ``directions.state_of`` gives it."""
    from compute import directions

    return (directions.state_of if statistics else directions.center_of)(problem.model)


def _through(args: argparse.Namespace, problem: Problem) -> Chosen:
    from compute.plane import plane_through

    mode = args.batch_norm or "interpolated"
    moving = mode == "interpolated"
    center, *names = names_of(args.checkpoint, args.through)
    others = {
        name: other_network(problem, path, statistics=moving, trust=args.trust_pickle)
        for name, path in zip(names, args.through, strict=True)
    }
    plane = plane_through(
        own_network(problem, statistics=moving), others, seed=args.seed, name=center,
        normalize=args.normalize or "filter",
    )  # fmt: skip
    return Chosen(plane, mode)


def _hessian(
    args: argparse.Namespace, problem: Problem, kind: str, folder: Path, device: str
) -> Chosen:
    from compute.hessian import eigenvalues_told, hessian_plane
    from compute.plane import Plane
    from compute.problem import batches_sha256

    mode = fixed_statistics(args.batch_norm, "Hessian directions")
    theta = own_network(problem, statistics=False)
    asked = {"ignore": args.ignore or "biasbn", "seed": args.seed, "kind": kind,
             "batches": batches_sha256(problem.batches)}  # fmt: skip
    kept = None if getattr(args, "restart", False) else _kept(folder, asked, theta)
    if kept is not None:
        name = "hessian" if kind == "top" else "hessian:ends"
        plane = Plane(theta, *kept[:2], name, args.seed, "none", asked["ignore"])
        found = Chosen(plane, mode, (kept[2],))
    else:
        plane, pairs = hessian_plane(
            problem, theta, kind=kind, ignore=asked["ignore"], seed=args.seed, device=device,
            progress=_tell_step,
        )  # fmt: skip
        found = Chosen(plane, mode, (eigenvalues_told(pairs),))
        _keep(folder, asked, found.plane, found.notes[0])
    print(f"lossviz: {found.notes[0]}", file=sys.stderr)
    return scaled(found, args.normalize, args.ignore)


def _tell_step(step: int, residual: float) -> None:
    if sys.stderr.isatty():
        print(f"\rlossviz: Hessian product {step}, residual {residual:.1e}", end="\n" * (
            residual <= 1e-3), file=sys.stderr, flush=True)  # fmt: skip


def _keep(folder: Path, asked: dict[str, object], plane: Plane, note: str) -> None:
    """What costs minutes, or another machine would round otherwise, is not computed again."""
    from compute import direction_files, directions

    theta = directions.sha256(plane.theta)
    known = {"asked": asked, "theta": theta, "directions": plane.sha256, "note": note}
    place = folder / _stem(asked, theta)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        direction_files.save(place.with_suffix(".safetensors"), plane.delta, plane.eta, plane.theta)
        place.with_suffix(".json").write_text(json.dumps(known), encoding="utf-8")
    except OSError as error:
        raise LossvizError(f"{folder}: cannot be written: {error.strerror}") from None


def _stem(asked: dict[str, object], theta: str) -> str:
    """A name of its own for each plane: another one may be asked for before it is refused."""
    import hashlib

    text = json.dumps([asked, theta], sort_keys=True)
    return f"plane-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _kept(
    folder: Path, asked: dict[str, object], theta: Direction
) -> tuple[Direction, Direction, str] | None:
    """The directions that ``folder`` has for what is asked, and the note about them."""
    from compute import directions

    theta_sha256 = directions.sha256(theta)
    for stem in (_stem(asked, theta_sha256), "plane"):  # as it was called before
        if found := _read_kept(folder / stem, asked, theta, theta_sha256):
            return found
    return None


def _read_kept(
    place: Path, asked: dict[str, object], theta: Direction, theta_sha256: str
) -> tuple[Direction, Direction, str] | None:
    from compute import direction_files, directions

    try:
        known = json.loads(place.with_suffix(".json").read_text(encoding="utf-8"))
        if known["asked"] != asked or known["theta"] != theta_sha256:
            return None
        delta, eta = direction_files.read(place.with_suffix(".safetensors"), theta)
        same = directions.sha256(delta, eta) == known["directions"]
        return (delta, eta, str(known["note"])) if same else None
    except (OSError, *DAMAGED, LossvizError):
        return None


def opened(args: argparse.Namespace) -> tuple[Runs, str]:
    """The runs that the options name, and how their rows are centred."""
    from compute.training import Snapshots
    from compute.trajectory import open_runs

    found = [Snapshots(path, at_least=2) for path in args.runs]
    return open_runs(found, distinct(args.runs), center=args.center or "",
                     ignore=args.ignore or "none")  # fmt: skip


def _pca(args: argparse.Namespace, problem: Problem, folder: Path) -> Chosen:
    from compute import checkpoints
    from compute.trajectory import principal_plane

    mode = args.batch_norm or "interpolated"
    runs, center = opened(args)
    # A Problem of the user's own has its own weights: the centre is a snapshot, statistics too.
    checkpoints.load_into(problem.model, checkpoints.read(args.checkpoint), args.checkpoint)
    found = principal_plane(runs, center=center, statistics=mode == "interpolated")
    plane = found.plane
    asked: dict[str, object] = {
        "kind": "pca", "center": center, "ignore": runs.ignore, "mode": mode,
        "runs": [checkpoints.sha256(Path(path) / "index.jsonl") for path in args.runs],
    }  # fmt: skip
    if kept := _kept(folder, asked, plane.theta):
        plane = replace(plane, delta=kept[0], eta=kept[1])
    else:
        _keep(folder, asked, plane, "")
    where = {"final": "centred on the final weights", "initial": "centred on the first weights",
             "mean": "centred on their mean"}[center]  # fmt: skip
    note = f"principal directions of {len(runs)} snapshots, {where}"
    return Chosen(plane, mode, (note,), found, runs)
