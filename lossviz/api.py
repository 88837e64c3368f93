"""lossviz in Python: landscapes of your own model, loss and data. torch loads when one is made."""

from __future__ import annotations

import operator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lossviz.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

    from compute.curve import Floats
    from compute.own import Prepared
    from compute.plane import Plane
    from compute.problem import Problem
    from lossviz.landscape import Landscape, Provenance
    from lossviz.plane_choice import Chosen


def surface(
    model: nn.Module | Problem, loss: Any = None, data: Any = None, *,
    points: int | tuple[int, int] | None = None, span: Any = None,
    samples: int | str | None = None, tolerance: float | None = None, directions: Any = "random",
    seed: int = 0, normalize: str | None = None, ignore: str | None = None,
    checkpoint: str | Path | None = None, trust_pickle: bool = False, device: str = "auto",
    precision: str = "float32", batch_norm: str | None = None,
    critical_points: str = "sampled", name: str = "", progress: bool | None = None,
) -> Landscape:  # fmt: skip
    """The loss surface f(α, β) = L(θ* + αδ + βη) around a model (Li et al. 2018, section 4).

    The model comes back as it was: weights, buffers, gradients, modes, device, hooks; and so do
    the generators of random numbers. It is evaluated in eval mode, on a copy.

    >>> landscape = lossviz.surface(model, nn.CrossEntropyLoss(), loader)  # doctest: +SKIP
    >>> landscape.show()  # doctest: +SKIP

    Parameters
    ----------
    model
        A trained ``torch.nn.Module``; or a ``compute.Problem``, alone.
    loss
        A loss of PyTorch (``nn.CrossEntropyLoss()``, ``functional.mse_loss``); a name
        ("cross_entropy", "mse", "mse_softmax"); your own function of (model, batch) or of
        (outputs, targets) that gives one value a sample, a number, or a mapping of such; or None
        for what the model itself returns as ``.loss``.
    data
        A DataLoader, a Dataset, a list of batches, or one batch: (inputs, targets) as tensors or
        arrays, a tensor, a mapping. Drawn once.
    points, span
        Points a side (51) and the range of α and β, (-1, 1) or what shows the networks and
        snapshots on the plane; a pair if they differ.
    samples
        How many samples, or "all". None: 512 of a Dataset or DataLoader, else everything.
    tolerance
        A relative error such as 0.02, that chooses points and samples as far as you do not.
    directions
        "random"; "hessian" (its two leading eigenvectors) or "hessian:ends" (of the largest and
        the most negative eigenvalue); "pca:RUN" of a training's snapshots, around its final
        weights; a ``.safetensors``, ``.npz`` or ``.h5`` file; a pair of mappings of parameters'
        names to tensors; or a ``compute.Plane``, such as ``compute.plane_through``.
    seed
        Of random directions, and of the samples that are chosen.
    normalize, ignore
        "filter", "layer", "weight", "model" or "none"; "biasbn" or "none". Random directions are
        normalised by filter and leave biases and batch norm out, others are as they are.
    checkpoint
        A file of weights, for a copy of the model.
    device, precision
        "auto" (all GPUs), "cpu", "cuda:0", …; "float32", "float64", "tf32", "bfloat16".
    batch_norm
        "stored", the model's own statistics; "interpolated" between networks where the plane leads
        to others, and then the default; or "recomputed" from the samples at every point.
    critical_points
        "sampled", those of the surface through the samples (``compute.critical_points``);
        "refined", each then moved onto that of the network's own loss; or "none".
    progress
        A bar on stderr; None: if that is a terminal.

    Raises
    ------
    UsageError, InputError
        In one line, what was expected, what came and what to do.
    """
    import torch

    from compute.chance import seeded
    from compute.devices import choose_devices
    from compute.own import prepare
    from compute.surface import landscape
    from lossviz.api_plane import plane_of
    from lossviz.plane_choice import default_range
    from lossviz.refining import HOW, with_critical_points

    if critical_points not in HOW:
        raise UsageError(f"critical_points: expected {', '.join(HOW)}, got {critical_points!r:.60}")
    if tolerance is not None and not 0 < tolerance < 1:
        raise UsageError(f"tolerance: expected a share such as 0.02, got {tolerance!r:.60}")
    _check_center(directions, checkpoint)
    with torch.inference_mode(mode=False), seeded(seed):  # a loss may need autograd
        given = prepare(
            model, loss, data, samples=samples, seed=seed, checkpoint=checkpoint,
            trust_pickle=trust_pickle,
        )  # fmt: skip
        problem, chosen = plane_of(
            given.problem, directions, seed=seed, normalize=normalize, ignore=ignore,
            batch_norm=batch_norm, device=device,
        )  # fmt: skip
        given, plane = replace(given, problem=problem), chosen.plane
        a, b, c, d = default_range(chosen)
        how: dict[str, Any] = {
            "span": ((a, b), (c, d)) if span is None else span, "device": device,
            "precision": precision, "batch_norm": _mode(chosen.batch_norm),
        }  # fmt: skip
        if tolerance and samples is None and given.drawn.grows:
            given = _enough(given, plane, loss, data, seed, tolerance, how)
        found = landscape(
            given.problem, plane, points=points, tolerance=tolerance, progress=progress, **how
        )
        (first, *_), dtype = choose_devices(device, precision)
        found, _ = with_critical_points(
            found, critical_points, given.problem, plane, batch_norm=chosen.batch_norm,
            device=first, dtype=dtype, progress=progress,
        )  # fmt: skip
    known = _with_plane(_told(found.provenance, given, checkpoint), chosen)
    return found.with_changes(provenance=known, name=name)


