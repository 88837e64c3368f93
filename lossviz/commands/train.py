"""``lossviz train``: a small reference trainer, which records snapshots of the weights."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lossviz.commands import options
from lossviz.commands.report import finite
from lossviz.errors import InputError, UsageError, printable

if TYPE_CHECKING:
    from compute.data import Data
    from compute.training.trainer import Trainer

ALL = "all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``lossviz train``."""
    options.add_problem_arguments(parser, "what is trained", checkpoint="--init", samples=ALL)
    add = parser.add_argument_group("how it is trained").add_argument
    add("--epochs", type=options.positive, default=10, metavar="N", help="passes of the data (10)")
    add("--optimizer", default="nesterov", choices=["sgd", "momentum", "nesterov", "adam", "adamw"],
        help="sgd is without momentum (nesterov)")  # fmt: skip
    add("--lr", type=float, metavar="RATE", help="learning rate (0.1; 0.001 for adam and adamw)")
    add("--momentum", type=float, metavar="SHARE", help="of momentum and nesterov (0.9)")
    add("--weight-decay", type=float, default=5e-4, metavar="RATE",
        help="of all parameters, biases and batch norm too, as published (0.0005)")  # fmt: skip
    add("--schedule", default="cosine", choices=["constant", "cosine", "step"],
        help="of the learning rate: step divides it by 10 at each milestone (cosine)")  # fmt: skip
    add("--milestones", type=options.numbers, default=(), metavar="E,E",
        help="epochs of the schedule step (at half and three quarters)")  # fmt: skip
    add("--batch-size", type=options.positive, default=128, metavar="N", help="(128)")
    add("--augment", action="store_true",
        help="random crops of images padded by 4, and flips")  # fmt: skip
    add("--label-smoothing", type=float, default=0.0, metavar="SHARE",
        help="so much of the target goes to all classes in equal parts (0)")  # fmt: skip
    add("--seed", type=options.seed, default=0, metavar="N",
        help="of the first weights, chosen samples, batches and augmentation (0)")  # fmt: skip
    add("--device", default="auto", metavar="NAME", help="auto, cpu, cuda, cuda:0, mps")
    add("--threads", type=options.positive, metavar="N", help="CPU threads (all)")
    add = parser.add_argument_group("result").add_argument
    add("-o", "--output", required=True, type=Path, metavar="RUN",
        help="folder; a training that was killed goes on there")  # fmt: skip
    add("--snapshots-every", type=float, default=1.0, metavar="E",
        help="epochs, also parts of one: 0.5 (1)")  # fmt: skip
    add("--restart", action="store_true", help="throw away the training that is in the folder")
    add("--json", action="store_true", help="print the report as JSON")
    parser.set_defaults(precision="float32")


def run(args: argparse.Namespace) -> int:
    """Load everything, train or go on, report."""
    from compute.training.recipe import Recipe

    recipe = Recipe(**{field.name: getattr(args, field.name) for field in fields(Recipe)})
    devices, _ = options.devices_of(args)
    problem, data = options.problem_of(args, args.samples or ALL, trained=False)
    if data is None:
        raise UsageError(
            "data: expected a data set by its name; in a training loop of your own "
            "compute.Recorder records the same snapshots"
        )
    trainer = _trainer(args, problem, recipe, data, devices[0])
    if trainer.done == trainer.total:
        print(f"lossviz: {args.output}: is trained already; --restart begins anew", file=sys.stderr)
    try:
        _train(args, trainer)
    except KeyboardInterrupt:
        print(f"\nlossviz: interrupted in epoch {trainer.done / trainer.per_epoch:.2f}; "
              "the same command goes on from the last save", file=sys.stderr)  # fmt: skip
        raise
    _report(args, trainer)
    return 0


