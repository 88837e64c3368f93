"""``lossviz surface``: a loss surface around a checkpoint, into one PLY file."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lossviz.commands import options, planes
from lossviz.commands.report import check_output, open_window
from lossviz.commands.runs import choices_in, open_run, resumable
from lossviz.commands.surface_report import report
from lossviz.plane_choice import Chosen, default_range
from lossviz.refining import HOW

if TYPE_CHECKING:
    from compute.data import Data
    from compute.evaluation import Evaluator
    from compute.problem import Problem
    from compute.run import Run
    from compute.surface import Grid
    from lossviz.landscape import Landscape, Mark, Provenance, Surface, Trajectory
    from lossviz.refining import Refinement
    from lossviz.underway import Telling

SAMPLES, POINTS = "512", (51, 51)
REWRITE_EVERY = 2.0  # seconds
LIKELY = 33 * 33  # points that a tolerance mostly ends at
PROBED = 250  # images, to estimate how many are needed
LEAST_REFINING = 30.0  # seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``lossviz surface``."""
    options.add_problem_arguments(parser)
    planes.add_plane_arguments(parser)
    add_surface_arguments(parser)


def add_surface_arguments(parser: argparse.ArgumentParser) -> None:
    """Where and how well a surface is evaluated, and what comes of it."""
    add = parser.add_argument_group("where and how well").add_argument
    add("--range", type=options.ranges, metavar="LOW:HIGH",
        help="of alpha and beta (-1:1, or around the networks and paths on it)")  # fmt: skip
    add("--grid", type=options.grid_size, metavar="NxM", help="points (51x51)")
    add("--tolerance", type=options.share, metavar="2%",
        help="choose images and points by this relative error, "
        "as far as --samples and --grid do not")  # fmt: skip
    add("--critical-points", choices=HOW, default="refined",
        help="those of the samples, each then refined with the network's own gradient and Hessian "
        "(refined; for at most half as long as the surface took, or 30 s)")  # fmt: skip
    add("--per-class", action="store_true", help="also the loss and accuracy of every class")
    options.add_device_arguments(parser)
    add = parser.add_argument_group("result").add_argument
    add("-o", "--output", required=True, type=Path, metavar="PLY")
    add("--restart", action="store_true", help="throw away what NAME.run/ beside it already has")
    add("--view", action="store_true", help="open the window at once and watch it grow")
    add("--json", action="store_true", help="print the report as JSON")


@dataclass
class Work:
    """One computation: what is evaluated, with what, and what is there so far."""

    args: argparse.Namespace
    problem: Problem
    data: Data | None
    chosen: Chosen
    grid: Grid
    evaluators: list[Evaluator]
    center: dict[str, float]
    provenance: Provenance
    run: Run
    marks: list[Mark]
    trajectories: Sequence[Trajectory] = ()
    refinement: Refinement | None = None


def run(args: argparse.Namespace) -> int:
    """Set everything up, evaluate, keep the file up to date, report."""
    check_output(args.output)
    planes.check(args)
    devices, dtype = options.devices_of(args)
    problem, data = options.problem_of(args, args.samples or SAMPLES)
    folder = args.output.with_suffix(".run")
    chosen = planes.choose_plane(args, problem, folder, devices[0])
    return compute_surface(args, problem, data, chosen, devices, dtype)


def compute_surface(
    args: argparse.Namespace, problem: Problem, data: Data | None, chosen: Chosen,
    devices: list[str], dtype: Any, paths: Callable[[Work], Sequence[Trajectory]] = lambda work: (),
) -> int:  # fmt: skip
    """The surface on the chosen plane, with the ``paths`` that belong on it."""
    chosen.plane.check()
    args.range = args.range or default_range(chosen)
    work = _begin(args, problem, data, chosen, devices, dtype, paths)
    with resumable(lambda: work.run, args.output, work.grid.count, args.argv) as told:
        if args.view:
            _open_window(work)
        landscape = _evaluate(work, told)
        while _short_of_images(work, landscape):
            work.run.close()
            more = _more_images(work, landscape)
            work = _begin(args, problem, more, chosen, devices, dtype, paths, restart=True)
            landscape = _evaluate(work, told)
    report(work, landscape)
    return 0


