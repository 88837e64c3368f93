"""The folder that a computation goes on from: what its numbers depend on, what is kept there."""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lossviz.errors import LossvizError
from lossviz.underway import Telling, telling

if TYPE_CHECKING:
    from compute.evaluation import Evaluator
    from compute.plane import Plane
    from compute.problem import Problem
    from compute.run import Run
    from compute.surface import Grid
    from lossviz.landscape import Provenance

# When and by which words numbers were asked for does not change them.
PASSING = (
    "command", "date", "duration", "versions", "device", "error_data", "error_interpolation",
    "direction_angle", "explained_variance", "explained_by_chance",
)  # fmt: skip


def settings_of(
    provenance: Provenance, grid: Grid, plane: Plane, problem: Problem
) -> dict[str, Any]:
    """What the numbers depend on, as JSON."""
    from compute import directions
    from compute.problem import batches_sha256

    told = provenance.to_json()
    return {key: told[key] for key in told if key not in PASSING} | {
        "alphas": grid.alphas.tolist(), "betas": grid.betas.tolist(),
        "batches_sha256": batches_sha256(problem.batches),
        "theta_sha256": directions.sha256(plane.theta),
        "buffers_sha256": directions.sha256(dict(problem.model.named_buffers())),
    }  # fmt: skip


def own_folder(folder: Path, settings: Mapping[str, Any]) -> Path:
    """The place in ``folder`` for what is computed with these settings."""
    text = json.dumps(settings, sort_keys=True)
    return folder / hashlib.sha256(text.encode()).hexdigest()[:16]


def choices_in(folder: Path, batch_size: int | None, *, restart: bool) -> dict[str, Any]:
    """How to evaluate: as the run in ``folder`` did, with the batch size that is asked for.

    Where it left the batches as they are, because the loss is another one of others, they stay.
    """
    from compute.run import read_choices

    choices = {} if restart else read_choices(folder)
    fixed = choices.get("batch_size") == 0
    return choices | ({"batch_size": batch_size} if batch_size and not fixed else {})


def open_run(
    folder: Path, provenance: Provenance, grid: Grid, center: dict[str, float], plane: Plane,
    evaluator: Evaluator, *, restart: bool = False,
) -> Run:  # fmt: skip
    """The run in ``folder``, begun or gone on with."""
    from compute.run import Run
    from compute.samples import choose_kept

    outcome = evaluator.many([(0.0, 0.0)])[0]
    by_sample = outcome.values["loss"].size if outcome.by_sample else 0
    return Run(
        folder, settings_of(provenance, grid, plane, evaluator.problem), center, plane,
        date=provenance.date, points=grid.count,
        choices=evaluator.choices | {"samples": provenance.samples},
        kept=choose_kept(by_sample, grid.count) if by_sample else None, restart=restart,
    )  # fmt: skip


@contextmanager
def resumable(
    run: Callable[[], Run], output: Path, points: int, argv: Sequence[str] = ()
) -> Iterator[Telling]:
    """Close the ``run`` at the end; of one that ends early tell what of its ``points`` is kept.

    Meanwhile its folder tells how it goes, and that the command line ``argv`` goes on with it.

    Raises
    ------
    LossvizError
        If the disk is full or ``output`` cannot be written.
    """
    command = shlex.join(["lossviz", *argv])
    try:
        with telling(lambda: run().path, lambda: len(run().points), points, command) as told:
            yield told
    except KeyboardInterrupt:
        print(f"\nlossviz: interrupted after {len(run().points):,} of {points:,} points; all are "
              "kept: the same command goes on from there", file=sys.stderr)  # fmt: skip
        raise
    except OSError as error:  # a full disk, above all
        raise LossvizError(
            f"{output}: cannot be written: {error.strerror}; "
            f"{len(run().points):,} points are kept in {run().path}"
        ) from None
    finally:
        run().close()
