"""``lossviz info``: what a landscape file holds."""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from lossviz.commands.report import counted
from lossviz.errors import printable

if TYPE_CHECKING:
    from lossviz.landscape import (
        CriticalPoints,
        Curve,
        Floats,
        Landscape,
        Mark,
        Surface,
        Trajectory,
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``lossviz info``."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="landscapes (.ply)")
    parser.add_argument("--json", action="store_true", help="for machines; NaN and Inf are null")


def run(args: argparse.Namespace) -> int:
    """Print what each file holds: one JSON object, or a list of them for several files."""
    from lossviz import ply

    found = [describe(ply.read(path), path) for path in args.files]
    if args.json:
        print(json.dumps(found[0] if len(found) == 1 else found, indent=1, allow_nan=False))
    else:
        print("\n\n".join(map(as_text, found)))
    return 0


def describe(landscape: Landscape, path: str) -> dict[str, Any]:
    """What a landscape holds, as plain JSON values."""
    surface = landscape.surface
    return {
        "file": path,
        "title": landscape.title,
        **({} if surface is None else _surface(surface)),
        "curves": [_curve(curve) for curve in landscape.curves],
        "marks": [_mark(mark) for mark in landscape.marks],
        "trajectories": [_trajectory(path) for path in landscape.trajectories],
        "critical_points": dict(Counter(p.kind for p in landscape.critical_points if not p.border)),
        **_checks(landscape.critical_points),
        "contours": len(landscape.contours),
        "provenance": landscape.provenance.to_json(),
    }


def _checks(points: CriticalPoints) -> dict[str, Any]:
    """How the points were sought, where the file tells; those of the border are not counted."""
    if points.winding is None and not points.threshold:
        return {}
    shown = dict(Counter(point.kind for point in points.shown()))
    refined = sum(point.moved is not None for point in points)
    told = {"complete": points.complete, "shown": shown, "refined": refined}
    return {"critical": points.to_json() | told}


def _surface(surface: Surface) -> dict[str, Any]:
    i, j = surface.center
    quantities = {
        name: {**_range(values), "center": _finite(values[i, j])}
        for name, values in surface.quantities.items()
    }
    return {
        "grid": {
            "shape": list(surface.shape),
            "alpha": [float(surface.alphas[0]), float(surface.alphas[-1])],
            "beta": [float(surface.betas[0]), float(surface.betas[-1])],
            "center": [float(surface.alphas[i]), float(surface.betas[j])],
            "evaluated": int(surface.evaluated.sum()),
        },
        "quantities": quantities,
    }


def _curve(curve: Curve) -> dict[str, Any]:
    return {
        "name": curve.name,
        "points": len(curve.alphas),
        "alpha": [float(curve.alphas[0]), float(curve.alphas[-1])],
        "quantities": {name: _range(values) for name, values in curve.quantities.items()},
        "barrier": _barrier(curve),
        "on_surface": curve.points is not None,
    }


def _barrier(curve: Curve) -> dict[str, Any]:
    """By the name of a loss: how high it is above the straight line from 0 to 1, and where."""
    losses = [name for name in ("loss", "test_loss") if name in curve.quantities]
    found = {name: curve.barrier(name) for name in losses}
    return {
        name: {"height": _finite(high), "alpha": _finite(at)}
        for name, (high, at) in found.items()
        if math.isfinite(high)
    }


def _mark(mark: Mark) -> dict[str, Any]:
    return {"name": mark.name, "alpha": _finite(mark.alpha), "beta": _finite(mark.beta),
            "loss": _finite(mark.value)}  # fmt: skip


def _trajectory(path: Trajectory) -> dict[str, Any]:
    ends = (path.losses[0], path.losses[-1]) if len(path.losses) else ()
    return {
        "name": path.name,
        "kind": path.kind,
        "steps": len(path.steps),
        "loss": [_finite(loss) for loss in ends],
    }


def _range(values: Floats) -> dict[str, Any]:
    import numpy as np

    finite = values[np.isfinite(values)]
    return {
        "min": float(finite.min()) if finite.size else None,
        "max": float(finite.max()) if finite.size else None,
        "not_finite": int(values.size - finite.size),
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def as_text(found: dict[str, Any]) -> str:
    """The same for people: aligned, unknown things left out."""
    lines = [f"{found['title']}  ({found['file']})"]
    if "grid" in found:
        lines += _grid_lines(found["grid"], found["quantities"])
    for curve in found["curves"]:
        low, high = curve["alpha"]
        lines.append(f"  curve  {curve['name']}: {curve['points']} points, {low:g} to {high:g}")
        lines += _table(_known(curve["quantities"]), {"lowest": "min", "highest": "max"})
        for name, barrier in curve["barrier"].items():
            high, at = _number(barrier["height"]), barrier["alpha"]
            told = name.replace("_", " ")
            lines.append(f"  barrier of the {told} from 0 to 1: {high} at alpha {at:g}")
    for mark in found["marks"]:
        alpha, beta, loss = (_number(mark[key]) for key in ("alpha", "beta", "loss"))
        lines.append(f"  mark   {mark['name']}: ({alpha}, {beta}), loss {loss}")
    for path in found["trajectories"]:
        ends = " to ".join(map(_number, path["loss"]))
        lines.append(
            f"  path   {path['name']}: {path['kind']}, {path['steps']} steps"
            + (f", loss {ends}" if ends else "")
        )
    lines += _critical_lines(found)
    lines += [f"  contours  {found['contours']}"] if found["contours"] else []
    lines += _provenance_lines(found["provenance"])
    return "\n".join(map(printable, lines))


def _critical_lines(found: dict[str, Any]) -> list[str]:
    counts = found["critical_points"]
    lines = [f"  critical points  {_kinds(counts)}"] if counts else []
    if known := found.get("critical"):
        least = f"{known['threshold']:.3g}{' of log loss' if known['log'] else ''}"
        passed = "passed" if known["complete"] else "not passed (lossviz critical tells)"
        lines += [
            f"    of persistence {least} and more  {_kinds(known['shown'])}",
            f"    checks  {passed}",
        ]
        if known["refined"]:
            lines.append(f"    confirmed by the network's gradient  {known['refined']}")
    return lines


def _kinds(counts: dict[str, int]) -> str:
    return ", ".join(counted(count, kind) for kind, count in counts.items()) or "none"


def _grid_lines(grid: dict[str, Any], quantities: dict[str, Any]) -> list[str]:
    n, m = grid["shape"]
    (a, b), (c, d) = grid["alpha"], grid["beta"]
    part = "" if grid["evaluated"] == n * m else f", {grid['evaluated']:,} evaluated"
    alpha, beta = grid["center"]
    columns = {"lowest": "min", "highest": "max", f"at ({alpha:g}, {beta:g})": "center"}
    return [
        f"  grid   {n} x {m}{part}, alpha {a:g} to {b:g}, beta {c:g} to {d:g}",
        *_table(quantities, columns),
    ]


def _known(quantities: dict[str, Any]) -> dict[str, Any]:
    """Those that have a number, for some curves are of no loss; all if none has."""
    return {name: own for name, own in quantities.items() if own["max"] is not None} or quantities


def _table(quantities: dict[str, Any], columns: dict[str, str]) -> list[str]:
    """A line a quantity; ``columns`` are titles and keys."""
    width = max(map(len, quantities))
    sizes = [max(12, len(title) + 2) for title in columns]
    titles = "".join(f" {t:>{s}}" for t, s in zip(columns, sizes, strict=True))
    lines = [f"  {'':{width}} {titles}"]
    for name, own in quantities.items():
        numbers = _numbers([own[key] for key in columns.values()])
        row = "".join(f" {number:>{s}}" for number, s in zip(numbers, sizes, strict=True))
        holes = f"   {own['not_finite']:,} not finite" if own["not_finite"] else ""
        lines.append(f"  {name:{width}} {row}{holes}")
    return lines


def _provenance_lines(provenance: dict[str, Any]) -> list[str]:
    known = {k: v for k, v in provenance.items() if v or (v == 0 and k == "seed")}
    by_chance = known.pop("explained_by_chance", [])
    if "explained_variance" in known:
        known["explained_variance"] = _shares(known["explained_variance"], by_chance)
    if "direction_angle" in known:
        known["direction_angle"] = f"{known['direction_angle']:.4g} degrees"
    lines = ["  provenance"] if known else []
    for key, value in known.items():
        if isinstance(value, dict):
            value = ", ".join(f"{name} {version}" for name, version in value.items())
        value = "; ".join(value) if isinstance(value, list) else value
        value = f"{value:,.1f} s" if key == "duration" else value
        if key in ("tolerance", "error_data", "error_interpolation"):
            value = f"{value:.2%}"
        lines.append(f"    {key.replace('_', ' '):20} {value}")
    return lines


def _shares(explained: list[float], by_chance: list[float]) -> str:
    """The variance that each component explains, beside what a random walk would give."""
    told = [" + ".join(f"{share:.1%}" for share in shares[:3]) for shares in (explained, by_chance)]
    return told[0] + (f" (a random walk: {told[1]})" if by_chance else "")


def _numbers(values: list[float | None]) -> list[str]:
    """Numbers with as many digits as tell them apart, and two more; six at least."""
    for digits in range(6, 18):
        if len({_number(value, digits) for value in values}) == len(set(values)):
            break
    digits = min(digits + 2, 17) if digits > 6 else 6  # the last one told is rounded
    return [_number(value, digits) for value in values]


def _number(value: float | None, digits: int = 6) -> str:
    return "—" if value is None else f"{value:.{digits}g}"
