"""``lossviz critical``: the critical points of a landscape, into its file and onto the terminal."""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lossviz.commands import options, origin
from lossviz.commands.report import check_output, counted, finite
from lossviz.errors import UsageError, printable

if TYPE_CHECKING:
    from compute.basins import Basins
    from compute.separatrices import Separatrix
    from lossviz.landscape import Contour, CriticalPoint, CriticalPoints, Landscape, Provenance

TITLES = ("kind", "alpha", "beta", "loss", "lambda min", "lambda max", "persistence")
MORE = {  # columns that are told if they are known of any point
    "moved": "moved", "gradient_norm": "gradient", "confidence": "confidence",
    "position_error": "± position",
}  # fmt: skip
MOST_LINES = 40  # of a table on a terminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``lossviz critical``."""
    add = parser.add_argument
    add("file", metavar="FILE", type=Path, help="a landscape with a surface (.ply)")
    add("-o", "--output", metavar="FILE.ply", type=Path, help="default: into FILE itself")
    add("--dry-run", action="store_true", help="write nothing")
    add("--quantity", default="loss", help="of which quantity (default: loss)")
    add("--threshold", metavar="P", type=float,
        help="persistence from which points are told (default: 0.1 %% of the range or ten times "
        "the estimated noise); all are written")  # fmt: skip
    add("--border", action="store_true", help="tell extrema of the window's border too")
    add("--separatrices", action="store_true",
        help="write the lines of steepest descent from the saddles; tell the barriers")  # fmt: skip
    add("--contours", action="store_true", help="write the isolines through the saddles")
    add("--basins", action="store_true",
        help="write which basin of attraction each grid point is in as the quantity basin: 0 for "
        "the lowest loss, 1 for the next, NaN in holes; tell areas and lowest losses")  # fmt: skip
    add("--descend", metavar="ALPHA,BETA", action="append", default=[], type=_place,
        help="write the line of steepest descent from here; may be repeated")  # fmt: skip
    add("--refine", action="store_true",
        help="move the points that are told onto those of the network's own loss, by its gradient "
        "and Hessian; network, plane and data are those the file tells of")  # fmt: skip
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for machines; NaN and Inf are null")
    form.add_argument("--markdown", action="store_true", help="tables in Markdown")
    options.add_problem_arguments(
        parser, "with --refine (as the file tells, where it is not given)", needed=False,
        samples="as many as the file's",
    )  # fmt: skip
    add = parser.add_argument_group("with --refine").add_argument
    add("--directions", metavar="FILE", help="of the surface, if NAME.run/ is not there")
    add("--seed", type=options.seed, help="of chosen samples (the file's)")
    options.add_device_arguments(parser, precisions=("float32", "float64"))
    parser.set_defaults(split=None)


def _place(text: str) -> tuple[float, float]:
    words = text.split(",")
    try:
        alpha, beta = map(float, words)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected two numbers such as 0.5,-0.25, got {text!r}"
        ) from None
    return alpha, beta


def run(args: argparse.Namespace) -> int:
    """Read, find, write, tell."""
    from compute.critical import critical_points
    from lossviz import ply
    from lossviz.refining import as_known

    output = args.output or args.file
    if not args.dry_run:
        check_output(output)
    if args.threshold is not None and not 0 <= args.threshold < math.inf:
        raise UsageError(f"threshold: expected a persistence from 0 on, got {args.threshold}")
    landscape = ply.read(args.file)
    surface = landscape.surface
    if surface is None:
        raise UsageError(f"{printable(str(args.file))}: expected a surface, got curves only")
    if args.quantity not in surface.quantities:
        known = printable(", ".join(sorted(surface.quantities)))
        raise UsageError(f"quantity: expected one of {known}, got {args.quantity!r}")
    found = critical_points(surface, quantity=args.quantity, threshold=args.threshold)
    found = as_known(found, landscape.critical_points, surface)
    told: list[str] = []
    if args.refine:
        found, told = _refined(args, landscape, found, output)
    landscape, parted = with_geometry(
        landscape, found, args.quantity, separatrices=args.separatrices, contours=args.contours,
        starts=args.descend,
    )  # fmt: skip
    regions = None
    if args.basins:
        landscape, regions = _with_basins(landscape, found, args.quantity)
    if not args.dry_run:
        ply.write(landscape, output)
    if args.json:
        report = describe(found, parted, regions, border=args.border)
        report |= {"refinement": told} if args.refine else {}
        print(json.dumps(finite(report), indent=1, allow_nan=False))
    else:
        text = as_text(
            landscape, found, parted, regions, border=args.border, markdown=args.markdown
        )
        print("\n".join([text, *told]))
    return 0