def _begin(
    args: argparse.Namespace, problem: Problem, data: Data | None, chosen: Chosen,
    devices: list[str], dtype: Any, paths: Callable[[Work], Sequence[Trajectory]],
    *, restart: bool = False,
) -> Work:  # fmt: skip
    """Choose images if that is asked, build the evaluators, open the run's folder."""
    from compute.adaptive import FINEST
    from compute.evaluation import Evaluator
    from compute.surface import Grid, axis, check_center, marks_of

    folder = args.output.with_suffix(".run")
    choices = choices_in(folder, args.batch_size, restart=args.restart or restart)
    if args.tolerance and not args.samples and data is not None and not restart:
        data = _enough_images(args, problem, data, chosen, devices[0], dtype, choices)
    if data is not None:
        problem = replace(problem, batches=options.batches_of(data), strata=data.strata)
    evaluators: list[Evaluator] = []
    for device in devices:
        tf32 = args.precision == "tf32"
        evaluators.append(
            Evaluator(
                problem,
                chosen.plane,
                device=device,
                dtype=dtype,
                tf32=tf32,
                choices=choices,
                batch_norm=chosen.batch_norm,
            )
        )
        choices = evaluators[0].choices
    for note in evaluators[0].notes:
        print(f"lossviz: {note}", file=sys.stderr)
    a, b, c, d = args.range
    n, m = args.grid or ((FINEST, FINEST) if args.tolerance else POINTS)
    grid = Grid(axis(a, b, n), axis(c, d, m))
    began = time.perf_counter()
    center = check_center(evaluators[0])
    seconds = (time.perf_counter() - began) / 2
    expected = min(grid.count, LIKELY) if args.tolerance and not args.grid else grid.count
    if not choices.get("compiled") and evaluators[0].compile_if_worth_it(seconds * expected):
        print("lossviz: compiled the network for this long run", file=sys.stderr)
    provenance = replace(
        options.provenance_of(args, problem, data, chosen, ", ".join(devices)),
        tolerance=args.tolerance or 0.0,
    )
    run = open_run(
        folder, provenance, grid, center, chosen.plane, evaluators[0],
        restart=args.restart or restart,
    )  # fmt: skip
    provenance = replace(provenance, date=run.date)
    marks = marks_of(chosen.plane, evaluators[0])
    work = Work(args, problem, data, chosen, grid, evaluators, center, provenance, run, marks)
    try:
        work.trajectories = paths(work)
    except BaseException:
        run.close()
        raise
    return work


def _enough_images(
    args: argparse.Namespace, problem: Problem, data: Data, chosen: Chosen, device: str, dtype: Any,
    choices: dict[str, Any],
) -> Data:  # fmt: skip
    """As many images as the tolerance needs, estimated from few; or as many as before."""
    from compute.adaptive import FIRST, images_needed, median_error
    from compute.evaluation import Evaluator
    from compute.surface import Grid, axis, check_center, evaluate

    if choices.get("samples"):
        return options.load_data(args, str(min(choices["samples"], data.available)))
    few = options.load_data(args, str(min(PROBED, data.available)))
    problem = replace(problem, batches=options.batches_of(few), strata=few.strata)
    evaluator = Evaluator(
        problem, chosen.plane, device=device, dtype=dtype, batch_norm=chosen.batch_norm
    )
    check_center(evaluator)
    a, b, c, d = args.range
    *_, surface = evaluate(evaluator, Grid(axis(a, b, FIRST), axis(c, d, FIRST)))
    error = median_error(surface)
    return _with_images(args, few, images_needed(error, len(few.targets), args.tolerance), error)


def _with_images(args: argparse.Namespace, data: Data, count: int, error: float) -> Data:
    """The data set with ``count`` images, or all there are, and a line that says so."""
    have, count = len(data.targets), max(count, PROBED)
    told = f"{have:,} images leave a median error of {error:.2%}"
    if count >= data.available:
        print(f"lossviz: {told}: using all {data.available:,}", file=sys.stderr)
        return options.load_data(args, str(data.available))
    print(f"lossviz: {told}: using {count:,}", file=sys.stderr)
    return options.load_data(args, str(count))


def _short_of_images(work: Work, landscape: Landscape) -> bool:
    """Whether the first points show that the images, chosen by us, do not reach the tolerance."""
    from compute.adaptive import FIRST, SECOND

    assert landscape.surface is not None
    if not work.args.tolerance or work.args.samples or work.data is None:
        return False
    if (
        max(landscape.surface.shape) not in (FIRST, SECOND)
        or len(work.data.targets) >= work.data.available
    ):
        return False
    return landscape.provenance.error_data > work.args.tolerance


