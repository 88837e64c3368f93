"""``lossviz line``: loss curves along directions or between checkpoints, into one PLY file."""

from __future__ import annotations

import argparse
import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lossviz.commands import options, origin, planes
from lossviz.commands.report import check_output, clock, finite, open_window
from lossviz.commands.runs import choices_in, open_run, own_folder, settings_of
from lossviz.errors import UsageError
from lossviz.plane_choice import Chosen, direction_names

if TYPE_CHECKING:
    from compute.evaluation import Evaluator
    from compute.plane import Plane
    from compute.problem import Problem
    from lossviz.landscape import Curve, Landscape, Provenance

SAMPLES = "512"
ON_PLANE = 1e-4  # relative distance from a plane below which a line lies in it
# What curves that are beside each other without a surface have in common.
COMMON = ("model", "checkpoint_sha256", "data", "split", "samples", "selection", "loss")


@dataclass(frozen=True, eq=False)
class Line:
    """One line to evaluate: the first direction of a plane without a second one."""

    name: str
    plane: Plane
    batch_norm: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``lossviz line``."""
    options.add_problem_arguments(parser)
    add = parser.add_argument_group("along which lines").add_argument
    add("--to", nargs="+", metavar="FILE",
        help="other checkpoints: a line to each, 0 is --checkpoint and 1 the other")  # fmt: skip
    add("--directions", metavar="WHICH",
        help="random, hessian, hessian:ends, pca:RUN/ or a file (random)")  # fmt: skip
    add("--count", type=options.positive, default=1, metavar="K",
        help="so many random directions; from two on also their mean and spread (1)")  # fmt: skip
    planes.add_direction_arguments(parser)
    parser.set_defaults(through=None, save_directions=None)
    add = parser.add_argument_group("where").add_argument
    add("--range", type=options.side, metavar="LOW:HIGH",
        help="of alpha (-0.5:1.5 between checkpoints, else -1:1)")  # fmt: skip
    add("--points", type=options.positive, metavar="N", help="evenly spaced (81, else 51)")
    add("--test", action="store_true", help="the test split too, as test_loss and test_accuracy")
    options.add_device_arguments(parser)
    add = parser.add_argument_group("result").add_argument
    add("-o", "--output", required=True, type=Path, metavar="PLY",
        help="one that is there keeps its surface, with the curves on it")  # fmt: skip
    add("--restart", action="store_true", help="compute again what NAME.lines/ has of these")
    add("--view", action="store_true", help="open the window at the end")
    add("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace) -> int:
    """Evaluate every line, write the file, report."""
    from lossviz import ply

    _check(args)
    devices, dtype = options.devices_of(args)
    old = _there(args.output)
    problem, data = options.problem_of(args, args.samples or SAMPLES)
    if args.test and data is None:
        raise UsageError("test: expected --data with splits (npz:FILE, cifar10, …)")
    test = _test_problem(args, problem) if args.test else None
    lines, chosen = _lines(args, problem, devices[0])
    averaged = len(lines) > 1 and not args.to and (args.directions or "random") == "random"
    mean = f"mean of {len(lines)}" if averaged else ""
    low, high = args.range or ((-0.5, 1.5) if args.to else (-1.0, 1.0))
    from compute.curve import ends_included, mean_of
    from compute.surface import axis

    count = args.points or (81 if args.to else 51)
    alphas = (ends_included if args.to else axis)(low, high, count)
    curves: list[Curve] = []
    errors: list[float] = []
    known = options.provenance_of(args, problem, data, chosen, devices[0])
    _others(args.output, old, {line.name for line in lines} | {mean}, known)
    for line in lines:
        curve, error, seconds = _curve(args, line, problem, test, alphas, known, devices[0], dtype)
        curves.append(curve)
        errors.append(error)
        known = replace(known, duration=known.duration + seconds)
    old = _there(args.output)  # as it is by now
    curves = [
        _placed(args, curve, line.plane, old, chosen)
        for curve, line in zip(curves, lines, strict=True)
    ]
    told = list(zip(curves, errors, strict=True))
    if mean:
        curves.append(mean_of(curves, mean))
    ply.write(_landscape(args, old, curves, known), args.output)
    _report(args, told, known)
    if args.view:
        open_window(args.output)
    return 0


def _check(args: argparse.Namespace) -> None:
    check_output(args.output)
    if args.to and args.directions:
        raise UsageError("to: the networks give the directions; leave out --directions")
    if args.to and (args.normalize not in (None, "none") or args.ignore == "biasbn"):
        raise UsageError("to: the line has to meet the network; leave out --normalize and --ignore")
    if args.to and not args.checkpoint and ":" not in args.model:
        raise UsageError("to: expected --checkpoint too, the network at 0")
    if args.to and args.count > 1:
        raise UsageError("count: that is for random directions; --to names the networks")
    planes.check(args)


def _test_problem(args: argparse.Namespace, problem: Problem) -> Problem:
    if args.split == "test":
        raise UsageError("test: the curves are of the test split already; leave out --split")
    other = copy.copy(args)
    other.split = "test"
    data = options.load_data(other, args.samples or SAMPLES)
    return replace(problem, batches=options.batches_of(data), strata=data.strata)


def _lines(args: argparse.Namespace, problem: Problem, device: str) -> tuple[list[Line], Chosen]:
    from compute.plane import line_to

    if args.to:
        mode = args.batch_norm or "interpolated"
        moving = mode == "interpolated"
        theta = planes.own_network(problem, statistics=moving)
        lines = []
        _, *others = planes.names_of(args.checkpoint, args.to)
        for name, path in zip(others, args.to, strict=True):
            other = planes.other_network(problem, path, statistics=moving, trust=args.trust_pickle)
            lines.append(Line(name, line_to(theta, other, name), mode))
        return lines, Chosen(lines[0].plane, mode)
    if (args.directions or "random") != "random":
        folder = args.output.with_suffix(".lines")
        chosen = planes.choose_plane(args, problem, folder, device, needed=1)
        names = direction_names(chosen.plane.kind)
        sides = zip(names, (chosen.plane.delta, chosen.plane.eta), strict=True)
        return [
            Line(name, replace(chosen.plane, delta=side, eta={}),
                 chosen.batch_norm)
            for name, side in sides if side
        ], chosen  # fmt: skip
    found = []
    for k in range(args.count):
        own = copy.copy(args)
        own.seed = args.seed + k
        chosen = planes.choose_plane(own, problem, args.output, device)
        plane = replace(chosen.plane, eta={})
        found.append(Line(f"random, seed {own.seed}", plane, chosen.batch_norm))
    return found, replace(chosen, plane=found[0].plane)


def _curve(
    args: argparse.Namespace, line: Line, problem: Problem, test: Problem | None, alphas: Any,
    known: Provenance, device: str, dtype: Any,
) -> tuple[Curve, float, float]:  # fmt: skip
    """The curve of one line, the standard error of its barrier, and the seconds it took."""
    from compute.curve import barrier_error
    from compute.problem import sample_count
    from lossviz.landscape import Curve

    known = replace(known, directions=line.plane.kind, direction_sha256=line.plane.sha256)
    curve, evaluator, seconds = _one(args, line, problem, alphas, known, device, dtype)
    barrier, at = curve.barrier()
    error = barrier_error(evaluator, at) if args.to and barrier > 0 else float("nan")
    if test is None:
        return curve, error, seconds
    samples = sample_count(test.batches)
    known = replace(known, split="test", samples=samples, selection=f"{samples} of test")
    other, _, more = _one(args, line, test, alphas, known, device, dtype)
    quantities = {**curve.quantities, **{f"test_{q}": v for q, v in other.quantities.items()}}
    return Curve(curve.name, curve.alphas, quantities), error, seconds + more


def _one(
    args: argparse.Namespace, line: Line, problem: Problem, alphas: Any, known: Provenance,
    device: str, dtype: Any,
) -> tuple[Curve, Evaluator, float]:  # fmt: skip
    import numpy as np
    from tqdm import tqdm

    from compute.curve import along
    from compute.evaluation import Evaluator
    from compute.surface import Grid, check_center

    grid = Grid(alphas, np.zeros(1))
    settings = settings_of(known, grid, line.plane, problem)
    folder = own_folder(args.output.with_suffix(".lines"), settings)
    choices = choices_in(folder, args.batch_size, restart=args.restart)
    evaluator = Evaluator(
        problem, line.plane, device=device, dtype=dtype, tf32=args.precision == "tf32",
        choices=choices, batch_norm=line.batch_norm,
    )  # fmt: skip
    center = check_center(evaluator)
    run = open_run(folder, known, grid, center, line.plane, evaluator, restart=args.restart)
    try:
        done = len(run.points)
        with tqdm(total=grid.count, initial=done, desc=line.name, disable=None) as bar:
            curve = along(evaluator, alphas, line.name, run, progress=bar.update)
    finally:
        run.close()
    return curve, evaluator, run.seconds


def _placed(
    args: argparse.Namespace, curve: Curve, plane: Plane, old: Landscape | None,
    chosen: Chosen,
) -> Curve:  # fmt: skip
    """The curve with its place on the file's surface, if it lies in that plane."""
    from compute.directions import inner

    if old is None or old.surface is None:
        return curve
    own = origin.kept_plane(args.output.with_suffix(".run"), plane.theta)
    if own is None or old.provenance.batch_norm != chosen.batch_norm:
        return curve
    alpha, beta, distance = own.project(plane.delta)
    if not distance <= ON_PLANE * inner(plane.delta, plane.delta) ** 0.5:
        return curve
    return curve.placed((0.0, 0.0), (alpha, beta))


