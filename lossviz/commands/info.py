"""``lossviz info``: what a landscape file holds."""

from __future__ import annotations

import argparse
import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lossviz.landscape import Landscape, Surface


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
        "curves": [{"name": c.name, "points": len(c.alphas)} for c in landscape.curves],
        "trajectories": [
            {"name": t.name, "kind": t.kind, "steps": len(t.steps)} for t in landscape.trajectories
        ],
        "critical_points": len(landscape.critical_points),
        "contours": len(landscape.contours),
        "provenance": landscape.provenance.to_json(),
    }


def _surface(surface: Surface) -> dict[str, Any]:
    import numpy as np

    quantities = {}
    for name, values in surface.quantities.items():
        finite = values[np.isfinite(values)]
        quantities[name] = {
            "min": float(finite.min()) if finite.size else None,
            "max": float(finite.max()) if finite.size else None,
            "center": _finite(float(values[surface.center])),
            "not_finite": int(values.size - finite.size),
        }
    i, j = surface.center
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


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def as_text(found: dict[str, Any]) -> str:
    """The same for people: aligned, unknown things left out."""
    lines = [f"{found['title']}  ({_printable(found['file'])})"]
    if "grid" in found:
        grid = found["grid"]
        n, m = grid["shape"]
        (a, b), (c, d) = grid["alpha"], grid["beta"]
        part = "" if grid["evaluated"] == n * m else f", {grid['evaluated']:,} evaluated"
        lines.append(f"  grid   {n} x {m}{part}, alpha {a:g} to {b:g}, beta {c:g} to {d:g}")
        width = max(map(len, found["quantities"]))
        alpha, beta = grid["center"]
        header = f"at ({alpha:g}, {beta:g})"
        lines.append(f"  {'':{width}}  {'lowest':>12} {'highest':>12} {header:>14}")
        for name, q in found["quantities"].items():
            numbers = [_number(q[key]) for key in ("min", "max", "center")]
            holes = f"   {q['not_finite']} not finite" if q["not_finite"] else ""
            lines.append(
                f"  {name:{width}}  {numbers[0]:>12} {numbers[1]:>12} {numbers[2]:>14}{holes}"
            )
    for kind in ("curves", "trajectories"):
        for one in found[kind]:
            size = one.get("points", one.get("steps"))
            lines.append(f"  {kind[:-1] if kind == 'curves' else 'path'}  {one['name']}: {size}")
    for kind in ("critical_points", "contours"):
        if found[kind]:
            lines.append(f"  {kind.replace('_', ' ')}  {found[kind]}")
    known = {k: v for k, v in found["provenance"].items() if v or (v == 0 and k == "seed")}
    if known:
        lines.append("  provenance")
        for key, value in known.items():
            if isinstance(value, dict):
                value = ", ".join(f"{name} {version}" for name, version in value.items())
            value = "; ".join(value) if isinstance(value, list) else value
            value = f"{value:.1f} s" if key == "duration" else value
            lines.append(f"    {key.replace('_', ' '):20} {value}")
    return "\n".join(_printable(line) for line in lines)


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.6g}"


def _printable(text: str) -> str:
    """Without what a terminal would obey: files come from others."""
    return "".join(c if c.isprintable() else "?" for c in text)