def _refined(
    args: argparse.Namespace, landscape: Landscape, found: CriticalPoints, output: Path
) -> tuple[CriticalPoints, list[str]]:
    """The points refined with the network that the file is of, and what to tell of it."""
    from lossviz import ply
    from lossviz.landscape import LOSS
    from lossviz.refining import refine

    known = landscape.provenance
    if args.quantity != LOSS:
        raise UsageError(f"refine: expected the loss, got --quantity {args.quantity}")
    origin.fill(args, known, args.file)
    devices, dtype = options.devices_of(args)
    problem, data = options.problem_of(args, args.samples or _samples(known))
    origin.check_data(data, known, args.file)
    problem = options.batched(args, problem, data)
    plane = origin.plane_of(problem, known, args.file, args.directions)

    def write(partly: Landscape) -> None:
        if not args.dry_run:
            ply.write(partly, output)

    landscape, done = refine(
        landscape.with_changes(critical_points=found), problem, plane, device=devices[0],
        dtype=dtype, folder=args.file.with_suffix(".run"), write=write,
    )  # fmt: skip
    return landscape.critical_points, done.lines()


def _samples(known: Provenance) -> str:
    """The choice of samples that the file tells of: the same ones."""
    kind, _, count = known.selection.partition(" ")[0].partition(":")
    if kind == "first":
        return f"first:{count}"
    return count if kind in ("balanced", "random") else "all"


def with_geometry(
    landscape: Landscape, found: CriticalPoints, quantity: str = "loss", *,
    separatrices: bool = False, contours: bool = False,
    starts: list[tuple[float, float]] | None = None,
) -> tuple[Landscape, tuple[Separatrix, ...]]:  # fmt: skip
    """The landscape with its critical points in place of those it had, and the lines asked for.

    Its other trajectories stay; lines of descent are replaced where new ones are made.
    """
    from compute.descent import steepest_descent
    from compute.separatrices import separatrices as part

    assert landscape.surface is not None
    changes: dict[str, Any] = {"critical_points": found}
    parted = part(landscape.surface, quantity=quantity, found=found) if separatrices else ()
    lines = [line for one in parted for line in one.lines]
    for start in starts or []:
        lines.append(steepest_descent(landscape.surface, start, quantity=quantity, found=found))
    if separatrices or starts:
        kept = [path for path in landscape.trajectories if path.kind != "descent"]
        changes["trajectories"] = (*kept, *lines)
    if contours:
        changes["contours"] = _through_saddles(landscape, found, quantity)
    return landscape.with_changes(**changes), parted


def _through_saddles(landscape: Landscape, found: CriticalPoints, quantity: str) -> list[Contour]:
    from lossviz.contours import isolines

    assert landscape.surface is not None
    levels = sorted({point.value for point in found.shown() if point.kind == "saddle"})
    return [line for level in levels for line in isolines(landscape.surface, level, quantity)]


def _with_basins(
    landscape: Landscape, found: CriticalPoints, quantity: str
) -> tuple[Landscape, Basins]:
    """The landscape with its basins' labels among its quantities; the basins, the lowest first."""
    from compute.basins import basins
    from lossviz.landscape import BASIN

    own = landscape.surface
    assert own is not None
    regions = basins(own, quantity=quantity, found=found).by_value()
    quantities = {**own.quantities, BASIN: regions.as_quantity()}
    return landscape.with_changes(surface=replace(own, quantities=quantities)), regions


def describe(
    found: CriticalPoints, parted: tuple[Separatrix, ...], regions: Basins | None, *, border: bool
) -> dict[str, Any]:
    """What was found, as plain JSON values."""
    told: dict[str, Any] = {
        "points": [asdict(point) for point in found.shown(border=border)],
        "found": len([point for point in found.points if not point.border]),
        "log": found.log,
        "noise": found.noise,
        "threshold": found.threshold,
        "winding": found.winding,
        "index_sum": found.index_sum,
        "link_sum": found.link_sum,
        "complete": found.complete,
        "missing": [list(place) for place in found.missing],
        "flat": [asdict(region) for region in found.flat],
    }
    if parted:
        told["separatrices"] = [
            {
                "saddle": [one.saddle.alpha, one.saddle.beta],
                "minima": [end and [end.alpha, end.beta] for end in one.minima],
                "barriers": list(one.barriers),
            }
            for one in parted
        ]
    if regions is not None:
        told["basins"] = [asdict(basin) for basin in regions.basins]
    return told


