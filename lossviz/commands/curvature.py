"""``lossviz curvature``: where a loss surface is convex, and the Hessian at its centre."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lossviz.commands import options, origin
from lossviz.commands.report import check_output, clock, finite, open_window
from lossviz.commands.runs import own_folder, resumable, settings_of
from lossviz.errors import InputError, UsageError
from lossviz.files import DAMAGED

if TYPE_CHECKING:
    from tqdm import tqdm

    from compute.hessian import Hessian
    from compute.plane import Plane
    from compute.run import Run
    from compute.surface import Grid
    from lossviz.landscape import Curve, Landscape, Provenance, Surface

SAMPLES, POINTS, TOP, PROBES, DENSITY = "64", (11, 11), 5, 30, (5, 40)
NOTE, CENTER_FILE = "curvature: ", "center.json"
CENTER = {
    "lambda_min", "lambda_max", "largest", "residuals", "trace", "trace_stderr", "probes", "density"
}  # fmt: skip
SHARP, LEAST = 1e-4, 20  # tolerance and products at the centre, where numbers are quoted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``lossviz curvature``."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a surface of lossviz (.ply)")
    options.add_problem_arguments(
        parser, "what is evaluated (as the file tells, where it is not given)", needed=False,
        samples=SAMPLES,
    )  # fmt: skip
    parser.set_defaults(split=None)
    add = parser.add_argument_group("where and how well").add_argument
    add("--grid", type=options.grid_size, default=POINTS, metavar="NxM",
        help="so many of the surface's own lines, ends and centre among them (11x11)")  # fmt: skip
    add("--tolerance", type=options.share, default=0.005, metavar="0.5%",
        help="of both residuals, relative to the largest eigenvalue (0.5%%)")  # fmt: skip
    add("--directions", metavar="FILE", help="of the surface, if NAME.run/ is not there")
    add("--ignore", choices=["biasbn", "none"],
        help="biasbn: the Hessian is that of tensors of two and more dimensions (biasbn, unless "
        "the surface moves others too)")  # fmt: skip
    add("--seed", type=options.seed, help="of chosen samples and probes (the file's)")
    add = parser.add_argument_group("at the centre").add_argument
    add("--top", type=options.positive, default=TOP, metavar="K",
        help="so many of the largest eigenvalues (5)")  # fmt: skip
    add("--probes", type=options.positive, default=PROBES, metavar="N", help="of the trace (30)")
    add("--density", type=options.grid_size, default=DENSITY, metavar="NxM",
        help="probes x Lanczos steps of the spectral density (5x40)")  # fmt: skip
    add("--no-center", action="store_true", help="the map alone")
    options.add_device_arguments(parser, precisions=("float32", "float64"))
    add = parser.add_argument_group("result").add_argument
    add("-o", "--output", type=Path, metavar="PLY", help="instead of FILE, which it is written to")
    add("--restart", action="store_true", help="compute again what NAME.curvature/ has of this")
    add("--view", action="store_true", help="open the window at the end")
    add("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace) -> int:
    """Read the surface, find its network and plane again, map the eigenvalues, report."""
    from lossviz import ply

    args.output = args.output or args.file
    check_output(args.output)
    landscape = ply.read(args.file)
    if landscape.surface is None:
        raise UsageError(f"{args.file}: expected a surface, got curves only")
    origin.fill(args, landscape.provenance, args.file)
    devices, dtype = options.devices_of(args)
    problem, data = options.problem_of(args, args.samples or SAMPLES)
    origin.check_data(data, landscape.provenance, args.file)
    problem = options.batched(args, problem, data)
    plane = origin.plane_of(problem, landscape.provenance, args.file, args.directions)
    from compute.curvature import own_lines, summary
    from compute.hessian import Hessian
    from lossviz.plane_choice import Chosen

    args.ignore = args.ignore or _ignored(plane)
    hessian = Hessian(problem, plane=plane, ignore=args.ignore, device=devices[0], dtype=dtype)
    grid = own_lines(landscape.surface, *args.grid)
    # The plane is the file's, whichever way it came here.
    plane = replace(plane, kind=landscape.provenance.directions)
    chosen = Chosen(plane, landscape.provenance.batch_norm)
    known = options.provenance_of(args, problem, data, chosen, devices[0])
    work = _open(args, known, hessian, plane, grid)
    with resumable(lambda: work, args.output, grid.count, args.argv):
        if args.restart:
            (work.path / CENTER_FILE).unlink(missing_ok=True)
        center = {} if args.no_center else _center(args, hessian, plane, work)
        found = _mapped(args, known, hessian, grid, work, landscape, center)
    _report(args, hessian, found, summary(found), center, work)
    if args.view:
        open_window(args.output)
    return 0


def _ignored(plane: Plane) -> str:
    """What the surface does not move has no place in its Hessian."""
    for part in (plane.delta, plane.eta):
        if any(v.ndim < 2 and bool((v != 0).any()) for v in part.values()):
            return "none"
    return "biasbn"


def _open(
    args: argparse.Namespace, known: Provenance, hessian: Hessian, plane: Plane, grid: Grid
) -> Run:
    """The folder for these settings in NAME.curvature/, begun or gone on with."""
    from compute import curvature
    from compute.plane import Plane
    from compute.run import Run

    settings = settings_of(known, grid, plane, hessian.problem) | {
        "of": "curvature", "ignore": args.ignore, "tolerance": args.tolerance,
    }  # fmt: skip
    hessian.at(0.0, 0.0)
    center = dict.fromkeys(curvature.VALUES, float("nan")) | {"loss": hessian.loss()}
    return Run(
        own_folder(args.file.with_suffix(".curvature"), settings), settings, center,
        Plane({}, {}, {}), date=known.date, points=grid.count, restart=args.restart,
    )  # fmt: skip


def _center(
    args: argparse.Namespace, hessian: Hessian, plane: Plane, work: Run
) -> dict[str, Any]:  # fmt: skip
    """What the Hessian at the centre is like, as JSON; computed once."""
    asked = {"top": args.top, "probes": args.probes, "density": list(args.density)}
    path = work.path / CENTER_FILE
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["asked"] == asked and set(kept["found"]) >= CENTER and _numbers(kept["found"]):
            return dict(kept["found"])
    except (OSError, *DAMAGED):
        pass
    from tqdm import tqdm

    hessian.at(0.0, 0.0)
    total = args.probes + args.density[0] * args.density[1]
    with tqdm(total=total, unit="products", desc="centre", disable=None) as bar:
        found = finite(_at_center(args, hessian, plane, bar))
    path.write_text(json.dumps({"asked": asked, "found": found}), encoding="utf-8")
    return dict(found)


def _numbers(value: Any) -> bool:
    """Whether this is numbers and nothing else, however nested: a file may have been damaged."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return all(map(_numbers, value))
    if type(value) is int:
        float(value)  # or too large a one
    return value is None or type(value) in (int, float)


