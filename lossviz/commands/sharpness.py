"""``lossviz sharpness``: how sharp a minimum is, by several definitions; networks side by side."""

from __future__ import annotations

import argparse
import copy
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lossviz.commands import options, origin
from lossviz.commands.report import finite
from lossviz.errors import UsageError
from lossviz.files import distinct

if TYPE_CHECKING:
    from compute.hessian import Hessian
    from compute.problem import Problem
    from compute.sharpness import Measure

SAMPLES, COUNT, PROBES, STEPS = "256", 20, 30, 10
PARTS = 6  # of the work, beside the directions: what is told of progress
FIRST, COLUMN = 14, 24  # characters of a table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``lossviz sharpness``."""
    options.add_problem_arguments(parser, samples=SAMPLES, needed=False)
    parser.set_defaults(split=None)
    add = parser.add_argument_group("of which networks").add_argument
    add("--compare", nargs="+", metavar="FILE",
        help="side by side: checkpoints of --model, or landscapes (.ply), "
        "which tell theirs")  # fmt: skip
    add = parser.add_argument_group("how it is measured").add_argument
    add("--radii", type=options.numbers, metavar="A,A", help="of the average (0.1,0.25,0.5)")
    add("--rises", type=options.numbers, metavar="R,R", help="of the widths (0.1,0.5,1)")
    add("--count", type=options.positive, default=COUNT, metavar="K",
        help="so many random directions (20)")  # fmt: skip
    add("--rho", type=_above_zero, metavar="RHO", help="radius of SAM (0.05)")
    add("--asam-rho", type=_above_zero, metavar="RHO", help="radius of ASAM (0.5)")
    add("--epsilon", type=_above_zero, metavar="EPS", help="box of Keskar et al. (0.001)")
    add("--steps", type=options.positive, default=STEPS, metavar="N",
        help="of the ascent to the highest loss of a region (10)")  # fmt: skip
    add("--probes", type=options.positive, default=PROBES, metavar="N", help="of the trace (30)")
    add("--ignore", choices=["biasbn", "none"],
        help="biasbn: tensors of one dimension do not move (the papers': none for sam, asam and "
        "keskar, else biasbn)")  # fmt: skip
    add("--seed", type=options.seed, help="of samples, directions and probes (0)")
    options.add_device_arguments(parser, precisions=("float32", "float64"))
    parser.add_argument_group("result").add_argument(
        "--json", action="store_true", help="print the report as JSON"
    )