def _more_images(work: Work, landscape: Landscape) -> Data:
    from compute.adaptive import images_needed

    assert work.data is not None
    error, have = landscape.provenance.error_data, len(work.data.targets)
    count = max(have + 1, images_needed(error, have, work.args.tolerance))
    return _with_images(work.args, work.data, count, error)


def _landscape(work: Work, surface: Surface) -> Landscape:
    from compute.adaptive import median_error
    from lossviz.landscape import Landscape

    error = median_error(surface)
    known = replace(
        work.provenance, duration=work.run.seconds, error_data=error if error == error else 0.0
    )
    name = work.args.model.rpartition(":")[2]
    return Landscape(
        surface=surface,
        marks=work.marks,
        trajectories=work.trajectories,
        provenance=known,
        name=name,
    )


def _evaluate(work: Work, told: Telling) -> Landscape:
    """Level by level; with a tolerance until interpolation reaches it, or images are too few."""
    try:
        landscape = _by_levels(work, told)
    except KeyboardInterrupt:
        _write_so_far(work)
        raise
    told.what = "critical points"
    return _finished(work, landscape)


def _write_so_far(work: Work) -> None:
    """The file with every point that is there: it is a little older than the last of them."""
    from compute.surface import so_far
    from lossviz import ply

    if work.run.points:
        ply.write(_landscape(work, so_far(work.grid, work.run.points)), work.args.output)


def _by_levels(work: Work, told: Telling) -> Landscape:
    """The surface, kept up to date in the file meanwhile."""
    from compute.adaptive import FIRST, Convergence
    from compute.progress import Progress
    from compute.surface import evaluate
    from lossviz import ply

    args, convergence = work.args, Convergence()
    adaptive = bool(args.tolerance) and args.grid is None
    with Progress(work.evaluators[0], work.run, work.grid, args.output.stem, adaptive) as progress:
        told.what, told.total = "points", progress.bar.total
        surfaces = evaluate(
            work.evaluators, work.grid, work.run, progress=progress.add, every=REWRITE_EVERY
        )
        for surface in surfaces:
            landscape = _landscape(work, surface)
            complete = bool(surface.evaluated.all())
            if complete:
                convergence.add(surface)
                error = convergence.error
                known = replace(
                    landscape.provenance, error_interpolation=error if error == error else 0.0
                )
                landscape = landscape.with_changes(provenance=known)
            ply.write(landscape, args.output)
            if not complete:
                continue
            side = max(surface.shape)
            if _short_of_images(work, landscape):
                break
            if adaptive and side > FIRST:
                if convergence.error <= args.tolerance:
                    break
                progress.next_level(side, convergence)
                told.total = progress.bar.total
    return landscape


def _finished(work: Work, landscape: Landscape) -> Landscape:
    from lossviz import ply
    from lossviz.refining import with_critical_points

    args = work.args
    if args.per_class:
        from compute.samples import per_class

        landscape = per_class(landscape, work.run, work.grid, work.evaluators[0])
    evaluator = work.evaluators[0]

    def confidence(found: Landscape) -> Landscape:
        if work.run.samples is None:
            return found
        from tqdm import tqdm

        from compute.confidence import RESAMPLES, with_confidence

        with tqdm(total=RESAMPLES, unit="resamples", desc="confidence", leave=False,
                  disable=None) as bar:  # fmt: skip
            return with_confidence(found, work.run, work.grid, work.problem, progress=bar.update)

    landscape, work.refinement = with_critical_points(
        landscape, args.critical_points, work.problem, work.chosen.plane,
        batch_norm=work.chosen.batch_norm, device=str(evaluator.device), dtype=evaluator.dtype,
        folder=work.run.path, seconds=max(LEAST_REFINING, work.run.seconds / 2),
        confidence=confidence,
        write=lambda partly: ply.write(partly, args.output),
    )  # fmt: skip
    ply.write(landscape, args.output)
    return landscape


def _open_window(work: Work) -> None:
    """The window, at once; a file without points first if there is none yet."""
    import numpy as np

    from compute.surface import grid_levels
    from lossviz import ply
    from lossviz.landscape import Surface

    if not work.args.output.exists():
        columns, rows = grid_levels(work.grid)[0]
        empty = {name: np.full((columns.size, rows.size), np.nan) for name in work.center}
        nothing = np.zeros((columns.size, rows.size), dtype=bool)
        surface = Surface(work.grid.alphas[columns], work.grid.betas[rows], empty, nothing)
        ply.write(_landscape(work, surface), work.args.output)
    open_window(work.args.output)
