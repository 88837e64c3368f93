"""Options that several commands share: what is evaluated, along which plane, on which device."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lossviz.errors import InputError, UsageError

if TYPE_CHECKING:
    from compute.data import Data
    from compute.problem import Problem
    from lossviz.landscape import Provenance
    from lossviz.plane_choice import Chosen

SPIN = "10000"


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


def side(text: str) -> tuple[float, float]:
    """LOW:HIGH."""
    try:
        low, high = (float(part) for part in text.split(":"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected LOW:HIGH such as -1:1, got {text!r}") from None
    return low, high


def numbers(text: str) -> list[float]:
    """Numbers with commas."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected numbers with commas, got {text!r}") from None


def seed(text: str) -> int:
    """A whole number from 0 that fits 63 bits."""
    if not text.isdecimal() or len(text) > 19 or int(text) >= 2**63:
        raise argparse.ArgumentTypeError(
            f"expected a whole number from 0 to 2^63 - 1, got {text!r}"
        )
    return int(text)


def positive(text: str) -> int:
    """A whole number from 1."""
    if not text.isdecimal() or len(text) > 9 or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r:.40}")
    return int(text)


def share(text: str) -> float:
    """2% or 0.02, above 0 and below 1."""
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"expected a share such as 2%, got {text!r}")
    return value


def add_problem_arguments(
    parser: argparse.ArgumentParser, title: str = "what is evaluated", *,
    checkpoint: str | None = "--checkpoint", samples: str = "512", needed: bool = True,
) -> None:  # fmt: skip
    """Model, data and loss; what names the weights, if anything, and how many samples there are
    without being told.

    With ``needed=False`` model and loss may be left out: they are None then.
    """
    add = parser.add_argument_group(title).add_argument
    add("--model", required=needed, metavar="NAME",
        help="resnet20 … resnet110, wrn56_1 … wrn56_8, also _noshort; vgg9, densenet121, vit_tiny, "
        "mnist_cnn, mlp, mlp:64-64:tanh, torchvision:NAME, timm:NAME; or module:function",
    )  # fmt: skip
    parser.set_defaults(checkpoint=None, trust_pickle=False)
    if checkpoint:
        add(checkpoint, dest="checkpoint", metavar="FILE",
            help="its weights: .t7 .pth .pt .th .ckpt .safetensors")  # fmt: skip
        add("--trust-pickle", action="store_true",
            help="read a checkpoint that can run code; only for files you trust")  # fmt: skip
    add("--data", metavar="NAME",
        help="cifar10, cifar100, mnist, fashion_mnist, digits, iris, spirals, swiss_roll, "
        "npz:FILE, csv:FILE, imagefolder:DIR (or DIR@32: scaled); or module:function",
    )  # fmt: skip
    add("--data-root", type=Path, metavar="FOLDER", help="where a downloaded data set is or goes")
    add("--split", default="train", choices=["train", "test"], help="of the data (train)")
    add("--samples", metavar="N", help=f"N of balanced classes, first:N, or all ({samples})")
    add("--mean", type=numbers, metavar="M,M,M", help="instead of the published normalisation")
    add("--std", type=numbers, metavar="S,S,S",
        help="of pixels in [0, 1], one or one a channel; of a table, one a column")  # fmt: skip
    add("--loss", default="cross_entropy" if needed else None, metavar="NAME",
        help="cross_entropy, mse_softmax, mse, or module:function (cross_entropy)")  # fmt: skip
    add(
        "--num-classes",
        type=positive,
        metavar="N",
        help="outputs of the model (as many as the data set has classes)",
    )


def add_device_arguments(
    parser: argparse.ArgumentParser,
    precisions: Sequence[str] = ("float32", "float64", "tf32", "bfloat16"),
) -> None:
    """Where and how precisely."""
    add = parser.add_argument_group("how").add_argument
    told = "of the network; sums are float64 (float32)"
    if "tf32" in precisions:
        told = "tf32: faster on CUDA, its error is told; bfloat16: a preview (float32)"
    add("--precision", default="float32", choices=precisions, help=told)
    add("--device", default="auto", metavar="NAME", help="auto (all GPUs), cpu, cuda, cuda:0, mps")
    add("--threads", type=positive, metavar="N", help="CPU threads (all)")
    add("--batch-size", type=positive, metavar="N", help="instead of the fastest one")


