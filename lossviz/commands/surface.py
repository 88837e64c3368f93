"""``lossviz surface``: a loss surface around a checkpoint, into one PLY file."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lossviz.errors import InputError, UsageError

if TYPE_CHECKING:
    from compute.data import Data
    from compute.evaluation import Evaluator
    from compute.plane import Plane
    from compute.problem import Problem
    from compute.run import Run
    from compute.surface import Grid
    from lossviz.landscape import Landscape, Provenance


def grid_size(text: str) -> tuple[int, int]:
    """NxM points."""
    match = re.fullmatch(r"(\d{1,5})(?:[x×](\d{1,5}))?", text)
    if match is None or 0 in (sizes := (int(match[1]), int(match[2] or match[1]))):
        raise argparse.ArgumentTypeError(f"expected POINTSxPOINTS such as 51x51, got {text!r}")
    return sizes


def ranges(text: str) -> tuple[float, float, float, float]:
    """LOW:HIGH for both axes or LOW:HIGH,LOW:HIGH."""
    try:
        sides = [tuple(float(part) for part in side.split(":")) for side in text.split(",")]
        (a, b), (c, d) = sides * 2 if len(sides) == 1 else sides
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected LOW:HIGH such as -1:1, or one for each axis with a comma, got {text!r}"
        ) from None
    return a, b, c, d


def numbers(text: str) -> list[float]:
    """Numbers with commas."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected numbers with commas, got {text!r}") from None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``lossviz surface``."""
    add = parser.add_argument_group("what is evaluated").add_argument
    add("--model", required=True, metavar="NAME",
        help="resnet20 … resnet110, also _noshort; mlp; or module:function")  # fmt: skip
    add("--checkpoint", metavar="FILE", help="its weights: .t7 .pth .pt .th .ckpt .safetensors")
    add("--trust-pickle", action="store_true",
        help="read a checkpoint that can run code; only for files you trust")  # fmt: skip
    add(
        "--data",
        metavar="NAME",
        help="npz:FILE, cifar10, fashion_mnist, digits, or module:function",
    )
    add("--data-root", type=Path, metavar="FOLDER", help="where a downloaded data set is or goes")
    add("--split", default="train", choices=["train", "test"])
    add(
        "--samples", default="512", metavar="N", help="N of balanced classes, first:N, or all (512)"
    )
    add("--mean", type=numbers, metavar="M,M,M", help="instead of the published normalisation")
    add("--std", type=numbers, metavar="S,S,S")
    add("--loss", default="cross_entropy", metavar="NAME",
        help="cross_entropy, mse_softmax, mse, or module:function")  # fmt: skip
    add("--num-classes", type=int, metavar="N", help="outputs of the model (from the labels, 10+)")
    add = parser.add_argument_group("where").add_argument
    add("--grid", type=grid_size, default=(51, 51), metavar="NxM", help="points (51x51)")
    add("--range", type=ranges, default=(-1.0, 1.0, -1.0, 1.0), metavar="LOW:HIGH",
        help="of alpha and beta (-1:1)")  # fmt: skip
    add("--directions", default="random", metavar="FILE",
        help="random, or a .safetensors or .h5 file of two directions")  # fmt: skip
    add("--normalize", default="filter", choices=["filter", "layer", "weight", "model", "none"])
    add("--ignore", default="biasbn", choices=["biasbn", "none"],
        help="biasbn: biases and batch norm do not move (as published)")  # fmt: skip
    add("--seed", type=int, default=0, help="of random directions and chosen samples (0)")
    add = parser.add_argument_group("how").add_argument
    add("-o", "--output", required=True, type=Path, metavar="PLY")
    add("--batch-norm", default="stored", choices=["stored"], help="statistics of the checkpoint")
    add("--precision", default="float32", choices=["float32", "float64"])
    add("--device", default="auto", metavar="NAME", help="auto, cpu, cuda or mps")
    add("--threads", type=int, metavar="N", help="CPU threads (all)")
    add("--batch-size", type=int, default=0, metavar="N", help="(64 on a CPU, 1024 on a GPU)")
    add("--restart", action="store_true", help="throw an earlier, other computation away")
    add("--view", action="store_true", help="open the window at once and watch it grow")
    add("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace) -> int:
    """Set everything up, evaluate, write the file after each level, report."""
    if args.output.suffix.lower() != ".ply":
        raise UsageError(f"output: expected a name that ends in .ply, got {str(args.output)!r}")
    if not args.output.resolve().parent.is_dir():
        raise UsageError(f"output: expected an existing folder, got {args.output.parent}")
    from compute.evaluation import Evaluator
    from compute.surface import Grid, axis, check_center

    device, dtype = _device(args)
    problem, data = _problem(args, device)
    plane = _plane(args, problem)
    a, b, c, d = args.range
    grid = Grid(axis(a, b, args.grid[0]), axis(c, d, args.grid[1]))
    evaluator = Evaluator(problem, plane, device=device, dtype=dtype)
    center = check_center(evaluator)
    provenance = _provenance(args, problem, data, plane, device)
    run = _open_run(args, provenance, grid, list(center), plane, data)
    provenance = replace(provenance, date=run.date)
    try:
        landscape = _evaluate(args, evaluator, grid, run, provenance)
    except KeyboardInterrupt:
        print(f"\nlossviz: interrupted after {len(run.points):,} of {grid.count:,} points; all are "
              "kept: the same command goes on from there", file=sys.stderr)  # fmt: skip
        raise
    finally:
        run.close()
    _report(args, landscape, center, evaluator, run)
    return 0


def _device(args: argparse.Namespace) -> tuple[str, Any]:
    import torch

    if args.threads is not None:
        if args.threads < 1:
            raise UsageError(f"threads: expected at least 1, got {args.threads}")
        torch.set_num_threads(args.threads)
    device = args.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
        if device == "cpu" and torch.backends.mps.is_available():
            device = "mps"
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        text = " ".join(str(error).split())[:100]
        raise UsageError(f"device: {args.device!r} cannot be used here: {text}") from None
    return device, getattr(torch, args.precision)


def _problem(args: argparse.Namespace, device: str) -> tuple[Problem, Data | None]:
    """The problem that the options describe, or the one that the user's own function returns."""
    from torch import nn

    from compute import checkpoints, problem
    from compute.models import build

    made = problem.entry(args.model, "model")() if ":" in args.model else None
    if isinstance(made, problem.Problem):
        return made, None
    if args.data is None:
        raise UsageError("data: expected --data (npz:FILE, cifar10, …); only a Problem needs none")
    data, batches = _data(args, device)
    if made is None:
        classes = args.num_classes or (max(10, data.num_classes) if data else 10)
        shape = tuple(data.inputs.shape[1:]) if data else tuple(batches[0][0].shape[1:])
        made = build(args.model, inputs=shape, num_classes=classes)
    if not isinstance(made, nn.Module):
        kind = type(made).__name__
        raise InputError(f"model: expected {args.model} to return a Module or Problem, got {kind}")
    if args.checkpoint:
        state = checkpoints.read(args.checkpoint, trust_pickle=args.trust_pickle)
        checkpoints.load_into(made, state, str(args.checkpoint))
    elif ":" not in args.model:
        print("lossviz: no --checkpoint: the weights are random", file=sys.stderr)
    return problem.Problem(made, problem.loss_named(args.loss), batches), data