def _at_center(
    args: argparse.Namespace, hessian: Hessian, plane: Plane, bar: tqdm[Any]
) -> dict[str, Any]:
    from compute.hessian import extreme_eigenpairs
    from compute.spectrum import slice_hessian, spectrum, trace

    def progress(step: int, residual: float) -> None:
        bar.set_postfix_str(f"Lanczos step {step}, residual {residual:.1e}")

    pairs = extreme_eigenpairs(
        hessian, lowest=1, highest=args.top, seed=args.seed, tolerance=SHARP, least=LEAST,
        progress=progress,
    )  # fmt: skip
    total = trace(hessian, probes=args.probes, seed=args.seed, progress=bar.update)
    probes, steps = args.density
    density = spectrum(hessian, probes=probes, steps=steps, seed=args.seed, progress=bar.update)
    curve = density.curve()
    found = {
        "lambda_min": pairs.values[0], "lambda_max": pairs.values[-1],
        "largest": pairs.values[:0:-1], "residuals": pairs.residuals,
        "trace": total.value, "trace_stderr": total.stderr, "probes": total.count,
        "density": {name: part.tolist() for name, part in
                    [("alphas", curve.alphas), *curve.quantities.items()]},
    }  # fmt: skip
    if not plane.moves_statistics and (args.ignore == "none" or _ignored(plane) == "biasbn"):
        part = slice_hessian(hessian, plane.delta, plane.eta)
        found |= {"slice": part.matrix.tolist(), "slice_eigenvalues": list(part.eigenvalues),
                  "slice_curvatures": list(part.curvatures)}  # fmt: skip
    return found


def _mapped(
    args: argparse.Namespace, known: Provenance, hessian: Hessian, grid: Grid, work: Run,
    landscape: Landscape, center: dict[str, Any],
) -> Surface:  # fmt: skip
    """The map; the landscape with it is written after each level."""
    from tqdm import tqdm

    from compute.curvature import curvature_map, onto
    from lossviz import ply

    with tqdm(total=grid.count, initial=len(work.points), unit="points",
              desc=args.file.stem, disable=None) as bar:  # fmt: skip
        for found in curvature_map(hessian, grid, work, seed=args.seed,
                                   tolerance=args.tolerance, progress=bar.update):  # fmt: skip
            landscape = _by_now(args.file, landscape)
            assert landscape.surface is not None
            told = landscape.provenance
            notes = [note for note in told.notes if not note.startswith(NOTE)]
            notes.append(_note(known, hessian, found, center))
            curves = [curve for curve in landscape.curves if curve.name != "spectral density"]
            curves += [_curve(center["density"])] if "density" in center else []
            landscape = landscape.with_changes(
                surface=onto(landscape.surface, found), curves=curves,
                provenance=replace(told, notes=notes),
            )  # fmt: skip
            ply.write(landscape, args.output)
    return found


