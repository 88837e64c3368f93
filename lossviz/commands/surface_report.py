"""What ``lossviz surface`` prints at its end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lossviz.commands.report import clock, finite
from lossviz.refining import told_of

if TYPE_CHECKING:
    from lossviz.commands.surface import Work
    from lossviz.landscape import Landscape


def report(work: Work, landscape: Landscape) -> None:
    """Print what was computed, with ``--json`` as JSON."""
    assert landscape.surface is not None
    import numpy as np

    args, run, known = work.args, work.run, landscape.provenance
    loss = landscape.surface.loss
    there = loss[np.isfinite(loss)]
    low, high = (float(there.min()), float(there.max())) if there.size else (None, None)
    images = work.data.available if work.data is not None else known.samples
    full = run.seconds / max(len(run.points), 1) * work.grid.count * images / max(known.samples, 1)
    told = {
        "file": str(args.output), "points": int(loss.size), "samples": known.samples,
        "seconds": round(run.seconds, 3), "engine": work.evaluators[0].choices,
        "loss_min": low, "loss_max": high, "not_finite": int(loss.size - there.size),
        "center": work.center, "error_data": known.error_data,
        "error_interpolation": known.error_interpolation, "full_run_seconds": round(full, 1),
        "samples_kept": int(run.kept.size),
        "critical_points": len(landscape.critical_points.shown()),
        "refined": work.refinement.moved if work.refinement else 0,
        "refinement": work.refinement.lines() if work.refinement else [],
    }  # fmt: skip
    if args.json:
        print(json.dumps(finite(told)))
        return
    center = ", ".join(f"{name} {value:.5g}" for name, value in work.center.items())
    span = f"{low:.5g} to {high:.5g}" if low is not None else "nowhere finite"
    lines = [
        f"{args.output}: {loss.size:,} points x {known.samples:,} samples in {clock(run.seconds)}",
        f"  loss {span}; at the centre {center}",
    ]
    if known.direction_angle and known.directions != "random":
        lines.append(f"  directions {known.directions}, {known.direction_angle:.2f}° apart")
    if 0 < run.kept.size < known.samples:
        lines.append(
            f"  losses kept of {run.kept.size:,} of {known.samples:,} samples, evenly chosen: "
            "there is no room for more; classes and confidence are theirs"
        )
    if known.is_preview:
        lines.append(f"  a preview: evaluated in {known.precision}")
    if known.error_data:
        lines.append(f"  median standard error from the samples {known.error_data:.2%}")
    if known.error_interpolation:
        lines.append(
            f"  largest error between the points {known.error_interpolation:.2%}, estimated"
        )
    if full > 1.05 * run.seconds:
        n, m = work.grid.alphas.size, work.grid.betas.size
        lines.append(f"  all {n}x{m} points with all {images:,} samples would take {clock(full)}")
    lines += [f"  {line}" for line in told_of(landscape.critical_points, work.refinement)]
    print("\n".join([*lines, f"  lossviz view {args.output}"]))