def as_text(
    landscape: Landscape, found: CriticalPoints, parted: tuple[Separatrix, ...],
    regions: Basins | None, *, border: bool, markdown: bool = False,
) -> str:  # fmt: skip
    """Tables for people."""
    shown = found.shown(border=border)
    inside = [point for point in found.points if not point.border]
    most = len(shown) if markdown else MOST_LINES
    more = [name for name in MORE if any(getattr(p, name) is not None for p in shown)]
    titles = (*TITLES, *(MORE[name] for name in more))
    lines = [
        (
            f"{landscape.title}: {counts(shown)}; {len(inside)} found, those of persistence below "
            f"{found.threshold:.3g} left out{' (log loss)' if found.log else ''}"
        ),
        "",
        *_table(titles, [_row(point, more) for point in shown[:most]], markdown=markdown),
    ]
    lines += [f"… and {len(shown) - most} more (--json tells all)"] if len(shown) > most else []
    if parted:
        rows = [[f"{p.saddle.alpha:.5g}, {p.saddle.beta:.5g}", *_ends(p)] for p in parted]
        ends = ("saddle", "minimum", "barrier", "minimum", "barrier")
        lines += ["", *_table(ends, rows[:most], markdown=markdown)]
    if regions is not None:
        rows = [
            [str(k), f"{b.alpha:.5g}, {b.beta:.5g}", f"{b.value:.5g}", f"{b.share:.1%}",
             "on the border" if b.border else ""]
            for k, b in enumerate(regions.basins)
        ]  # fmt: skip
        head = ("basin", "of", "lowest loss", "area", "")
        lines += ["", *_table(head, rows[:most], markdown=markdown)]
    checks = found.checks() + [
        f"flat: {region.share:.1%} of the grid around ({region.alpha:.4g}, {region.beta:.4g})"
        for region in found.flat
    ]
    checks.append(f"estimated noise: {found.noise:.3g}{' of log loss' if found.log else ''}")
    bullet = "- " if markdown else ""
    return "\n".join(map(printable, [*lines, "", *(bullet + check for check in checks)]))


def counts(points: list[CriticalPoint]) -> str:
    """How many of each kind, in words."""
    counts = []
    for kind in ("minimum", "saddle", "maximum", "degenerate"):
        for border, where in ((False, ""), (True, " of the border")):
            count = sum(p.kind == kind and p.border == border for p in points)
            if count:
                counts.append(counted(count, kind) + where)
    return ", ".join(counts) or "no critical points"


def _row(point: CriticalPoint, more: list[str]) -> list[str]:
    numbers = (point.alpha, point.beta, point.value, point.lambda_min, point.lambda_max)
    kind = f"{point.kind} (border)" if point.border else point.kind
    row = [kind, *(f"{number:.5g}" for number in numbers), f"{point.persistence:.3g}"]
    known = (getattr(point, name) for name in more)
    return row + ["" if number is None else f"{number:.2g}" for number in known]


def _ends(one: Separatrix) -> list[str]:
    found = []
    for end, height in zip(one.minima, one.barriers, strict=True):
        found.append("leaves the window" if end is None else f"{end.alpha:.5g}, {end.beta:.5g}")
        found.append("" if end is None else f"{height:.4g}")
    return found


def _table(titles: tuple[str, ...], rows: list[list[str]], *, markdown: bool) -> list[str]:
    """Titles and rows in aligned columns, or in Markdown; nothing without rows."""
    if not rows:
        return []
    if markdown:
        marks = ["---", *["---:"] * (len(titles) - 1)]
        return [f"| {' | '.join(row)} |" for row in (titles, marks, *rows)]
    columns = zip(titles, *rows, strict=True)
    widths = [max(map(len, column)) for column in columns]
    return [
        "  " + "  ".join(
            word.ljust(width) if k == 0 else word.rjust(width)
            for k, (word, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (titles, *rows)
    ]  # fmt: skip