def _by_now(path: Path, before: Landscape) -> Landscape:
    """The file as it is by now: others may have written to it what belongs to the same surface.

    Raises
    ------
    InputError
        If it is another surface.
    """
    import numpy as np

    from lossviz import ply

    now = ply.read(path)
    one, other = before.surface, now.surface
    same = one is not None and other is not None and (
        np.array_equal(one.alphas, other.alphas) and np.array_equal(one.betas, other.betas)
        and before.provenance.direction_sha256 == now.provenance.direction_sha256
        and before.provenance.checkpoint_sha256 == now.provenance.checkpoint_sha256
    )  # fmt: skip
    if not same:
        raise InputError(
            f"{path}: expected the surface that the curvature is of, got another one by now; "
            "the same command begins with that"
        )
    return now


def _curve(density: dict[str, Any]) -> Curve:
    """From JSON, where null is NaN."""
    import numpy as np

    from lossviz.landscape import Curve

    columns = {name: np.array(part, dtype=float) for name, part in density.items()}
    return Curve("spectral density", columns.pop("alphas"), columns)


def _note(known: Provenance, hessian: Hessian, found: Surface, center: dict[str, Any]) -> str:
    """What the file tells: on what, on how many points, and the centre's numbers."""
    n, m = found.shape
    chosen = f" ({known.selection})" if known.selection else ""
    told = (f"{NOTE}{n}x{m} points, bilinear between; {known.samples} samples{chosen}, "
            f"{hessian.size} parameters")  # fmt: skip
    if center:
        told += (f"; at the centre λ {center['lambda_min']:.5g} to {center['lambda_max']:.5g}, "
                 f"trace {center['trace']:.5g} ± {_error(center)}")  # fmt: skip
    return told


def _error(center: dict[str, Any]) -> str:
    error = center["trace_stderr"]
    return "unknown" if error is None else f"{error:.2g}"


def _report(
    args: argparse.Namespace, hessian: Hessian, found: Surface, told: dict[str, float],
    center: dict[str, Any], work: Run,
) -> None:  # fmt: skip
    from compute.problem import sample_count

    n, m = found.shape
    samples = sample_count(hessian.problem.batches)
    report = {
        "file": str(args.output), "points": n * m, "samples": samples,
        "parameters": hessian.size, "seconds": round(work.seconds, 3), **told,
        "center": {key: value for key, value in center.items() if key != "density"},
    }  # fmt: skip
    if args.json:
        print(json.dumps(finite(report)))
        return
    lines = [
        (f"{args.output}: {n}x{m} points x {samples:,} samples in {clock(work.seconds)}; "
         f"{told['products']:,.0f} Hessian products"),
        (f"  |λmin/λmax| {told['ratio_min']:.3g} to {told['ratio_max']:.3g}, residuals at most "
         f"{told['residual']:.2g} of the largest |λ|"),
    ]  # fmt: skip
    if told["not_finite"]:
        lines.append(f"  {told['not_finite']:.0f} points have no finite Hessian")
    lines += _center_lines(center)
    lines.append(f"  of {hessian.size:,} parameters on these {samples:,} samples: with others "
                 "eigenvalues are others")  # fmt: skip
    print("\n".join([*lines, f"  lossviz view {args.output}"]))


def _center_lines(center: dict[str, Any]) -> list[str]:
    if not center:
        return []
    low, high = center["lambda_min"], center["lambda_max"]
    largest = " ".join(f"{value:.5g}" for value in center["largest"])
    lines = [
        (f"  at the centre: λmin {low:.5g} ± {center['residuals'][0]:.1g}, "
         f"λmax {high:.5g} ± {center['residuals'][-1]:.1g}; largest {largest}"),
        f"  trace {center['trace']:.5g} ± {_error(center)}, {center['probes']} probes",
    ]  # fmt: skip
    if "slice" in center:
        a, b = center["slice_eigenvalues"]
        lines.append(f"  of the slice: {a:.5g} and {b:.5g} in units of (α, β)")
        if None not in center["slice_curvatures"]:
            c, d = center["slice_curvatures"]
            lines[-1] += f"; {c:.3g} and {d:.3g} along unit vectors"
    return lines