def line(
    model: nn.Module | Problem, loss: Any = None, data: Any = None, *, to: Any = None,
    directions: Any = "random", count: int = 1, test: Any = None, points: int | None = None,
    span: tuple[float, float] | None = None, samples: int | str | None = None, seed: int = 0,
    normalize: str | None = None, ignore: str | None = None,
    checkpoint: str | Path | None = None, trust_pickle: bool = False, device: str = "auto",
    precision: str = "float32", batch_norm: str | None = None, name: str = "",
    progress: bool | None = None,
) -> Landscape:  # fmt: skip
    """Loss curves f(α) = L(θ* + αδ): to other networks, or along directions.

    Between networks 0 is the model and 1 the other (Goodfellow et al. 2015, section 3), both exact;
    the barrier (``Curve.barrier``) and its standard error are in the provenance's notes. What is
    not explained here is as for ``surface``; the model comes back as it was.

    >>> landscape = lossviz.line(a, "cross_entropy", loader, to={"b": b})  # doctest: +SKIP
    >>> print(*landscape.provenance.notes)  # doctest: +SKIP

    Parameters
    ----------
    to
        Another network of the same architecture: a module, a state dict or a checkpoint's file; a
        list of such, or a mapping that names them.
    directions, count
        Instead of ``to``; of a plane both directions. So many random ones, with seeds from ``seed``
        on; from two on also their mean, with ``loss_spread``.
    test
        Other data, whose quantities are called ``test_loss``, ….
    points, span
        81 points in (-0.5, 1.5) between networks, with 0 and 1 among them; else 51 in (-1, 1).
    batch_norm
        Between networks "interpolated" if it is not said.

    Raises
    ------
    UsageError, InputError
        In one line, what was expected, what came and what to do.
    """
    import torch

    from compute.chance import seeded
    from compute.curve import line_landscape, mean_of
    from compute.own import prepare
    from compute.problem import Problem
    from lossviz.api_plane import lines_along, lines_to
    from lossviz.plane_choice import Chosen

    random = isinstance(directions, str) and directions == "random"
    if to is not None and not (random and normalize is None and ignore is None):
        raise UsageError("to: the networks give the directions; leave out what else says them")
    if count < 1 or (count > 1 and (to is not None or not random)):
        raise UsageError(f"count: expected 1, or a number of random directions, got {count}")
    _check_center(directions, checkpoint)
    alphas = _alphas(points, span, between=to is not None)
    with torch.inference_mode(mode=False), seeded(seed):
        given = prepare(
            model, loss, data, samples=samples, seed=seed, checkpoint=checkpoint,
            trust_pickle=trust_pickle,
        )  # fmt: skip
        problem = given.problem
        if to is not None:
            lines, mode = lines_to(problem, to, batch_norm, trust_pickle=trust_pickle)
            chosen = Chosen(next(iter(lines.values())), mode)
        else:
            problem, chosen, lines = lines_along(
                problem, directions, count, seed=seed, normalize=normalize, ignore=ignore,
                batch_norm=batch_norm, device=device,
            )  # fmt: skip
        unseen = None
        if test is not None:
            own = model.loss if isinstance(model, Problem) else loss
            unseen = prepare(problem.model, own, test, samples=samples, seed=seed).problem
        found = line_landscape(
            problem, lines, alphas, test=unseen, device=device, precision=precision,
            batch_norm=_mode(chosen.batch_norm), progress=progress,
        )  # fmt: skip
    mean = [mean_of(found.curves, f"mean of {count}")] if count > 1 else []
    known = _with_plane(_told(found.provenance, given, checkpoint), chosen)
    return found.with_changes(curves=[*found.curves, *mean], provenance=known, name=name)


