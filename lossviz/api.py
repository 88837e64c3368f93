"""lossviz in Python: landscapes of your own model, loss and data. torch loads when one is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lossviz.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

    from compute.own import Prepared
    from compute.plane import Plane
    from compute.problem import Problem
    from lossviz.landscape import Landscape, Provenance


def surface(
    model: nn.Module | Problem, loss: Any = None, data: Any = None, *,
    points: int | tuple[int, int] | None = None, span: Any = (-1.0, 1.0),
    samples: int | str | None = None, tolerance: float | None = None, directions: Any = "random",
    seed: int = 0, normalize: str = "filter", ignore: str = "biasbn",
    checkpoint: str | Path | None = None, trust_pickle: bool = False, device: str = "auto",
    precision: str = "float32", batch_norm: str = "stored", name: str = "",
    progress: bool | None = None,
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
        Points a side and the range of α and β; a pair if they differ.
    samples
        How many samples, or "all". None: 512 of a Dataset or DataLoader, else everything.
    tolerance
        A relative error such as 0.02, that chooses points and samples as far as you do not.
    directions
        "random"; a ``.safetensors`` or ``.h5`` file; a pair of mappings of parameters' names to
        tensors; or a ``compute.Plane``.
    seed, normalize, ignore
        Of random directions; the seed also of the samples that are chosen.
    checkpoint
        A file of weights, for a copy of the model.
    device, precision
        "auto" (all GPUs), "cpu", "cuda:0", …; "float32", "float64", "tf32", "bfloat16".
    batch_norm
        "stored", the model's own statistics, or "recomputed" from the samples at every point.
    progress
        A bar on stderr; None: if that is a terminal.

    Raises
    ------
    UsageError, InputError
        In one line, what was expected, what came and what to do.
    """
    import torch

    from compute.chance import seeded
    from compute.own import prepare
    from compute.surface import landscape

    if tolerance is not None and not 0 < tolerance < 1:
        raise UsageError(f"tolerance: expected a share such as 0.02, got {tolerance!r:.60}")
    with torch.inference_mode(mode=False), seeded(seed):  # a loss may need autograd
        given = prepare(
            model, loss, data, samples=samples, seed=seed, checkpoint=checkpoint,
            trust_pickle=trust_pickle,
        )  # fmt: skip
        plane = plane_of(given.problem.model, directions, seed, normalize, ignore)
        how = {
            "span": span, "device": device, "precision": precision, "batch_norm": batch_norm,
        }  # fmt: skip
        if tolerance and samples is None and given.drawn.grows:
            given = _enough(given, plane, loss, data, seed, tolerance, how)
        found = landscape(
            given.problem, plane, points=points, tolerance=tolerance, progress=progress, **how
        )
    known = _told(found.provenance, given, checkpoint)
    return found.with_changes(provenance=known, name=name)


def plane_of(model: nn.Module, directions: Any, seed: int, normalize: str, ignore: str) -> Plane:
    """The plane through the model that ``directions`` says.

    Raises
    ------
    UsageError, InputError
        If there is no such kind, or the directions do not fit the model.
    """
    from compute import direction_files
    from compute.directions import center_of
    from compute.plane import Plane, random_plane

    if isinstance(directions, Plane):
        return directions
    if isinstance(directions, str) and directions == "random":
        return random_plane(model, seed=seed, normalize=normalize, ignore=ignore)
    theta = center_of(model)
    if isinstance(directions, str | Path):
        delta, eta = direction_files.read(directions, theta)
        return Plane(theta, delta, eta, kind=Path(directions).name)
    pair = list(directions) if isinstance(directions, tuple | list) else []
    if len(pair) != 2 or not all(isinstance(one, Mapping) for one in pair):
        raise UsageError(
            "directions: expected 'random', a file, a Plane or a pair of mappings of names to "
            f"tensors, got {type(directions).__name__}"
        )
    delta, eta = (direction_files.given(one, theta) for one in pair)
    return Plane(theta, delta, eta, kind="given")


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
