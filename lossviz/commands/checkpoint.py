"""``lossviz checkpoint``: the weights at a place of a surface, as a checkpoint."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lossviz.commands import options, origin
from lossviz.commands.report import finite
from lossviz.errors import LossvizError, UsageError, printable

if TYPE_CHECKING:
    from torch import Tensor

    from compute.plane import Plane
    from compute.problem import Problem
    from lossviz.landscape import Surface

SUFFIXES = (".pt", ".pth", ".safetensors")
SAMPLES = "64"  # enough to build the network: nothing is evaluated


def place(text: str) -> tuple[float, float]:
    """ALPHA,BETA."""
    try:
        alpha, beta = (float(part) for part in text.split(","))
    except ValueError:
        alpha = beta = math.nan
    if not (math.isfinite(alpha) and math.isfinite(beta)):
        raise argparse.ArgumentTypeError(f"expected ALPHA,BETA such as 0.3,-0.2, got {text!r:.60}")
    return alpha, beta


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``lossviz checkpoint``."""
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="a surface of lossviz (.ply)")
    add("--at", type=place, required=True, metavar="ALPHA,BETA", help="in its plane")
    add("-o", "--output", type=Path, required=True, metavar="OUT", help=".pt or .safetensors")
    add("--json", action="store_true", help="print the report as JSON")
    options.add_problem_arguments(
        parser, "the network (as the file tells, where it is not given)", needed=False,
        samples=SAMPLES,
    )  # fmt: skip
    parser.set_defaults(split=None)
    add("--directions", metavar="FILE", help="of the surface, if NAME.run/ is not there")
    add("--seed", type=options.seed, help="of random directions (the file's)")


def run(args: argparse.Namespace) -> int:
    """Read the surface, find its network and plane again, move there, write."""
    from lossviz import ply

    _check_output(args.output)
    landscape = ply.read(args.file)
    if landscape.surface is None:
        raise UsageError(f"{args.file}: expected a surface, got curves only")
    known = landscape.provenance
    origin.fill(args, known, args.file)
    if args.checkpoint and args.output.resolve() == Path(args.checkpoint).resolve():
        raise UsageError(f"output: {args.output} is the checkpoint that the surface is of")
    problem, _ = options.problem_of(args, args.samples or SAMPLES)
    plane = origin.plane_of(problem, known, args.file, args.directions)
    state = weights_at(problem, plane, *args.at)
    write(state, args.output, {"of": args.file.name, "at": list(args.at), "model": known.model,
                               "checkpoint_sha256": known.checkpoint_sha256})  # fmt: skip
    _report(args, landscape.surface, state, known.samples)
    return 0


def _check_output(path: Path) -> None:
    if path.suffix not in SUFFIXES:
        raise UsageError(f"output: expected a name that ends in .pt or .safetensors, got {path}")
    if not path.parent.is_dir() or path.is_dir():
        why = "it is a folder" if path.is_dir() else f"no folder {path.parent}"
        raise LossvizError(f"{path}: cannot be written: {why}")


def weights_at(problem: Problem, plane: Plane, alpha: float, beta: float) -> dict[str, Tensor]:
    """The state dict of the network at theta* + alpha delta + beta eta.

    As the surface's own evaluation forms it: batch norm's statistics move along if the plane moves
    them, variances in the log.

    Raises
    ------
    InputError
        If the model cannot be copied or does not fit the plane.
    """
    from compute.weights import Weights, private

    model = private(problem.model)
    Weights(model, plane.theta, plane.delta, plane.eta).set(alpha, beta)
    return {name: v.detach().to("cpu", copy=True).contiguous()
            for name, v in model.state_dict().items()}  # fmt: skip


def write(state: dict[str, Tensor], path: Path, about: dict[str, Any]) -> None:
    """A state dict as ``.safetensors``, with ``about`` in its metadata, or as PyTorch's file.

    Raises
    ------
    LossvizError
        If it cannot be written.
    """
    from lossviz.files import replace

    if path.suffix == ".safetensors":
        from safetensors.torch import save

        data = save(state, metadata={"lossviz": json.dumps(about)})
        replace(path, lambda file: file.write(data), str(path))
    else:
        import torch

        replace(path, lambda file: torch.save(state, file), str(path))


def _report(
    args: argparse.Namespace, surface: Surface, state: dict[str, Tensor], samples: int
) -> None:
    from compute.interpolation import loss_at

    loss, how = loss_at(surface, *args.at)
    alpha, beta = args.at
    told = {"file": str(args.output), "alpha": alpha, "beta": beta, "loss": loss, "loss_is": how,
            "samples": samples, "numbers": sum(v.numel() for v in state.values())}  # fmt: skip
    if args.json:
        print(json.dumps(finite(told)))
        return
    where = f"α {alpha:g}, β {beta:g}"
    by = f"{loss:.6g} ({how})" if how in ("computed", "interpolated") else f"not known: {how}"
    of = f", of {samples:,} samples" * bool(samples)
    print(printable(f"{args.output}: {args.model} at {where}, {told['numbers']:,} numbers"))
    print(printable(f"  loss there by {args.file}: {by}{of}"))