def _there(path: Path) -> Landscape | None:
    from lossviz import ply

    return ply.read(path) if path.exists() else None


def _others(path: Path, old: Landscape | None, names: set[str], known: Provenance) -> list[Curve]:
    """The file's curves beside those that are called ``names``.

    Raises
    ------
    UsageError
        If they have no surface that they belong to, and are of another computation than ``known``.
    """
    if old is None:
        return []
    kept = [curve for curve in old.curves if curve.name not in names]
    for key in COMMON if kept and old.surface is None else ():
        before, now = getattr(old.provenance, key), getattr(known, key)
        if before != now:
            raise UsageError(
                f"output: {path} has curves of another {key.replace('_', ' ')} "
                f"({str(before)[:40] or 'none'}, not {str(now)[:40] or 'none'}); choose another -o"
            )
    return kept


def _landscape(
    args: argparse.Namespace, old: Landscape | None, curves: Sequence[Curve], known: Provenance
) -> Landscape:
    from lossviz.landscape import Landscape

    kept = _others(args.output, old, {curve.name for curve in curves}, known)
    if old is None or (old.surface is None and not kept):
        return Landscape(curves=curves, provenance=known, name=args.model.rpartition(":")[2])
    before = old.provenance
    notes = [note for note in before.notes if note != known.command]
    return old.with_changes(
        curves=[*kept, *curves], provenance=replace(before, notes=[*notes, known.command])
    )