def trajectory(
    model: nn.Module | Problem, loss: Any = None, data: Any = None, *, runs: Any, center: str = "",
    ignore: str = "none", points: int | tuple[int, int] | None = None, span: Any = None,
    samples: int | str | None = None, seed: int = 0, device: str = "auto",
    precision: str = "float32", batch_norm: str = "interpolated", name: str = "",
    progress: bool | None = None,
) -> Landscape:  # fmt: skip
    """Training runs on the loss surface of their principal plane (Li et al. 2018, section 7).

    ``runs`` are folders that ``compute.Recorder`` wrote; of the model only the architecture counts,
    and it comes back as it was. ``center``, ``ignore``, ``span`` and ``batch_norm`` are those of
    ``compute.trajectory_landscape``, all else is as for ``surface``.

    >>> recorder = compute.Recorder(model, "run")  # doctest: +SKIP
    >>> ...  # train, and after each epoch: recorder.step(epoch)  # doctest: +SKIP
    >>> landscape = lossviz.trajectory(model, criterion, loader, runs=["run"])  # doctest: +SKIP

    Raises
    ------
    UsageError, InputError
        In one line, what was expected, what came and what to do.
    """
    import torch

    from compute.chance import seeded
    from compute.own import prepare
    from compute.paths import trajectory_landscape

    with torch.inference_mode(mode=False), seeded(seed):
        given = prepare(model, loss, data, samples=samples, seed=seed)
        found = trajectory_landscape(
            given.problem, runs, center=center, ignore=ignore, points=points, span=span,
            device=device, precision=precision, batch_norm=batch_norm, progress=progress,
        )  # fmt: skip
    return found.with_changes(provenance=_told(found.provenance, given, None), name=name)


def _alphas(points: Any, span: Any, *, between: bool) -> Floats:
    """The points of a line; ``between`` networks with both of them.

    Raises
    ------
    UsageError
        If they are something else, or nothing can be between them.
    """
    from compute.curve import ends_included
    from compute.surface import axis

    try:
        low, high = map(float, span or ((-0.5, 1.5) if between else (-1.0, 1.0)))
        count = operator.index((81 if between else 51) if points is None else points)
    except (TypeError, ValueError):
        raise UsageError(
            f"points, span: expected 51 and (-1, 1), got {points!r:.60} and {span!r:.60}"
        ) from None
    return (ends_included if between else axis)(low, high, count)


def _check_center(directions: Any, checkpoint: str | Path | None) -> None:
    if checkpoint is not None and isinstance(directions, str) and directions.startswith("pca:"):
        raise UsageError("checkpoint: the centre is a snapshot of the run; leave it out")


def _mode(batch_norm: str) -> str:
    """Planes that lead to other networks have statistics of their own, which ``stored`` follows."""
    return "recomputed" if batch_norm == "recomputed" else "stored"


def _enough(
    given: Prepared, plane: Plane, loss: Any, data: Any, seed: int, tolerance: float,
    how: dict[str, Any],
) -> Prepared:  # fmt: skip
    """As many samples as leave a standard error below the tolerance, estimated on few points."""
    from compute.adaptive import FIRST, images_needed
    from compute.own import prepare
    from compute.problem import sample_count
    from compute.surface import landscape

    coarse = landscape(given.problem, plane, points=FIRST, **how)
    error, have = coarse.provenance.error_data, sample_count(given.problem.batches)
    needed = images_needed(error, have, tolerance)
    if needed <= have:
        return given
    return prepare(given.problem.model, loss, data, samples=needed, seed=seed)


def _told(known: Provenance, given: Prepared, checkpoint: str | Path | None) -> Provenance:
    """The provenance with what only the caller knows."""
    from compute import checkpoints
    from lossviz import __version__

    notes = list(given.notes)
    if known.tolerance and known.error_data > known.tolerance:
        notes.append(
            f"{known.samples:,} samples leave a median standard error of {known.error_data:.1%}, "
            f"more than {known.tolerance:.1%}"
        )
    return replace(
        known, loss=given.loss, selection=given.drawn.selection, notes=[*known.notes, *notes],
        checkpoint=Path(checkpoint).name if checkpoint else "",
        checkpoint_sha256=checkpoints.sha256(checkpoint) if checkpoint else "",
        versions={"lossviz": __version__, **known.versions},
    )  # fmt: skip


def _with_plane(known: Provenance, chosen: Chosen) -> Provenance:
    """The provenance with what is known of the plane."""
    principal = chosen.principal
    known = replace(known, notes=[*chosen.notes, *known.notes])
    if principal is None:
        return known
    return replace(
        known, explained_variance=principal.explained, explained_by_chance=principal.by_chance
    )