def _trainer(
    args: argparse.Namespace, problem: Any, recipe: Any, data: Data, device: str
) -> Trainer:
    from compute import checkpoints
    from compute.training.trainer import Trainer

    test = _other_split(args, data)
    about = {
        "model": args.model, "data": options.name_only(args.data), "split": data.split,
        "selection": data.selection, "normalization": data.normalization, "loss": args.loss,
        "data_sha256": data.sha256(), "tested_on": 0 if test is None else len(test.targets),
        "init": options.name_only(args.checkpoint or ""),
        "init_sha256": checkpoints.sha256(args.checkpoint) if args.checkpoint else "",
    }  # fmt: skip
    try:
        return Trainer(
            problem.model, problem.loss, (data.inputs, data.targets), recipe, args.output,
            test=None if test is None else (test.inputs, test.targets), device=device, about=about,
            restart=args.restart,
        )  # fmt: skip
    except UsageError as error:
        if "other settings" in str(error):
            raise UsageError(f"{error} with --restart") from None
        raise


def _other_split(args: argparse.Namespace, data: Data) -> Data | None:
    """What the network is tested on: the split that it is not trained on, if there is one."""
    from compute import data as sets

    other = "test" if data.split == "train" else "train"
    wanted = {"seed": args.seed, "root": args.data_root, "mean": args.mean, "std": args.std}
    try:
        found = sets.load(args.data, split=other, samples=ALL, **wanted)
    except InputError as error:
        print(printable(f"lossviz: nothing is tested: {error}"), file=sys.stderr)
        return None
    if found.available == data.available:  # a file without splits gives the same for both
        whole = sets.load(args.data, split=data.split, samples=ALL, **wanted)
        if found.sha256() == whole.sha256():
            print(f"lossviz: nothing is tested: {args.data} has no {other} split", file=sys.stderr)
            return None
    return found


def _train(args: argparse.Namespace, trainer: Trainer) -> None:
    import torch
    from tqdm import tqdm

    from lossviz import __version__

    if trainer.done == trainer.total:
        return
    trainer.recorder.note(
        trainer.done / trainer.per_epoch, command=options.command_line(args.argv),
        date=datetime.now(UTC).isoformat(timespec="seconds"), device=trainer.device,
        versions={"lossviz": __version__, "torch": torch.__version__},
    )  # fmt: skip
    shown: dict[str, str] = {}
    bar: Any = tqdm(
        total=trainer.total, initial=trainer.done, unit="batch", disable=None,
        desc=args.output.name, smoothing=0.05,
    )  # fmt: skip

    def told(values: dict[str, float]) -> None:
        shown["epoch"] = f"{trainer.done / trainer.per_epoch:.1f}/{trainer.recipe.epochs}"
        shown.update({name: f"{value:.4g}" for name, value in values.items()})
        bar.set_postfix(shown, refresh=False)
        bar.update(1)

    with bar:
        trainer.run(told)


def _report(args: argparse.Namespace, trainer: Trainer) -> None:
    from compute.training import Snapshots
    from compute.training.trainer import FINAL

    snapshots = Snapshots(args.output)
    notes = (values for _, values in reversed(snapshots.notes) if "loss" in values)
    last = {name: float(value) for name, value in next(notes, {}).items()}  # NaN is kept as a word
    final = args.output / FINAL
    if args.json:
        report = {
            "folder": str(args.output), "checkpoint": str(final), "snapshots": len(snapshots),
            "epochs": trainer.recipe.epochs, **last,
        }  # fmt: skip
        print(json.dumps(finite(report)))
        return
    told = ", ".join(
        f"{name.replace('_', ' ')} {value:.4g}" for name, value in last.items() if name != "lr"
    )
    path = ["lossviz", "trajectory", str(args.output), "-o", f"{args.output.name}.ply"]
    words = ["lossviz", "surface", "--model", args.model, "--checkpoint", str(final),
             "--data", args.data, *_same(args),
             "-o", f"{args.output.name}_surface.ply"]  # fmt: skip
    print(printable(f"{args.output}: {trainer.recipe.epochs} epochs, {len(snapshots)} snapshots"))
    print(f"  {told}")
    if len(snapshots) > 2:  # fewer do not span a plane
        print(printable(f"  {shlex.join(path)}"))
    print(printable(f"  {shlex.join(words)}"))


def _same(args: argparse.Namespace) -> list[str]:
    """What another command needs to know of the data and the loss."""
    words = []
    for name in ("data_root", "split", "mean", "std", "loss", "num_classes"):
        value = getattr(args, name)
        if value not in (None, "train", "cross_entropy"):
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            words += [f"--{name.replace('_', '-')}", text]
    return words