def devices_of(args: argparse.Namespace) -> tuple[list[str], Any]:
    """The devices to share the work, and the numbers' type.

    Raises
    ------
    UsageError
        If they are not there.
    """
    # Threads that wait for the next operation spin, and two computations on one machine then take
    # ten times as long. A short spin costs one alone a few per cent. Before torch starts threads.
    os.environ.setdefault("GOMP_SPINCOUNT", SPIN)
    import torch

    from compute.devices import choose_devices

    if args.threads is not None:
        torch.set_num_threads(args.threads)
    return choose_devices(args.device, args.precision)


def problem_of(
    args: argparse.Namespace, samples: str, *, trained: bool = True
) -> tuple[Problem, Data | None]:
    """The problem that the options describe, or the one that the user's own function returns.

    ``trained``: a line says so if the network is not.
    """
    import torch
    from torch import nn

    from compute import checkpoints, models, problem
    from compute import data as sets
    from compute.own import check_parameters, prepare

    torch.manual_seed(args.seed)  # a network that nobody trained is the same the next time
    named = models.is_name(args.model)
    made = None if named else problem.made(args.model, "model")
    if isinstance(made, problem.Problem):
        if args.data is not None:
            raise UsageError(
                f"data: {args.model} gives a Problem, which brings its own; got {args.data:.80} too"
            )
        weights = {"checkpoint": args.checkpoint, "trust_pickle": args.trust_pickle}
        return prepare(made, seed=args.seed, **weights).problem, None
    if args.data is None:
        raise UsageError("data: expected --data (npz:FILE, cifar10, …); only a Problem needs none")
    data = load_data(args, samples) if sets.is_name(args.data) else None
    drawn: Any = _drawn(args) if data is None else batches_of(data)
    if named:
        shape = tuple(data.inputs.shape[1:]) if data else _shape(args, drawn.batches[0])
        made = models.build(args.model, inputs=shape, num_classes=_outputs(args, data))
    if not isinstance(made, nn.Module):
        kind = type(made).__name__
        raise InputError(f"model: expected {args.model} to return a Module or Problem, got {kind}")
    if args.checkpoint:
        state = checkpoints.read(args.checkpoint, trust_pickle=args.trust_pickle)
        checkpoints.load_into(made, state, str(args.checkpoint))
    elif trained:
        whose = "random" if named else f"those that {args.model} returns"
        print(f"lossviz: no --checkpoint: the weights are {whose}", file=sys.stderr)
    if data is not None and data.real:
        _take_mse(args)
    loss = problem.loss_named(args.loss)
    if data is not None and args.data.startswith(("npz:", "imagefolder:")):
        print(f"lossviz: normalised as {data.normalization}", file=sys.stderr)
    check_parameters(made, str(args.checkpoint or args.model))
    if data is not None and args.loss in problem.LOSSES:
        return problem.Problem(made, loss, drawn, data.strata), data
    known = args.loss if args.loss in problem.LOSSES else loss
    prepared = prepare(made, known, drawn, seed=args.seed)
    for note in prepared.notes:
        print(f"lossviz: {note}", file=sys.stderr)
    return replace(prepared.problem, strata=data.strata if data else prepared.problem.strata), data


def _drawn(args: argparse.Namespace) -> Any:
    """The batches of the user's own function: as many as --samples says."""
    from compute import batches, chance, problem

    wanted: Any = args.samples
    with chance.seeded(args.seed):
        given = problem.made(args.data, "data")
        drawn = batches.draw(given, int(wanted) if str(wanted).isdecimal() else wanted, args.seed)
    if drawn.selection != "all":
        print(f"lossviz: samples: {drawn.selection}", file=sys.stderr)
    return drawn


def _shape(args: argparse.Namespace, batch: Any) -> tuple[int, ...]:
    """The shape of one input, for a built-in network."""
    inputs = batch[0] if isinstance(batch, tuple | list) and batch else batch
    shape = tuple(getattr(inputs, "shape", ()))[1:]
    if not shape:
        raise InputError(
            f"data: {args.model} expects batches (inputs, targets), inputs of two or more "
            f"dimensions; {args.data} gives others: give your own network, module:function"
        )
    return shape