def _above_zero(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (value > 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r:.40}")
    return value


@dataclass(frozen=True)
class Network:
    """What one column tells."""

    name: str
    model: str
    data: str
    samples: int
    selection: str
    batches_sha256: str
    parameters: dict[str, int]  # how many move, by --ignore
    measures: list[Measure]


def run(args: argparse.Namespace) -> int:
    """Measure each network, print the table."""
    for name, values in (("radii", args.radii), ("rises", args.rises)):
        if values and not all(value > 0 and math.isfinite(value) for value in values):
            raise UsageError(f"{name}: expected numbers above 0, got {values}")
    if args.compare and args.checkpoint:
        raise UsageError("compare: it names the networks; leave out --checkpoint")
    networks = [_network(own, name) for own, name in _each(args)]
    if args.json:
        from compute.sharpness import CAVEAT

        print(json.dumps(finite({"networks": [asdict(n) for n in networks], "caveat": CAVEAT})))
    else:
        print("\n".join(_table(networks)))
    return 0


def _each(args: argparse.Namespace) -> Iterator[tuple[argparse.Namespace, str]]:
    """The options of each network, and what to call it."""
    if not args.compare:
        yield _defaults(args), Path(args.checkpoint).name if args.checkpoint else str(args.model)
        return
    for path, name in zip(args.compare, distinct(args.compare), strict=True):
        own = copy.copy(args)
        if path.lower().endswith(".ply"):
            from lossviz import ply

            own.seed = args.seed or 0  # the same directions for all
            origin.fill(own, ply.read(path).provenance, Path(path))
        else:
            own.checkpoint = path
        yield _defaults(own), name


def _defaults(args: argparse.Namespace) -> argparse.Namespace:
    if not args.model:
        raise UsageError("model: expected --model NAME, or --compare with landscapes (.ply)")
    args.seed, args.split = args.seed or 0, args.split or "train"
    args.loss = args.loss or "cross_entropy"
    return args


def _network(args: argparse.Namespace, name: str) -> Network:
    from tqdm import tqdm

    from compute.problem import batches_sha256, sample_count

    devices, dtype = options.devices_of(args)
    problem, data = options.problem_of(args, args.samples or SAMPLES)
    problem = options.batched(args, problem, data)
    sizes: dict[str, int] = {}
    with tqdm(total=args.count + PARTS, desc=name, unit="parts", disable=None) as bar:
        measures = list(_measures(args, problem, devices[0], dtype, sizes, bar.update))
    return Network(
        name, args.model, options.name_only(args.data or ""), sample_count(problem.batches),
        data.selection if data else "", batches_sha256(problem.batches), sizes, measures,
    )  # fmt: skip


def _measures(
    args: argparse.Namespace, problem: Problem, device: str, dtype: Any, sizes: dict[str, int],
    progress: Callable[[int], Any],
) -> Iterator[Measure]:  # fmt: skip
    """All of them; ``sizes`` is told how many parameters move."""
    from compute import sharpness, worst_case
    from compute.hessian import Hessian

    def hessian(usual: str) -> Hessian:
        found = Hessian(problem, ignore=args.ignore or usual, device=device, dtype=dtype)
        sizes[args.ignore or usual] = found.size
        return found

    ignore, seed, steps = args.ignore or "biasbn", args.seed, args.steps
    everything = hessian("none")
    yield sharpness.loss(everything)
    progress(1)
    evaluators = sharpness.lines(
        problem, count=args.count, seed=seed, ignore=ignore, device=device, dtype=dtype
    )
    yield from sharpness.along_lines(
        evaluators, radii=args.radii or sharpness.RADII, rises=args.rises or sharpness.RISES,
        progress=progress,
    )  # fmt: skip
    for of, radius in (
        (worst_case.sam, {"rho": args.rho or worst_case.RHO}),
        (worst_case.asam, {"rho": args.asam_rho or worst_case.ASAM_RHO}),
        (worst_case.keskar, {"epsilon": args.epsilon or worst_case.EPSILON}),
    ):
        yield of(everything, steps=steps, seed=seed, **radius)
        progress(1)
    del everything
    yield from sharpness.curvature(hessian("biasbn"), probes=args.probes, seed=seed)
    progress(2)


def _table(networks: Sequence[Network]) -> list[str]:
    """A row for each measure, a column for each network; then what the numbers are."""
    from compute.sharpness import CAVEAT

    first = networks[0]
    lines = [" " * FIRST + "".join(f"{_short(n.name):>{COLUMN}}" for n in networks)]
    for row, measure in enumerate(first.measures):
        cells = [_cell(network.measures[row]) for network in networks]
        lines.append(f"{measure.name:{FIRST}}" + "".join(f"{cell:>{COLUMN}}" for cell in cells))
    lines.append("")
    for measure in first.measures:
        lines.append(f"{measure.name:{FIRST}}{measure.definition}; ± from {measure.error_of}")
    lines.append("")
    for network in networks:
        chosen = f" ({network.selection})" if network.selection else ""
        lines.append(f"{network.name}: {network.model}, {network.samples:,} samples{chosen} of "
                     f"{network.data or 'its own'}; {_moved(network.parameters)}")  # fmt: skip
    if len({network.batches_sha256 for network in networks}) > 1:
        lines.append("the networks were not measured on the same samples")
    return [*lines, CAVEAT]


def _moved(sizes: dict[str, int]) -> str:
    """How many parameters the measures move."""
    if len(sizes) == 1:
        return f"{next(iter(sizes.values())):,} parameters move"
    return (f"sam, asam and keskar move all {sizes['none']:,} parameters, the others "
            f"{sizes['biasbn']:,}: none of one dimension")  # fmt: skip


def _short(name: str) -> str:
    return name if len(name) < COLUMN else "…" + name[2 - COLUMN :]


def _cell(measure: Measure) -> str:
    if not math.isfinite(measure.stderr):
        return f"{measure.value:.4g}"
    return f"{measure.value:.4g} ± {measure.stderr:.1g}"
