"""``lossviz trajectory``: training runs on the loss surface of their principal plane."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from lossviz.commands import options, origin, planes, surface
from lossviz.commands.report import check_output
from lossviz.commands.runs import own_folder, settings_of
from lossviz.errors import UsageError, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from compute.data import Data
    from compute.trajectory import Principal
    from lossviz.commands.surface import Work
    from lossviz.landscape import Trajectory


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``lossviz trajectory``."""
    parser.add_argument("runs", nargs="+", metavar="RUN",
        help="folders of snapshots, of compute.Recorder or lossviz train")  # fmt: skip
    options.add_problem_arguments(
        parser, "what is evaluated (as lossviz train kept it, where it is not given)",
        checkpoint=None, needed=False,
    )  # fmt: skip
    add = parser.add_argument_group("along which plane").add_argument
    add("--center", choices=["final", "initial", "mean"],
        help="what the snapshots are measured from: final weights (of one run), initial ones (of "
        "several), or their mean, as the reference implementation does")  # fmt: skip
    planes.add_direction_arguments(parser)
    parser.set_defaults(through=None, save_directions=None, directions=None)
    surface.add_surface_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Find the plane, evaluate every snapshot, then the surface."""
    check_output(args.output)
    _from_the_run(args)
    planes.check(args)
    args.directions = "pca:"
    devices, dtype = options.devices_of(args)
    problem, data = options.problem_of(args, args.samples or surface.SAMPLES)
    _tell_other_data(args.runs, data)
    chosen = planes.choose_plane(args, problem, args.output.with_suffix(".run"), devices[0])
    assert chosen.principal is not None
    _tell(chosen.principal)
    return surface.compute_surface(args, problem, data, chosen, devices, dtype, _paths)


def _from_the_run(args: argparse.Namespace) -> None:
    """Model, data and loss as ``lossviz train`` kept them, where they are not given.

    Raises
    ------
    UsageError
        If they are not told, or are functions.
    """
    from compute.training import Snapshots

    about = Snapshots(args.runs[0]).about
    for key in ("model", "data", "loss"):
        origin.take(args, key, about.get(key), args.runs[0])
    if args.model is None:
        raise UsageError(f"model: {args.runs[0]} does not say of what it is; expected --model NAME")
    args.loss = args.loss or "cross_entropy"


def _tell_other_data(runs: Sequence[str], data: Data | None) -> None:
    """Losses of data that are normalised otherwise than in the training are not the training's."""
    from compute.training import Snapshots

    for run in runs:
        kept = Snapshots(run).about.get("normalization")
        if data is not None and isinstance(kept, str) and kept not in ("", data.normalization):
            print(printable(f"lossviz: {run} was trained on data normalised as {kept:.80}, these "
                            f"are normalised as {data.normalization:.80}: see --mean and --std"),
                  file=sys.stderr)  # fmt: skip


def _tell(found: Principal) -> None:
    import numpy as np

    shares = (" + ".join(f"{share:.1%}" for share in part[:2])
              for part in (found.explained, found.by_chance))  # fmt: skip
    print("lossviz: explained variance {}, of a random walk {}; off the plane by {:.0%} in the "
          "median, {:.0%} at most".format(*shares, np.median(found.off_plane),
                                          found.off_plane.max()), file=sys.stderr)  # fmt: skip


def _paths(work: Work) -> Sequence[Trajectory]:
    """The runs with the true loss of every snapshot, computed once."""
    from tqdm import tqdm

    from compute import paths
    from compute.plane import Plane
    from compute.run import Run

    chosen, like = work.chosen, work.evaluators[0]
    assert chosen.runs is not None
    assert chosen.principal is not None
    settings = settings_of(work.provenance, work.grid, chosen.plane, like.problem)
    settings = {key: settings[key] for key in settings if key not in ("alphas", "betas")}
    settings |= {"of": "snapshots", "names": list(chosen.runs.names)}
    folder = own_folder(work.args.output.with_suffix(".path"), settings)
    run = Run(folder, settings, work.center, Plane({}, {}, {}), date=work.provenance.date,
              points=len(chosen.runs))  # fmt: skip
    try:
        with tqdm(total=len(chosen.runs), initial=len(run.points), unit="snapshots",
                  desc="path", disable=None) as bar:  # fmt: skip
            losses = paths.path_losses(
                like.problem, chosen.runs, like, batch_norm=chosen.batch_norm, run=run,
                progress=bar.update,
            )  # fmt: skip
    finally:
        run.close()
    return paths.paths(chosen.runs, chosen.principal, losses)