def _report(
    args: argparse.Namespace, told: Sequence[tuple[Curve, float]], known: Provenance
) -> None:
    from compute.curve import barrier_told, ends_of, lowest_of, lowest_told

    found: list[dict[str, Any]] = []
    for curve, error in told:
        entry: dict[str, Any] = {"name": curve.name, "points": int(curve.alphas.size)}
        entry |= {"loss_min": lowest_of(curve)}
        if args.to:
            barrier, at = curve.barrier()
            entry |= {
                "ends": list(ends_of(curve)),
                "barrier": barrier,
                "barrier_at": at,
                "barrier_stderr": error,
            }
        if curve.points is not None:
            entry["on_surface"] = True
        found.append(entry)
    report = {"file": str(args.output), "samples": known.samples, "curves": found,
              "seconds": round(known.duration, 3)}  # fmt: skip
    if args.json:
        print(json.dumps(finite(report)))
        return
    print(f"{args.output}: {len(found)} curve{'s' * (len(found) != 1)} x {known.samples:,} samples "
          f"in {clock(known.duration)}")  # fmt: skip
    for curve, error in told:
        lowest = f"{curve.name}: {lowest_told(curve)}"
        print(f"  {barrier_told(curve, error) if args.to else lowest}")
    print(f"  lossviz view {args.output}")