def _outputs(args: argparse.Namespace, data: Data | None) -> int:
    """How many outputs a built-in network gets."""
    if data is None:
        return args.num_classes or 10
    outputs = args.num_classes or data.outputs
    if outputs < data.num_classes or (data.real and outputs > 1):
        needed = "real targets need 1" if data.real else f"labels need at least {data.num_classes}"
        raise UsageError(f"num-classes: the {needed}, got {outputs}")
    return outputs


def _take_mse(args: argparse.Namespace) -> None:
    """Real targets have no cross-entropy."""
    if args.loss == "cross_entropy":
        print(f"lossviz: {args.data} has real targets: the loss is mse", file=sys.stderr)
        args.loss = "mse"
    if args.loss == "mse_softmax":
        raise UsageError(f"loss: mse_softmax is for classes, {args.data} has real targets: use mse")


def load_data(args: argparse.Namespace, samples: str) -> Data:
    """The data set that the options name, with ``samples`` of it chosen; all, if that was not
    asked for and there are fewer."""
    from compute import data as sets

    return sets.load(
        args.data, split=args.split, samples=samples, seed=args.seed, root=args.data_root,
        mean=args.mean, std=args.std, at_most=not args.samples,
    )  # fmt: skip


def batches_of(data: Data) -> list[tuple[Any, Any]]:
    """The data in batches; the engine cuts them as it likes."""
    from compute import problem

    return problem.batches_of(data.inputs, data.targets, 64)


def batched(args: argparse.Namespace, problem: Problem, data: Data | None) -> Problem:
    """The problem in batches of --batch-size, if that is given: smaller ones need less memory.

    Raises
    ------
    UsageError
        If its batches are the user's own.
    """
    from compute.problem import batches_of

    if args.batch_size is None:
        return problem
    if data is None:
        raise UsageError("batch-size: the batches are those of your function; leave it out")
    return replace(problem, batches=batches_of(data.inputs, data.targets, args.batch_size))


def provenance_of(
    args: argparse.Namespace, problem: Problem, data: Data | None, chosen: Chosen, device: str
) -> Provenance:
    """What goes into the file about where its numbers come from."""
    import torch

    from compute import checkpoints
    from compute.criteria import name_of
    from compute.folding import batch_norm_of
    from compute.problem import sample_count
    from lossviz import __version__
    from lossviz.landscape import Provenance

    plane, principal = chosen.plane, chosen.principal
    return Provenance(
        model=args.model,
        checkpoint=Path(args.checkpoint).name if args.checkpoint else "",
        checkpoint_sha256=checkpoints.sha256(args.checkpoint) if args.checkpoint else "",
        data=name_only(args.data or ""),
        split=args.split if data else "",
        samples=sample_count(problem.batches),
        selection=data.selection if data else "",
        normalization=data.normalization if data else "",
        loss=args.loss if args.data else name_of(problem.loss),  # a Problem brings its own
        directions=plane.kind,
        direction_normalize=plane.normalize,
        direction_ignore=plane.ignore,
        direction_sha256=plane.sha256,
        direction_angle=round(plane.angle, 4) if plane.angle == plane.angle else 0.0,
        seed=args.seed,
        batch_norm=batch_norm_of(problem.model, chosen.batch_norm),
        explained_variance=principal.explained if principal else (),
        explained_by_chance=principal.by_chance if principal else (),
        notes=chosen.notes,
        precision=args.precision,
        device=device,
        versions={"lossviz": __version__, "torch": torch.__version__},
        command=command_line(args.argv),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def command_line(argv: list[str]) -> str:
    """The command line, files by their names alone: folders tell about a machine, not a result."""
    return shlex.join(["lossviz", *map(name_only, argv)])


def name_only(word: str) -> str:
    """A word of a command line, a file by its name alone."""
    word = word.rstrip("/") or word
    prefix, colon, path = word.rpartition(":")
    if colon and "/" in path:
        return f"{prefix}:{path.rpartition('/')[2]}"
    return word.rpartition("/")[2] if "/" in word else word