def _data(args: argparse.Namespace, device: str) -> tuple[Data | None, Any]:
    from compute import data as sets
    from compute import problem

    if ":" in args.data and not args.data.startswith("npz:"):
        return None, problem.entry(args.data, "data")()
    found = sets.load(
        args.data, split=args.split, samples=args.samples, seed=args.seed, root=args.data_root,
        mean=args.mean, std=args.std,
    )  # fmt: skip
    size = args.batch_size or (64 if device == "cpu" else 1024)
    if size < 1:
        raise UsageError(f"batch-size: expected at least 1, got {size}")
    if args.data.startswith("npz:"):
        print(f"lossviz: normalised as {found.normalization}", file=sys.stderr)
    return found, problem.batches_of(found.inputs, found.targets, size)


def _plane(args: argparse.Namespace, problem: Problem) -> Plane:
    from compute import directions
    from compute.plane import Plane, random_plane

    if args.directions == "random":
        return random_plane(
            problem.model, seed=args.seed, normalize=args.normalize, ignore=args.ignore
        )
    theta = directions.center_of(problem.model)
    delta, eta = directions.read(args.directions, theta)
    return Plane(theta, delta, eta, kind=Path(args.directions).name)


def _provenance(
    args: argparse.Namespace, problem: Problem, data: Data | None, plane: Plane, device: str
) -> Provenance:
    import torch

    from compute import checkpoints
    from compute.problem import sample_count
    from lossviz import __version__
    from lossviz.landscape import Provenance

    return Provenance(
        model=args.model,
        checkpoint=Path(args.checkpoint).name if args.checkpoint else "",
        checkpoint_sha256=checkpoints.sha256(args.checkpoint) if args.checkpoint else "",
        data=_name_only(args.data or ""),
        split=args.split if data else "",
        samples=sample_count(problem.batches),
        selection=data.selection if data else "",
        normalization=data.normalization if data else "",
        loss=args.loss,
        directions=plane.kind,
        direction_normalize=plane.normalize,
        direction_ignore=plane.ignore,
        direction_sha256=plane.sha256,
        seed=args.seed,
        batch_norm=args.batch_norm,
        precision=args.precision,
        device=device,
        versions={"lossviz": __version__, "torch": torch.__version__},
        command=_command(args.argv),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _command(argv: list[str]) -> str:
    """The command line, files by their names alone: folders tell about a machine, not a result."""
    return shlex.join(["lossviz", *map(_name_only, argv)])


def _name_only(word: str) -> str:
    prefix, colon, path = word.rpartition(":")
    if colon and "/" in path:
        return f"{prefix}:{path.rpartition('/')[2]}"
    return word.rpartition("/")[2] if "/" in word else word


def _open_run(
    args: argparse.Namespace, provenance: Provenance, grid: Grid, names: list[str], plane: Plane,
    data: Data | None,
) -> Run:  # fmt: skip
    from compute import directions
    from compute.run import Run

    # What the numbers depend on; when and by which words they were asked for does not matter.
    told = provenance.to_json()
    settings = {k: told[k] for k in told if k not in ("command", "date", "duration", "versions")}
    settings |= {
        "alphas": grid.alphas.tolist(), "betas": grid.betas.tolist(),
        "data_sha256": data.sha256() if data else "", "batch_size": args.batch_size,
        "theta_sha256": directions.sha256(plane.theta),
    }  # fmt: skip
    return Run(
        args.output.with_suffix(".run"), settings, names, plane,
        date=provenance.date, restart=args.restart,
    )  # fmt: skip


def _evaluate(
    args: argparse.Namespace, evaluator: Evaluator, grid: Grid, run: Run, provenance: Provenance
) -> Landscape:
    from tqdm import tqdm

    from compute.surface import evaluate
    from lossviz import ply
    from lossviz.landscape import Landscape

    window: subprocess.Popen[bytes] | None = None
    done = len(run.points)
    if done:
        print(f"lossviz: {done:,} of {grid.count:,} points are there already", file=sys.stderr)
    with tqdm(
        total=grid.count, initial=done, unit="points", disable=None, smoothing=0.05,
        desc=args.output.stem,
    ) as bar:  # fmt: skip
        for surface in evaluate(evaluator, grid, run, progress=bar.update):
            landscape = Landscape(
                surface=surface,
                provenance=replace(provenance, duration=run.seconds),
                name=args.model.rpartition(":")[2],
            )
            ply.write(landscape, args.output)
            if args.view and window is None:
                words = [sys.executable, "-m", "lossviz", "view", str(args.output)]
                window = subprocess.Popen(words)
    return landscape


def _report(
    args: argparse.Namespace, landscape: Landscape, center: dict[str, float],
    evaluator: Evaluator, run: Run,
) -> None:  # fmt: skip
    assert landscape.surface is not None
    import numpy as np

    loss = landscape.surface.loss
    finite = loss[np.isfinite(loss)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (None, None)
    report = {
        "file": str(args.output), "points": int(loss.size), "samples": landscape.provenance.samples,
        "seconds": round(run.seconds, 3), "batch_norm_folded": evaluator.folded,
        "loss_min": low, "loss_max": high, "not_finite": int(loss.size - finite.size),
        "center": center,
    }  # fmt: skip
    if args.json:
        print(json.dumps(report))
        return
    told = ", ".join(f"{name} {value:.5g}" for name, value in center.items())
    span = f"{low:.5g} to {high:.5g}" if low is not None else "nowhere finite"
    print(f"{args.output}: {loss.size:,} points x {report['samples']:,} samples in "
          f"{time.strftime('%H:%M:%S', time.gmtime(run.seconds))}\n"
          f"  loss {span}; at the centre {told}\n"
          f"  lossviz view {args.output}")  # fmt: skip
